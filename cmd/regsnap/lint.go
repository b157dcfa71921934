package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/publish"
)

func specFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "spec", Usage: "how far packages must obey the package specification: `LEVEL` off, warn, error or strict (default: the environment's specification, else warn where regsnap-spec is installed)"},
		&cli.StringFlag{Name: "spec-program", Usage: "`FILE` is the regsnap-spec to use (default: that beside regsnap, or on the PATH)", EnvVars: []string{"REGSNAP_SPEC_PROGRAM"}},
	}
}

func lintCommand() *cli.Command {
	return &cli.Command{
		Name:      "lint",
		Category:  groupAuthor,
		Usage:     "check what a push or pull request does to a branch, or packages as they are",
		ArgsUsage: "[PATH…]",
		Description: `With paths it checks packages where you have them, without git: the work tree of a
package storage or of an integrations repository, a folder NAME/VERSION, the folder
of one package, a ready-made NAME-VERSION.zip.

Without, it checks what a change does to a branch: everything that a build would refuse, but only of package versions that
changed between two commits; the overwrite rule of the branch; and the package
specification, if regsnap-spec is installed. Warns of a version that another branch
hides, of one that is in staging and snapshot, of a downgrade, and with --config
git:REF:PATH of a regsnap.yml that differs from that one. Errors end with exit
code 3; each finding names whom to ping.

In a work tree with packages that are not committed these count as if they were, and
the output says so; --head HEAD leaves them out.

The rules are those of --branch. If the head is that branch, it is a push: the base
is where origin has it, or else the commit before. Any other head is a proposal, and
counts from where it left the branch.

   regsnap lint packages/nginx                             packages as they are
   regsnap lint                                            what I am about to push
   regsnap lint --branch production                        what a pull request to it would do
   regsnap lint --branch snapshot --base $BEFORE --head $AFTER
   regsnap lint --branch staging --report sarif=lint.sarif --report junit=lint.xml`,
		Flags: append([]cli.Flag{
			configFlag(), sourceFlag(),
			branchFlag("(its rules apply; default: the branch of HEAD)"),
			&cli.StringFlag{Name: "base", Usage: "the base is `BASE` (a revision, the state before)"},
			&cli.StringFlag{Name: "head", Usage: "check `REV` (default: HEAD; in a bare repository the branch)"},
			&cli.StringSliceFlag{Name: "report", Usage: "also write `FORMAT=FILE`; formats are " + formatNames()},
			annotationsFlag(),
			jsonFlag(),
		}, specFlags()...),
		Action: runLint,
	}
}

// linted is what `regsnap lint --json` prints.
type linted struct {
	Branch string `json:"branch"`
	// Base and Head are nil where packages are checked as they are.
	Base *index.Commit `json:"base,omitempty"`
	Head *index.Commit `json:"head,omitempty"`
	// Uncommitted: Head is HEAD, with what the work tree has beyond it.
	Uncommitted bool `json:"uncommitted,omitempty"`
	// Changes are the package versions that differ.
	Changes  publish.PackageChanges `json:"changes"`
	Errors   []finding              `json:"errors"`
	Warnings []finding              `json:"warnings"`
	Read     lint.Read              `json:"read"`
	// Specification is the version that packages were checked against.
	Specification string  `json:"specification,omitempty"`
	Seconds       float64 `json:"seconds"`
}

func runLint(c *cli.Context) (err error) {
	started := time.Now()
	reports, err := reportFiles(c.StringSlice("report"))
	if err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	if c.Args().Present() {
		return lintPaths(c, cfg, reports)
	}
	src, err := cfg.openGit(c.Context)
	if err != nil {
		return err
	}
	defer closing(&err, "source", src)
	name := c.String("branch")
	if name == "" {
		if name, err = src.HeadBranch(c.Context); err != nil {
			return err
		}
		if name == "" {
			return usagef("HEAD is on no branch: give --branch NAME")
		}
	}
	o := lint.Options{Source: src}
	if o.Branch, err = cfg.branch(name); err != nil {
		return err
	}
	var missing string
	if o.Specification, o.Checker, missing, err = cfg.checker(name, c.String("spec"), c.String("spec-program")); err != nil {
		return err
	}
	head := c.String("head")
	var uncommitted index.ID
	if head == "" {
		if uncommitted, err = src.WorkTree(c.Context); err != nil {
			return err
		}
		if !uncommitted.IsZero() {
			head = uncommitted.String()
		}
	}
	r, err := lint.FindRange(c.Context, src, name, c.String("base"), head)
	if errors.Is(err, index.ErrNoBranch) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	o.Base, o.Head, o.Proposed = r.Base, r.Head, r.Proposed
	result, err := lint.Lint(c.Context, o)
	if errors.Is(err, lint.ErrNoCommon) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	differing, err := settingsDiffer(c.Context, src, cfg.place, name, r.Head)
	if err != nil {
		return err
	}
	result.Report.Warnings = append(result.Report.Warnings, differing...)
	result.Report.Sort()
	return finishLint(c, result, reports, started, !uncommitted.IsZero(), missing)
}

