package parse

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// roomBytes is the memory that packages in work take together, whatever the
// number of cores: more of them wait. A package that needs more than all is
// in work alone.
const roomBytes = 128 << 20

// prefetchBytes bounds what is read ahead of the parser for one package.
const prefetchBytes = 16 << 20

// room is the memory that packages in work share. The zero value is ready.
type room struct {
	once sync.Once
	sem  *semaphore.Weighted
}

func (r *room) reserve(ctx context.Context, bytes int64) (release func(), err error) {
	r.once.Do(func() { r.sem = semaphore.NewWeighted(roomBytes) })
	bytes = min(max(bytes, 0), roomBytes)
	if err := r.sem.Acquire(ctx, bytes); err != nil {
		return nil, err
	}
	return func() { r.sem.Release(bytes) }, nil
}

// Reserve waits until that many bytes of memory may be taken for a package, and
// returns what gives them back. Whoever holds some must not ask for more: all
// could hold a part, and wait for the rest.
func (l *Loader) Reserve(ctx context.Context, bytes int64) (release func(), err error) {
	return l.room.reserve(ctx, bytes)
}
