package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
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

// TestHookEventEnds: an event whose making is stopped is an error, also if all was read by
// then; it is not an event that says that all has changed.
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
