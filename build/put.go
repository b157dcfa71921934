package build

import (
	"context"
	"fmt"
	"sync"

	"github.com/regsnap/regsnap/layout"
)

// putter stores objects, a bounded number at once. Its workers stay until it is
// closed: the client of a cloud store goes so deep that growing the stack of a
// goroutine for each object took a sixth of the processor's time.
type putter struct {
	store    Store
	parallel int
	jobs     chan putJob
	// stored, if set, is called after each object.
	stored func(bytes int)
}

// putJob is an object on its way, and who wants to know what became of it.
type putJob struct {
	ctx    context.Context
	object layout.Object
	done   func(error)
}

func newPutter(store Store, parallel int, stored func(bytes int)) *putter {
	p := &putter{store: store, parallel: parallel, jobs: make(chan putJob), stored: stored}
	for range parallel {
		go p.work()
	}
	return p
}

// close ends the workers. Nothing may be put any more.
func (p *putter) close() { close(p.jobs) }

func (p *putter) work() {
	for j := range p.jobs {
		err := p.store.Put(j.ctx, j.object)
		switch {
		case err != nil:
			err = fmt.Errorf("store %s: %w", j.object.Key, err)
		case p.stored != nil:
			p.stored(len(j.object.Body))
		}
		j.done(err)
	}
}

// send waits for a worker. It fails only if ctx ends first.
func (p *putter) send(ctx context.Context, o layout.Object, done func(error)) error {
	select {
	case p.jobs <- putJob{ctx, o, done}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// now stores one object and waits for it.
func (p *putter) now(ctx context.Context, o layout.Object) error {
	done := make(chan error, 1)
	if err := p.send(ctx, o, func(err error) { done <- err }); err != nil {
		return err
	}
	return <-done
}

// putGroup is objects that are stored side by side and waited for together. The
// first that fails stops the others.
type putGroup struct {
	p      *putter
	ctx    context.Context
	cancel context.CancelCauseFunc
	sent   sync.WaitGroup
}

func (p *putter) group(ctx context.Context) *putGroup {
	ctx, cancel := context.WithCancelCause(ctx)
	return &putGroup{p: p, ctx: ctx, cancel: cancel}
}

func (g *putGroup) put(o layout.Object) { g.putThen(o, func() {}) }

// putThen also calls done once the object is no longer on its way.
func (g *putGroup) putThen(o layout.Object, done func()) {
	g.sent.Add(1)
	err := g.p.send(g.ctx, o, func(err error) {
		if err != nil {
			g.cancel(err)
		}
		done()
		g.sent.Done()
	})
	if err != nil {
		done()
		g.sent.Done()
	}
}

// wait returns once nothing of the group is on its way, with what failed first.
func (g *putGroup) wait() error {
	g.sent.Wait()
	err := context.Cause(g.ctx)
	g.cancel(nil)
	return err
}
