package publish

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestOperations goes through the life of an environment on every store.
func TestOperations(t *testing.T) {
	src := newEditions(t)
	for name, url := range stores(t) {
		t.Run(name, func(t *testing.T) {
			b := openTest(t, url(t))
			testLife(t, b, src)
		})
	}
}

func testLife(t *testing.T, b *Bucket, src *editions) {
	ctx := t.Context()
	var ids []string
	for n := range 4 {
		m := src.mustPublish(t, b, n)
		if !m.Changed || m.Live != m.Snapshot || n > 0 && m.Previous != ids[n-1] {
			t.Fatalf("publish %d: %+v", n, m)
		}
		ids = append(ids, m.Snapshot)
	}
	// Again: nothing to do, and no lease is taken.
	id, lease, err := src.build(ctx, b, 3)
	if err != nil || id != ids[3] || lease.held.Load() {
		t.Fatalf("built again: %s, %v, held %v; want %s", id, err, lease.held.Load(), ids[3])
	}
	if m, err := lease.Publish(ctx, testEnv, id, Note{}, inLine); err != nil || m.Changed || lease.held.Load() {
		t.Errorf("published again: %+v, %v, held %v", m, err, lease.held.Load())
	}
	// Older commits do not come back by accident.
	if _, err := publishID(ctx, b, ids[1]); !errors.Is(err, ErrOlder) {
		t.Errorf("publishing an older snapshot: %v", err)
	}
	if _, err := publishID(ctx, b, "20240101T000000Z-000000000000"); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("publishing what is not there: %v", err)
	}
	// Two rollbacks go two back; the second is recorded with a pin.
	rollback(t, b, "", ids[2], Note{By: "ben", Reason: "broken"}, false)
	rollback(t, b, "", ids[1], Note{By: "ben", Reason: "that too"}, true)
	if m, err := publishID(ctx, b, ids[3]); err != nil || !m.Held || m.Changed || m.Live != ids[1] || m.Pin.Reason != "that too" {
		t.Errorf("publishing while pinned: %+v, %v", m, err)
	}
	if m, err := b.Pin(ctx, testEnv, Note{By: "eve"}); err != nil || m.Changed || m.Pin.By != "ben" {
		t.Errorf("pinned again: %+v, %v", m, err)
	}
	if m, err := b.Unpin(ctx, testEnv, Note{By: "ben"}); err != nil || !m.Changed {
		t.Errorf("unpinned: %+v, %v", m, err)
	}
	if _, err := b.Unpin(ctx, "staging", Note{}); !errors.Is(err, ErrNothingLive) {
		t.Errorf("unpinning what was never live: %v", err)
	}
	testHistory(t, b, ids)
	rollback(t, b, ids[3], ids[3], Note{By: "ben"}, false) // forward, by name
	testDiff(t, b, ids)
	if got := mustBeSound(t, b); got != 4 {
		t.Errorf("%d snapshots, want 4", got)
	}
	testPrune(t, b, ids)
	testRetire(t, b)
}

func rollback(t *testing.T, b *Bucket, to, want string, n Note, pin bool) {
	t.Helper()
	ctx := t.Context()
	l := b.Lease(LeaseOptions{Purpose: "rollback"})
	defer func() {
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
	}()
	r, err := l.PrepareRollback(ctx, testEnv, to)
	if err != nil {
		t.Fatal(err)
	}
	if r.To != want || r.Packages.None() {
		t.Fatalf("the way back is %+v, want to %s", r, want)
	}
	m, err := r.Do(ctx, n, pin)
	if err != nil || m.Live != want || !m.Changed || (m.Pin != nil) != pin {
		t.Fatalf("rolled back: %+v, %v; want %s", m, err, want)
	}
	// Its time is over: the pointer was moved.
	if _, err := r.Do(ctx, n, false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("rolled back twice: %v", err)
	}
}

