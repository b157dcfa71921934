package check

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
)

// maxKept is how much of a body is kept to look into, in bytes. Of the rest only
// length and digest are known, which is enough to tell that something differs.
const maxKept = 64 << 20

// answer is what one side said to a request.
type reply struct {
	status int
	header http.Header
	sent   content // the body as it came
	// plain is the body without its encoding: sent, if it has none.
	plain content
	// cut: the body goes on behind what was read of it.
	cut bool
}

// content is a body, or what is known of it.
type content struct {
	size int64
	sum  [sha256.Size]byte
	// kept is its beginning, all of it unless it is larger than maxKept.
	kept []byte
}

func (c content) whole() bool { return c.size == int64(len(c.kept)) }

func (c content) equal(o content) bool { return c.size == o.size && c.sum == o.sum }

// taker takes a body in.
type taker struct {
	hash hash.Hash
	c    content
}

func newTaker() *taker { return &taker{hash: sha256.New()} }

func (t *taker) Write(p []byte) (int, error) {
	t.hash.Write(p) // never fails
	t.c.size += int64(len(p))
	if room := maxKept - len(t.c.kept); room > 0 {
		t.c.kept = append(t.c.kept, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

func (t *taker) content() content {
	t.hash.Sum(t.c.sum[:0])
	return t.c
}

// errTooLong: a body goes on behind the bound.
var errTooLong = errors.New("the body is longer than it can be")

// take reads a body of at most limit bytes.
func take(r io.Reader, limit int64) (content, error) {
	t := newTaker()
	n, err := io.Copy(t, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = errTooLong
	}
	return t.content(), err
}

// decode sets plain. limit is for what the body decodes to, in bytes.
func (a *reply) decode(limit int64) error {
	switch encoding := a.header.Get("Content-Encoding"); {
	case encoding == "" || encoding == "identity" || a.sent.size == 0:
		a.plain = a.sent
		return nil
	case encoding != "gzip":
		return fmt.Errorf("Content-Encoding %q was not asked for", encoding)
	case !a.sent.whole():
		return errTooLong
	}
	z, err := gzip.NewReader(bytes.NewReader(a.sent.kept))
	if err == nil {
		a.plain, err = take(z, limit)
	}
	if err != nil && !errors.Is(err, errTooLong) {
		err = fmt.Errorf("the body is not what Content-Encoding gzip says: %w", err)
	}
	return err
}
