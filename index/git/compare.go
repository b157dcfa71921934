package git

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Compare lists two states of a branch as far as they can differ: only the
// packages whose directory has another git id are looked at, so the work is in
// proportion to the change. branch is the name that the result goes by; head is
// the state that LastChange of that name counts from.
func (s *GitSource) Compare(ctx context.Context, branch string, base, head index.ID) (before, after *index.Branch, err error) {
	var commits [2]*index.Commit
	var packages [2][]treeEntry
	for i, id := range []index.ID{base, head} {
		var root index.ID
		if commits[i], root, err = s.commit(ctx, id); err == nil {
			packages[i], err = s.packagesOf(ctx, root)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("branch %s at commit %.12s: %w", branch, id, err)
		}
	}
	packages[0], packages[1] = differing(packages[0], packages[1])
	var out [2]*index.Branch
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
func (s *GitSource) BranchPart(ctx context.Context, branch string, commit index.ID, names map[string]bool) (*index.Branch, error) {
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
