package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	dir      string
	before   string // the folder of the snapshot that was served before; "" if there is none
	link     bool   // whether files of the bucket may be linked to
	parallel int
	modified time.Time
	progress func(publish.Copied)

	made     sync.Map // folders that exist
	mu       sync.Mutex
	contents map[string]*content // by SHA-256
	n        Written
	done     publish.Copied
}

func newWriter(o Options, dir string, m *layout.Manifest) *writer {
	w := &writer{
		from: o.From, dir: dir, link: !o.Copy, parallel: o.Parallel, modified: m.Time(), progress: o.Progress, contents: map[string]*content{},
	}
	if w.parallel <= 0 {
		w.parallel = o.From.Parallel()
	}
	return w
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
	g.SetLimit(w.parallel)
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

// content is what one or more files hold. Who comes first places it; the others
// wait, and link to it.
type content struct {
	placed chan struct{}
	file   string // that holds it; "" if it could not be placed
}

// content gives the content with a SHA-256, and tells whether nobody else asked
// for it before.
func (w *writer) content(sum string) (c *content, first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c = w.contents[sum]
	if c == nil {
		c, first = &content{placed: make(chan struct{})}, true
		w.contents[sum] = c
	}
	return c, first
}

// object writes an object of the bucket whose digest is known, as a link to the
// same content where there is some on this machine.
func (w *writer) object(ctx context.Context, key, file string, want layout.ObjectDigest) error {
	target, err := w.target(file)
	if err != nil {
		return err
	}
	c, first := w.content(want.SHA256)
	if !first {
		<-c.placed
		if w.linkTo(c.file, target) {
			return nil
		}
		return w.place(ctx, key, file, target, want)
	}
	defer close(c.placed)
	if err := w.place(ctx, key, file, target, want); err != nil {
		return err
	}
	c.file = target
	return nil
}

// place links to a file of another export or of the bucket, or reads the bucket.
func (w *writer) place(ctx context.Context, key, file, target string, want layout.ObjectDigest) error {
	for _, same := range w.candidates(key, file) {
		if holds(same, want) && w.linkTo(same, target) {
			return nil
		}
	}
	return w.create(target, func(to io.Writer) error { return w.from.Fetch(ctx, key, to, want) })
}

// candidates are files that may hold the object.
func (w *writer) candidates(key, file string) []string {
	var out []string
	if local := w.from.File(key); local != "" && w.link {
		out = append(out, local)
	}
	if w.before != "" {
		out = append(out, filepath.Join(w.before, filepath.FromSlash(file)))
	}
	return out
}

// holds tells whether a file has the content.
func holds(name string, want layout.ObjectDigest) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() != want.Size {
		return false
	}
	h := sha256.New()
	_, err = io.Copy(h, f)
	return err == nil && hex.EncodeToString(h.Sum(nil)) == want.SHA256
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
