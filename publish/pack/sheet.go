package pack

import (
	"encoding/binary"
	"fmt"
	"math"
)

// sheet says how the objects of a package revision are put together.
type sheet struct {
	contents  []byte // contents.json as it is
	archive   string // the last element of the archive's key
	signature []byte // nil when there is none
	blobs     []ref
	// literals are the bytes of the archive that are in no blob, one run after
	// the other; parts say how they and blobs follow each other, and what is
	// left of them comes last.
	literals []byte
	parts    []archivePart
	files    []sheetFile // sorted by tail
}

// ref names a blob: its row in the table of the same pack, or its id if it is in
// another.
type ref struct {
	row  int // -1: in any pack
	id   id
	size uint32 // bytes
}

// archivePart is some literal bytes and then a blob.
type archivePart struct {
	literal int
	blob    int // in sheet.blobs
}

// sheetFile is a file of a package.
type sheetFile struct {
	tail    string // of its key, behind "files/"
	blob    int    // in sheet.blobs; -1 for an empty file
	deflate bool   // the blob is to be inflated
	size    int64  // of the file, in bytes
}

func (s *sheet) encode() []byte {
	var b []byte
	number := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }
	bytes := func(p []byte) {
		number(len(p))
		b = append(b, p...)
	}
	bytes(s.contents)
	bytes([]byte(s.archive))
	if s.signature == nil {
		number(0)
	} else {
		number(1)
		bytes(s.signature)
	}
	number(len(s.blobs))
	for _, r := range s.blobs {
		number(r.row + 1)
		if r.row < 0 {
			b = append(b, r.id[:]...)
		}
		number(int(r.size))
	}
	bytes(s.literals)
	number(len(s.parts))
	for _, p := range s.parts {
		number(p.literal)
		number(p.blob)
	}
	number(len(s.files))
	for _, f := range s.files {
		bytes([]byte(f.tail))
		form := 0
		if f.deflate {
			form = 1
		}
		number((f.blob+1)<<1 | form)
		number(int(f.size))
	}
	return b
}

// errSheet: a sheet does not say what it should.
var errSheet = fmt.Errorf("%w: a sheet cannot be read", errDamaged)

// cursor reads a sheet. After the first fault it gives nothing any more.
type cursor struct {
	b      []byte
	failed bool
}

func (c *cursor) number(most int) int {
	n, size := binary.Uvarint(c.b)
	if size <= 0 || most < 0 || n > uint64(most) {
		c.failed, c.b = true, nil
		return 0
	}
	c.b = c.b[size:]
	return int(n)
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.failed, c.b = true, nil
		return nil
	}
	p := c.b[:n:n]
	c.b = c.b[n:]
	return p
}

func (c *cursor) bytes() []byte { return c.take(c.number(len(c.b))) }

// decodeSheet reads what encode wrote; what it gives shares the memory of b.
func decodeSheet(b []byte) (*sheet, error) {
	c := &cursor{b: b}
	s := &sheet{contents: c.bytes(), archive: string(c.bytes())}
	if c.number(1) == 1 {
		s.signature = c.bytes()
	}
	s.blobs = make([]ref, c.number(len(c.b)))
	for i := range s.blobs {
		r := &s.blobs[i]
		if r.row = c.number(math.MaxUint32) - 1; r.row < 0 {
			copy(r.id[:], c.take(keySize))
		}
		r.size = uint32(c.number(math.MaxUint32))
	}
	s.literals = c.bytes()
	s.parts = make([]archivePart, c.number(len(c.b)))
	left := len(s.literals)
	for i := range s.parts {
		s.parts[i] = archivePart{c.number(left), c.number(len(s.blobs) - 1)}
		left -= s.parts[i].literal
	}
	s.files = make([]sheetFile, c.number(len(c.b)))
	for i := range s.files {
		f := &s.files[i]
		f.tail = string(c.bytes())
		form := c.number(2*len(s.blobs) + 1)
		f.blob, f.deflate = form>>1-1, form&1 == 1
		f.size = int64(c.number(math.MaxInt64))
	}
	if c.failed || len(c.b) > 0 {
		return nil, errSheet
	}
	return s, nil
}
