package serve_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/serve"
)

// TestPages: the headers of each kind of page, and what is not there.
func TestPages(t *testing.T) {
	h := newHandler(t, production(sharedBucket(t)))
	const (
		people = "Accept: text/html"
		html   = "text/html; charset=utf-8"
		script = "default-src 'none'; img-src 'self'; style-src 'self' 'sha256-"
	)
	for _, c := range []struct {
		path, accept string
		status       int
		kind         string
		cache        []string
		vary         string
		policy       string // how it begins
		body         string // is in it
	}{
		{"/catalog/", people, 200, html, asIndex, "Accept-Encoding", script, "<html"},
		{"/catalog/", "", 200, html, asIndex, "Accept-Encoding", script, "<html"},
		{"/catalog/web/", people, 200, html, asIndex, "Accept-Encoding", script, "<html"},
		{"/catalog/web/2.0.0/", people, 200, html, asIndex, "Accept-Encoding", script, "<html"},
		{"/catalog/web/feed.xml", people, 200, "application/atom+xml", asIndex, "Accept-Encoding", "", "<feed"},
		{"/catalog/-/feed.xml", "", 200, "application/atom+xml", asIndex, "Accept-Encoding", "", "<feed"},
		{"/catalog/-/packages.json", "", 200, "application/json", asIndex, "Accept-Encoding", "", "web"},
		{"/catalog/web/versions.json", "", 200, "application/json", asIndex, "Accept-Encoding", "", "2.0.0"},
		{"/catalog/none/", people, 404, html, asError, "Accept, Accept-Encoding", script, "<html"},
		{"/catalog/web/9.0.0/", people, 404, html, asError, "Accept, Accept-Encoding", script, "<html"},
		{"/catalog/none/", "", 404, "text/plain; charset=utf-8", asError, "Accept, Accept-Encoding", "", "404 page not found\n"},
		{"/catalog/web/9.0.0/", "Accept: */*", 404, "text/plain; charset=utf-8", asError, "Accept, Accept-Encoding", "", "404 page not found\n"},
		{"/catalog/a/b/c/d/e/f/", people, 404, "text/plain; charset=utf-8", asError, "Accept, Accept-Encoding", "", "404 page not found\n"},
	} {
		encodings := map[string]asked{}
		for _, encoding := range []string{"identity", "gzip"} {
			got := ask(h, c.path, c.accept, "Accept-Encoding: "+encoding)
			encodings[encoding] = got
			header := got.Header()
			if got.Code != c.status || header.Get("Content-Type") != c.kind || !slices.Equal(header["Cache-Control"], c.cache) || header.Get("Vary") != c.vary {
				t.Errorf("%s %s: %d %v", c.path, c.accept, got.Code, header)
			}
			if policy := header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, c.policy) || (policy == "") != (c.policy == "") || (header.Get("Referrer-Policy") == "no-referrer") != (c.policy != "") {
				t.Errorf("%s %s: Content-Security-Policy %q, Referrer-Policy %q", c.path, c.accept, policy, header.Get("Referrer-Policy"))
			}
			if sniff := header.Get("X-Content-Type-Options"); (sniff == "nosniff") != (c.kind != "text/plain; charset=utf-8") {
				t.Errorf("%s %s: X-Content-Type-Options %q", c.path, c.accept, sniff)
			}
			if text := string(got.plain(t)); !strings.Contains(text, c.body) || header.Get("Content-Length") != fmt.Sprint(got.Body.Len()) {
				t.Errorf("%s %s: %.100q", c.path, c.accept, text)
			}
			encoded := encoding == "gzip" && header.Get("Content-Type") != "text/plain; charset=utf-8" && !strings.HasSuffix(c.path, ".json")
			if !strings.HasSuffix(c.path, ".json") && (header.Get("Content-Encoding") == "gzip") != encoded {
				t.Errorf("%s, %s: Content-Encoding %q", c.path, encoding, header.Get("Content-Encoding"))
			}
			tag := header.Get("Etag")
			if (tag == "") != (c.status != 200) || strings.HasSuffix(tag, `-gzip"`) != (c.status == 200 && header.Get("Content-Encoding") == "gzip") {
				t.Errorf("%s, %s: ETag %q", c.path, encoding, tag)
			}
			if tag == "" {
				continue
			}
			same := ask(h, c.path, c.accept, "Accept-Encoding: "+encoding, "If-None-Match: "+tag)
			if same.Code != 304 || same.Body.Len() > 0 || same.Header().Get("Etag") != tag || same.Header().Get("Vary") != c.vary || same.Header().Get("Content-Type") != "" || same.Header().Get("Content-Encoding") != "" {
				t.Errorf("%s, If-None-Match: %d %v", c.path, same.Code, same.Header())
			}
		}
		if a, b := encodings["identity"].plain(t), encodings["gzip"].plain(t); string(a) != string(b) {
			t.Errorf("%s: the two encodings differ", c.path)
		}
	}
	// Files of an environment with pages for people are of the same origin.
	for env, want := range map[string]string{"production": "default-src 'none'; style-src 'unsafe-inline'; sandbox", "staging": ""} {
		o := production(sharedBucket(t))
		o.Environments, o.Default = []serve.Environment{{Name: env}}, env
		got := ask(newHandler(t, o), "/package/web/2.0.0/docs/README.md")
		if policy := got.Header().Get("Content-Security-Policy"); got.Code != 200 || policy != want || (got.Header().Get("X-Content-Type-Options") == "nosniff") != (want != "") {
			t.Errorf("%s: %d %v", env, got.Code, got.Header())
		}
	}
}

