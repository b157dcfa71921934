package publish

import (
	"context"
	"io"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// stillClock is the store of a process that is paused once, as a virtual machine is,
// at one of its requests. Nothing of it runs meanwhile, and its clock stands still:
// afterwards its lease seems to it as fresh as before.
type stillClock struct {
	store.Store
	lease atomic.Pointer[Lease]

	gate  sync.RWMutex // held for writing while it is paused
	left  atomic.Int64 // requests until the pause
	pause time.Duration
}

func newStillClock(s store.Store, requests int, pause time.Duration) *stillClock {
	c := &stillClock{Store: s, pause: pause}
	c.left.Store(int64(requests))
	return c
}

// Capabilities are those of the store.
func (c *stillClock) Capabilities() store.Capabilities { return store.CapabilitiesOf(c.Store) }

// moment is before or after a request.
func (c *stillClock) moment() {
	if c.left.Add(-1) == 0 {
		c.gate.Lock()
		time.Sleep(c.pause)
		c.setBack()
		c.gate.Unlock()
		return
	}
	c.gate.RLock()
	//lint:ignore SA2001 it only waits
	c.gate.RUnlock()
}

// setBack makes the lease's clock go on where it stood. One that is being renewed
// right now looks at the clock no more.
func (c *stillClock) setBack() {
	l := c.lease.Load()
	if l == nil || !l.mu.TryLock() {
		return
	}
	beat := l.beat
	l.mu.Unlock()
	if beat != nil && beat.mu.TryLock() {
		beat.renewed = time.Now()
		beat.mu.Unlock()
	}
}

func (c *stillClock) Put(ctx context.Context, o layout.Object) error {
	c.moment()
	defer c.moment()
	return c.Store.Put(ctx, o)
}

func (c *stillClock) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	c.moment()
	return c.Store.Open(ctx, key, offset, length)
}

func (c *stillClock) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	c.moment()
	return c.Store.List(ctx, prefix)
}

func (c *stillClock) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	c.moment()
	defer c.moment()
	return c.Store.Load(ctx, key)
}

func (c *stillClock) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	c.moment()
	defer c.moment()
	return c.Store.Swap(ctx, key, body, old)
}
