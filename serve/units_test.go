package serve

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// client is a connection that notes how it is written to.
type client struct {
	*httptest.ResponseRecorder
	pieces    []int
	deadlines []time.Time
	fails     error // of every write
}

func newClient() *client { return &client{ResponseRecorder: httptest.NewRecorder()} }

func (c *client) Write(p []byte) (int, error) {
	c.pieces = append(c.pieces, len(p))
	if c.fails != nil {
		return 0, c.fails
	}
	return c.ResponseRecorder.Write(p)
}

func (c *client) SetWriteDeadline(at time.Time) error {
	c.deadlines = append(c.deadlines, at)
	return nil
}

func (c *client) exchange(method string, stall time.Duration) *exchange {
	return newExchange(c, httptest.NewRequest(method, "/", nil), stall)
}

// TestPieces: what is written under one deadline is 128 KiB at most.
func TestPieces(t *testing.T) {
	const piece = 128 << 10
	for size, want := range map[int][]int{
		0: {0}, 1: {1}, piece - 1: {piece - 1}, piece: {piece}, piece + 1: {piece, 1}, 2 * piece: {piece, piece}, 2*piece + 5: {piece, piece, 5},
	} {
		content := bytes.Repeat([]byte("x"), size)
		c := newClient()
		x := c.exchange("GET", time.Hour)
		before := time.Now()
		n, err := x.Write(content)
		if n != size || err != nil || !slices.Equal(c.pieces, want) || len(c.deadlines) != len(want) || x.bytes != int64(size) || x.lost {
			t.Errorf("%d bytes: %d, %v; pieces %v, want %v, with %d deadlines", size, n, err, c.pieces, want, len(c.deadlines))
		}
		for _, at := range c.deadlines {
			if wait := at.Sub(before); wait < time.Hour || wait > 2*time.Hour {
				t.Errorf("%d bytes: a deadline in %s", size, wait)
			}
		}
		if size == 0 {
			continue
		}
		// copyFrom sends as many bytes as it is to, of a reader that may have more.
		for _, source := range []io.Reader{bytes.NewReader(append(content, "more"...)), bytes.NewReader(content), memory{nil, content}} {
			c := newClient()
			if err := c.exchange("GET", time.Hour).copyFrom(source, int64(size)); err != nil || !bytes.Equal(c.Body.Bytes(), content) || !slices.Equal(c.pieces, want) {
				t.Errorf("%d bytes of a %T: %d came in %v, %v", size, source, c.Body.Len(), c.pieces, err)
			}
		}
		c = newClient()
		if err := c.exchange("GET", time.Hour).copyFrom(bytes.NewReader(content[1:]), int64(size)); err == nil || c.Body.Len() != size-1 {
			t.Errorf("one of %d bytes is missing: %d came, %v", size, c.Body.Len(), err)
		}
		gone := errors.New("connection reset by peer")
		for _, source := range []io.Reader{bytes.NewReader(content), memory{nil, content}} {
			c := newClient()
			c.fails = gone
			x := c.exchange("GET", time.Hour)
			if err := x.copyFrom(source, int64(size)); !errors.Is(err, gone) || !x.lost || x.bytes != 0 || len(c.pieces) != 1 {
				t.Errorf("%d bytes for a client that went away: %v, in %v", size, err, c.pieces)
			}
		}
	}
}

// TestSend: what an answer's body and length are by method.
func TestSend(t *testing.T) {
	gone := errors.New("connection reset by peer")
	for _, c := range []struct {
		method, body string
		fails        error
		pieces       []int
	}{
		{"GET", "body", nil, []int{4}}, {"GET", "", nil, nil}, {"HEAD", "body", nil, nil}, {"POST", "body", nil, []int{4}}, {"GET", "body", gone, []int{4}},
	} {
		w := newClient()
		w.fails = c.fails
		x := w.exchange(c.method, time.Hour)
		x.send(201, []byte(c.body))
		if w.Code != 201 || x.status != 201 || !slices.Equal(w.pieces, c.pieces) || w.Header().Get("Content-Length") != fmt.Sprint(len(c.body)) || x.err != c.fails {
			t.Errorf("%s %q: %d, %v, %v, %v", c.method, c.body, w.Code, w.pieces, w.Header(), x.err)
		}
	}
	// The first status counts, as it does for the client.
	w := newClient()
	x := w.exchange("GET", time.Hour)
	x.WriteHeader(200)
	x.WriteHeader(500)
	if x.status != 200 {
		t.Errorf("status %d", x.status)
	}
	if x.Unwrap() != http.ResponseWriter(w) {
		t.Error("the connection cannot be reached")
	}
}

