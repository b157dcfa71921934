package serve_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve"
)

// production serves the shared bucket's production environment to every host.
func production(b serve.Bucket) serve.Options {
	return serve.Options{Bucket: b, Environments: []serve.Environment{{Name: "production"}}, Default: "production", Poll: time.Hour, CacheObject: cacheObject}
}

// site is a handler behind a real HTTP server, or what is in front of that.
type site struct {
	t      testing.TB
	h      *serve.Handler
	server *httptest.Server
	url    string
}

func start(t testing.TB, o serve.Options) *site {
	t.Helper()
	h, err := serve.New(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	s := &site{t, h, server, server.URL}
	s.server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.server.Client().Transport.(*http.Transport).DisableCompression = true
	t.Cleanup(func() { s.server.Close(); h.Close() })
	return s
}

// reply is a response, read to its end.
type reply struct {
	*http.Response
	body []byte
}

// do sends a request; headers are "Name: value".
func (s *site) do(method, path string, headers ...string) reply {
	s.t.Helper()
	r, err := s.try(method, path, headers...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (s *site) try(method, path string, headers ...string) (reply, error) {
	req, err := http.NewRequest(method, s.url+path, nil)
	if err != nil {
		return reply{}, err
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	resp, err := s.server.Client().Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return reply{resp, body}, err
}

func (s *site) get(path string, headers ...string) reply {
	s.t.Helper()
	return s.do(http.MethodGet, path, headers...)
}

// metric sums what /metrics says of a name, over all labels.
func metric(t testing.TB, s *site, name string, labels ...string) float64 {
	t.Helper()
	w := httptest.NewRecorder()
	s.h.Admin().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	sum := 0.0
	for line := range strings.Lines(w.Body.String()) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		matches := true
		for _, l := range labels {
			matches = matches && strings.Contains(rest, l)
		}
		if !matches {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " "):]), 64)
		if err != nil {
			t.Fatal(line, err)
		}
		sum += value
	}
	return sum
}
