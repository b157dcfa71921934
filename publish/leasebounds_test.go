package publish

import (
	"context"
	"errors"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// putFlag writes the flag of a lease, or of a prune, of someone who then dies.
func putFlag(t *testing.T, b *Bucket, key, purpose string) {
	t.Helper()
	body := layout.Lease{Format: layout.LeaseFormat, Purpose: purpose, By: "pat", Since: time.Now().UTC().Truncate(time.Second)}.Encode()
	if err := b.store.Swap(t.Context(), key, body, ""); err != nil {
		t.Fatal(err)
	}
}

// TestFlagsCountForTenMinutes: the flag of a writer keeps prune away, and that of a prune
// writers and other prunes, until it is ten minutes old, and no longer.
func TestFlagsCountForTenMinutes(t *testing.T) {
	const stale = 10 * time.Minute // docs/concepts: a flag that was not renewed for ten minutes counts for nothing
	src := newEditions(t)
	for _, age := range []time.Duration{0, stale - 1, stale, stale + 1} {
		counts := age < stale
		for what, c := range map[string]struct {
			key, purpose string
			run          func(t *testing.T, b *Bucket) (blocked bool)
		}{
			"prune beside a writer": {layout.LeaseKey("0123456789abcdef"), "build", pruneIsBusy},
			"prune beside a prune":  {layout.PruneLockKey, "prune", pruneIsBusy},
			"a writer beside a prune": {layout.PruneLockKey, "prune", func(t *testing.T, b *Bucket) bool {
				// It waits until the flag is stale.
				began := time.Now()
				l := leaseOn(t, b, LeaseOptions{Waiting: func(layout.Lease) {}})
				if err := l.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				waited := time.Since(began)
				if want := stale - age; counts && (waited < want || waited > want+2*b.times().poll) {
					t.Errorf("it waited %s, want %s", waited, want)
				}
				return waited > 0
			}},
		} {
			synctest.Test(t, func(t *testing.T) {
				b := openTest(t, "mem://")
				src.mustPublish(t, b, 0)
				putFlag(t, b, c.key, c.purpose)
				time.Sleep(age)
				if got := c.run(t, b); got != counts {
					t.Errorf("%s, whose flag is %s old: kept away %t, want %t", what, age, got, counts)
				}
			})
		}
	}
}

func pruneIsBusy(t *testing.T, b *Bucket) bool {
	_, err := b.Prune(t.Context(), PruneOptions{})
	if err != nil && !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
	return err != nil
}

// deaf is a store that does not hear renewals until hear is set: they fail, or
// hang until they are given up.
type deaf struct {
	store.Store
	hear atomic.Bool
	hang bool
}

func (d *deaf) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if !d.hear.Load() {
		if d.hang {
			<-ctx.Done()
		}
		return nil, "", errCrash
	}
	return d.Store.Load(ctx, key)
}

// TestHolderAtItsBounds: a holder whose renewals fail acts for five minutes without
// looking, may renew within ten, and never later.
func TestHolderAtItsBounds(t *testing.T) {
	for _, c := range []struct {
		age             time.Duration
		trusted, renews bool
	}{
		{0, true, true},
		{5*time.Minute - 1, true, true},
		{5 * time.Minute, false, true},
		{10*time.Minute - 1, false, true},
		{10 * time.Minute, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &deaf{Store: openTest(t, "mem://").store}
			b := In(d)
			h, err := b.newHeartbeat(t.Context(), layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat}, "")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.age)
			if got := h.trusted(); got != c.trusted {
				t.Errorf("after %s it is trusted: %t, want %t", c.age, got, c.trusted)
			}
			d.hear.Store(true)
			if err := h.renew(t.Context()); (err == nil) != c.renews || err != nil && !errors.Is(err, errLost) {
				t.Errorf("after %s: %v; want that it renews: %t", c.age, err, c.renews)
			}
			if got := h.trusted(); got != c.renews {
				t.Errorf("after %s and a renewal it is trusted: %t", c.age, got)
			}
			if err := h.end(t.Context()); err != nil {
				t.Error(err)
			}
			if h.trusted() {
				t.Error("it may act after its end")
			}
			// What was lost is someone else's.
			if _, _, err := d.Store.Load(t.Context(), h.key); (err == nil) == c.renews {
				t.Errorf("after %s and the end: %v", c.age, err)
			}
		})
	}
}

// TestEndOfAHangingRenewal: a renewal that hangs is given up when the time for the end is
// over, and not before.
func TestEndOfAHangingRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{Store: openTest(t, "mem://").store, hang: true}
		h, err := In(d).newHeartbeat(t.Context(), layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat}, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second) // half a minute into the first renewal
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := h.end(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the end of a lease that may still be renewed: %v", err)
		}
		if got := time.Since(began); got != 10*time.Second {
			t.Errorf("it took %s, want ten seconds", got)
		}
	})
}

