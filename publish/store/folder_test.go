package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/folderlock"
	"github.com/regsnap/regsnap/layout"
)

// TestFoldersThatGo: where a folder goes while it is written to, that is tried ten times,
// and nothing else is.
func TestFoldersThatGo(t *testing.T) {
	other := errors.New("another error")
	for want, err := range map[int]error{10: fs.ErrNotExist, 1: other} {
		s := newFileStore(t.TempDir())
		calls := 0
		got := s.inFolder(s.file("packages/a"), func(bool) error {
			calls++
			if e := os.RemoveAll(s.file("packages")); e != nil {
				t.Error(e)
			}
			return err
		})
		if calls != want || got != err {
			t.Errorf("%v: %d calls, %v", err, calls, got)
		}
	}
	s := newFileStore(t.TempDir())
	var fresh []bool
	for range 2 {
		if err := s.inFolder(s.file("packages/a/b"), func(is bool) error {
			if fresh = append(fresh, is); len(fresh) == 1 {
				return errors.Join(os.RemoveAll(s.file("packages")), fs.ErrNotExist)
			}
			return os.WriteFile(s.file("packages/a/b"), nil, 0o666)
		}); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(fresh, []bool{true, true, true}) {
		t.Errorf("the folder is new: %t, want always", fresh)
	}
	// To another process that finds it, it is not.
	if is, err := newFileStore(s.dir).folder(s.file("packages/a")); is || err != nil {
		t.Errorf("a folder that is there is new: %t, %v", is, err)
	}
	if is, err := s.folder(s.dir); is || err != nil {
		t.Errorf("the folder of the bucket is new: %t, %v", is, err)
	}
}

// TestRenames: a file that is there stays, and what was to take its place goes.
func TestRenames(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{"at once": renameNew, "in two steps": renameUnlessThere} {
		dir := t.TempDir()
		file := func(name string) string { return filepath.Join(dir, name) }
		for _, f := range []string{"a", "b"} {
			if err := os.WriteFile(file(f), []byte(f), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := rename(file("a"), file("new")); err != nil || exists(file("a")) {
			t.Errorf("%s: to a new name: %v", name, err)
		}
		if err := rename(file("b"), file("new")); err != nil || exists(file("b")) {
			t.Errorf("%s: to one that is taken: %v", name, err)
		}
		if body, err := os.ReadFile(file("new")); string(body) != "a" {
			t.Errorf("%s: there is %q, %v", name, body, err)
		}
		if err := errors.Join(os.Mkdir(file("folder"), 0o777), os.WriteFile(file("folder/f"), nil, 0o666)); err != nil {
			t.Fatal(err)
		}
		if err := rename(file("folder"), file("new")); err == nil || !exists(file("folder/f")) {
			t.Errorf("%s: what cannot be removed is said to be: %v", name, err)
		}
		for _, to := range []string{"new", "other"} {
			if err := rename(file("gone"), file(to)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: of a file that is gone, to %s: %v", name, to, err)
			}
		}
	}
}

// TestStagedFiles: what is committed stays what it was first, and what is given up goes.
func TestStagedFiles(t *testing.T) {
	s := newFileStore(t.TempDir())
	stage := func(key, body, sum string) *stagedFile {
		t.Helper()
		staged, err := s.stage(layout.Object{Key: key, SHA256: sum})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := staged.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		return staged.(*stagedFile)
	}
	for _, body := range []string{"first", "second"} {
		f := stage("packages/a/f", body, "sum of "+body)
		if err := errors.Join(f.Commit(t.Context()), f.Discard()); err != nil {
			t.Error(err)
		}
	}
	wantFile(t, s, "packages/a/f", "first")
	if linked, err := s.linked(layout.Object{Key: "packages/b/f", SHA256: "sum of first"}); !linked || err != nil {
		t.Errorf("what was committed is linked: %t, %v", linked, err)
	}
	wantFile(t, s, "packages/b/f", "first")
	if linked, err := s.linked(layout.Object{Key: "packages/b/f", SHA256: "unknown"}); !linked || err != nil {
		t.Errorf("what is there is there: %t, %v", linked, err)
	}
	if linked, err := s.linked(layout.Object{Key: "packages/c/f", SHA256: "unknown"}); linked || err != nil {
		t.Errorf("what nobody has put is linked: %t, %v", linked, err)
	}
	f := stage("packages/a/g", "given up", "")
	if err := errors.Join(f.Discard(), f.Discard()); err != nil || exists(f.Name()) {
		t.Errorf("given up, it is there: %t, %v", exists(f.Name()), err)
	}
	f = stage("packages/a/h", "lost", "")
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone was committed: %v", err)
	}
	if err := f.Discard(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is gone was removed: %v", err)
	}
	f = stage("packages/a/i", "closed", "")
	if err := f.File.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(t.Context()); !errors.Is(err, os.ErrClosed) || exists(s.file("packages/a/i")) {
		t.Errorf("a file that could not be closed was committed: %v", err)
	}
	if err := f.Discard(); err != nil || exists(f.Name()) {
		t.Errorf("after that: %v", err)
	}
	wantFiles(t, s.dir, 2)
	if f, err := s.stage(layout.Object{Key: "packages/" + strings.Repeat("x", 300)}); err == nil {
		t.Errorf("a name of 300 bytes is staged: %+v", f)
	}
}

// TestTemporaryNames: no two writers have one, and no object has one.
func TestTemporaryNames(t *testing.T) {
	s := newFileStore(t.TempDir())
	names := []string{s.temporary("a"), s.temporary("a"), newFileStore(s.dir).temporary("a")}
	for i, name := range names {
		if slices.Index(names, name) != i || !strings.HasSuffix(name, "~tmp") || !strings.HasPrefix(name, "a.") || !unfinished(name) {
			t.Errorf("name %d of %q", i, names)
		}
	}
}

// TestEndedSweeps: who is stopped says so.
func TestEndedSweeps(t *testing.T) {
	s := newFileStore(t.TempDir())
	for _, prefix := range layout.Prefixes {
		if err := os.MkdirAll(filepath.Join(s.file(prefix), "empty"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := s.leftovers(ctx, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("leftovers: %v", err)
	}
	if err := s.sweepFolders(ctx); !errors.Is(err, context.Canceled) || !exists(filepath.Join(s.file("packages/"), "empty")) {
		t.Errorf("empty folders: %v", err)
	}
	// Neither is it a failure that there is nothing yet, or that it is a file.
	if err := newFileStore(filepath.Join(s.dir, "none")).sweepFolders(t.Context()); err != nil {
		t.Errorf("in a bucket without folders: %v", err)
	}
	file := newFileStore(t.TempDir())
	if err := os.WriteFile(file.file("packages"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := file.sweepFolders(t.Context()); err == nil || !strings.Contains(err.Error(), "remove empty folders") {
		t.Errorf("where packages is a file: %v", err)
	}
}

// TestLongPointers: what changes is read up to a byte more than its reader takes.
func TestLongPointers(t *testing.T) {
	key := layout.PointerKey("production")
	most := layout.MaxSize(key)
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	for name, s := range map[string]Store{"file": newFileStore(t.TempDir()), "mem": mem} {
		now := Token("")
		for size, want := range map[int64]int64{most: most, most + 1: most + 1, most + 2: most + 1} {
			if err := s.Swap(t.Context(), key, bytes.Repeat([]byte("x"), int(size)), now); err != nil {
				t.Fatal(err)
			}
			body, state, err := s.Load(t.Context(), key)
			if err != nil || int64(len(body)) != want {
				t.Errorf("%s: %d bytes of %d, %v; want %d", name, len(body), size, err, want)
			}
			// The next size begins at none.
			if now = ""; state == "" {
				t.Errorf("%s: no state", name)
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFolderBounds: reads at the bounds of an object, and what a folder can do.
func TestFolderBounds(t *testing.T) {
	s := newFileStore(t.TempDir())
	putFile(t, s, layout.Object{Key: "packages/a", Body: []byte("0123456789")})
	for _, c := range []struct {
		offset, length, want int64 // -1: refused
	}{{-1, 1, -1}, {0, -1, 10}, {10, -1, 0}, {10, 1, 0}, {11, -1, -1}, {3, 0, 0}, {9, 5, 1}} {
		r, n, err := s.Open(t.Context(), "packages/a", c.offset, c.length)
		if c.want < 0 {
			if !errors.Is(err, layout.ErrDamaged) {
				t.Errorf("%d bytes from %d: %d, %v", c.length, c.offset, n, err)
			}
			continue
		}
		if err != nil || n != c.want {
			t.Errorf("%d bytes from %d: %d, %v; want %d", c.length, c.offset, n, err, c.want)
			continue
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	can := CapabilitiesOf(s)
	if can.Parallel != 2*runtime.GOMAXPROCS(0) || can.File("packages/a") != filepath.Join(s.dir, "packages", "a") || can.Sync() != nil {
		t.Errorf("%d at once, %s", can.Parallel, can.File("packages/a"))
	}
	if _, err := can.DeleteBatch(t.Context(), nil); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a batch: %v", err)
	}
	if err := SyncFileSystem(filepath.Join(s.dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder that is not there is on the disk: %v", err)
	}
}

// TestWhoIsWaitedFor: who waits for a lock learns who has it, if that is wanted.
func TestWhoIsWaitedFor(t *testing.T) {
	if waitingIn(t.Context()) != nil {
		t.Error("someone wants to know")
	}
	holder, said := folderlock.Holder{Host: "host", Process: 7, Since: time.Now()}, ""
	waitingIn(WithWaiting(t.Context(), func(who string) { said = who }))(holder)
	if !strings.HasPrefix(said, "process 7 on host") {
		t.Errorf("it says %q", said)
	}
}
