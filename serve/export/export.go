package export

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/store"
)

// Options say what to export, and where to.
type Options struct {
	From        *publish.Bucket
	Environment string
	// Snapshot is the one to export; empty is the live one.
	Snapshot string
	// Slice, unless it is empty, takes only a part of the snapshot.
	Slice layout.Slice
	// Regsnap is the version of this program, as the manifest of a slice records it.
	Regsnap string
	// Dir is the folder to write. It must not exist, be empty, or be an export.
	Dir string
	// At is where the web server finds Dir; empty is where it is.
	At string
	// Hostname is what the example of a server answers to.
	Hostname string
	// Copy makes files of their own of what could be links to the files of a
	// file:// bucket on the same file system.
	Copy bool
	// Parallel is how many objects are read at once; 0 is what fits the store.
	Parallel int
	// Progress, if set, is told how far the export is. It must not block.
	Progress func(publish.Copied)
	// Waiting, if set, is called when another export to Dir has to be waited for.
	Waiting func()
	// Render, if set, is told how far the rendering of a slice is.
	Render func(build.Progress)
}

// Result is what was exported.
type Result struct {
	Environment string `json:"environment"`
	Snapshot    string `json:"snapshot"`
	// Of is the snapshot that Snapshot is a slice of.
	Of  string `json:"slice_of,omitempty"`
	Dir string `json:"dir"`
	// Previous is the snapshot that was served before; empty when there was none.
	Previous string `json:"previous,omitempty"`
	// Present: the folder had the snapshot from before.
	Present bool `json:"present,omitempty"`
	Written
}

// Written counts files and their contents.
type Written struct {
	Files int `json:"files"`
	// Bytes are the contents that were written, Linked the files that are
	// further names of one that was there.
	Bytes  int64 `json:"bytes"`
	Linked int   `json:"linked"`
}

// ErrNoExport: the folder holds something that is no export.
var ErrNoExport = errors.New("the folder has something in it and is no export")

// Export writes the snapshot into the folder and lets the web server serve it.
// Until it is whole what was there is served, also if this is interrupted. The
// snapshot that was served before stays, for whoever is being answered from it;
// those before it are removed.
func Export(ctx context.Context, o Options) (*Result, error) {
	conf, err := o.configuration()
	if err != nil {
		return nil, err
	}
	if err := o.there(ctx); err != nil {
		return nil, err
	}
	f, err := openFolder(ctx, o.Dir, o.Waiting)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if err := f.isOf(o.Environment); err != nil {
		return nil, err
	}
	r := &Result{Environment: o.Environment, Dir: o.Dir, Previous: f.current()}
	if r.Snapshot, err = o.From.Chosen(ctx, o.Environment, o.Snapshot); err != nil {
		return nil, err
	}
	if o.Slice.Empty() {
		return r, o.into(ctx, f, r, conf)
	}
	part, remove, err := o.slice(ctx, f, r)
	if err != nil {
		return nil, err
	}
	return r, errors.Join(part.into(ctx, f, r, conf), remove())
}

// Plan says what Export would do, and writes nothing.
func Plan(ctx context.Context, o Options) (*Result, error) {
	if _, err := o.configuration(); err != nil {
		return nil, err
	}
	f := &folder{dir: o.Dir}
	r := &Result{Environment: o.Environment, Dir: o.Dir}
	switch err := onlyExports(o.Dir); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := f.isOf(o.Environment); err != nil {
			return nil, err
		}
		r.Previous = f.current()
	}
	id, err := o.From.Chosen(ctx, o.Environment, o.Snapshot)
	if err != nil {
		return nil, err
	}
	if !o.Slice.Empty() {
		r.Of = id
		_, err := carry.PlanSlice(ctx, carry.Options{From: o.From, Environment: o.Environment, Slice: o.Slice, Regsnap: o.Regsnap}, id)
		return r, err
	}
	if _, err := o.From.Manifest(ctx, o.Environment, id); err != nil {
		return nil, err
	}
	r.Snapshot, r.Present = id, f.has(id)
	return r, nil
}

// there makes sure that there is something to export, before a folder is made for
// it. What is live may be another snapshot when the folder is ours.
func (o Options) there(ctx context.Context) error {
	id, err := o.From.Chosen(ctx, o.Environment, o.Snapshot)
	if err != nil || (&folder{dir: o.Dir}).has(id) {
		return err
	}
	_, err = o.From.Manifest(ctx, o.Environment, id)
	return err
}

// into writes the snapshot, unless it is there, and has it served.
func (o Options) into(ctx context.Context, f *folder, r *Result, conf map[string][]byte) error {
	if r.Present = f.has(r.Snapshot); !r.Present {
		if err := o.write(ctx, f, r); err != nil {
			return err
		}
	}
	if err := configure(f.snapshot(r.Snapshot), conf); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // all may have been there
	}
	return f.serve(r.Snapshot, r.Previous)
}

// write writes the snapshot into a folder of another name, and gives it its own
// when all is there.
func (o Options) write(ctx context.Context, f *folder, r *Result) error {
	m, routes, err := o.From.Snapshot(ctx, o.Environment, r.Snapshot)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(f.dir, unfinished)
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	// Only the owner may enter temp. What is below gets the modes that the umask
	// leaves, all of it, and keeps them when it has its name.
	whole := filepath.Join(temp, r.Snapshot)
	if err := os.Mkdir(whole, 0o777); err != nil {
		return err
	}
	w := newWriter(o, whole, m)
	if r.Previous != "" {
		w.before = f.snapshot(r.Previous)
	}
	if err := w.snapshot(ctx, m, routes); err != nil {
		return err
	}
	r.Written = w.written()
	if err := store.SyncFileSystem(whole); err != nil {
		return err
	}
	return os.Rename(whole, f.snapshot(r.Snapshot))
}

// configuration is what nginx needs to serve the export.
func (o Options) configuration() (map[string][]byte, error) {
	at := o.At
	if at == "" {
		var err error
		if at, err = filepath.Abs(o.Dir); err != nil {
			return nil, err
		}
	}
	return configuration(at, o.Hostname)
}

// configure writes the configuration, also for a snapshot that was there: another
// version of regsnap may have written it.
func configure(snapshot string, files map[string][]byte) error {
	dir := filepath.Join(snapshot, nginxFolder)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	for name, content := range files {
		if err := replaceFile(filepath.Join(dir, name), content); err != nil {
			return err
		}
	}
	return nil
}