// TestAbandonedWhileItHangs: a holder that gives up does not wait for a renewal, and leaves
// its flag.
func TestAbandonedWhileItHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{Store: openTest(t, "mem://").store, hang: true}
		h, err := In(d).newHeartbeat(t.Context(), layout.PruneLockKey, layout.Lease{Format: layout.LeaseFormat}, "")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(90 * time.Second)
		began := time.Now()
		h.abandon()
		if got := time.Since(began); got != 0 {
			t.Errorf("it waited %s", got)
		}
		if _, _, err := d.Store.Load(t.Context(), h.key); err != nil {
			t.Errorf("its flag: %v", err)
		}
	})
}

// losing is a store of which one swap gets no answer: the store has heard of it, or not.
type losing struct {
	store.Store
	lose  atomic.Bool
	heard bool
}

func (l *losing) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if !l.lose.CompareAndSwap(true, false) {
		return l.Store.Swap(ctx, key, body, old)
	}
	if l.heard {
		if err := l.Store.Swap(ctx, key, body, old); err != nil {
			return err
		}
	}
	return errCrash
}

// TestRenewalWithoutAnswer: a holder whose renewal got no answer holds on, whether or not
// the store has heard of it. One whose flag is someone else's does not.
func TestRenewalWithoutAnswer(t *testing.T) {
	for _, heard := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := &losing{Store: openTest(t, "mem://").store, heard: heard}
			h, err := In(l).newHeartbeat(t.Context(), layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat, By: "ada"}, "")
			if err != nil {
				t.Fatal(err)
			}
			l.lose.Store(true)
			time.Sleep(61 * time.Second) // the first renewal
			if l.lose.Load() {
				t.Fatal("it did not renew")
			}
			if err := h.alive(t.Context()); err != nil {
				t.Errorf("heard %t: %v", heard, err)
			}
			time.Sleep(time.Minute)
			if err := h.alive(t.Context()); err != nil {
				t.Errorf("heard %t, and renewed: %v", heard, err)
			}
			_, state, err := l.Load(t.Context(), h.key)
			if err != nil {
				t.Fatal(err)
			}
			other := layout.Lease{Format: layout.LeaseFormat, By: "eve", Since: h.lease.Since}
			if err := l.Store.Swap(t.Context(), h.key, other.Encode(), state); err != nil {
				t.Fatal(err)
			}
			if err := h.alive(t.Context()); !errors.Is(err, errLost) {
				t.Errorf("the flag is another's: %v", err)
			}
			if h.trusted() {
				t.Error("it may act on a flag that is another's")
			}
			if err := h.end(t.Context()); err != nil {
				t.Error(err)
			}
			if _, _, err := l.Load(t.Context(), h.key); err != nil {
				t.Errorf("the end of one has removed the flag of the other: %v", err)
			}
		})
	}
}

// TestPruneSweepsWhileItIsTrusted: prune deletes while its lock was renewed within five
// minutes; when it looks, the lock must be there too. Otherwise it stops.
func TestPruneSweepsWhileItIsTrusted(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		gone bool // the lock was taken away
		look bool
		want error
	}{
		{0, false, false, nil},
		{0, false, true, nil},
		{0, true, false, nil}, // nobody has looked
		{0, true, true, errLost},
		{5*time.Minute - 1, false, true, nil},
		{5 * time.Minute, false, false, errLost},
		{5 * time.Minute, false, true, errLost},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := &deaf{Store: openTest(t, "mem://").store}
			lock, err := In(d).newHeartbeat(t.Context(), layout.PruneLockKey, layout.Lease{Format: layout.LeaseFormat}, "")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(c.age)
			synctest.Wait() // the renewal that is due now fails, as those before it
			if d.hear.Store(true); c.gone {
				if err := d.Delete(t.Context(), layout.PruneLockKey); err != nil {
					t.Fatal(err)
				}
			}
			if err := maySweep(t.Context(), lock, c.look); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%+v: %v", c, err)
			} else if err != nil && !strings.Contains(err.Error(), "run it again") {
				t.Errorf("%+v: no advice: %v", c, err)
			}
			if c.want != nil && lock.trusted() {
				t.Errorf("%+v: it may go on", c)
			}
			ended, stop := context.WithCancel(t.Context())
			stop()
			if err := maySweep(ended, lock, c.look); !errors.Is(err, context.Canceled) {
				t.Errorf("%+v, cancelled: %v", c, err)
			}
			if d.hear.Store(false); c.want == nil && !c.gone {
				if err := maySweep(t.Context(), lock, true); !errors.Is(err, errCrash) || errors.Is(err, errLost) {
					t.Errorf("%+v, and the store fails: %v", c, err)
				}
			}
			d.hear.Store(true)
			if err := lock.end(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// withoutLock is a store whose lock of prune goes at the moment that leases are listed.
type withoutLock struct{ store.Store }

func (w withoutLock) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	if prefix == layout.LeasesPrefix {
		if err := w.Delete(ctx, layout.PruneLockKey); err != nil {
			return func(yield func(store.ObjectInfo, error) bool) { yield(store.ObjectInfo{}, err) }
		}
	}
	return w.Store.List(ctx, prefix)
}

