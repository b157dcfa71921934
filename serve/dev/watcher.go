package dev

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"

	"github.com/regsnap/regsnap/index/git"
)

// watcher notes changes of files for a WorkSource. Each directory is listed once, after
// the system was asked to tell of its changes. From then on only what an event names is
// looked at again: whatever appears in a directory later is the name of an event.
type watcher struct {
	work *git.WorkSource
	// signal has a value when there is something to look at.
	signal chan struct{}

	mu sync.Mutex
	fs *fsnotify.Watcher
	// roots are those of work that are watched.
	roots map[git.Watched]bool
	// asked are the directories that fs was asked to watch, also those that are gone
	// since: an event about one that was moved may be read long after another directory
	// has taken its place.
	asked map[string]bool
	// named is what events have named since the last sync: a directory of such a name is
	// not the one that is watched, or it may be another one.
	named map[string]bool
	// stale: what is watched cannot be told from events, so all is watched again.
	stale bool
}

func newWatcher(work *git.WorkSource) (*watcher, error) {
	w := &watcher{work: work, signal: make(chan struct{}, 1)}
	if err := w.restart(); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// restart begins with a new watcher. What happens meanwhile is noticed by one of them.
func (w *watcher) restart() error {
	next, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	w.mu.Lock()
	old := w.fs
	w.fs, w.stale = next, false
	w.roots, w.asked, w.named = map[git.Watched]bool{}, map[string]bool{}, map[string]bool{}
	w.mu.Unlock()
	go w.read(next)
	err = w.watch(nil)
	if old != nil {
		err = errors.Join(err, old.Close())
	}
	return err
}

func (w *watcher) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fs == nil {
		return nil
	}
	return w.fs.Close()
}

// read notes what a watcher tells, until it is closed.
func (w *watcher) read(from *fsnotify.Watcher) {
	for {
		select {
		case e, ok := <-from.Events:
			if !ok {
				return
			}
			w.note(from, e)
			w.work.Changed(e.Name)
		case _, ok := <-from.Errors:
			if !ok {
				return
			}
			// Events were lost, or it cannot be known whether any were.
			w.mu.Lock()
			w.stale = w.stale || from == w.fs
			w.mu.Unlock()
			w.work.Changed()
		}
		select {
		case w.signal <- struct{}{}:
		default:
		}
	}
}

// note notes which directories have to be looked at again. A watcher that was replaced
// says nothing about what its successor watches.
func (w *watcher) note(from *fsnotify.Watcher, e fsnotify.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if from != w.fs || !e.Has(fsnotify.Create|fsnotify.Remove|fsnotify.Rename|fsnotify.Chmod) {
		return
	}
	w.named[e.Name] = true
	// The watches of a directory that was moved, and of all below it, go on under
	// the old names.
	w.stale = w.stale || e.Has(fsnotify.Rename) && w.asked[e.Name]
}

// sync watches directories that are new, and has them read: they may have been read since
// the event that named them, when nothing told yet of what changed in them later.
func (w *watcher) sync() error {
	w.mu.Lock()
	stale, named := w.stale, w.named
	w.named = map[string]bool{}
	w.mu.Unlock()
	if stale {
		w.work.Changed()
		return w.restart()
	}
	return w.watch(named)
}

// watch watches what is new of the roots, and the directories among what was named.
func (w *watcher) watch(named map[string]bool) error {
	roots := w.work.Watched()
	now := make(map[git.Watched]bool, len(roots))
	for _, d := range roots {
		known := w.roots[d]
		for name := range named {
			known = known && !within(d.Dir, name)
		}
		if !known {
			var err error
			if known, err = w.add(d.Dir, d.Deep); err != nil {
				return err
			}
			w.work.Changed(d.Dir)
		}
		now[d] = known
	}
	w.roots = now
	for name := range named {
		for _, d := range roots {
			if d.Deep && name != d.Dir && within(name, d.Dir) {
				if err := w.again(name); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

// within reports whether a path is a directory or below it.
func within(path, dir string) bool {
	rest, ok := strings.CutPrefix(path, dir)
	return ok && (rest == "" || os.IsPathSeparator(rest[0]) || os.IsPathSeparator(dir[len(dir)-1]))
}

// again watches what has a name now, if that is a directory.
func (w *watcher) again(name string) error {
	info, err := os.Lstat(name)
	if err != nil || filepath.Base(name) == ".git" {
		return nil // gone again: what removed it named it too
	}
	if info.Mode().Type() == fs.ModeSymlink {
		// It may have been followed when it took the place of a directory.
		w.mu.Lock()
		w.stale = w.stale || w.asked[name]
		stale := w.stale
		w.mu.Unlock()
		if stale {
			return w.sync()
		}
	}
	if info.IsDir() {
		_, err = w.add(name, true)
		w.work.Changed(name)
	}
	return err
}

// add watches a directory, also if one of this name was watched before: it may be
// another one. It reports whether there is one.
func (w *watcher) add(dir string, deep bool) (bool, error) {
	w.mu.Lock()
	w.asked[dir] = true // before it is, for events that come at once
	to := w.fs
	w.mu.Unlock()
	err := to.Add(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return false, nil // what removed it, or lets it be read, is noticed where it is
	}
	if err != nil || !deep {
		return err == nil, err
	}
	dirents, err := os.ReadDir(dir)
	if err != nil {
		return true, nil // gone, or not to be read: a finding says so
	}
	for _, d := range dirents {
		if d.IsDir() && d.Name() != ".git" {
			if _, err := w.add(filepath.Join(dir, d.Name()), true); err != nil {
				return true, err
			}
		}
	}
	return true, nil
}
