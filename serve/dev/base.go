package dev

import (
	"context"
	"fmt"
	"sync"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
)

// Base is what fills the rest of the registry.
type Base struct {
	// Source and Branch are the packages.
	Source index.Source
	Branch string
	// Live and Bucket are set where the packages are those of a snapshot: what it
	// has of them is not made again.
	Live   *build.Live
	Bucket Reader
}

// baseBranch is what the packages of a snapshot are the branch of.
const baseBranch = "base"

// OfSnapshot is the packages of a snapshot in a bucket.
func OfSnapshot(bucket Reader, m *layout.Manifest, routes *layout.Routes) (Base, error) {
	if !build.SamePackages(m.Render) {
		return Base{}, fmt.Errorf("snapshot %s was rendered by regsnap %s (render version %d, this is %d): build it again with this version", m.ID(), m.Regsnap, m.Render, build.RenderVersion)
	}
	s := &snapshotSource{bucket: bucket, branch: &index.Branch{Name: baseBranch}, packages: map[index.ID]layout.ManifestPackage{}, contents: map[index.ID][]byte{}}
	for _, p := range m.Packages {
		e := index.Entry{Branch: baseBranch, Name: p.Name, Version: p.Version, Path: "packages/" + p.Name + "/" + p.Version, Revision: p.Revision}
		var err error
		if e.Tree, err = index.ParseID(p.Source); err != nil {
			return Base{}, fmt.Errorf("snapshot %s: %s-%s: %w", m.ID(), p.Name, p.Version, err)
		}
		switch {
		case p.Signature != "":
			e.Signature, err = index.ParseID(p.Signature)
		case p.SignedBy != "":
			e.Signature = index.ID{1} // there is one, which the source does not have
		}
		if err != nil {
			return Base{}, fmt.Errorf("snapshot %s: %s-%s: %w", m.ID(), p.Name, p.Version, err)
		}
		s.packages[e.Tree] = p
		s.branch.Entries = append(s.branch.Entries, e)
	}
	return Base{Source: s, Branch: baseBranch, Live: &build.Live{Manifest: m, Routes: routes}, Bucket: bucket}, nil
}

// snapshotSource reads packages out of the archives of a snapshot. That is seldom
// needed: the snapshot itself says nearly all that a build has to know of them.
type snapshotSource struct {
	bucket   Reader
	branch   *index.Branch
	packages map[index.ID]layout.ManifestPackage

	mu       sync.Mutex
	contents map[index.ID][]byte
}

// Branch lists the packages; see index.Source.
func (s *snapshotSource) Branch(context.Context, string) (*index.Branch, error) { return s.branch, nil }

// List reads the archive of an entry; see index.Source.
func (s *snapshotSource) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	k, err := keep(ctx, index.Entry{Tree: e.Tree}, s.packages[e.Tree], s.bucket)
	if err != nil {
		return nil, fmt.Errorf("%s-%s of the base: %w", e.Name, e.Version, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, content := range k.contents {
		s.contents[id] = content
	}
	return k.files, nil
}

// forget lets go of what was read.
func (s *snapshotSource) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.contents)
}

// Read gives contents of archives that were listed; see index.Source.
func (s *snapshotSource) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	for _, id := range ids {
		s.mu.Lock()
		content, ok := s.contents[id]
		s.mu.Unlock()
		if !ok {
			return fmt.Errorf("blob %s: %w", id, index.ErrNoObject)
		}
		if err := fn(id, content); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Size is the length of a content; see index.Source.
func (s *snapshotSource) Size(_ context.Context, id index.ID) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.contents[id]
	if !ok {
		return 0, fmt.Errorf("blob %s: %w", id, index.ErrNoObject)
	}
	return int64(len(content)), nil
}

// LastChange knows nothing of commits; see index.Source.
func (s *snapshotSource) LastChange(context.Context, string, string) (*index.Commit, error) {
	return nil, nil
}

// Close does nothing: the bucket is its owner's.
func (s *snapshotSource) Close() error { return nil }

// Over is the packages of work, as they are now, over those of a base: to be built as
// the branches git.WorkBranch and base.Branch, in this order.
func Over(ctx context.Context, work *git.WorkSource, base Base) (index.Source, error) {
	branch, err := work.Branch(ctx, git.WorkBranch)
	if err != nil {
		return nil, err
	}
	return &source{work: work, branch: branch, under: base.Source}, nil
}
