package find

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// move is an entry of the log at hour n.
func move(n int, kind layout.MoveKind, snapshot, before string) layout.Audit {
	return layout.Audit{Move: layout.Move{Kind: kind, Snapshot: snapshot, At: time.Unix(int64(3600*n), 0).UTC()}, Before: before}
}

// TestReignsBy: what was live follows from the moves on record, and from what they
// say of those that are not.
func TestReignsBy(t *testing.T) {
	publish, rollback, pin, unpin, retire := layout.MovePublish, layout.MoveRollback, layout.MovePin, layout.MoveUnpin, layout.MoveRetire
	for name, c := range map[string]struct {
		moves []layout.Audit
		want  string // a snapshot and its hour each, - where that is not on record
	}{
		"nothing":                   {nil, ""},
		"one":                       {[]layout.Audit{move(1, publish, "a", "")}, "a1"},
		"one after another":         {[]layout.Audit{move(1, publish, "a", ""), move(2, publish, "b", "a"), move(3, rollback, "a", "b")}, "a1 b2 a3"},
		"the same again":            {[]layout.Audit{move(1, publish, "a", ""), move(2, publish, "a", "a")}, "a1"},
		"pinned":                    {[]layout.Audit{move(1, publish, "a", ""), move(2, pin, "a", "a"), move(3, unpin, "a", "a")}, "a1"},
		"the first is not there":    {[]layout.Audit{move(2, publish, "b", "a")}, "a- b2"},
		"one between is not there":  {[]layout.Audit{move(1, publish, "a", ""), move(3, publish, "c", "b")}, "a1 b- c3"},
		"the move before a pin":     {[]layout.Audit{move(1, publish, "a", ""), move(3, pin, "b", "b")}, "a1 b-"},
		"the move before an unpin":  {[]layout.Audit{move(3, unpin, "b", "b"), move(4, publish, "c", "b")}, "b- c4"},
		"retired":                   {[]layout.Audit{move(1, publish, "a", ""), move(2, retire, "", "a"), move(3, publish, "a", "")}, "a1 2 a3"},
		"before is what it was too": {[]layout.Audit{move(1, publish, "a", ""), move(2, publish, "b", "")}, "a1 b2"},
	} {
		var got []string
		for _, r := range reignsBy(c.moves) {
			text := r.snapshot + "-"
			if !r.at.IsZero() {
				text = r.snapshot + fmt.Sprint(r.at.Unix()/3600)
			}
			if (r.move == nil) != r.at.IsZero() {
				t.Errorf("%s: %+v", name, r)
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestTells: an entry says all that a move changed, or not.
func TestTells(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(*layout.Audit)
		tells, begins bool
	}{
		"publish":               {func(*layout.Audit) {}, true, false},
		"publish of no change":  {func(a *layout.Audit) { a.Added = nil }, true, false},
		"the first":             {func(a *layout.Audit) { a.Before = "" }, false, true},
		"the first, made up":    {func(a *layout.Audit) { a.Before, a.Late = "", true }, false, false},
		"a first rollback":      {func(a *layout.Audit) { a.Before, a.Kind = "", layout.MoveRollback }, false, false},
		"made up":               {func(a *layout.Audit) { a.Late = true }, false, false},
		"of unknown packages":   {func(a *layout.Audit) { a.Packages = 0 }, false, false},
		"cut":                   {func(a *layout.Audit) { a.More = 1 }, false, false},
		"rollback":              {func(a *layout.Audit) { a.Kind = layout.MoveRollback }, true, false},
		"rollback, removed one": {func(a *layout.Audit) { a.Kind, a.Added, a.Removed = layout.MoveRollback, nil, []string{"x-1.0.0"} }, true, false},
		"rollback, changed one": {func(a *layout.Audit) { a.Kind, a.Added, a.Changed = layout.MoveRollback, nil, []string{"x-1.0.0"} }, true, false},
		"rollback of nothing":   {func(a *layout.Audit) { a.Kind, a.Added = layout.MoveRollback, nil }, false, false},
		"pin":                   {func(a *layout.Audit) { a.Kind = layout.MovePin }, false, false},
	} {
		m := move(1, layout.MovePublish, "b", "a")
		m.Packages, m.Added = 1, []string{"x-1.0.0"}
		c.change(&m)
		r := reign{m.Snapshot, m.At, &m}
		if r.tells() != c.tells || r.begins() != c.begins {
			t.Errorf("%s: tells %t, begins %t", name, r.tells(), r.begins())
		}
	}
	if r := (reign{snapshot: "a"}); r.tells() || r.begins() {
		t.Error("a reign without a move tells something")
	}
}

// TestNewer: by precedence, then by build metadata; what is no version by its bytes.
func TestNewer(t *testing.T) {
	versions := []string{"1.9.0", "1.10.0", "1.10.0-rc.1", "2.0.0+a", "2.0.0+b", "0.1.0"}
	slices.SortFunc(versions, Newer)
	if got := strings.Join(versions, " "); got != "2.0.0+b 2.0.0+a 1.10.0 1.10.0-rc.1 1.9.0 0.1.0" {
		t.Error(got)
	}
	for _, c := range [][2]string{{"x", "1.0.0"}, {"2", "10.0.0"}, {"9.0.0", "10"}} {
		if Newer(c[0], c[1]) >= 0 || Newer(c[1], c[0]) <= 0 {
			t.Errorf("%s is not before %s", c[0], c[1])
		}
	}
}
