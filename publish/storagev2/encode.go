package storagev2

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/regsnap/regsnap/layout"
)

// An index is one gzip member (RFC 1952): a header, whose extra field lists the
// segments, and one deflate stream (RFC 1951). In that the segments are sequences of
// blocks which refer to nothing before them and end at a byte, and the text between
// them is in blocks that are not compressed.

// encoded is a segment as it is in a file.
type encoded struct {
	row
	body []byte
}

// row is a segment in the table of the header.
type row struct {
	ID   segmentID
	Sum  [16]byte // the first half of the body's SHA-256
	Size uint32   // of the body, in bytes
	Text uint32   // the length of what the body says
	CRC  uint32   // of what the body says
}

const rowSize = 16 + 16 + 4 + 4 + 4

// Texts between segments.
const (
	opening   = `{"packages":[`
	separator = ","
	closing   = "]}\n"
)

// header is that of a gzip member with an extra field, without a time or a name.
var header = []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255}

// subfield marks the table in the extra field.
var subfield = [2]byte{'R', 'S'}

// maxExtra is how long an extra field can be, and what is in it.
const maxExtra = 1<<16 - 1

// pack encodes the text of a segment.
func pack(id segmentID, text []byte) (encoded, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		return encoded{}, err
	}
	if _, err = w.Write(text); err == nil {
		err = w.Flush() // ends at a byte
	}
	e := encoded{row{ID: id, CRC: crc32.ChecksumIEEE(text), Text: uint32(len(text)), Size: uint32(b.Len())}, b.Bytes()}
	e.Sum = sumOf(e.body)
	return e, err
}

func sumOf(body []byte) [16]byte {
	sum := sha256.Sum256(body)
	return [16]byte(sum[:16])
}

// join makes the file.
func join(list []encoded) []byte {
	size := len(header) + 2 + len(list)*(rowSize+6) + 64
	for _, e := range list {
		size += len(e.body)
	}
	out := append(make([]byte, 0, size), header...)
	extra := append([]byte{}, subfield[0], subfield[1], 0, 0)
	for _, e := range list {
		extra = append(append(extra, e.ID[:]...), e.Sum[:]...)
		extra = binary.LittleEndian.AppendUint32(extra, e.Size)
		extra = binary.LittleEndian.AppendUint32(extra, e.Text)
		extra = binary.LittleEndian.AppendUint32(extra, e.CRC)
	}
	binary.LittleEndian.PutUint16(extra[2:], uint16(len(extra)-4))
	out = binary.LittleEndian.AppendUint16(out, uint16(len(extra)))
	out = append(out, extra...)
	var crc, length uint32
	plain := func(text string, last byte) {
		out = append(out, last)
		out = binary.LittleEndian.AppendUint16(out, uint16(len(text)))
		out = binary.LittleEndian.AppendUint16(out, ^uint16(len(text)))
		out = append(out, text...)
		crc = crc32.Update(crc, crc32.IEEETable, []byte(text))
		length += uint32(len(text))
	}
	plain(opening, 0)
	for i, e := range list {
		if i > 0 {
			plain(separator, 0)
		}
		out = append(out, e.body...)
		crc = combined(crc, e.CRC, e.Text)
		length += e.Text
	}
	plain(closing, 1)
	return layout.AppendGzipTrailer(out, crc, int64(length))
}

var errTable = errors.New("not an index that regsnap has written")

// split finds the segments in a file. Their bodies have the sums of the table.
func split(file []byte) ([]encoded, error) {
	if len(file) < len(header)+6 || !bytes.Equal(file[:len(header)], header) {
		return nil, errTable
	}
	rest := file[len(header):]
	extra, rest := rest[2:], rest[2:]
	if n := int(binary.LittleEndian.Uint16(file[len(header):])); n > len(rest) || n < 4 {
		return nil, errTable
	} else {
		extra, rest = extra[:n], rest[n:]
	}
	if [2]byte(extra) != subfield || int(binary.LittleEndian.Uint16(extra[2:])) != len(extra)-4 || (len(extra)-4)%rowSize != 0 {
		return nil, errTable
	}
	var out []encoded
	between := 5 + len(opening)
	for extra = extra[4:]; len(extra) > 0; extra = extra[rowSize:] {
		e := encoded{row: row{
			ID: segmentID(extra), Sum: [16]byte(extra[16:]), Size: binary.LittleEndian.Uint32(extra[32:]),
			Text: binary.LittleEndian.Uint32(extra[36:]), CRC: binary.LittleEndian.Uint32(extra[40:]),
		}}
		if uint64(len(rest)) < uint64(between)+uint64(e.Size) {
			return nil, fmt.Errorf("%w: it is cut short", errTable)
		}
		e.body, rest = rest[between:][:e.Size], rest[between+int(e.Size):]
		if sumOf(e.body) != e.Sum {
			return nil, fmt.Errorf("%w: a segment is damaged", errTable)
		}
		out = append(out, e)
		between = 5 + len(separator)
	}
	return out, nil
}

// combined is the CRC-32 of two texts, one after the other, of which the second has
// length bytes. A CRC is a polynomial modulo another: the first one's is moved up by
// as many places as the second text has bits.
func combined(first, second, length uint32) uint32 {
	// x is x^8, then its squares: moves by 1, 2, 4, … bytes. The highest bit is x^0.
	for x := uint32(1) << (31 - 8); length > 0; length >>= 1 {
		if length&1 != 0 {
			first = product(first, x)
		}
		x = product(x, x)
	}
	return first ^ second
}

// product multiplies polynomials modulo that of CRC-32.
func product(a, b uint32) (p uint32) {
	for ; a != 0; a <<= 1 {
		if a&(1<<31) != 0 {
			p ^= b
		}
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return p
}
