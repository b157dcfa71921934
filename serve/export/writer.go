package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// writer writes the files of one snapshot. Each is compared with its digest
// before it has its name.
type writer struct {
	from     *publish.Bucket
	env, id  string // of the snapshot
	dir      string
	before   string        // the folder of the snapshot that was served before; "" if there is none
	link     bool          // whether files of the bucket may be linked to
	slots    chan struct{} // one for each object that may be read at once
	modified time.Time
	progress func(publish.Copied)

	made     sync.Map // folders that exist
	mu       sync.Mutex
	contents map[string]*content // by SHA-256
	n        Written
	done     publish.Copied
}

func newWriter(o Options, dir string, m *layout.Manifest) *writer {
	if o.Parallel <= 0 {
		o.Parallel = o.From.Parallel()
	}
	return &writer{
		from: o.From, env: m.Environment, id: m.ID(), dir: dir, link: !o.Copy, slots: make(chan struct{}, o.Parallel),
		modified: m.Time(), progress: o.Progress, contents: map[string]*content{},
	}
}

func (w *writer) written() Written {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.n
}

// count tells how far the export is.
func (w *writer) count(add func(*publish.Copied)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	add(&w.done)
	if w.progress != nil {
		w.progress(w.done)
	}
}

// each calls fn for 0 to n-1, some at once.
func (w *writer) each(ctx context.Context, n int, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(w.slots))
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(ctx, i)
		})
	}
	return g.Wait()
}

// bytes writes a content that was made or checked here.
func (w *writer) bytes(file string, content []byte) error {
	target, err := w.target(file)
	if err != nil {
		return err
	}
	return w.create(target, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
}

// also gives a file that was written a further name.
func (w *writer) also(file, of string) error {
	target, err := w.target(file)
	if err != nil {
		return err
	}
	same := filepath.Join(w.dir, filepath.FromSlash(of))
	if w.linkTo(same, target) {
		return nil
	}
	from, err := os.Open(same)
	if err != nil {
		return err
	}
	defer from.Close()
	return w.create(target, func(to io.Writer) error {
		_, err := io.Copy(to, from)
		return err
	})
}

// target is where a file goes, in a folder that exists. Names come from packages:
// one that leads out of the export is refused.
func (w *writer) target(file string) (string, error) {
	name := filepath.FromSlash(file)
	if !filepath.IsLocal(name) {
		return "", errors.Join(publish.ErrDamaged, &fs.PathError{Op: "export", Path: file, Err: fs.ErrInvalid})
	}
	target := filepath.Join(w.dir, name)
	folder := filepath.Dir(target)
	if _, ok := w.made.Load(folder); ok {
		return target, nil
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return "", err
	}
	w.made.Store(folder, true)
	return target, nil
}

// linkTo makes target another name of a file. Where that cannot be, because it is
// on another file system, has too many names already, or there are no links, it
// is written.
func (w *writer) linkTo(same, target string) bool {
	if same == "" || os.Link(same, target) != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n.Files++
	w.n.Linked++
	return true
}

// create writes a new file, which is as old as the snapshot: a web server that
// says when files were changed says the same on every machine.
func (w *writer) create(target string, fill func(to io.Writer) error) error {
	f, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	counted := &counter{w: f}
	if err := errors.Join(fill(counted), f.Close()); err != nil {
		return err
	}
	if !w.modified.IsZero() {
		if err := os.Chtimes(target, w.modified, w.modified); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.n.Files++
	w.n.Bytes += counted.n
	return nil
}

// counter counts what is written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
