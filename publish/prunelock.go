package publish

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrBusy: a writer or another prune is at work in the bucket.
var ErrBusy = errors.New("the bucket is in use")

// lockPrune puts up the flag of prune, and then makes sure that no writer is at
// work; see Lease. now is the time by the store's clock.
func (b *Bucket) lockPrune(ctx context.Context, by string) (*heartbeat, time.Time, error) {
	lease := layout.Lease{Format: layout.LeaseFormat, Purpose: "prune", By: by}
	lock, err := b.newHeartbeat(ctx, layout.PruneLockKey, lease, "")
	inherited := errors.Is(err, store.ErrConflict)
	if inherited {
		lock, err = b.inheritLock(ctx, lease)
	}
	if err != nil {
		return nil, time.Time{}, err
	}
	now, err := b.aloneWith(ctx, lock, inherited)
	if errors.Is(err, errUnfenced) {
		lock.abandon()
		return nil, time.Time{}, err
	}
	if err != nil {
		return nil, time.Time{}, errors.Join(err, unlockPrune(ctx, lock))
	}
	return lock, now, nil
}

// errUnfenced: leases were removed, but their holders are not yet kept from moving
// a pointer. Whoever takes the lock over has to see to that.
var errUnfenced = errors.New("prune stopped before it was safe to delete: it can run again in ten minutes")

// aloneWith makes sure that no writer is at work once the flag is up, and takes
// away what dead ones have left. It returns the time by the store's clock. A prune
// whose lock was inherited may have removed leases and died before the fence.
func (b *Bucket) aloneWith(ctx context.Context, lock *heartbeat, inherited bool) (now time.Time, err error) {
	leases, err := b.leases(ctx)
	if err != nil {
		return now, err
	}
	now = leases[layout.PruneLockKey]
	if now.IsZero() {
		return now, fmt.Errorf("%s: %w", layout.PruneLockKey, errLost)
	}
	delete(leases, layout.PruneLockKey)
	for key, renewed := range leases {
		if now.Sub(renewed) < lock.times.stale {
			return now, inUse(b.readLease(ctx, key))
		}
	}
	if len(leases) == 0 && !inherited {
		return now, nil
	}
	for key := range leases {
		if err := b.Delete(ctx, key); err != nil {
			return now, fmt.Errorf("%w: remove a lease that nobody renews: %w", errUnfenced, err)
		}
	}
	if err := b.fence(ctx); err != nil {
		return now, fmt.Errorf("%w: %w", errUnfenced, err)
	}
	return now, nil
}

// unlockPrune takes the flag down, also when ctx was cancelled.
func unlockPrune(ctx context.Context, lock *heartbeat) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	return lock.end(ctx)
}

func inUse(l layout.Lease) error {
	who, what := l.By, l.Purpose
	if who == "" {
		who = "someone"
	}
	if what == "" {
		what = "a writer"
	}
	return fmt.Errorf("%w: %s by %s is running since %s", ErrBusy, what, who, l.Since.Format(time.DateTime))
}

// leases are the flags in the bucket and when each was renewed last, by the
// store's clock.
func (b *Bucket) leases(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	for o, err := range b.List(ctx, layout.LeasesPrefix) {
		if err != nil {
			return nil, fmt.Errorf("list leases: %w", err)
		}
		if _, err := layout.ParseLeaseKey(o.Key); err == nil || o.Key == layout.PruneLockKey {
			out[o.Key] = o.Modified
		}
	}
	return out, nil
}

// inheritLock takes over the flag of a prune that died. A lease of its own tells
// the time by the store's clock. Of two that try at once one wins.
func (b *Bucket) inheritLock(ctx context.Context, lease layout.Lease) (*heartbeat, error) {
	_, state, err := b.store.Load(ctx, layout.PruneLockKey)
	if err != nil {
		return nil, err
	}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	clock, err := b.newHeartbeat(ctx, layout.LeaseKey(hex.EncodeToString(id[:])), lease, "")
	if err != nil {
		return nil, err
	}
	leases, err := b.leases(ctx)
	if e := unlockPrune(ctx, clock); e != nil || err != nil {
		return nil, errors.Join(err, e)
	}
	if leases[clock.key].Sub(leases[layout.PruneLockKey]) < clock.times.stale {
		return nil, inUse(b.readLease(ctx, layout.PruneLockKey))
	}
	lock, err := b.newHeartbeat(ctx, layout.PruneLockKey, lease, state)
	if errors.Is(err, store.ErrConflict) {
		return nil, inUse(b.readLease(ctx, layout.PruneLockKey))
	}
	return lock, err
}

// fence rewrites every pointer and every tag. A writer whose lease was removed may
// be alive and about to move one that it read long ago: now its swap fails.
func (b *Bucket) fence(ctx context.Context) error {
	environments, err := b.Environments(ctx)
	if err != nil {
		return err
	}
	for _, env := range environments {
		for {
			p, state, err := b.pointer(ctx, env)
			if err != nil {
				return err
			}
			p.Generation++
			err = b.store.Swap(ctx, layout.PointerKey(env), p.Encode(), state)
			if err == nil {
				break
			}
			if !errors.Is(err, store.ErrConflict) {
				return fmt.Errorf("renew the pointer of %s: %w", env, err)
			}
		}
	}
	return b.fenceTags(ctx)
}
