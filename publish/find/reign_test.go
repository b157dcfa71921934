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

// TestOrigin: of a snapshot without a manifest the entry of the log that made it live
// says what it was built from, and no other entry.
func TestOrigin(t *testing.T) {
	built := func(n int, snapshot, before, commit string) reign {
		m := move(n, layout.MovePublish, snapshot, before)
		m.Branches = []layout.AuditBranch{{Name: "production", Commit: commit}}
		return reign{snapshot, m.At, &m}
	}
	reigns := []reign{{snapshot: "0"}, built(1, "a", "0", "1111"), built(2, "b", "a", "2222"), {snapshot: "c"}}
	for first, want := range map[string]string{"0": "", "a": "1111", "b": "2222", "c": ""} {
		p := Period{First: first}
		if err := (&search{}).origin(t.Context(), &p, reigns); err != nil {
			t.Fatal(err)
		}
		got := ""
		if p.Origin != nil {
			got = p.Origin.Commit
		}
		if got != want {
			t.Errorf("%s was built from %q, want %q", first, got, want)
		}
	}
	// Of two branches it is not known which one has the package.
	two := built(1, "a", "", "1111")
	two.move.Branches = append(two.move.Branches, layout.AuditBranch{Name: "staging", Commit: "2222"})
	for branch, want := range map[string]string{"": "", "production": "1111", "staging": "2222"} {
		p := Period{First: "a", Branch: branch}
		if err := (&search{}).origin(t.Context(), &p, []reign{two}); err != nil {
			t.Fatal(err)
		}
		got := ""
		if p.Origin != nil {
			got = p.Origin.Commit
		}
		if got != want {
			t.Errorf("of branch %q it was built from %q, want %q", branch, got, want)
		}
	}
}

// TestFollow: without any manifest, what one snapshot has is known of the others as far as
// the moves between tell it, to both sides.
func TestFollow(t *testing.T) {
	moves := func(change func(n int, m *layout.Audit)) []reign {
		var all []layout.Audit
		for n, ids := range [][2]string{{"a", ""}, {"b", "a"}, {"c", "b"}} {
			m := move(n+1, layout.MovePublish, ids[0], ids[1])
			m.Packages = 9
			switch n {
			case 1:
				m.Added, m.Changed = []string{"x-2.0.0", "y-1.0.0"}, []string{"x-3.0.0"}
			case 2:
				m.Removed = []string{"x-1.0.0"}
			}
			change(n, &m)
			all = append(all, m)
		}
		return reignsBy(all)
	}
	all := func(int, *layout.Audit) {}
	atB := state{map[string]held{"1.0.0": {"r1", "p"}, "2.0.0": {"r2", "p"}, "3.0.0": {"r3", "p"}}}
	for what, c := range map[string]struct {
		change func(int, *layout.Audit)
		known  map[string]state
		want   map[string]string
	}{
		"from the middle": {all, map[string]state{"b": atB}, map[string]string{
			"a": "1.0.0=r1 3.0.0=", "b": "1.0.0=r1 2.0.0=r2 3.0.0=r3", "c": "2.0.0=r2 3.0.0=r3"}},
		"from the end": {all, map[string]state{"c": {map[string]held{"2.0.0": {"r2", "p"}}}}, map[string]string{
			"a": "1.0.0= 3.0.0=", "b": "1.0.0= 2.0.0=r2", "c": "2.0.0=r2"}},
		"from the beginning": {all, map[string]state{"a": {map[string]held{"1.0.0": {"r1", "p"}}}}, map[string]string{
			"a": "1.0.0=r1", "b": "1.0.0=r1 2.0.0= 3.0.0=", "c": "2.0.0= 3.0.0="}},
		"nothing": {all, map[string]state{}, map[string]string{"a": "not known", "b": "not known", "c": "not known"}},
		"a move that does not tell, back": {func(n int, m *layout.Audit) { m.More = n % 2 }, map[string]state{"c": {map[string]held{}}}, map[string]string{
			"a": "not known", "b": "1.0.0=", "c": ""}},
		"a move that does not tell, forth": {func(n int, m *layout.Audit) { m.More = n / 2 }, map[string]state{"a": {map[string]held{}}}, map[string]string{
			"a": "", "b": "2.0.0= 3.0.0=", "c": "not known"}},
	} {
		s := &search{q: Query{Name: "x"}, states: c.known, read: map[string]*layout.Manifest{}}
		if err := s.follow(t.Context(), moves(c.change)); err != nil {
			t.Fatal(err)
		}
		for id, want := range c.want {
			got := "not known"
			if has := s.states[id].has; has != nil {
				var list []string
				for version, h := range has {
					list = append(list, version+"="+h.revision)
				}
				slices.Sort(list)
				got = strings.Join(list, " ")
			}
			if got != want {
				t.Errorf("%s: %s has %q, want %q", what, id, got, want)
			}
		}
	}
}

