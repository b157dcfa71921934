package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// publishSome is a publisher in this process.
func (r *soakRun) publishSome(ctx context.Context, b *Bucket, number int, mine *rand.Rand) {
	by := fmt.Sprint("publisher ", number)
	src := r.editions(by)
	for range 2 + mine.IntN(2) {
		_ = retry.Sleep(ctx, time.Duration(mine.Int64N(int64(r.pace))))
		// Mostly forward, sometimes a late build of older commits.
		n := int(r.next.Add(1))
		if mine.IntN(4) == 0 {
			n = mine.IntN(n)
		}
		r.publishing.Add(1)
		m, err := src.publish(ctx, b, n, Note{By: by})
		r.publishing.Add(-1)
		what, ok := outcome(m, err)
		if !ok {
			r.c.violation(r.t, "publish %d: %v", n, err)
			continue
		}
		r.c.add(what, 1)
		if what == published {
			r.live.Store(true)
			r.tell(by, layout.MovePublish, m)
		}
	}
}

// tell keeps what someone was told.
func (r *soakRun) tell(by string, kind layout.MoveKind, m *Moved) {
	if !m.Changed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, told{by, kind, m.Live, m.Generation})
}

func (r *soakRun) prune(ctx context.Context, b *Bucket) {
	p, err := b.Prune(ctx, PruneOptions{By: "pruner"})
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, errLost):
		r.c.add(keptAway, 1)
	case ctx.Err() != nil:
	case errors.Is(err, retry.ErrGaveUp):
		r.c.add(gaveUp, 1)
	case err != nil:
		r.c.violation(r.t, "prune: %v", err)
	default:
		r.c.add(prunes, 1)
		r.c.add(objectsPruned, p.Objects)
	}
}

// operate is someone who rolls back and pins while all that goes on.
func (r *soakRun) operate(ctx context.Context, b *Bucket, mine *rand.Rand) {
	const by = "operator"
	for retry.Sleep(ctx, time.Duration(mine.Int64N(int64(r.pace)))) == nil {
		var m *Moved
		var err error
		kind, count := layout.MoveRollback, rollbacks
		switch mine.IntN(8) {
		case 0:
			kind, count = layout.MovePin, pins
			m, err = b.Pin(ctx, testEnv, Note{By: by})
		case 1, 2:
			kind, count = layout.MoveUnpin, unpins
			m, err = b.Unpin(ctx, testEnv, Note{By: by})
		default:
			m, err = r.rollBack(ctx, b, by, mine)
		}
		switch {
		case ctx.Err() != nil && err != nil:
		case errors.Is(err, ErrNothingLive), errors.Is(err, errNoPrevious), errors.Is(err, store.ErrConflict), errors.Is(err, ErrPruned):
		case errors.Is(err, retry.ErrGaveUp):
			r.c.add(gaveUp, 1)
		case errors.Is(err, ErrNoSnapshot):
			// It was pruned since it was live before.
		case err != nil:
			r.c.violation(r.t, "%s: %v", kind, err)
		case m.Changed:
			r.c.add(count, 1)
			r.tell(by, kind, m)
		}
	}
}

// rollBack goes to the snapshot before, or to any that is there.
func (r *soakRun) rollBack(ctx context.Context, b *Bucket, by string, mine *rand.Rand) (m *Moved, err error) {
	to := ""
	if mine.IntN(2) == 0 {
		stored, err := b.Snapshots(ctx, testEnv)
		if err != nil {
			return nil, err
		}
		if list := stored[testEnv]; len(list) > 0 {
			to = list[mine.IntN(len(list))].ID
		}
	}
	l := b.Lease(LeaseOptions{Purpose: "rollback", By: by})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	way, err := l.PrepareRollback(ctx, testEnv, to)
	if err != nil {
		return nil, err
	}
	m, err = way.Do(ctx, Note{By: by}, false)
	if err == nil && m.Changed && r.publishing.Load() > 0 {
		r.c.add(rollbacksAmid, 1)
	}
	return m, err
}

// read answers as an edge does: pointer, manifest, routes, then a few objects,
// each compared with what the snapshot says of it. An object may only be missing
// when the snapshot is neither live nor the one before.
func (r *soakRun) read(ctx context.Context, b *Bucket, mine *rand.Rand) {
	live := r.live.Load()
	p, err := b.Pointer(ctx, testEnv)
	switch {
	case ctx.Err() != nil, errors.Is(err, fs.ErrNotExist) && !live:
		return
	case err != nil:
		r.c.violation(r.t, "read the pointer: %v", err)
		return
	}
	r.live.Store(true)
	r.c.add(reads, 1)
	m, faults, err := r.readSnapshot(ctx, b, p.Snapshot, mine)
	if ctx.Err() != nil {
		return
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrNoSnapshot) {
		faults, err = append(faults, Fault{Missing: true, Detail: err.Error()}), nil
	}
	if err != nil {
		r.c.violation(r.t, "read %s: %v", p.Snapshot, err)
		return
	}
	if len(faults) == 0 {
		if m.Environment != testEnv || m.ID() != p.Snapshot {
			r.c.violation(r.t, "%s has the manifest of %s", p.Snapshot, m.ID())
		}
		return
	}
	now, err := b.Pointer(ctx, testEnv)
	over := err == nil && now.Snapshot != p.Snapshot && now.Previous != p.Snapshot
	for _, f := range faults {
		switch {
		case ctx.Err() != nil:
		case f.Missing && over:
			r.c.add(readsOfOver, 1)
			return
		default:
			r.c.violation(r.t, "read %s, live now is %s (%v): %s: %s", p.Snapshot, now.Snapshot, err, f.Key, f.Detail)
		}
	}
}

// readSnapshot reads some of a snapshot.
func (r *soakRun) readSnapshot(ctx context.Context, b *Bucket, id string, mine *rand.Rand) (*layout.Manifest, []Fault, error) {
	check := &unitCheck{v: &verifier{b: b, state: newVerifyState()}}
	m, err := check.manifest(ctx, testEnv, id)
	if err != nil || m == nil {
		return m, check.faults, err
	}
	routes, err := b.Routes(ctx, testEnv, id)
	if err != nil {
		return m, check.faults, err
	}
	for row, p := range m.Packages {
		if row >= routes.Rows() || routes.Revision(row) != (layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}) {
			check.fault(layout.RoutesKey(testEnv, id), fmt.Errorf("row %d is not that of the manifest", row))
		}
	}
	units := unitsOf(m)
	for range 3 {
		if err := units[mine.IntN(len(units))].check(ctx, check); err != nil {
			return m, check.faults, err
		}
	}
	return m, check.faults, nil
}
