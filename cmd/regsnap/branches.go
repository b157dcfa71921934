package main

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
)

// own is the branch that an environment is about: the last one that it shows.
func (e environment) own() string { return e.Branches[len(e.Branches)-1] }

// ownerOf is the environment whose own branch that is; the one that shows the
// fewest branches, if there are several.
func (c config) ownerOf(branch string) (environment, bool) {
	for _, name := range c.names() {
		if e := c.Environments[name]; e.own() == branch {
			return e, true
		}
	}
	return environment{}, false
}

// rule is a branch with its overwrite rule alone.
func (c config) rule(branch string) lint.Branch {
	b := lint.Branch{Name: branch, Overwrite: lint.Never}
	if e, ok := c.ownerOf(branch); ok {
		b.Overwrite = lint.Overwrite(e.Overwrite)
	}
	return b
}

// branch is a branch with its rules, by the environments that show it.
func (c config) branch(name string) (lint.Branch, error) {
	e, ok := c.ownerOf(name)
	if !ok {
		return lint.Branch{}, usagef("branch %q is the last one of no environment, so there are no rules for it: there are %s", name, strings.Join(c.ownBranches(), ", "))
	}
	b := c.rule(name)
	for _, above := range e.Branches[:len(e.Branches)-1] {
		b.Above = append(b.Above, c.rule(above))
	}
	seen := map[string]bool{}
	for _, env := range c.names() {
		branches := c.Environments[env].Branches
		at := slices.Index(branches, name)
		if at < 0 {
			continue
		}
		for _, below := range branches[at+1:] {
			if !seen[below] {
				seen[below] = true
				b.Below = append(b.Below, c.rule(below))
			}
		}
	}
	return b, nil
}

// ownBranches are the branches that have rules, those of the environments with
// fewer branches first: production, staging, snapshot.
func (c config) ownBranches() []string {
	var out []string
	for _, name := range c.names() {
		if own := c.Environments[name].own(); !slices.Contains(out, own) {
			out = append(out, own)
		}
	}
	return out
}

// openGit opens the source, which must be a repository: folders have no history.
func (c config) openGit(ctx context.Context) (*git.GitSource, error) {
	if c.Source == "" {
		c.Source = "git:."
	}
	path, ok := strings.CutPrefix(c.Source, "git:")
	if !ok || path == "" {
		return nil, usagef("source %q: this command needs a git repository: want git:PATH", c.Source)
	}
	if isURL(path) {
		return nil, errGitURL(c.Source, path)
	}
	return git.OpenGit(ctx, path)
}

// checker finds how far packages that come to a branch must obey the package
// specification, and the program that knows it. Where neither was asked for by
// name the program may be missing, and missing says so.
func (c config) checker(branch, level, program string) (_ lint.Level, _ lint.Checker, missing string, err error) {
	e, _ := c.ownerOf(branch)
	asked := level != "" || e.Specification != "" || program != ""
	l := lint.Level(cmp.Or(level, e.Specification, string(lint.Warn)))
	if !l.Valid() {
		return "", nil, "", usagef("--spec %q is not a level: want off, warn, error or strict", level)
	}
	if l == lint.Off {
		return l, nil, "", nil
	}
	found, err := lint.FindProgram(program)
	switch {
	case err == nil:
		return l, found, "", nil
	case asked:
		return "", nil, "", usagef("the package specification is asked for, but %s is not installed (go install github.com/regsnap/regsnap/cmd/%[1]s@latest; mind its license): %w", lint.SpecProgram, err)
	}
	return lint.Off, nil, lint.SpecProgram + " is not installed", nil
}

// formats are what --report can write.
var formats = map[string]bool{"json": true, "junit": true, "sarif": true, "github": true}

func formatNames() string { return strings.Join(slices.Sorted(maps.Keys(formats)), ", ") }