// TestErrors: an error has no header of the answer that it is instead of, and says when to
// ask again: in whole seconds, one at least.
func TestErrors(t *testing.T) {
	for retry, want := range map[time.Duration]string{
		0: "1", 1: "1", time.Second: "1", time.Second + 1: "2", 2 * time.Second: "2", 90*time.Second - 1: "90", 90 * time.Second: "90",
	} {
		w := newClient()
		for _, name := range []string{"Etag", "Accept-Ranges", "Content-Encoding", "Vary", "Last-Modified"} {
			w.Header().Set(name, "x")
		}
		w.exchange("GET", time.Hour).unavailable("busy", retry)
		want := fmt.Sprint(http.Header{
			"Retry-After": {want}, "Content-Type": {"text/plain; charset=utf-8"}, "Content-Length": {"5"}, "Last-Modified": {"x"},
			"Cache-Control": {"max-age=0", "private, no-store"},
		})
		if got := fmt.Sprint(w.Header()); got != want || w.Code != 503 || w.Body.String() != "busy\n" {
			t.Errorf("%s: %d %s %q, want %s", retry, w.Code, got, w.Body, want)
		}
	}
}

// TestHeld: objects are counted once however often they are held, up to the bound.
func TestHeld(t *testing.T) {
	h := newHeld(10)
	take := func(what string, o object, want int64) func() {
		t.Helper()
		release, err := h.take(o)
		if (err == nil) != (want >= 0) || err != nil && !errors.Is(err, errBusy) {
			t.Errorf("%s: %v", what, err)
		}
		if want >= 0 && h.bytes() != want {
			t.Errorf("%s: %d bytes are held, want %d", what, h.bytes(), want)
		}
		return release
	}
	const refused = -1
	six, four, one := bodyObject([]byte("123456")), bodyObject([]byte("1234")), bodyObject([]byte("1"))
	first := take("six", six, 6)
	second := take("six again", six, 6)
	take("nothing", bodyObject(nil), 6)()
	take("absent", object{absent: true}, 6)()
	third := take("four more: the bound", four, 10)
	take("one too many", one, refused)
	fourth := take("four again, at the bound", four, 10)
	first()
	if h.bytes() != 10 {
		t.Errorf("one of two let go: %d bytes", h.bytes())
	}
	second()
	if h.bytes() != 4 {
		t.Errorf("both let go: %d bytes", h.bytes())
	}
	third()
	fourth()
	if h.bytes() != 0 || len(h.users) != 0 {
		t.Errorf("all let go: %d bytes, %v", h.bytes(), h.users)
	}
	alone := take("larger than the bound, alone", bodyObject(make([]byte, 11)), 11)
	take("beside it", one, refused)
	alone()
	list := object{contents: &layout.Contents{}, size: 7}
	first = take("a list", list, 7)
	take("the list again", list, 7)()
	take("another list", object{contents: &layout.Contents{}, size: 7}, refused)
	first()
	if h.bytes() != 0 {
		t.Errorf("in the end: %d bytes", h.bytes())
	}
}

