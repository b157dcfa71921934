package serve

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/regsnap/regsnap/layout"
)

// gzipHeader is that of RFC 1952, section 2.3, without name and time, and with
// OS 255 for "unknown".
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// envelopeSize is what gzip adds to a deflate stream, in bytes.
const envelopeSize = int64(len(gzipHeader)) + 8

// gzipSize is the length of the gzip-encoded form of a file.
func gzipSize(d *layout.Deflate) int64 { return envelopeSize + d.Size }

// envelope makes a gzip file (RFC 1952) of a raw deflate stream as an archive
// has it: what is compressed once serves both.
func envelope(deflate io.Reader, f *layout.ContentsFile) io.Reader {
	trailer := binary.LittleEndian.AppendUint32(nil, f.Deflate.CRC32)
	trailer = binary.LittleEndian.AppendUint32(trailer, uint32(f.Size)) // modulo 2^32, as section 2.3.1 has it
	return io.MultiReader(bytes.NewReader([]byte(gzipHeader)), deflate, bytes.NewReader(trailer))
}
