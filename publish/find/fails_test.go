package find_test

import (
	"errors"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// TestFails has each call of the store fail: then nothing is found, and nothing is said
// to be damaged.
func TestFails(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.publish(ctx, w.build(ctx, content{"1.0.0": "x"}))
	w.publish(ctx, w.build(ctx, content{"1.0.0": "x", "2.0.0": "x"}))
	w.build(ctx, content{"3.0.0": "x"})
	whole := map[string][]byte{}
	for o, err := range w.b.List(ctx, "") {
		w.check(err)
		body, err := w.b.Read(ctx, o.Key)
		w.check(err)
		whole[o.Key] = body
	}
	stored := w.stored(ctx)
	storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
		s, err := store.Open(t.Context(), "mem://", store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for key, body := range whole {
			if err := s.Put(t.Context(), layout.Object{Key: key, Body: body, ContentType: "application/json"}); err != nil {
				t.Fatal(err)
			}
		}
		f := fill(s)
		r, err := find.Find(t.Context(), publish.In(f), env, stored, find.Query{Name: "probe"})
		switch {
		case f.Failed() == "":
			if err != nil || len(r.Found) != 3 {
				t.Errorf("found %+v, %v", r, err)
			}
		case !errors.Is(err, storetest.ErrFailed):
			t.Errorf("found %+v, %v", r, err)
		}
	})
}
