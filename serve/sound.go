package serve

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// A store may give less, more or other bytes than were put into it: a proxy that
// ends a connection early, a disk that rots, a bucket that was written to by hand.
// Nothing of it is sent as a whole answer, or kept. What is small is checked
// before the first byte is sent. What is streamed is checked on its way, and its
// end is held back until all of it has passed: the client then gets less than
// Content-Length says, and knows.

// errDamaged: an object is not what its name or list says.
var errDamaged = errors.New("the object is damaged")

// check is shown content as it passes.
type check interface {
	io.Writer
	// end reports whether all that was written is what it is to be.
	end() error
	// abandon ends a check whose content does not come to its end.
	abandon()
}

// sound reads the left bytes of a stream, and the last of them only if they pass.
type sound struct {
	io.ReadCloser
	key   string
	left  int64
	check check
}

func (s *sound) Read(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.ReadCloser.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if _, err := s.check.Write(p[:n]); err != nil {
		return 0, fmt.Errorf("%s: %w: %w", s.key, errDamaged, err)
	}
	switch {
	case s.left > 0 && errors.Is(err, io.EOF):
		return n, fmt.Errorf("%s: %w: %d bytes are missing", s.key, errDamaged, s.left)
	case s.left > 0:
		return n, err
	}
	if err := s.check.end(); err != nil {
		return 0, fmt.Errorf("%s: %w: %w", s.key, errDamaged, err)
	}
	return n, nil
}

func (s *sound) Close() error {
	s.check.abandon()
	return s.ReadCloser.Close()
}

// unchecked is for a part of a content, of which no digest is known.
type unchecked struct{}

func (unchecked) Write(p []byte) (int, error) { return len(p), nil }
func (unchecked) end() error                  { return nil }
func (unchecked) abandon()                    {}

// digestCheck compares the SHA-256 of what passes.
type digestCheck struct {
	hash.Hash
	want string
}

func newDigestCheck(want string) digestCheck { return digestCheck{sha256.New(), want} }

func (c digestCheck) end() error {
	if got := hex.EncodeToString(c.Sum(nil)); got != c.want {
		return fmt.Errorf("its SHA-256 is %s, want %s", got, c.want)
	}
	return nil
}

func (digestCheck) abandon() {}

// deflateCheck inflates what passes, and compares the SHA-256 of that.
type deflateCheck struct {
	*io.PipeWriter
	done chan error
}

func newDeflateCheck(f *layout.ContentsFile) deflateCheck {
	r, w := io.Pipe()
	c := deflateCheck{w, make(chan error, 1)}
	go func() {
		err := checkDeflated(r, f)
		r.CloseWithError(err) // nil: a write after the end fails as well
		c.done <- err
	}()
	return c
}

func checkDeflated(r io.Reader, f *layout.ContentsFile) error {
	in, sum := bufio.NewReader(r), newDigestCheck(f.SHA256)
	// One byte more than it may have is enough to see that it has more.
	if _, err := io.Copy(sum, io.LimitReader(flate.NewReader(in), f.Size+1)); err != nil {
		return err
	}
	if err := sum.end(); err != nil {
		return err
	}
	return atEnd(in)
}

func (c deflateCheck) end() error {
	c.Close()
	return <-c.done
}

func (c deflateCheck) abandon() { c.CloseWithError(errors.New("it does not come to its end")) }

// atEnd reports whether nothing follows.
func atEnd(r io.ByteReader) error {
	switch _, err := r.ReadByte(); {
	case err == nil:
		return errors.New("it goes on after its end")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// begun reads the first piece of a stream, so that a store that fails there, or
// an object that is damaged there, is an error and not half an answer.
func begun(r io.ReadCloser, length int64) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(r, int(min(length, writePiece)))
	if _, err := b.Peek(b.Size()); err != nil && !(errors.Is(err, io.EOF) && int64(b.Buffered()) == length) {
		return nil, errors.Join(err, r.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{b, r}, nil
}

// responseCheck reports whether what it reads is the body of a response.
type responseCheck func(ctx context.Context, body io.Reader) error

// namedBy is the check of a body that is named by its bytes.
func namedBy(digest layout.Digest) responseCheck {
	return func(_ context.Context, body io.Reader) error {
		sum := sha256.New()
		if _, err := io.Copy(sum, body); err != nil {
			return err
		}
		if got := layout.Digest(hex.EncodeToString(sum.Sum(nil))[:layout.DigestLen]); got != digest {
			return fmt.Errorf("its digest is %s", got)
		}
		return nil
	}
}

// responseCheck gives the check of an answer's body. Documents and categories are
// named by their bytes. Searches are named by their entries; one whose entries
// are cut is compared with what putting it together gives.
func (h *Handler) responseCheck(x *exchange) responseCheck {
	s, a := x.snapshot, x.answer
	if a.Kind != answer.Search {
		return namedBy(a.Digest)
	}
	u := *x.u
	return func(ctx context.Context, body io.Reader) error {
		if found := s.explain(&u).Selection; len(found.Kept) == 0 {
			return s.table.CheckSearch(found, body)
		}
		want, _, err := h.assembledObject(ctx, s, &u, a.Digest)
		if err != nil {
			return err
		}
		got, err := io.ReadAll(io.LimitReader(body, int64(len(want.body))+1))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want.body) {
			return errors.New("it is not what its entries give")
		}
		return nil
	}
}

// encoded is the check of the gzip-encoded form.
func (c responseCheck) encoded(ctx context.Context, body io.Reader) error {
	r, err := gzip.NewReader(body)
	if err != nil {
		return err
	}
	return c(ctx, r)
}
