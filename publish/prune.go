package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// PruneOptions say what to keep, and for whom.
type PruneOptions struct {
	Keep Retention
	// Retire are environments that end: nobody is answered from them any more,
	// and nothing of theirs is kept. One that is not there is no error.
	Retire []string
	// By is who prunes, shown to those who wait.
	By string
	// Planned, if set, is called with the plan before anything is deleted.
	Planned func(*PrunePlan)
	// Progress, if set, is told how many objects are deleted.
	Progress func(done, total int)
}

// PlanPrune says what Prune would delete. It changes nothing, and what it says
// is only what would have been done now.
func (b *Bucket) PlanPrune(ctx context.Context, keep Retention, retire ...string) (*PrunePlan, error) {
	if err := keep.Validate(); err != nil {
		return nil, err
	}
	return b.planPrune(ctx, keep, retire, time.Now())
}

// Prune deletes what no snapshot that is kept refers to, the remains of builds
// that were interrupted included. It keeps out of the way of writers: while one is
// at work it is ErrBusy and nothing is deleted; one that begins later waits.
//
// A prune that is stopped halfway has left no snapshot half there: of each the
// manifest goes first, and of each package revision its contents.json.
func (b *Bucket) Prune(ctx context.Context, o PruneOptions) (_ *PrunePlan, err error) {
	if err := o.Keep.Validate(); err != nil {
		return nil, err
	}
	lock, now, err := b.lockPrune(ctx, o.By)
	if err != nil {
		return nil, err
	}
	var unsure atomic.Bool
	defer func() {
		if unsure.Load() {
			_ = retry.Sleep(context.WithoutCancel(ctx), lock.times.linger)
		}
		err = errors.Join(err, unlockPrune(ctx, lock))
	}()
	plan, err := b.planPrune(ctx, o.Keep, o.Retire, now)
	if err != nil {
		return nil, err
	}
	if o.Planned != nil {
		o.Planned(plan)
	}
	for _, env := range plan.retired {
		// Before what it names. If it ends here the snapshots stay, as those of
		// an environment that was never published, until this is run again.
		once, err := b.sweep(ctx, lock, layout.PointerKey(env))
		if !once {
			unsure.Store(true)
		}
		if err == nil {
			err = b.recordRetired(ctx, env, o.By)
		}
		if err != nil {
			return plan, err
		}
	}
	s := &sweeper{b: b, lock: lock, unsure: &unsure, swept: func(n int) {
		if o.Progress != nil {
			o.Progress(n, plan.Objects)
		}
	}}
	for _, keys := range plan.phases {
		if err := s.phase(ctx, keys); err != nil {
			return plan, err
		}
	}
	return plan, b.sweepLeftovers(ctx, plan)
}

// PrunePlan is what prune keeps and deletes.
type PrunePlan struct {
	Environments []PruneEnvironment `json:"environments"`
	// Deleted counts by what objects are.
	Snapshots PruneCount `json:"snapshots"`
	Packages  PruneCount `json:"packages"`
	Responses PruneCount `json:"responses"`
	// Tags are those that were deleted by regsnap tag, or end with their environment.
	Tags PruneCount `json:"tags"`
	// Indexes are those of package storage v2.
	Indexes PruneCount `json:"indexes"`
	// Objects and Bytes are the sums of what is deleted.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Leftovers are files of a file:// bucket that writers were killed over.
	// They are deleted too, and the folders that are empty then.
	Leftovers PruneCount `json:"leftovers"`
	// Kept counts all other objects of snapshots.
	Kept PruneCount `json:"kept"`
	// Unknown are objects that regsnap did not write: they stay. At most
	// maxUnknown are named.
	Unknown      int      `json:"unknown"`
	UnknownNames []string `json:"unknown_names,omitempty"`

	// phases are the keys to delete; each begins when the one before is done.
	phases [phases][]string
	// retired are the environments that end: those that were asked for, and previews
	// whose time is over.
	retired []string
	// leftovers are the files to delete after that.
	leftovers []string
}

// PruneCount is a number of objects and their size.
type PruneCount struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

func (c *PruneCount) add(size int64) {
	c.Objects++
	c.Bytes += size
}

// PruneEnvironment is what becomes of the snapshots of an environment, newest
// first.
type PruneEnvironment struct {
	Name string `json:"environment"`
	// Retired tells that it ends.
	Retired bool `json:"retired,omitempty"`
	// Expired is when its time as a preview ended, which is why.
	Expired time.Time   `json:"expired,omitzero"`
	Keep    []PruneKept `json:"keep"`
	Drop    []Stored    `json:"drop"`
}

// PruneKept is a snapshot that stays.
type PruneKept struct {
	Stored
	Why string `json:"why"`
}

// planLeftovers adds to a plan what dead writers left.
func (b *Bucket) planLeftovers(ctx context.Context, p *PrunePlan, now time.Time) error {
	files, err := b.can.Leftovers(ctx, now.Add(-b.times().stale))
	if err != nil {
		return err
	}
	for _, f := range files {
		p.Leftovers.add(f.Size)
		p.leftovers = append(p.leftovers, f.Key)
	}
	return nil
}

// sweepLeftovers removes what planLeftovers found, and the empty folders.
func (b *Bucket) sweepLeftovers(ctx context.Context, p *PrunePlan) error {
	for _, key := range p.leftovers {
		if err := b.can.SweepFile(key); err != nil {
			return err
		}
	}
	return b.can.SweepFolders(ctx)
}

// sweeper deletes what prune has planned to, under its lock.
type sweeper struct {
	b    *Bucket
	lock *heartbeat
	// unsure is set when a deletion may be carried out later.
	unsure *atomic.Bool
	// swept is called with the number of objects that are gone, which done counts.
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

// sweep deletes one object, if the lock is surely held: another that took it for
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
