package serve

import (
	"bytes"
	"io"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// gzipSize is the length of the gzip-encoded form of a file.
func gzipSize(d *layout.Deflate) int64 { return layout.GzipOverhead + d.Size }

// envelope makes a gzip file of a raw deflate stream as an archive has it: what
// is compressed once serves both.
func envelope(deflate io.Reader, f *layout.ContentsFile) io.Reader {
	return io.MultiReader(strings.NewReader(layout.GzipHeader), deflate,
		bytes.NewReader(layout.AppendGzipTrailer(nil, f.Deflate.CRC32, f.Size)))
}
