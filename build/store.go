package build

import (
	"context"

	"github.com/regsnap/regsnap/layout"
)

// Store is what a build needs of a bucket. Implementations are safe for
// concurrent use.
type Store interface {
	// Read returns an object; fs.ErrNotExist when there is none.
	Read(ctx context.Context, key string) ([]byte, error)
	// Sizes gives the size in bytes of each object of a revision that is there, by key.
	Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error)
	// Put stores an object that will never change. When Put returns, the
	// object is there, whole. An object that is there already stays as it is:
	// the same key always means the same bytes.
	Put(ctx context.Context, o layout.Object) error
}