func testHistory(t *testing.T, b *Bucket, ids []string) {
	t.Helper()
	h, err := b.History(t.Context(), testEnv, 2)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, m := range h.Pointer.Moves {
		kinds = append(kinds, string(m.Kind)+" "+m.By+" "+m.Reason)
	}
	want := "unpin ben ,rollback ben that too,rollback ben broken,publish ada ,publish ada ,publish ada ,publish ada "
	if got := strings.Join(kinds, ","); got != want {
		t.Errorf("moves %q, want %q", got, want)
	}
	if len(h.Events) != 2 || h.More != 2 || h.Events[0].ID != ids[3] || h.Events[1].ID != ids[2] {
		t.Fatalf("history: %+v", h)
	}
	e := h.Events[0]
	if e.Live || e.Total != 4 || e.Branches[0].Author != "Ada" || e.Branches[0].Subject != "edition 3" {
		t.Errorf("event: %+v", e)
	}
	// Edition 3 has "coming", another version of "growing", another "edited".
	if c := e.Changes; len(c.Added) != 2 || len(c.Removed) != 1 || len(c.Changed) != 1 || c.Changed[0].Name != "edited" {
		t.Errorf("changes: %+v", c)
	}
	stored, err := b.Snapshots(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.Status(t.Context(), testEnv, stored[testEnv])
	if err != nil || s.Live != ids[1] || len(s.Waiting) != 2 || s.Waiting[0].ID != ids[3] || s.LastMove.Kind != layout.MoveRollback || s.Packages != 3 {
		t.Errorf("status: %+v, %v", s, err)
	}
}

func testDiff(t *testing.T, b *Bucket, ids []string) {
	t.Helper()
	d, err := b.Diff(t.Context(), SnapshotRef{testEnv, ids[2]}, SnapshotRef{testEnv, ids[3]})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/search", "/search?package=growing", "/categories", "/package/coming/1.0.0/", "/epr/growing/growing-1.0.2.zip",
		"/epr/edited/edited-1.0.0.zip", "/package/edited/1.0.0/docs/README.md", "/package/growing/1.0.3/manifest.yml",
	} {
		found := slices.ContainsFunc(d.URLs(), func(u string) bool {
			return u == want || strings.HasPrefix(want, "/search") && strings.HasPrefix(u, want)
		})
		if !found && want != "/categories" { // these packages have no category
			t.Errorf("%s is not among what differs: %v", want, d.URLs())
		}
	}
	for _, not := range []string{"/package/edited/1.0.0/", "/package/edited/1.0.0/manifest.yml", "/package/steady/1.0.0/"} {
		if slices.Contains(d.URLs(), not) {
			t.Errorf("%s did not change", not)
		}
	}
}

