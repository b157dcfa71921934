package dev

import (
	"context"
	"net/http"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// early is what a registry answers with while its first build makes archives and pages:
// searches and documents are there, an archive or a file is made when it is asked for.
type early struct {
	table *answer.Table
	// missing are the revisions that are being made. A channel is closed when all of a
	// revision is there.
	missing map[layout.Revision]<-chan struct{}
	urgent  chan layout.Revision
	over    chan struct{} // closed when the build has ended, one way or the other
}

// maxUrgent is how many requests for something to be made first are remembered. Others
// wait until it is made in turn.
const maxUrgent = 256

// answerEarly makes what the first build has so far answer. What is built later answers
// at once as a whole: there is a complete registry to show meanwhile.
func (r *Registry) answerEarly(ctx context.Context, started time.Time, e build.Early, urgent chan layout.Revision) error {
	routes := e.Routes
	if r.o.Environment.Catalogue {
		// Files are answered as those of a registry with a catalogue are. Its pages
		// are not asked for before they are there.
		routes.Site = layout.DigestOf(nil)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		return err
	}
	early := &early{table: table, missing: map[layout.Revision]<-chan struct{}{}, urgent: urgent, over: make(chan struct{})}
	for _, rev := range e.Missing {
		early.missing[rev] = r.store.arrival(rev.ContentsKey())
	}
	env := r.o.Environment.Name
	if err := r.store.Put(ctx, layout.RoutesObject(env, e.ID).With(routes.Encode())); err != nil {
		return err
	}
	r.store.setLive(e.ID)
	if err := r.handler.Refresh(ctx); err != nil {
		return err
	}
	r.early.Store(early)
	if r.o.Answering != nil {
		r.o.Answering(routes.Rows(), time.Since(started))
	}
	return nil
}

// endEarly ends what answerEarly began: all is there now, or never will be.
func (r *Registry) endEarly() {
	if e := r.early.Swap(nil); e != nil {
		close(e.over)
		r.store.forgetArrivals()
	}
}

// ready waits for what a request is about, and reports whether that can be answered.
func (e *early) ready(req *http.Request) bool {
	a := e.table.Answer(req.Method, req.URL)
	if a.Kind != answer.Archive && a.Kind != answer.Signature && a.Kind != answer.File {
		return true
	}
	arrived, waits := e.missing[a.Revision]
	if !waits {
		return true
	}
	select {
	case <-arrived:
		return true
	case e.urgent <- a.Revision:
	default:
	}
	select {
	case <-arrived:
		return true
	case <-e.over:
	case <-req.Context().Done():
	}
	select {
	case <-arrived:
		return true
	default:
		return false
	}
}
