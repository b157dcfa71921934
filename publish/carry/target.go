package carry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// LiveManifests are those of all environments that are live in a bucket: what
// they list need not be copied into it.
func LiveManifests(ctx context.Context, b *publish.Bucket) ([]*layout.Manifest, error) {
	environments, err := b.Environments(ctx)
	if err != nil {
		return nil, err
	}
	var live []*layout.Manifest
	for _, env := range environments {
		m, err := b.Live(ctx, env)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("live snapshot of %s in the target: %w", env, err)
		}
		live = append(live, m)
	}
	return live, nil
}
