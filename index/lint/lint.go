// Package lint judges what a push or a pull request does to a branch of a
// package storage: by everything that a build would refuse, by the branch's
// overwrite rule, and by the package specification. It looks at nothing but what
// changed. Audit does the same for history.
package lint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// Overwrite is whether a released version of a package may change.
type Overwrite string

const (
	Never    Overwrite = "never"     // nor be removed
	IfNeeded Overwrite = "if-needed" // it is said, and allowed
	Always   Overwrite = "always"
)

// ErrNoCommon: a proposal and its branch have no common commit.
var ErrNoCommon = errors.New("no common commit")

// Branch is a branch and its rules.
type Branch struct {
	Name      string
	Overwrite Overwrite
	// Above are the branches that hide its packages, the most important first;
	// Below are those whose packages it hides.
	Above, Below []Branch
}

// Options say what to check.
type Options struct {
	Source *git.GitSource
	Branch Branch
	// Base is the state before, Head the one after.
	Base, Head index.ID
	// Proposed: Head is a proposal (a pull request) and may be behind Base: what
	// Base got since the two parted is not Head's doing.
	Proposed bool
	Limits   index.Limits
	// Tips are states of other branches that count instead of where they are.
	Tips map[string]index.ID
	// Specification says how far packages must obey it; Checker looks.
	Specification Level
	Checker       Checker
}

// Result is what was found, and what it took.
type Result struct {
	Branch string
	// Base and Head are the commits that were compared.
	Base, Head *index.Commit
	Changes    []index.Change
	Report     index.Findings
	Read       Read
	// Specification is the version that packages were checked against; empty
	// when they were not.
	Specification string
}

// Read counts what was read.
type Read struct {
	Blobs    int   `json:"blobs"`
	YAML     int64 `json:"yaml_parsed"`
	Packages int   `json:"packages"`
}

// linter is one run of Lint.
type linter struct {
	Options
	source *counted
	loader *parse.Loader
	result *Result
	// released is what Base holds of the versions that changed.
	released map[version]index.Entry
	owners   map[version]string
	commits  map[string]*index.Commit
}

type version struct{ name, version string }

func versionOf(e index.Entry) version { return version{e.Name, e.Version} }

// counted counts the contents that are read.
type counted struct {
	index.Source
	blobs atomic.Int64
}

func (s *counted) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	s.blobs.Add(int64(len(ids)))
	return s.Source.Read(ctx, ids, fn)
}

func (s *counted) Prefetch(ctx context.Context, entries []index.Entry) error {
	if p, ok := s.Source.(index.Prefetcher); ok {
		return p.Prefetch(ctx, entries)
	}
	return nil
}

// Lint judges a change. What is wrong with packages is in the report of the
// result; the error is about the source, the checker or the context.
func Lint(ctx context.Context, o Options) (*Result, error) {
	return newLinter(o, o.Source).finish(ctx, (*linter).run)
}

func newLinter(o Options, s index.Source) *linter {
	source := &counted{Source: s}
	return &linter{
		Options: o, source: source, result: &Result{Branch: o.Branch.Name},
		loader:   &parse.Loader{Source: source, Parser: parse.NewParser(), Limits: o.Limits},
		released: map[version]index.Entry{}, owners: map[version]string{}, commits: map[string]*index.Commit{},
	}
}

// finish runs a linter and counts what it read.
func (l *linter) finish(ctx context.Context, run func(*linter, context.Context) error) (*Result, error) {
	if err := run(l, ctx); err != nil {
		return nil, err
	}
	l.result.Report.Sort()
	stats := l.loader.Parser.Stats()
	l.result.Read.YAML = stats.Manifests + stats.DataStreams + stats.Fields + stats.Pipelines
	l.result.Read.Blobs = int(l.source.blobs.Load())
	return l.result, nil
}

func (l *linter) run(ctx context.Context) error {
	from, err := l.parted(ctx)
	if err != nil {
		return err
	}
	before, after, err := l.Source.Compare(ctx, l.Branch.Name, from, l.Head)
	if err != nil {
		return err
	}
	l.result.Base, l.result.Head = before.Commit, after.Commit
	l.listing(ctx, before, after)
	if err := l.findReleased(ctx, from, before, index.Changes(before, after)); err != nil {
		return err
	}
	return l.judge(ctx)
}

