package dev

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// unwatched is a registry that builds when the test says so.
func unwatched(t *testing.T, base *Base) *bench {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	b.check(err)
	b.registry, err = New(t.Context(), Options{Work: work, Base: base, Environment: environment(), Regsnap: "main"})
	b.check(err)
	t.Cleanup(b.registry.Close)
	b.handler = b.registry.Handler(HandlerOptions{Stop: t.Context()})
	return b
}

// built builds what was edited.
func (b *bench) built() State {
	b.t.Helper()
	b.registry.o.Work.Changed()
	s, err := b.registry.update(b.t.Context())
	b.check(err)
	return s
}

// ask asks by any method, with headers in pairs.
func ask(h http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, target, nil)
	r.Host = "localhost"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	h.ServeHTTP(w, r)
	return w
}

// headers are those of a reply, in one line.
func headers(w *httptest.ResponseRecorder) string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		lines = append(lines, name+": "+strings.Join(w.Header()[name], " | "))
	}
	return strings.Join(lines, "; ")
}

// policy is what a page of our own allows itself.
var policy = "default-src 'none'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src " + scriptHash

// TestReplies: status, all headers and the body of what only a live registry answers, by
// each method.
func TestReplies(t *testing.T) {
	building := unwatched(t, nil)
	empty := unwatched(t, nil)
	empty.built()
	state, _ := empty.registry.now()
	state.Seconds = 0.5
	empty.registry.state = state
	said, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	certified := empty.registry.Handler(HandlerOptions{Stop: t.Context(), Certificate: []byte("PEM")})
	waiting := "the registry is being built: looking for packages"
	page := func(title, text, generation string) string {
		return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>regsnap dev</title></head><body><main><h1>` + title + "</h1><p>" + text +
			`</p></main><script data-generation="` + generation + `" data-events="/-/dev/events">` + script + "</script></body></html>"
	}
	type reply struct {
		handler http.Handler
		target  string
		status  int
		headers string // without the length
		body    string
		any     bool // whatever the method is
	}
	for _, c := range []reply{
		{certified, "/-/dev/banner.css", 200, "Cache-Control: no-store; Content-Type: text/css; charset=utf-8; X-Content-Type-Options: nosniff", style, false},
		{certified, "/-/dev/findings", 200, "Cache-Control: no-store; Content-Type: application/json; X-Content-Type-Options: nosniff", string(said) + "\n", false},
		{certified, "/-/dev/certificate.pem", 200, "Cache-Control: no-store; Content-Type: application/x-pem-file; X-Content-Type-Options: nosniff", "PEM", false},
		{empty.handler, "/-/dev/certificate.pem", 404, "Content-Type: text/plain; charset=utf-8; X-Content-Type-Options: nosniff", "404 page not found\n", true},
		{empty.handler, "/search", 503, "Cache-Control: no-store; Content-Type: text/plain; charset=utf-8; X-Content-Type-Options: nosniff",
			"there is no valid package to show yet; /-/dev/findings lists what is wrong\n", true},
		{empty.handler, "/catalogue", 503, "Cache-Control: no-store; Content-Type: text/plain; charset=utf-8; X-Content-Type-Options: nosniff",
			"there is no valid package to show yet; /-/dev/findings lists what is wrong\n", true},
		{empty.handler, "/catalog", 503, "Cache-Control: no-store; Content-Security-Policy: " + policy + "; Content-Type: text/html; charset=utf-8; X-Content-Type-Options: nosniff",
			page("No package to show yet", "", "1"), true},
		{empty.handler, "/catalog/web/", 503, "Cache-Control: no-store; Content-Security-Policy: " + policy + "; Content-Type: text/html; charset=utf-8; X-Content-Type-Options: nosniff",
			page("No package to show yet", "", "1"), true},
		{building.handler, "/catalog/", 503, "Cache-Control: no-store; Content-Security-Policy: " + policy + "; Content-Type: text/html; charset=utf-8; Refresh: 1; Retry-After: 1; X-Content-Type-Options: nosniff",
			page("The registry is being built", waiting, "0"), true},
		{building.handler, "/search", 503, "Cache-Control: no-store; Content-Type: application/json; Retry-After: 1; X-Content-Type-Options: nosniff",
			"{\n \"building\": {\n  \"phase\": \"\",\n  \"done\": 0,\n  \"total\": 0,\n  \"answering\": false\n },\n \"error\": \"" + waiting + "\"\n}\n", true},
	} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
			want := c
			if !c.any && method != http.MethodGet && method != http.MethodHead {
				want.status, want.body = http.StatusMethodNotAllowed, "method not allowed\n"
			}
			if method == http.MethodHead {
				want.body = ""
			}
			w := ask(c.handler, method, c.target)
			length := w.Header().Get("Content-Length")
			w.Header().Del("Content-Length")
			body := w.Body.String()
			if method == http.MethodHead && strings.Contains(c.headers, "text/plain") {
				body, want.body = "", "" // the server, not the handler, leaves it out
			}
			if w.Code != want.status || body != want.body {
				t.Errorf("%s %s: %d %s\nwant %d %s", method, c.target, w.Code, w.Body, want.status, want.body)
			}
			switch {
			case want.status == http.StatusMethodNotAllowed:
				if w.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: %s", method, c.target, headers(w))
				}
			case headers(w) != c.headers:
				t.Errorf("%s %s: %s\nwant %s", method, c.target, headers(w), c.headers)
			case length != "" && length != strconv.Itoa(len(c.body)), length == "" && !strings.Contains(c.headers, "text/plain"):
				t.Errorf("%s %s: length %q, want %d", method, c.target, length, len(c.body))
			}
		}
	}
}

// TestBuildingText says how far a build is.
func TestBuildingText(t *testing.T) {
	for want, b := range map[string]Building{
		"the registry is being built: looking for packages":                                           {Answering: true},
		"the registry is being built: read packages, 3 of 7":                                          {"read packages", 3, 7, false},
		"the registry answers clients already, its catalogue is being built: write packages, 0 of 12": {"write packages", 0, 12, true},
	} {
		if got := b.text(); got != want {
			t.Errorf("%+v: %s", b, got)
		}
	}
}

// TestPages: a page of the catalogue is sent whole, with the script and what is wrong, and
// never kept. What is no page is sent as it is.
func TestPages(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "first")
	b.put("", "db", "1.0.0", "manifest.yml")
	b.built()
	s, _ := b.registry.now()
	if len(s.Errors) == 0 || s.Generation != 1 {
		t.Fatalf("%+v", s)
	}
	plain := ask(b.registry.handler, http.MethodGet, "/catalog/web/1.0.0/")
	tag, changed := plain.Header().Get("Etag"), plain.Header().Get("Last-Modified")
	if plain.Code != 200 || tag == "" {
		t.Fatalf("%d %s", plain.Code, headers(plain))
	}
	want := string(inject(plain.Body.Bytes(), s))
	for _, h := range [][]string{nil, {"Accept-Encoding", "gzip"}, {"If-None-Match", tag}, {"If-None-Match", "*"}, {"If-Modified-Since", changed}, {"If-Match", `"another"`},
		{"If-Unmodified-Since", "Mon, 01 Jan 2001 00:00:00 GMT"}, {"Range", "bytes=0-0"}, {"Range", "bytes=0-0", "If-Range", tag}} {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			w := ask(b.handler, method, "/catalog/web/1.0.0/", h...)
			body := want
			if method == http.MethodHead {
				body = ""
			}
			if w.Code != 200 || w.Body.String() != body || w.Header().Get("Content-Length") != strconv.Itoa(len(want)) {
				t.Errorf("%s with %v: %d %s, %d bytes, want %d", method, h, w.Code, headers(w), w.Body.Len(), len(body))
			}
			for _, name := range []string{"Etag", "Last-Modified", "Access-Control-Allow-Origin", "Content-Encoding"} {
				if w.Header().Get(name) != "" {
					t.Errorf("%s with %v: %s", method, h, headers(w))
				}
			}
			if w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src "+scriptHash+" ") ||
				strings.ReplaceAll(w.Header().Get("Content-Security-Policy"), scriptHash+" ", "") != plain.Header().Get("Content-Security-Policy") {
				t.Errorf("%s with %v: %s", method, h, headers(w))
			}
		}
	}
	for _, target := range []string{"/catalog", "/catalog/-/feed.xml", "/catalog/nothing/", "/catalog/web/1.0.0/nothing"} {
		w, plain := ask(b.handler, http.MethodGet, target), ask(b.registry.handler, http.MethodGet, target)
		body := plain.Body.Bytes()
		if strings.HasPrefix(plain.Header().Get("Content-Type"), "text/html") {
			body = inject(body, s)
		} else if w.Header().Get("Etag") != plain.Header().Get("Etag") || w.Header().Get("Cache-Control") != plain.Header().Get("Cache-Control") {
			t.Errorf("%s: %s\nwant %s", target, headers(w), headers(plain))
		}
		if w.Code != plain.Code || w.Body.String() != string(body) || w.Header().Get("Access-Control-Allow-Origin") != "" || w.Header().Get("Location") != plain.Header().Get("Location") {
			t.Errorf("%s: %d %s\nwant %d %s", target, w.Code, headers(w), plain.Code, headers(plain))
		}
	}
	if w := ask(b.handler, http.MethodPost, "/catalog/"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d", w.Code)
	}
}

// TestPrivate: what production lets other sites read they do not read here. A page of
// ours may, with the right headers of production besides.
func TestPrivate(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "first")
	b.built()
	for _, target := range []string{"/", everything, "/categories", "/package/web/1.0.0/", "/epr/web/web-1.0.0.zip", "/package/web/1.0.0/docs/README.md", "/health", "/nothing"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost} {
			w, plain := ask(b.handler, method, target), ask(b.registry.handler, method, target)
			plain.Header().Del("Access-Control-Allow-Origin")
			if w.Code != plain.Code || w.Body.String() != plain.Body.String() || headers(w) != headers(plain) {
				t.Errorf("%s %s: %d %s\nwant %d %s", method, target, w.Code, headers(w), plain.Code, headers(plain))
			}
		}
	}
	w := httptest.NewRecorder()
	p := &private{w}
	p.Header().Set("Access-Control-Allow-Origin", "*")
	if n, err := p.Write([]byte("abc")); n != 3 || err != nil || w.Body.String() != "abc" || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v %s", n, err, headers(w))
	}
	if p.Unwrap() != w {
		t.Error("what is inside cannot be reached")
	}
}

// stream is a connection that takes events.
type stream struct {
	*httptest.ResponseRecorder
	deadline   time.Time
	flushed    string // what was flushed
	write, out error
}

func (s *stream) SetWriteDeadline(d time.Time) error { s.deadline = d; return nil }

func (s *stream) FlushError() error {
	s.flushed = s.Body.String()
	return s.out
}

func (s *stream) Write(p []byte) (int, error) {
	if s.write != nil {
		return 0, s.write
	}
	return s.ResponseRecorder.Write(p)
}

func newStream() *stream {
	return &stream{ResponseRecorder: httptest.NewRecorder(), deadline: time.Now()}
}

// TestEvents: a browser learns the generation at once, and of each that follows, until
// it goes away, the registry stops, or the connection fails.
func TestEvents(t *testing.T) {
	b := unwatched(t, nil)
	if w := ask(b.handler, http.MethodGet, "/-/dev/events"); w.Code != http.StatusInternalServerError || w.Body.String() != "events cannot be sent on this connection\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(b.handler, http.MethodHead, "/-/dev/events"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := ask(b.handler, http.MethodPost, "/-/dev/events"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	broken := errors.New("broken pipe")
	for what, c := range map[string]struct {
		write, out error
		want       string
	}{"write": {broken, nil, ""}, "flush": {nil, broken, "data: 0\n\n"}} {
		w := newStream()
		w.write, w.out = c.write, c.out
		req := httptest.NewRequest(http.MethodGet, "/-/dev/events", nil)
		b.registry.events(w, req, t.Context()) // returns
		if w.flushed != c.want {
			t.Errorf("%s: %q", what, w.flushed)
		}
	}
	for _, end := range []string{"the browser goes away", "the registry stops"} {
		synctest.Test(t, func(t *testing.T) {
			r := &Registry{changed: make(chan struct{})}
			ctx, leave := context.WithCancel(t.Context())
			stop, halt := context.WithCancel(t.Context())
			defer leave()
			defer halt()
			w, over := newStream(), false
			go func() {
				r.events(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/-/dev/events", nil), stop)
				over = true
			}()
			synctest.Wait()
			if w.flushed != "data: 0\n\n" || headers(w.ResponseRecorder) != "Cache-Control: no-store; Content-Type: text/event-stream" || !w.deadline.IsZero() {
				t.Errorf("%q %s %v", w.flushed, headers(w.ResponseRecorder), w.deadline)
			}
			for n := 1; n < 3; n++ {
				r.mu.Lock()
				r.state.Generation = n
				close(r.changed)
				r.changed = make(chan struct{})
				r.mu.Unlock()
				synctest.Wait()
			}
			if w.flushed != "data: 0\n\ndata: 1\n\ndata: 2\n\n" || over {
				t.Errorf("%q, over: %v", w.flushed, over)
			}
			if end == "the registry stops" {
				halt()
			} else {
				leave()
			}
			synctest.Wait()
			if !over {
				t.Errorf("%s, and events do not end", end)
			}
		})
	}
}

// TestNow: what is said before the first build has lists, not null, and how far it is.
func TestNow(t *testing.T) {
	b := unwatched(t, nil)
	b.registry.o.Progress(build.Progress{Phase: "read packages", Done: 3, Total: 7})
	b.registry.early.Store(&early{})
	s, _ := b.registry.now()
	if s.Building == nil || *s.Building != (Building{"read packages", 3, 7, true}) {
		t.Errorf("%+v", s.Building)
	}
	b.registry.early.Store(nil)
	var got map[string]any
	b.check(json.Unmarshal(ask(b.handler, http.MethodGet, FindingsPath).Body.Bytes(), &got))
	for _, list := range []string{"kept", "missing", "changed", "errors", "warnings"} {
		if l, ok := got[list].([]any); !ok || len(l) != 0 {
			t.Errorf("%s is %v", list, got[list])
		}
	}
	if place(index.Problem{File: "a", Line: 1}) != "a:1" || place(index.Problem{File: "a"}) != "a" {
		t.Error("place")
	}
}
