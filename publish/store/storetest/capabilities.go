package storetest

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
)

// testCapabilities tests what a store can do beyond the contract: each capability
// works, or says that it does not.
func testCapabilities(t *testing.T, s store.Store) {
	ctx, can := t.Context(), store.CapabilitiesOf(s)
	if can.Parallel < 1 {
		t.Errorf("%d objects at once", can.Parallel)
	}
	for _, size := range []int{0, 1000, 3 << 20, 20 << 20} { // in memory, on disk, in parts
		body := noise(size)
		o := object("packages/staged", nil)
		staged, err := can.Stage(o)
		if err != nil {
			t.Fatal(err)
		}
		for half := range 2 {
			if _, err := staged.Write(body[half*size/2 : (half+1)*size/2]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Read(ctx, s, o.Key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is staged can be read: %v", err)
		}
		if err := errors.Join(staged.Commit(ctx), staged.Discard()); err != nil {
			t.Fatal(err)
		}
		want(t, s, o.Key, body)
		inOneRequest(t, func() (bool, error) { return can.DeleteOnce(ctx, o.Key) })
	}
	testBatch(t, s, can)
	given, err := can.Stage(object("packages/given-up", nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := given.Discard(); err != nil {
		t.Error(err)
	}
	put(t, s, "responses/a.json", "first")
	switch err := can.Replace(ctx, object("responses/a.json", []byte("second"))); {
	case err == nil:
		want(t, s, "responses/a.json", []byte("second"))
	case errors.Is(err, store.ErrUnsupported):
		want(t, s, "responses/a.json", []byte("first"))
	default:
		t.Error(err)
	}
	unknown := object("responses/unknown.json", nil)
	unknown.SHA256 = "ab"
	if linked, err := can.Link(unknown); linked || err != nil {
		t.Errorf("a content that was never put is linked: %v, %v", linked, err)
	}
	if left, err := can.Leftovers(ctx, time.Now().Add(time.Hour)); len(left) > 0 || err != nil {
		t.Errorf("left over: %v, %v", left, err)
	}
	if err := errors.Join(can.Sync(), can.SweepFile("responses/none~tmp"), can.SweepFolders(ctx)); err != nil {
		t.Error(err)
	}
	if got := keys(t, s, ""); len(got) != 1 {
		t.Errorf("%q are there", got)
	}
}

// testBatch deletes as many objects as a batch may have, one of which is not there.
func testBatch(t *testing.T, s store.Store, can store.Capabilities) {
	t.Helper()
	batch := make([]string, store.MostDeletes)
	for i := range batch {
		batch[i] = fmt.Sprintf("packages/batch/%03d", i)
	}
	for _, key := range batch[1:10] {
		put(t, s, key, "x")
	}
	put(t, s, "packages/batch/kept", "x")
	if _, err := can.DeleteBatch(t.Context(), batch); errors.Is(err, store.ErrUnsupported) {
		for _, key := range batch[1:10] {
			if err := s.Delete(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
	} else {
		inOneRequest(t, func() (bool, error) { return can.DeleteBatch(t.Context(), batch) })
	}
	if got := keys(t, s, "packages/batch/"); !slices.Equal(got, []string{"packages/batch/kept"}) {
		t.Errorf("after a batch of deletions there is %q", got)
	}
	if err := s.Delete(t.Context(), "packages/batch/kept"); err != nil {
		t.Error(err)
	}
}

// inOneRequest wants a deletion to need one request, of a few deletions one: a
// connection that breaks makes any of them need two.
func inOneRequest(t *testing.T, remove func() (once bool, err error)) {
	t.Helper()
	for range 5 {
		if once, err := remove(); err != nil {
			t.Error(err)
			return
		} else if once {
			return
		}
	}
	t.Error("no deletion was one request")
}
