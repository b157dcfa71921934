package publish

import (
	"fmt"
	"slices"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// Retention says which snapshots prune keeps. Whatever it says, the live
// snapshot of an environment and the one that a rollback goes to stay, and so
// does every snapshot of an environment that was never published.
type Retention struct {
	// Last keeps the newest ones, this many of each environment.
	Last int `json:"last"`
	// Within keeps those that were built not longer ago than this.
	Within time.Duration `json:"-"`
	// Grace keeps those that were live not longer ago than this: edges, CDNs
	// and clients may still be reading from them.
	Grace time.Duration `json:"-"`
	// Daily keeps the newest one of each of this many days that have any, in UTC;
	// Weekly and Monthly do so for weeks, which begin on Mondays, and months.
	Daily   int `json:"daily,omitempty"`
	Weekly  int `json:"weekly,omitempty"`
	Monthly int `json:"monthly,omitempty"`
	// Configured are environments that are no previews: they do not expire.
	Configured []string `json:"-"`
}

// DefaultRetention keeps a month, at least ten snapshots, and gives readers an
// hour to move on.
var DefaultRetention = Retention{Last: 10, Within: 30 * 24 * time.Hour, Grace: time.Hour}

// Validate refuses values without a meaning.
func (r Retention) Validate() error {
	if r.Last < 0 || r.Within < 0 || r.Grace < 0 {
		return fmt.Errorf("retention: last %d, within %s, grace %s: none may be negative", r.Last, r.Within, r.Grace)
	}
	if r.Daily < 0 || r.Weekly < 0 || r.Monthly < 0 {
		return fmt.Errorf("retention: daily %d, weekly %d, monthly %d: none may be negative", r.Daily, r.Weekly, r.Monthly)
	}
	return nil
}

// periods are the lengths of time of which the newest snapshot can be kept.
var periods = []struct {
	name string
	kept func(Retention) int
	of   func(time.Time) string
}{
	{"day", func(r Retention) int { return r.Daily }, func(t time.Time) string { return t.UTC().Format(time.DateOnly) }},
	{"week", func(r Retention) int { return r.Weekly }, func(t time.Time) string {
		year, week := t.UTC().ISOWeek()
		return fmt.Sprint(year, week)
	}},
	{"month", func(r Retention) int { return r.Monthly }, func(t time.Time) string { return t.UTC().Format("2006-01") }},
}

// newestOf names the period of which the snapshot at i is kept as the newest; ""
// if it is the newest of no period. all are newest first.
func (r Retention) newestOf(all []Stored, i int) string {
	for _, p := range periods {
		if p.kept(r) == 0 {
			continue
		}
		before := map[string]bool{}
		for _, s := range all[:i] {
			before[p.of(s.Built)] = true
		}
		if len(before) < p.kept(r) && !before[p.of(all[i].Built)] {
			return p.name
		}
	}
	return ""
}

// why says why a snapshot stays; "" when it does not. It is the one at i of all
// that the environment has, newest first. p is nil when nothing was ever live; lived
// are those that were live within Grace.
func (r Retention) why(p *layout.Pointer, lived []string, all []Stored, i int, now time.Time) string {
	s := all[i]
	switch {
	case p == nil:
		return "the environment was never published"
	case s.ID == p.Snapshot && p.Pinned != nil:
		return "live and pinned"
	case s.ID == p.Snapshot:
		return "live"
	case s.ID == p.Previous:
		return "a rollback goes there"
	case i < r.Last:
		return fmt.Sprintf("one of the newest %d", r.Last)
	case r.Within > 0 && now.Sub(s.Built) <= r.Within:
		return "built within " + days(r.Within)
	case r.Grace > 0 && slices.Contains(lived, s.ID):
		return "live within " + r.Grace.String()
	}
	if period := r.newestOf(all, i); period != "" {
		return "the newest of its " + period
	}
	return ""
}

// days writes a time in days where it is whole days.
func days(d time.Duration) string {
	if day := 24 * time.Hour; d%day == 0 {
		return fmt.Sprintf("%d d", d/day)
	}
	return d.String()
}
