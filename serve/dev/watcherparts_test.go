package dev

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fsnotify/fsnotify"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// TestWithin: what is below a folder, by its name.
func TestWithin(t *testing.T) {
	for _, c := range []struct {
		path, dir string
		want      bool
	}{
		{"/a", "/a", true}, {"/a/b", "/a", true}, {"/a/b/c", "/a", true}, {"/ab", "/a", false}, {"/a", "/a/b", false}, {"/b", "/a", false}, {"/a", "/", true}, {"/", "/", true},
	} {
		if got := within(c.path, c.dir); got != c.want {
			t.Errorf("%s within %s: %v", c.path, c.dir, got)
		}
	}
}

// TestWatcherNotes: which events have a name looked at again, and which have all of it.
func TestWatcherNotes(t *testing.T) {
	for _, c := range []struct {
		op           fsnotify.Op
		name         string
		named, stale bool
	}{
		{fsnotify.Create, "a", true, false},
		{fsnotify.Remove, "a", true, false},
		{fsnotify.Chmod, "a", true, false},
		{fsnotify.Rename, "a", true, true},
		{fsnotify.Rename, "file", true, false}, // it has nothing below
		{fsnotify.Write, "a", false, false},
		{fsnotify.Write | fsnotify.Chmod, "a", true, false},
		{fsnotify.Create | fsnotify.Rename, "a", true, true},
	} {
		w := &watcher{fs: &fsnotify.Watcher{}, asked: map[string]bool{"a": true}, named: map[string]bool{}}
		for range 2 {
			w.note(&fsnotify.Watcher{}, fsnotify.Event{Name: c.name, Op: c.op}) // of one that was replaced
			if len(w.named) > 0 || w.stale {
				t.Errorf("%+v: %v %v of another", c, w.named, w.stale)
			}
		}
		w.note(w.fs, fsnotify.Event{Name: c.name, Op: c.op})
		w.note(w.fs, fsnotify.Event{Name: "later", Op: fsnotify.Write})
		if w.named[c.name] != c.named || w.stale != c.stale || w.named["later"] {
			t.Errorf("%+v: %v %v", c, w.named, w.stale)
		}
	}
}

// TestWatcherSync: what is watched after a change, and what is not watched twice or at all.
// What the system tells is not listened to: the test says what was named.
func TestWatcherSync(t *testing.T) {
	w := newWatched(t)
	parent := filepath.Dir(w.dir)
	late := filepath.Join(parent, "late")
	mkdir(t, late)
	work, err := git.OpenWork([]string{w.dir, late}, parse.Identity)
	if err == nil {
		err = os.Remove(late)
	}
	if err != nil {
		t.Fatal(err)
	}
	fs, err := fsnotify.NewBufferedWatcher(1000)
	if err != nil {
		t.Fatal(err)
	}
	w.watcher = &watcher{work: work, signal: make(chan struct{}, 1), fs: fs, asked: map[string]bool{}}
	roots := map[git.Watched]bool{{Dir: parent}: true, {Dir: w.dir, Deep: true}: true, {Dir: late, Deep: true}: false}
	sync := func(what string, named []string, want ...string) {
		t.Helper()
		w.named = map[string]bool{}
		for _, n := range named {
			w.named[filepath.Join(parent, n)] = true
		}
		if err := w.sync(); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if want[i] = filepath.Join(parent, want[i]); !w.asked[want[i]] {
				t.Errorf("%s: %s is watched, and later events do not know", what, want[i])
			}
		}
		got := w.fs.WatchList()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: watched are %q, want %q", what, got, want)
		}
		if !maps.Equal(w.roots, roots) {
			t.Errorf("%s: roots %v, want %v", what, w.roots, roots)
		}
	}
	sync("at first", nil, ".", "root")
	mkdir(t, w.dir, "a", "b")
	mkdir(t, w.dir, "a", ".git", "objects")
	mkdir(t, w.dir, ".git", "objects")
	mkdir(t, parent, "beside", "c")
	sync("nothing is named", nil, ".", "root")
	sync("all are named", []string{"root/a", "root/.git", "beside", "root/none"}, ".", "root", "root/a", "root/a/b")
	mkdir(t, w.dir, "c")
	sync("a root is named", []string{"root"}, ".", "root", "root/a", "root/a/b", "root/c")
	mkdir(t, late, "d")
	roots[git.Watched{Dir: late, Deep: true}] = true
	sync("a root is there", nil, ".", "late", "late/d", "root", "root/a", "root/a/b", "root/c")
	link := filepath.Join(w.dir, "link")
	if err := os.Symlink(filepath.Join(w.dir, "a"), link); err != nil {
		t.Fatal(err)
	}
	sync("a link", []string{"root/link", "root/a"}, ".", "late", "late/d", "root", "root/a", "root/a/b", "root/c")
	if w.fs != fs {
		t.Error("it begins again for a link that takes no folder's place")
	}
	w.asked[link] = true
	sync("a link in the place of a folder", []string{"root/link"}, ".", "late", "late/d", "root", "root/a", "root/a/b", "root/c")
	if w.fs == fs || fs.Add(parent) == nil {
		t.Error("it goes on with a link that took a folder's place")
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"root/a", "root", "."} {
		w.named = map[string]bool{filepath.Join(parent, name): true}
		if err := w.sync(); err == nil {
			t.Errorf("%s cannot be watched, and that is no error", name)
		}
	}
	if known, err := w.add(w.dir, true); known || err == nil {
		t.Errorf("%v %v", known, err)
	}
}

// TestWatcherSignals: each event signals once, however many there are before the next look,
// and lost ones have all read and watched again.
func TestWatcherSignals(t *testing.T) {
	w := &watcher{work: newWatched(t).work, signal: make(chan struct{}, 1), asked: map[string]bool{}, named: map[string]bool{}}
	from := &fsnotify.Watcher{Events: make(chan fsnotify.Event), Errors: make(chan error)}
	w.fs = from
	ended := make(chan struct{})
	go func() {
		w.read(from)
		close(ended)
	}()
	for _, op := range []fsnotify.Op{fsnotify.Create, fsnotify.Write, fsnotify.Write} {
		from.Events <- fsnotify.Event{Name: "/a", Op: op}
	}
	<-w.signal
	from.Errors <- fsnotify.ErrEventOverflow
	<-w.signal
	from.Events <- fsnotify.Event{Name: "/b", Op: fsnotify.Create}
	<-w.signal
	close(from.Events)
	<-ended
	if !w.stale || !w.named["/a"] || !w.named["/b"] {
		t.Errorf("stale %v, named %v", w.stale, w.named)
	}
	other := &fsnotify.Watcher{Events: make(chan fsnotify.Event), Errors: make(chan error)}
	w.stale = false
	go func() {
		other.Errors <- fsnotify.ErrEventOverflow
		close(other.Errors)
	}()
	w.read(other)
	if w.stale {
		t.Error("what one that was replaced has lost counts")
	}
	if err := (&watcher{}).close(); err != nil {
		t.Error(err)
	}
}
