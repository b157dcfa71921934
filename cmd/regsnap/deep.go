package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// deepVerification is what is known of a snapshot after verify, with --deep too.
type deepVerification struct {
	*publish.Verification
	// Source counts what was rendered from the source and compared.
	Source *compared `json:"source,omitempty"`
}

type compared struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// verifyDeep renders a snapshot again, from the very commits that it says it was
// built from, and compares every object with the one in the bucket. Digests alone
// would not do: anyone who could write a package first could write its digest too.
func verifyDeep(c *cli.Context, p place, v *publish.Verification) (_ *compared, err error) {
	src, err := p.cfg.openSource(c.Context)
	if err != nil {
		return nil, err
	}
	defer closing(&err, "source", src)
	lease := p.bucket.Lease(leaseOptions(c, "verify"))
	defer releasing(c, &err, lease)
	o, known, whole, err := rebuildOptions(c.Context, p, v.Snapshot, v.Repairs(lease))
	if err != nil {
		return nil, err
	}
	if !whole {
		return nil, nil // without a manifest that is sound there is nothing to compare, which is a fault already
	}
	if o.Sign, err = signer(c); err != nil {
		return nil, err
	}
	to := &comparison{bucket: p.bucket}
	o.Source, o.Store, o.Live = onlyCommits{atCommits{src, known}}, to, nil
	result, err := build.Build(c.Context, o)
	if err != nil {
		return nil, fmt.Errorf("render %s from the source: %w", v.Snapshot, err)
	}
	if got := result.Snapshots[0].ID; got != v.Snapshot {
		to.faults = append(to.faults, publish.Fault{Key: layout.ManifestKey(p.env, v.Snapshot), Detail: "the source gives another snapshot, " + got + ": packages, their order or settings differ"})
	}
	for _, f := range to.faults {
		if !slices.ContainsFunc(v.Faults, func(x publish.Fault) bool { return x.Key == f.Key }) {
			v.Faults = append(v.Faults, f)
		}
	}
	slices.SortFunc(v.Faults, func(a, b publish.Fault) int { return strings.Compare(a.Key, b.Key) })
	return &to.same, nil
}

// comparison is a store for a build that writes nothing: what would be put is
// compared with what the bucket has.
type comparison struct {
	bucket *publish.Bucket

	mu     sync.Mutex
	same   compared
	faults []publish.Fault
}

// Read returns an object, but of package revisions nothing, so that all are rendered.
func (s *comparison) Read(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, layout.PackagesPrefix) {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return s.bucket.Read(ctx, key)
}

// Sizes gives nothing: no revision is found that could be asked for.
func (s *comparison) Sizes(context.Context, layout.Revision) (map[string]int64, error) {
	return nil, nil
}

func (s *comparison) Put(ctx context.Context, o layout.Object) error {
	if strings.HasPrefix(o.Key, layout.SnapshotsPrefix) {
		return nil // by the snapshot's id: another one is another key
	}
	sum := sha256.Sum256(o.Body)
	err := s.bucket.Fetch(ctx, o.Key, io.Discard, layout.ObjectDigest{Size: int64(len(o.Body)), SHA256: hex.EncodeToString(sum[:])})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.same.Objects++
		s.same.Bytes += int64(len(o.Body))
		return nil
	case errors.Is(err, fs.ErrNotExist):
		s.faults = append(s.faults, publish.Fault{Key: o.Key, Missing: true, Detail: "missing"})
		return nil
	case errors.Is(err, publish.ErrDamaged):
		s.faults = append(s.faults, publish.Fault{Key: o.Key, Detail: "is not what the source gives"})
		return nil
	}
	return err
}

// onlyCommits is a source whose branches are where they were when a snapshot was
// built, and nowhere else.
type onlyCommits struct{ atCommits }

func (s onlyCommits) Branch(ctx context.Context, name string) (*index.Branch, error) {
	b, err := s.atCommits.Branch(ctx, name)
	if err != nil {
		return nil, err
	}
	want, got := s.commit(name), ""
	if b.Commit != nil {
		got = b.Commit.Hash
	}
	if want != got && want != "" {
		return nil, fmt.Errorf("the source does not have commit %.12s of %s, which the snapshot was built from: fetch it, with git fetch REMOTE %[1]s", want, name)
	}
	return b, nil
}
