package build

import (
	"encoding/binary"
	"hash/crc32"
)

// gzipHeader has no name, no time and no operating system: RFC 1952, section
// 2.3, with OS 255 for "unknown". Nothing in it depends on the machine.
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// gzipEncode encodes content the same way on every machine.
func gzipEncode(content []byte) ([]byte, error) {
	deflated, err := deflate(content)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(gzipHeader)+len(deflated)+8)
	out = append(out, gzipHeader...)
	out = append(out, deflated...)
	out = binary.LittleEndian.AppendUint32(out, crc32.ChecksumIEEE(content))
	return binary.LittleEndian.AppendUint32(out, uint32(len(content))), nil
}
