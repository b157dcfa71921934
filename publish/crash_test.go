package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// errCrash is what the requests of a process that is no more end in.
var errCrash = errors.New("the machine is down")

// doomed is a store whose user's machine goes down at one of the changes that it
// asks for: the store has heard of that one, or has not. Later requests end in
// errCrash.
type doomed struct {
	store.Store
	t     *testing.T
	at    int  // which change, from 1
	heard bool // the store carries out the last one

	mu      sync.Mutex
	made    int
	down    bool
	unsaved bool // something was Put and not yet flushed
}

// change makes one change, unless the machine is down.
func (d *doomed) change(f func() error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		return errCrash
	}
	if d.made++; d.made == d.at {
		d.down = true
		if d.heard {
			// A conflict is an answer: the store is asked whether it keeps conditions.
			if err := f(); err != nil && !errors.Is(err, store.ErrConflict) {
				d.t.Error(err)
			}
		}
		return errCrash
	}
	return f()
}

func (d *doomed) isDown() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.down
}

func (d *doomed) Put(ctx context.Context, o layout.Object) error {
	return d.change(func() error {
		d.unsaved = true
		return d.Store.Put(ctx, o)
	})
}

func (d *doomed) Delete(ctx context.Context, key string) error {
	return d.change(func() error { return d.Store.Delete(ctx, key) })
}

func (d *doomed) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	return d.change(func() error {
		if strings.HasPrefix(key, layout.EnvironmentsPrefix) && d.unsaved {
			d.t.Errorf("%s moves before what it names outlives a crash", key)
		}
		return d.Store.Swap(ctx, key, body, old)
	})
}

func (d *doomed) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if d.isDown() {
		return nil, 0, errCrash
	}
	return d.Store.Open(ctx, key, offset, length)
}

func (d *doomed) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if d.isDown() {
		return nil, "", errCrash
	}
	return d.Store.Load(ctx, key)
}

func (d *doomed) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	if d.isDown() {
		return func(yield func(store.ObjectInfo, error) bool) { yield(store.ObjectInfo{}, errCrash) }
	}
	return d.Store.List(ctx, prefix)
}

// Capabilities leaves out what would change the store in other ways.
func (d *doomed) Capabilities() store.Capabilities {
	can := store.CapabilitiesOf(d.Store)
	return store.Capabilities{
		Parallel: 1, // so that every run makes its changes in one order
		Replace: func(ctx context.Context, o layout.Object) error {
			return d.change(func() error { return can.Replace(ctx, o) })
		},
		Sync: func() error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.down {
				return errCrash
			}
			d.unsaved = false
			return can.Sync()
		},
	}
}

// operation is something that changes a bucket. It begins with what prepare leaves.
type operation struct {
	prepare func(t *testing.T, b *Bucket, dir string)
	run     func(ctx context.Context, b *Bucket) error
	// damaged: the bucket is not sound before the operation is through.
	damaged bool
}

// crashQuickly are the operations that a quick run of the tests has.
var crashQuickly = map[string]bool{"publish": true, "prune": true, "tag": true, "repair": true}

// TestCrashAtEveryChange stops each operation at each of its changes, of which
// the store has heard or not. Then what is live is whole, what says that it is
// complete is, and running again gives what a run gives that was not stopped.
func TestCrashAtEveryChange(t *testing.T) {
	src := newEditions(t)
	three := func(t *testing.T, b *Bucket, _ string) {
		for n := range 3 {
			src.mustPublish(t, b, n)
		}
	}
	withTags := func(t *testing.T, b *Bucket, dir string) {
		three(t, b, dir)
		src.mustPublish(t, b, 3)
		for tag, n := range map[string]int{"first": 0, "moving": 0, "going": 2} {
			mustTag(t, b, tag, idOfEdition(t, b, n))
		}
		if _, err := b.Untag(t.Context(), testEnv, "first", Note{}); err != nil {
			t.Fatal(err)
		}
	}
	source, _ := fileBucket(t)
	three(t, source, "")
	for name, op := range map[string]operation{
		"publish": {
			prepare: func(t *testing.T, b *Bucket, _ string) { src.mustPublish(t, b, 0) },
			run:     func(ctx context.Context, b *Bucket) error { return second(src.publish(ctx, b, 1, Note{})) },
		},
		"first publish": {
			prepare: func(*testing.T, *Bucket, string) {},
			run:     func(ctx context.Context, b *Bucket) error { return second(src.publish(ctx, b, 1, Note{})) },
		},
		"prune": {
			prepare: three,
			run: func(ctx context.Context, b *Bucket) error {
				return second(b.Prune(ctx, PruneOptions{}))
			},
		},
		"mirror": {
			prepare: func(*testing.T, *Bucket, string) {},
			run:     func(ctx context.Context, b *Bucket) error { return copyLive(ctx, source, b) },
		},
		"repair": {
			prepare: func(t *testing.T, b *Bucket, dir string) {
				src.mustPublish(t, b, 0)
				damageEveryOther(t, dir)
			},
			run:     func(ctx context.Context, b *Bucket) error { return src.repairLive(ctx, b, 0) },
			damaged: true,
		},
		"tag": {
			prepare: withTags,
			run:     tagThree,
		},
		"prune beside tags": {
			prepare: withTags,
			run: func(ctx context.Context, b *Bucket) error {
				return second(b.Prune(ctx, PruneOptions{}))
			},
		},
		"retire": {
			prepare: withTags,
			run: func(ctx context.Context, b *Bucket) error {
				return second(b.Prune(ctx, PruneOptions{Retire: []string{testEnv}}))
			},
		},
	} {
		if testtools.Thorough || crashQuickly[name] {
			t.Run(name, func(t *testing.T) { op.everywhere(t) })
		}
	}
}

