package edgetest

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
)

// Recorder asks the Go edge what requests get.
type Recorder struct {
	handler *serve.Handler
	server  *httptest.Server
	client  Client
	table   *answer.Table
}

// NewRecorder serves an environment's live snapshot over loopback.
func NewRecorder(ctx context.Context, b *publish.Bucket, env string) (*Recorder, error) {
	p, err := b.Pointer(ctx, env)
	if err != nil {
		return nil, err
	}
	routes, err := b.Routes(ctx, env, p.Snapshot)
	if err != nil {
		return nil, err
	}
	r := &Recorder{}
	if r.table, err = answer.NewTable(routes); err != nil {
		return nil, err
	}
	r.handler, err = serve.New(ctx, serve.Options{Bucket: b, Environments: []serve.Environment{{Name: env}}, Default: env, Poll: time.Hour})
	if err != nil {
		return nil, err
	}
	r.server = httptest.NewServer(r.handler)
	r.client = Client{Addr: r.server.Listener.Addr().String(), Host: env + ".registry.example"}
	return r, nil
}

// Close ends the server.
func (r *Recorder) Close() {
	_ = r.client.Close() // nothing is lost
	r.server.Close()
	r.handler.Close()
}

// Addr is where the Go edge listens.
func (r *Recorder) Addr() string { return r.client.Addr }

// Complete asks what a request gets.
func (r *Recorder) Complete(c Case) (Case, error) {
	reply, err := r.client.Do(c)
	if err != nil {
		return Case{}, err
	}
	c.Want = reply.Want()
	c.Want.Key = r.key(c)
	return c, nil
}

// Record completes a request with what it gets, and adds those that a client
// would send later that has the answer.
func (r *Recorder) Record(c Case) ([]Case, error) {
	c, err := r.Complete(c)
	if err != nil {
		return nil, err
	}
	out := []Case{c}
	tag := c.Want.Headers["etag"]
	if tag == "" || len(c.Headers) > 1 {
		return out, nil
	}
	again := func(name, value string) error {
		next := Case{Method: c.Method, Target: c.Target, Headers: map[string]string{name: value}}
		for k, v := range c.Headers {
			next.Headers[k] = v
		}
		next, err := r.Complete(next)
		out = append(out, next)
		return err
	}
	// One kind after the other, so that all come up over many requests.
	switch len(c.Target) % 5 {
	case 0:
		err = again("If-None-Match", tag)
	case 1:
		err = again("If-None-Match", `"other", W/`+tag)
	case 2:
		err = again("If-Match", "W/"+tag)
	case 3:
		if modified := c.Want.Headers["last-modified"]; modified != "" {
			err = again("If-Modified-Since", modified)
		}
	case 4:
		err = again("If-Match", tag)
	}
	return out, err
}

// key is the object that layout names for a request.
func (r *Recorder) key(c Case) string {
	path, query, found := strings.Cut(c.Target, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return ""
	}
	a := r.table.Answer(c.Method, &url.URL{Path: decoded, RawQuery: query, ForceQuery: found && query == ""})
	switch a.Kind {
	case answer.Document, answer.Search, answer.Count:
		return layout.ResponseKey(a.Digest)
	case answer.Archive:
		return a.Revision.ArchiveKey()
	case answer.Signature:
		return a.Revision.SignatureKey()
	case answer.File:
		return a.Revision.FileKey(a.Path)
	}
	return ""
}

// RandomCases records random requests to an environment's live snapshot.
func RandomCases(ctx context.Context, b *publish.Bucket, env string, seed uint64, n int) ([]Case, error) {
	requests, err := NewRequests(ctx, b, env, seed)
	if err != nil {
		return nil, err
	}
	r, err := NewRecorder(ctx, b, env)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return r.random(requests, n)
}

// random records n random requests or a few more.
func (r *Recorder) random(requests *Requests, n int) ([]Case, error) {
	var out []Case
	for len(out) < n {
		cases, err := r.Record(requests.Next())
		if err != nil {
			return nil, err
		}
		out = append(out, cases...)
	}
	return out, nil
}
