package serve

import (
	"bytes"
	"context"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strconv"
)

// representation is one form of the content of a file or archive.
type representation struct {
	size     int64
	tag      string
	encoding []string // of Content-Encoding; nil when it is the content itself
	// open streams length bytes from offset on. Of an encoded form only all of
	// it can be had.
	open func(ctx context.Context, offset, length int64) (io.ReadCloser, error)
}

// deliver sends a representation or the ranges of it that were asked for. The
// first byte is at hand before the status is sent, so that a failing store is
// an error and not half an answer.
func (h *Handler) deliver(x *exchange, rep representation) {
	x.head()
	header := x.Header()
	if rep.encoding == nil {
		header["Accept-Ranges"] = byteRanges
	}
	if modified := x.snapshot.modified; modified != "" {
		header["Last-Modified"] = []string{modified}
	}
	if x.settled(rep.tag) {
		return
	}
	if rep.encoding != nil {
		header["Content-Encoding"] = rep.encoding
	}
	ranges, err := rangesOf(x.r, rep)
	if err != nil {
		header["Content-Range"] = []string{"bytes */" + strconv.FormatInt(rep.size, 10)}
		x.fail(http.StatusRequestedRangeNotSatisfiable, err.Error())
		return
	}
	switch len(ranges) {
	case 0:
		h.deliverPart(x, rep, http.StatusOK, byteRange{0, rep.size})
	case 1:
		header["Content-Range"] = []string{ranges[0].contentRange(rep.size)}
		h.deliverPart(x, rep, http.StatusPartialContent, ranges[0])
	default:
		h.deliverMultipart(x, rep, ranges)
	}
}

// rangesOf gives the ranges to send, none for all of it.
func rangesOf(r *http.Request, rep representation) ([]byteRange, error) {
	// Ranges are defined for GET only (RFC 9110, section 14.2).
	if r.Method != http.MethodGet || rep.encoding != nil || !rangeApplies(r.Header, rep.tag) {
		return nil, nil
	}
	return parseRange(r.Header.Get("Range"), rep.size)
}

func (h *Handler) deliverPart(x *exchange, rep representation, status int, part byteRange) {
	x.Header()["Content-Length"] = []string{strconv.FormatInt(part.length, 10)}
	if x.r.Method == http.MethodHead || part.length == 0 {
		x.WriteHeader(status)
		return
	}
	body, err := rep.open(x.r.Context(), part.start, part.length)
	if err != nil {
		h.withdraw(x, err)
		return
	}
	defer body.Close()
	x.WriteHeader(status)
	if err := x.copyFrom(body, part.length); err != nil {
		h.cut(x, err)
	}
}

// withdraw takes back what deliver has said of the content.
func (h *Handler) withdraw(x *exchange, err error) {
	for _, name := range []string{"Content-Range", "Content-Length"} {
		delete(x.Header(), name)
	}
	h.storeFailed(x, err)
}

// cut ends a connection in the middle of an answer: that is all that can still
// be told to the client.
func (h *Handler) cut(x *exchange, err error) {
	x.err = err
	if !x.lost && x.r.Context().Err() == nil {
		h.o.Log.Error("an answer ended early", "env", x.env, "snapshot", x.snapshotID(), "path", x.r.URL.Path, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// deliverMultipart sends several ranges (RFC 9110, section 14.6).
func (h *Handler) deliverMultipart(x *exchange, rep representation, ranges []byteRange) {
	var frame bytes.Buffer
	parts := multipart.NewWriter(&frame)
	heads := make([][]byte, 0, len(ranges)+1)
	length := int64(0)
	take := func() {
		heads = append(heads, bytes.Clone(frame.Bytes()))
		length += int64(frame.Len())
		frame.Reset()
	}
	for _, r := range ranges {
		// The buffer takes everything: neither call can fail.
		_, _ = parts.CreatePart(textproto.MIMEHeader{
			"Content-Range": {r.contentRange(rep.size)}, "Content-Type": {x.answer.ContentType},
		})
		take()
		length += r.length
	}
	_ = parts.Close()
	take()

	ctx := x.r.Context()
	body, err := rep.open(ctx, ranges[0].start, ranges[0].length)
	if err != nil {
		h.withdraw(x, err)
		return
	}
	header := x.Header()
	header["Content-Type"] = []string{"multipart/byteranges; boundary=" + parts.Boundary()}
	header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	x.WriteHeader(http.StatusPartialContent)
	for i, r := range ranges {
		if i > 0 {
			body, err = rep.open(ctx, r.start, r.length)
		}
		if err == nil {
			_, err = x.Write(heads[i])
		}
		if err == nil {
			err = x.copyFrom(body, r.length)
		}
		if body != nil {
			_ = body.Close() // what was read is what counts
		}
		if err != nil {
			h.cut(x, err)
		}
	}
	if _, err := x.Write(heads[len(ranges)]); err != nil {
		h.cut(x, err)
	}
}
