package dev

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/regsnap/regsnap/index/git"
)

// How changes are gathered: an editor writes a file in several steps, and a checkout
// changes thousands. A change is looked at once nothing else has happened for quiet, or
// after patience at the latest.
const (
	quiet    = 15 * time.Millisecond
	patience = 150 * time.Millisecond
)

// watcher notes changes of files for a WorkSource.
type watcher struct {
	work *git.WorkSource
	// signal has a value when there is something to look at.
	signal chan struct{}

	mu      sync.Mutex
	fs      *fsnotify.Watcher
	watched map[string]bool
	stale   bool // some directory was moved: what is watched is called otherwise now
}

func newWatcher(work *git.WorkSource) (*watcher, error) {
	w := &watcher{work: work, signal: make(chan struct{}, 1)}
	return w, w.restart()
}

// restart begins with a new watcher. What happens meanwhile is noticed by one of them.
func (w *watcher) restart() error {
	next, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	w.mu.Lock()
	old := w.fs
	w.fs, w.watched, w.stale = next, map[string]bool{}, false
	w.mu.Unlock()
	go w.read(next)
	err = w.sync()
	if old != nil {
		err = errors.Join(err, old.Close())
	}
	return err
}

func (w *watcher) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
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
			w.note(e)
		case _, ok := <-from.Errors:
			if !ok {
				return
			}
			// Events were lost, or it cannot be known whether any were.
			w.mu.Lock()
			w.stale = true
			w.mu.Unlock()
			w.work.Changed()
			w.wake()
		}
	}
}

func (w *watcher) note(e fsnotify.Event) {
	w.mu.Lock()
	if w.watched[e.Name] && e.Has(fsnotify.Remove|fsnotify.Rename) {
		delete(w.watched, e.Name)
		w.stale = w.stale || e.Has(fsnotify.Rename)
	}
	w.mu.Unlock()
	w.work.Changed(e.Name)
	w.wake()
}

func (w *watcher) wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// sync watches directories that are new. It must be called before they are read: what
// changes later is noticed then.
func (w *watcher) sync() error {
	w.mu.Lock()
	stale := w.stale
	w.mu.Unlock()
	if stale {
		w.work.Changed()
		return w.restart()
	}
	for _, d := range w.work.Watched() {
		if err := w.add(d.Dir, d.Deep); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) add(dir string, deep bool) error {
	w.mu.Lock()
	known, to := w.watched[dir], w.fs
	w.mu.Unlock()
	if !known {
		err := to.Add(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // what removed it is noticed where it was
		}
		if err != nil {
			return err
		}
		w.mu.Lock()
		w.watched[dir] = true
		w.mu.Unlock()
	}
	if !deep {
		return nil
	}
	dirents, err := os.ReadDir(dir)
	if err != nil {
		return nil // gone, or not to be read: a finding says so
	}
	for _, d := range dirents {
		if d.IsDir() && d.Name() != ".git" {
			if err := w.add(filepath.Join(dir, d.Name()), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// poller notes changes by looking at all files again and again.
type poller struct {
	work *git.WorkSource
	seen map[string]fileState
}

// fileState is what is different once a file has changed.
type fileState struct {
	size, modified int64
	mode           fs.FileMode
}

// look notes what has changed since the last look.
func (p *poller) look() bool {
	now := map[string]fileState{}
	for _, d := range p.work.Watched() {
		_ = filepath.WalkDir(d.Dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if e.IsDir() && path != d.Dir && (e.Name() == ".git" || !d.Deep) {
				return fs.SkipDir
			}
			if info, err := e.Info(); err == nil {
				state := fileState{info.Size(), info.ModTime().UnixNano(), info.Mode()}
				if e.IsDir() {
					state.size, state.modified = 0, 0
				}
				now[path] = state
			}
			return nil
		})
	}
	var changed []string
	for path, state := range now {
		if old, was := p.seen[path]; !was || old != state {
			changed = append(changed, path)
		}
	}
	for path := range p.seen {
		if _, still := now[path]; !still {
			changed = append(changed, path)
		}
	}
	p.seen = now
	if len(changed) > 0 {
		p.work.Changed(changed...)
	}
	return len(changed) > 0
}

// Watch rebuilds whenever something has changed, until ctx ends, and calls done after
// each time. every is how often to look, for file systems that do not tell; 0 is to be
// told. fallback is called if the system cannot tell of so many directories: then it
// looks, too.
func (r *Registry) Watch(ctx context.Context, every time.Duration, fallback func(error), done func(State)) error {
	if every == 0 {
		w, err := newWatcher(r.o.Work)
		if err == nil {
			return r.watch(ctx, w, done)
		}
		fallback(err)
		every = time.Second
	}
	p := &poller{work: r.o.Work}
	for p.look(); ; {
		r.settle(ctx, func() { p.look() }, done)
		for waited := false; !waited || !p.look(); waited = true {
			if !pause(ctx, every) {
				return nil
			}
		}
	}
}

// pause waits, and reports whether the whole time has gone by.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retries is how long to wait before another try, where files changed under a build,
// and after how many tries everything is read again.
const (
	retries  = 50 * time.Millisecond
	patientN = 5
)

// settle rebuilds until that is not disturbed by further changes. look notes them.
func (r *Registry) settle(ctx context.Context, look func(), done func(State)) {
	for n := 1; ; n++ {
		s, err := r.update(ctx)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, git.ErrChanged) && !errors.Is(err, fs.ErrNotExist) {
			done(s)
			return
		}
		if !pause(ctx, retries) {
			return
		}
		look()
		if n%patientN == 0 {
			r.o.Work.Changed()
		}
	}
}

func (r *Registry) watch(ctx context.Context, w *watcher, done func(State)) error {
	defer w.close()
	r.settle(ctx, func() {}, done)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.signal:
		}
		for began := time.Now(); time.Since(began) < patience; {
			if !pause(ctx, quiet) {
				return nil
			}
			select {
			case <-w.signal:
				continue
			default:
			}
			break
		}
		if err := w.sync(); err != nil {
			return err
		}
		r.settle(ctx, func() {}, done)
	}
}
