package publish

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"
	"unsafe"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// swapping is a store that does something with its own hands before a swap of a key, or
// after it.
type swapping struct {
	store.Store
	key           string
	before, after func()
}

func (s *swapping) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if key != s.key {
		return s.Store.Swap(ctx, key, body, old)
	}
	if s.before != nil {
		s.before()
	}
	err := s.Store.Swap(ctx, key, body, old)
	if s.after != nil {
		s.after()
	}
	return err
}

// TestRenewalMeetsAnother: a holder whose flag another writes while it renews has lost it,
// for good: it never writes over what the other wrote, and does not remove it.
func TestRenewalMeetsAnother(t *testing.T) {
	ctx, s := t.Context(), &swapping{Store: openTest(t, "mem://").store, key: layout.PruneLockKey}
	h, err := In(s).newHeartbeat(ctx, s.key, layout.Lease{Format: layout.LeaseFormat, By: "ada"}, "")
	if err != nil {
		t.Fatal(err)
	}
	other := layout.Lease{Format: layout.LeaseFormat, By: "eve", Since: h.lease.Since}.Encode()
	s.before = func() {
		s.before = nil
		_, state, err := s.Store.Load(ctx, s.key)
		if err == nil {
			err = s.Store.Swap(ctx, s.key, other, state)
		}
		if err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := h.renew(ctx); !errors.Is(err, errLost) || h.trusted() {
			t.Errorf("the flag is another's: %v; trusted %t", err, h.trusted())
		}
	}
	if err := h.end(ctx); err != nil {
		t.Error(err)
	}
	if body, _, err := s.Load(ctx, s.key); err != nil || !bytes.Equal(body, other) {
		t.Errorf("there is %s, %v", body, err)
	}
}

// clocked is a time of which the two clocks of a machine say something else: its monotonic
// clock was at another time than its wall clock says.
func clocked(t *testing.T, wall time.Time, by time.Duration) time.Time {
	t.Helper()
	out := wall
	// time.Time is {wall uint64; ext int64; loc *Location}; ext is the monotonic clock.
	*(*int64)(unsafe.Add(unsafe.Pointer(&out), unsafe.Sizeof(uint64(0)))) += int64(by)
	if out.Sub(wall) != by || !out.Round(0).Equal(wall.Round(0)) {
		t.Fatal("package time keeps its clocks in another way now")
	}
	return out
}

// TestElapsed: the longer of two times counts. The monotonic clock of a machine that sleeps
// stands still, and its wall clock can be set.
func TestElapsed(t *testing.T) {
	ago := time.Now().Add(-time.Minute)
	for what, c := range map[string]struct {
		since time.Time
		least time.Duration
	}{
		"both clocks went on":               {ago, time.Minute},
		"it slept":                          {clocked(t, ago, time.Minute), time.Minute},
		"its clock was set back by an hour": {clocked(t, ago, -time.Hour), time.Hour + time.Minute},
	} {
		if got := elapsed(c.since); got < c.least || got > c.least+time.Minute {
			t.Errorf("%s: %s, want %s", what, got, c.least)
		}
	}
}

// TestStoppedOnceItIsLive: a move whose maker is stopped when the pointer is written is on
// record.
func TestStoppedOnceItIsLive(t *testing.T) {
	src, key := newEditions(t), layout.PointerKey(testEnv)
	s := &swapping{Store: openTest(t, "mem://").store, key: key}
	b := In(s)
	src.mustPublish(t, b, 0)
	for what, move := range []func(ctx context.Context) (*Moved, error){
		func(ctx context.Context) (*Moved, error) { return b.Pin(ctx, testEnv, Note{By: "ada"}) },
		func(ctx context.Context) (*Moved, error) { return b.Unpin(ctx, testEnv, Note{By: "ada"}) },
	} {
		ctx, stop := context.WithCancel(t.Context())
		s.after = stop
		m, err := move(ctx)
		s.after = nil
		if err != nil || ctx.Err() == nil || !m.Changed || m.Unrecorded != "" {
			t.Fatalf("move %d: %+v, %v", what, m, err)
		}
		if newest := allMoves(t, b)[0]; newest.Generation != m.Generation || newest.Late {
			t.Errorf("move %d: the newest on record is %+v", what, newest)
		}
	}
}
