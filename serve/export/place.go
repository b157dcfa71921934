package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// original is an object of the bucket, and how to know it.
type original struct {
	key   string
	size  int64
	is    func(r io.Reader) bool // r has as many bytes
	fetch func(to io.Writer) error
}

// plain is an object whose digest is known.
func (w *writer) plain(ctx context.Context, key string, want layout.ObjectDigest) original {
	return original{key, want.Size,
		func(r io.Reader) bool {
			h := sha256.New()
			_, err := io.Copy(h, r)
			return err == nil && hex.EncodeToString(h.Sum(nil)) == want.SHA256
		},
		func(to io.Writer) error { return w.from.Fetch(ctx, key, to, want) },
	}
}

// encoded is the gzip-encoded form of a response.
func (w *writer) encoded(ctx context.Context, key string, size int64, plain layout.ObjectDigest) original {
	return original{key, size,
		func(r io.Reader) bool { return publish.CheckEncoded(key, r, size, plain) == nil },
		func(to io.Writer) error { return w.from.FetchEncoded(ctx, key, to, size, plain) },
	}
}

// content is what one or more files hold. Who comes first places it; the others
// wait, and link to it.
type content struct {
	placed chan struct{}
	file   string // that holds it; "" if it could not be placed
}

// content gives the content with a SHA-256, and reports whether nobody else asked
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
	return w.original(ctx, file, want.SHA256, w.plain(ctx, key, want))
}

// file writes a file of a package, which may be no object of the bucket.
func (w *writer) file(ctx context.Context, rev layout.Revision, list *layout.Contents, f *layout.ContentsFile) error {
	key := rev.FileKey(f.Path)
	o := w.plain(ctx, key, layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256})
	o.fetch = func(to io.Writer) error { return w.from.FetchFile(ctx, rev, list, f, to) }
	return w.original(ctx, fileOf(key), f.SHA256, o)
}

// original writes what has a SHA-256.
func (w *writer) original(ctx context.Context, file, sum string, o original) error {
	target, err := w.target(file)
	if err != nil {
		return err
	}
	c, first := w.content(sum)
	if !first {
		<-c.placed
		if w.linkTo(c.file, target) {
			return nil
		}
		return w.place(ctx, file, target, o)
	}
	defer close(c.placed)
	if err := w.place(ctx, file, target, o); err != nil {
		return err
	}
	c.file = target
	return nil
}

// place links to a file of another export or of the bucket, or reads the bucket.
func (w *writer) place(ctx context.Context, file, target string, o original) error {
	return w.reading(ctx, func() error {
		for _, same := range w.candidates(o.key, file) {
			if o.in(same) && w.linkTo(same, target) {
				return nil
			}
		}
		return w.create(target, func(to io.Writer) error { return w.explained(ctx, o.fetch(to)) })
	})
}

// reading calls fn, which reads one object, when there is a slot for it. No slot
// is held by who waits for another object.
func (w *writer) reading(ctx context.Context, fn func() error) error {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-w.slots }()
	return fn()
}

// explained says why it may be that an object is not in the bucket.
func (w *writer) explained(ctx context.Context, err error) error {
	return w.from.Explain(ctx, w.env, w.id, err)
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

// in reports whether a file holds the object. A symbolic link does not, wherever it
// leads: another name of it may lead elsewhere.
func (o original) in(name string) bool {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != o.size {
		return false
	}
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return o.is(f)
}
