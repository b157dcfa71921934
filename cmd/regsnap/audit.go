package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/lint"
)

func auditCommand() *cli.Command {
	return &cli.Command{
		Name:     "audit",
		Category: groupAuthor,
		Usage:    "find commits that changed or removed released versions",
		Description: `Walks the history of a branch and lists every push and merge that changed or
removed a package version after its release, with author, date and files. What the
overwrite rule of the branch forbids is counted and ends with exit code 3: of a
branch that never overwrites each finding, of the others none.

A version is released once it is on the branch, by its first parents: what a pull
request changed of its own versions before it was merged is no finding. Of a merge
the commit that it brought along is named as well.

   regsnap audit --branch production
   regsnap audit --branch production --since 2024-01-01 --json
   regsnap audit --branch staging --overwrite never`,
		Flags: []cli.Flag{
			configFlag(), sourceFlag(),
			branchFlag(),
			&cli.StringFlag{Name: "since", Usage: "leave out what was done before `DATE` (2024-01-31, or RFC 3339)"},
			&cli.StringFlag{Name: "overwrite", Usage: "hold the branch to `RULE` never, if-needed or always (default: that of its environment)"},
			&cli.BoolFlag{Name: "files", Usage: "list all files of each finding"},
			jsonFlag(),
		},
		Action: runAudit,
	}
}

// audited is what `regsnap audit --json` prints.
type audited struct {
	*lint.Audit
	Overwrite lint.Overwrite `json:"overwrite"`
	// Violations is how many findings the rule forbids.
	Violations int     `json:"violations"`
	Seconds    float64 `json:"seconds"`
}

func runAudit(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	started := time.Now()
	since, err := date(c.String("since"))
	if err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	name := c.String("branch")
	if name == "" {
		return usagef("which branch? Give --branch NAME; there are %s", strings.Join(cfg.ownBranches(), ", "))
	}
	rule := lint.Overwrite(c.String("overwrite"))
	if rule == "" {
		b, err := cfg.branch(name)
		if err != nil {
			return err
		}
		rule = b.Overwrite
	}
	if rule != lint.Never && rule != lint.IfNeeded && rule != lint.Always {
		return usagef("--overwrite %q is not a rule: want never, if-needed or always", rule)
	}
	src, err := cfg.openGit(c.Context)
	if err != nil {
		return err
	}
	defer closing(&err, "source", src)
	a, err := lint.RunAudit(c.Context, lint.AuditOptions{Source: src, Branch: name, Since: since})
	if errors.Is(err, index.ErrNoBranch) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	out := audited{Audit: a, Overwrite: rule, Seconds: time.Since(started).Seconds()}
	failed := error(nil)
	if rule == lint.Never && len(a.Findings) > 0 {
		out.Violations = len(a.Findings)
		failed = errors.Join(errReported, build.ErrInvalid)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, out), failed)
	}
	printAudit(c, out)
	return failed
}

// date reads a day, or a time, in UTC.
func date(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(form, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, usagef("--since %q: want a day such as 2024-01-31, or a time such as 2024-01-31T12:00:00Z", s)
}

// auditFiles is how many files of a finding a text report names.
const auditFiles = 3

func printAudit(c *cli.Context, out audited) {
	w := c.App.Writer
	for _, f := range out.Findings {
		fmt.Fprintf(w, "%s  %s-%s %s by %s in %.8s: %s\n", when(f.Commit.Time), clean(f.Package), clean(f.Version), f.Kind,
			clean(f.Commit.Author), f.Commit.Hash, clean(shortened(f.Commit.Subject)))
		if f.By != nil {
			fmt.Fprintf(w, "    merged from %.8s by %s: %s\n", f.By.Hash, clean(f.By.Author), clean(shortened(f.By.Subject)))
		}
		if f.Released != nil {
			fmt.Fprintf(w, "    released %s by %s in %.8s", when(f.Released.Time), clean(f.Released.Author), f.Released.Hash)
			if f.Owner != "" {
				fmt.Fprintf(w, "; ping @%s", clean(strings.TrimPrefix(f.Owner, "@")))
			}
			fmt.Fprintln(w)
		}
		for i, file := range f.Files {
			if i == auditFiles && !c.Bool("files") {
				fmt.Fprintf(w, "    … and %s (--files lists all)\n", plural(len(f.Files)-i, "more file"))
				break
			}
			fmt.Fprintf(w, "    %-7s %s\n", file.Kind, clean(file.Path))
		}
	}
	allowed := ""
	if len(out.Findings) > 0 && out.Violations == 0 {
		allowed = ", which overwrite: " + string(out.Overwrite) + " allows"
	}
	fmt.Fprintf(w, "%s: %s to released versions%s; %s released by %s since %s\n", clean(out.Branch), plural(len(out.Findings), "change"), allowed,
		plural(out.Versions, "version"), plural(out.Commits, "commit"), when(out.From.Time))
	if out.Shallow {
		fmt.Fprintln(c.App.ErrWriter, "the clone is shallow: what was done before that commit is not known; git fetch --unshallow gets it")
	}
}
