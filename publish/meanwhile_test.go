package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
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

const noSuchID = "20240101T000000Z-0123456789ab"

// ghostly is a store whose listings have an object that has just gone.
type ghostly struct {
	store.Store
	key string
}

func (g ghostly) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) {
		if strings.HasPrefix(g.key, prefix) && !yield(store.ObjectInfo{Key: g.key, Size: 1}, nil) {
			return
		}
		g.Store.List(ctx, prefix)(yield)
	}
}

// TestGoneMeanwhile: what goes between a listing and a look is passed over; what must be
// there is not.
func TestGoneMeanwhile(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	ids := []string{src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot}
	mustTag(t, b, "kept", ids[0])
	g := In(ghostly{b.store, layout.TagKey(testEnv, "gone")})
	if tags, err := g.Tags(ctx, testEnv); err != nil || len(tags) != 1 || tags[0].Name != "kept" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	for _, id := range ids {
		if was, err := b.builtFrom(ctx, testEnv, id, "production", "0000"); !was || err != nil {
			t.Errorf("%s: %t, %v", id, was, err)
		}
	}
	if was, err := b.builtFrom(ctx, testEnv, noSuchID, "production", ""); was || err != nil {
		t.Errorf("a snapshot that is gone was built: %t, %v", was, err)
	}
	stored, err := b.stored(ctx, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	verified := func(b *Bucket) (found []string, faults int, err error) {
		all := everything{b: b, state: newVerifyState()}
		list := append(slices.Clone(stored[testEnv]), Stored{ID: noSuchID})
		err = all.environment(ctx, testEnv, list, func(v *Verification) error {
			found, faults = append(found, v.Snapshot), faults+len(v.Faults)
			return nil
		})
		return found, faults, err
	}
	if found, faults, err := verified(b); err != nil || faults > 0 || !slices.Equal(found, []string{ids[1], ids[0]}) {
		t.Errorf("verified are %v, %v", found, err)
	}
	c := copyOf(t, b)
	delete(c, layout.ManifestKey(testEnv, ids[1]))
	delete(c, layout.RoutesKey(testEnv, ids[1]))
	if found, faults, err := verified(In(c.open(t))); err != nil || faults == 0 || !slices.Equal(found, []string{ids[1], ids[0]}) {
		t.Errorf("without the live one %v with %d faults, %v", found, faults, err)
	}
	if _, err := b.Routes(ctx, testEnv, noSuchID); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("the routes of a snapshot that is gone: %v", err)
	}
	// A snapshot that lacks what it has for itself is damaged, or was pruned if it is gone.
	live, to := mustRead(t, b, ids[1]), mustRead(t, b, ids[0])
	c = copyOf(t, b)
	for _, key := range ofOneOnly(live, to) {
		delete(c, key)
	}
	if err := In(c.open(t)).glance(ctx, live, to); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), ids[0]+" of production is not whole") {
		t.Errorf("%v", err)
	}
	delete(c, layout.ManifestKey(testEnv, ids[0]))
	if err := In(c.open(t)).glance(ctx, live, to); err == nil || errors.Is(err, ErrDamaged) || err.Error() != prunedMeanwhile(testEnv, ids[0]).Error() {
		t.Errorf("%v", err)
	}
	if err := b.glance(ctx, live, to); err != nil {
		t.Errorf("a whole one: %v", err)
	}
}

// TestDamagedMeanwhile: what cannot be read is not what is looked for, and damage to what is
// live is a reason to go back.
func TestDamagedMeanwhile(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	ids := []string{src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot}
	c := copyOf(t, b)
	c[layout.ManifestKey(testEnv, ids[1])] = []byte("x")
	d := In(c.open(t))
	if was, err := d.builtFrom(ctx, testEnv, ids[1], "production", ""); was || err != nil {
		t.Errorf("a damaged snapshot was built: %t, %v", was, err)
	}
	r, err := d.Lease(LeaseOptions{}).PrepareRollback(ctx, testEnv, ids[0])
	if err != nil || r.From != ids[1] || r.To != ids[0] || len(r.Packages.Added) != len(mustRead(t, b, ids[0]).Packages) || len(r.Packages.Removed)+len(r.Packages.Changed) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
	// A lease that nobody can read is someone's all the same.
	if err := d.store.Swap(ctx, layout.PruneLockKey, []byte("x"), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Prune(ctx, PruneOptions{}); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "a writer by someone") {
		t.Errorf("%v", err)
	}
}

