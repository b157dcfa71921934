package build

import (
	"hash/crc32"

	"github.com/regsnap/regsnap/layout"
)

// gzipEncode encodes content the same way on every machine.
func gzipEncode(content []byte) ([]byte, error) {
	deflated, err := deflate(content)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, int64(len(deflated))+layout.GzipOverhead)
	out = append(out, layout.GzipHeader...)
	out = append(out, deflated...)
	return layout.AppendGzipTrailer(out, crc32.ChecksumIEEE(content), int64(len(content))), nil
}
