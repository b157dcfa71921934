package store

import (
	"context"
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
)

// TestFullDisk: what does not fit is an error, and leaves nothing.
func TestFullDisk(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "packages/old", Body: []byte("0123456789")})
	fits, large := make([]byte, 20), make([]byte, 21)
	for what, write := range map[string]func(body []byte) error{
		"put":     func(body []byte) error { return s.Put(t.Context(), layout.Object{Key: "packages/new", Body: body}) },
		"replace": func(body []byte) error { return s.replace(t.Context(), layout.Object{Key: "packages/new", Body: body}) },
		"swap": func(body []byte) error {
			_, now, err := s.Load(t.Context(), "packages/new")
			if err := ifThere(err); err != nil {
				return err
			}
			return s.Swap(t.Context(), "packages/new", body, now)
		},
		"stage": func(body []byte) error {
			staged, err := s.stage(layout.Object{Key: "packages/new"})
			if err != nil {
				return err
			}
			if _, err = staged.Write(body); err == nil {
				err = staged.Commit(t.Context())
			}
			if e := staged.Discard(); e != nil {
				t.Error(e)
			}
			return err
		},
	} {
		if err := testtools.WithMaxFileSize(t, 20, func() error { return write(large) }); !errors.Is(err, syscall.EFBIG) {
			t.Errorf("%s: 21 bytes fit into 20: %v", what, err)
		}
		if exists(s.file("packages/new")) {
			t.Errorf("%s: what did not fit is there", what)
		}
		if err := testtools.WithMaxFileSize(t, 20, func() error { return write(fits) }); err != nil {
			t.Errorf("%s: 20 bytes: %v", what, err)
		}
		if err := os.Remove(s.file("packages/new")); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(s.file("packages"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range left {
			if name := f.Name(); name != "old" && name != lockName {
				t.Errorf("%s leaves %s", what, name)
			}
		}
	}
	spooled := &spool{}
	if _, err := spooled.Write(make([]byte, spoolSize)); err != nil {
		t.Fatal(err)
	}
	if err := testtools.WithMaxFileSize(t, 20, func() error { _, err := spooled.Write(fits); return err }); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("what was in memory fits into 20 bytes of the disk: %v", err)
	}
	if err := spooled.Discard(); err != nil {
		t.Error(err)
	}
}

// TestFilesAreClosed: no call leaves a file open, whatever comes of it.
func TestFilesAreClosed(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	open := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := newFileStore(t.TempDir())
	ctx := t.Context()
	putFile(t, s, layout.Object{Key: "packages/a", Body: []byte("x"), SHA256: "ab"})
	before := open()
	for what, call := range map[string]func() error{
		"put":                func() error { return s.Put(ctx, layout.Object{Key: "packages/b", Body: []byte("x")}) },
		"replace":            func() error { return s.replace(ctx, layout.Object{Key: "packages/b", Body: []byte("y")}) },
		"swap":               func() error { return s.Swap(ctx, "environments/a.json", []byte("x"), "") },
		"swap once more":     func() error { return s.Swap(ctx, "environments/a.json", []byte("x"), "another") },
		"load":               func() error { _, _, err := s.Load(ctx, "packages/a"); return err },
		"load a folder":      func() error { _, _, err := s.Load(ctx, "packages"); return err },
		"open a folder":      func() error { _, _, err := s.Open(ctx, "packages", 0, -1); return err },
		"open behind an end": func() error { _, _, err := s.Open(ctx, "packages/a", 2, -1); return err },
		"open": func() error {
			r, _, err := s.Open(ctx, "packages/a", 0, -1)
			if err == nil {
				err = r.Close()
			}
			return err
		},
		"delete": func() error { return s.Delete(ctx, "packages/a") },
		"stage": func() error {
			f, err := s.stage(layout.Object{Key: "packages/c"})
			if err == nil {
				err = errors.Join(f.Commit(ctx), f.Discard())
			}
			return err
		},
		"give up": func() error {
			f, err := s.stage(layout.Object{Key: "packages/d"})
			if err == nil {
				err = f.Discard()
			}
			return err
		},
		"flush": func() error { return SyncFileSystem(s.dir) },
		"spool": func() error {
			f := &spool{put: func(context.Context, layout.Object, content, int64) error { return nil }}
			_, err := f.Write(make([]byte, spoolSize+1))
			return errors.Join(err, f.Commit(ctx), f.Discard())
		},
	} {
		err := call()
		if now := open(); now != before {
			t.Errorf("%s (%v): %d files are open, and were %d", what, err, now, before)
			before = now
		}
	}
}
