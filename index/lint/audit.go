package lint

import (
	"context"
	"fmt"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// Audit is what the history of a branch did to versions after their release.
type Audit struct {
	Branch string `json:"branch"`
	// Commits is how many pushes and merges were looked at, Versions how many
	// package versions these released.
	Commits  int `json:"commits"`
	Versions int `json:"versions"`
	// From is the oldest commit. What was done before it is not known when
	// Shallow: the clone does not hold all of the history.
	From     *index.Commit  `json:"from,omitempty"`
	Shallow  bool           `json:"shallow,omitempty"`
	Findings []AuditFinding `json:"rewrites"`
}

// The kinds of AuditFinding.
const (
	auditChanged = "changed"
	auditRemoved = "removed"
	// auditReturned: it was removed before, and came back with another content.
	auditReturned = "returned"
)

// AuditFinding is one commit that did something to one released version.
type AuditFinding struct {
	Package string `json:"package"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
	// Commit is the push or merge that did it to the branch.
	Commit *index.Commit `json:"change"`
	// By is the commit that a merge brought along; nil when it is Commit.
	By *index.Commit `json:"merged_from,omitempty"`
	// Released is the commit that put the version on the branch.
	Released *index.Commit `json:"released"`
	// Owner is whom the manifest named before.
	Owner string           `json:"owner,omitempty"`
	Files []git.FileChange `json:"files"`
}

// AuditOptions say what to look at.
type AuditOptions struct {
	Source *git.GitSource
	Branch string
	// Since leaves out what was done before; zero is all. The history before it
	// is read all the same: it tells what was released.
	Since time.Time
}

// auditor follows the versions of a branch through its history.
type auditor struct {
	AuditOptions
	loader   *parse.Loader
	out      *Audit
	released map[version]*index.Commit
	removed  map[version]index.Entry
}

// RunAudit finds every commit that changed or removed a package version after
// its release. A version is released once it is on the branch: what a pull
// request does to its own versions before it is merged does not count.
func RunAudit(ctx context.Context, o AuditOptions) (*Audit, error) {
	a := &auditor{
		AuditOptions: o, loader: &parse.Loader{Source: o.Source, Parser: parse.NewParser()},
		out:      &Audit{Branch: o.Branch, Findings: []AuditFinding{}},
		released: map[version]*index.Commit{}, removed: map[version]index.Entry{},
	}
	h, err := o.Source.History(ctx, o.Branch, func(step git.Step) error { return a.step(ctx, step) })
	if err != nil {
		return nil, err
	}
	a.out.Commits, a.out.Shallow, a.out.Versions = h.Commits, h.Shallow, len(a.released)
	return a.out, nil
}

func (a *auditor) step(ctx context.Context, step git.Step) error {
	if a.out.From == nil {
		a.out.From = step.Commit
	}
	for _, c := range step.Changes {
		v := versionOf(c.Entry())
		switch {
		case c.Removed():
			a.removed[v] = c.Old
			if err := a.found(ctx, step, c, auditRemoved); err != nil {
				return err
			}
		case c.Overwritten():
			if err := a.found(ctx, step, c, auditChanged); err != nil {
				return err
			}
		default:
			old, gone := a.removed[v]
			delete(a.removed, v)
			if gone && !old.SameContent(c.New) {
				if err := a.found(ctx, step, index.Change{Old: old, New: c.New}, auditReturned); err != nil {
					return err
				}
			}
			if !gone {
				a.released[v] = step.Commit
			}
		}
	}
	return nil
}

// found notes a finding, if it is not too old.
func (a *auditor) found(ctx context.Context, step git.Step, c index.Change, kind string) error {
	if step.Commit.Time.Before(a.Since) {
		return nil
	}
	e := c.Entry()
	f := AuditFinding{Package: e.Name, Version: e.Version, Kind: kind, Commit: step.Commit, Released: a.released[versionOf(e)]}
	var err error
	if f.Files, err = a.Source.ChangedFiles(ctx, c); err != nil {
		return fmt.Errorf("commit %.12s: %s: %w", step.Commit.Hash, e.Path, err)
	}
	f.Owner = a.loader.Owner(ctx, c.Old)
	if step.Parents > 1 {
		by, err := a.Source.LastChangeFrom(ctx, step.Commit.ID, e.Path)
		if err != nil {
			return err
		}
		if by != nil && by.ID != step.Commit.ID {
			f.By = by
		}
	}
	a.out.Findings = append(a.out.Findings, f)
	return nil
}
