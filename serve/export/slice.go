package export

import (
	"context"
	"errors"
	"os"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
)

// slice makes the slice in a bucket of its own, beside the exports: what is
// written there once is linked to. It returns the options to export that, and what
// removes the bucket.
func (o Options) slice(ctx context.Context, f *folder, r *Result) (part Options, remove func() error, err error) {
	dir, err := os.MkdirTemp(f.dir, unfinished)
	if err != nil {
		return o, nil, err
	}
	bucket, made, err := carry.SliceIn(ctx, dir, carry.Options{
		From: o.From, Environment: o.Environment, Snapshot: r.Snapshot, Slice: o.Slice, Regsnap: o.Regsnap,
		Copy: publish.CopyOptions{Parallel: o.Parallel, Progress: o.Progress}, Render: o.Render,
	})
	if err != nil {
		return o, nil, errors.Join(err, os.RemoveAll(dir))
	}
	r.Of, r.Snapshot = made.Of, made.Snapshot
	o.From, o.Copy, o.Progress = bucket, false, nil // it is there
	return o, func() error { return errors.Join(bucket.Close(), os.RemoveAll(dir)) }, nil
}
