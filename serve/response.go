package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// response answers with a rendered response: a search, categories, or a
// package document.
func (h *Handler) response(x *exchange) {
	x.head()
	tag := etag(string(x.answer.Digest))
	encoded := acceptsGzip(x.r.Header)
	if h.known(x, tag, encoded) {
		return
	}
	o, encoded, err := h.responseBody(x, encoded)
	if err == nil {
		err = h.hold(x, o)
	}
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	if encoded {
		tag = gzipped(tag)
		x.Header()["Content-Encoding"] = gzipEncoding
	}
	if x.settled(tag) {
		return
	}
	x.send(x.answer.Status, o.body)
}

// known answers 304 without looking for the body, when the client shows the
// validator of the form that it would get. It has that from a registry of the
// same content, so there is such a form. "*" says nothing of the kind.
func (h *Handler) known(x *exchange, tag string, encoded bool) bool {
	if encoded {
		tag = gzipped(tag)
	}
	if precondition(x.r.Header, tag, "") != http.StatusNotModified || slices.Contains(x.r.Header["If-None-Match"], "*") {
		return false
	}
	return x.settled(tag)
}

// responseBody finds the bytes of a response, gzip-encoded if that was asked
// for and there is such a variant.
func (h *Handler) responseBody(x *exchange, encoded bool) (object, bool, error) {
	ctx, key := x.r.Context(), layout.ResponseKey(x.answer.Digest)
	check := h.responseCheck(x)
	if encoded {
		o, from, err := h.encodedBody(ctx, key, check)
		if err == nil && !o.absent {
			x.source = from
			return o, true, nil
		}
		// A variant that cannot be read is no reason to fail: the other form may
		// well be in memory.
		if errors.Is(err, errDamaged) {
			h.o.Log.Warn("a response is sent as it is, because its encoded form is damaged", "env", x.env, "snapshot", x.snapshotID(), "error", err)
		}
	}
	if x.answer.Kind == answer.Document {
		o, from, err := h.objects.get(ctx, key, h.readDocument(key, check))
		x.source = from
		return o, false, err
	}
	o, from, err := h.objects.get(ctx, key, h.readPlain(x, key, check))
	if err != nil || !o.absent {
		x.source = from
		return o, false, err
	}
	o, err = h.assembled(x)
	return o, false, err
}

// encodedBody is the gzip-encoded form of a response, which may be absent.
func (h *Handler) encodedBody(ctx context.Context, key string, check responseCheck) (object, source, error) {
	return h.objects.get(ctx, key+layout.GzipSuffix, h.readBody(key+layout.GzipSuffix, check.encoded))
}

// readPlain reads the answer to a query as it is, which may be absent. One that has an
// encoded form is seldom kept otherwise, so that is looked for first, and inflated.
func (h *Handler) readPlain(x *exchange, key string, check responseCheck) func(context.Context) (object, error) {
	s, u := x.snapshot, *x.u
	return func(ctx context.Context) (object, error) {
		a := s.explain(&u)
		size := int64(len(a.Body))
		if a.Kind == answer.Search {
			size = int64(s.table.SearchSize(a.Selection))
		}
		if size < layout.MinGzip {
			return h.readBody(key, check)(ctx)
		}
		encoded, _, damaged := h.encodedBody(ctx, key, check)
		if damaged == nil && !encoded.absent {
			return h.inflated(ctx, encoded, size)
		}
		o, err := h.readBody(key, check)(ctx)
		if err == nil && o.absent {
			err = damaged
		}
		return o, err
	}
}

// inflated makes a response plain that was checked when it was read.
func (h *Handler) inflated(ctx context.Context, encoded object, size int64) (object, error) {
	weight := min(size, h.o.CacheBytes)
	if err := h.assembling.Acquire(ctx, weight); err != nil {
		return object{}, err
	}
	defer h.assembling.Release(weight)
	body, err := inflate(encoded.body, size)
	return bodyObject(body), err
}

// readBody reads an object that may be absent.
func (h *Handler) readBody(key string, check responseCheck) func(context.Context) (object, error) {
	read := h.readDocument(key, check)
	return func(ctx context.Context) (object, error) {
		o, err := read(ctx)
		if errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errDamaged) {
			return object{absent: true}, nil
		}
		return o, err
	}
}

// readDocument reads an object that must be there, and checks it.
func (h *Handler) readDocument(key string, check responseCheck) func(context.Context) (object, error) {
	return func(ctx context.Context) (object, error) {
		body, err := h.store.Read(ctx, key)
		if err != nil {
			return object{}, err
		}
		if err := check(ctx, bytes.NewReader(body)); err != nil {
			return object{}, fmt.Errorf("%s: %w: %w", key, errDamaged, err)
		}
		return bodyObject(body), nil
	}
}

// storeFailed answers for a bucket that does not.
func (h *Handler) storeFailed(x *exchange, err error) {
	x.err = err
	if errors.Is(x.r.Context().Err(), context.Canceled) {
		x.status = statusClientGone
		panic(http.ErrAbortHandler)
	}
	if errors.Is(err, errBusy) {
		x.unavailable("too many answers are on their way to slow clients", busyRetry)
		return
	}
	h.o.Log.Error("cannot answer from the bucket", "env", x.env, "snapshot", x.snapshotID(), "path", x.r.URL.Path, "error", err)
	x.fail(http.StatusBadGateway, "the object store of this registry does not answer")
}

// busyRetry is when to ask again after errBusy.
const busyRetry = 5 * time.Second

// statusClientGone is for log and metrics only: nobody is left to be told.
// It is nginx's number for it.
const statusClientGone = 499
