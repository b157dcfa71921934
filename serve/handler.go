package serve

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// Handler answers the registry API of one or more environments. It follows
// their pointers until it is closed.
type Handler struct {
	o       Options
	store   countedStore
	hosts   hosts
	all     []*environment
	objects *objects
	metrics *metrics
	// slots bounds the requests in work; nil is no bound.
	slots chan struct{}
	// assembling bounds the responses that are being put together at once, by the
	// bytes of their answers; the parts of the catalog take a tenth of that more.
	assembling *semaphore.Weighted
	held       *held
	previews   *previews

	stop      context.CancelFunc
	following sync.WaitGroup
	// draining: the server was asked to end.
	draining atomic.Bool
}

// New checks the options, loads what is live, and goes on following the
// pointers. That an environment cannot be loaded is no error: it answers 503
// until it can, and Ready tells. The context bounds the first loading only.
func New(ctx context.Context, o Options) (*Handler, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	all, hosts, err := newHosts(o.Environments, o.Default)
	if err != nil {
		return nil, err
	}
	previews, err := newPreviews(o.Previews, all)
	if err != nil {
		return nil, fmt.Errorf("serve: previews: %w", err)
	}
	h := &Handler{o: o, previews: previews, hosts: hosts, all: all, assembling: semaphore.NewWeighted(o.CacheBytes), held: newHeld(o.CacheBytes)}
	if o.MaxRequests > 0 {
		h.slots = make(chan struct{}, o.MaxRequests)
	}
	h.objects = newObjects(o.CacheBytes, o.StoreTimeout)
	if h.metrics, err = newMetrics(o.Metrics, h, all); err != nil {
		return nil, err
	}
	h.store = countedStore{o.Bucket, make(chan struct{}, maxLoading), func(op string) { h.metrics.storeErrors.WithLabelValues(op).Inc() }}
	var first sync.WaitGroup
	for _, env := range all {
		first.Go(func() { h.refresh(ctx, env) })
	}
	first.Wait()
	following, stop := context.WithCancel(context.Background())
	h.stop = stop
	for _, env := range all {
		h.following.Go(func() { h.follow(following, env) })
	}
	return h, nil
}

// Close stops following the pointers. Requests are still answered, from what is
// live then.
func (h *Handler) Close() {
	h.stop()
	h.following.Wait()
}

// unready lists the environments that have nothing to answer from yet.
func (h *Handler) unready() []string {
	var names []string
	for _, env := range h.all {
		if env.live.Load() == nil {
			names = append(names, env.name)
		}
	}
	return names
}

// Live gives the id of the snapshot that an environment answers from; empty
// when there is none.
func (h *Handler) Live(env string) string {
	for _, e := range h.all {
		if e.name == env {
			return e.liveID()
		}
	}
	return ""
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := newExchange(w, r, h.o.Stall)
	start := time.Now()
	defer func() { x.end(); h.finish(x, time.Since(start)) }()
	if r.ContentLength == 0 {
		// The request is read. The server's limit for that must not end the
		// request's context while a client is still downloading.
		_ = x.control.SetReadDeadline(time.Time{})
	}
	x.Header()["Access-Control-Allow-Origin"] = anyOrigin
	if h.slots != nil {
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		default:
			x.unavailable("too many requests at once", time.Second)
			return
		}
	}
	h.serve(x)
}

// Values of headers that never change; net/http only reads them.
var (
	anyOrigin      = []string{"*"}
	varyByEncoding = []string{"Accept-Encoding"}
	byteRanges     = []string{"bytes"}
	gzipEncoding   = []string{"gzip"}
	noStore        = layout.CachePolicy{}.Header(layout.CacheError)
)

func (h *Handler) serve(x *exchange) {
	r := x.r
	env := h.environment(r.Host)
	if env == nil && r.URL.Path == h.o.Prefix+healthPath {
		env = h.probed()
	}
	if env == nil {
		x.fail(http.StatusMisdirectedRequest, "no environment of this registry answers for the host "+strconv.QuoteToASCII(r.Host[:min(len(r.Host), longestHost)])+", only for "+h.names())
		return
	}
	x.env, x.preview = env.name, env.preview
	x.snapshot = env.live.Load()
	if x.snapshot == nil {
		x.unavailable("environment "+env.name+" has no snapshot that could be loaded yet", h.o.Poll)
		return
	}
	u, ok := h.withoutPrefix(r.URL)
	if !ok {
		x.fail(http.StatusNotFound, "404 page not found")
		return
	}
	x.u = u
	x.answer = x.snapshot.answer(r.Method, u)
	x.route = routeOf(u.Path, x.answer)
	switch x.answer.Kind {
	case answer.Direct:
		h.direct(x)
	case answer.Document, answer.Search, answer.Count:
		h.response(x)
	case answer.File:
		h.file(x)
	case answer.Page:
		h.page(x)
	case answer.Live:
		x.answer.Body = env.tell(x.snapshot)
		h.direct(x)
	case answer.Archive:
		h.archive(x)
	case answer.Signature:
		h.signature(x)
	}
}

// healthPath is asked by load balancers and orchestrators, which name an address
// in Host, not an environment.
const healthPath = "/health"

// longestHost is how much of an unknown Host is quoted, in bytes: names of the
// DNS are no longer (RFC 1035, section 2.3.4).
const longestHost = 255

// probed is the environment that answers a probe without a known Host: one that
// is not live, if there is one, else any.
func (h *Handler) probed() *environment {
	for _, env := range h.all {
		if env.live.Load() == nil {
			return env
		}
	}
	return h.all[0]
}

// environment is what a host stands for; nil for nothing.
func (h *Handler) environment(host string) *environment {
	if name, matches := h.o.Previews.Match(normalHost(host)); matches && h.hosts.byName[normalHost(host)] == nil {
		return h.preview(name)
	}
	return h.hosts.find(host)
}

// names lists the hosts that there are, as a sentence does.
func (h *Handler) names() string {
	if h.o.Previews == "" {
		return h.hosts.names()
	}
	return h.hosts.names() + ", and previews at " + string(h.o.Previews)
}

// withoutPrefix takes the deployment's path prefix off; ok is false for a path
// that does not have it.
func (h *Handler) withoutPrefix(u *url.URL) (short *url.URL, ok bool) {
	if h.o.Prefix == "" {
		return u, true
	}
	rest, ok := strings.CutPrefix(u.Path, h.o.Prefix)
	if !ok || rest != "" && rest[0] != '/' {
		return nil, false
	}
	// RawPath is left out: layout goes by the decoded path.
	return &url.URL{Path: rest, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}, true
}

// direct sends an answer that needs no object.
func (h *Handler) direct(x *exchange) {
	x.head()
	header, a := x.Header(), x.answer
	body := a.Body
	if a.Location != "" {
		header["Location"] = []string{h.o.Prefix + a.Location}
		if h.o.Prefix != "" {
			link := `<a href="`
			body = []byte(strings.Replace(string(body), link, link+html.EscapeString(h.o.Prefix), 1))
		}
	}
	if a.Status == http.StatusMethodNotAllowed {
		header["Allow"] = []string{"GET, HEAD"}
	}
	if a.Status == http.StatusOK && len(body) > 0 {
		tag := etag(string(layout.DigestOf(body)))
		if x.settled(tag) {
			return
		}
	}
	x.send(a.Status, body)
}