// TestLeaseIsLostWhileWaiting: a writer that waits for prune, and is taken for dead by it,
// writes nothing.
func TestLeaseIsLostWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		putFlag(t, b, layout.PruneLockKey, "prune")
		var l *Lease
		l = b.Lease(LeaseOptions{Waiting: func(layout.Lease) {
			if err := b.Delete(t.Context(), l.beat.key); err != nil {
				t.Error(err)
			}
		}})
		if err := l.Put(t.Context(), layout.Object{Key: "responses/a.json", Body: []byte("x"), ContentType: layout.JsonType}); !errors.Is(err, ErrPruned) || !errors.Is(err, errLost) {
			t.Errorf("%v", err)
		}
		if err := l.Release(t.Context()); err != nil && !errors.Is(err, errLost) {
			t.Error(err)
		}
		if there, err := b.exists(t.Context(), "responses/a.json"); there || err != nil {
			t.Errorf("it is there: %t, %v", there, err)
		}
	})
}

// TestWithoutALease: where no lease can be had nothing is written, and what is no manifest is
// not written as one.
func TestWithoutALease(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	from := openTest(t, "mem://")
	m := mustRead(t, from, src.mustPublish(t, from, 0).Snapshot)
	to := openTest(t, "mem://")
	s := &losing{Store: to.store}
	l := In(s).Lease(LeaseOptions{})
	for what, write := range map[string]func() error{
		"an object": func() error {
			return l.Put(ctx, layout.Object{Key: "responses/a.json", Body: []byte("x"), ContentType: layout.JsonType})
		},
		"the content": func() error { return l.CopyFrom(from, CopyOptions{}).Content(ctx, m, m.ID()) },
		"a snapshot":  func() error { return l.CopyFrom(from, CopyOptions{}).Snapshot(ctx, m) },
		"sizes":       func() error { _, err := l.Sizes(ctx, revisionOf(m.Packages[0])); return err },
		"a package":   func() error { _, err := l.Read(ctx, revisionOf(m.Packages[0]).ArchiveKey()); return err },
	} {
		s.lose.Store(true)
		if err := write(); !errors.Is(err, errCrash) || count(t, to) != 0 {
			t.Errorf("%s: %v; there are %d objects", what, err, count(t, to))
		}
	}
	held := leaseOn(t, to, LeaseOptions{})
	before := count(t, to)
	for _, body := range []string{"x", "{}"} {
		if err := held.Put(ctx, layout.ManifestObject(testEnv, m.ID()).With([]byte(body))); err == nil || count(t, to) != before || held.Knows(testEnv, m.ID()) {
			t.Errorf("%s is a manifest: %v", body, err)
		}
	}
}

// stopping is a store with one of whose calls a context ends. That call fails, or is through.
type stopping struct {
	store.Store
	at, calls int
	through   bool
	stop      context.CancelFunc
}

func (s *stopping) call(ctx context.Context) context.Context {
	if s.calls++; s.calls == s.at {
		s.stop()
		if s.through {
			return context.WithoutCancel(ctx)
		}
	}
	return ctx
}

func (s *stopping) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	return s.Store.Open(s.call(ctx), key, offset, length)
}

func (s *stopping) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	return s.Store.Load(s.call(ctx), key)
}

func (*stopping) Capabilities() store.Capabilities { return store.Capabilities{Parallel: 1} }

// TestHookEventEnds: an event whose making is stopped is none, and not one of which all has
// changed: that is an error, also if all was read by then.
func TestHookEventEnds(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	moved := []*Moved{src.mustPublish(t, b, 0), src.mustPublish(t, b, 1)}
	for _, through := range []bool{false, true} {
		for at := 1; ; at++ {
			ctx, stop := context.WithCancel(t.Context())
			s := &stopping{Store: b.store, at: at, through: through, stop: stop}
			e, err := In(s).NewHookEvent(ctx, moved[1])
			ended := ctx.Err() != nil
			stop()
			if !ended {
				if at < 5 || err != nil || e.All || len(e.URLs) == 0 {
					t.Errorf("after %d calls: %+v, %v", at, e, err)
				}
				break
			}
			if !errors.Is(err, context.Canceled) || e != nil {
				t.Errorf("ended with call %d, through: %t: %+v, %v", at, through, e, err)
			}
		}
	}
}

// empty is a store whose objects have not even one byte.
type empty struct{ store.Store }

