package layout

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestPlace: which files are objects, as docs/bucket.md says it.
func TestPlace(t *testing.T) {
	for _, c := range []struct {
		path, kind string
		size, span int64
		own        bool
	}{
		{"manifest.yml", "text/yaml", 100, 50, true},
		{"changelog.yml", "text/yaml", 100, 50, true},
		{"LICENSE.txt", "text/plain", 100, 50, true},
		{"docs/README.md", "text/markdown", 100, 50, true},
		{"docs/knowledge_base/a.md", "text/markdown", 100, 50, true},
		{"img/logo.svg", "image/svg+xml", 100, 50, true},
		{"img/notes.txt", "text/plain", 100, 50, true},
		{"data_stream/log/img/logo.png", "image/png", 100, 50, true},
		{"data_stream/log/manifest.yml", "text/yaml", 100, 50, false},
		{"data_stream/log/docs/README.md", "text/markdown", 100, 50, false},
		{"kibana/dashboard/a.json", "application/json", 512 << 10, 50, false},
		{"kibana/dashboard/a.json", "application/json", 512<<10 + 1, 50, true},
		{"kibana/dashboard/a.json", "application/json", 100, 512<<10 + 1, true},
		{"fields/empty.yml", "text/yaml", 0, 0, false},
		{"docsand/more.md", "text/markdown", 100, 50, false},
	} {
		for _, deflated := range []bool{false, true} {
			f := ContentsFile{Path: c.path, Type: c.kind, Size: c.size}
			f.Place(Deflate{Offset: 7, Size: c.span, CRC32: 9}, deflated)
			if f.Object != c.own || (f.Deflate != nil) != deflated || (f.Stored != nil) != (!c.own && !deflated) {
				t.Errorf("%s of %d bytes, deflated %v: %+v", c.path, c.size, deflated, f)
			}
			if !c.own && !deflated && *f.Stored != 7 {
				t.Errorf("%s is stored at %d", c.path, *f.Stored)
			}
		}
	}
}

// TestFromSpan: only what the archive was to hold is taken for the file.
func TestFromSpan(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 2, 100, 5000} {
		content := make([]byte, size)
		for i := range content {
			content[i] = "ab"[random.IntN(2)]
		}
		sum := sha256.Sum256(content)
		var deflated bytes.Buffer
		w, err := flate.NewWriter(&deflated, 6)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		for form, span := range map[string][]byte{"stored": content, "deflated": deflated.Bytes()} {
			f := &ContentsFile{Path: "fields/a", Size: int64(size), SHA256: hex.EncodeToString(sum[:])}
			f.Stored = new(int64)
			if form == "deflated" {
				f.Deflate, f.Stored = &Deflate{Size: int64(len(span))}, nil
			}
			got, err := f.FromSpan(span)
			if err != nil || !bytes.Equal(got, content) {
				t.Fatalf("%s, %d bytes: %d bytes, %v", form, size, len(got), err)
			}
			for range 200 {
				other := bytes.Clone(span)
				switch at := random.IntN(max(len(other), 1)); random.IntN(4) {
				case 0:
					other = other[:at]
				case 1:
					other = append(other, make([]byte, 1+random.IntN(3))...)
				case 2:
					other = append(other, span...)
				default:
					if len(other) > 0 {
						other[at] ^= 1 << random.IntN(8)
					}
				}
				if bytes.Equal(other, span) {
					continue
				}
				if got, err := f.FromSpan(other); err == nil && !bytes.Equal(got, content) {
					t.Fatalf("%s, %d bytes: another span is taken for it", form, size)
				} else if err == nil && len(other) > len(span) {
					t.Fatalf("%s, %d bytes: what follows its end is passed over", form, size)
				}
			}
		}
	}
	// A few bytes that inflate to gigabytes cost no more than the file may have.
	var bomb bytes.Buffer
	w, err := flate.NewWriter(&bomb, 9)
	if err != nil {
		t.Fatal(err)
	}
	for range 64 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	f := &ContentsFile{Path: "fields/a", Size: 10, SHA256: strings.Repeat("0", 64), Deflate: &Deflate{Size: int64(bomb.Len())}}
	if allocated := testing.AllocsPerRun(1, func() {
		if _, err := f.FromSpan(bomb.Bytes()); err == nil {
			t.Error("a bomb is taken for a file")
		}
	}); allocated > 100 {
		t.Errorf("%v allocations", allocated)
	}
}
