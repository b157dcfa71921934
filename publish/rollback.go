package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrNothingLive: the environment was never published, so there is nothing to
// roll back, pin or prune.
var ErrNothingLive = errors.New("no snapshot is live")

// errNoPrevious: the pointer does not know what was live before.
var errNoPrevious = errors.New("nothing is known to have been live before")

// Rollback is a way back that was looked at but not yet gone.
type Rollback struct {
	Environment string `json:"environment"`
	From        string `json:"from"`
	To          string `json:"to"`
	// Packages is what changes for clients.
	Packages PackageChanges `json:"changes"`
	// Pin tells that the environment is pinned, and stays so.
	Pin *layout.Pin `json:"pinned,omitempty"`

	lease      *Lease
	generation int64
	of         about
}

// PrepareRollback looks at the way back to a snapshot, by default to the one
// that was live before the live one was published. How many requests it takes
// does not depend on the size of the registry: some objects that are not live are
// looked for, and Verify looks for all. A snapshot that is found not to be whole is
// ErrDamaged, one that does not exist ErrNoSnapshot.
func (l *Lease) PrepareRollback(ctx context.Context, env, id string) (*Rollback, error) {
	p, err := l.b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("environment %s: %w", env, ErrNothingLive)
	}
	if err != nil {
		return nil, err
	}
	if id == "" {
		if id = p.Previous; id == "" {
			return nil, fmt.Errorf("environment %s, %s is live: %w: name a snapshot", env, p.Snapshot, errNoPrevious)
		}
	}
	r := &Rollback{Environment: env, From: p.Snapshot, To: id, Packages: noChanges(), Pin: p.Pinned, lease: l, generation: p.Generation}
	if r.From == r.To {
		return r, nil
	}
	to, _, err := l.b.Snapshot(ctx, env, id)
	if err != nil {
		return nil, err
	}
	from, err := l.b.Manifest(ctx, env, r.From)
	if err != nil {
		if !isFaulty(err) {
			return nil, fmt.Errorf("live snapshot: %w", err)
		}
		// A damaged live snapshot is a reason to go back, not to stay.
		from = &layout.Manifest{Environment: env}
	}
	if err := l.b.glance(ctx, from, to); err != nil {
		return nil, err
	}
	r.Packages, r.of = comparePackages(from, to), about{from, to}
	return r, nil
}

// Do goes the way back. If the pointer was moved since the way was looked at it
// returns ErrConflict: what would change is no longer what was shown. With pin
// the environment is pinned in the same instant, so that the next publish does
// not bring back what was rolled back.
func (r *Rollback) Do(ctx context.Context, n Note, pin bool) (*Moved, error) {
	l, id := r.lease, r.To
	seen := false
	before, after, unrecorded, err := l.b.move(ctx, r.Environment, n, &r.of, func(p layout.Pointer) (layout.Move, error) {
		if p.Generation != r.generation || p.Snapshot != r.From {
			return layout.Move{}, fmt.Errorf("%s is live now: %w", p.Snapshot, store.ErrConflict)
		}
		if p.Snapshot == id {
			return layout.Move{}, errStay
		}
		var err error
		if seen, err = l.take(ctx); err != nil {
			return layout.Move{}, err
		}
		// Prune may have come between the look and the lease.
		_, err = l.complete(ctx, r.Environment, id)
		return layout.Move{Kind: layout.MoveRollback, Snapshot: id, Pin: pin}, err
	}, func(ctx context.Context) error { return l.readyTo(ctx, seen) })
	if err != nil && !errors.Is(err, errStay) {
		return nil, err
	}
	out := moved(r.Environment, id, before, after, unrecorded)
	if out.Changed {
		out.Manifest = r.of.after
	}
	return out, nil
}

// glances is how many objects a rollback looks for before it goes back.
const glances = 16

// glance looks for some objects of a snapshot that the live one does not have; what
// is missing is ErrDamaged. It takes as many requests whatever the size of the
// registry. Of what both have the loss would be seen already.
func (b *Bucket) glance(ctx context.Context, live, to *layout.Manifest) error {
	keys := ofOneOnly(live, to)
	n := min(len(keys), glances)
	missing := make([]bool, n)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(b.Parallel())
	for i := range n {
		g.Go(func() error {
			there, err := b.exists(gctx, keys[i*len(keys)/n])
			missing[i] = !there
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	lost, first := 0, ""
	for i, m := range missing {
		if m {
			if lost++; lost == 1 {
				first = keys[i*len(keys)/n]
			}
		}
	}
	if lost == 0 {
		return nil
	}
	env, id := to.Environment, to.ID()
	if there, err := b.exists(ctx, layout.ManifestKey(env, id)); err != nil {
		return err
	} else if !there {
		return prunedMeanwhile(env, id)
	}
	return fmt.Errorf("%w: %s of %s is not whole: of %d objects that were looked for %d are missing, the first is %s; regsnap verify --env %s --repair %s makes them again from the source", ErrDamaged, id, env, n, lost, first, env, id)
}

// ofOneOnly are the keys of the revisions and responses that a snapshot has and the live
// one has not: of a revision the archive and the list of its files.
func ofOneOnly(live, to *layout.Manifest) (keys []string) {
	revisions, responses := map[layout.Revision]bool{}, map[layout.Digest]bool{}
	for _, p := range live.Packages {
		revisions[revisionOf(p)] = true
	}
	for _, r := range live.Responses {
		responses[r.Digest] = true
	}
	for _, p := range to.Packages {
		if rev := revisionOf(p); !revisions[rev] {
			keys = append(keys, rev.ContentsKey(), rev.ArchiveKey())
		}
	}
	for _, r := range to.Responses {
		if !responses[r.Digest] {
			keys = append(keys, r.Keys()...)
		}
	}
	return keys
}
