package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
)

// ErrOlder: the snapshot was built from older commits than the live one.
var ErrOlder = errors.New("the live snapshot is newer")

// ErrNoSnapshot: the bucket has no such snapshot, or not all of it.
var ErrNoSnapshot = errors.New("no such snapshot in the bucket")

// Moved says what Publish did.
type Moved struct {
	Environment string `json:"environment"`
	Snapshot    string `json:"snapshot"`
	// Previous was live before; empty when nothing was.
	Previous string `json:"previous,omitempty"`
	// Changed is false when the snapshot was live already.
	Changed bool `json:"changed"`
}

// Publish makes a snapshot live. It refuses, with ErrOlder, to go back to older
// commits: two builds may finish in the other order than they began. With
// ErrConflict somebody else has published meanwhile; asking again re-checks.
func (b *Bucket) Publish(ctx context.Context, env, id string) (*Moved, error) {
	m, err := b.Manifest(ctx, env, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s of %s: build it first", ErrNoSnapshot, id, env)
	}
	if err != nil {
		return nil, err
	}
	live, state, err := b.pointer(ctx, env)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	moved := &Moved{Environment: env, Snapshot: id, Previous: live.Snapshot}
	if live.Snapshot == id {
		moved.Previous = live.Previous
		return moved, nil
	}
	if live.Snapshot != "" {
		current, err := b.Manifest(ctx, env, live.Snapshot)
		if err != nil {
			return nil, fmt.Errorf("live snapshot: %w", err)
		}
		if current.Time().After(m.Time()) {
			return nil, fmt.Errorf("%w: %s is live, from commits up to %s; %s is from commits up to %s",
				ErrOlder, live.Snapshot, current.Time().Format("2006-01-02 15:04:05"), id, m.Time().Format("2006-01-02 15:04:05"))
		}
	}
	// What the pointer will name must outlive a crash of the machine.
	if err := b.sync(); err != nil {
		return nil, fmt.Errorf("flush the bucket to disk: %w", err)
	}
	next := layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: id, Previous: live.Snapshot}
	if err := b.pointers.swap(ctx, layout.PointerKey(env), next.Encode(), state); err != nil {
		return nil, fmt.Errorf("move the pointer of %s: %w", env, err)
	}
	moved.Changed = true
	return moved, nil
}

// Manifest reads the manifest of a snapshot and checks that it is the one that
// the id names.
func (b *Bucket) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	body, err := b.Read(ctx, layout.ManifestKey(env, id))
	if err != nil {
		return nil, err
	}
	m, err := layout.DecodeManifest(body)
	if err == nil && m.ID() != id {
		err = fmt.Errorf("its content has the id %s: the object is damaged", m.ID())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layout.ManifestKey(env, id), err)
	}
	return m, nil
}

// Live reads the manifest of the live snapshot; fs.ErrNotExist when none is live.
func (b *Bucket) Live(ctx context.Context, env string) (*layout.Manifest, error) {
	p, err := b.Pointer(ctx, env)
	if err != nil {
		return nil, err
	}
	return b.Manifest(ctx, env, p.Snapshot)
}

// Routes reads the routes of a snapshot.
func (b *Bucket) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	body, err := b.Read(ctx, layout.RoutesKey(env, id))
	if err != nil {
		return nil, err
	}
	r, err := layout.DecodeRoutes(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layout.RoutesKey(env, id), err)
	}
	return r, nil
}
