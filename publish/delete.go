package publish

import (
	"context"

	"github.com/regsnap/regsnap/publish/store"
)

// deleteOnce is Delete, and reports whether one request was enough. If not, an
// earlier one of which no answer came may be carried out by the store later.
func (b *Bucket) deleteOnce(ctx context.Context, key string) (once bool, err error) {
	return store.DeleteOnce(ctx, b.objects, key)
}
