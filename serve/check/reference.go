package check

import (
	"context"
	"fmt"
	"net/http"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/serve"
)

// referenceCache bounds what the bucket's side of one snapshot keeps in memory,
// in bytes.
const referenceCache = 64 << 20

// reference gives the bucket's own answers out of one snapshot.
type reference struct {
	id      string
	table   *answer.Table
	handler *serve.Handler
}

// pinned is a bucket in which one snapshot is live, whatever the pointer says. Its routes
// were read.
type pinned struct {
	serve.Bucket
	id     string
	routes *layout.Routes
}

func (p pinned) Pointer(_ context.Context, env string) (layout.Pointer, error) {
	return layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: p.id}, nil
}

func (p pinned) Routes(context.Context, string, string) (*layout.Routes, error) { return p.routes, nil }

func newReference(ctx context.Context, o Options, id string) (*reference, error) {
	routes, err := o.Bucket.Routes(ctx, o.Environment, id)
	if err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", id, err)
	}
	r := &reference{id: id}
	if r.table, err = answer.NewTable(routes); err != nil {
		return nil, fmt.Errorf("snapshot %s: %w", id, err)
	}
	r.handler, err = serve.New(ctx, serve.Options{
		Bucket: pinned{o.Bucket, id, routes}, Environments: []serve.Environment{{Name: o.Environment}}, Default: o.Environment,
		Prefix: o.prefix(), CacheBytes: referenceCache,
	})
	if err != nil {
		return nil, err
	}
	r.handler.Close() // its pointer never moves
	return r, ctx.Err()
}

// answer is what the bucket says to a request. The error is that of the bucket.
func (r *reference) answer(ctx context.Context, a ask, prefix string) (got *reply, err error) {
	req, err := http.NewRequestWithContext(ctx, a.method, "http://registry"+prefix+a.target, nil)
	if err != nil {
		return nil, err
	}
	req.RequestURI = prefix + a.target
	for _, headers := range []map[string]string{a.header, a.own} {
		for name, value := range headers {
			req.Header.Set(name, value)
		}
	}
	w := &recorder{reply: reply{header: http.Header{}}, body: newTaker()}
	defer func() {
		// The handler ends an answer that it cannot finish in this way.
		if p := recover(); p == http.ErrAbortHandler && ctx.Err() != nil {
			got, err = nil, ctx.Err()
		} else if p == http.ErrAbortHandler {
			got, err = nil, fmt.Errorf("the bucket's own answer to %s ended early", a)
		} else if p != nil {
			panic(p)
		}
	}()
	r.handler.ServeHTTP(w, req)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	w.sent = w.body.content()
	if w.status >= http.StatusInternalServerError {
		return nil, fmt.Errorf("the bucket's own answer to %s is %d: %s", a, w.status, w.sent.kept)
	}
	if err := w.decode(maxKept); err != nil {
		return nil, fmt.Errorf("the bucket's own answer to %s: %w", a, err)
	}
	return &w.reply, nil
}

// recorder is an http.ResponseWriter that takes an answer in.
type recorder struct {
	reply
	body *taker
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.header = w.header.Clone()
	}
}

func (w *recorder) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}