// finishLint writes reports, and shows what was found.
func finishLint(c *cli.Context, result *lint.Result, reports []reportFile, started time.Time, uncommitted bool, missing string) error {
	if uncommitted {
		// It is nobody's commit: whom it would name changed nothing.
		for _, list := range [][]index.Problem{result.Report.Errors, result.Report.Warnings} {
			for i, p := range list {
				if p.Commit != nil && p.Commit.ID == result.Head.ID {
					list[i].Commit = nil
				}
			}
		}
	}
	out := lintedOf(result)
	out.Uncommitted = uncommitted
	out.Seconds = time.Since(started).Seconds()
	for _, f := range reports {
		if err := writeReport(f, result, out); err != nil {
			return err
		}
	}
	return printLinted(c, out, missing)
}

func changesOf(changes []index.Change) publish.PackageChanges {
	out := publish.PackageChanges{Added: []publish.PackageChange{}, Removed: []publish.PackageChange{}, Changed: []publish.PackageChange{}}
	for _, change := range changes {
		e, list := change.Entry(), &out.Changed
		if change.Added() {
			list = &out.Added
		} else if change.Removed() {
			list = &out.Removed
		}
		*list = append(*list, publish.PackageChange{Name: e.Name, Version: e.Version})
	}
	return out
}

func lintedOf(r *lint.Result) linted {
	return linted{
		Branch: r.Branch, Base: r.Base, Head: r.Head, Changes: changesOf(r.Changes), Read: r.Read, Specification: r.Specification,
		Errors: findings(r.Report.Errors), Warnings: findings(r.Report.Warnings),
	}
}

func printLinted(c *cli.Context, out linted, missing string) error {
	failed := error(nil)
	if len(out.Errors) > 0 {
		failed = errors.Join(errReported, build.ErrInvalid)
	}
	if c.Bool("annotations") {
		printAnnotations(c.App.ErrWriter, out.Errors, out.Warnings)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, out), failed)
	}
	printGroups(c.App.ErrWriter, errorScreenOf(c), out.Errors, out.Warnings)
	found := plural(len(out.Errors), "error") + ", " + plural(len(out.Warnings), "warning")
	if out.Base == nil {
		fmt.Fprintf(c.App.Writer, "%s; %s\n", plural(out.Read.Packages, "package version"), found)
	} else {
		fmt.Fprintf(c.App.Writer, "%s: %s added, %d overwritten, %d removed since %.8s%s; %s\n", clean(out.Branch),
			plural(len(out.Changes.Added), "version"), len(out.Changes.Changed), len(out.Changes.Removed), out.Base.Hash, uncommittedNote(out), found)
	}
	fmt.Fprintf(c.App.ErrWriter, "%s, %s and %s read in %.2f s; package specification: %s\n",
		plural(out.Read.Packages, "package"), plural(out.Read.Blobs, "blob"), plural(int(out.Read.YAML), "YAML file"), out.Seconds,
		specificationState(out.Specification, missing))
	return failed
}

func uncommittedNote(out linted) string {
	if out.Uncommitted {
		return ", with what is not committed"
	}
	return ""
}

func specificationState(version, missing string) string {
	switch {
	case version != "":
		return clean(version)
	case missing != "":
		return "not checked, " + missing
	}
	return "not checked"
}

// reportFile is one --report.
type reportFile struct{ format, file string }

func reportFiles(values []string) ([]reportFile, error) {
	var out []reportFile
	for _, v := range values {
		format, file, ok := strings.Cut(v, "=")
		if !ok || file == "" || !formats[format] {
			return nil, usagef("--report %q: want FORMAT=FILE, FORMAT one of %s", v, formatNames())
		}
		out = append(out, reportFile{format, file})
	}
	return out, nil
}

func writeReport(f reportFile, r *lint.Result, out linted) error {
	var b bytes.Buffer
	var err error
	switch f.format {
	case "json":
		err = printJSON(&b, out)
	case "junit":
		err = lint.WriteJUnit(&b, r)
	case "sarif":
		err = lint.WriteSARIF(&b, release, r.Report)
	case "github":
		printAnnotations(&b, out.Errors, out.Warnings)
	}
	if err != nil {
		return fmt.Errorf("report %s: %w", f.format, err)
	}
	return os.WriteFile(f.file, b.Bytes(), 0o666)
}
