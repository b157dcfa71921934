package publish

import (
	"context"

	"github.com/regsnap/regsnap/publish/store"
)

// Open opens the bucket at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://), as store.Open does. The folder of a file:// URL must exist; Create
// makes it.
func Open(ctx context.Context, rawURL string) (*Bucket, error) {
	return open(ctx, rawURL, store.Options{})
}

// Create is Open, but makes the folder of a file:// URL.
func Create(ctx context.Context, rawURL string) (*Bucket, error) {
	return open(ctx, rawURL, store.Options{Create: true})
}

func open(ctx context.Context, rawURL string, o store.Options) (*Bucket, error) {
	s, err := store.Open(ctx, rawURL, o)
	if err != nil {
		return nil, err
	}
	return in(s), nil
}

// in is the bucket in a store, which the bucket closes.
func in(s store.Store) *Bucket { return &Bucket{store: s, can: store.CapabilitiesOf(s)} }
