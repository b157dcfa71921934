package index

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
)

// Change is what became of one package version between two states of a branch.
// An archive whose signature changed has changed.
type Change struct {
	// Old is the entry before, New the one after. Old.Name is empty for one that
	// was added, New.Name for one that was removed.
	Old, New Entry
}

// Added, Removed and Overwritten tell what kind of change it is.
func (c Change) Added() bool       { return c.Old.Name == "" }
func (c Change) Removed() bool     { return c.New.Name == "" }
func (c Change) Overwritten() bool { return !c.Added() && !c.Removed() }

// Entry is the one that is there, or the one that was.
func (c Change) Entry() Entry {
	if c.Removed() {
		return c.Old
	}
	return c.New
}

// SameContent tells whether two entries hold the same: by their git ids.
func (e Entry) SameContent(o Entry) bool {
	return e.Tree == o.Tree && e.Archive == o.Archive && e.Signature == o.Signature
}

// Changes lists what became of package versions from one state of a branch to
// another, sorted by name, then by version text.
func Changes(base, head *Branch) []Change {
	var out []Change
	a, b := base.Entries, head.Entries
	for len(a) > 0 || len(b) > 0 {
		switch c := compareEntries(a, b); {
		case c < 0:
			out, a = append(out, Change{Old: a[0]}), a[1:]
		case c > 0:
			out, b = append(out, Change{New: b[0]}), b[1:]
		default:
			if !a[0].SameContent(b[0]) {
				out = append(out, Change{Old: a[0], New: b[0]})
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// compareEntries orders the first of two lists, of which one may be empty.
func compareEntries(a, b []Entry) int {
	if len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(b), len(a))
	}
	return cmp.Or(cmp.Compare(a[0].Name, b[0].Name), cmp.Compare(a[0].Version, b[0].Version))
}

// Compare lists two states of a branch as far as they can differ: only the
// packages whose directory has another git id are looked at, so the work is in
// proportion to the change. branch is the name that the result goes by; head is
// the state that LastChange of that name counts from.
func (s *GitSource) Compare(ctx context.Context, branch string, base, head ID) (before, after *Branch, err error) {
	var commits [2]*Commit
	var packages [2][]treeEntry
	for i, id := range []ID{base, head} {
		var root ID
		if commits[i], root, err = s.commit(ctx, id); err == nil {
			packages[i], err = s.packagesOf(ctx, root)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("branch %s at commit %.12s: %w", branch, id, err)
		}
	}
	packages[0], packages[1] = differing(packages[0], packages[1])
	var out [2]*Branch
	for i := range out {
		if out[i], err = s.sortOut(ctx, branch, commits[i], packages[i]); err != nil {
			return nil, nil, fmt.Errorf("branch %s at commit %.12s: %w", branch, commits[i].Hash, err)
		}
	}
	s.mu.Lock()
	s.resolved[branch] = commits[1].ID
	s.mu.Unlock()
	return out[0], out[1], nil
}

// BranchPart is the state of a branch at a commit: of the named packages, or of
// all if names is nil, and what lies beside the directories of packages. A branch
// without any is no error.
func (s *GitSource) BranchPart(ctx context.Context, branch string, commit ID, names map[string]bool) (*Branch, error) {
	c, root, err := s.commit(ctx, commit)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", branch, err)
	}
	packages, err := s.packagesOf(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("branch %s at commit %.12s: %w", branch, c.Hash, err)
	}
	packages = slices.DeleteFunc(slices.Clone(packages), func(e treeEntry) bool { return names != nil && e.isTree() && !names[e.name] })
	b, err := s.sortOut(ctx, branch, c, packages)
	if err != nil {
		return nil, fmt.Errorf("branch %s at commit %.12s: %w", branch, c.Hash, err)
	}
	return b, nil
}

// differing keeps of two lists what a package has a part of that is not the same
// in both: its directory, and archives and signatures that bear its name.
func differing(a, b []treeEntry) ([]treeEntry, []treeEntry) {
	changed := map[string]bool{}
	note := func(list, other []treeEntry) {
		there := make(map[treeEntry]bool, len(other))
		for _, e := range other {
			there[e] = true
		}
		for _, e := range list {
			if !there[e] {
				changed[e.packageName()] = true
			}
		}
	}
	note(a, b)
	note(b, a)
	keep := func(list []treeEntry) (out []treeEntry) {
		for _, e := range list {
			if changed[e.packageName()] {
				out = append(out, e)
			}
		}
		return out
	}
	return keep(a), keep(b)
}

// packageName is the package that an entry of packages/ is about, as far as its
// name tells.
func (e treeEntry) packageName() string {
	name, _, _ := strings.Cut(e.name, "-")
	return name
}
