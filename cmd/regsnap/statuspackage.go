package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
)

// packageStatus is what `regsnap status NAME --json` prints.
type packageStatus struct {
	Package string `json:"package"`
	// Versions are those that are live somewhere, or in a branch of the source; the
	// newest first.
	Versions []versionStatus `json:"versions"`
}

// versionStatus is where a version of a package is.
type versionStatus struct {
	Version string   `json:"version"`
	LiveIn  []liveIn `json:"live_in"`
	// Branches are those of the source that hold it; missing without a source.
	Branches []string `json:"branches,omitempty"`
	// Next is how it gets to the next branch; missing if it need not.
	Next *nextBranch `json:"next,omitempty"`
}

// liveIn is an environment in which a version is live.
type liveIn struct {
	Environment string `json:"environment"`
	find.Period
}

// nextBranch is what a promotion takes. Of a source it says what lint would say.
type nextBranch struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Since is when it came to From; AtLeast where the clone's history begins later.
	Since   time.Time `json:"since,omitzero"`
	AtLeast bool      `json:"at_least,omitempty"`
	// ByPullRequest tells that To only gets packages by pull request: those who may
	// merge there approve.
	ByPullRequest bool      `json:"by_pull_request"`
	Owner         string    `json:"owner,omitempty"`
	Checked       bool      `json:"checked"`
	Errors        []finding `json:"errors,omitempty"`
	Warnings      []finding `json:"warnings,omitempty"`
	Command       string    `json:"command"`
}

func runPackageStatus(c *cli.Context, cfg config, bucket *publish.Bucket, src source) error {
	q, ok := find.ParseQuery(c.Args().First())
	if !ok {
		return usagef("%q is not a package: want NAME, or NAME-VERSION such as nginx-1.2.3", c.Args().First())
	}
	found, known, faults, err := findIn(c.Context, cfg, bucket, c.StringSlice("env"), q)
	if err != nil {
		return err
	}
	repo, isGit := src.(*git.GitSource)
	if isGit {
		if err := addChanges(c.Context, repo, found); err != nil {
			return err
		}
	}
	s := &packageStatus{Package: q.Name, Versions: []versionStatus{}}
	for _, f := range found {
		if f.Live {
			v := s.version(f.Version)
			v.LiveIn = append(v.LiveIn, liveIn{f.Environment, f.Periods[0]})
		}
	}
	if isGit {
		err = s.addBranches(c.Context, cfg, repo, q, known)
	} else {
		s.guessBranches(cfg)
	}
	if err != nil {
		return err
	}
	if len(s.Versions) == 0 {
		return errors.Join(errNotFound(q, known), faults)
	}
	slices.SortFunc(s.Versions, func(a, b versionStatus) int { return find.Newer(a.Version, b.Version) })
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, s), faults)
	}
	return errors.Join(printPackageStatus(c.App.Writer, screenOf(c), s, isGit, time.Now()), faults)
}

func (s *packageStatus) version(version string) *versionStatus {
	i := slices.IndexFunc(s.Versions, func(v versionStatus) bool { return v.Version == version })
	if i < 0 {
		i = len(s.Versions)
		s.Versions = append(s.Versions, versionStatus{Version: version, LiveIn: []liveIn{}})
	}
	return &s.Versions[i]
}

// addBranches says which branches of a repository hold what, what waits for the next
// branch, and what lint says of that.
func (s *packageStatus) addBranches(ctx context.Context, cfg config, repo *git.GitSource, q find.Query, known map[string][]string) error {
	board, err := promote.NewBoard(ctx, repo, cfg.ownBranches())
	if err != nil {
		return err
	}
	for _, p := range board.Packages {
		for _, branch := range board.Branches {
			for _, version := range p.Versions[branch] {
				known[p.Name] = append(known[p.Name], version)
				if p.Name == q.Name && (q.Version == "" || q.Version == version) {
					v := s.version(version)
					v.Branches = append(v.Branches, branch)
				}
			}
		}
		if p.Name != q.Name {
			continue
		}
		for _, w := range p.Waiting {
			if q.Version != "" && q.Version != w.Version {
				continue
			}
			next := s.next(cfg, w.Branch, w.Version)
			if next == nil {
				continue
			}
			next.Since, next.AtLeast = w.Since, w.AtLeast
			if err := next.judge(ctx, cfg, repo, index.Entry{Branch: w.Branch, Name: q.Name, Version: w.Version}); err != nil {
				return err
			}
			s.version(w.Version).Next = next
		}
	}
	return nil
}

// guessBranches says, by what is live alone, which versions are not in the first branch.
func (s *packageStatus) guessBranches(cfg config) {
	newest := "" // in the branches that were looked at
	for _, branch := range cfg.ownBranches() {
		highest := newest
		for i := range s.Versions {
			v := &s.Versions[i]
			if !slices.ContainsFunc(v.LiveIn, func(l liveIn) bool { return l.Branch == branch }) {
				continue
			}
			if newest == "" || find.Newer(v.Version, newest) < 0 {
				v.Next = s.next(cfg, branch, v.Version)
			}
			if highest == "" || find.Newer(v.Version, highest) < 0 {
				highest = v.Version
			}
		}
		newest = highest
	}
}

