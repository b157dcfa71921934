package publish

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestDamagedEntryIsTold: an entry of the log that cannot be read is among the moves.
func TestDamagedEntryIsTold(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	for n := range 3 {
		src.mustPublish(t, b, n)
	}
	if err := b.replaceLive(t.Context(), layout.Object{Key: layout.AuditKey(testEnv, 2), Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	var got string
	for _, m := range allMoves(t, b) {
		got += fmt.Sprint(m.Generation, " ", m.Damaged != "", ", ")
	}
	if want := "3 false, 2 true, 1 false, "; got != want {
		t.Errorf("the moves are %s want %s", got, want)
	}
}

// TestUnknownStays: what regsnap did not write is counted, named up to a number, and stays.
func TestUnknownStays(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	src.mustPublish(t, b, 0)
	for n := range maxUnknown + 1 {
		if err := b.store.Put(t.Context(), layout.Object{Key: fmt.Sprintf("packages/note-%d.txt", n), Body: []byte("x"), ContentType: "text/plain"}); err != nil {
			t.Fatal(err)
		}
	}
	before := count(t, b)
	plan, err := b.Prune(t.Context(), PruneOptions{})
	if err != nil || plan.Unknown != maxUnknown+1 || len(plan.UnknownNames) != maxUnknown || plan.Objects != 0 || count(t, b) != before {
		t.Errorf("%d unknown, %d named, %d deleted, %v", plan.Unknown, len(plan.UnknownNames), plan.Objects, err)
	}
}

// TestLeaseTellsSince: a flag says since when, and by whom; after its end a writer that goes
// on takes another.
func TestLeaseTellsSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		flags := func() (all []layout.Lease) {
			t.Helper()
			for o, err := range b.List(t.Context(), layout.LeasesPrefix) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b.readLease(t.Context(), o.Key))
			}
			return all
		}
		time.Sleep(time.Hour)
		began := time.Now().UTC()
		l := b.Lease(LeaseOptions{Purpose: "build", By: "ada"})
		put := func() {
			t.Helper()
			if err := l.Put(t.Context(), layout.Object{Key: "responses/a.json", Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			put()
			put()
			if got := flags(); len(got) != 1 || got[0].By != "ada" || got[0].Purpose != "build" || !got[0].Since.Equal(began) {
				t.Errorf("the flags are %+v, want one since %s", got, began)
			}
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := flags(); len(got) != 0 {
				t.Errorf("after the end there are %+v", got)
			}
		}
	})
}

// TestOtherFormatsAreNotDamaged: of an object in another format its digest says nothing.
func TestOtherFormatsAreNotDamaged(t *testing.T) {
	digest := errors.New("another digest")
	for _, c := range []struct {
		read, digest error
		damaged      bool
		is           error
	}{
		{nil, nil, false, nil}, {nil, digest, true, digest}, {errCrash, nil, false, errCrash}, {errCrash, digest, true, digest},
		{layout.ErrNewer, digest, false, layout.ErrNewer}, {layout.ErrOutdated, digest, false, layout.ErrOutdated},
	} {
		if err := orDigest(c.read, c.digest); errors.Is(err, ErrDamaged) != c.damaged || !errors.Is(err, c.is) {
			t.Errorf("%v, %v: %v", c.read, c.digest, err)
		}
	}
}

// unlisted is a store that lists nothing.
type unlisted struct{ store.Store }

func (unlisted) List(context.Context, string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) { yield(store.ObjectInfo{}, errCrash) }
}

// TestPlanOfACopy: a plan counts what would be copied, once, and copies nothing.
func TestPlanOfACopy(t *testing.T) {
	src := newEditions(t)
	from, to := openTest(t, "mem://"), openTest(t, "mem://")
	m := mustRead(t, from, src.mustPublish(t, from, 0).Snapshot)
	c := to.Lease(LeaseOptions{}).CopyFrom(from, CopyOptions{})
	for range 2 { // the second time all is known
		if err := c.Plan(m); err != nil {
			t.Fatal(err)
		}
		if got, want := c.Copied(), (Copied{Total: len(m.Packages) + len(m.Stored())}); got != want {
			t.Errorf("planned is %+v, want %+v", got, want)
		}
	}
	if n := count(t, to); n != 0 {
		t.Errorf("%d objects are there", n)
	}
	if err := In(unlisted{to.store}).Lease(LeaseOptions{}).CopyFrom(from, CopyOptions{}).findResponses(t.Context(), fewResponses+1); !errors.Is(err, errCrash) {
		t.Errorf("what is there cannot be listed: %v", err)
	}
}