// TestNormalHost: the forms of one host.
func TestNormalHost(t *testing.T) {
	for host, want := range map[string]string{
		"": "", ".": "", "a": "a", "A.Example": "a.example", "a.example.": "a.example", "a.example..": "a.example.", "a.example:80": "a.example", "a.example.:80": "a.example",
		"a.example:": "a.example", "[::1]": "::1", "[::1]:80": "::1", "::1": "::1", "[FE80::A]:443": "fe80::a", "a:b:c": "a:b:c", "AZaz@[`{": "azaz@[`{",
		"\u212a.example": "\u212a.example", "\u00c4.example": "\u00c4.example",
	} {
		if got := normalHost(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
	_, hosts, err := newHosts([]Environment{{Name: "a", Hostnames: []string{"b.example", "a.example"}}, {Name: "b"}}, "b")
	if err != nil || hosts.names() != "a.example, b.example" || hosts.find("other").name != "b" || hosts.find("A.example:1").name != "a" {
		t.Errorf("%v, %v", hosts, err)
	}
	_, hosts, err = newHosts([]Environment{{Name: "a"}}, "a")
	if err != nil || hosts.names() != "the hosts of its configuration, which names none" || hosts.find("other").name != "a" || hosts.find("").name != "a" {
		t.Errorf("%v, %v", hosts, err)
	}
	_, hosts, err = newHosts([]Environment{{Name: "a"}}, "")
	if err != nil || hosts.find("") != nil || hosts.find("a") != nil {
		t.Errorf("%v, %v", hosts, err)
	}
}

// TestRouteOf: what metrics and log call a request.
func TestRouteOf(t *testing.T) {
	for path, want := range map[string]string{
		"/": "index", "/index.json": "index", "/search": "search", "/categories": "categories", "/health": "health",
		"/package/a/1.0.0/": "package", "/package/": "package", "/package": "other", "/artifacts/static/a": "package",
		"/epr/a/a-1.0.0.zip": "archive", "/artifacts/packages/a": "archive", "/epr": "other", "/search/": "other", "": "other", "/favicon.ico": "other",
	} {
		if got := routeOf(path, answer.Answer{}); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
	for kind, want := range map[answer.Kind]string{
		answer.File: "file", answer.Archive: "archive", answer.Signature: "signature", answer.Page: "page", answer.Live: "page", answer.Document: "package", answer.Search: "package",
	} {
		if got := routeOf("/package/a/1.0.0/", answer.Answer{Kind: kind}); got != want {
			t.Errorf("%v: %s, want %s", kind, got, want)
		}
	}
}

// TestTags: validators are of content alone.
func TestTags(t *testing.T) {
	sum := strings.Repeat("0123456789abcdef", 4)
	if got := fileTag(sum); got != `"0123456789abcdef0123456789abcdef"` {
		t.Error(got)
	}
	if got := fileTag("abc"); got != `"abc"` {
		t.Error(got)
	}
	if got := gzipped(`"abc"`); got != `"abc-gzip"` {
		t.Error(got)
	}
	if got := (byteRange{3, 5}).contentRange(20); got != "bytes 3-7/20" {
		t.Error(got)
	}
}

// TestForPeople: who takes a page.
func TestForPeople(t *testing.T) {
	for accept, want := range map[string]bool{"": false, "*/*": false, "text/html": true, "application/json, Text/HTML;q=0.9": true, "application/json": false, "text/plain": false} {
		if got := forPeople(http.Header{"Accept": {accept}}); got != want {
			t.Errorf("%q: %t", accept, got)
		}
	}
	if !forPeople(http.Header{"Accept": {"image/png", "text/html"}}) {
		t.Error("in the second line")
	}
}

// TestServerLimits: what the manual says that a connection may take.
func TestServerLimits(t *testing.T) {
	s := newServer(http.NotFoundHandler(), time.Minute, nil, slog.New(slog.DiscardHandler))
	if s.MaxHeaderBytes != 256<<10 || s.ReadHeaderTimeout != 10*time.Second || s.ReadTimeout != 30*time.Second || s.IdleTimeout != 2*time.Minute || s.WriteTimeout != time.Minute || !s.DisableGeneralOptionsHandler {
		t.Errorf("%+v", s)
	}
}

// TestListenerFails: when one of the listeners fails the server ends, and says why.
func TestListenerFails(t *testing.T) {
	failure := errors.New("too many open files")
	for at := range 2 {
		o := ServerOptions{Handler: new(Handler), Drain: time.Minute, Log: slog.New(slog.DiscardHandler)}
		var servers []*http.Server
		var listeners []net.Listener
		for i := range 2 {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if i == at {
				l = failingListener{l, failure}
			}
			servers, listeners = append(servers, newServer(http.NotFoundHandler(), time.Minute, nil, o.Log)), append(listeners, l)
		}
		called := false
		if err := serveOn(t.Context(), o, servers, listeners, func() { called = true }); !errors.Is(err, failure) || !called {
			t.Errorf("listener %d fails: %v", at, err)
		}
		if !o.Handler.draining.Load() {
			t.Error("it is still said to be ready")
		}
		for _, l := range listeners {
			if c, err := net.Dial("tcp", l.Addr().String()); err == nil && l != listeners[at] {
				c.Close()
				t.Error("the other still listens")
			}
		}
	}
}

// TestTurnsEnd: an answer that waits for memory is not waited for longer than its request is.
func TestTurnsEnd(t *testing.T) {
	h := &Handler{o: Options{CacheBytes: 10}, assembling: semaphore.NewWeighted(10)}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := io.WriteString(z, "text"); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	encoded := bodyObject(packed.Bytes())
	for _, size := range []int64{4, 10, 11} { // of more than all nothing is asked
		if o, err := h.inflated(t.Context(), encoded, size); err != nil || string(o.body) != "text" {
			t.Errorf("%d: %q, %v", size, o.body, err)
		}
	}
	if !h.assembling.TryAcquire(10) {
		t.Fatal("not all is given back")
	}
	h.assembling.Release(10)
	if _, err := h.inflated(t.Context(), bodyObject([]byte("no gzip")), 4); err == nil || !h.assembling.TryAcquire(10) {
		t.Errorf("what is not encoded: %v", err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if o, err := h.inflated(ended, encoded, 4); !errors.Is(err, context.Canceled) || o.body != nil {
		t.Errorf("%q, %v", o.body, err)
	}
}

type failingListener struct {
	net.Listener
	error
}

func (l failingListener) Accept() (net.Conn, error) { return nil, l.error }

// badRoutes is a bucket whose routes make no table.
type badRoutes struct{ failingBucket }

func (badRoutes) Pointer(context.Context, string) (layout.Pointer, error) {
	return layout.Pointer{Snapshot: "s1"}, nil
}

func (badRoutes) Routes(context.Context, string, string) (*layout.Routes, error) {
	return &layout.Routes{Constraints: []layout.Ranges{{Release: []layout.Interval{{From: "x"}}}}}, nil
}

// TestBadRoutes: a snapshot whose routes make no table does not go live.
func TestBadRoutes(t *testing.T) {
	h, err := New(t.Context(), Options{Bucket: badRoutes{}, Environments: []Environment{{Name: "e"}}, Poll: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if err := h.Refresh(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "snapshot s1: routes: constraint 0: ") || h.Ready() {
		t.Errorf("%v, ready: %t", err, h.Ready())
	}
}
