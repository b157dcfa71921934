package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Note says who moves a pointer and why. Both are kept with the move.
type Note struct {
	By     string
	Reason string
	// Preview, if set, makes the environment one when it is published. Without it a
	// publish leaves a preview as it is, unless the environment is Configured: then it
	// stops being one.
	Preview    *layout.Preview
	Configured bool
}

// preview is what a publish makes of an environment.
func (n Note) preview(p layout.Pointer) *layout.Preview {
	if n.Preview == nil && !n.Configured {
		return p.Preview
	}
	return n.Preview
}

// same reports whether a publish leaves it as it is whether and until when an
// environment is a preview.
func (n Note) same(p layout.Pointer) bool {
	is := n.preview(p)
	if is == nil || p.Preview == nil {
		return is == p.Preview
	}
	return is.Until.Equal(p.Preview.Until)
}

// Moved says what became of a request to move a pointer.
type Moved struct {
	Environment string `json:"environment"`
	// Snapshot is the one that the request was about. It is live, unless Held.
	Snapshot string `json:"snapshot"`
	// Previous was live before; empty when nothing was.
	Previous string `json:"previous,omitempty"`
	// Changed is false when the pointer stayed as it was.
	Changed bool `json:"changed"`
	// Diverged names the branches whose history the snapshot left, as after a
	// force push.
	Diverged []string `json:"diverged,omitempty"`
	// Held tells that the environment is pinned, by Pin, to Live, so that the
	// snapshot did not go live.
	Held bool        `json:"held,omitempty"`
	Pin  *layout.Pin `json:"pinned,omitempty"`
	Live string      `json:"live_snapshot"`
	// Generation counts the writes of the pointer.
	Generation int64 `json:"generation"`
	// Manifest is that of the snapshot that went live, if the pointer was moved.
	Manifest *layout.Manifest `json:"-"`
	// Unrecorded is why the move is not in the audit log yet. The pointer remembers
	// it, and the next move records it.
	Unrecorded string `json:"unrecorded,omitempty"`
}

// errStay is what the decision about a move returns when there is none to make.
var errStay = errors.New("the pointer stays")

// races say how often a move is tried: each time someone else was faster. With
// few publishers one of them always wins, so more means that something writes the
// pointer without end.
var races = retry.Policy{Attempts: 20, Pause: 100 * time.Millisecond, MaxPause: 100 * time.Millisecond}

// move changes a pointer by compare-and-swap. decide sees the pointer as it is
// and says how it is to be moved, or returns errStay; when someone else was
// faster it is asked again. ready, if set, is called after the pointer was read
// and right before it is written: what it makes sure of must still hold if the
// pointer was not written in between. What the move is about may be set by decide.
func (b *Bucket) move(ctx context.Context, env string, n Note, of *about, decide func(layout.Pointer) (layout.Move, error), ready func(context.Context) error) (before, after layout.Pointer, unrecorded, err error) {
	if err := layout.ValidNote(n.By, n.Reason); err != nil {
		return before, after, nil, err
	}
	var made layout.Move
	key := layout.PointerKey(env)
	err = races.Do(ctx, func() error {
		var state store.Token
		before, state, err = b.pointer(ctx, env)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		m, err := decide(before)
		if errors.Is(err, errStay) { // so something is live
			// This may be the second run of one that died before it was on record.
			unrecorded = b.recordLate(ctx, before)
		}
		if err != nil {
			return err
		}
		m.By, m.Reason, m.At = n.By, n.Reason, time.Now().UTC().Truncate(time.Second)
		after, made = before.After(env, m), m
		if m.Kind == layout.MovePublish {
			after = after.As(n.preview(before))
		}
		if before.Snapshot != "" {
			unrecorded = b.recordLate(ctx, before)
		}
		if ready != nil {
			if err := ready(ctx); err != nil {
				return err
			}
		}
		switch err := b.store.Swap(ctx, key, after.Encode(), state); {
		case err == nil:
			return nil
		case errors.Is(err, store.ErrConflict):
			return retry.Again(fmt.Errorf("move the pointer of %s: %w", env, err))
		default:
			return fmt.Errorf("move the pointer of %s: %w", env, err)
		}
	})
	if err != nil {
		return before, before, unrecorded, err
	}
	// The move is made, whether or not it can be recorded.
	return before, after, errors.Join(unrecorded, b.record(context.WithoutCancel(ctx), before, after, made, *of)), nil
}

// moved describes the outcome of move.
func moved(env, snapshot string, before, after layout.Pointer, unrecorded error) *Moved {
	m := &Moved{
		Environment: env, Snapshot: snapshot, Previous: before.Snapshot, Changed: after.Generation != before.Generation,
		Live: after.Snapshot, Pin: after.Pinned, Generation: after.Generation,
	}
	if unrecorded != nil {
		m.Unrecorded = unrecorded.Error()
	}
	return m
}
