package carry

import (
	"context"
	"fmt"
	"slices"

	"github.com/regsnap/regsnap/publish"
)

// byRecord orders snapshots as the environment's pointer in from says that they
// were published: there someone with a clone has compared them. A slice stands
// where its whole does.
func byRecord(from *publish.Bucket, env string) publish.Order {
	return func(ctx context.Context, live, next *publish.Ordered) ([]string, error) {
		now, then := whole(live), whole(next)
		if now == then {
			return nil, nil
		}
		p, err := from.Pointer(ctx, env)
		if err != nil {
			return nil, fmt.Errorf("%w: %s is live in the target: the pointer of the source: %w", publish.ErrUnordered, live.ID, err)
		}
		published := p.Published()
		at, liveAt := slices.Index(published, then), slices.Index(published, now)
		switch {
		case liveAt >= 0 && (at < 0 || at > liveAt):
			return nil, fmt.Errorf("%w: %s is live in the target, and was published after %s in the source; --allow-older goes back", publish.ErrOlder, now, then)
		case at < 0 || liveAt < 0 && then != p.Snapshot:
			return nil, fmt.Errorf("%w: the source does not record that %s or %s, which is live in the target, was published; --allow-older makes it live all the same",
				publish.ErrUnordered, then, now)
		}
		return nil, nil
	}
}

// whole is the snapshot that a slice was made of, or the snapshot itself.
func whole(o *publish.Ordered) string {
	if o.Manifest.Slice != nil {
		return o.Manifest.Slice.Snapshot
	}
	return o.ID
}
