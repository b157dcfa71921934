package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/carry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/pack"
	"github.com/regsnap/regsnap/publish"
)

// snapshot packs what the image is to have into a folder, below dir.
func (o Options) snapshot(ctx context.Context, dir string) (m *layout.Manifest, folder string, made *pack.Made, err error) {
	from, id := o.From, o.Snapshot
	if !o.Slice.Empty() {
		bucket, slice, err := o.slice(ctx, filepath.Join(dir, "slice"))
		if err != nil {
			return nil, "", nil, err
		}
		defer bucket.Close() // a folder that goes with the image's
		from, id = bucket, slice
	}
	if id == "" {
		p, err := from.Pointer(ctx, o.Environment)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, "", nil, fmt.Errorf("environment %s: %w", o.Environment, publish.ErrNothingLive)
		}
		if err != nil {
			return nil, "", nil, err
		}
		id = p.Snapshot
	}
	m, err = from.Manifest(ctx, o.Environment, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil, fmt.Errorf("%w: %s of %s: regsnap history lists what there is", publish.ErrNoSnapshot, id, o.Environment)
	}
	if err != nil {
		return nil, "", nil, err
	}
	folder = filepath.Join(dir, "snapshot")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, "", nil, err
	}
	made, err = pack.Make(ctx, pack.Options{From: from, Manifest: m, Dir: folder, Parallel: from.Parallel(), Progress: func(done, total int) {
		o.progress("pack", done, total)
	}})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: an object of %s is missing, or the snapshot was pruned meanwhile: %w", publish.ErrDamaged, id, err)
	case errors.Is(err, pack.ErrSource):
		err = fmt.Errorf("%w: %w", publish.ErrDamaged, err)
	}
	return m, folder, made, err
}

// slice makes a bucket of its own for a part of a snapshot.
func (o Options) slice(ctx context.Context, dir string) (*publish.Bucket, string, error) {
	to, err := publish.Create(ctx, "file://"+filepath.ToSlash(dir))
	if err != nil {
		return nil, "", err
	}
	lease := to.Lease(publish.LeaseOptions{Purpose: "image"})
	r, err := carry.Mirror(ctx, carry.Options{
		From: o.From, To: lease, Environment: o.Environment, Snapshot: o.Snapshot, Slice: o.Slice, Regsnap: o.Regsnap,
		Copy: o.Copy, Render: o.Render,
	})
	if e := lease.Release(ctx); err == nil {
		err = e
	}
	if err != nil {
		return nil, "", errors.Join(err, to.Close())
	}
	return to, r.Snapshot, nil
}