func (empty) Open(_ context.Context, key string, _, _ int64) (io.ReadCloser, int64, error) {
	switch key {
	case "gone":
		return nil, 0, fmt.Errorf("%s: %w", key, ErrNoSnapshot)
	case "broken":
		return nil, 0, errCrash
	}
	return nil, 0, fmt.Errorf("%s: %w: offset 0 is behind the end", key, ErrDamaged)
}

// TestExists: an object that is too short to have what is asked for is there.
func TestExists(t *testing.T) {
	b := In(empty{openTest(t, "mem://").store})
	if there, err := b.exists(t.Context(), "short"); !there || err != nil {
		t.Errorf("%t, %v", there, err)
	}
	if there, err := b.exists(t.Context(), "broken"); there || !errors.Is(err, errCrash) {
		t.Errorf("%t, %v", there, err)
	}
	if there, err := openTest(t, "mem://").exists(t.Context(), "gone"); there || err != nil {
		t.Errorf("%t, %v", there, err)
	}
}

// TestGenerationsBeyondThePointer: entries of the log that are newer than the pointer do not
// stand for its moves, and moves that only the pointer has can be read up to any of them.
func TestGenerationsBeyondThePointer(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	var ids []string
	for n := range 4 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	p, err := b.Pointer(ctx, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []int64{2, 3} {
		if err := b.Delete(ctx, layout.AuditKey(testEnv, g)); err != nil {
			t.Fatal(err)
		}
	}
	p.Generation, p.Snapshot, p.Moves = 3, ids[2], p.Moves[1:] // as it was before the last move, which the log has
	late, err := b.unrecorded(ctx, p)
	var got []string
	for _, a := range late {
		got = append(got, fmt.Sprint(a.Generation, a.Late, slices.Index(ids, a.Snapshot), slices.Index(ids, a.Before)))
	}
	if want := []string{"3 true 2 1", "2 true 1 0"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("late are %q, want %q; %v", got, want, err)
	}
	if err := b.replaceLive(ctx, layout.Object{Key: layout.PointerKey(testEnv), Body: p.Encode(), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	for most := 1; most <= 3; most++ {
		seen := 0
		for _, err := range b.Moves(ctx, testEnv) {
			if err != nil {
				t.Fatal(err)
			}
			if seen++; seen == most {
				break
			}
		}
		if seen != most {
			t.Errorf("%d of %d moves", seen, most)
		}
	}
}

// TestRetiredIsOver: of an environment that was ended and began again only what came after
// its end counts, and a damaged entry says nothing. One whose last entry is damaged can be
// ended, without a name of what was live.
func TestRetiredIsOver(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	b := openTest(t, "mem://")
	for n := range 2 {
		src.mustPublish(t, b, n)
	}
	damage := func(generation int64) {
		t.Helper()
		if err := b.replaceLive(ctx, layout.Object{Key: layout.AuditKey(testEnv, generation), Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
	}
	damage(2)
	if _, err := b.Prune(ctx, PruneOptions{Retire: []string{testEnv}}); err != nil {
		t.Fatal(err)
	}
	if a, err := b.audited(ctx, testEnv, 3); err != nil || a.Kind != layout.MoveRetire || a.Snapshot != noSnapshot {
		t.Errorf("the end is recorded as %+v, %v", a, err)
	}
	ids := []string{src.mustPublish(t, b, 2).Snapshot, src.mustPublish(t, b, 3).Snapshot, src.mustPublish(t, b, 4).Snapshot}
	generations, err := b.recordedGenerations(ctx, testEnv)
	if err != nil || len(generations) != 6 {
		t.Fatal(generations, err)
	}
	damage(generations[1])
	if err := b.Delete(ctx, layout.PointerKey(testEnv)); err != nil {
		t.Fatal(err)
	}
	r := &Recovery{Environment: testEnv, lease: b.Lease(LeaseOptions{})}
	lived, err := r.replay(ctx)
	if err != nil || !slices.Equal(lived, []string{ids[2], ids[0]}) || r.Recorded != 2 {
		t.Errorf("%d are recorded, live were %v, want %v; %v", r.Recorded, lived, []string{ids[2], ids[0]}, err)
	}
}

// TestFence: each pointer and each tag becomes another one, so that who read it before cannot
// write it; a tag that cannot be read is an error that names it, and one that has gone is none.
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
		time.Sleep(1)
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
