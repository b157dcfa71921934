package publish

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// TestFence: each pointer and each tag becomes another one, so that who read it before cannot
// write it; a tag that cannot be read is an error that names it; one that has gone is passed over.
func TestFence(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	for _, name := range []string{"one", "two"} {
		mustTag(t, b, name, id)
	}
	states := func(b *Bucket) (out []store.Token) {
		t.Helper()
		for _, key := range []string{layout.PointerKey(testEnv), layout.TagKey(testEnv, "one"), layout.TagKey(testEnv, "two")} {
			_, state, err := b.store.Load(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, state)
		}
		return out
	}
	before := states(b)
	if err := In(ghostly{b.store, layout.TagKey(testEnv, "gone")}).fence(ctx); err != nil {
		t.Fatal(err)
	}
	for i, state := range states(b) {
		if state == before[i] {
			t.Errorf("the %d. can still be written", i+1)
		}
	}
	tags, err := b.Tags(ctx, testEnv)
	if err != nil || len(tags) != 2 || tags[0].Snapshot != id || tags[1].Snapshot != id {
		t.Errorf("%+v, %v", tags, err)
	}
	key := layout.TagKey(testEnv, "two")
	if err := b.replaceLive(ctx, layout.Object{Key: key, Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	if err := b.fence(ctx); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), key) {
		t.Errorf("a damaged tag: %v", err)
	}
	if _, _, err := b.Lease(LeaseOptions{}).CopyFrom(In(unlisted{b.store}), CopyOptions{}).Tags(ctx, testEnv, []string{id}); !errors.Is(err, errCrash) {
		t.Errorf("tags that cannot be listed: %v", err)
	}
}

// overtaken is a store in which another prune takes the lock over when leases are listed.
type overtaken struct {
	store.Store
	by layout.Lease
}

func (o overtaken) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) {
		o.Store.List(ctx, prefix)(yield)
		_, state, err := o.Load(ctx, layout.PruneLockKey)
		if err == nil {
			err = o.Swap(ctx, layout.PruneLockKey, o.by.Encode(), state)
		}
		if err != nil {
			yield(store.ObjectInfo{}, err)
		}
	}
}

// TestLockIsInheritedOnce: of two prunes that take over the lock of a dead one the second
// says who was faster, and leaves nothing of itself. Without its lock none goes on.
func TestLockIsInheritedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), openTest(t, "mem://")
		putFlag(t, b, layout.PruneLockKey, "prune")
		time.Sleep(b.times().stale)
		by := layout.Lease{Format: layout.LeaseFormat, Purpose: "prune", By: "eve", Since: time.Now().UTC().Truncate(time.Second)}
		lock, err := In(overtaken{b.store, by}).inheritLock(ctx, layout.Lease{Format: layout.LeaseFormat, Purpose: "prune"})
		if lock != nil || !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "prune by eve") {
			t.Errorf("%+v, %v", lock, err)
		}
		if leases, err := b.leases(ctx); err != nil || len(leases) != 1 || leases[layout.PruneLockKey].IsZero() {
			t.Errorf("leases are %v, %v", leases, err)
		}
		time.Sleep(b.times().stale - 1)
		if lock, err := b.inheritLock(ctx, layout.Lease{Format: layout.LeaseFormat, Purpose: "prune"}); lock != nil || !errors.Is(err, ErrBusy) {
			t.Errorf("%+v, %v", lock, err)
		}
		time.Sleep(time.Nanosecond)
		lock, err = b.inheritLock(ctx, layout.Lease{Format: layout.LeaseFormat, Purpose: "prune"})
		if err != nil {
			t.Fatal(err)
		}
		if now, err := b.aloneWith(ctx, lock, true); err != nil || !now.Equal(time.Now()) {
			t.Errorf("%s, %v", now, err)
		}
		if now, err := In(withoutLock{b.store}).aloneWith(ctx, lock, false); !errors.Is(err, errLost) || !now.IsZero() {
			t.Errorf("without its lock: %s, %v", now, err)
		}
		if err := unlockPrune(ctx, lock); err != nil && !errors.Is(err, errLost) {
			t.Error(err)
		}
	})
}