func (op operation) everywhere(t *testing.T) {
	begin := servers.MemoryDir(t)
	op.prepare(t, openTest(t, fileURL(begin)), begin)
	end, through := op.from(t, begin, &doomed{t: t, at: -1})
	if through != nil {
		t.Fatal(through)
	}
	want := keysOf(t, end)
	for at := 1; ; at++ {
		for _, heard := range []bool{false, true} {
			d := &doomed{t: t, at: at, heard: heard}
			dir, err := op.from(t, begin, d)
			if !d.down {
				if err != nil || at < 5 {
					t.Fatalf("%d changes: %v", at-1, err)
				}
				return
			}
			what := fmt.Sprintf("stopped at change %d, which the store has heard of: %t", at, heard)
			after := openTest(t, fileURL(dir))
			if !op.damaged {
				sound(t, after, dir, what)
			}
			growOld(t, dir)
			if err := op.run(t.Context(), after); err != nil {
				t.Fatalf("%s: run again: %v", what, err)
			}
			sound(t, after, dir, what+", and run again")
			if got := keysOf(t, dir); !slices.Equal(got, want) {
				t.Fatalf("%s, and run again: there is\n%q\nwant\n%q", what, got, want)
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// from runs the operation in a copy of a bucket, and returns its folder.
func (op operation) from(t *testing.T, begin string, d *doomed) (string, error) {
	dir := servers.MemoryDir(t)
	if err := os.CopyFS(dir, os.DirFS(begin)); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), fileURL(dir), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d.Store = s
	b := In(d)
	err = op.run(t.Context(), b)
	return dir, err
}

func fileURL(dir string) string { return "file://" + filepath.ToSlash(dir) }

// keysOf lists the objects of a bucket, but for the signs of life of writers.
func keysOf(t *testing.T, dir string) []string {
	t.Helper()
	var keys []string
	for o, err := range openTest(t, fileURL(dir)).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(o.Key, layout.LeasesPrefix) {
			keys = append(keys, o.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// idOfEdition is the snapshot in a bucket that an edition is the source of.
func idOfEdition(t *testing.T, b *Bucket, n int) string {
	t.Helper()
	all, err := b.Snapshots(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all[testEnv] {
		if editionOf(s.ID) == n {
			return s.ID
		}
	}
	t.Fatalf("there is no snapshot of edition %d", n)
	return ""
}

// tagThree makes a tag, moves one and deletes one.
func tagThree(ctx context.Context, b *Bucket) error {
	all, err := b.Snapshots(ctx, testEnv)
	if err != nil {
		return err
	}
	oldest := all[testEnv][2].ID
	for _, name := range []string{"new", "moving"} {
		if _, err := tagged(ctx, b, name, oldest, true); err != nil {
			return err
		}
		oldest = all[testEnv][1].ID
	}
	if _, err := b.Untag(ctx, testEnv, "going", Note{}); !errors.Is(err, ErrNoTag) {
		return err
	}
	return nil
}

// sound checks every snapshot that has a manifest, that the live one is among
// them, and every package revision that has a list of its files.
func sound(t *testing.T, b *Bucket, dir, what string) {
	t.Helper()
	snapshots, err := b.Snapshots(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for env, list := range snapshots {
		for _, s := range list {
			v, err := b.Verify(t.Context(), env, s.ID, VerifyOptions{})
			if err != nil || !v.Sound() {
				t.Errorf("%s: snapshot %s: %v, %+v", what, s.ID, err, v.Faults)
			}
		}
	}
	tagsNameWhatIsThere(t, b, what)
	p, err := b.Pointer(t.Context(), testEnv)
	if err == nil && !slices.ContainsFunc(snapshots[testEnv], func(s Stored) bool { return s.ID == p.Snapshot }) {
		t.Errorf("%s: %s is live and not there", what, p.Snapshot)
	}
	keys := map[string]bool{}
	for _, key := range keysOf(t, dir) {
		keys[key] = true
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		rev, kind, err := layout.RevisionOfKey(key)
		if err != nil || kind != layout.ContentsObject {
			continue
		}
		body, err := b.Read(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		c, err := layout.DecodeContents(body, rev)
		if err != nil {
			t.Errorf("%s: %s: %v", what, key, err)
			continue
		}
		need := []string{rev.ArchiveKey()}
		for _, f := range c.Objects() {
			need = append(need, rev.FileKey(f.Path))
		}
		for _, k := range need {
			if !keys[k] {
				t.Errorf("%s: %s is there, and %s is not", what, key, k)
			}
		}
	}
}

// growOld makes the leases of those that are no more an hour old.
func growOld(t *testing.T, dir string) {
	t.Helper()
	leases, err := filepath.Glob(filepath.Join(dir, "leases", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range leases {
		hour := time.Now().Add(-time.Hour)
		if err := os.Chtimes(file, hour, hour); err != nil {
			t.Fatal(err)
		}
	}
}

// copyLive is regsnap mirror, of what is live.
func copyLive(ctx context.Context, from, to *Bucket) (err error) {
	m, err := from.Live(ctx, testEnv)
	if err != nil {
		return err
	}
	l := to.Lease(LeaseOptions{Purpose: "mirror"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	if err := l.CopyFrom(from, CopyOptions{}).Snapshot(ctx, m); err != nil {
		return err
	}
	return second(l.Publish(ctx, testEnv, m.ID(), Note{}, inLine))
}

// damageEveryOther turns a bit in every other object of packages and responses,
// and removes some.
func damageEveryOther(t *testing.T, dir string) {
	t.Helper()
	n := 0
	for _, key := range keysOf(t, dir) {
		if !strings.HasPrefix(key, layout.PackagesPrefix) && !strings.HasPrefix(key, layout.ResponsesPrefix) {
			continue
		}
		n++
		file := filepath.Join(dir, filepath.FromSlash(key))
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(file); err != nil { // it may be a link to another
			t.Fatal(err)
		}
		switch {
		case n%6 == 1:
			continue
		case n%2 == 0:
			body = flipped(body)
		}
		if err := os.WriteFile(file, body, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// repairLive is regsnap verify --repair of what is live, which is an edition: again
// when lists of the manifest were faulty, because only then is known what else is.
func (s *editions) repairLive(ctx context.Context, b *Bucket, n int) error {
	p, err := b.Pointer(ctx, testEnv)
	if err != nil {
		return err
	}
	for range 2 {
		v, err := b.Verify(ctx, testEnv, p.Snapshot, VerifyOptions{})
		if err != nil || v.Sound() {
			return err
		}
		if err := s.repair(ctx, b, n, v); err != nil {
			return err
		}
	}
	return nil
}

func (s *editions) repair(ctx context.Context, b *Bucket, n int, v *Verification) (err error) {
	src, err := s.edition(n)
	if err != nil {
		return err
	}
	defer src.Close()
	l := b.Lease(LeaseOptions{Purpose: "repair"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	repairs := v.Repairs(l)
	o := build.Options{Source: src, Environments: []build.Environment{s.environment()}, Regsnap: "test", Parallel: 8, Store: repairs}
	m, err := b.Manifest(ctx, testEnv, v.Snapshot)
	switch {
	case err == nil:
		known := repairs.Sound(m)
		known.Render = 0
		o.Live = []build.Live{{Manifest: known}}
	case !errors.Is(err, ErrDamaged):
		return err
	}
	if _, err := build.Build(ctx, o); err != nil {
		return err
	}
	return repairs.Check(ctx, v)
}
