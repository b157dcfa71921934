package publish

import (
	"fmt"
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
