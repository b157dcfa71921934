package doctor

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

const conditionsFix = "use a store, or a version of it, that keeps If-None-Match and If-Match of writes (GCS: generation conditions): without them two publishers overwrite each other's pointer, and two prunes delete at once"

// conditions tries a lease: whether it can be created, changed and deleted, and
// whether the store keeps the conditions under which that is done.
func (e *examination) conditions(ctx context.Context) (err error) {
	if e.Role == Reader {
		return e.refusesLease(ctx)
	}
	key := layout.LeaseKey(random())
	err = e.store.Swap(ctx, key, lease(0), "")
	allowed, other := outcome(err)
	if other != nil {
		e.add("conditional create", key, store.Wrong, other.Error(), conditionsFix)
		return ctx.Err()
	}
	e.right("create a lease", key, allowed, true, "allow it to create, overwrite and delete "+layout.LeasesPrefix+"*")
	if !allowed {
		return nil
	}
	// Whatever happens from here on, nobody should have to wait for this lease.
	defer func() {
		gone := e.store.Delete(ctx, key)
		allowed, other := outcome(gone)
		if other != nil {
			err = errors.Join(err, other)
			return
		}
		e.right("delete a lease", key, allowed, true, "allow it to delete "+layout.LeasesPrefix+"*: else every prune waits ten minutes for it")
	}()
	again := e.store.Swap(ctx, key, lease(1), "")
	creates := errors.Is(again, store.ErrConflict)
	e.honoured("conditional create", key, creates, again)
	_, first, err := e.store.Load(ctx, key)
	if err != nil {
		allowed, other := outcome(err)
		e.right("read", key, allowed && !errors.Is(err, fs.ErrNotExist), true, "allow it to read every object")
		return other
	}
	e.right("read", key, true, true, "")
	changed := e.store.Swap(ctx, key, lease(2), first)
	if changed != nil {
		allowed, other := outcome(changed)
		if allowed || other != nil {
			e.add("conditional overwrite", key, store.Wrong, changed.Error(), conditionsFix)
			return ctx.Err()
		}
		e.right("overwrite a lease", key, false, true, "allow it to create, overwrite and delete "+layout.LeasesPrefix+"*")
		return nil
	}
	e.right("overwrite a lease", key, true, true, "")
	stale := e.store.Swap(ctx, key, lease(3), first)
	e.honoured("conditional overwrite", key, errors.Is(stale, store.ErrConflict), stale)
	e.conditional = creates && errors.Is(stale, store.ErrConflict)
	return ctx.Err()
}

func (e *examination) honoured(check, key string, kept bool, err error) {
	switch {
	case kept:
		e.add(check, key, store.Right, "the condition is kept", "")
	case err != nil:
		e.add(check, key, store.Wrong, err.Error(), conditionsFix)
	default:
		e.add(check, key, store.Wrong, "the store ignores the condition and writes", conditionsFix)
	}
}

// refusesLease makes sure that who only reads cannot hold others up.
func (e *examination) refusesLease(ctx context.Context) error {
	key := layout.LeaseKey(random())
	allowed, other := outcome(e.store.Swap(ctx, key, lease(0), ""))
	if other != nil {
		return other
	}
	e.right("create a lease", key, allowed, false, "take the right to write from it: who can write leases can keep prune from working")
	if !allowed {
		return nil
	}
	return e.store.Delete(ctx, key)
}

func lease(beat int64) []byte {
	return layout.Lease{Format: layout.LeaseFormat, Purpose: "doctor", Since: time.Now().UTC().Truncate(time.Second), Beat: beat}.Encode()
}

func random() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	return hex.EncodeToString(id[:])
}
