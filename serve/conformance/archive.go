package conformance

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
)

// compareEntries reads an archive to the end, which checks it, and tells how
// its entries differ from those that were recorded; "" when they do not.
func compareEntries(body []byte, want []Entry) string {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err.Error()
	}
	for i, f := range z.File {
		got := Entry{f.Name, f.UncompressedSize64, fmt.Sprintf("%08x", f.CRC32)}
		if i >= len(want) || got != want[i] {
			return fmt.Sprintf("entry %d is %v, not %v", i+1, got, want[min(i, len(want)-1)])
		}
		r, err := f.Open()
		if err != nil {
			return fmt.Sprintf("%s: %v", f.Name, err)
		}
		_, err = io.Copy(io.Discard, r)
		_ = r.Close() // a reader: what matters was said by Copy
		if err != nil {
			return fmt.Sprintf("%s: %v", f.Name, err)
		}
	}
	if len(z.File) != len(want) {
		return fmt.Sprintf("%d entries", len(z.File))
	}
	return ""
}
