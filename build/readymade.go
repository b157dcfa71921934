package build

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// inflatedBytes bounds the files of one ready-made archive that are in memory on
// their way to the store, unless one alone is longer.
const inflatedBytes = 8 << 20

// writeReadyMade serves an archive of the source as it is, byte for byte, and
// those of its files that are objects, which are inflated only as the store takes
// them.
func (w *revisionWriter) writeReadyMade(ctx context.Context, rev layout.Revision, l *parse.Loaded) (*layout.Contents, error) {
	signature, err := w.sourceSignature(ctx, l.Entry)
	if err != nil {
		return nil, err
	}
	var c *layout.Contents
	var shown []catalog.File
	window := max(l.Largest, inflatedBytes)
	found, err := w.loader.UseArchive(ctx, l.Entry, window, func(a *parse.Archive) (err error) {
		g := w.put.group(ctx)
		if c, err = w.begin(g, rev, a.Bytes(), signature, len(a.Files())); err == nil {
			shown, err = w.putFiles(g, rev, a, c, semaphore.NewWeighted(window))
		}
		// Nothing may be on its way when the archive goes.
		return errors.Join(err, g.wait())
	})
	if err == nil && len(found.Errors) > 0 {
		err = fmt.Errorf("%s", found.Errors[0])
	}
	if err != nil {
		return nil, err
	}
	c.Sort()
	return c, w.pages.render(ctx, rev, c, shown)
}

// putFiles puts the files of an archive side by side, as many as the window has
// room for. It returns them, with the content of those that a page shows.
func (w *revisionWriter) putFiles(g *putGroup, rev layout.Revision, a *parse.Archive, c *layout.Contents, window *semaphore.Weighted) (shown []catalog.File, err error) {
	for i, f := range a.Files() {
		if window.Acquire(g.ctx, f.Size) != nil {
			return nil, nil // the group knows why
		}
		raw, err := a.Read(f.Path)
		if err != nil {
			return nil, err
		}
		c.Files[i] = contentsFile(f.Path, raw, sha256Hex(raw))
		page := catalog.File{Path: f.Path, Size: f.Size, SHA256: c.Files[i].SHA256}
		if w.pages.wanted[rev] && catalog.Reads(f.Path) {
			page.Content = raw
		}
		shown = append(shown, page)
		offset, size, sum, deflated := a.Span(f.Path)
		c.Files[i].Place(layout.Deflate{Offset: offset, Size: size, CRC32: sum}, deflated)
		if !c.Own(&c.Files[i]) {
			window.Release(f.Size)
			continue
		}
		g.putThen(rev.File(c.Files[i]).With(raw), func() { window.Release(f.Size) })
	}
	return shown, nil
}

// sourceSignature is the signature that stands beside an archive; nil if none does.
func (w *revisionWriter) sourceSignature(ctx context.Context, e index.Entry) (signature []byte, err error) {
	if e.Signature.IsZero() {
		return nil, nil
	}
	err = w.loader.Source.Read(ctx, []index.ID{e.Signature}, func(_ index.ID, content []byte) error {
		signature = append([]byte{}, content...)
		return nil
	})
	return signature, err
}
