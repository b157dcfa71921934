package publish

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestGrace has four editions go live ten minutes after each other, and looks at them a
// minute after the last: what was live within a time before that stays, to the second.
// The one that is live and the one before it stay in any case.
func TestGrace(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		for n := range 4 {
			if n > 0 {
				time.Sleep(10 * time.Minute)
			}
			src.mustPublish(t, b, n)
		}
		time.Sleep(time.Minute)
		for _, test := range []struct {
			grace time.Duration
			stay  []int
		}{
			{0, []int{3, 2}},
			{11 * time.Minute, []int{3, 2}},
			{11*time.Minute + time.Second, []int{3, 2, 1}},
			{21 * time.Minute, []int{3, 2, 1}},
			{21*time.Minute + time.Second, []int{3, 2, 1, 0}},
		} {
			plan, err := b.PlanPrune(t.Context(), Retention{Grace: test.grace})
			if err != nil {
				t.Fatal(err)
			}
			if got := kept(plan); !slices.Equal(got, test.stay) {
				t.Errorf("grace of %s: editions %v stay, want %v", test.grace, got, test.stay)
			}
		}
		// An entry of the log that cannot be read says nothing, and those around it count.
		if err := b.can.Replace(t.Context(), layout.Object{Key: layout.AuditKey(testEnv, 3), Body: []byte("x"), ContentType: "application/json"}); err != nil {
			t.Fatal(err)
		}
		plan, err := b.PlanPrune(t.Context(), Retention{Grace: 21*time.Minute + time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if got := kept(plan); !slices.Equal(got, []int{3, 2, 1, 0}) {
			t.Errorf("with an entry that cannot be read editions %v stay, want all", got)
		}
	})
}

// kept are the editions that stay, the newest first.
func kept(p *PrunePlan) (editions []int) {
	for _, k := range p.Environments[0].Keep {
		editions = append(editions, editionOf(k.ID))
	}
	return editions
}

// TestWhySnapshotsStay has a row for each reason, at its bound, and for which of two
// reasons is given.
func TestWhySnapshotsStay(t *testing.T) {
	now := time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC)
	all := []Stored{{"a", now}, {"b", now.Add(-time.Hour)}, {"c", now.Add(-48 * time.Hour)}, {"d", now.Add(-48*time.Hour - time.Second)}}
	elsewhere := &layout.Pointer{Snapshot: "other"}
	for _, test := range []struct {
		what  string
		keep  Retention
		at    *layout.Pointer
		lived []string
		want  []string
	}{
		{"never published", Retention{}, nil, nil, []string{"the environment was never published", "the environment was never published", "the environment was never published", "the environment was never published"}},
		{"live and before", Retention{Last: 9}, &layout.Pointer{Snapshot: "c", Previous: "d"}, nil, []string{"one of the newest 9", "one of the newest 9", "live", "a rollback goes there"}},
		{"pinned", Retention{}, &layout.Pointer{Snapshot: "c", Pinned: &layout.Pin{}}, nil, []string{"", "", "live and pinned", ""}},
		{"none of the newest", Retention{}, elsewhere, nil, []string{"", "", "", ""}},
		{"the newest two", Retention{Last: 2}, elsewhere, nil, []string{"one of the newest 2", "one of the newest 2", "", ""}},
		{"two days to the second", Retention{Within: 48 * time.Hour}, elsewhere, nil, []string{"built within 2 d", "built within 2 d", "built within 2 d", ""}},
		{"an hour and a half", Retention{Within: 90 * time.Minute}, elsewhere, nil, []string{"built within 1h30m0s", "built within 1h30m0s", "", ""}},
		{"lived", Retention{Grace: time.Hour}, elsewhere, []string{"d"}, []string{"", "", "", "live within 1h0m0s"}},
		{"lived, without grace", Retention{}, elsewhere, []string{"d"}, []string{"", "", "", ""}},
		{"days", Retention{Daily: 2}, elsewhere, nil, []string{"the newest of its day", "", "the newest of its day", ""}},
	} {
		for i := range all {
			if got := test.keep.why(test.at, test.lived, all, i, now); got != test.want[i] {
				t.Errorf("%s: %s stays because %q, want %q", test.what, all[i].ID, got, test.want[i])
			}
		}
	}
	for _, wrong := range []Retention{{Last: -1}, {Within: -1}, {Grace: -1}, {Daily: -1}, {Weekly: -1}, {Monthly: -1}} {
		if wrong.Validate() == nil {
			t.Errorf("%+v is valid", wrong)
		}
	}
	if err := (Retention{}).Validate(); err != nil {
		t.Error(err)
	}
}

// TestPruneOfIndexes: of the indexes of package storage v2 stay the one that is read,
// the two before it, those after it, and all that are not older than the rest may be.
func TestPruneOfIndexes(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		src.mustPublish(t, b, 0)
		put := func(generations ...int64) {
			for _, g := range generations {
				if err := b.Put(t.Context(), layout.Object{Key: layout.IndexKey(testEnv, g), Body: []byte("{}"), ContentType: "application/json"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		indexes := func(retire ...string) string {
			plan, err := b.PlanPrune(t.Context(), Retention{}, retire...)
			if err != nil {
				t.Fatal(err)
			}
			var out []string
			for _, keys := range plan.phases {
				for _, key := range keys {
					if _, g, err := layout.ParseStorageKey(key); err == nil {
						out = append(out, fmt.Sprint(g))
					}
				}
			}
			slices.Sort(out)
			if plan.Indexes.Objects != len(out) {
				t.Errorf("%d are counted, %d deleted", plan.Indexes.Objects, len(out))
			}
			return strings.Join(out, " ")
		}
		put(1, 2, 3, 4, 5, 6, 7)
		if err := b.MoveCursor(t.Context(), testEnv, 6, ""); err != nil {
			t.Fatal(err)
		}
		if got := indexes(); got != "" {
			t.Errorf("of young ones are deleted: %s", got)
		}
		time.Sleep(24 * time.Hour)
		put(8)
		if got := indexes(); got != "1 2 3" {
			t.Errorf("deleted are %q, want 1 to 3", got)
		}
		_, state, err := b.Cursor(t.Context(), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		// Where it is not known which one is read, all stay.
		if err := b.store.Swap(t.Context(), layout.CursorKey(testEnv), []byte("x"), state); err != nil {
			t.Fatal(err)
		}
		if got := indexes(); got != "" {
			t.Errorf("beside a damaged cursor are deleted: %s", got)
		}
		if got := indexes(testEnv); got != "0 1 2 3 4 5 6 7 8" {
			t.Errorf("of an environment that ends are deleted %q, want all and the cursor", got)
		}
	})
}

// TestTaggedStays: what has a tag stays, and says so, unless it is live, which says more.
func TestTaggedStays(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	var ids []string
	for n := range 5 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	for tag, n := range map[string]int{"one": 0, "two": 0, "before": 3, "now": 4} {
		mustTag(t, b, tag, ids[n])
	}
	for _, pinned := range []bool{false, true} {
		want := map[string]string{ids[0]: "tagged one, two", ids[3]: "tagged before", ids[4]: "live"}
		if pinned {
			if _, err := b.Pin(t.Context(), testEnv, Note{}); err != nil {
				t.Fatal(err)
			}
			want[ids[4]] = "live and pinned"
		}
		plan, err := b.PlanPrune(t.Context(), Retention{})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, k := range plan.Environments[0].Keep {
			got[k.ID] = k.Why
		}
		if !maps.Equal(got, want) {
			t.Errorf("pinned %t: %v stay, want %v", pinned, got, want)
		}
	}
}
