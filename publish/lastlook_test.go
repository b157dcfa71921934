package publish

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// beforeSwap is a store in which something happens once, right before the first swap
// of a key that begins so.
type beforeSwap struct {
	store.Store
	prefix string
	then   func()
}

func (s *beforeSwap) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if then := s.then; then != nil && strings.HasPrefix(key, s.prefix) {
		s.then = nil
		then()
	}
	return s.Store.Swap(ctx, key, body, old)
}

// threeSnapshots gives the ids of three snapshots, of which the second is live and the
// third, the newest, was built under the lease.
func threeSnapshots(t *testing.T, b *Bucket, src *editions) ([3]string, *Lease) {
	t.Helper()
	return (&sleeper{Bucket: b}).prepare(t, src)
}

// What must be so when a pointer is written is looked at in the store at every attempt,
// also when the first one was sound and met another writer.
func TestLooksAgainAfterConflict(t *testing.T) {
	src := newEditions(t)
	ways := map[string]struct {
		pointer func(env string) string
		move    func(ctx context.Context, b *Bucket, built *Lease, id string) error
	}{
		"publish under the lease of the build": {layout.PointerKey, func(ctx context.Context, _ *Bucket, built *Lease, id string) error {
			return second(built.Publish(ctx, testEnv, id, Note{}, inLine))
		}},
		"publish by id": {layout.PointerKey, func(ctx context.Context, b *Bucket, _ *Lease, id string) error {
			return second(publishID(ctx, b, id))
		}},
		"tag": {func(env string) string { return layout.TagKey(env, "moving") }, func(ctx context.Context, b *Bucket, _ *Lease, id string) error {
			return second(tagged(ctx, b, "moving", id, true))
		}},
	}
	meanwhile := map[string]struct {
		change func(ctx context.Context, b *Bucket, id string) error
		want   error
	}{
		"nothing": {func(context.Context, *Bucket, string) error { return nil }, nil},
		"leases are taken away": {func(ctx context.Context, b *Bucket, _ string) error {
			leases, err := b.leases(ctx)
			for key := range leases {
				err = errors.Join(err, b.Delete(ctx, key))
			}
			return err
		}, ErrPruned},
		"leases become those of others": {func(ctx context.Context, b *Bucket, _ string) error {
			leases, err := b.leases(ctx)
			for key := range leases {
				_, state, e := b.store.Load(ctx, key)
				other := layout.Lease{Format: layout.LeaseFormat, Purpose: "build", By: "another", Since: time.Unix(0, 0).UTC()}
				err = errors.Join(err, e, b.store.Swap(ctx, key, other.Encode(), state))
			}
			return err
		}, ErrPruned},
		"the manifest is deleted": {func(ctx context.Context, b *Bucket, id string) error {
			return b.Delete(ctx, layout.ManifestKey(testEnv, id))
		}, ErrNoSnapshot},
		"the manifest is damaged": {damaging(layout.ManifestKey), ErrDamaged},
		"the routes are deleted": {func(ctx context.Context, b *Bucket, id string) error {
			return b.Delete(ctx, layout.RoutesKey(testEnv, id))
		}, ErrDamaged},
		"the routes are damaged": {damaging(layout.RoutesKey), ErrDamaged},
	}
	for how, way := range ways {
		for what, m := range meanwhile {
			t.Run(how+", "+what, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx := t.Context()
					b := openTest(t, "mem://")
					ids, built := threeSnapshots(t, b, src)
					if _, err := tagged(ctx, b, "moving", ids[1], false); err != nil {
						t.Fatal(err)
					}
					key := way.pointer(testEnv)
					before, _, err := b.store.Load(ctx, key)
					if err != nil {
						t.Fatal(err)
					}
					other := In(b.store)
					met := false
					b.store = &beforeSwap{b.store, key, func() {
						met = true
						// As by a prune that fences: the same snapshot in another state.
						if err := errors.Join(other.fence(ctx), m.change(ctx, other, ids[2])); err != nil {
							t.Error(err)
						}
					}}
					err = way.move(ctx, b, built, ids[2])
					if !errors.Is(err, m.want) {
						t.Errorf("%v, want %v", err, m.want)
					}
					if !met {
						t.Error("nothing came between")
					}
					after, _, e := b.store.Load(ctx, key)
					if e != nil {
						t.Fatal(e)
					}
					if moved := strings.Contains(string(after), ids[2]); moved != (m.want == nil) {
						t.Errorf("from\n%s\nto\n%s\n(%v)", before, after, err)
					}
					if err := built.Release(ctx); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// damaging changes the last byte of an object of a snapshot.
func damaging(key func(env, id string) string) func(context.Context, *Bucket, string) error {
	return func(ctx context.Context, b *Bucket, id string) error {
		body, err := b.Read(ctx, key(testEnv, id))
		if err != nil {
			return err
		}
		body[len(body)-1] ^= 1
		return b.can.Replace(ctx, layout.Object{Key: key(testEnv, id), Body: body, ContentType: "application/json"})
	}
}

// What is live is compared at every attempt too: a child that went live in between stays.
func TestComparesAgainAfterConflict(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		b := openTest(t, "mem://")
		ids, built := threeSnapshots(t, b, src)
		other := In(b.store)
		var child *Moved
		b.store = &beforeSwap{b.store, layout.PointerKey(testEnv), func() { child = src.mustPublish(t, other, 3) }}
		if m, err := built.Publish(ctx, testEnv, ids[2], Note{}, inLine); !errors.Is(err, ErrOlder) {
			t.Errorf("the parent was published: %+v, %v", m, err)
		}
		if p, err := other.Pointer(ctx, testEnv); err != nil || child == nil || p.Snapshot != child.Snapshot {
			t.Errorf("%s is live, not the child %+v (%v)", p.Snapshot, child, err)
		}
		if err := built.Release(ctx); err != nil {
			t.Error(err)
		}
	})
}

// The live snapshot, with which a publish compares, may be left and pruned between the
// look at the pointer and the lease. Then what is live now counts.
func TestLiveSnapshotLeftBeforeTheLease(t *testing.T) {
	src := newEditions(t)
	for _, left := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			b := openTest(t, "mem://")
			ids, built := threeSnapshots(t, b, src)
			if err := built.Release(ctx); err != nil {
				t.Fatal(err)
			}
			other := In(b.store)
			b.store = &beforeSwap{b.store, layout.LeasesPrefix, func() {
				if left {
					p, state, err := other.pointer(ctx, testEnv)
					p = p.After(testEnv, layout.Move{Kind: layout.MoveRollback, Snapshot: ids[0], At: time.Now().UTC().Truncate(time.Second)})
					if err = errors.Join(err, other.store.Swap(ctx, layout.PointerKey(testEnv), p.Encode(), state)); err != nil {
						t.Error(err)
					}
				}
				if err := other.Delete(ctx, layout.ManifestKey(testEnv, ids[1])); err != nil {
					t.Error(err)
				}
			}}
			m, err := publishID(ctx, b, ids[2])
			switch {
			case left && (err != nil || !m.Changed || m.Live != ids[2] || m.Previous != ids[0]):
				t.Errorf("left: %+v, %v", m, err)
			case !left && !errors.Is(err, ErrDamaged):
				t.Errorf("the live snapshot is lost: %+v, %v", m, err)
			}
		})
	}
}