func testPrune(t *testing.T, b *Bucket, ids []string) {
	t.Helper()
	ctx := t.Context()
	keep := Retention{Last: 1}
	planned, err := b.PlanPrune(ctx, keep)
	if err != nil {
		t.Fatal(err)
	}
	// 3 is live and 2 was live before it was published; 0 and 1 go.
	if e := planned.Environments[0]; len(e.Keep) != 2 || len(e.Drop) != 2 || e.Drop[0].ID != ids[1] || e.Drop[1].ID != ids[0] {
		t.Fatalf("plan: %+v", e)
	}
	// A build that is at work keeps prune away.
	l := b.Lease(LeaseOptions{Purpose: "build", By: "ada"})
	if err := l.Put(ctx, layout.Object{Key: "responses/00000000000000000000000000000000.json", Body: []byte("x"), ContentType: "text/plain"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Prune(ctx, PruneOptions{Keep: keep}); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "build by ada") {
		t.Errorf("prune beside a build: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Fatal(err)
	}
	done, err := b.Prune(ctx, PruneOptions{Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	if done.Objects != planned.Objects+1 || done.Bytes != planned.Bytes+1 { // the object of the build above
		t.Errorf("deleted %d objects, %d bytes; planned %d, %d", done.Objects, done.Bytes, planned.Objects, planned.Bytes)
	}
	if got := mustBeSound(t, b); got != 2 {
		t.Errorf("%d snapshots are left, want 2", got)
	}
	again, err := b.PlanPrune(ctx, keep)
	if err != nil || again.Objects != 0 || again.Unknown != 0 {
		t.Errorf("there is more to prune: %+v, %v", again, err)
	}
	for o, err := range b.List(ctx, layout.LeasesPrefix) {
		t.Errorf("left behind: %v %v", o, err)
	}
	if _, err := publishID(ctx, b, ids[1]); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("publishing what was pruned: %v", err)
	}
}

func TestRetention(t *testing.T) {
	now := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	var all []Stored // newest first, one a day
	var p layout.Pointer
	for n := range 10 {
		id := editionTime(n).Format(layout.SnapshotTime) + "-0123456789ab"
		built := now.Add(time.Duration(n-9) * 24 * time.Hour)
		all = append([]Stored{{ID: id, Built: built}}, all...)
		p = p.After(testEnv, layout.Move{Kind: layout.MovePublish, Snapshot: id, At: built})
	}
	kept := func(r Retention, p *layout.Pointer) (n int) {
		var lived []string
		if p != nil {
			lived = p.Lived(now.Add(-r.Grace))
		}
		for i := range all {
			if r.why(p, lived, all, i, now) != "" {
				n++
			}
		}
		return n
	}
	pinned := p.After(testEnv, layout.Move{Kind: layout.MoveRollback, Snapshot: all[8].ID, At: now, Pin: true})
	for _, c := range []struct {
		name string
		keep Retention
		p    *layout.Pointer
		want int
	}{
		{"live and previous", Retention{}, &p, 2},
		{"newest", Retention{Last: 5}, &p, 5},
		{"days", Retention{Within: 3 * 24 * time.Hour}, &p, 4},
		{"was live", Retention{Grace: 49 * time.Hour}, &p, 4},
		{"never published", Retention{}, nil, 10},
		{"pinned to an old one", Retention{Last: 1}, &pinned, 3}, // newest, pinned, and what was before it
	} {
		if got := kept(c.keep, c.p); got != c.want {
			t.Errorf("%s: %d kept, want %d", c.name, got, c.want)
		}
	}
	if err := (Retention{Last: -1}).Validate(); err == nil {
		t.Error("a negative number was accepted")
	}
}

// Nothing is deleted from a bucket that is not understood.
func TestPruneRefuses(t *testing.T) {
	src, ctx := newEditions(t), context.Background()
	for name, damage := range map[string]func(b *Bucket, id string) error{
		"live manifest gone": func(b *Bucket, id string) error { return b.Delete(ctx, layout.ManifestKey(testEnv, id)) },
		"kept manifest damaged": func(b *Bucket, id string) error {
			return b.replaceLive(ctx, layout.Object{Key: layout.ManifestKey(testEnv, id), Body: []byte("{}"), ContentType: "text/plain"})
		},
		"pointer damaged": func(b *Bucket, _ string) error {
			return b.replaceLive(ctx, layout.Object{Key: layout.PointerKey(testEnv), Body: []byte("{}"), ContentType: "text/plain"})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, _ := fileBucket(t)
			src.mustPublish(t, b, 0)
			m := src.mustPublish(t, b, 1)
			if err := damage(b, m.Snapshot); err != nil {
				t.Fatal(err)
			}
			before := count(t, b)
			if plan, err := b.Prune(ctx, PruneOptions{}); err == nil {
				t.Errorf("pruned: %+v", plan)
			}
			if after := count(t, b); after != before {
				t.Errorf("%d objects before, %d after", before, after)
			}
		})
	}
}

func count(t testing.TB, b *Bucket) (n int) {
	t.Helper()
	for _, err := range b.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// TestRollbackAfterOtherMoves: a way back that was looked at is not gone once the
// pointer has moved, not even if the same snapshot is live again, or stayed live.
func TestRollbackAfterOtherMoves(t *testing.T) {
	for what, meanwhile := range map[string]func(t *testing.T, b *Bucket, ids []string) error{
		"to and fro": func(t *testing.T, b *Bucket, ids []string) error {
			for _, id := range []string{ids[0], ids[2]} {
				l := b.Lease(LeaseOptions{})
				r, err := l.PrepareRollback(t.Context(), testEnv, id)
				if err == nil {
					_, err = r.Do(t.Context(), Note{}, false)
				}
				if err := errors.Join(err, l.Release(t.Context())); err != nil {
					return err
				}
			}
			return nil
		},
		"pinned": func(t *testing.T, b *Bucket, _ []string) error { return second(b.Pin(t.Context(), testEnv, Note{})) },
		"gone back": func(t *testing.T, b *Bucket, ids []string) error {
			l := b.Lease(LeaseOptions{})
			r, err := l.PrepareRollback(t.Context(), testEnv, ids[1])
			if err == nil {
				_, err = r.Do(t.Context(), Note{}, false)
			}
			return errors.Join(err, l.Release(t.Context()))
		},
	} {
		t.Run(what, func(t *testing.T) {
			b, _ := fileBucket(t)
			src := newEditions(t)
			var ids []string
			for n := range 3 {
				ids = append(ids, src.mustPublish(t, b, n).Snapshot)
			}
			l := b.Lease(LeaseOptions{})
			r, err := l.PrepareRollback(t.Context(), testEnv, ids[1])
			if err != nil {
				t.Fatal(err)
			}
			if err := meanwhile(t, b, ids); err != nil {
				t.Fatal(err)
			}
			before, err := b.Pointer(t.Context(), testEnv)
			if err != nil {
				t.Fatal(err)
			}
			if m, err := r.Do(t.Context(), Note{}, false); !errors.Is(err, store.ErrConflict) {
				t.Errorf("%+v, %v; want a conflict", m, err)
			}
			if after, err := b.Pointer(t.Context(), testEnv); err != nil || after.Generation != before.Generation {
				t.Errorf("generation %d, then %d, %v", before.Generation, after.Generation, err)
			}
			if err := l.Release(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRollbackRefuses(t *testing.T) {
	src, ctx := newEditions(t), context.Background()
	b, _ := fileBucket(t)
	l := b.Lease(LeaseOptions{})
	if _, err := l.PrepareRollback(ctx, testEnv, ""); !errors.Is(err, ErrNothingLive) {
		t.Errorf("of nothing: %v", err)
	}
	first := src.mustPublish(t, b, 0)
	if _, err := l.PrepareRollback(ctx, testEnv, ""); !errors.Is(err, errNoPrevious) {
		t.Errorf("of the first: %v", err)
	}
	src.mustPublish(t, b, 1)
	r, err := l.PrepareRollback(ctx, testEnv, "")
	if err != nil {
		t.Fatal(err)
	}
	// Pruned between the look and the move.
	if err := b.Delete(ctx, layout.ManifestKey(testEnv, first.Snapshot)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Do(ctx, Note{}, false); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("to what was pruned: %v", err)
	}
	if _, err := l.PrepareRollback(ctx, testEnv, first.Snapshot); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("to what has no manifest: %v", err)
	}
	third := src.mustPublish(t, b, 2)
	src.mustPublish(t, b, 3)
	if err := b.Delete(ctx, layout.RoutesKey(testEnv, third.Snapshot)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.PrepareRollback(ctx, testEnv, ""); !errors.Is(err, ErrDamaged) {
		t.Errorf("to what has no routes: %v", err)
	}
	last, err := b.Pointer(ctx, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	src.mustPublish(t, b, 4)
	m, err := b.Manifest(ctx, testEnv, last.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	live, err := b.Live(ctx, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	only := ofOneOnly(live, m)
	if len(only) == 0 || len(only) > glances {
		t.Fatalf("%d objects are not live, want some and at most %d", len(only), glances)
	}
	for _, key := range only {
		body, err := b.Read(ctx, key)
		if err != nil {
			t.Fatalf("%s, which the snapshot is said to have: %v", key, err)
		}
		if err := b.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
		if _, err := l.PrepareRollback(ctx, testEnv, ""); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), key) {
			t.Errorf("to what lacks %s: %v", key, err)
		}
		if err := b.replaceLive(ctx, layout.Object{Key: key, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.PrepareRollback(ctx, testEnv, ""); err != nil {
		t.Errorf("to what is whole again: %v", err)
	}
	if err := l.Release(ctx); err != nil {
		t.Error(err)
	}
	if _, err := b.Pin(ctx, testEnv, Note{Reason: strings.Repeat("x", layout.MaxReason+1)}); err == nil {
		t.Error("a reason of any length was accepted")
	}
}
