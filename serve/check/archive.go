package check

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// compareArchives compares what is in two archives: another registry may have
// packed the same files otherwise. "" is no difference.
func compareArchives(got, want content) string {
	if !got.whole() || !want.whole() {
		if got.size == want.size {
			return ""
		}
		return "too long to look into"
	}
	g, err := entriesOf(got.kept)
	if err != nil {
		return err.Error()
	}
	w, err := entriesOf(want.kept)
	if err != nil {
		return "the bucket's: " + err.Error()
	}
	for _, name := range slices.Sorted(maps.Keys(w)) {
		have, ok := g[name]
		switch e := w[name]; {
		case !ok:
			return "lacks " + shorten(name)
		case have.times > 1:
			return fmt.Sprintf("has %s %d times", shorten(name), have.times)
		case have.size != e.size || have.crc != e.crc:
			return fmt.Sprintf("%s has %d bytes and CRC-32 %08x, not %d and %08x", shorten(name), have.size, have.crc, e.size, e.crc)
		}
		if err := readable(have.file); err != nil {
			return fmt.Sprintf("%s cannot be read: %v", shorten(name), err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if _, ok := w[name]; !ok {
			return "has " + shorten(name) + " too much"
		}
	}
	return ""
}

type entry struct {
	size  uint64
	crc   uint32
	times int
	file  *zip.File
}

// readable reads a file of an archive to its end. What the archive's directory says of
// it need not be so.
func readable(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, r)
	return errors.Join(err, r.Close())
}

// entriesOf lists an archive's files by name.
func entriesOf(body []byte) (map[string]entry, error) {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return nil, err
	}
	out := map[string]entry{}
	for _, f := range z.File {
		if !f.FileInfo().IsDir() {
			out[f.Name] = entry{f.UncompressedSize64, f.CRC32, out[f.Name].times + 1, f}
		}
	}
	return out, nil
}
