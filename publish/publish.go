package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrOlder: the snapshot was built from older commits than the live one.
var ErrOlder = errors.New("the live snapshot is newer")

// ErrNoSnapshot: the bucket has no such snapshot, or not all of it.
var ErrNoSnapshot = errors.New("no such snapshot in the bucket")

// Publish makes a snapshot live, in a lease of its own; see Lease.Publish.
func (b *Bucket) Publish(ctx context.Context, env, id string) (_ *Moved, err error) {
	l := b.Lease(LeaseOptions{Purpose: "publish"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	return l.Publish(ctx, env, id, Note{})
}

// Publish makes a snapshot live, unless it is already. It refuses, with
// ErrOlder, to take a branch back to an older commit: two builds may finish in
// the other order than they began. When somebody else publishes at the same
// time it looks again at what is live then. A pinned environment stays as it is:
// Moved tells that it is Held.
func (l *Lease) Publish(ctx context.Context, env, id string, n Note) (*Moved, error) {
	held := false
	before, after, err := l.b.move(ctx, env, n, func(p layout.Pointer) (layout.Move, error) {
		if p.Snapshot == id {
			return layout.Move{}, errStay
		}
		if err := l.hold(ctx); err != nil {
			return layout.Move{}, err
		}
		m, err := l.complete(ctx, env, id)
		if err != nil {
			return layout.Move{}, err
		}
		if held = p.Pinned != nil; held {
			return layout.Move{}, errStay
		}
		if p.Snapshot != "" {
			live, err := l.manifest(ctx, env, p.Snapshot)
			if err != nil {
				return layout.Move{}, fmt.Errorf("live snapshot: %w", err)
			}
			if err := newerThan(p.Snapshot, live, id, m); err != nil {
				return layout.Move{}, err
			}
		}
		return layout.Move{Kind: layout.MovePublish, Snapshot: id}, nil
	}, l.ready)
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	out := moved(env, id, before, after)
	out.Held = held
	if before.Snapshot == id {
		out.Previous = before.Previous
	}
	return out, nil
}

// ready is what must be so when a pointer is written.
func (l *Lease) ready(ctx context.Context) error {
	// What the pointer will name must outlive a crash of the machine.
	if err := l.b.sync(); err != nil {
		return fmt.Errorf("flush the bucket to disk: %w", err)
	}
	return l.alive(ctx)
}

// complete reads the manifest of a snapshot. It is written when all that it
// lists is there, and deleted before any of that is, so its presence under a
// lease means that the snapshot is whole and stays so.
func (l *Lease) complete(ctx context.Context, env, id string) (*layout.Manifest, error) {
	if err := l.check(ctx); err != nil {
		return nil, err
	}
	m, err := l.manifest(ctx, env, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s of %s: build it first", ErrNoSnapshot, id, env)
	}
	return m, err
}

// newerThan refuses to take back any branch that both snapshots have.
func newerThan(liveID string, live *layout.Manifest, id string, m *layout.Manifest) error {
	common := false
	for _, old := range live.Branches {
		for _, b := range m.Branches {
			if b.Name != old.Name {
				continue
			}
			common = true
			if old.Time.After(b.Time) {
				return fmt.Errorf("%w: %s is live, %s; %s is %s", ErrOlder, liveID, origin(live, b.Name), id, origin(m, b.Name))
			}
		}
	}
	if !common && live.Time().After(m.Time()) {
		return fmt.Errorf("%w: %s is live, %s; %s is %s", ErrOlder, liveID, origin(live, ""), id, origin(m, ""))
	}
	return nil
}

// origin says how new the commits of a snapshot are; branch is the one that
// matters, if there are several.
func origin(m *layout.Manifest, branch string) string {
	at, where := m.Time(), ""
	for _, b := range m.Branches {
		if b.Name == branch && len(m.Branches) > 1 {
			at, where = b.Time, " of "+branch
		}
	}
	if at.IsZero() {
		return "from no commit" + where
	}
	return "from commits" + where + " up to " + at.UTC().Format(time.DateTime)
}

// Manifest reads the manifest of a snapshot and checks that it is the one that
// the id names.
func (b *Bucket) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	body, err := b.Read(ctx, layout.ManifestKey(env, id))
	if err != nil {
		return nil, err
	}
	m, err := layout.DecodeManifest(body)
	switch {
	case err != nil:
	case m.IDOf(body) != id:
		err = fmt.Errorf("its content has the id %s: the object is damaged", m.IDOf(body))
	case m.Environment != env:
		err = fmt.Errorf("its content is of environment %s: the object is in the wrong place", m.Environment)
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

// Chosen is the snapshot that somebody names, or the live one if id is empty:
// ErrNothingLive if there is none. A snapshot that is named may not exist.
func (b *Bucket) Chosen(ctx context.Context, env, id string) (string, error) {
	if id != "" {
		return id, nil
	}
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("environment %s: %w", env, ErrNothingLive)
	}
	return p.Snapshot, err
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

// Snapshot reads the manifest and the routes of a snapshot and checks both.
func (b *Bucket) Snapshot(ctx context.Context, env, id string) (*layout.Manifest, *layout.Routes, error) {
	m, err := b.Manifest(ctx, env, id)
	if err != nil {
		return nil, nil, err
	}
	key := layout.RoutesKey(env, id)
	body, err := b.Read(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	err = store.Matches(body, m.Routes)
	var r *layout.Routes
	if err == nil {
		r, err = layout.DecodeRoutes(body)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %s: %w", ErrDamaged, key, err)
	}
	return m, r, nil
}
