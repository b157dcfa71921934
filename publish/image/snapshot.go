package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/pack"
)

// snapshot packs what the image is to have into a folder, below dir.
func (o Options) snapshot(ctx context.Context, dir string) (m *layout.Manifest, folder string, made *pack.Made, err error) {
	from, id := o.From, o.Snapshot
	if o.Slice.Empty() {
		id, err = from.Chosen(ctx, o.Environment, id)
	} else {
		var slice *carry.Result
		from, slice, err = carry.SliceIn(ctx, filepath.Join(dir, "slice"), carry.Options{
			From: o.From, Environment: o.Environment, Snapshot: id, Slice: o.Slice, Regsnap: o.Regsnap, Copy: o.Copy, Render: o.Render,
		})
		if err == nil {
			defer from.Close() // a folder that goes with the image's
			id = slice.Snapshot
		}
	}
	if err != nil {
		return nil, "", nil, err
	}
	m, err = from.Manifest(ctx, o.Environment, id)
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
		err = from.Explain(ctx, o.Environment, id, err)
	case errors.Is(err, pack.ErrSource):
		err = fmt.Errorf("%w: %w", publish.ErrDamaged, err)
	}
	return m, folder, made, err
}