// A lease that is renewed so late that others may take it for dead is not, though it
// is still there: they may be about to act on that.
func TestRenewsInTimeOrNotAtAll(t *testing.T) {
	for _, test := range []struct {
		late time.Duration
		want error
	}{
		{0, nil},
		{defaultLeaseTimes.trust, nil},
		{defaultLeaseTimes.stale - 1, nil},
		{defaultLeaseTimes.stale, errLost},
		{time.Hour, errLost},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := t.Context()
			b := openTest(t, "mem://")
			h, err := b.newHeartbeat(ctx, layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat, Purpose: "build"}, "")
			if err != nil {
				t.Fatal(err)
			}
			h.abandon() // only this test renews
			time.Sleep(test.late)
			before, state, err := b.store.Load(ctx, h.key)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.renew(ctx); !errors.Is(err, test.want) {
				t.Errorf("%s late: %v, want %v", test.late, err, test.want)
			}
			_, now, err := b.store.Load(ctx, h.key)
			if err != nil || (now == state) != (test.want != nil) {
				t.Errorf("%s late: the lease was written: %t (%v), before it was %s", test.late, now != state, err, before)
			}
			// What is lost stays lost.
			if err := h.alive(ctx); !errors.Is(err, test.want) {
				t.Errorf("%s late, alive: %v, want %v", test.late, err, test.want)
			}
		})
	}
}
