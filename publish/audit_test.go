package publish

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// allMoves is what Moves goes through.
func allMoves(t *testing.T, b *Bucket) []Recorded {
	t.Helper()
	var out []Recorded
	for m, err := range b.Moves(t.Context(), testEnv) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// Every move is on record, however many there are, even if its writer died.
func TestAuditLog(t *testing.T) {
	b, _ := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	src.mustPublish(t, b, 0)
	src.mustPublish(t, b, 1)
	var want []string
	for n := range 60 {
		reason := fmt.Sprint("reason ", n)
		do := b.Pin
		if n%2 == 1 {
			do = b.Unpin
		}
		m, err := do(ctx, testEnv, Note{By: "ada", Reason: reason})
		if err != nil || m.Unrecorded != "" {
			t.Fatalf("%+v, %v", m, err)
		}
		want = append(want, reason)
		switch n {
		case 10, 11, 30: // the writer died before it could record the move
			if err := b.store.Delete(ctx, layout.AuditKey(testEnv, m.Generation)); err != nil {
				t.Fatal(err)
			}
		case 20: // prune gives the pointer a generation that is no move's
			if err := b.fence(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Reverse(want)
	var got []string
	moves := allMoves(t, b)
	for _, m := range moves[:60] {
		got = append(got, m.Reason)
	}
	if !slices.Equal(got, want) {
		t.Errorf("on record are %q, want %q", got, want)
	}
	if len(moves) != 62 || !slices.Equal(moves[60].Added, []string{"growing-1.0.1"}) || moves[60].Branches[0].Commit == "" {
		t.Errorf("%d moves, the second publish is %+v", len(moves), moves[60:])
	}
	p, err := b.Pointer(ctx, testEnv)
	if err != nil || len(p.Moves) != layout.MaxMoves {
		t.Errorf("the pointer has %d moves, %v", len(p.Moves), err)
	}
}

// What a pointer remembers from before there was a log is recorded by the next move.
func TestAuditLogOfOldPointers(t *testing.T) {
	b, _ := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	id := src.mustPublish(t, b, 0).Live
	for o, err := range b.List(ctx, layout.AuditPrefix) {
		if err == nil {
			err = b.store.Delete(ctx, o.Key)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := layout.Pointer{Format: layout.PointerFormat, Environment: testEnv, Snapshot: id, Generation: 70}
	for n := range 50 {
		p.Moves = append(p.Moves, layout.Move{Snapshot: id, Kind: layout.MovePublish, At: time.Unix(int64(1000-n), 0).UTC(), By: "old"})
	}
	_, state, err := b.store.Load(ctx, layout.PointerKey(testEnv))
	if err == nil {
		err = b.store.Swap(ctx, layout.PointerKey(testEnv), p.Encode(), state)
	}
	if err != nil {
		t.Fatal(err)
	}
	if moves := allMoves(t, b); len(moves) != 50 {
		t.Errorf("%d moves before the first of this regsnap, want 50", len(moves))
	}
	if m, err := b.Pin(ctx, testEnv, Note{}); err != nil || m.Unrecorded != "" {
		t.Fatalf("%+v, %v", m, err)
	}
	moves := allMoves(t, b)
	if len(moves) != 51 || !moves[1].Late || !slices.IsSortedFunc(moves, func(a, b Recorded) int { return b.At.Compare(a.At) }) {
		t.Errorf("%d moves: %+v", len(moves), moves)
	}
}

// The grace of prune does not end with what the pointer remembers.
func TestGraceBeyondPointer(t *testing.T) {
	b, _ := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	id := src.mustPublish(t, b, 0).Live
	for n := range layout.MaxMoves {
		src.mustPublish(t, b, n+1)
	}
	plan, err := b.PlanPrune(ctx, Retention{Grace: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	kept := plan.Environments[0].Keep
	if !slices.ContainsFunc(kept, func(k PruneKept) bool { return k.ID == id && k.Why == "live within 1h0m0s" }) {
		t.Errorf("%s is not among the %d kept: %+v", id, len(kept), kept)
	}
	plan, err = b.Prune(ctx, PruneOptions{Retire: []string{testEnv}})
	if err != nil {
		t.Fatal(err)
	}
	if moves := allMoves(t, b); len(moves) != layout.MaxMoves+2 || moves[0].Kind != layout.MoveRetire {
		t.Errorf("after it was retired there are %d moves: %+v; deleted: %d", len(moves), moves[0], plan.Objects)
	}
	src.mustPublish(t, b, 0)
	if moves := allMoves(t, b); moves[0].Kind != layout.MovePublish || moves[1].Kind != layout.MoveRetire {
		t.Errorf("after it began again: %+v", moves[:2])
	}
}
