package storagev2

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// What is joined reads as one gzip file, and splits into what it was made of.
func TestJoin(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 12 {
		var list []encoded
		want := opening
		for i := range n {
			text := []byte(strings.Repeat(fmt.Sprintf(`{"package_manifest":{"n":%d}}`, r.IntN(1000)), 1+r.IntN(3000)))
			e, err := pack(segmentID{byte(i)}, text)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := e.text(); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%d bytes became %d: %v", len(text), len(got), err)
			}
			if i > 0 {
				want += separator
			}
			want += string(text)
			list = append(list, e)
		}
		want += closing
		file := join(list)
		z, err := gzip.NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		z.Multistream(false)
		got, err := io.ReadAll(z)
		if err != nil || string(got) != want {
			t.Fatalf("%d segments: %d bytes, want %d: %v", n, len(got), len(want), err)
		}
		back, err := split(file)
		if err != nil || len(back) != n {
			t.Fatalf("%d segments came back of %d: %v", len(back), n, err)
		}
		for i := range back {
			if back[i].row != list[i].row || !bytes.Equal(back[i].body, list[i].body) {
				t.Errorf("segment %d is another", i)
			}
		}
		for range 200 { // whatever is there, nothing panics
			cut := bytes.Clone(file[:r.IntN(len(file)+1)])
			if len(cut) > 0 {
				cut[r.IntN(len(cut))] ^= byte(1 + r.IntN(255))
			}
			_, _ = split(cut)
		}
	}
}

func TestCombined(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		text := make([]byte, r.IntN(5000))
		for i := range text {
			text[i] = byte(r.Uint32())
		}
		at := r.IntN(len(text) + 1)
		if got := combined(crc32.ChecksumIEEE(text[:at]), crc32.ChecksumIEEE(text[at:]), uint32(len(text)-at)); got != crc32.ChecksumIEEE(text) {
			t.Fatalf("%d and %d bytes: %08x", at, len(text)-at, got)
		}
	}
}

// One package more changes one segment, or cuts one in two, however many there are.
func TestSegments(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, names := range []int{1, 50, 3000, 20_000} {
		var packages []layout.ManifestPackage
		for i := range names {
			for v := range 1 + r.IntN(3) {
				packages = append(packages, layout.ManifestPackage{Name: fmt.Sprintf("p%06d", i), Document: layout.DigestOf(fmt.Append(nil, i, v))})
			}
		}
		before := segments(packages)
		if len(before) > mostSegments || 6*len(before)+len(before)*rowSize+4 > maxExtra {
			t.Errorf("%d names: %d segments", names, len(before))
		}
		known := map[segmentID]bool{}
		n := 0
		for _, s := range before {
			known[s.id] = true
			n += len(s.documents)
		}
		if n != len(packages) {
			t.Fatalf("%d documents of %d", n, len(packages))
		}
		at := r.IntN(len(packages))
		more := append(append(append([]layout.ManifestPackage{}, packages[:at]...), layout.ManifestPackage{Name: packages[at].Name, Document: layout.DigestOf([]byte("new"))}), packages[at:]...)
		fresh := 0
		for _, s := range segments(more) {
			if !known[s.id] {
				fresh++
			}
		}
		if fresh > 1 {
			t.Errorf("%d names: one version more makes %d segments again", names, fresh)
		}
	}
}