// TestPruneWithoutItsLock: a prune whose lock is gone before it has begun deletes nothing.
func TestPruneWithoutItsLock(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	for n := range 4 {
		src.mustPublish(t, b, n)
	}
	before := count(t, b)
	if plan, err := In(withoutLock{b.store}).Prune(t.Context(), PruneOptions{}); !errors.Is(err, errLost) || count(t, b) != before {
		t.Errorf("%+v, %v: there were %d objects, and are %d", plan, err, before, count(t, b))
	}
}

// TestRepairUnderALease: nothing is written over what is there before prune is kept away.
func TestRepairUnderALease(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	key := revisionOf(mustRead(t, b, id).Packages[0]).ArchiveKey()
	if err := b.replaceLive(t.Context(), layout.Object{Key: key, Body: []byte("x"), ContentType: "application/zip"}); err != nil {
		t.Fatal(err)
	}
	v, err := b.Verify(t.Context(), testEnv, id, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	s := &losing{Store: b.store}
	s.lose.Store(true)
	repairs := v.Repairs(In(s).Lease(LeaseOptions{}))
	if err := repairs.Put(t.Context(), layout.Object{Key: key, Body: []byte("y"), ContentType: "application/zip"}); !errors.Is(err, errCrash) {
		t.Errorf("without a lease: %v", err)
	}
	if body, err := b.Read(t.Context(), key); err != nil || string(body) != "x" {
		t.Errorf("the object is %q now, %v", body, err)
	}
}

// TestKnows: a lease knows the manifests that it was given, and no others.
func TestKnows(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	first, second := src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot
	l := b.Lease(LeaseOptions{Live: []*layout.Manifest{mustRead(t, b, second)}})
	if !l.Knows(testEnv, second) || l.Knows(testEnv, first) || l.Knows("staging", second) {
		t.Errorf("it knows the second: %t, the first: %t, that of staging: %t", l.Knows(testEnv, second), l.Knows(testEnv, first), l.Knows("staging", second))
	}
}

// TestInUse: the holder of the lock is named, as far as it is known.
func TestInUse(t *testing.T) {
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for want, l := range map[string]layout.Lease{
		"build by ada is running since 2024-05-06 07:08:09":        {By: "ada", Purpose: "build", Since: at},
		"build by someone is running since 2024-05-06 07:08:09":    {Purpose: "build", Since: at},
		"a writer by ada is running since 2024-05-06 07:08:09":     {By: "ada", Since: at},
		"a writer by someone is running since 0001-01-01 00:00:00": {},
	} {
		if err := inUse(l); !errors.Is(err, ErrBusy) || err.Error() != ErrBusy.Error()+": "+want {
			t.Errorf("%+v: %v, want %s", l, err, want)
		}
	}
}

// TestWaitingNeedsTheStore: a writer that waits for a prune cannot tell how old the prune's
// flag is without renewing its own. Where the store fails it says so.
func TestWaitingNeedsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &deaf{Store: openTest(t, "mem://").store}
		d.hear.Store(true)
		b := In(d)
		putFlag(t, b, layout.PruneLockKey, "prune")
		l := b.Lease(LeaseOptions{Waiting: func(layout.Lease) { d.hear.Store(false) }})
		err := l.Put(t.Context(), layout.Object{Key: "responses/a.json", Body: []byte("x"), ContentType: layout.JsonType})
		if !errors.Is(err, errCrash) || !strings.Contains(err.Error(), "renew the lease") {
			t.Errorf("waiting while the store fails: %v", err)
		}
		d.hear.Store(true)
		if err := l.Release(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestWaitingEnds: a writer that waits for a prune ends with its context.
func TestWaitingEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		putFlag(t, b, layout.PruneLockKey, "prune")
		ctx, stop := context.WithCancel(t.Context())
		looks := 0
		l := b.Lease(LeaseOptions{Waiting: func(layout.Lease) {
			if looks++; looks == 3 {
				stop()
			}
		}})
		if err := l.Put(ctx, layout.Object{Key: "responses/a.json", Body: []byte("x"), ContentType: layout.JsonType}); !errors.Is(err, context.Canceled) || looks != 3 {
			t.Errorf("after %d looks: %v", looks, err)
		}
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
		if n := count(t, b); n != 1 {
			t.Errorf("%d objects are left, want the flag of the prune", n)
		}
	})
}