// next is the way of a version from a branch to the one of the next higher precedence;
// nil if there is none.
func (s *packageStatus) next(cfg config, from, version string) *nextBranch {
	branches := cfg.ownBranches()
	at := slices.Index(branches, from)
	if at < 1 {
		return nil
	}
	to := branches[at-1]
	n := &nextBranch{From: from, To: to}
	if rule, err := cfg.branch(to); err == nil {
		n.ByPullRequest = rule.Overwrite == lint.Never
	}
	source := ""
	if cfg.Source != "" && cfg.Source != "git:." && strings.HasPrefix(cfg.Source, "git:") {
		source = " --source " + shellQuote(cfg.Source)
	}
	n.Command = fmt.Sprintf("regsnap promote%s --from %s --to %s %s", source, shellQuote(from), shellQuote(to), shellQuote(s.Package+"-"+version))
	return n
}

// judge asks lint what it would say of the promotion.
func (n *nextBranch) judge(ctx context.Context, cfg config, repo *git.GitSource, want index.Entry) error {
	to, err := cfg.branch(n.To)
	if err != nil {
		return err
	}
	from, err := repo.Branch(ctx, n.From)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(from.Entries, func(e index.Entry) bool { return e.Name == want.Name && e.Version == want.Version })
	if at < 0 {
		return fmt.Errorf("%s left %s while it was read: run again", want.Name+"-"+want.Version, n.From)
	}
	o := lint.Options{Source: repo, Branch: to}
	if o.Specification, o.Checker, _, err = cfg.checker(n.To, "", ""); err != nil {
		return err
	}
	r, owner, err := lint.Incoming(ctx, o, from.Entries[at])
	if err != nil {
		return err
	}
	n.Checked, n.Owner = true, owner
	n.Errors, n.Warnings = findings(r.Report.Errors), findings(r.Report.Warnings)
	return nil
}

func printPackageStatus(w io.Writer, s screen, p *packageStatus, source bool, now time.Time) error {
	fmt.Fprintln(w, p.Package)
	t := table{columns: []column{
		{title: "VERSION", least: 10}, {title: "BRANCHES", least: 8, drop: 4}, {title: "LIVE IN"}, {title: "SINCE"}, {title: "COMMIT", drop: 1}, {title: "AUTHOR", least: 8, drop: 2}, {title: "SUBJECT", least: 12, drop: 3},
	}}
	for _, v := range p.Versions {
		version, branches := cell{text: clean(v.Version)}, cell{text: strings.Join(v.Branches, ", ")}
		if len(v.LiveIn) == 0 {
			t.row(version, branches, cell{text: "nowhere", colour: dim})
		}
		for i, l := range v.LiveIn {
			if i > 0 {
				version, branches = cell{}, cell{}
			}
			commit, author, subject := origin(l.Period)
			t.row(version, branches, cell{text: l.Environment, colour: green}, sinceCell(l.Period, now),
				cell{text: commit[:min(12, len(commit))], short: commit[:min(8, len(commit))]}, cell{text: clean(author)}, cell{text: clean(subject)})
		}
	}
	if err := t.write(w, s); err != nil {
		return err
	}
	for _, v := range p.Versions {
		if v.Next != nil {
			printNext(w, s, v.Version, v.Next, now)
		}
	}
	if !source {
		fmt.Fprintln(w, "\n--source git:PATH also says what each branch holds, and what is missing to move on")
	}
	return nil
}

func printNext(w io.Writer, s screen, version string, n *nextBranch, now time.Time) {
	fmt.Fprintf(w, "\n%s is in %s and not in %s", clean(version), n.From, n.To)
	if !n.Since.IsZero() {
		came := ", since "
		if n.AtLeast {
			came = ", since before "
		}
		fmt.Fprintf(w, "%s%s", came, agoCell(n.Since, now).text)
	}
	fmt.Fprintln(w)
	if n.Owner != "" {
		fmt.Fprintf(w, "  owner: @%s\n", clean(strings.TrimPrefix(n.Owner, "@")))
	}
	if n.ByPullRequest {
		fmt.Fprintf(w, "  %s changes by pull request: those who may merge there approve\n", n.To)
	}
	switch {
	case !n.Checked:
	case len(n.Errors)+len(n.Warnings) == 0:
		fmt.Fprintln(w, "  lint has no objection")
	default:
		printFindings(w, s, n.Errors, n.Warnings)
	}
	if len(n.Errors) > 0 {
		fmt.Fprintf(w, "  once that is mended:\n")
	}
	fmt.Fprintf(w, "  %s\n", n.Command)
}
