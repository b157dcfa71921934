package publish

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// kindsOf writes moves as "kind edition", the newest first.
func kindsOf(moves []layout.Move) string {
	var out []string
	for _, m := range moves {
		text := fmt.Sprint(m.Kind, " ", editionOf(m.Snapshot))
		if m.Pin {
			text += " pinned"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestRecordOfMoves has one move of each kind, and compares what the pointer, the audit
// log and the events of the history have of them. A pointer is read by those who know no
// recovery: there it is a rollback.
func TestRecordOfMoves(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), openTest(t, "mem://")
		for n := range 3 {
			src.mustPublish(t, b, n)
		}
		mustRollBack(t, b, "incident")
		for range 2 {
			if err := b.store.Delete(ctx, layout.PointerKey(testEnv)); err != nil {
				t.Fatal(err)
			}
			l := b.Lease(LeaseOptions{Purpose: "recover"})
			r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if editionOf(r.Snapshot) != 1 || r.Pinned == nil || r.Pinned.Reason != "incident" {
				t.Errorf("to be live is edition %d, pinned %+v", editionOf(r.Snapshot), r.Pinned)
			}
			if _, err := r.Do(ctx, Note{By: "eve"}); err != nil {
				t.Fatal(err)
			}
			if err := l.Release(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := b.Unpin(ctx, testEnv, Note{}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Pin(ctx, testEnv, Note{}); err != nil {
			t.Fatal(err)
		}
		p, err := b.Pointer(ctx, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		const rest = "rollback 1 pinned, publish 2, publish 1, publish 0"
		if got, want := kindsOf(p.Moves), "pin 1, unpin 1, rollback 1, rollback 1, "+rest; got != want {
			t.Errorf("the pointer has\n%s, want\n%s", got, want)
		}
		h, err := b.History(ctx, testEnv, 0)
		if err != nil {
			t.Fatal(err)
		}
		var logged []layout.Move
		for _, m := range h.Moves {
			logged = append(logged, m.Move)
		}
		if got, want := kindsOf(logged), "pin 1, unpin 1, recover 1, recover 1, "+rest; got != want {
			t.Errorf("the log has\n%s, want\n%s", got, want)
		}
		for _, e := range h.Events {
			want := map[int]string{0: "publish 0", 1: "recover 1, recover 1, rollback 1 pinned, publish 1", 2: "publish 2"}[editionOf(e.ID)]
			if got := kindsOf(e.Moves); got != want {
				t.Errorf("edition %d was moved by %q, want %q", editionOf(e.ID), got, want)
			}
		}
		// After an unpin a recovery does not pin.
		if _, err := b.Unpin(ctx, testEnv, Note{}); err != nil {
			t.Fatal(err)
		}
		if err := b.store.Delete(ctx, layout.PointerKey(testEnv)); err != nil {
			t.Fatal(err)
		}
		if r, err := b.Lease(LeaseOptions{}).PrepareRecovery(ctx, testEnv, RecoverOptions{}); err != nil || r.Pinned != nil || r.Recorded != 9 {
			t.Errorf("after an unpin: %+v, %v", r, err)
		}
		time.Sleep(time.Hour)
	})
}

// TestHistoryOfMany: every snapshot but the oldest is compared with the one before it,
// however many there are, and as many are told as were asked for.
func TestHistoryOfMany(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	const many = 3*historyReads + 2
	for n := range many {
		src.mustPublish(t, b, n)
	}
	for limit, want := range map[int]int{0: many, 1: 1, historyReads: historyReads, historyReads + 1: historyReads + 1, many: many, many + 1: many} {
		h, err := b.History(t.Context(), testEnv, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(h.Events) != want || h.More != many-want {
			t.Errorf("of %d: %d snapshots, and %d more", limit, len(h.Events), h.More)
		}
		for i, e := range h.Events {
			n := many - 1 - i
			if editionOf(e.ID) != n || e.Live != (i == 0) || e.Previous != (i == 1) {
				t.Errorf("of %d: the one at %d is of edition %d, live %t, before that %t", limit, i, editionOf(e.ID), e.Live, e.Previous)
			}
			growing := fmt.Sprintf("1.0.%d", n)
			switch {
			case n == 0:
				if e.Changes != nil {
					t.Errorf("the oldest is compared: %+v", e.Changes)
				}
			case e.Changes == nil || !slices.ContainsFunc(e.Changes.Added, func(c PackageChange) bool { return c.Name == "growing" && c.Version == growing }):
				t.Errorf("of %d: edition %d has the changes %+v", limit, n, e.Changes)
			}
		}
	}
}

// TestLateEntries: of moves that only the pointer remembers is said what was live before,
// where another snapshot was, and in which generation they were at least.
func TestLateEntries(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	first := src.mustPublish(t, b, 0).Snapshot
	if _, err := b.Pin(t.Context(), testEnv, Note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Unpin(t.Context(), testEnv, Note{}); err != nil {
		t.Fatal(err)
	}
	second := src.mustPublish(t, b, 1).Snapshot
	for g := range int64(4) {
		if err := b.Delete(t.Context(), layout.AuditKey(testEnv, g+1)); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for m, err := range b.Moves(t.Context(), testEnv) {
		if err != nil {
			t.Fatal(err)
		}
		before := map[string]string{"": "-", first: "first", second: "second"}[m.Before]
		got = append(got, fmt.Sprint(m.Generation, " ", m.Kind, " ", before, " ", m.Late))
	}
	if want := []string{"4 publish first true", "3 unpin - true", "2 pin - true", "1 publish - true"}; !slices.Equal(got, want) {
		t.Errorf("the moves are %q, want %q", got, want)
	}
}
