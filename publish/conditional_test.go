package publish

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// whimsical is a store that does as a test says at some of its swaps, from 1.
type whimsical struct {
	store.Store
	n  int
	at map[int]func(key string, body []byte) error // nil: as the store does it
}

func (w *whimsical) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	w.n++
	if f := w.at[w.n]; f != nil {
		return f(key, body)
	}
	return w.Store.Swap(ctx, key, body, old)
}

// TestConditional tries a store that keeps the conditions of writes, ones that do not, one
// that fails, and a holder whose lease is taken away while it tries.
func TestConditional(t *testing.T) {
	fails := func(string, []byte) error { return errCrash }
	for what, c := range map[string]struct {
		// at is what happens at the swaps: 2 creates what is there, 3 renews, 4 writes in
		// a state of before; 3 is a second creation where the first one went through.
		at   func(s store.Store) map[int]func(string, []byte) error
		want error
		lost bool
		left bool // the object is there at the end
	}{
		"it keeps them": {nil, nil, false, true},
		"it creates what is there": {func(s store.Store) map[int]func(string, []byte) error {
			write := over(s)
			return map[int]func(string, []byte) error{2: write, 3: write}
		}, errUnconditional, false, true},
		"it writes in a state of before": {func(s store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{4: over(s)}
		}, errUnconditional, false, true},
		"taken away before it is tried": {func(s store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{2: func(key string, body []byte) error {
				if err := s.Delete(context.Background(), key); err != nil {
					t.Error(err)
				}
				return s.Swap(context.Background(), key, body, "")
			}}
		}, errLost, true, false},
		"another's before it is renewed": {func(s store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{3: func(string, []byte) error { return store.ErrConflict }}
		}, errLost, true, true},
		"the creation fails": {func(store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{2: fails}
		}, errCrash, false, true},
		"the renewal fails": {func(store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{3: fails}
		}, errCrash, false, true},
		"the write of old fails": {func(store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{4: fails}
		}, errCrash, false, true},
		"the second create fails": {func(s store.Store) map[int]func(string, []byte) error {
			return map[int]func(string, []byte) error{2: over(s), 3: fails}
		}, errCrash, false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := &whimsical{Store: openTest(t, "mem://").store}
			if c.at != nil {
				w.at = c.at(w.Store)
			}
			h, err := In(w).newHeartbeat(t.Context(), layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat}, "")
			if err != nil {
				t.Fatal(err)
			}
			if err := h.conditional(t.Context()); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: %v, want %v", what, err, c.want)
			}
			if h.trusted() == c.lost {
				t.Errorf("%s: the holder may act: %t", what, h.trusted())
			}
			if _, _, err := w.Load(t.Context(), h.key); errors.Is(err, fs.ErrNotExist) == c.left {
				t.Errorf("%s: at the end the lease is there: %v", what, err)
			}
			if c.want == nil {
				if err := h.alive(t.Context()); err != nil {
					t.Errorf("%s: afterwards %v", what, err)
				}
			}
			w.at = nil
			if err := h.end(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		h, err := b.newHeartbeat(t.Context(), layout.LeaseKey("0123456789abcdef"), layout.Lease{Format: layout.LeaseFormat}, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := b.store.Delete(t.Context(), h.key); err != nil {
			t.Fatal(err)
		}
		if err := h.conditional(t.Context()); !errors.Is(err, errLost) || h.trusted() {
			t.Errorf("of a lease that was taken away: %v, trusted %t", err, h.trusted())
		}
		if err := h.end(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// over writes whatever is there.
func over(s store.Store) func(key string, body []byte) error {
	return func(key string, body []byte) error {
		_, now, err := s.Load(context.Background(), key)
		if err != nil {
			return err
		}
		return s.Swap(context.Background(), key, body, now)
	}
}
