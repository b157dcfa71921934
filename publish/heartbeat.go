package publish

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// leaseTimes say how long signs of life count. They are apart by so much that
// no ordinary pause of a process or a store comes near.
type leaseTimes struct {
	// renew is how often a holder renews its object.
	renew time.Duration
	// trust is how long after a renewal the holder may act without looking.
	trust time.Duration
	// stale is the age, by the store's own clock, from which others take the
	// holder for dead. It is far longer than trust, so that a holder that is not
	// dead but slow has stopped acting before.
	stale time.Duration
	// poll is how often someone who waits looks again.
	poll time.Duration
	// linger is how long prune stays after a request to delete whose answer
	// was lost: it may still be on its way, and must not meet an object that
	// someone has rewritten.
	linger time.Duration
}

// defaultLeaseTimes are those of every bucket.
var defaultLeaseTimes = leaseTimes{renew: time.Minute, trust: 5 * time.Minute, stale: 10 * time.Minute, poll: 2 * time.Second, linger: 30 * time.Second}

// errLost: someone took the holder of an object for dead and removed it.
var errLost = errors.New("the lease was taken away")

// heartbeat is an object in the bucket that is there, and renewed, as long as
// its holder works. It is only ever changed by compare-and-swap, so that one
// that was taken away does not come back to life.
type heartbeat struct {
	b     *Bucket
	key   string
	times leaseTimes
	quit  func()             // no more renewals
	stop  context.CancelFunc // nor the one that is under way
	ended chan struct{}
	swept atomic.Int64 // what prune has deleted under it

	mu      sync.Mutex
	lease   layout.Lease
	renewed time.Time // when the last renewal that succeeded was begun
	lost    bool
}

// newHeartbeat writes the object, which must be in the state of the token, and
// keeps renewing it. ErrConflict means that someone else has written it.
func (b *Bucket) newHeartbeat(ctx context.Context, key string, lease layout.Lease, old store.Token) (*heartbeat, error) {
	h := &heartbeat{b: b, key: key, times: b.times(), ended: make(chan struct{}), lease: lease, renewed: time.Now()}
	h.lease.Since = h.renewed.UTC().Truncate(time.Second)
	h.lease.By = shortened(h.lease.By, layout.MaxBy)
	if err := b.store.Swap(ctx, key, h.lease.Encode(), old); err != nil {
		return nil, err
	}
	// Renewing goes on while ctx is done but work is still being wound up.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	h.stop = stop
	quit := make(chan struct{})
	h.quit = sync.OnceFunc(func() { close(quit) })
	go h.run(running, quit)
	return h, nil
}

func (h *heartbeat) run(ctx context.Context, quit <-chan struct{}) {
	defer close(h.ended)
	tick := time.NewTicker(h.times.renew)
	defer tick.Stop()
	for {
		select {
		case <-quit:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			// One that fails is made again at the next tick; the age of the
			// last that succeeded reports whether that matters.
			_ = h.renew(ctx)
		}
	}
}

// renew writes the object again. Whoever comes so late that others may take it
// for dead by now must not: they may be acting on it already.
func (h *heartbeat) renew(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	begun := time.Now()
	if h.lost || elapsed(h.renewed) >= h.times.stale {
		h.lost = true
		return errLost
	}
	_, state, err := h.b.store.Load(ctx, h.key)
	if err == nil {
		h.lease.Beat++
		err = h.b.store.Swap(ctx, h.key, h.lease.Encode(), state)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, store.ErrConflict):
		h.lost = true
		return errLost
	case err == nil:
		h.renewed = begun
	}
	return err
}

// trusted reports whether the holder may act: nobody can have taken it for dead.
func (h *heartbeat) trusted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.lost && elapsed(h.renewed) < h.times.trust
}

