package publish

import (
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestDefaults: what docs/bucket.md and the manual of prune state.
func TestDefaults(t *testing.T) {
	if want := (Retention{Last: 10, Within: 720 * time.Hour, Grace: time.Hour}); !sameRetention(DefaultRetention, want) {
		t.Errorf("prune keeps %+v, want %+v", DefaultRetention, want)
	}
	if err := DefaultRetention.Validate(); err != nil {
		t.Error(err)
	}
	times := defaultLeaseTimes
	if times.stale != 10*time.Minute {
		t.Errorf("a lease is orphaned after %s, want ten minutes", times.stale)
	}
	// A holder that misses several renewals still acts, and one that cannot renew stops
	// long before others take it for dead, by more than a request takes.
	if 3*times.renew > times.trust || times.trust+2*times.linger > times.stale || times.poll <= 0 || times.poll > times.renew {
		t.Errorf("the times of leases do not fit: %+v", times)
	}
	if defaultHookTimeout != time.Minute || hookRetries.Attempts != 4 {
		t.Errorf("hooks: %s, %d attempts", defaultHookTimeout, hookRetries.Attempts)
	}
}

func sameRetention(a, b Retention) bool {
	return a.Last == b.Last && a.Within == b.Within && a.Grace == b.Grace && a.Daily == b.Daily && a.Weekly == b.Weekly && a.Monthly == b.Monthly
}

// TestRetentionRefuses: no value may be negative, and 0 is one.
func TestRetentionRefuses(t *testing.T) {
	for _, set := range []func(*Retention){
		func(r *Retention) { r.Last = -1 },
		func(r *Retention) { r.Within = -1 },
		func(r *Retention) { r.Grace = -1 },
		func(r *Retention) { r.Daily = -1 },
		func(r *Retention) { r.Weekly = -1 },
		func(r *Retention) { r.Monthly = -1 },
	} {
		var r Retention
		if err := r.Validate(); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
		set(&r)
		if err := r.Validate(); err == nil {
			t.Errorf("%+v is accepted", r)
		}
	}
}

// TestWhy: each reason for which a snapshot stays, where it begins and ends.
func TestWhy(t *testing.T) {
	now := time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)
	var all []Stored
	for i, id := range []string{"a", "b", "c", "d"} {
		all = append(all, Stored{ID: id, Built: now.Add(-time.Duration(i) * 24 * time.Hour)})
	}
	live := layout.Pointer{Snapshot: "c", Previous: "d"}
	pinned := live
	pinned.Pinned = &layout.Pin{}
	day := 24 * time.Hour
	for _, c := range []struct {
		keep  Retention
		p     *layout.Pointer
		lived []string
		i     int
		want  string
	}{
		{Retention{}, nil, nil, 3, "the environment was never published"},
		{Retention{}, &live, nil, 2, "live"},
		{Retention{}, &pinned, nil, 2, "live and pinned"},
		{Retention{}, &live, nil, 3, "a rollback goes there"},
		{Retention{}, &live, nil, 0, ""},
		{Retention{}, &pinned, nil, 0, ""},
		{Retention{Last: 1}, &live, nil, 0, "one of the newest 1"},
		{Retention{Last: 1}, &live, nil, 1, ""},
		{Retention{Last: 2}, &live, nil, 1, "one of the newest 2"},
		{Retention{Within: day}, &live, nil, 1, "built within 1 d"},
		{Retention{Within: day - 1}, &live, nil, 1, ""},
		{Retention{Within: 36 * time.Hour}, &live, nil, 1, "built within 36h0m0s"},
		{Retention{Within: 30 * day}, &live, nil, 1, "built within 30 d"},
		{Retention{}, &live, []string{"b"}, 1, ""},
		{Retention{Grace: time.Hour}, &live, []string{"b"}, 1, "live within 1h0m0s"},
		{Retention{Grace: time.Hour}, &live, []string{"a"}, 1, ""},
		{Retention{Daily: 1}, &live, nil, 0, "the newest of its day"},
		{Retention{Daily: 1}, &live, nil, 1, ""},
		{Retention{Daily: 2}, &live, nil, 1, "the newest of its day"},
		{Retention{Weekly: 1}, &live, nil, 0, "the newest of its week"},
		{Retention{Monthly: 1}, &live, nil, 0, "the newest of its month"},
		{Retention{Monthly: 2}, &live, nil, 1, ""},
	} {
		if got := c.keep.why(c.p, c.lived, all, c.i, now); got != c.want {
			t.Errorf("%+v, snapshot %s: %q, want %q", c.keep, all[c.i].ID, got, c.want)
		}
	}
}
