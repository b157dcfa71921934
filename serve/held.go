package serve

import (
	"errors"
	"sync"
)

// A client may read as slowly as it likes, and what is sent to it stays in memory
// even when the cache has long given it up. Without a bound on that, clients that
// ask for many distinct large answers, and read none of them, would fill memory.

// errBusy: too much is being sent to slow clients for one more answer.
var errBusy = errors.New("the answers that are being sent take all the memory for them")

// held counts the objects that requests hold, each once however many requests
// hold it.
type held struct {
	bound int64 // in bytes

	mu    sync.Mutex
	total int64
	users map[any]int
}

func newHeld(bound int64) *held { return &held{bound: bound, users: map[any]int{}} }

// take counts an object until release is called, or returns errBusy. One that is
// larger than the bound may be held alone.
func (h *held) take(o object) (release func(), err error) {
	var id any = o.contents
	if o.contents == nil {
		if len(o.body) == 0 {
			return func() {}, nil
		}
		id = &o.body[0]
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	size := int64(o.size)
	if h.users[id] == 0 {
		if h.total > 0 && h.total+size > h.bound {
			return nil, errBusy
		}
		h.total += size
	}
	h.users[id]++
	return func() { h.release(id, size) }, nil
}

func (h *held) release(id any, size int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[id]--; h.users[id] == 0 {
		delete(h.users, id)
		h.total -= size
	}
}

// bytes is how much is held.
func (h *held) bytes() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

// hold counts an object as held until the exchange ends.
func (h *Handler) hold(x *exchange, o object) error {
	release, err := h.held.take(o)
	if err == nil {
		x.releases = append(x.releases, release)
	}
	return err
}