// TestRepairFails has each call of the store fail that a repair makes: what is said to be
// repaired is, a store that fails is not taken for a damaged one, and the next repair mends
// the rest.
func TestRepairFails(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	m := mustRead(t, b, src.mustPublish(t, b, 0).Snapshot)
	whole := copyOf(t, b)
	rev, response := revisionOf(m.Packages[0]), m.Responses[0]
	damaged := maps.Clone(whole)
	keys := append(response.Keys(), rev.ArchiveKey(), layout.RoutesKey(testEnv, m.ID()))
	for _, key := range keys {
		damaged[key] = []byte("x")
	}
	repair := func(b *Bucket, v *Verification) error {
		l := b.Lease(LeaseOptions{Purpose: "repair"})
		r := v.Repairs(l)
		for _, key := range slices.Sorted(maps.Keys(whole)) {
			if err := r.Put(t.Context(), layout.Object{Key: key, Body: whole[key], ContentType: "application/json"}); err != nil {
				return errors.Join(err, l.Release(t.Context()))
			}
		}
		return errors.Join(r.Check(t.Context(), v), l.Release(t.Context()))
	}
	look := func(b *Bucket) *Verification {
		t.Helper()
		v, err := b.Verify(t.Context(), testEnv, m.ID(), VerifyOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	calls := 0
	storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
		under := damaged.open(t)
		v := look(In(under))
		found := len(v.Faults)
		through := fill(under)
		err := repair(In(through), v)
		calls++
		if through.Failed() == "" {
			if err != nil || !v.Sound() || found < len(keys) {
				t.Errorf("%+v, %v", v.Faults, err)
			}
			return
		}
		if !errors.Is(err, storetest.ErrFailed) || len(v.Faults) != found {
			t.Errorf("%s: %v; %d faults, there were %d", through.Failed(), err, len(v.Faults), found)
		}
		again := look(In(under))
		for _, f := range v.Faults {
			if f.Repaired && slices.ContainsFunc(again.Faults, func(g Fault) bool { return g.Key == f.Key }) {
				t.Errorf("%s: %s is said to be repaired", through.Failed(), f.Key)
			}
		}
		if !again.Sound() {
			if err := repair(In(under), again); err != nil || !look(In(under)).Sound() {
				t.Errorf("after %s: %+v, %v", through.Failed(), again.Faults, err)
			}
		}
	})
	if calls < len(keys) {
		t.Errorf("%d calls were tried", calls)
	}
	// What a build for the repair asks for: all but packages, which it is to make again, and of
	// the manifest what is sound.
	v := look(In(damaged.open(t)))
	r := v.Repairs(b.Lease(LeaseOptions{}))
	if body, err := r.Read(t.Context(), layout.PointerKey(testEnv)); err != nil || string(body) != string(whole[layout.PointerKey(testEnv)]) {
		t.Errorf("%q, %v", body, err)
	}
	if body, err := r.Read(t.Context(), rev.ContentsKey()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q, %v", body, err)
	}
	if sizes, err := r.Sizes(t.Context(), rev); err != nil || len(sizes) > 0 {
		t.Errorf("%v, %v", sizes, err)
	}
	sound := r.Sound(m)
	has := func(m *layout.Manifest) (p, d bool) {
		return slices.ContainsFunc(m.Packages, func(p layout.ManifestPackage) bool { return revisionOf(p) == rev }),
			slices.ContainsFunc(m.Stored(), func(r layout.ManifestResponse) bool { return r.Digest == response.Digest })
	}
	if p, d := has(sound); p || d || len(sound.Packages) != len(m.Packages)-1 || len(sound.Stored()) != len(m.Stored())-1 {
		t.Errorf("of %d packages and %d responses %d and %d are sound", len(m.Packages), len(m.Stored()), len(sound.Packages), len(sound.Stored()))
	}
	if p, d := has(m); !p || !d {
		t.Error("the manifest itself has changed")
	}
}