// TestPeriods tells of one version, in reigns that are written as snapshot, hour ("-" if it
// is not on record) and content ("." if the version is not there, "?" if that is not known).
func TestPeriods(t *testing.T) {
	for reigns, want := range map[string]string{
		"a1x":             "a-a x 1 to now",
		"a1.":             "",
		"a1x b2x":         "a-b x 1 to now",
		"a1x b2y":         "b-b y 2 to now, a-a x 1 to 2",
		"a1x b2. c3x":     "c-c x 3 to now, a-a x 1 to 2",
		"a1x b2? c3x":     "c-c x 3 or earlier to now, a-a x 1 to 2 or later",
		"a1x b-. c3x":     "c-c x 3 to now, a-a x 1 to - or later",
		"a-x b2x":         "a-b x - or earlier to now",
		"a1. b2x":         "b-b x 2 to now",
		"a1? b2x":         "b-b x 2 or earlier to now",
		"a1x -2. a3x":     "a-a x 3 to now, a-a x 1 to 2",
		"a1x b2_ c3x":     "a-c x 1 to now", // it is there, with what content only the log knows
		"a1_ b2x":         "a-b x 1 to now",
		"a1_ b2_":         "a-b _ 1 to now",
		"a1x b2x c3. d4.": "a-b x 1 to 3",
	} {
		s := &search{q: Query{Name: "p"}, states: map[string]state{}, read: map[string]*layout.Manifest{}}
		var list []reign
		for text := range strings.FieldsSeq(reigns) {
			id, at, content := strings.Trim(text[:1], "-"), text[1:2], text[2:]
			r := reign{snapshot: id}
			if at != "-" {
				m := move(int(at[0]-'0'), layout.MovePublish, id, "")
				if len(list) > 0 {
					m.Before = "some"
				}
				r.at, r.move = m.At, &m
			}
			if content != "?" && id != "" {
				has := map[string]held{}
				if content != "." {
					has["1.0.0"] = held{strings.Trim(content, "_"), "b"}
				}
				s.states[id] = state{has}
			}
			list = append(list, r)
		}
		periods, err := s.periods(t.Context(), list, "1.0.0")
		if err != nil {
			t.Fatal(err)
		}
		hour := func(at time.Time) string {
			if at.IsZero() {
				return "-"
			}
			return fmt.Sprint(at.Unix() / 3600)
		}
		var got []string
		for i, p := range periods {
			text := fmt.Sprintf("%s-%s %s %s", p.First, p.Last, p.Revision, hour(p.Since))
			if p.Revision == "" {
				text = fmt.Sprintf("%s-%s _ %s", p.First, p.Last, hour(p.Since))
			}
			if p.Earlier {
				text += " or earlier"
			}
			switch {
			case i == 0 && p.Until.IsZero() && !p.Later:
				text += " to now"
			case p.Later:
				text += " to " + hour(p.Until) + " or later"
			default:
				text += " to " + hour(p.Until)
			}
			got = append(got, text)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", reigns, strings.Join(got, ", "), want)
		}
	}
}
