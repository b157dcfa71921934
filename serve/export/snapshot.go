package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
)

// snapshot writes all files of a snapshot.
func (w *writer) snapshot(ctx context.Context, m *layout.Manifest, routes *layout.Routes) error {
	w.count(func(n *publish.Copied) { n.Total = len(m.Packages) + len(m.Responses) })
	if err := w.object(ctx, layout.RoutesKey(m.Environment, m.ID()), routesName, m.Routes); err != nil {
		return err
	}
	if err := w.bytes(manifestName, m.Encode()); err != nil {
		return err
	}
	responses := make(map[layout.Digest]layout.ManifestResponse, len(m.Responses))
	for _, r := range m.Responses {
		responses[r.Digest] = r
	}
	err := w.each(ctx, len(m.Responses), func(ctx context.Context, i int) error { return w.response(ctx, m.Responses[i]) })
	if err != nil {
		return err
	}
	err = w.each(ctx, len(m.Packages), func(ctx context.Context, i int) error {
		p := m.Packages[i]
		if err := w.revision(ctx, p); err != nil {
			return err
		}
		defer w.count(func(n *publish.Copied) { n.Units++ })
		return w.document(p, responses[p.Document])
	})
	if err != nil {
		return err
	}
	return w.pages(routes)
}

// response writes a response and its encoded form.
func (w *writer) response(ctx context.Context, r layout.ManifestResponse) error {
	defer w.count(func(n *publish.Copied) { n.Units++ })
	key := r.Object(layout.CacheContent).Key
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	if !r.EncodedOnly {
		if err := w.object(ctx, key, fileOf(key), want); err != nil {
			return err
		}
	}
	if r.Gzip == 0 {
		return nil
	}
	encoded := key + layout.GzipSuffix
	target, err := w.target(fileOf(encoded))
	if err != nil {
		return err
	}
	err = w.place(ctx, fileOf(encoded), target, w.encoded(ctx, encoded, r.Gzip, want))
	if err != nil || !r.EncodedOnly || !r.Page && r.Size >= largestPlain {
		return err
	}
	return w.inflated(ctx, key, r.Gzip, want)
}

// largestPlain is the size in bytes from which a search is written gzip-encoded only, and put
// together for clients that want it plain. All of them would be several times the rest.
const largestPlain = 256 << 10

// inflated writes a page or a search plain beside its encoded form: nginx's script cannot
// inflate.
func (w *writer) inflated(ctx context.Context, key string, size int64, want layout.ObjectDigest) error {
	o := w.plain(ctx, key, want)
	o.fetch = func(to io.Writer) error {
		var encoded bytes.Buffer
		if err := w.from.FetchEncoded(ctx, key+layout.GzipSuffix, &encoded, size, want); err != nil {
			return err
		}
		z, err := gzip.NewReader(&encoded)
		if err != nil {
			return err
		}
		_, err = io.Copy(to, z)
		return err
	}
	return w.original(ctx, fileOf(key), want.SHA256, o)
}

// revision writes the archive and the files of a package version.
func (w *writer) revision(ctx context.Context, p layout.ManifestPackage) error {
	rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
	var body []byte
	var list *layout.Contents
	err := w.reading(ctx, func() (err error) {
		body, list, err = w.from.Contents(ctx, rev, p.Contents)
		return w.explained(ctx, err)
	})
	if err != nil {
		return err
	}
	key := rev.ContentsKey()
	if err := w.object(ctx, key, fileOf(key), layout.ObjectDigest{Size: int64(len(body)), SHA256: p.Contents}); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(w.slots))
	put := func(key string, want layout.ObjectDigest) {
		g.Go(func() error { return w.object(ctx, key, fileOf(key), want) })
	}
	put(rev.ArchiveKey(), list.Archive)
	if list.Signature != nil {
		put(rev.SignatureKey(), *list.Signature)
	}
	for i := range list.Files {
		g.Go(func() error { return w.file(ctx, rev, list, &list.Files[i]) })
	}
	return g.Wait()
}

// document puts the document of a package version beside its files.
func (w *writer) document(p layout.ManifestPackage, r layout.ManifestResponse) error {
	file, data := documentFile(p.Name, p.Version), fileOf(layout.ResponseKey(p.Document))
	for _, key := range r.Keys() {
		suffix := key[len(layout.ResponseKey(r.Digest)):]
		if err := w.also(file+suffix, data+suffix); err != nil {
			return err
		}
	}
	return nil
}

// pages writes the answers to requests without parameters, for web servers that
// know no others.
func (w *writer) pages(routes *layout.Routes) error {
	t, err := answer.NewTable(routes)
	if err != nil {
		return err
	}
	for _, path := range []string{"/index.json", "/health", "/favicon.ico", "/search", "/categories"} {
		a := t.Answer(http.MethodGet, &url.URL{Path: path})
		body := a.Body
		if a.Kind == answer.Search {
			if body, err = w.search(t, a.Selection); err != nil {
				return err
			}
		}
		if err := w.bytes(treeFolder+path, body); err != nil {
			return err
		}
	}
	return nil
}

// search puts the response of a search together from the catalog, which was
// written: it may not be rendered.
func (w *writer) search(t *answer.Table, s answer.Selection) ([]byte, error) {
	parts := make([][]byte, len(t.Catalog))
	for _, i := range t.Parts(s.Rows) {
		key := layout.PartKey(t.Catalog[i].Digest)
		part, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(fileOf(key))))
		if err == nil && len(part) != t.PartSize(i) {
			err = fmt.Errorf("%s: %w: it has %d bytes, the routes say %d", key, publish.ErrDamaged, len(part), t.PartSize(i))
		}
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	return t.Assemble(s, func(dst []byte, row int) ([]byte, error) {
		place, i, rows := t.Block(row)
		return answer.Block(parts[place.Part][place.Offset:][:place.Size]).Append(dst, i, rows)
	})
}
