package dev

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// watched is a watcher of a folder that a test changes.
type watched struct {
	t *testing.T
	*watcher
	dir string
}

func newWatched(t *testing.T) *watched {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	mkdir(t, root)
	work, err := git.OpenWork([]string{root}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWatcher(work)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close() })
	return &watched{t, w, root}
}

func mkdir(t *testing.T, elements ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(elements...), 0o777); err != nil {
		t.Fatal(err)
	}
}

// next waits for an event, and watches what is new.
func (w *watched) next() {
	w.t.Helper()
	select {
	case <-w.signal:
	case <-w.t.Context().Done():
	}
	if err := w.sync(); err != nil {
		w.t.Fatal(err)
	}
}

// tells makes files in all directories until each was told of: a directory that is not
// watched has the test wait for ever.
func (w *watched) tells(what string) {
	w.t.Helper()
	unseen := map[string]bool{}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if d.IsDir() {
			unseen[path] = true
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Logf("%s: %d directories", what, len(unseen))
	for n := 0; len(unseen) > 0; n++ {
		for dir := range unseen {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("probe%d", n)), nil, 0o666); err != nil {
				w.t.Fatal(err)
			}
		}
		select {
		case <-w.signal:
		case <-w.t.Context().Done():
			w.t.Fatalf("%s: nothing tells of changes in %v", what, slices.Sorted(maps.Keys(unseen)))
		}
		w.mu.Lock()
		for name := range w.named {
			if strings.HasPrefix(filepath.Base(name), "probe") {
				delete(unseen, filepath.Dir(name))
			}
		}
		w.mu.Unlock()
		if err := w.sync(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// TestWatcherRandom makes, removes, moves and replaces directories at random. At rest a
// change in each of them is noticed.
func TestWatcherRandom(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	w := newWatched(t)
	some := func() string {
		path := w.dir
		for range 1 + rnd.IntN(3) {
			path = filepath.Join(path, string(rune('a'+rnd.IntN(3))))
		}
		return path
	}
	for i := range 300 {
		// What fails is impossible just now, such as to move a directory into itself.
		at, what := some(), ""
		switch rnd.IntN(5) {
		case 0, 1:
			what = "make " + at
			_ = os.MkdirAll(at, 0o777)
		case 2:
			what = "remove " + at
			_ = os.RemoveAll(at)
		case 3:
			to := some()
			what = "move " + at + " to " + to
			_ = os.Rename(at, to)
		case 4:
			what = "replace " + at
			if os.RemoveAll(at) == nil {
				_ = os.MkdirAll(filepath.Join(at, "b", "c"), 0o777)
			}
		}
		if rnd.IntN(4) == 0 {
			if err := w.sync(); err != nil { // at any moment: some events were not read yet
				t.Fatal(err)
			}
		}
		if i%15 == 14 {
			w.tells(what)
		}
	}
}

// TestWatcherStale hears late that a directory was removed or moved, or that events were
// lost: when another directory has its name and is watched.
func TestWatcherStale(t *testing.T) {
	for _, op := range []fsnotify.Op{fsnotify.Remove, fsnotify.Rename, fsnotify.Chmod} {
		t.Run(op.String(), func(t *testing.T) {
			w := newWatched(t)
			mkdir(t, w.dir, "a", "b")
			w.next()
			w.tells("made")
			w.note(w.fs, fsnotify.Event{Name: filepath.Join(w.dir, "a"), Op: op})
			if err := w.sync(); err != nil {
				t.Fatal(err)
			}
			mkdir(t, w.dir, "a", "c", "d")
			w.tells("made below")
		})
	}
	t.Run("overflow", func(t *testing.T) {
		w := newWatched(t)
		mkdir(t, w.dir, "a", "b")
		w.mu.Lock()
		w.named = map[string]bool{} // should it be there already: it was lost
		w.mu.Unlock()
		w.fs.Errors <- fsnotify.ErrEventOverflow
		w.next()
		w.tells("made, and not told of")
	})
}

// TestWatcherReplaced passes over what a watcher says late that was replaced: its
// successor watches other directories.
func TestWatcherReplaced(t *testing.T) {
	w := newWatched(t)
	mkdir(t, w.dir, "a")
	w.next()
	old := w.fs
	if err := w.restart(); err != nil {
		t.Fatal(err)
	}
	w.note(old, fsnotify.Event{Name: filepath.Join(w.dir, "a"), Op: fsnotify.Rename})
	w.mu.Lock()
	stale := w.stale
	w.mu.Unlock()
	if stale {
		t.Error("the successor counts as stale")
	}
	w.tells("replaced")
}

// TestWatcherDirectoryIsReadAfterIsWatched: a directory may have been read after the
// event that named it and before it was watched. It is read again.
func TestWatcherDirectoryIsReadAfterIsWatched(t *testing.T) {
	w := newWatched(t)
	b := &bench{t: t, dir: w.dir, shown: map[string]string{}}
	mkdir(t, w.dir, "packages")
	w.next()
	titles := func(want string) {
		t.Helper()
		branch, err := w.work.Branch(t.Context(), git.WorkBranch)
		if err != nil || len(branch.Entries) != 1 {
			t.Fatalf("%v, %+v", err, branch)
		}
		files, err := w.work.List(t.Context(), branch.Entries[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if f.Path == "manifest.yml" && f.Blob != git.ObjectID(git.BlobObject, []byte(manifest("web", "1.0.0", want))) {
				t.Errorf("the manifest is not that of %s", want)
			}
		}
	}
	b.write("web", "1.0.0", "first")
	w.work.Changed(b.path("web"))
	titles("first")
	w.mu.Lock()
	asked := w.asked[b.path("web", "1.0.0")]
	w.mu.Unlock()
	if asked {
		t.Fatal("the package is watched already: nothing is tested")
	}
	b.write("web", "1.0.0", "other")
	w.note(w.fs, fsnotify.Event{Name: b.path("web"), Op: fsnotify.Create})
	if err := w.sync(); err != nil {
		t.Fatal(err)
	}
	titles("other")
}
