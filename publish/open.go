package publish

import (
	"context"

	_ "gocloud.dev/blob/fileblob" // checks file:// URLs

	"github.com/regsnap/regsnap/publish/store"
)

// Open opens the bucket at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://). Credentials come from the store's usual chain. The folder of a
// file:// URL must exist; Create makes it. ErrURL means that the URL is wrong.
func Open(ctx context.Context, rawURL string) (*Bucket, error) {
	return bucket(store.Open(ctx, rawURL))
}

func bucket(o *store.Opened, err error) (*Bucket, error) {
	if err != nil {
		return nil, err
	}
	return &Bucket{objects: o.Objects, pointers: o.Pointers, parallel: o.Parallel, sync: o.Sync, close: o.Close}, nil
}

// Create is Open, but makes the folder of a file:// URL.
func Create(ctx context.Context, rawURL string) (*Bucket, error) {
	return bucket(store.Create(ctx, rawURL))
}
