package check_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/serve/check"
)

// TestFaults falsifies one thing at a time on the way from serve: each is found,
// and called by its name.
func TestFaults(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	other := handler(t, bucket, "other")
	for _, c := range []struct {
		name   string
		change func(*recorded)
		want   []string // the problems, all of them
		detail string   // in one of the differences
	}{
		{"nothing", func(*recorded) {}, nil, ""},
		{"status", func(a *recorded) {
			if a.get("/search") && a.r.URL.RawQuery == "prerelease=true" {
				a.status = http.StatusNonAuthoritativeInfo
			}
		}, []string{"search: status 203 instead of 200"}, "GET /search?prerelease=true (gzip): 203, want 200"},
		{"store's own error", func(a *recorded) {
			if a.status == http.StatusNotFound && strings.HasPrefix(a.r.URL.Path, "/epr/") {
				a.status, a.body = http.StatusForbidden, []byte("<Error><Code>AccessDenied</Code></Error>")
			}
		}, []string{"error: status 403 instead of 404"}, "AccessDenied"},
		{"a byte of a document", func(a *recorded) {
			if a.get("/package/odd_names/1.0.0/") && strings.HasSuffix(a.r.URL.Path, "0/") && a.header.Get("Content-Encoding") == "" {
				a.body = bytes.Replace(a.body, []byte(`"name": "odd_names"`), []byte(`"name": "odd_name"`), 1)
			}
		}, []string{"document: another JSON"}, `.name is "odd_name", not "odd_names"`},
		{"a byte of a file", func(a *recorded) {
			if a.r.URL.Path == "/package/odd_names/1.0.0/manifest.yml" && a.status == http.StatusOK && a.header.Get("Content-Encoding") == "" && a.r.Method == http.MethodGet {
				a.body[3] ^= 1
			}
		}, []string{"file: another body"}, "line 1 is "},
		{"a byte of an archive", func(a *recorded) {
			if a.get("/epr/guard/guard-3.1.0.zip") {
				a.body[len(a.body)-1] ^= 1
			}
		}, []string{"archive: another body"}, ""},
		{"the bytes of a part", func(a *recorded) {
			if a.status == http.StatusPartialContent && a.header.Get("Content-Range") != "" && strings.HasPrefix(a.r.URL.Path, "/epr/guard/") && len(a.body) > 20 {
				a.body[9] ^= 1
			}
		}, []string{"archive: another body"}, "(Range: bytes=10-99)"},
		{"JSON written differently", func(a *recorded) {
			if a.get("/categories") && a.header.Get("Content-Encoding") == "" {
				a.body = bytes.ReplaceAll(a.body, []byte("\n  "), []byte("\n"))
			}
		}, []string{"categories: the same JSON in other bytes", "spelling: the same JSON in other bytes"}, "line 2 is"},
		{"no JSON", func(a *recorded) {
			if a.get("/search") && a.r.URL.RawQuery == "prerelease=true" && a.header.Get("Content-Encoding") == "" {
				a.body = []byte("<html>")
			}
		}, []string{"search: a body that is no JSON"}, "<html>"},
		{"an entry less", func(a *recorded) {
			if a.get("/search") && a.r.URL.RawQuery == "prerelease=true" && a.header.Get("Content-Encoding") == "" {
				end := bytes.Index(a.body, []byte("\n  },\n  {"))
				a.body = append([]byte("["), a.body[end+len("\n  },"):]...)
			}
		}, []string{"search: another JSON"}, "lacks cloud_suite-1.5.0"},
		{"content type", func(a *recorded) {
			if a.get("/package/") && strings.HasSuffix(a.r.URL.Path, ".md") {
				a.header.Set("Content-Type", "binary/octet-stream")
			}
		}, []string{"file: another Content-Type"}, "binary/octet-stream, want text/markdown; charset=utf-8"},
		{"no Vary", func(a *recorded) {
			if a.get("/package/guard/3.1.0/") && strings.HasSuffix(a.r.URL.Path, "0/") {
				a.header.Del("Vary")
			}
		}, []string{"document: no Vary"}, "want Accept-Encoding"},
		{"no ETag", func(a *recorded) {
			if strings.HasPrefix(a.r.URL.Path, "/epr/") {
				a.header.Del("Etag")
			}
		}, []string{"archive: no ETag", "signature: no ETag"}, ""},
		{"a weak ETag", func(a *recorded) {
			if tag := a.header.Get("Etag"); tag != "" && strings.HasPrefix(a.r.URL.Path, "/categories") {
				a.header.Set("Etag", "W/"+tag)
			}
		}, []string{"categories: a weak ETag", "spelling: a weak ETag"}, `W/"`},
		{"a cache time of its own", func(a *recorded) {
			if a.header.Get("Cache-Control") != "" && a.r.URL.Path == "/" {
				a.header.Set("Cache-Control", "public, max-age=86400")
			}
		}, []string{"index: another Cache-Control"}, "public, max-age=86400, want max-age=10, public"},
		{"a cache time for errors", func(a *recorded) {
			if a.status == http.StatusBadRequest {
				a.header.Set("Cache-Control", "max-age=300")
			}
		}, []string{"error: another Cache-Control", "spelling: another Cache-Control"}, "max-age=300"},
		{"a cache time for redirects", func(a *recorded) {
			if a.status == http.StatusMovedPermanently {
				a.header.Set("Cache-Control", "max-age=300")
			}
		}, []string{"redirect: a Cache-Control that should not be"}, ""},
		{"lists in one line, other headers, another order", func(a *recorded) {
			if a.header.Get("Cache-Control") != "" {
				a.header.Set("Cache-Control", strings.Join(a.header.Values("Cache-Control"), ","))
				a.header.Set("Age", "3")
				a.header.Add("Vary", "Origin")
			}
		}, nil, ""},
		{"no CORS", func(a *recorded) {
			if a.r.URL.Path == "/health" {
				a.header.Del("Access-Control-Allow-Origin")
			}
		}, []string{"health: no Access-Control-Allow-Origin"}, ""},
		{"a redirect to elsewhere", func(a *recorded) {
			if a.r.URL.Path == "/search/" && a.header.Get("Location") != "" {
				a.header.Set("Location", "/")
			}
		}, []string{"redirect: another Location"}, "/, want /search"},
		{"redirects followed", func(a *recorded) {
			if a.status == http.StatusMovedPermanently {
				a.status = http.StatusOK
			}
		}, []string{"redirect: status 200 instead of 301"}, ""},
		{"conditions not heeded", func(a *recorded) {
			if a.status == http.StatusNotModified && a.r.URL.Path == "/" {
				a.status = http.StatusOK
			}
		}, []string{"index: status 200 instead of 304"}, "(If-None-Match)"},
		{"any condition heeded", func(a *recorded) {
			if a.get("/epr/guard/guard-3.1.0.zip") && a.r.Header.Get("If-None-Match") != "" {
				a.status, a.body = http.StatusNotModified, nil
			}
		}, []string{"archive: status 304 instead of 200"}, "(another If-None-Match)"},
		{"parts not given", func(a *recorded) {
			if a.status == http.StatusPartialContent {
				a.status = http.StatusOK
			}
		}, []string{"archive: status 200 instead of 206", "file: status 200 instead of 206"}, "(Range: bytes=0-0)"},
		{"no HEAD", func(a *recorded) {
			if a.r.Method == http.MethodHead && a.r.URL.Path == "/health" {
				a.status = http.StatusForbidden
			}
		}, []string{"health: status 403 instead of 200"}, "HEAD /health"},
		{"other methods", func(a *recorded) {
			if a.r.Method == http.MethodPut {
				a.status = http.StatusOK
			}
		}, []string{"method: status 200 instead of 405"}, "PUT /search"},
		{"gzip taken off", func(a *recorded) {
			if a.get("/search") && a.header.Get("Content-Encoding") == "gzip" {
				a.header.Del("Content-Encoding")
				a.body = unpacked(a.body)
			}
		}, []string{"search: not encoded"}, "(gzip): , want gzip"},
		{"gzip done again", func(a *recorded) {
			if a.get("/search") && a.header.Get("Content-Encoding") == "gzip" {
				a.body = packed(unpacked(a.body))
			}
		}, []string{"search: encoded again"}, "it decodes to the same"},
		{"gzip cut off", func(a *recorded) {
			if a.get("/search") && a.header.Get("Content-Encoding") == "gzip" && a.r.URL.RawQuery == "prerelease=true" {
				a.body = a.body[:len(a.body)-30]
			}
		}, []string{"search: no answer"}, "the body is not what Content-Encoding gzip says"},
		{"an archive encoded", func(a *recorded) {
			if a.get("/epr/guard/guard-3.1.0.zip") && a.header.Get("Content-Range") == "" {
				a.header.Set("Content-Encoding", "gzip")
				a.body = packed(a.body)
			}
		}, []string{"archive: another Content-Length", "archive: encoded, which it should not be"}, ""},
		{"an archive without its length", func(a *recorded) {
			if a.get("/epr/guard/guard-3.1.0.zip") {
				a.header.Del("Content-Length")
			}
		}, []string{"archive: no Content-Length"}, ""},
		{"another environment's answers", func(a *recorded) {
			if a.r.URL.Path == "/search" && a.get("/") {
				a.body = fetch(t.Context(), other, a.r.RequestURI)
				a.header.Del("Content-Encoding")
			}
		}, []string{"search: another JSON", "search: not encoded", "spelling: another JSON"}, "has web_server-2.1.0-beta.1 too much"},
		{"a parameter that does not come through", func(a *recorded) {
			if q := a.r.URL.Query(); a.get("/search") && q.Has("spec.max") && a.header.Get("Content-Encoding") == "" {
				a.body = fetch(t.Context(), h, "/search?"+dropped(a.r.URL.RawQuery, "spec.max"))
			}
		}, []string{"search: the answer to another request", "spelling: the answer to another request"}, "as if spec.max were not there: is it in the cache key?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(bucket, listening(t, falsified(h, c.change)).URL)
			r := run(t, o)
			slices.Sort(c.want)
			if got := problems(r); !slices.Equal(got, c.want) {
				t.Errorf("problems %q, want %q\n%s", got, c.want, details(r))
			}
			if !strings.Contains(details(r), c.detail) {
				t.Errorf("%q is not said:\n%s", c.detail, details(r))
			}
		})
	}
}

