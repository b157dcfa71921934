package publish

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
)

const shards = 3

// whole is the id of an edition's snapshot, and the sizes of the objects of its
// packages, built without shards in a bucket of its own.
func whole(t *testing.T, src *editions, n int) (id string, objects map[string]int64) {
	t.Helper()
	b := openTest(t, "mem://")
	id = src.mustPublish(t, b, n).Live
	return id, packageObjects(t, b)
}

func packageObjects(t *testing.T, b *Bucket) map[string]int64 {
	t.Helper()
	objects := map[string]int64{}
	for o, err := range b.List(t.Context(), layout.PackagesPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		objects[o.Key] = o.Size
	}
	return objects
}

// Shards and the build after them at the same moment, each with a client of its own,
// store what one build stores, in every kind of store, and make the same snapshot.
func TestShardsAtOnce(t *testing.T) {
	src := newEditions(t)
	src.extra = 12
	id, want := whole(t, src, 0)
	for kind, newURL := range stores(t) {
		if kind == "mem" {
			continue // each client has its own
		}
		t.Run(kind, func(t *testing.T) {
			url := newURL(t)
			b := openTest(t, url)
			g, ctx := errgroup.WithContext(t.Context())
			for i := range shards {
				own := openTest(t, url)
				g.Go(func() error {
					_, err := src.shard(ctx, own, 0, build.Shard{Index: i + 1, Of: shards})
					return err
				})
			}
			g.Go(func() error { return second(src.publish(ctx, b, 0, Note{})) })
			if err := g.Wait(); err != nil {
				t.Fatal(err)
			}
			if got := packageObjects(t, b); !maps.Equal(got, want) {
				t.Errorf("%q\nwant\n%q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
			if p, err := b.Pointer(t.Context(), testEnv); err != nil || p.Snapshot != id {
				t.Errorf("%s is live, want %s: %v", p.Snapshot, id, err)
			}
			if n := mustBeSound(t, b); n != 1 {
				t.Errorf("%d snapshots", n)
			}
		})
	}
}

// What prune took after the shards is rendered again. A snapshot is live meanwhile, of
// which the shards write nothing again and prune takes nothing.
func TestShardsPruned(t *testing.T) {
	src := newEditions(t)
	id, want := whole(t, src, 3)
	for _, live := range []bool{false, true} {
		b, _ := fileBucket(t)
		if live {
			src.mustPublish(t, b, 0)
		}
		before := packageObjects(t, b)
		written := 0
		for i := range shards {
			r, err := src.shard(t.Context(), b, 3, build.Shard{Index: i + 1, Of: shards})
			if err != nil {
				t.Fatal(err)
			}
			written += r.Stats.RevisionsWritten
		}
		plan, err := b.Prune(t.Context(), PruneOptions{Keep: DefaultRetention})
		if err != nil {
			t.Fatal(err)
		}
		if got := packageObjects(t, b); written == 0 || plan.Packages.Objects == 0 || !maps.Equal(got, before) {
			t.Errorf("%d revisions written, %d objects pruned, which leaves %v, want %v", written, plan.Packages.Objects, got, before)
		}
		r, lease, err := src.run(t.Context(), b, 3, build.Shard{})
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.Snapshots[0].ID != id || r.Stats.RevisionsWritten != written || r.Stats.RevisionsFound != 0 {
			t.Errorf("%s, %+v: want %s and %d revisions written again", r.Snapshots[0].ID, r.Stats, id, written)
		}
		for key, size := range packageObjects(t, b) {
			if want[key] != size && before[key] != size {
				t.Errorf("%s has %d bytes, want %d", key, size, want[key])
			}
		}
		mustBeSound(t, b)
	}
}

// A shard is killed at each of its changes, of which the store has heard or not. The
// build after it makes the snapshot of a build without shards, whole.
func TestShardKilled(t *testing.T) {
	src := newEditions(t)
	id, _ := whole(t, src, 0)
	for _, heard := range []bool{false, true} {
		for at := 1; ; at++ {
			b, dir := fileBucket(t)
			d := &doomed{Store: b.store, t: t, at: at, heard: heard}
			_, err := src.shard(t.Context(), In(d), 0, build.Shard{Index: 1, Of: 1})
			if d.isDown() != errors.Is(err, errCrash) {
				t.Fatalf("killed at change %d: %v", at, err)
			}
			got, err := src.publish(t.Context(), openTest(t, "file://"+filepath.ToSlash(dir)), 0, Note{})
			if err != nil || got.Live != id {
				t.Fatalf("after a shard that was killed at change %d: %+v, %v; want %s", at, got, err, id)
			}
			mustBeSound(t, b)
			if !d.isDown() {
				if at < 12 {
					t.Errorf("only %d changes", at)
				}
				break
			}
		}
	}
}

// A writer is stopped at every request that it makes while it stores revisions, for
// so long that prune takes it for dead and deletes what it has stored. It goes on, and
// says that it is through or that it was pruned. What the next build makes live is
// whole in any case, and so is all that the writer said it has stored.
func TestShardAsleepAtEveryRequest(t *testing.T) {
	src := newEditions(t)
	id, want := whole(t, src, 0)
	for name, write := range map[string]func(ctx context.Context, b *Bucket) error{
		"shard": func(ctx context.Context, b *Bucket) error {
			return second(src.shard(ctx, b, 0, build.Shard{Index: 1, Of: 1}))
		},
		"build": func(ctx context.Context, b *Bucket) error {
			_, lease, err := src.build(ctx, b, 0)
			if err != nil {
				return err
			}
			return errors.Join(lease.Stored(ctx), lease.Release(ctx))
		},
	} {
		t.Run(name, func(t *testing.T) {
			pruned := 0
			for at := 1; ; at++ {
				b, dir := fileBucket(t)
				s := &sleeper{Bucket: b, dir: dir, at: at}
				s.watch()
				err := write(t.Context(), b)
				if err != nil && (!s.slept || !errors.Is(err, ErrPruned)) {
					t.Fatalf("stopped at request %d: %v", at, err)
				}
				if err != nil {
					pruned++
				}
				other := openTest(t, "file://"+filepath.ToSlash(dir))
				// What is deleted after its last look is no fault of it.
				if got := packageObjects(t, other); err == nil && s.made > at && !maps.Equal(got, want) {
					t.Errorf("stopped at request %d: it is through, and there is\n%s\nwant\n%s", at, strings.Join(slices.Sorted(maps.Keys(got)), "\n"), strings.Join(slices.Sorted(maps.Keys(want)), "\n"))
				}
				if m, err := src.publish(t.Context(), other, 0, Note{}); err != nil || m.Live != id {
					t.Errorf("stopped at request %d: the next build: %+v, %v; want %s", at, m, err, id)
				}
				mustBeSound(t, other)
				if !s.slept {
					if at < 20 || pruned == 0 {
						t.Errorf("%d requests, pruned at %d of them", at, pruned)
					}
					return
				}
			}
		})
	}
}