// away is a client that goes away in the middle of an answer: its connection fails, or
// the server notices before.
type away struct {
	*httptest.ResponseRecorder
	gone  func()
	fails error
}

func (w away) Write(p []byte) (int, error) {
	w.gone()
	if w.fails != nil {
		return 0, w.fails
	}
	return w.ResponseRecorder.Write(p)
}

// TestClientsThatGoAway: the log says of an answer that ends early only where that is not
// the client's doing.
func TestClientsThatGoAway(t *testing.T) {
	for _, headers := range []string{"", "Range: bytes=5-400000,500000-600000"} {
		for name, c := range map[string]struct {
			cancels, fails, breaks, told bool
		}{
			"the connection fails":  {false, true, false, false},
			"the request has ended": {true, false, true, false},
			"the store breaks off":  {false, false, true, true},
		} {
			var log lockedBuffer
			bucket := newFaulty(sharedBucket(t))
			o := production(bucket)
			o.CacheObject, o.Log = 1, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
			h := newHandler(t, o)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w := away{httptest.NewRecorder(), func() {
				if c.cancels {
					cancel()
				}
			}, nil}
			if c.fails {
				w.fails = http.ErrHandlerTimeout
			}
			r := httptest.NewRequestWithContext(ctx, "GET", "/package/trial/0.1.0/docs/large.txt", nil)
			if name, value, ok := strings.Cut(headers, ": "); ok {
				r.Header.Set(name, value)
			}
			bucket.breaks = c.breaks
			func() {
				defer func() {
					if p := recover(); p != http.ErrAbortHandler {
						t.Errorf("%s: %v", name, p)
					}
				}()
				h.ServeHTTP(w, r)
			}()
			if told := strings.Contains(log.String(), "an answer ended early"); told != c.told || (log.String() != "") != c.told {
				t.Errorf("%s, %s: the log says %q", headers, name, log.String())
			}
			if bucket.left() != 0 {
				t.Errorf("%s, %s: %d bodies are left open", headers, name, bucket.left())
			}
		}
	}
}

// TestBusyIsTold: an answer that does not fit beside those that are being sent is 503.
func TestBusyIsTold(t *testing.T) {
	o := production(sharedBucket(t))
	o.CacheBytes = 1
	h := newHandler(t, o)
	inside := make(chan struct{})
	w := &stuck{header: http.Header{}, begun: make(chan struct{}), release: inside}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.ServeHTTP(w, httptest.NewRequest("GET", "/package/web/2.0.0/", nil))
	}()
	<-w.begun
	got := ask(h, "/package/web/1.0.0/")
	if got.Code != 503 || got.Header().Get("Retry-After") != "5" || got.Body.String() != "too many answers are on their way to slow clients\n" || !slices.Equal(got.Header()["Cache-Control"], asError) {
		t.Errorf("%d %v %s", got.Code, got.Header(), got.Body)
	}
	close(inside)
	<-ended
	if got := ask(h, "/package/web/1.0.0/"); got.Code != 200 {
		t.Errorf("when it is sent: %d", got.Code)
	}
}
