package publish

import (
	"context"

	"github.com/regsnap/regsnap/layout"
)

// replaceLive stores an object over a damaged one. Nothing but a repair may call it:
// all others rely on objects that never change.
func (b *Bucket) replaceLive(ctx context.Context, o layout.Object) error {
	return b.can.Replace(ctx, o)
}
