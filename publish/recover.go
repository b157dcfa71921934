package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrNothingWhole: no snapshot of an environment can be made live.
var ErrNothingWhole = errors.New("no snapshot is whole")

// Recovery is a pointer that is to be made again, of what the bucket has.
type Recovery struct {
	Environment string `json:"environment"`
	// Fault is what is wrong with the pointer; empty if nothing is.
	Fault string `json:"fault,omitempty"`
	// Snapshot is to be live, and Why that one; Before was named by the pointer.
	Snapshot string `json:"snapshot,omitempty"`
	Why      string `json:"why,omitempty"`
	Before   string `json:"before,omitempty"`
	// Skipped came first, but cannot be made live.
	Skipped []SkippedSnapshot `json:"skipped,omitempty"`
	// Pinned is the pin that the audit log, or the pointer, knows of.
	Pinned *layout.Pin `json:"pinned,omitempty"`
	// Recorded is how many moves the audit log has told of.
	Recorded int `json:"recorded"`

	lease   *Lease
	state   store.Token
	pointer layout.Pointer // as it would be, without the move that makes it
}

// SkippedSnapshot is one that cannot be made live, and why.
type SkippedSnapshot struct {
	ID  string `json:"snapshot"`
	Why string `json:"why"`
}

// RecoverOptions say what may be made live.
type RecoverOptions struct {
	// Snapshot is to be live; empty is the newest whole one by history.
	Snapshot string
	// Newer gives up a pointer that a newer regsnap wrote.
	Newer bool
}

// PrepareRecovery looks for what is wrong with the pointer of an environment and
// for the snapshot that should be live. It changes nothing. If nothing is wrong
// Fault is empty.
func (l *Lease) PrepareRecovery(ctx context.Context, env string, o RecoverOptions) (*Recovery, error) {
	r := &Recovery{Environment: env, lease: l}
	if err := r.judge(ctx, o); err != nil || r.Fault == "" {
		return r, err
	}
	lived, err := r.replay(ctx)
	if err != nil {
		return nil, err
	}
	return r, r.choose(ctx, o, lived)
}

// judge says what is wrong with the pointer.
func (r *Recovery) judge(ctx context.Context, o RecoverOptions) error {
	b, key := r.lease.b, layout.PointerKey(r.Environment)
	body, state, err := b.store.Load(ctx, key)
	r.state = state
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := b.noPointer(ctx, r.Environment, err); !errors.Is(err, fs.ErrNotExist) {
			if !errors.Is(err, ErrDamaged) {
				return err
			}
			r.Fault = "it is lost"
			return nil
		}
		stored, err := b.stored(ctx, r.Environment)
		if err != nil {
			return err
		}
		if len(stored[r.Environment]) == 0 {
			return fmt.Errorf("environment %s has neither pointer, audit log nor snapshots: %w; regsnap mirror brings it from another bucket, regsnap build --publish begins it", r.Environment, ErrNothingLive)
		}
		r.Fault = "it is not there, and no audit log says whether there ever was"
		return nil
	}
	if err != nil {
		return err
	}
	p, err := layout.DecodePointer(body, r.Environment)
	switch {
	case errors.Is(err, layout.ErrNewer) && !o.Newer:
		return fmt.Errorf("%s: %w; if there is no such regsnap any more, --replace-newer gives up what it wrote", key, err)
	case err != nil:
		r.Fault = err.Error()
		return nil
	}
	r.pointer, r.Before, r.Pinned = p, p.Snapshot, p.Pinned
	if _, _, err := b.Snapshot(ctx, r.Environment, p.Snapshot); err != nil {
		if !isFaulty(err) || errors.Is(err, layout.ErrNewer) {
			return err
		}
		r.Fault = fmt.Sprintf("it names %s: %s", p.Snapshot, err)
	}
	return nil
}

