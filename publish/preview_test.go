package publish

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestPreviewExpires: a plain publish of a snapshot that is live changes nothing, one
// that says until when it is a preview changes that; prune ends it when its time is over,
// unless it is pinned or configured. Going back and pinning leave it a preview.
func TestPreviewExpires(t *testing.T) {
	ctx := t.Context()
	b, _ := fileBucket(t)
	src := newEditions(t)
	configured := false
	publish := func(edition int, until time.Time) string {
		t.Helper()
		n := Note{By: "ada", Configured: configured}
		if !until.IsZero() {
			n.Preview = &layout.Preview{Until: until}
		}
		id, lease, err := src.build(ctx, b, edition)
		if err == nil {
			_, err = lease.Publish(ctx, testEnv, id, n, inLine)
		}
		if err := errors.Join(err, lease.Release(ctx)); err != nil {
			t.Fatal(err)
		}
		return id
	}
	pointer := func() layout.Pointer {
		t.Helper()
		p, err := b.Pointer(ctx, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	soon, over := time.Now().Add(time.Hour).UTC().Truncate(time.Second), time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
	first := publish(0, time.Time{})
	if p := pointer(); p.Preview != nil || p.Format != layout.PointerFormat {
		t.Fatalf("published: %+v", p)
	}
	second := publish(1, soon)
	publish(1, soon)
	if p := pointer(); p.Generation != 2 || p.Preview == nil || !p.Preview.Until.Equal(soon) || p.Previous != first {
		t.Errorf("as a preview: %+v", p)
	}
	// A publish that says nothing of it leaves it a preview: of the same snapshot, and of
	// another one.
	publish(1, time.Time{})
	if p := pointer(); p.Generation != 2 || p.Preview == nil || !p.Preview.Until.Equal(soon) {
		t.Errorf("published again: %+v", p)
	}
	publish(2, time.Time{})
	if p := pointer(); p.Generation != 3 || p.Preview == nil || !p.Preview.Until.Equal(soon) || p.Format != layout.PreviewPointerFormat {
		t.Errorf("another snapshot: %+v", p)
	}
	publish(2, over)
	if p := pointer(); p.Generation != 4 || !p.Preview.Until.Equal(over) || p.Previous != second {
		t.Errorf("with another time: %+v", p)
	}
	s, err := b.Status(ctx, testEnv, nil)
	if err != nil || s.Preview == nil || !s.Preview.Expired(time.Now()) {
		t.Errorf("status: %+v, %v", s, err)
	}
	retired := func(keep Retention) time.Time {
		t.Helper()
		plan, err := b.PlanPrune(ctx, keep)
		if err != nil {
			t.Fatal(err)
		}
		if e := plan.Environments[0]; e.Retired == e.Expired.IsZero() {
			t.Errorf("plan: %+v", e)
		}
		return plan.Environments[0].Expired
	}
	if at := retired(DefaultRetention); !at.Equal(over) {
		t.Errorf("expired at %v, want %v", at, over)
	}
	keep := DefaultRetention
	keep.Configured = []string{testEnv}
	if at := retired(keep); !at.IsZero() {
		t.Errorf("a configured environment expires: %v", at)
	}
	if _, err := b.Pin(ctx, testEnv, Note{By: "ada", Reason: "for a demo"}); err != nil {
		t.Fatal(err)
	}
	if at := retired(DefaultRetention); !at.IsZero() || pointer().Preview == nil {
		t.Errorf("a pinned preview expires: %v", at)
	}
	if _, err := b.Unpin(ctx, testEnv, Note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Prune(ctx, PruneOptions{Keep: DefaultRetention, By: "ada"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pointer(ctx, testEnv); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the pointer after its time: %v", err)
	}
	if moves := allMoves(t, b); moves[0].Kind != layout.MoveRetire {
		t.Errorf("the last move: %+v", moves[0])
	}
	// One that is configured is a preview no more.
	publish(0, soon)
	configured = true
	publish(0, time.Time{})
	if p := pointer(); p.Preview != nil || p.Format != layout.PointerFormat {
		t.Errorf("configured: %+v", p)
	}
}

// TestPinnedPreview: to publish what is live and pinned, with another time for the
// preview, changes nothing, and nothing is held back.
func TestPinnedPreview(t *testing.T) {
	b, _ := fileBucket(t)
	src := newEditions(t)
	soon := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	id := src.mustPublish(t, b, 0).Snapshot
	at := func(until time.Time) *Moved {
		t.Helper()
		l := b.Lease(LeaseOptions{})
		m, err := l.Publish(t.Context(), testEnv, id, Note{Preview: &layout.Preview{Until: until}}, inLine)
		if err := errors.Join(err, l.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
		return m
	}
	at(soon)
	if _, err := b.Pin(t.Context(), testEnv, Note{}); err != nil {
		t.Fatal(err)
	}
	before, err := b.Pointer(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, until := range []time.Time{soon, soon.Add(time.Hour)} {
		if m := at(until); m.Changed || m.Held || m.Live != id {
			t.Errorf("until %s: %+v", until, m)
		}
		if after, err := b.Pointer(t.Context(), testEnv); err != nil || after.Generation != before.Generation || !after.Preview.Until.Equal(soon) {
			t.Errorf("until %s: %+v, %v", until, after, err)
		}
	}
}