func dropped(query, name string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool { return strings.HasPrefix(pair, name+"=") }), "&")
}

func packed(body []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = z.Write(body)
	_ = z.Close()
	return b.Bytes()
}

func unpacked(body []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	out, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return out
}

// TestKey puts a cache in between whose key lacks a parameter: what it gives is
// known again as the answer to another query.
func TestKey(t *testing.T) {
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	var mu sync.Mutex
	cached := map[string]*recorded{}
	careless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Method + r.URL.Path + "?" + dropped(r.URL.RawQuery, "kibana.version") + r.Header.Get("Accept-Encoding") + r.Header.Get("Range") + r.Header.Get("If-None-Match") + r.Header.Get("If-Modified-Since")
		mu.Lock()
		defer mu.Unlock()
		if a := cached[key]; a != nil {
			a.write(w)
			return
		}
		falsified(h, func(a *recorded) { cached[key] = a }).ServeHTTP(w, r)
	})
	o := options(bucket, listening(t, careless).URL)
	o.Parallel = 1
	r := run(t, o)
	var named int
	for _, g := range r.Groups {
		if g.Problem == "the answer to another request" && strings.Contains(g.Examples[0].Detail, "kibana.version") {
			named += g.Count
		}
	}
	if r.Same() || named*2 < r.Differences {
		t.Errorf("%d differences, %d are laid to kibana.version: %v\n%s", r.Differences, named, problems(r), details(r))
	}
}

