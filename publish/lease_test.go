package publish

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// leaseOn takes a lease by writing something.
func leaseOn(t *testing.T, b *Bucket, o LeaseOptions) *Lease {
	t.Helper()
	l := b.Lease(o)
	err := l.Put(context.Background(), layout.Object{Key: "responses/00000000000000000000000000000000.json", Body: []byte("x"), ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A writer that begins during a prune waits until it is done.
func TestLeaseWaitsForPrune(t *testing.T) {
	b, _ := fileBucket(t)
	b.lease = leaseTimes{renew: time.Minute, trust: time.Minute, stale: time.Hour, poll: time.Millisecond}
	lock, _, err := b.lockPrune(t.Context(), "pat")
	if err != nil {
		t.Fatal(err)
	}
	waits := 0
	leaseOn(t, b, LeaseOptions{Waiting: func(l layout.Lease) {
		if waits++; l.By != "pat" || l.Purpose != "prune" {
			t.Errorf("waiting for %+v", l)
		}
		if waits == 3 {
			if err := unlockPrune(t.Context(), lock); err != nil {
				t.Error(err)
			}
		}
	}})
	if waits != 3 {
		t.Errorf("waited %d times, want 3", waits)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if lock, _, err = b.lockPrune(t.Context(), ""); !errors.Is(err, ErrBusy) {
		t.Fatalf("prune beside a lease: %v, %v", lock, err)
	}
	cancel()
	if err := b.Lease(LeaseOptions{}).Put(ctx, layout.Object{Key: "x"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled writer: %v", err)
	}
}

// A prune that died keeps nobody away for ever, and its flag can be taken over
// once.
func TestStalePruneLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		dead, _, err := b.lockPrune(t.Context(), "dead")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.lockPrune(t.Context(), "early"); !errors.Is(err, ErrBusy) {
			t.Errorf("a second prune: %v", err)
		}
		dead.stop()
		time.Sleep(2 * b.times().stale) // a renewal may have been under way
		l := leaseOn(t, b, LeaseOptions{})
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		lock, _, err := b.lockPrune(t.Context(), "heir")
		if err != nil {
			t.Fatal(err)
		}
		// The dead one wakes up: it may neither delete nor take its flag back.
		if _, err := b.sweep(t.Context(), dead, "responses/x"); !errors.Is(err, errLost) {
			t.Errorf("the dead one deletes: %v", err)
		}
		if err := dead.renew(t.Context()); !errors.Is(err, errLost) {
			t.Errorf("the dead one renews: %v", err)
		}
		if err := unlockPrune(t.Context(), dead); err != nil {
			t.Error(err)
		}
		if got := b.readLease(t.Context(), layout.PruneLockKey); got.By != "heir" {
			t.Errorf("the flag is that of %q", got.By)
		}
		if err := unlockPrune(t.Context(), lock); err != nil {
			t.Error(err)
		}
	})
}

// A writer that was taken for dead cannot move a pointer, however the times
// fall: before the swap, because its lease is gone; and if it has just looked,
// because the pointer was rewritten.
func TestStaleLease(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		src.mustPublish(t, b, 0)
		id, zombie, err := src.build(t.Context(), b, 1)
		if err != nil {
			t.Fatal(err)
		}
		zombie.beat.stop()
		time.Sleep(2 * b.times().stale) // a renewal may have been under way
		generation := func() int64 {
			p, err := b.Pointer(t.Context(), testEnv)
			if err != nil {
				t.Fatal(err)
			}
			return p.Generation
		}
		before := generation()
		if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
			t.Fatal(err)
		}
		if generation() != before+1 {
			t.Error("the pointer was not rewritten")
		}
		if _, err := zombie.Publish(t.Context(), testEnv, id, Note{}, inLine); !errors.Is(err, ErrPruned) {
			t.Errorf("a writer taken for dead published: %v", err)
		}
		if err := zombie.Put(t.Context(), layout.Object{Key: layout.ManifestKey(testEnv, id)}); !errors.Is(err, ErrPruned) {
			t.Errorf("a writer taken for dead wrote a manifest: %v", err)
		}
		mustBeSound(t, b)

		// Prune comes between the last look and the swap.
		id, zombie, err = src.build(t.Context(), b, 2)
		if err != nil {
			t.Fatal(err)
		}
		zombie.beat.stop()
		looks := 0
		_, _, _, err = b.move(t.Context(), testEnv, Note{}, new(about), func(layout.Pointer) (layout.Move, error) {
			if looks++; looks > 1 {
				return layout.Move{}, errStay
			}
			return layout.Move{Kind: layout.MovePublish, Snapshot: id}, nil
		}, func(ctx context.Context) error {
			time.Sleep(2 * b.times().stale) // a renewal may have been under way
			_, err := b.Prune(ctx, PruneOptions{})
			return err
		})
		if !errors.Is(err, errStay) || looks != 2 {
			t.Errorf("the swap was not refused: %v after %d looks", err, looks)
		}
		if err := zombie.Release(t.Context()); err != nil {
			t.Error(err)
		}
		mustBeSound(t, b)
	})
}

// What a build takes from the live snapshot may be pruned before its first
// write; then it must not write a manifest.
func TestLiveSnapshotPruned(t *testing.T) {
	src := newEditions(t)
	b, _ := fileBucket(t)
	old := src.mustPublish(t, b, 0)
	m, err := b.Live(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	l := b.Lease(LeaseOptions{Live: []*layout.Manifest{m}})
	src.mustPublish(t, b, 1)
	src.mustPublish(t, b, 2)
	if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	err = l.Put(t.Context(), layout.Object{Key: layout.ManifestKey(testEnv, old.Snapshot), Body: m.Encode()})
	if !errors.Is(err, ErrPruned) {
		t.Errorf("a manifest that relies on what is gone was written: %v", err)
	}
	if _, err := l.Publish(t.Context(), testEnv, old.Snapshot, Note{}, inLine); !errors.Is(err, ErrPruned) {
		t.Errorf("what is gone was published: %v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

// A lease is renewed while work goes on.
func TestLeaseRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		l := leaseOn(t, b, LeaseOptions{Purpose: "build"})
		time.Sleep(2*b.times().renew + time.Second)
		if got := b.readLease(t.Context(), l.beat.key); got.Beat != 2 || got.Purpose != "build" {
			t.Errorf("lease: %+v", got)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if leases, err := b.leases(t.Context()); err != nil || len(leases) > 0 {
			t.Errorf("left behind: %v, %v", leases, err)
		}
	})
}
