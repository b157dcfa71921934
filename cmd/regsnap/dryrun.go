package main

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// dryRunText is the last line of every command that changed nothing because of
// --dry-run.
const dryRunText = "dry run: nothing was changed"

// dryStore is a bucket for a build that writes nothing: what is put stays in
// memory only as a key, and what is there is read.
type dryStore struct {
	bucket *publish.Bucket
	live   []*layout.Manifest

	mu  sync.Mutex
	put map[string]layout.Object // small objects that a build reads back
}

func newDryStore(b *publish.Bucket, live []build.Live) *dryStore {
	return &dryStore{bucket: b, live: manifests(live), put: map[string]layout.Object{}}
}

func (s *dryStore) Read(ctx context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	o, there := s.put[key]
	s.mu.Unlock()
	if there {
		return o.Body, nil
	}
	if !strings.HasPrefix(key, layout.PackagesPrefix) {
		return s.bucket.ReadOf(ctx, s.live, key)
	}
	return s.bucket.Read(ctx, key)
}

func (s *dryStore) Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error) {
	return s.bucket.Sizes(ctx, rev)
}

// maxKept is the size up to which an object is kept to be read back.
const maxKept = 64 << 10

func (s *dryStore) Put(_ context.Context, o layout.Object) error {
	if len(o.Body) > maxKept {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put[o.Key] = o
	return nil
}

// openForDryRun opens the bucket as a build does, but makes no folder for it: one
// that is not there yet is as good as empty.
func openForDryRun(ctx context.Context, url string) (*publish.Bucket, error) {
	b, err := publish.Open(ctx, url)
	if errors.Is(err, fs.ErrNotExist) {
		return publish.Open(ctx, "mem://")
	}
	return b, err
}

// goLive makes a snapshot live, or with --dry-run says what would come of it.
// manifest is that of one that is not in the bucket; nil has it read.
func goLive(c *cli.Context, lease *publish.Lease, b *publish.Bucket, env, id string, manifest *layout.Manifest, n publish.Note, order publish.Order) (*publish.Moved, error) {
	if c.Bool("dry-run") {
		moved, err := b.PlanPublish(c.Context, env, id, manifest, order)
		if c.Bool("allow-older") && refusedByOrder(err) {
			return b.PlanPublish(c.Context, env, id, manifest, anyOrder)
		}
		return moved, err
	}
	moved, err := lease.Publish(c.Context, env, id, n, order)
	if !c.Bool("allow-older") || !refusedByOrder(err) {
		return moved, err
	}
	back, err := lease.PrepareRollback(c.Context, env, id)
	if err != nil {
		return nil, err
	}
	return back.Do(c.Context, n, false)
}

func refusedByOrder(err error) bool {
	return errors.Is(err, publish.ErrOlder) || errors.Is(err, publish.ErrDiverged) || errors.Is(err, publish.ErrUnordered)
}

func anyOrder(context.Context, *publish.Ordered, *publish.Ordered) ([]string, error) { return nil, nil }
