package dev

import (
	"context"
	"errors"
	"io/fs"
	"time"

	"github.com/regsnap/regsnap/index/git"
)

// How changes are gathered: an editor writes a file in several steps, and a checkout
// changes thousands. A change is looked at once nothing else has happened for quiet, or
// after patience at the latest.
const (
	quiet    = 15 * time.Millisecond
	patience = 150 * time.Millisecond
)

// Watch rebuilds whenever something has changed, until ctx ends, and calls done after
// each time. every is how often to look, for file systems that do not tell; 0 is to be
// told. fallback is called if the system cannot tell of so many directories: then it
// looks, too.
func (r *Registry) Watch(ctx context.Context, every time.Duration, fallback func(error), done func(State)) error {
	if err := r.fetch(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if every == 0 {
		w, err := newWatcher(r.o.Work)
		if err == nil {
			err = r.watch(ctx, w, done)
		}
		if err == nil {
			return nil
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

// disturbed reports whether a build ended because files changed under it.
func disturbed(err error) bool {
	return errors.Is(err, git.ErrChanged) || errors.Is(err, fs.ErrNotExist)
}

// settle rebuilds until that is not disturbed by further changes. look notes them.
func (r *Registry) settle(ctx context.Context, look func(), done func(State)) {
	for n := 1; ; n++ {
		s, err := r.update(ctx)
		if ctx.Err() != nil {
			return
		}
		if !disturbed(err) {
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
