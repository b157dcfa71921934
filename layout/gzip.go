package layout

import "encoding/binary"

// GzipHeader begins every gzip member that regsnap writes around a deflate
// stream (RFC 1952, section 2.3): no name, no time, and OS 255 for "unknown", so
// that nothing in it depends on the machine.
const GzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// GzipOverhead is what header and trailer add to a deflate stream, in bytes.
const GzipOverhead = int64(len(GzipHeader)) + 8

// AppendGzipTrailer appends what ends a gzip member (RFC 1952, section 2.3.1):
// the CRC-32 of its content, and its size modulo 2^32.
func AppendGzipTrailer(b []byte, crc32 uint32, size int64) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, crc32), uint32(size))
}
