package pack

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// TestTakeApart: what an archive is taken apart into gives it back, whatever it
// is, and the paths in it lead to their data.
func TestTakeApart(t *testing.T) {
	plain := zipOf(t, "web-1.0.0/a.txt", strings.Repeat("text ", 100), "web-1.0.0/b.png", "\x89PNG not compressed", "web-1.0.0/empty", "")
	twice := zipOf(t, "web-1.0.0/a.txt", strings.Repeat("one ", 100), "web-1.0.0/a.txt", strings.Repeat("two ", 100))
	same := zipOf(t, "web-1.0.0/a.txt", strings.Repeat("one ", 100), "web-1.0.0/b.txt", strings.Repeat("two ", 100), "web-1.0.0/c.txt", strings.Repeat("one ", 100))
	for _, c := range []struct {
		name    string
		archive []byte
		paths   int
		parts   int // entries with data
		blobs   int // different ones among them
	}{
		{"three files", plain, 3, 3, 3},
		{"a path that is there twice", twice, 1, 2, 2},
		{"two files that hold the same", same, 3, 3, 2},
		{"bytes before it", append([]byte("#!/bin/sh\n"), plain...), 3, 3, 3},
		{"no archive", []byte("text that is no archive"), 1, 1, 1}, // taken whole
		{"overlapping entries", overlapping(t), 1, 1, 1},
		{"cut short", plain[:len(plain)/2], 1, 1, 1},
		{"nothing", nil, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scratch, err := newScratch(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			m := &maker{scratch: scratch, plain: map[plainOf]plainContent{}}
			s := new(sheet)
			paths, err := m.takeApart(s, bytes.NewReader(c.archive), int64(len(c.archive)))
			if err != nil || len(paths) != c.paths {
				t.Errorf("%v, paths %v", err, paths)
			}
			if len(s.parts) != c.parts || len(s.blobs) != c.blobs {
				t.Errorf("%d parts of %d blobs, want %d of %d", len(s.parts), len(s.blobs), c.parts, c.blobs)
			}
			var got []byte
			left := s.literals
			for _, p := range s.parts {
				body, err := scratch.read(scratch.of(s.blobs[p.blob].id))
				if err != nil {
					t.Fatal(err)
				}
				got = append(append(got, left[:p.literal]...), body...)
				left = left[p.literal:]
			}
			if got = append(got, left...); !bytes.Equal(got, c.archive) {
				t.Errorf("put together again it is another: %d bytes, want %d", len(got), len(c.archive))
			}
			if err := scratch.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// zipOf makes an archive of names and contents.
func zipOf(t *testing.T, nameAndContent ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(nameAndContent); i += 2 {
		to, err := w.Create(nameAndContent[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(to, nameAndContent[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// overlapping is an archive whose two entries are the same bytes: both say that
// their data begins where that of the first does.
func overlapping(t *testing.T) []byte {
	t.Helper()
	b := zipOf(t, "web-1.0.0/a.txt", strings.Repeat("one ", 100), "web-1.0.0/b.txt", strings.Repeat("one ", 100))
	// The local header's offset is 42 bytes into the second entry of the central
	// directory (APPNOTE.TXT, section 4.3.12).
	second := bytes.LastIndex(b, []byte("PK\x01\x02"))
	copy(b[second+42:], []byte{0, 0, 0, 0})
	if _, err := zip.NewReader(bytes.NewReader(b), int64(len(b))); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestScratch: a content that comes several times at once is kept once.
func TestScratch(t *testing.T) {
	s, err := newScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	for i := range 20 {
		go func() {
			_, err := s.add(fmt.Append(nil, "content ", i%3))
			errs <- err
		}()
	}
	for range 20 {
		err = errors.Join(err, <-errs)
	}
	if err != nil || len(s.known) != 3 {
		t.Errorf("%v, %d contents", err, len(s.known))
	}
	body, err := s.read(s.of(idOf([]byte("content 1"))))
	if err != nil || string(body) != "content 1" {
		t.Errorf("%q %v", body, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
