package export

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/carry"
	"github.com/regsnap/regsnap/publish"
)

// slice makes the slice in a bucket of its own, beside the exports: what is
// written there once is linked to. It returns the options to export that, and what
// removes the bucket.
func (o Options) slice(ctx context.Context, f *folder, r *Result) (part Options, remove func() error, err error) {
	dir, err := os.MkdirTemp(f.dir, unfinished)
	if err != nil {
		return o, nil, err
	}
	remove = func() error { return os.RemoveAll(dir) }
	defer func() {
		if err != nil {
			err = errors.Join(err, remove())
		}
	}()
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return o, nil, err
	}
	bucket, err := publish.Open(ctx, "file://"+filepath.ToSlash(absolute))
	if err != nil {
		return o, nil, err
	}
	lease := bucket.Lease(publish.LeaseOptions{Purpose: "export"})
	made, err := carry.Mirror(ctx, carry.Options{
		From: o.From, To: lease, Environment: o.Environment, Snapshot: r.Snapshot, Slice: o.Slice, Regsnap: o.Regsnap, Stay: true,
		Copy: publish.CopyOptions{Parallel: o.Parallel, Progress: o.Progress}, Render: o.Render,
	})
	if err := errors.Join(err, lease.Release(ctx)); err != nil {
		return o, nil, err
	}
	r.Of, r.Snapshot = made.Of, made.Snapshot
	o.From, o.Copy, o.Progress = bucket, false, nil // it is there
	return o, remove, nil
}
