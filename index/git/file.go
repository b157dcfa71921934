package git

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// maxWholeFile bounds what File reads: settings, not contents of packages.
const maxWholeFile = 1 << 20

// File reads one file of a commit, and reports what the commit was found by. at is
// a branch, which is found as Branch finds it; REMOTE/BRANCH, which is what was
// fetched from there and nothing else; a whole ref; or the digits of a commit.
// Unlike git itself it takes no tag and no local branch for REMOTE/BRANCH:
// their names are chosen by those who push. A path without a file is
// fs.ErrNotExist.
func (s *GitSource) File(ctx context.Context, at, name string) ([]byte, Ref, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, Ref{}, fmt.Errorf("%w: %q is not the path of a file, counted from the top of the repository", fs.ErrInvalid, name)
	}
	ref, err := s.protectedRef(ctx, at)
	if err != nil {
		return nil, Ref{}, err
	}
	commit, tree, err := s.commit(ctx, ref.Commit)
	if err != nil {
		return nil, Ref{}, fmt.Errorf("%s: %w", at, err)
	}
	ref.Commit = commit.ID
	content, err := s.fileOf(ctx, tree, name)
	if err != nil {
		return nil, Ref{}, fmt.Errorf("%s at commit %.12s: %s: %w", at, commit.Hash, name, err)
	}
	return content, ref, nil
}

// protectedRef finds what File reads from.
func (s *GitSource) protectedRef(ctx context.Context, at string) (Ref, error) {
	remotes, err := s.remotes(ctx)
	if err != nil {
		return Ref{}, err
	}
	if slices.ContainsFunc(remotes, func(remote string) bool { return strings.HasPrefix(at, remote+"/") }) {
		at = "refs/remotes/" + at
	}
	return s.ref(ctx, at)
}

// FileAt reads a file of the commit id; see File.
func (s *GitSource) FileAt(ctx context.Context, id index.ID, name string) ([]byte, error) {
	_, tree, err := s.commit(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.fileOf(ctx, tree, name)
}

// fileOf goes down from a tree to a file.
func (s *GitSource) fileOf(ctx context.Context, tree index.ID, name string) ([]byte, error) {
	dir, base := path.Split(name)
	at := tree
	for element := range strings.SplitSeq(strings.TrimSuffix(dir, "/"), "/") {
		if element == "" {
			continue
		}
		e, err := s.entry(ctx, at, element)
		if err != nil {
			return nil, err
		}
		if !e.isTree() {
			return nil, fmt.Errorf("%s is not a directory: %w", element, fs.ErrNotExist)
		}
		at = e.id
	}
	e, err := s.entry(ctx, at, base)
	if err != nil {
		return nil, err
	}
	if e.mode&modeMask != modeFile {
		return nil, fmt.Errorf("%w: it is a directory, a link or a submodule, not a file", fs.ErrInvalid)
	}
	return s.wholeFile(ctx, e.id)
}

// entry is the one of a tree that has a name.
func (s *GitSource) entry(ctx context.Context, tree index.ID, name string) (treeEntry, error) {
	got, err := s.readTrees(ctx, []treeRef{{tree, name}})
	if err != nil {
		return treeEntry{}, err
	}
	i := slices.IndexFunc(got[0], func(e treeEntry) bool { return e.name == name })
	if i < 0 {
		return treeEntry{}, fmt.Errorf("there is no %s: %w", name, fs.ErrNotExist)
	}
	return got[0][i], nil
}

// wholeFile reads a content, which a partial clone may have to fetch.
func (s *GitSource) wholeFile(ctx context.Context, id index.ID) ([]byte, error) {
	lacking, err := s.lacking(ctx, []index.ID{id})
	if err == nil {
		err = s.fetch(ctx, lacking)
	}
	if err != nil {
		return nil, err
	}
	size, err := s.Size(ctx, id)
	if err != nil {
		return nil, err
	}
	if size > maxWholeFile {
		return nil, fmt.Errorf("it has %d bytes, the most is %d", size, maxWholeFile)
	}
	var content []byte
	err = s.Read(ctx, []index.ID{id}, func(_ index.ID, body []byte) error {
		content = slices.Clone(body)
		return nil
	})
	return content, err
}
