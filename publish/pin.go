package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
)

// Pin holds an environment at its live snapshot: publishing stores what is new
// but does not go live until Unpin. Rolling back, which is explicit, still does.
// Pinning what is pinned changes nothing.
func (b *Bucket) Pin(ctx context.Context, env string, n Note) (*Moved, error) {
	return b.setPin(ctx, env, n, layout.MovePin)
}

// Unpin ends Pin. What was published meanwhile is in the bucket; publishing it
// again makes it live.
func (b *Bucket) Unpin(ctx context.Context, env string, n Note) (*Moved, error) {
	return b.setPin(ctx, env, n, layout.MoveUnpin)
}

func (b *Bucket) setPin(ctx context.Context, env string, n Note, kind layout.MoveKind) (*Moved, error) {
	before, after, unrecorded, err := b.move(ctx, env, n, new(about), func(p layout.Pointer) (layout.Move, error) {
		switch {
		case p.Snapshot == "":
			return layout.Move{}, fmt.Errorf("environment %s: %w", env, ErrNothingLive)
		case (p.Pinned != nil) == (kind == layout.MovePin):
			return layout.Move{}, errStay
		}
		return layout.Move{Kind: kind, Snapshot: p.Snapshot}, nil
	}, nil)
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	out := moved(env, before.Snapshot, before, after, unrecorded)
	if kind == layout.MoveUnpin {
		out.Pin = before.Pinned // who had held it
	}
	return out, nil
}

// PlanPin says what Pin, or Unpin, would do now, and changes nothing.
func (b *Bucket) PlanPin(ctx context.Context, env string, pin bool) (*Moved, error) {
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("environment %s: %w", env, ErrNothingLive)
	}
	if err != nil {
		return nil, err
	}
	out := moved(env, p.Snapshot, p, p, nil)
	out.Changed = (p.Pinned != nil) != pin
	return out, nil
}
