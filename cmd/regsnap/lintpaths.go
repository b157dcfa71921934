package main

import (
	"errors"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/parse"
)

// lintPaths checks packages in folders and archives as they are.
func lintPaths(c *cli.Context, cfg config, reports []reportFile) error {
	started := time.Now()
	for _, flag := range []string{"base", "head", "source"} {
		if c.IsSet(flag) {
			return usagef("--%s is about commits: give it, or paths of packages", flag)
		}
	}
	o := lint.PackagesOptions{Branch: git.WorkBranch}
	var missing string
	if c.String("branch") != "" {
		if _, err := cfg.branch(c.String("branch")); err != nil {
			return err
		}
	}
	var err error
	if o.Specification, o.Checker, missing, err = cfg.checker(c.String("branch"), c.String("spec"), c.String("spec-program")); err != nil {
		return err
	}
	src, err := git.OpenWork(c.Args().Slice(), parse.Identity)
	if err != nil {
		return usageError{err}
	}
	o.Source = src
	result, err := lint.Packages(c.Context, o)
	if errors.Is(err, index.ErrEmptyBranch) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	return finishLint(c, result, reports, started, false, missing)
}