// judge holds the changes that were found to every rule.
func (l *linter) judge(ctx context.Context) error {
	loaded, err := l.load(ctx)
	if err != nil {
		return err
	}
	others, err := l.others(ctx)
	if err != nil {
		return err
	}
	for _, c := range l.result.Changes {
		l.overwrite(ctx, c)
		if !c.Removed() {
			l.elsewhere(ctx, c.New, others)
		}
	}
	l.owned(others)
	l.downgrades(ctx, others)
	return l.specification(ctx, loaded)
}

// parted is the state that Head's changes are counted from.
func (l *linter) parted(ctx context.Context) (index.ID, error) {
	if !l.Proposed {
		return l.Base, nil
	}
	at, err := l.Source.MergeBase(ctx, l.Base, l.Head)
	if err == nil && at.IsZero() {
		// To compare with Base itself would take what came there since for removed.
		err = fmt.Errorf("%w: %.12s and %.12s have none here: fetch more of the history (git fetch --unshallow), or merge the branch first", ErrNoCommon, l.Base, l.Head)
	}
	return at, err
}

// listing reports what is wrong beside packages, as far as it is new.
func (l *linter) listing(ctx context.Context, before, after *index.Branch) {
	fresh := func(now, old []index.Problem) (out []index.Problem) {
		for _, p := range now {
			if !slices.Contains(old, p) {
				l.blame(ctx, p.File, &p)
				out = append(out, p)
			}
		}
		return out
	}
	l.result.Report.Errors = fresh(after.Found.Errors, before.Found.Errors)
	l.result.Report.Warnings = fresh(after.Found.Warnings, before.Found.Warnings)
}

// findReleased finds what the branch holds now of the versions that changed, and
// forgets the changes that it has already.
func (l *linter) findReleased(ctx context.Context, from index.ID, before *index.Branch, changes []index.Change) error {
	tip := before
	if from != l.Base {
		names := map[string]bool{}
		for _, c := range changes {
			names[c.Entry().Name] = true
		}
		var err error
		if tip, err = l.Source.BranchPart(ctx, l.Branch.Name, l.Base, names); err != nil {
			return err
		}
	}
	for _, e := range tip.Entries {
		l.released[versionOf(e)] = e
	}
	for _, c := range changes {
		old, there := l.released[versionOf(c.Entry())]
		switch {
		case c.Removed() && !there, there && !c.Removed() && old.SameContent(c.New):
			continue // the branch is there already
		}
		l.result.Changes = append(l.result.Changes, index.Change{Old: old, New: c.New})
	}
	return nil
}

// load reads and parses what was added or overwritten.
func (l *linter) load(ctx context.Context) ([]*parse.Loaded, error) {
	var entries []index.Entry
	for _, c := range l.result.Changes {
		if !c.Removed() {
			entries = append(entries, c.New)
		}
	}
	l.result.Read.Packages = len(entries)
	loaded, err := l.loader.Load(ctx, entries, &l.result.Report)
	if err != nil {
		return nil, err
	}
	for i := range l.result.Report.Warnings {
		p := &l.result.Report.Warnings[i]
		if p.Commit == nil && p.Version != "" {
			l.blame(ctx, "packages/"+p.Package+"/"+p.Version, p)
		}
	}
	for i, e := range entries {
		if loaded[i] != nil && loaded[i].Package.Owner != nil {
			l.owners[versionOf(e)] = loaded[i].Package.Owner.Github
		}
	}
	return loaded, nil
}

// blame adds the commit that last touched a path.
func (l *linter) blame(ctx context.Context, path string, p *index.Problem) {
	commit, known := l.commits[path]
	if !known {
		one := []index.Problem{{}}
		index.Blame(ctx, l.source, l.Branch.Name, path, one)
		commit = one[0].Commit
		l.commits[path] = commit
	}
	p.Commit = commit
}

// finding makes a finding about an entry, with whom to ping.
func (l *linter) finding(ctx context.Context, e index.Entry, rule index.Rule, format string, args ...any) index.Problem {
	p := index.Problem{Branch: l.Branch.Name, Package: e.Name, Version: e.Version, File: e.Path, Rule: rule, Detail: fmt.Sprintf(format, args...)}
	owner, known := l.owners[versionOf(e)]
	if !known {
		owner = l.loader.Owner(ctx, e)
		l.owners[versionOf(e)] = owner
	}
	p.Owner = owner
	l.blame(ctx, e.Path, &p)
	return p
}

func (l *linter) warn(p index.Problem) {
	l.result.Report.Warnings = append(l.result.Report.Warnings, p)
}

// names are the packages that changed.
func (l *linter) names() map[string]bool {
	names := map[string]bool{}
	for _, c := range l.result.Changes {
		names[c.Entry().Name] = true
	}
	return names
}
