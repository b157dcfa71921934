package publish

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

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
