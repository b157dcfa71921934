package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// Publish makes a snapshot live, unless it is already or order refuses: two
// builds may finish in the other order than they began. When another publishes
// at the same time it looks again at what is live then. A pinned environment
// stays as it is: Moved reports that it is Held.
func (l *Lease) Publish(ctx context.Context, env, id string, n Note, order Order) (*Moved, error) {
	held, seen := false, false
	var diverged []string
	var of about
	before, after, unrecorded, err := l.b.move(ctx, env, n, &of, func(p layout.Pointer) (layout.Move, error) {
		if p.Snapshot == id && (n.same(p) || p.Pinned != nil) {
			return layout.Move{}, errStay
		}
		var err error
		if seen, err = l.take(ctx); err != nil {
			return layout.Move{}, err
		}
		seen = seen && p.Generation > 0 // a pointer that is not there yet cannot be rewritten
		m, err := l.complete(ctx, env, id)
		if err != nil {
			return layout.Move{}, err
		}
		of = about{after: m}
		if held = p.Pinned != nil; held {
			return layout.Move{}, errStay
		}
		if p.Snapshot == "" {
			if err := l.conditional(ctx, env); err != nil {
				return layout.Move{}, err
			}
		} else {
			live, err := l.manifest(ctx, env, p.Snapshot)
			if errors.Is(err, ErrNoSnapshot) { // it was left and pruned before there was a lease
				return layout.Move{}, retry.Again(prunedMeanwhile(env, p.Snapshot))
			}
			if err != nil {
				return layout.Move{}, fmt.Errorf("live snapshot: %w", err)
			}
			of.before = live
			if diverged, err = order(ctx, &Ordered{p.Snapshot, live}, &Ordered{id, m}); err != nil {
				return layout.Move{}, err
			}
		}
		return layout.Move{Kind: layout.MovePublish, Snapshot: id}, nil
	}, func(ctx context.Context) error { return l.readyTo(ctx, seen) })
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	out := moved(env, id, before, after, unrecorded)
	out.Held = held
	if out.Changed {
		out.Diverged, out.Manifest = diverged, of.after
	}
	if before.Snapshot == id {
		out.Previous, out.Changed = before.Previous, false // but for the time of a preview
	}
	return out, nil
}

// ready is what must be so when a pointer is written. The lease is looked at last:
// if it is there now, nothing was pruned since it was taken, and so all that was
// found before is still there.
func (l *Lease) ready(ctx context.Context) error { return l.readyTo(ctx, false) }

// readyTo is ready for the swap of a pointer. seen says that the lease was taken, and
// so seen in the store, after that pointer was read: a second look would tell nothing
// more. A prune that takes the lease away after a look, whichever it is, rewrites the
// pointer before it deletes anything, so that the swap fails and the next attempt looks
// again.
func (l *Lease) readyTo(ctx context.Context, seen bool) error {
	// What the pointer will name must outlive a crash of the machine.
	if err := l.b.can.Sync(); err != nil {
		return fmt.Errorf("flush the bucket to disk: %w", err)
	}
	if seen {
		return nil
	}
	return l.alive(ctx)
}

// conditional refuses the first publish of an environment to a store on which two
// publishers could overwrite each other's pointer. Once there is a pointer it was
// looked at.
func (l *Lease) conditional(ctx context.Context, env string) error {
	l.mu.Lock()
	beat := l.beat
	l.mu.Unlock()
	err := beat.conditional(ctx)
	if errors.Is(err, errLost) {
		return fmt.Errorf("%w: %w", ErrPruned, err)
	}
	if err != nil {
		return fmt.Errorf("%s does not go live for the first time: %w: two publishers would overwrite each other's pointer, and two prunes delete at once; use a store that keeps them (regsnap doctor tries it)", env, err)
	}
	return nil
}

// complete reads manifest and routes of a snapshot from the store, whatever is
// remembered of them. A manifest is written when all that it lists is there, and
// deleted before any of that is, so its presence under a lease means that the
// snapshot is whole and stays so.
func (l *Lease) complete(ctx context.Context, env, id string) (*layout.Manifest, error) {
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	m, _, err := l.b.Snapshot(ctx, env, id)
	if err != nil {
		// A holder that was taken for dead finds what prune has left.
		if lost := l.alive(ctx); errors.Is(lost, ErrPruned) {
			return nil, lost
		}
		return nil, err
	}
	return m, nil
}

// PlanPublish says what Publish would do now, and changes nothing. manifest is
// that of a snapshot that is not in the bucket yet; with nil it is read.
func (b *Bucket) PlanPublish(ctx context.Context, env, id string, manifest *layout.Manifest, order Order) (*Moved, error) {
	p, live, err := b.live(ctx, env)
	if p.Snapshot == "" && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	unread := err // matters only where the two are compared
	out := moved(env, id, p, p, nil)
	if p.Snapshot == id {
		out.Previous = p.Previous
		return out, nil
	}
	if manifest == nil {
		if manifest, _, err = b.Snapshot(ctx, env, id); err != nil {
			return nil, err
		}
	}
	if out.Held = p.Pinned != nil; out.Held {
		return out, nil
	}
	if p.Snapshot != "" {
		if unread != nil {
			return nil, fmt.Errorf("live snapshot: %w", unread)
		}
		if out.Diverged, err = order(ctx, &Ordered{p.Snapshot, live}, &Ordered{id, manifest}); err != nil {
			return nil, err
		}
	}
	out.Changed, out.Live = true, id
	return out, nil
}

// replaceLive stores an object over a damaged one. Nothing but a repair may call it:
// all others rely on objects that never change.
func (b *Bucket) replaceLive(ctx context.Context, o layout.Object) error {
	return b.can.Replace(ctx, o)
}
