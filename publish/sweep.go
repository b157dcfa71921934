package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/publish/store"
)

// sweeper deletes what prune has planned to, under its lock.
type sweeper struct {
	b    *Bucket
	lock *heartbeat
	// unsure is set when a deletion may be carried out later.
	unsure *atomic.Bool
	// swept is told how many objects are gone, and done is their number.
	swept func(int)
	done  atomic.Int64
	// single: the store deletes one object a request.
	single bool
}

// phase deletes objects side by side, in batches if the store can.
func (s *sweeper) phase(ctx context.Context, keys []string) error {
	if len(keys) > 1 && !s.single {
		before := s.done.Load()
		err := s.side(ctx, slices.Collect(slices.Chunk(keys, store.MostDeletes)), func(ctx context.Context, batch []string) (bool, error) {
			// Many go at once, so the store is asked each time.
			if err := maySweep(ctx, s.lock, true); err != nil {
				return true, err
			}
			once, err := s.b.can.DeleteBatch(ctx, batch)
			if err != nil {
				return once, fmt.Errorf("delete %d objects: %w", len(batch), err)
			}
			return once, nil
		})
		if !errors.Is(err, store.ErrUnsupported) {
			return err
		}
		s.single = true
		s.done.Store(before)
	}
	return s.side(ctx, slices.Collect(slices.Chunk(keys, 1)), func(ctx context.Context, one []string) (bool, error) { return s.b.sweep(ctx, s.lock, one[0]) })
}

func (s *sweeper) side(ctx context.Context, batches [][]string, del func(context.Context, []string) (once bool, err error)) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(s.b.Parallel())
	for _, keys := range batches {
		g.Go(func() error {
			once, err := del(ctx, keys)
			if !once {
				s.unsure.Store(true)
			}
			if err == nil {
				s.swept(int(s.done.Add(int64(len(keys)))))
			}
			return err
		})
	}
	return g.Wait()
}

// maySweep makes sure that the lock is held; with look the store is asked.
func maySweep(ctx context.Context, lock *heartbeat, look bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	held := lock.trusted()
	if held && look {
		err := lock.alive(ctx)
		if err != nil && !errors.Is(err, errLost) {
			return fmt.Errorf("look after the lock of prune: %w", err)
		}
		held = err == nil
	}
	if !held {
		return fmt.Errorf("prune could not renew its lock and stopped, run it again: %w", errLost)
	}
	return nil
}

// sweepsPerLook is how many objects are deleted between two looks at the lock.
const sweepsPerLook = 64

// sweep deletes one object, if the lock is surely held: whoever took it for
// stale may be writing that very object again. once tells that no request is on
// its way any more.
func (b *Bucket) sweep(ctx context.Context, lock *heartbeat, key string) (once bool, err error) {
	// The clock may have stood still, so the store is asked too, now and then.
	if err := maySweep(ctx, lock, lock.swept.Add(1)%sweepsPerLook == 0); err != nil {
		return true, err
	}
	once, err = b.can.DeleteOnce(ctx, key)
	if err != nil {
		return once, fmt.Errorf("delete %s: %w", key, err)
	}
	return once, nil
}
