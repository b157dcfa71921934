package layout_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"hash/crc32"
	"io"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestGzipMember puts header and trailer around deflate streams, and has Go's
// reader judge them.
func TestGzipMember(t *testing.T) {
	for _, content := range []string{"", "a", string(bytes.Repeat([]byte("registry "), 10_000))} {
		member := bytes.NewBufferString(layout.GzipHeader)
		w, err := flate.NewWriter(member, 6)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		deflated := int64(member.Len() - len(layout.GzipHeader))
		whole := layout.AppendGzipTrailer(member.Bytes(), crc32.ChecksumIEEE([]byte(content)), int64(len(content)))
		if int64(len(whole)) != deflated+layout.GzipOverhead {
			t.Errorf("%d bytes around %d, want %d more", len(whole), deflated, layout.GzipOverhead)
		}
		z, err := gzip.NewReader(bytes.NewReader(whole))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || string(got) != content {
			t.Errorf("%d bytes of content: read %d, %v", len(content), len(got), err)
		}
		if z.Name != "" || !z.ModTime.IsZero() || z.OS != 255 {
			t.Errorf("the header says %q, %v, OS %d", z.Name, z.ModTime, z.OS)
		}
	}
}