// alive asks the store whether the object is still there and the holder's. Its own
// clock is no proof: while a machine is paused, that may stand still.
func (h *heartbeat) alive(ctx context.Context) error {
	if !h.trusted() {
		return h.renew(ctx)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	body, _, err := h.b.store.Load(ctx, h.key)
	if errors.Is(err, fs.ErrNotExist) {
		h.lost = true
		return errLost
	}
	if err != nil {
		return err
	}
	// Of a renewal whose answer was lost it is not known whether it was counted.
	found, err := layout.DecodeLease(body)
	found.Beat = h.lease.Beat
	if err != nil || !bytes.Equal(found.Encode(), h.lease.Encode()) {
		h.lost = true
		return errLost
	}
	return nil
}

// abandon stops renewing and leaves the object behind, so that others wait until
// it is stale, and whoever then takes it over knows that work was left undone.
func (h *heartbeat) abandon() {
	h.quit()
	h.stop()
	<-h.ended
}

// shortened is the beginning of a text, valid UTF-8 of at most so many characters.
func shortened(text string, most int) string {
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	return string(runes[:min(len(runes), most)])
}

// end stops renewing and removes the object, unless it is someone else's now. A
// renewal that is under way is waited for: one that is given up may reach the
// store after the object was removed, and not every store then finds that its
// condition no longer holds. Everybody would wait for an object of nobody.
func (h *heartbeat) end(ctx context.Context) error {
	h.quit()
	defer h.stop()
	select {
	case <-h.ended:
	case <-ctx.Done():
		h.stop()
	}
	h.mu.Lock() // no renewal is under way
	defer h.mu.Unlock()
	if h.lost {
		return nil
	}
	h.lost = true
	return h.b.Delete(ctx, h.key)
}

// elapsed is the time since t. A machine that sleeps stops its monotonic clock,
// one whose clock is set moves its wall clock: the larger of both counts.
func elapsed(t time.Time) time.Duration {
	now := time.Now()
	return max(now.Sub(t), now.Round(0).Sub(t.Round(0)))
}

// times are those of this bucket's leases.
func (b *Bucket) times() leaseTimes {
	if b.lease == (leaseTimes{}) {
		return defaultLeaseTimes
	}
	return b.lease
}

// errUnconditional: the store does not keep the conditions of writes.
var errUnconditional = errors.New("the store does not keep the conditions of writes (If-None-Match, If-Match)")

// createdAgain tells a store that creates what is there from one where the object had
// been taken away since it was read, as that of a process that was paused. What was
// created then must not stay: it would be a lease of nobody.
func (h *heartbeat) createdAgain(ctx context.Context, lease layout.Lease) error {
	lease.Beat++ // so that it cannot pass for what is there
	switch err := h.b.store.Swap(ctx, h.key, lease.Encode(), ""); {
	case err == nil:
		return errUnconditional
	case !errors.Is(err, store.ErrConflict):
		return err
	}
	h.lost = true
	return errors.Join(errLost, h.b.Delete(ctx, h.key))
}

// conditional makes sure that the store keeps the conditions by which pointers and
// leases are written: the object can be neither created again nor written in a state
// that it was in before.
func (h *heartbeat) conditional(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := h.lease
	first.Beat += 2
	_, state, err := h.b.store.Load(ctx, h.key)
	if errors.Is(err, fs.ErrNotExist) {
		h.lost = true
		return errLost
	}
	if err != nil {
		return err
	}
	switch err := h.b.store.Swap(ctx, h.key, first.Encode(), ""); {
	case err == nil:
		return h.createdAgain(ctx, first)
	case !errors.Is(err, store.ErrConflict):
		return err
	}
	h.lease.Beat++
	switch err := h.b.store.Swap(ctx, h.key, h.lease.Encode(), state); {
	case errors.Is(err, store.ErrConflict):
		h.lost = true
		return errLost
	case err != nil:
		return err
	}
	switch err := h.b.store.Swap(ctx, h.key, first.Encode(), state); {
	case err == nil:
		return errUnconditional
	case !errors.Is(err, store.ErrConflict):
		return err
	}
	return nil
}
