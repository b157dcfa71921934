package publish

import (
	"context"
	"time"
)

// planLeftovers adds to a plan what dead writers left.
func (b *Bucket) planLeftovers(ctx context.Context, p *PrunePlan, now time.Time) error {
	files, err := b.can.Leftovers(ctx, now.Add(-b.times().stale))
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
	for _, key := range p.leftovers {
		if err := b.can.SweepFile(key); err != nil {
			return err
		}
	}
	return b.can.SweepFolders(ctx)
}
