package store

import "context"

// DeleteOnce deletes an object, and reports whether one request was enough. If
// not, an earlier one of which no answer came may be carried out by the store later.
func DeleteOnce(ctx context.Context, objects ObjectStore, key string) (once bool, err error) {
	r, remote := objects.(*retrying)
	if !remote {
		return true, objects.Delete(ctx, key)
	}
	attempts := 0
	err = r.policy.limited(ctx, r.policy.Answer, func(ctx context.Context) error {
		attempts++
		return r.remote.Delete(ctx, key)
	})
	return attempts == 1 && err == nil, err
}