// TestHostile: a registry that never ends its answers, or whose answers decode
// to more than memory holds, is no danger.
func TestHostile(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	bomb := packed(make([]byte, 200<<20))
	server := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/package/guard/3.1.0/" && r.Header.Get("Accept-Encoding") == "identity":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case r.URL.Path == "/package/guard/3.1.0/":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb)
		case r.URL.Path == "/package/sealed/1.0.0/":
			w.Header().Set("Content-Type", "text/plain\x1b[31m")
			_, _ = w.Write([]byte("{\"\x1b]0;title\x07\": \"" + (&url.URL{Path: "\u202e"}).Path + "\"}"))
		default:
			h.ServeHTTP(w, r)
		}
	}))
	r := run(t, options(bucket, server.URL))
	for _, g := range r.Groups {
		if g.Kind != "document" {
			t.Errorf("%s: %s", g.Kind, g.Problem)
		}
	}
	if r.Bytes > 64<<20 || r.Differences < 4 {
		t.Errorf("%d differences, %d bytes were read", r.Differences, r.Bytes)
	}
}

// TestAPILevel checks a registry of another make: it has no validators, times
// and encodings of its own, takes every method, and packs archives otherwise.
func TestAPILevel(t *testing.T) {
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	spoil := ""
	server := listening(t, falsified(h, func(a *recorded) {
		for _, name := range []string{"Etag", "Last-Modified", "Vary", "Access-Control-Allow-Origin"} {
			a.header.Del(name)
		}
		a.header.Set("Cache-Control", "no-cache")
		a.header.Set("Server", "another/1")
		if a.header.Get("Content-Encoding") == "gzip" {
			a.header.Del("Content-Encoding")
			a.body = unpacked(a.body)
		}
		if a.status == http.StatusMethodNotAllowed {
			a.status = http.StatusOK
		}
		if a.status == http.StatusMovedPermanently {
			a.body = nil
		}
		if a.r.URL.Path == "/favicon.ico" {
			a.body = []byte("an icon")
		}
		if a.get("/epr/") && strings.HasSuffix(a.r.URL.Path, ".zip") {
			a.body = repacked(a.body, spoil)
		}
	}))
	o := options(bucket, server.URL)
	o.Level = check.API
	if r := run(t, o); !r.Same() {
		t.Errorf("%v\n%s", problems(r), details(r))
	}
	spoil = "guard-3.1.0/docs/README.md"
	if r := run(t, o); !slices.Equal(problems(r), []string{"archive: another archive"}) || !strings.Contains(details(r), "guard-3.1.0/docs/README.md has ") {
		t.Errorf("%v\n%s", problems(r), details(r))
	}
	o.Level = check.Edge
	o.Ignore = []string{"etag", "Last-Modified", "VARY", "Access-Control-Allow-Origin", "Cache-Control", "encoding", "archive", "method", "icon", "redirect"}
	if r := run(t, o); !r.Same() {
		t.Errorf("all of it ignored: %v\n%s", problems(r), details(r))
	}
}
