package pack

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// composition is the parts that an object is put together of.
type composition struct{ parts []part }

// form is what is to be done with the bytes of a span.
type form int

const (
	asIs     form = iota
	deflated      // inflate them (RFC 1951)
	gzipped       // the same, in a gzip envelope (RFC 1952)
)

// part is some bytes of an object: literal ones, or those of a span.
type part struct {
	literal []byte
	file    *file // nil: the part is literal
	span    span
	form    form
	size    int64 // of the part in the object, in bytes
}

func literal(b []byte) *composition {
	return &composition{[]part{{literal: b, size: int64(len(b))}}}
}

func (c *composition) size() int64 {
	n := int64(0)
	for _, p := range c.parts {
		n += p.size
	}
	return n
}

// open streams n bytes from an offset on. Both must lie within the object.
func (c *composition) open(offset, n int64) io.ReadCloser {
	parts := c.parts
	for len(parts) > 0 && offset >= parts[0].size {
		offset -= parts[0].size
		parts = parts[1:]
	}
	return &composed{parts: parts, skip: offset, left: n}
}

// composed reads parts one after the other.
type composed struct {
	parts []part
	skip  int64 // bytes of the first part
	left  int64
	now   io.Reader // the part that is being read; it ends where it should
}

func (c *composed) Read(p []byte) (int, error) {
	for {
		if c.now == nil {
			if c.left == 0 {
				return 0, io.EOF
			}
			next := c.parts[0]
			n := min(next.size-c.skip, c.left)
			r, err := next.open(c.skip, n)
			if err != nil {
				return 0, err
			}
			c.now = &exactly{r: r, left: n, part: next, toEnd: c.skip+n == next.size}
			c.parts, c.skip, c.left = c.parts[1:], 0, c.left-n
		}
		n, err := c.now.Read(p)
		if err == io.EOF {
			c.now, err = nil, nil
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

func (c *composed) Close() error { return nil }

// exactly reads a number of bytes of a part that is not literal. If fewer come,
// or more where the part should end, it is damaged.
type exactly struct {
	r     io.Reader
	left  int64
	part  part
	toEnd bool
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	if e.left -= int64(n); err == nil && e.left == 0 && e.toEnd {
		if err = e.end(); err != nil && err != io.EOF {
			n = 0 // see summed
		}
	}
	if err == io.EOF {
		if err = nil; e.left > 0 {
			err = fmt.Errorf("%d bytes are missing", e.left)
		}
	}
	return n, e.part.damaged(err)
}

// end makes sure that nothing more comes: only then was the CRC compared.
func (e *exactly) end() error {
	more, err := io.CopyN(io.Discard, e.r, 1)
	if more > 0 {
		return errors.New("more bytes than there should be")
	}
	return err
}

// damaged says where an error happened: literal bytes have none.
func (p part) damaged(err error) error {
	if err == nil || errors.Is(err, errDamaged) {
		return err
	}
	return fmt.Errorf("%s: %w: what lies at byte %d: %w", p.file.name, errDamaged, p.span.offset, err)
}

// open streams n bytes of a part from an offset on.
func (p part) open(offset, n int64) (io.Reader, error) {
	if p.file == nil {
		return bytes.NewReader(p.literal[offset:][:n]), nil
	}
	if p.form == asIs {
		return p.file.open(p.span, offset, n)
	}
	stored, err := p.file.open(p.span, 0, int64(p.span.size))
	if err != nil {
		return nil, err
	}
	plain := &inflating{stored: stored}
	if p.form == deflated {
		plain.r = flate.NewReader(stored)
	} else if plain.r, err = gzip.NewReader(stored); err != nil {
		return nil, p.damaged(err)
	}
	if _, err := io.CopyN(io.Discard, plain, offset); err != nil {
		return nil, p.damaged(fmt.Errorf("it inflates to fewer bytes than %d: %w", offset, err))
	}
	return plain, nil
}

// inflating inflates a span, and reads all of it, so that its CRC is compared.
type inflating struct {
	r      io.Reader
	stored io.Reader
}

func (i *inflating) Read(p []byte) (int, error) {
	n, err := i.r.Read(p)
	if err == io.EOF {
		if _, e := io.Copy(io.Discard, i.stored); e != nil {
			err = e
		}
	}
	return n, err
}

// gzipSize is what the end of a gzip file says of its size: RFC 1952, section
// 2.3.1, modulo 2^32. No response is that large.
func (f *file) gzipSize(s span) (int64, error) {
	if s.size < 18 { // header and trailer
		return 0, fmt.Errorf("%s: %w: a gzip file of %d bytes", f.name, errDamaged, s.size)
	}
	var end [4]byte
	if _, err := f.r.ReadAt(end[:], s.offset+int64(s.size)-4); err != nil {
		return 0, fmt.Errorf("%s: %w", f.name, err)
	}
	return int64(binary.LittleEndian.Uint32(end[:])), nil
}
