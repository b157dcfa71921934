package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// contents is the list of files of a package revision.
func (h *Handler) contents(x *exchange, rev layout.Revision) (*layout.Contents, error) {
	key := rev.ContentsKey()
	o, _, err := h.objects.get(x.r.Context(), key, func(ctx context.Context) (object, error) {
		body, err := h.store.Read(ctx, key)
		if err != nil {
			return object{}, err
		}
		c, err := layout.DecodeContents(body, rev)
		if err != nil {
			return object{}, fmt.Errorf("%s: %w", key, err)
		}
		// Read, the list takes about as much again as its text.
		return object{contents: c, size: 2 * len(body)}, nil
	})
	if err == nil {
		err = h.hold(x, o)
	}
	return o.contents, err
}

// file answers with a file of a package.
func (h *Handler) file(x *exchange) {
	a := &x.answer
	c, err := h.contents(x, a.Revision)
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	f := c.Find(a.Path)
	if f == nil {
		x.answer = answer.NoResource()
		h.direct(x)
		return
	}
	a.ContentType = f.Type
	if x.snapshot.table.Site != "" {
		// Pages for people link to files, which are of the same origin.
		header := x.Header()
		header["X-Content-Type-Options"] = []string{"nosniff"}
		header["Content-Security-Policy"] = []string{answer.FilePolicy}
	}
	if h.sendsGzip(x, f) {
		h.deliver(x, h.encodedFile(x, a.Revision, f))
		return
	}
	if !c.Own(f) {
		h.deliver(x, h.archivedFile(x, a.Revision, f))
		return
	}
	h.deliver(x, h.whole(x, a.Revision.FileKey(f.Path), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256}))
}

// sendsGzip chooses the form of a file. Who asks for a part gets it of the file
// itself: parts of the encoded form are of no use to clients.
func (h *Handler) sendsGzip(x *exchange, f *layout.ContentsFile) bool {
	return f.Deflate != nil && gzipSize(f.Deflate) < f.Size && layout.Compressible(f.Type) &&
		len(x.r.Header["Range"]) == 0 && acceptsGzip(x.r.Header)
}

// archive answers with the package as a zip archive. It is never encoded:
// Kibana takes Content-Length for the size of the archive.
func (h *Handler) archive(x *exchange) {
	rev := x.answer.Revision
	c, err := h.contents(x, rev)
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	h.deliver(x, h.whole(x, rev.ArchiveKey(), c.Archive))
}

// signature answers with the detached signature of an archive.
func (h *Handler) signature(x *exchange) {
	rev := x.answer.Revision
	c, err := h.contents(x, rev)
	if err == nil && c.Signature == nil {
		err = fmt.Errorf("%s: %w: it has no signature, the routes say that there is one", rev.ContentsKey(), errDamaged)
	}
	if err != nil {
		h.storeFailed(x, err)
		return
	}
	h.deliver(x, h.whole(x, rev.SignatureKey(), *c.Signature))
}

// whole is an object as it is: from memory if it is small, else streamed.
func (h *Handler) whole(x *exchange, key string, d layout.ObjectDigest) representation {
	rep := representation{size: d.Size, tag: fileTag(d.SHA256)}
	if d.Size > h.o.CacheObject {
		rep.open = func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			x.source = fromStream
			r, err := h.store.Open(ctx, key, offset, length)
			if err != nil {
				return nil, err
			}
			var c check = unchecked{}
			if length == d.Size {
				c = newDigestCheck(d.SHA256)
			}
			return begun(&sound{r, key, length, c}, length)
		}
		return rep
	}
	rep.open = h.inMemory(x, key, func(ctx context.Context) (object, error) {
		body, err := h.store.Read(ctx, key)
		if err != nil {
			return object{}, err
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != d.SHA256 {
			return object{}, fmt.Errorf("%s: %w: its SHA-256 is not %s", key, errDamaged, d.SHA256)
		}
		return bodyObject(body), nil
	})
	return rep
}

// archivedFile is a file that is no object: a part of the archive, which is
// inflated if need be. None is so large that it could not be kept in memory.
func (h *Handler) archivedFile(x *exchange, rev layout.Revision, f *layout.ContentsFile) representation {
	return representation{size: f.Size, tag: fileTag(f.SHA256), open: h.inMemory(x, "file/"+f.SHA256, func(ctx context.Context) (object, error) {
		done, err := h.store.load(ctx)
		if err != nil {
			return object{}, err
		}
		defer done()
		offset, size := f.Span()
		r, err := h.store.Open(ctx, rev.ArchiveKey(), offset, size)
		if err != nil {
			return object{}, err
		}
		span := make([]byte, size)
		_, err = io.ReadFull(r, span)
		if err = errors.Join(err, r.Close()); err != nil {
			return object{}, fmt.Errorf("%s: %w", rev.ArchiveKey(), err)
		}
		content, err := f.FromSpan(span)
		if err != nil {
			return object{}, fmt.Errorf("%s: %w: %w", rev.ArchiveKey(), errDamaged, err)
		}
		return bodyObject(content), nil
	})}
}

// encodedFile is the gzip-encoded form of a file, made of a part of the archive.
func (h *Handler) encodedFile(x *exchange, rev layout.Revision, f *layout.ContentsFile) representation {
	rep := representation{size: gzipSize(f.Deflate), tag: gzipped(fileTag(f.SHA256)), encoding: gzipEncoding}
	stream := func(ctx context.Context) (io.ReadCloser, error) {
		r, err := h.store.Open(ctx, rev.ArchiveKey(), f.Deflate.Offset, f.Deflate.Size)
		if err != nil {
			return nil, err
		}
		r = &sound{r, rev.FileKey(f.Path) + " in " + rev.ArchiveKey(), f.Deflate.Size, newDeflateCheck(f)}
		return enveloped{envelope(r, f), r}, nil
	}
	if rep.size > h.o.CacheObject {
		rep.open = func(ctx context.Context, _, _ int64) (io.ReadCloser, error) {
			x.source = fromStream
			r, err := stream(ctx)
			if err != nil {
				return nil, err
			}
			return begun(r, rep.size)
		}
		return rep
	}
	rep.open = h.inMemory(x, fmt.Sprintf("gzip/%s/%d", f.SHA256, rep.size), func(ctx context.Context) (object, error) {
		done, err := h.store.load(ctx)
		if err != nil {
			return object{}, err
		}
		defer done()
		r, err := stream(ctx)
		if err != nil {
			return object{}, err
		}
		body := make([]byte, rep.size)
		_, err = io.ReadFull(r, body)
		return bodyObject(body), errors.Join(err, r.Close())
	})
	return rep
}

// enveloped closes what is within the envelope.
type enveloped struct {
	io.Reader
	io.Closer
}

// inMemory opens parts of an object that memory keeps.
func (h *Handler) inMemory(x *exchange, key string, load func(context.Context) (object, error)) func(context.Context, int64, int64) (io.ReadCloser, error) {
	return func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
		o, from, err := h.objects.get(ctx, key, load)
		if err == nil {
			err = h.hold(x, o)
		}
		if err != nil {
			return nil, err
		}
		if int64(len(o.body)) < offset+length {
			return nil, fmt.Errorf("%s: %w: it has %d bytes", key, errDamaged, len(o.body))
		}
		x.source = from
		part := o.body[offset : offset+length]
		return memory{bytes.NewReader(part), part}, nil
	}
}

// memory reads what is in memory, or lets it be had at once.
type memory struct {
	*bytes.Reader
	part []byte
}

func (memory) Close() error { return nil }
