package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestFileInPlaceOfAFolder: where a file stands in the place of a folder, each call says
// so, and nothing is left. To look for an object below it is to find none.
func TestFileInPlaceOfAFolder(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "packages/a", Body: []byte("x"), SHA256: "ab"})
	below := layout.Object{Key: "packages/a/1.0.0/f", Body: []byte("x"), SHA256: "ab"}
	ctx := t.Context()
	for what, call := range map[string]func() error{
		"put":     func() error { return s.Put(ctx, below) },
		"replace": func() error { return s.replace(ctx, below) },
		"swap":    func() error { return s.Swap(ctx, below.Key, below.Body, "") },
		"stage": func() error {
			_, err := s.stage(below)
			return err
		},
		"link": func() error {
			_, err := s.linked(below)
			return err
		},
		"list": func() error {
			for _, err := range s.List(ctx, "packages/a/1/") {
				return err
			}
			return nil
		},
	} {
		if err := call(); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.Mkdir(s.file("packages/folder"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := s.replace(ctx, layout.Object{Key: "packages/folder", Body: []byte("x")}); err == nil {
		t.Error("a folder was replaced")
	}
	if _, _, err := s.Load(ctx, "packages/folder"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load a folder: %v", err)
	}
	if err := os.Remove(s.file("packages/folder")); err != nil {
		t.Fatal(err)
	}
	// What cannot be found out is not taken for missing.
	if err := os.Symlink("loop", s.file("packages/loop")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open(ctx, "packages/loop", 0, -1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open a link to itself: %v", err)
	}
	if err := s.Delete(ctx, "packages/loop"); err == nil {
		t.Error("a link to itself was deleted")
	}
	if err := os.Remove(s.file("packages/loop")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Open(ctx, below.Key, 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
	if err := s.Delete(ctx, below.Key); err != nil {
		t.Errorf("delete: %v", err)
	}
	wantFiles(t, s.dir, 1)
}

// TestEndedContexts: no call begins when ctx has ended, and nothing changes.
func TestEndedContexts(t *testing.T) {
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Store{"file": newFileStore(t.TempDir()), "mem": mem} {
		o := layout.Object{Key: "packages/a", Body: []byte("x"), ContentType: "text/plain"}
		if err := s.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		other := o
		other.Body = []byte("y")
		can := CapabilitiesOf(s)
		staged, err := can.Stage(layout.Object{Key: "packages/b", ContentType: "text/plain"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		for what, call := range map[string]func() error{
			"put": func() error {
				return s.Put(ctx, layout.Object{Key: "packages/c", Body: o.Body, ContentType: "text/plain"})
			},
			"replace": func() error { return can.Replace(ctx, other) },
			"delete":  func() error { return s.Delete(ctx, o.Key) },
			"swap":    func() error { return s.Swap(ctx, "environments/a.json", o.Body, "") },
			"commit":  func() error { return staged.Commit(ctx) },
			"open": func() error {
				_, _, err := s.Open(ctx, o.Key, 0, -1)
				return err
			},
			"load": func() error {
				_, _, err := s.Load(ctx, o.Key)
				return err
			},
			"list": func() error {
				for _, err := range s.List(ctx, "") {
					return err
				}
				return nil
			},
		} {
			if err := call(); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if err := staged.Discard(); err != nil {
			t.Error(err)
		}
		var there []string
		for o, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			there = append(there, o.Key)
		}
		r, _, err := s.Open(t.Context(), o.Key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil || string(body) != "x" || strings.Join(there, " ") != "packages/a" {
			t.Errorf("%s: %q, there is %q, %v", name, body, there, err)
		}
	}
}

// TestOpenFolders: a folder must be there, unless it is to be made.
func TestOpenFolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if s, err := Open(t.Context(), "file://"+filepath.ToSlash(dir), Options{}); err == nil {
		t.Errorf("a folder that is not there is opened: %v", s)
	}
	s, err := Open(t.Context(), "file://"+filepath.ToSlash(dir), Options{Create: true})
	if err != nil || !exists(dir) {
		t.Fatalf("a folder that is to be made: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s, err := Open(t.Context(), "file://"+filepath.ToSlash(dir)+"?prefix=a", Options{}); !errors.Is(err, ErrURL) {
		t.Errorf("a prefix in a folder: %v, %v", s, err)
	}
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := mem.Close(); err != nil {
		t.Error(err)
	}
	if err := mem.Close(); err == nil {
		t.Error("a store is closed twice")
	}
}

// TestYoungLeftovers: a file that may still be on its way is no leftover.
func TestYoungLeftovers(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "packages/done", Body: []byte("x")})
	now := time.Now().Truncate(time.Second)
	for name, age := range map[string]time.Duration{"old": 2 * time.Second, "at the bound": time.Second, "young": 0} {
		file := s.file("packages/" + name + TempSuffix)
		if err := errors.Join(os.WriteFile(file, nil, 0o666), os.Chtimes(file, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	found, err := s.leftovers(t.Context(), now.Add(-time.Second))
	if err != nil || len(found) != 1 || found[0].Key != "packages/old"+TempSuffix {
		t.Errorf("left over are %+v, %v", found, err)
	}
	if err := s.sweepFile("packages/gone" + TempSuffix); err != nil {
		t.Errorf("one that is gone: %v", err)
	}
	if err := s.sweepFile("packages"); err == nil {
		t.Error("a folder with files in it is said to be gone")
	}
}

// TestKeysStayInside: no key names a file that is not in the bucket, or is no object.
func TestKeysStayInside(t *testing.T) {
	dir := t.TempDir()
	s := newFileStore(filepath.Join(dir, "bucket"))
	putFile(t, s, layout.Object{Key: "packages/a", Body: []byte("x")})
	outside, unfinished := filepath.Join(dir, "outside"), s.file("packages/b"+TempSuffix)
	if err := errors.Join(os.WriteFile(outside, []byte("x"), 0o666), os.WriteFile(unfinished, []byte("x"), 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"../outside", "packages/../../outside", outside, "packages", "packages/b" + TempSuffix, "", "."} {
		if r, _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q is there: %v, %v", key, r, err)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
		for o := range s.List(t.Context(), key) {
			if o.Key != "packages/a" {
				t.Errorf("%q lists %s", key, o.Key)
			}
		}
	}
	if !exists(outside) || !exists(unfinished) {
		t.Error("what is no object is gone")
	}
}

// TestSpool: what is put is what was written, whatever its size, and the file of a large
// one goes.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, size := range []int{0, 1, spoolSize - 1, spoolSize, spoolSize + 1, 3 * spoolSize} {
		body := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		var got []byte
		s := &spool{object: layout.Object{Key: "k"}, put: func(_ context.Context, o layout.Object, c content, n int64) (err error) {
			if o.Key != "k" || n != int64(size) {
				t.Errorf("%s of %d bytes, want k of %d", o.Key, n, size)
			}
			got, err = io.ReadAll(c)
			return err
		}}
		for part := body; len(part) > 0; {
			n, err := s.Write(part[:min(len(part), 100_000)])
			if err != nil {
				t.Fatal(err)
			}
			part = part[n:]
		}
		if files := filesIn(t, os.TempDir()); (files == 1) != (size > spoolSize) {
			t.Errorf("%d bytes: %d files", size, files)
		}
		for range 2 { // as where the first request failed
			if err := s.Commit(t.Context()); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%d of %d bytes were put, %v", len(got), size, err)
			}
		}
		if err := errors.Join(s.Discard(), s.Discard()); err != nil || filesIn(t, os.TempDir()) != 0 {
			t.Errorf("%d bytes: after the end there are %d files, %v", size, filesIn(t, os.TempDir()), err)
		}
	}
	s := &spool{put: func(context.Context, layout.Object, content, int64) error { return nil }}
	if _, err := s.Write(make([]byte, spoolSize+1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.file.Name()); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that is gone: %v", err)
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if n, err := s.Write(make([]byte, spoolSize+1)); err == nil {
		t.Errorf("without a folder %d bytes were written", n)
	}
}

func filesIn(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
