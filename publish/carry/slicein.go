package carry

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"

	"github.com/regsnap/regsnap/publish"
)

// SliceIn makes the slice of a snapshot in a bucket of its own, in a folder that
// is not there or empty, for what is made of a bucket. The caller closes the
// bucket, and removes the folder. The options say no target.
func SliceIn(ctx context.Context, dir string, o Options) (_ *publish.Bucket, r *Result, err error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, nil, err
	}
	at := url.URL{Scheme: "file", Path: filepath.ToSlash(absolute)}
	bucket, err := publish.Create(ctx, at.String())
	if err != nil {
		return nil, nil, err
	}
	o.To, o.Stay = bucket.Lease(publish.LeaseOptions{Purpose: "slice"}), true
	r, err = Mirror(ctx, o)
	if err = errors.Join(err, o.To.Release(ctx)); err != nil {
		return nil, nil, errors.Join(err, bucket.Close())
	}
	return bucket, r, nil
}
