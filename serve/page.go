package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// page answers with a page of the catalogue.
func (h *Handler) page(x *exchange) {
	ctx, a := x.r.Context(), &x.answer
	site, err := readList(ctx, h, a.Digest, layout.DecodeSite)
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	page, list, version := site.Find(a.Path)
	if list != "" {
		l, err := readList(ctx, h, list, layout.DecodeSiteList)
		if err != nil {
			h.storeFailed(x, err)
			return
		}
		page = l.Page(version)
	}
	x.Header()["Vary"] = varyByEncoding // all pages are stored encoded, feeds too
	if page == "" {
		x.Header()["Vary"] = []string{"Accept, Accept-Encoding"}
		if page = site.Missing(a.Path); page == "" || !forPeople(x.r.Header) {
			x.answer = answer.NoPage()
			h.direct(x)
			return
		}
		a.Status, a.ContentType, a.Cache = http.StatusNotFound, answer.PageHTML, layout.CacheError
	}
	header := x.Header()
	header["X-Content-Type-Options"] = []string{"nosniff"}
	if a.ContentType == answer.PageHTML {
		header["Content-Security-Policy"] = []string{answer.PagePolicy(site.Script, site.Style())}
		header["Referrer-Policy"] = []string{"no-referrer"}
	}
	h.sendPage(x, page)
}

// sendPage sends a page. It is stored gzip-encoded, but for those that edges read
// themselves.
func (h *Handler) sendPage(x *exchange, page layout.Digest) {
	x.head()
	tag, key := etag(string(page)), layout.PageKey(page)
	o, source, err := h.objects.get(x.r.Context(), key, h.readPage(key, namedBy(page)))
	switch {
	case err == nil && o.encoded && acceptsGzip(x.r.Header):
		tag = gzipped(tag)
		x.Header()["Content-Encoding"] = gzipEncoding
	case err == nil && o.encoded:
		o.body, err = inflate(o.body, 0)
	}
	x.source = source
	if err == nil {
		err = h.hold(x, o)
	}
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	if x.answer.Status == http.StatusOK && x.settled(tag) {
		return
	}
	x.send(x.answer.Status, o.body)
}

// readPage reads a page in the form that there is.
func (h *Handler) readPage(key string, check responseCheck) func(context.Context) (object, error) {
	return func(ctx context.Context) (object, error) {
		o, err := h.readBody(key+layout.GzipSuffix, check.encoded)(ctx)
		if err == nil && o.absent {
			return h.readDocument(key, check)(ctx)
		}
		o.encoded = true
		return o, err
	}
}

// inflate makes plain what was checked when it was read, and has about so many bytes.
func inflate(encoded []byte, size int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(encoded))
	if err != nil {
		return nil, err
	}
	plain := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err = plain.ReadFrom(z)
	return plain.Bytes(), err
}

// forPeople reports whether a client takes a page for people.
func forPeople(h http.Header) bool {
	return strings.Contains(strings.ToLower(strings.Join(h["Accept"], ",")), "text/html")
}

// readList reads a page that lists others.
func readList[T any](ctx context.Context, h *Handler, page layout.Digest, decode func([]byte) (*T, error)) (*T, error) {
	o, _, err := h.objects.get(ctx, "read/"+string(page), func(ctx context.Context) (object, error) {
		o, err := h.readDocument(layout.PageKey(page), namedBy(page))(ctx)
		if err != nil {
			return object{}, err
		}
		list, err := decode(o.body)
		if err != nil {
			return object{}, fmt.Errorf("%s: %w: %w", layout.PageKey(page), errDamaged, err)
		}
		return object{list: list, size: 2 * len(o.body)}, nil
	})
	if err != nil {
		return nil, err
	}
	return o.list.(*T), nil
}
