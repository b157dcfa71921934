package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

func putFile(t *testing.T, s *fileStore, o layout.Object) {
	t.Helper()
	if err := s.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, s *fileStore, key, want string) os.FileInfo {
	t.Helper()
	name := filepath.Join(s.dir, key)
	got, err := os.ReadFile(name)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", key, got, err, want)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wantFiles checks that a folder holds so many files: no temporary one is left.
func wantFiles(t *testing.T, dir string, want int) {
	t.Helper()
	got := 0
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got++
		}
		return err
	})
	if err != nil || got != want {
		t.Errorf("%d files are there, want %d, %v", got, want, err)
	}
}

func TestFilesStay(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "a/b", Body: []byte("first")})
	putFile(t, s, layout.Object{Key: "a/b", Body: []byte("second")})
	wantFile(t, s, "a/b", "first")
	// Another process has the same folder.
	putFile(t, newFileStore(s.dir), layout.Object{Key: "a/b", Body: []byte("third"), SHA256: "3"})
	wantFile(t, s, "a/b", "first")
	wantFiles(t, s.dir, 1)
}

// Contents that are said to be the same are one file on disk.
func TestFilesAreLinked(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "1.0.0/icon.svg", Body: []byte("icon"), SHA256: "same"})
	putFile(t, s, layout.Object{Key: "1.1.0/icon.svg", Body: []byte("icon"), SHA256: "same"})
	putFile(t, s, layout.Object{Key: "1.1.0/other", Body: []byte("icon"), SHA256: "other"})
	putFile(t, s, layout.Object{Key: "1.1.0/unknown", Body: []byte("icon")})
	one := wantFile(t, s, "1.0.0/icon.svg", "icon")
	if !os.SameFile(one, wantFile(t, s, "1.1.0/icon.svg", "icon")) {
		t.Error("the same content is two files")
	}
	if os.SameFile(one, wantFile(t, s, "1.1.0/other", "icon")) || os.SameFile(one, wantFile(t, s, "1.1.0/unknown", "icon")) {
		t.Error("contents that nobody said to be the same are one file")
	}
	// A file to link to that is gone is written again.
	for _, key := range []string{"1.0.0/icon.svg", "1.1.0/icon.svg"} {
		if err := os.Remove(filepath.Join(s.dir, key)); err != nil {
			t.Fatal(err)
		}
	}
	putFile(t, s, layout.Object{Key: "1.2.0/icon.svg", Body: []byte("icon"), SHA256: "same"})
	wantFile(t, s, "1.2.0/icon.svg", "icon")
}

// What could not be written leaves nothing.
func TestFileErrorsLeaveNothing(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "file", Body: []byte("x")})
	if err := s.Put(t.Context(), layout.Object{Key: "file/below", Body: []byte("x")}); err == nil {
		t.Error("a file became a folder")
	}
	// The target cannot be named, but the folder can.
	if err := s.Put(t.Context(), layout.Object{Key: "folder/" + strings.Repeat("x", 300), Body: []byte("x")}); err == nil {
		t.Error("a name of 300 bytes was taken")
	}
	// Renaming over a folder fails after the content was written.
	if err := os.MkdirAll(filepath.Join(s.dir, "taken", "inside"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.write(filepath.Join(s.dir, "taken"), []byte("x"), os.Rename); err == nil {
		t.Error("a folder was replaced by a file")
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := s.Put(stopped, layout.Object{Key: "late", Body: []byte("x")}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
	wantFiles(t, s.dir, 1)
}

// A folder may be named in many ways.
func TestFilesWhereverTheyAre(t *testing.T) {
	dir := filepath.ToSlash(t.TempDir())
	for i, url := range []string{"file://" + dir + "/", "file://" + dir + "/.", "file://" + dir + "//below/../", "file://" + dir + "/new/folder/"} {
		b, err := Open(t.Context(), url, Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf("packages/a/%d", i)
		if err := b.Put(t.Context(), layout.Object{Key: key, Body: []byte("x")}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		wantFile(t, b.(*fileStore), key, "x")
	}
	wantFiles(t, dir, 4)
}

func TestFilesConcurrently(t *testing.T) {
	s := newFileStore(t.TempDir())
	other := newFileStore(s.dir)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			content := fmt.Sprint(i % 5)
			to := s
			if i%2 == 0 {
				to = other
			}
			for _, key := range []string{"same/" + content, fmt.Sprintf("own/%d/file", i)} {
				if err := to.Put(context.Background(), layout.Object{Key: key, Body: []byte(content), SHA256: content}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for i := range 100 {
		wantFile(t, s, fmt.Sprintf("own/%d/file", i), fmt.Sprint(i%5))
		wantFile(t, s, fmt.Sprintf("same/%d", i%5), fmt.Sprint(i%5))
	}
	wantFiles(t, s.dir, 105)
}
