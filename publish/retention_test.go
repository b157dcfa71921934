package publish

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestKeepPeriods: of the newest days, weeks and months that have a snapshot the
// newest one stays, and nothing else.
func TestKeepPeriods(t *testing.T) {
	now := time.Date(2024, 5, 15, 12, 0, 0, 0, time.UTC) // a Wednesday
	var all []Stored
	for i, built := range []string{
		"2024-05-15T11:00:00Z", "2024-05-15T01:00:00Z", "2024-05-14T23:00:00Z", "2024-05-12T10:00:00Z", // the last is a Sunday
		"2024-05-06T10:00:00Z", "2024-05-05T10:00:00Z", "2024-04-30T10:00:00Z", "2024-04-01T10:00:00Z", "2023-12-31T10:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339, built)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, Stored{ID: fmt.Sprint(i), Built: at})
	}
	for _, test := range []struct {
		keep Retention
		want []int
	}{
		{Retention{}, nil},
		{Retention{Daily: 1}, []int{0}},
		{Retention{Daily: 3}, []int{0, 2, 3}},
		{Retention{Weekly: 3}, []int{0, 3, 5}},
		{Retention{Monthly: 2}, []int{0, 6}},
		{Retention{Monthly: 12}, []int{0, 6, 8}},
		{Retention{Daily: 2, Weekly: 2, Monthly: 3}, []int{0, 2, 3, 6, 8}},
	} {
		var kept []int
		for i := range all {
			if test.keep.why(&layout.Pointer{Snapshot: "other"}, nil, all, i, now) != "" {
				kept = append(kept, i)
			}
		}
		if !slices.Equal(kept, test.want) {
			t.Errorf("%+v keeps %v, want %v", test.keep, kept, test.want)
		}
	}
	for _, wrong := range []Retention{{Daily: -1}, {Weekly: -1}, {Monthly: -1}} {
		if wrong.Validate() == nil {
			t.Errorf("%+v is valid", wrong)
		}
	}
}

// keptByCalendar is what --keep-daily, --keep-weekly and --keep-monthly keep, by the words
// of the manual alone: of the last so many days, weeks (from Monday on) and months, in UTC,
// that have a snapshot, the newest snapshot of each.
func keptByCalendar(r Retention, built []time.Time) map[int]bool {
	kept := map[int]bool{}
	begin := func(t time.Time, period string) time.Time {
		y, m, d := t.UTC().Date()
		day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		switch period {
		case "week":
			for day.Weekday() != time.Monday {
				day = day.AddDate(0, 0, -1)
			}
		case "month":
			day = time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
		}
		return day
	}
	for period, most := range map[string]int{"day": r.Daily, "week": r.Weekly, "month": r.Monthly} {
		newest := map[time.Time]int{}
		for i, t := range built {
			b := begin(t, period)
			if j, known := newest[b]; !known || t.After(built[j]) {
				newest[b] = i
			}
		}
		begins := slices.SortedFunc(maps.Keys(newest), func(a, b time.Time) int { return b.Compare(a) })
		for _, b := range begins[:min(most, len(begins))] {
			kept[newest[b]] = true
		}
	}
	return kept
}

// TestKeepPeriodsByCalendar compares with that on random histories: of few days and of
// years, over turns of years, in every zone.
func TestKeepPeriodsByCalendar(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		span := []time.Duration{26 * time.Hour, 15 * 24 * time.Hour, 800 * 24 * time.Hour}[r.IntN(3)]
		end := time.Date(2015+r.IntN(15), 1, 1+r.IntN(9), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
		built := make([]time.Time, 1+r.IntN(25))
		for i := range built {
			built[i] = end.Add(-time.Duration(r.Int64N(int64(span)))).In(time.FixedZone("", (r.IntN(27)-13)*3600))
		}
		slices.SortFunc(built, func(a, b time.Time) int { return b.Compare(a) })
		var all []Stored
		for i, at := range built {
			all = append(all, Stored{ID: fmt.Sprint(i), Built: at})
		}
		keep := Retention{Daily: r.IntN(6), Weekly: r.IntN(6), Monthly: r.IntN(6)}
		want := keptByCalendar(keep, built)
		for i := range all {
			if got := keep.why(&layout.Pointer{Snapshot: "other"}, nil, all, i, end) != ""; got != want[i] {
				t.Fatalf("%+v of %v: that of %s is kept: %t, want %t", keep, built, built[i], got, want[i])
			}
		}
	}
}