// replay finds in the audit log what the pointer said: what was live, the newest
// first, and who had pinned the environment.
func (r *Recovery) replay(ctx context.Context) (lived []string, err error) {
	known := r.pointer.Snapshot != "" // the pointer itself can be read
	decided := known
	for m, err := range r.lease.b.Moves(ctx, r.Environment) {
		if err != nil {
			return nil, err
		}
		if m.Damaged != "" {
			continue
		}
		if m.Kind == layout.MoveRetire {
			break
		}
		if r.Recorded++; r.Recorded > mostReplayed {
			break
		}
		if !decided {
			decided = m.Kind == layout.MovePin || m.Kind == layout.MoveUnpin || m.Pin
			if decided && m.Kind != layout.MoveUnpin {
				r.Pinned = &layout.Pin{By: m.By, Reason: m.Reason, At: m.At}
			}
		}
		if !known {
			r.pointer.Generation = max(r.pointer.Generation, m.Generation)
			if len(r.pointer.Moves) < layout.MaxMoves-1 {
				move := m.Move
				if move.Kind == layout.MoveRecover {
					move.Kind, move.Pin = layout.MoveRollback, false
				}
				r.pointer.Moves = append(r.pointer.Moves, move)
			}
		}
		if !slices.Contains(lived, m.Snapshot) {
			lived = append(lived, m.Snapshot)
		}
	}
	return lived, nil
}

// mostReplayed bounds how far back the audit log is read.
const mostReplayed = 1000

// choose finds the newest whole snapshot: by the audit log, and of those that it
// does not know by when they were stored.
func (r *Recovery) choose(ctx context.Context, o RecoverOptions, lived []string) error {
	b := r.lease.b
	type candidate struct{ id, why string }
	var candidates []candidate
	if o.Snapshot != "" {
		candidates = []candidate{{o.Snapshot, "it was named"}}
	} else {
		for _, id := range lived {
			candidates = append(candidates, candidate{id, "of those that are whole it was live last, by the audit log"})
		}
		all, err := b.stored(ctx, r.Environment)
		if err != nil {
			return err
		}
		stored := all[r.Environment]
		newestFirst(stored, r.pointer)
		for _, s := range stored {
			if !slices.Contains(lived, s.ID) {
				candidates = append(candidates, candidate{s.ID, "of those that are whole it was stored last; no record says what was live"})
			}
		}
	}
	for _, c := range candidates {
		_, _, err := b.Snapshot(ctx, r.Environment, c.id)
		if err == nil {
			r.Snapshot, r.Why = c.id, c.why
			return nil
		}
		if !isFaulty(err) {
			return err
		}
		r.Skipped = append(r.Skipped, SkippedSnapshot{c.id, err.Error()})
		if len(r.Skipped) == mostSkipped {
			break
		}
	}
	return fmt.Errorf("%w: %w of %s: regsnap verify --env %[3]s --repair mends one from its source, regsnap mirror brings one from another bucket, and --start-over lets the next build --publish begin again", ErrDamaged, ErrNothingWhole, r.Environment)
}

// mostSkipped is how many snapshots are tried.
const mostSkipped = 100

// Do makes the pointer again. ErrConflict: another process has written it meanwhile.
func (r *Recovery) Do(ctx context.Context, n Note) (*Moved, error) {
	l := r.lease
	if err := layout.ValidNote(n.By, n.Reason); err != nil {
		return nil, err
	}
	if err := l.hold(ctx); err != nil {
		return nil, err
	}
	m, err := l.complete(ctx, r.Environment, r.Snapshot)
	if err != nil {
		return nil, err
	}
	move := layout.Move{Snapshot: r.Snapshot, Kind: layout.MoveRollback, By: n.By, Reason: n.Reason, At: time.Now().UTC().Truncate(time.Second)}
	before := r.pointer
	before.Environment, before.Pinned = r.Environment, r.Pinned
	before.Generation = max(before.Generation, int64(len(before.Moves)))
	after := before.After(r.Environment, move)
	if err := l.ready(ctx); err != nil {
		return nil, err
	}
	if err := l.b.store.Swap(ctx, layout.PointerKey(r.Environment), after.Encode(), r.state); err != nil {
		return nil, fmt.Errorf("write the pointer of %s: %w", r.Environment, err)
	}
	move.Kind = layout.MoveRecover
	unrecorded := l.b.record(context.WithoutCancel(ctx), layout.Pointer{Snapshot: r.Before}, after, move, about{after: m})
	return moved(r.Environment, r.Snapshot, layout.Pointer{Snapshot: r.Before, Generation: before.Generation}, after, unrecorded), nil
}

// StartOver ends an environment of which no snapshot is whole, so that the next one
// that is published is its first. Who had pinned it is forgotten; the audit log stays.
func (l *Lease) StartOver(ctx context.Context, env, by string) error {
	if err := l.hold(ctx); err != nil {
		return err
	}
	if err := l.b.Delete(ctx, layout.PointerKey(env)); err != nil {
		return err
	}
	return l.b.recordRetired(ctx, env, by)
}
