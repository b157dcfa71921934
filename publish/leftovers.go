package publish

import (
	"context"
	"time"

	"github.com/regsnap/regsnap/publish/store"
)

// planLeftovers adds to a plan what dead writers left.
func (b *Bucket) planLeftovers(ctx context.Context, p *PrunePlan, now time.Time) error {
	s, ok := b.objects.(store.Sweeper)
	if !ok {
		return nil
	}
	files, err := s.Leftovers(ctx, now.Add(-b.times().stale))
	if err != nil {
		return err
	}
	for _, f := range files {
		p.Leftovers.add(f.Size)
		p.leftovers = append(p.leftovers, f.Key)
	}
	return nil
}

// sweepLeftovers removes what planLeftovers found, and the empty folders.
func (b *Bucket) sweepLeftovers(ctx context.Context, p *PrunePlan) error {
	s, ok := b.objects.(store.Sweeper)
	if !ok {
		return nil
	}
	for _, key := range p.leftovers {
		if err := s.SweepFile(key); err != nil {
			return err
		}
	}
	return s.SweepFolders(ctx)
}
