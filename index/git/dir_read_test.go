package git

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestDirSameContentTwice: a content that several branches have is read where it is a
// file, and of several files from the branch that was read last: the others may have
// changed since.
func TestDirSameContentTwice(t *testing.T) {
	const link, file = " (symlink) --\nsame", " --\nsame"
	for name, c := range map[string]struct{ first, second, read string }{
		"two files":       {file, file, "second"},
		"a file, a link":  {file, link, "first"},
		"a link, a file":  {link, file, "second"},
		"a link and more": {link, link, "second"},
	} {
		t.Run(name, func(t *testing.T) {
			root := indextest.Folders(t, "-- first/packages/p/1.0.0/x"+c.first+"\n-- second/packages/p/1.0.0/x"+c.second+"\n")
			for _, branch := range []string{"first", "second"} { // the content of a link has no line break
				at := filepath.Join(root, branch, "packages/p/1.0.0/x")
				if info, err := os.Lstat(at); err != nil {
					t.Fatal(err)
				} else if info.Mode().IsRegular() {
					if err := os.WriteFile(at, []byte("same"), 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
			s := openDir(t, root)
			branch(t, s, "first")
			files, err := s.List(t.Context(), branch(t, s, "second").Entries[0])
			if err != nil {
				t.Fatal(err)
			}
			for _, branch := range []string{"first", "second"} {
				if branch == c.read {
					continue
				}
				if err := os.Remove(filepath.Join(root, branch, "packages/p/1.0.0/x")); err != nil {
					t.Fatal(err)
				}
			}
			var got string
			err = s.Read(t.Context(), []index.ID{files[0].Blob}, func(_ index.ID, content []byte) error { got = string(content); return nil })
			if err != nil || got != "same" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestDirReadEnds: with the error of who reads, with its context, and where the folder is
// gone; nothing is handed on after that.
func TestDirReadEnds(t *testing.T) {
	root := indextest.Folders(t, twoBranches)
	s := openDir(t, root)
	var ids []index.ID
	for _, e := range branch(t, s, "production").Entries {
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			ids = append(ids, f.Blob)
		}
	}
	stop := errors.New("stop")
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		fn   func() error
		want error
	}{{func() error { return stop }, stop}, {func() error { cancel(); return nil }, context.Canceled}} {
		calls := 0
		err := s.Read(ctx, ids, func(index.ID, []byte) error { calls++; return c.fn() })
		if !errors.Is(err, c.want) || calls != 1 {
			t.Errorf("%v after %d calls, want %v", err, calls, c.want)
		}
	}
	if err := os.RemoveAll(filepath.Join(root, "production")); err != nil {
		t.Fatal(err)
	}
	err := s.Read(t.Context(), ids, func(index.ID, []byte) error { t.Error("something was read"); return nil })
	wantError(t, err, fs.ErrNotExist, filepath.Join(root, "production/packages/apache/1.0.0/a/b"))
}

// TestDirSizes: a file is read up to the most that is read, and only with the length that
// it had; none longer is opened.
func TestDirSizes(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"packages/x": "four"})
	for size, want := range map[int64]string{3: ErrChanged.Error(), 4: "", 5: ErrChanged.Error(), maxObject: ErrChanged.Error(), maxObject + 1: "it has 1073741825 bytes: files over 1073741824 bytes are not read"} {
		r := diskReader{roots: map[string]*os.Root{}}
		got, err := r.read(diskBlob{folder: root, path: "packages/x", size: size})
		if want == "" {
			if err != nil || string(got) != "four" {
				t.Errorf("%d bytes: %q, %v", size, got, err)
			}
		} else {
			wantError(t, err, nil, want)
		}
		r.close()
	}
}

// TestDirClosesWhatItOpened: the directory of the last file, those before it, and the
// folders themselves.
func TestDirClosesWhatItOpened(t *testing.T) {
	root := t.TempDir()
	write(t, root, map[string]string{"one/a": "a", "one/b": "b", "two/c": "c"})
	r := diskReader{roots: map[string]*os.Root{}}
	var dirs []*os.Root
	for _, path := range []string{"one/a", "one/b", "two/c", "one/b"} {
		got, err := r.read(diskBlob{folder: root, path: path, size: 1})
		if err != nil || string(got) != filepath.Base(path) {
			t.Fatalf("%s: %q, %v", path, got, err)
		}
		dirs = append(dirs, r.dir)
	}
	if dirs[0] != dirs[1] || dirs[1] == dirs[2] {
		t.Error("a directory is opened for each file, or not for each directory")
	}
	for i, open := range []bool{false, false, false, true} {
		if _, err := dirs[i].Stat("."); (err == nil) != open {
			t.Errorf("directory %d: %v", i, err)
		}
	}
	r.close()
	for _, opened := range append(dirs, r.roots[root]) {
		if _, err := opened.Stat("."); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s is left open: %v", opened.Name(), err)
		}
	}
	if _, err := scanFolder(t.Context(), filepath.Join(root, "gone")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that has gone: %v", err)
	}
}

// TestDirHashesWhatWasOpened: a file that is longer than it was when it was opened, or
// cannot be read, has no id. /proc has both.
func TestDirHashesWhatWasOpened(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	root, err := os.OpenRoot("/proc/self")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := newFolderScan("/proc/self")
	for name, want := range map[string]error{"status": ErrChanged, "mem": syscall.EIO} {
		id, _, err := s.hashFile(root, name)
		if !errors.Is(err, want) || !id.IsZero() {
			t.Errorf("%s: %s, %v, want %v", name, id, err, want)
		}
	}
}

// TestDirFails has each command of git fail that a folder takes. Without an answer where
// HEAD is, the folder is as one without a work tree; all else is an error.
func TestDirFails(t *testing.T) {
	dir := workTree(t)
	f := indextest.NewFailingGit(t)
	f.OnPath(t)
	for n, want := range []string{"", "outside", "fails", "outside", "fails", "fails"} {
		s := OpenDirs(map[string]string{"production": dir})
		f.Fail(n)
		b, err := s.Branch(t.Context(), "production")
		if n >= 1 && n <= 2 {
			switch {
			case want == "outside" && (err != nil || b.Commit != nil || len(b.Found.Warnings) != 1 || b.Found.Warnings[0].Rule != index.RuleNotCommitted):
				t.Errorf("git %s fails: %+v, %v", f.Failed(), b, err)
			case want == "fails":
				wantError(t, err, nil, "branch production", "No space left on device")
			}
			continue
		}
		if err != nil || b.Commit == nil || len(b.Found.Warnings) != 0 {
			t.Fatalf("%+v, %v", b, err)
		}
		c, err := s.LastChange(t.Context(), "production", "packages/apache/1.0.0")
		switch {
		case n == 0 && (err != nil || c == nil || c.Hash != b.Commit.Hash), want == "outside" && (err != nil || c != nil):
			t.Errorf("git %s fails: %+v, %v", f.Failed(), c, err)
		case want == "fails":
			wantError(t, err, nil, "last change of packages/apache/1.0.0 in "+dir, "No space left on device")
		}
		if commands := f.Commands(); n == 0 && commands != 5 {
			t.Fatalf("%d commands", commands)
		}
	}
	f.Fail(0)
	wrapGit(t, `case "$1" in rev-parse) echo one; exit;; esac`)
	b := branch(t, OpenDirs(map[string]string{"production": dir}), "production")
	if b.Commit != nil || len(b.Found.Warnings) != 1 {
		t.Fatalf("%+v", b)
	}
	wantError(t, errors.New(b.Found.Warnings[0].Detail), nil, `git rev-parse printed "one\n"`)
}
