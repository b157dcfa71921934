package publish

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// doubtful is a store whose deletions are through after one request, or, if late,
// may have left one on its way; with lateOnly, of objects whose keys begin so. It notes
// when the last object and when the lock of prune went.
type doubtful struct {
	store.Store
	late, batches bool
	lateOnly      string

	mu             sync.Mutex
	last, unlocked time.Time
}

func (d *doubtful) Delete(ctx context.Context, key string) error {
	d.mu.Lock()
	if key == layout.PruneLockKey {
		d.unlocked = time.Now()
	}
	d.mu.Unlock()
	return d.Store.Delete(ctx, key)
}

func (d *doubtful) Capabilities() store.Capabilities {
	can := store.CapabilitiesOf(d.Store)
	can.DeleteOnce = func(ctx context.Context, key string) (bool, error) {
		d.mu.Lock()
		if key != layout.PruneLockKey {
			d.last = time.Now()
		}
		d.mu.Unlock()
		return !d.late || !strings.HasPrefix(key, d.lateOnly), d.Delete(ctx, key)
	}
	if d.batches {
		can.DeleteBatch = func(ctx context.Context, keys []string) (bool, error) {
			for _, key := range keys {
				if _, err := can.DeleteOnce(ctx, key); err != nil {
					return false, err
				}
			}
			return !d.late, nil
		}
	}
	return can
}

// TestPruneLingers: while a deletion may still be on its way prune keeps its lock, for
// what it deletes must not be written again. It stays no longer than it must.
func TestPruneLingers(t *testing.T) {
	for what, c := range map[string]struct {
		late, batches bool
		o             PruneOptions
		only          string
	}{
		"through":              {false, false, PruneOptions{}, ""},
		"in batches, through":  {false, true, PruneOptions{}, ""},
		"late":                 {true, false, PruneOptions{}, ""},
		"in batches, late":     {true, true, PruneOptions{}, ""},
		"retired, through":     {false, false, PruneOptions{Retire: []string{testEnv}}, ""},
		"retired, in doubt":    {true, false, PruneOptions{Retire: []string{testEnv}}, ""},
		"nothing to do, late":  {true, false, PruneOptions{Keep: Retention{Last: 9}}, ""},
		"nothing, in batches":  {true, true, PruneOptions{Keep: Retention{Last: 9}}, ""},
		"retired, all batches": {true, true, PruneOptions{Retire: []string{testEnv}}, ""},
		"the pointer in doubt": {true, false, PruneOptions{Retire: []string{testEnv}}, layout.EnvironmentsPrefix},
		"a manifest in doubt":  {true, false, PruneOptions{}, layout.SnapshotsPrefix},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, err := store.Open(t.Context(), "mem://", store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			d := &doubtful{Store: s, late: c.late, batches: c.batches, lateOnly: c.only}
			b := In(d)
			src := newEditions(t)
			for n := range 3 {
				src.mustPublish(t, b, n)
			}
			d.last, d.unlocked = time.Time{}, time.Time{}
			p, err := b.Prune(t.Context(), c.o)
			if err != nil {
				t.Fatal(what, err)
			}
			want := time.Duration(0)
			if c.late && p.Objects > 0 {
				want = b.times().linger
			}
			if d.unlocked.IsZero() || (p.Objects > 0) == d.last.IsZero() {
				t.Fatalf("%s: %d objects, the last at %s, the lock at %s", what, p.Objects, d.last, d.unlocked)
			}
			if got := d.unlocked.Sub(d.last); p.Objects > 0 && got != want {
				t.Errorf("%s: the lock stayed for %s, want %s", what, got, want)
			}
		})
	}
}

// asked counts the batches that a store which has none is asked for.
type asked struct {
	store.Store
	batches int
}

func (a *asked) Capabilities() store.Capabilities {
	return store.Capabilities{Parallel: 1, DeleteBatch: func(context.Context, []string) (bool, error) {
		a.batches++
		return true, store.ErrUnsupported
	}}
}

// TestPruneTells: a prune says its plan before anything goes, and then how far it is, object by
// object. A store that has no batches is asked for one once.
func TestPruneTells(t *testing.T) {
	src := newEditions(t)
	a := &asked{Store: openTest(t, "mem://").store}
	b := In(a)
	for n := range 5 {
		src.mustPublish(t, b, n)
	}
	before := count(t, b)
	var planned *PrunePlan
	last := 0
	plan, err := b.Prune(t.Context(), PruneOptions{
		Planned: func(p *PrunePlan) {
			if planned != nil {
				t.Error("two plans were told")
			}
			if planned = p; count(t, b) != before+1 { // its own flag
				t.Errorf("before the plan was told there were %d objects, then %d", before, count(t, b))
			}
		},
		Progress: func(done, total int) {
			if done != last+1 || total != planned.Objects {
				t.Errorf("after %d of %d come %d of %d", last, planned.Objects, done, total)
			}
			last = done
		},
	})
	if err != nil || planned != plan || last != plan.Objects || last == 0 || before-count(t, b) != plan.Objects {
		t.Errorf("%d deleted are told, %d planned, of %d objects %d are left, %v", last, plan.Objects, before, count(t, b), err)
	}
	var kept, deleted PruneCount
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(o.Key, layout.SnapshotsPrefix) || strings.HasPrefix(o.Key, layout.PackagesPrefix) || strings.HasPrefix(o.Key, layout.ResponsesPrefix) {
			kept.add(o.Size)
		}
	}
	for _, c := range []PruneCount{plan.Snapshots, plan.Packages, plan.Responses} {
		deleted.Objects, deleted.Bytes = deleted.Objects+c.Objects, deleted.Bytes+c.Bytes
	}
	if plan.Kept != kept || deleted != (PruneCount{plan.Objects, plan.Bytes}) || plan.Snapshots.Objects != 6 {
		t.Errorf("kept are %+v, said to be %+v; deleted %+v, in all %d of %d bytes", kept, plan.Kept, deleted, plan.Objects, plan.Bytes)
	}
	if a.batches != 1 {
		t.Errorf("%d batches were asked for", a.batches)
	}
}
