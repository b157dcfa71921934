package check

import (
	"archive/zip"
	"bytes"
	"fmt"
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
		case have != e:
			return fmt.Sprintf("%s has %d bytes and CRC-32 %08x, not %d and %08x", shorten(name), have.size, have.crc, e.size, e.crc)
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
	size uint64
	crc  uint32
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
			out[f.Name] = entry{f.UncompressedSize64, f.CRC32}
		}
	}
	return out, nil
}
