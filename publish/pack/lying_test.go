package pack

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/klauspost/compress/flate"

	"github.com/regsnap/regsnap/layout"
)

// read reads a part of an object.
func read(s *Store, key string, offset, length int64) ([]byte, error) {
	r, err := s.Open(context.Background(), key, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func deflateOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err == nil {
		_, err = w.Write(content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipOf(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSheetsThatLie: a sheet whose sizes are not those of its blobs gives an error in
// place of the end of a file, never other bytes.
func TestSheetsThatLie(t *testing.T) {
	text := []byte(strings.Repeat("text ", 100))
	stream := deflateOf(t, text)
	p := craft(t)
	plain, packed, broken := p.put(blobTable, idOf(text), text), p.put(blobTable, idOf(stream), stream), p.put(blobTable, id{1}, []byte("no deflate stream"))
	short := plain
	short.size--
	size := int64(len(text))
	p.sheet(revision, &sheet{
		contents: []byte("{}"), archive: "a-1.0.0.zip", blobs: []ref{plain, packed, broken, short, {row: 3}, {row: -1, id: id{7}, size: 1}, {row: 0, size: packed.size}},
		literals: []byte("archive"), parts: []archivePart{{7, 5}},
		files: []sheetFile{
			{"as-it-is", 0, false, size}, {"beyond", 1, true, 1 << 31}, {"broken", 2, true, 10}, {"gone", 5, false, 1}, {"inflated", 1, true, size}, {"less", 0, false, size - 1},
			{"less-inflated", 1, true, size - 1}, {"more", 0, false, size + 1}, {"more-inflated", 1, true, size + 1}, {"no-row", 4, false, 0}, {"none", -1, false, 0},
			{"other-size", 3, false, size - 1}, {"other-row", 6, false, 1},
		},
	})
	s := p.open()
	for file, want := range map[string]string{
		"as-it-is": "", "inflated": "", "none": "", "less": "less has 499 bytes, its blob 500", "more": "more has 501 bytes, its blob 500",
		"less-inflated": "more bytes than there should be", "more-inflated": "1 bytes are missing", "gone": "none of its packs has blob", "no-row": "none of its packs has blob",
		"other-size": "a blob has 500 bytes, its sheet says 499", "other-row": "its sheet says", "broken": "", "beyond": "it is said to have 2147483648 bytes",
	} {
		body, err := read(s, revision+"files/"+file, 0, -1)
		if file == "broken" { // says what flate says
			if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "what lies at byte ") {
				t.Errorf("%s: %q, %v", file, body, err)
			}
			continue
		}
		refuses(t, file, err, want)
		if err == nil && file != "none" && !bytes.Equal(body, text) || err != nil && len(body) >= len(text) && file != "more-inflated" {
			t.Errorf("%s: %d bytes, %v", file, len(body), err)
		}
		if _, whole := s.Read(t.Context(), revision+"files/"+file); (whole == nil) != (err == nil) {
			t.Errorf("%s: read whole %v", file, whole)
		}
	}
	if body, err := read(s, revision+"files/less-inflated", 0, size-2); err != nil || !bytes.Equal(body, text[:size-2]) {
		t.Errorf("what comes before the end: %q, %v", body, err)
	}
	if _, err := read(s, revision+"files/broken", 5, 1); !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "it inflates to fewer bytes than 5") {
		t.Errorf("a part of what does not inflate: %v", err)
	}
	if _, err := read(s, revision+"a-1.0.0.zip", 0, -1); !errors.Is(err, errDamaged) {
		t.Errorf("an archive of a blob that is gone: %v", err)
	}
	for key, want := range map[string]string{"contents.json": "{}", "a-1.0.0.zip.sig": ""} {
		body, err := read(s, revision+key, 0, -1)
		if string(body) != want || errors.Is(err, fs.ErrNotExist) != (want == "") {
			t.Errorf("%s: %q, %v", key, body, err)
		}
	}
}

// TestResponsesThatLie: what a gzip file says of its size, and what is found under which
// name.
func TestResponsesThatLie(t *testing.T) {
	text := []byte(strings.Repeat("text ", 100))
	sized := func(n uint32) []byte {
		return binary.LittleEndian.AppendUint32(bytes.Clone(gzipOf(t, text)[:len(gzipOf(t, text))-4]), n)
	}
	for _, c := range []struct {
		what, want string
		body       []byte
		plain      bool
	}{
		{"as it is", "", gzipOf(t, text), false},
		{"plain", "", text, true},
		{"too short to be one", "a gzip file of 17 bytes", make([]byte, 17), false},
		{"no gzip file", "what lies at byte 0", append(make([]byte, 17), 1), false},
		{"the largest object", "size", sized(maxObject), false},
		{"a byte more", "it is said to have 1073741825 bytes", sized(maxObject + 1), false},
		{"a byte less", "more bytes than there should be", sized(499), false},
		{"a byte more than there is", "what lies at byte 0", sized(501), false},
	} {
		p := craft(t)
		table := encodedTable
		if c.plain {
			table = plainTable
		}
		p.put(table, keyOf(t, digest), c.body)
		p.put(table, keyOf(t, other), c.body)
		s := p.open()
		key := layout.ResponseKey(digest)
		if c.what == "the largest object" { // found, and not read
			if found, err := s.find(key); err != nil || found.size() != maxObject {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		body, err := read(s, key, 0, -1)
		refuses(t, c.what, err, c.want)
		if err == nil && !bytes.Equal(body, text) {
			t.Errorf("%s: %d bytes", c.what, len(body))
		}
		twin, err := read(s, key+layout.GzipSuffix, 0, -1)
		if c.plain && !errors.Is(err, fs.ErrNotExist) || !c.plain && (err != nil || !bytes.Equal(twin, c.body)) {
			t.Errorf("%s: its twin is %d bytes, %v", c.what, len(twin), err)
		}
	}
}

// TestBlocks: a block is closed before it gets too large, and one that says to be
// larger than one may be is not inflated.
func TestBlocks(t *testing.T) {
	for _, c := range []struct{ size, blocks int }{{blockSize / 2, 1}, {blockSize/2 + 1, 2}, {blockSize, 2}, {blockSize + 1, 2}} {
		p := craft(t)
		empty := len((&sheet{contents: make([]byte, blockSize)}).encode()) - blockSize
		for i := range 2 {
			p.sheet(fmt.Sprint(i), &sheet{contents: bytes.Repeat([]byte{byte(i)}, c.size-empty)})
		}
		if got := (&sheet{contents: make([]byte, c.size-empty)}).encode(); len(got) != c.size {
			t.Fatalf("a sheet of %d bytes, want %d", len(got), c.size)
		}
		s := p.open()
		if n := s.files[0].blocks.len(); n != c.blocks {
			t.Errorf("two sheets of %d bytes are %d blocks, want %d", c.size, n, c.blocks)
		}
		for i := range 2 {
			_, sheet, err := s.sheet(fmt.Sprint(i))
			if err != nil || sheet.contents[0] != byte(i) || len(sheet.contents) != c.size-empty {
				t.Errorf("sheet %d of %d bytes: %v", i, c.size, err)
			}
		}
		f := s.files[0]
		at := blockOf(f.blocks.row(0))
		for inflated, want := range map[uint32]string{at.inflated: "", at.inflated - 1: "bytes, want", at.inflated + 1: "bytes, want", maxBlock: "bytes, want", maxBlock + 1: "a block of 268435457 bytes"} {
			_, err := s.blocks.inflate(f, block{at.span, inflated})
			refuses(t, fmt.Sprint(inflated), err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.blocks.inflate(f, at); err == nil || !strings.Contains(err.Error(), f.name) {
			t.Errorf("of a file that is closed: %v", err)
		}
	}
}
