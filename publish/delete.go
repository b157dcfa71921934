package publish

import "context"

// deleteOnce is Delete, and tells whether one request was enough. If not, an
// earlier one of which no answer came may be carried out by the store later.
func (b *Bucket) deleteOnce(ctx context.Context, key string) (once bool, err error) {
	r, remote := b.objects.(*retrying)
	if !remote {
		return true, b.Delete(ctx, key)
	}
	attempts := 0
	err = r.policy.limited(ctx, r.policy.answer, func(ctx context.Context) error {
		attempts++
		return r.remote.delete(ctx, key)
	})
	return attempts == 1 && err == nil, err
}
