package publish

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/publish/store"
)

// The first publish of an environment tries whether the store keeps conditions, on its
// lease. Wherever it is stopped in that, what it says of the store is true, and what it
// makes live is whole.
func TestAsleepAtTheFirstPublish(t *testing.T) {
	for name, fresh := range map[string]bool{"under the lease of the build": false, "under one of its own": true} {
		t.Run(name, func(t *testing.T) { asleepAtTheFirstPublish(t, fresh) })
	}
}

func asleepAtTheFirstPublish(t *testing.T, fresh bool) {
	src := newEditions(t)
	stopped := 0
	for at := 1; ; at++ {
		b, dir := fileBucket(t)
		id, l, err := src.build(t.Context(), b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if fresh {
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			l = b.Lease(LeaseOptions{})
		}
		s := &sleeper{Bucket: b, dir: dir, at: at}
		s.watch()
		_, err = l.Publish(t.Context(), testEnv, id, Note{}, inLine)
		switch {
		case errors.Is(err, ErrPruned) && !errors.Is(err, errUnconditional):
			stopped++
		case fresh && errors.Is(err, ErrNoSnapshot): // prune came before the lease
		case err != nil:
			t.Errorf("stopped at request %d: %v", at, err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "leases", "*.json")); err != nil || len(left) > 0 {
			t.Errorf("stopped at request %d: leases are left: %s, %v", at, left, err)
		}
		other := openTest(t, "file://"+filepath.ToSlash(dir))
		p, err := other.Pointer(t.Context(), testEnv)
		if err == nil {
			var v *Verification
			if v, err = other.Verify(t.Context(), testEnv, p.Snapshot, VerifyOptions{}); err == nil && !v.Sound() {
				t.Errorf("stopped at request %d: %s is live: %+v", at, p.Snapshot, v)
			}
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stopped at request %d: %v", at, err)
		}
		if !s.slept {
			if stopped == 0 || at < 10 {
				t.Errorf("%d requests, stopped at %d of them", at, stopped)
			}
			return
		}
	}
}

// A writer wakes up, its clock having stood still, at every request of the prune that
// takes it for dead. It stops, or what it makes live stays whole.
func TestWakingBesidePrune(t *testing.T) {
	src := newEditions(t)
	stopped, live := 0, 0
	for at := 1; ; at++ {
		b, dir := fileBucket(t)
		asleep := &sleeper{Bucket: b, dir: dir}
		ids, built := asleep.prepare(t, src)
		if err := asleep.age(); err != nil {
			t.Fatal(err)
		}
		pruner := &sleeper{Bucket: openTest(t, "file://"+filepath.ToSlash(dir)), dir: dir, at: at}
		pruner.instead = func() {
			switch _, err := built.Publish(t.Context(), testEnv, ids[2], Note{}, inLine); {
			case err == nil:
				live++
			case errors.Is(err, ErrPruned), errors.Is(err, store.ErrConflict):
				stopped++
			default:
				t.Errorf("at request %d of prune: %v", at, err)
			}
		}
		pruner.watch()
		if _, err := pruner.Prune(t.Context(), PruneOptions{}); err != nil {
			t.Errorf("prune, stopped at request %d: %v", at, err)
		}
		if err := built.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		p, err := b.Pointer(t.Context(), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		v, err := b.Verify(t.Context(), testEnv, p.Snapshot, VerifyOptions{})
		if err != nil || !v.Sound() {
			t.Errorf("at request %d of prune: %s is live: %v, %+v", at, p.Snapshot, err, v)
		}
		if !pruner.slept {
			if stopped == 0 || live == 0 {
				t.Errorf("%d requests of prune: stopped at %d, live at %d of them", at, stopped, live)
			}
			return
		}
	}
}
