package serve_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// Cache-Control as the registry API has it, by class of answer.
var (
	asIndex   = []string{"max-age=10", "public"}
	asContent = []string{"max-age=600", "public"}
	asError   = []string{"max-age=0", "private, no-store"}
)

func TestRoutes(t *testing.T) {
	s := start(t, production(sharedBucket(t)))
	const json, plain = "application/json", "text/plain; charset=utf-8"
	for _, c := range []struct {
		method, path string
		status       int
		contentType  string
		cache        []string
		body         string // "" is not looked at
	}{
		{"GET", "/", 200, json, asIndex, "{\n  \"service.name\": \"package-registry\",\n  \"service.version\": \"1.40.1\"\n}\n"},
		{"GET", "/index.json", 200, json, asIndex, ""},
		{"GET", "/health", 200, "", nil, ""},
		{"GET", "/favicon.ico", 200, "image/x-icon", asContent, ""},
		{"GET", "/search", 200, json, asContent, ""},
		{"GET", "/search?package=nothing", 200, json, asContent, "[]"},
		{"GET", "/search?kibana.version=x", 400, plain, asError, "invalid Kibana version 'x': invalid semantic version\n"},
		{"GET", "/search/?package=web", 301, "text/html; charset=utf-8", nil, ""},
		{"GET", "/categories", 200, json, asContent, ""},
		{"GET", "/categories?kibana.version=1.0.0", 200, json, asContent, "[]\n"},
		{"GET", "/package/web/2.0.0/", 200, json, asIndex, ""},
		{"GET", "/package/web/2.0.0", 301, "text/html; charset=utf-8", nil, ""},
		{"GET", "/package/web/2.0/", 400, plain, asError, "invalid package version\n"},
		{"GET", "/package/web/9.0.0/", 404, plain, asError, "package revision not found\n"},
		{"GET", "/package/web/2.0.0/manifest.yml", 200, "text/yaml; charset=UTF-8", asContent, ""},
		{"GET", "/package/web/2.0.0/none.yml", 404, plain, asContent, "resource not found\n"},
		{"GET", "/epr/web/web-2.0.0.zip", 200, "application/zip", asContent, ""},
		{"GET", "/epr/web/web-9.0.0.zip", 404, plain, asError, "artifact not found\n"},
		{"GET", "/epr/web/web-2.0.0.zip.sig", 404, plain, asError, "signature file not found\n"},
		{"GET", "/epr/signed/signed-1.0.0.zip.sig", 200, "application/pgp-signature", asContent, indextest.Signature},
		{"GET", "/nothing", 404, plain, asError, "404 page not found\n"},
		{"GET", "//search", 301, "", nil, ""},
		{"POST", "/search", 405, plain, asError, "method not allowed\n"},
		{"DELETE", "/epr/web/web-2.0.0.zip", 405, plain, asError, ""},
		{"OPTIONS", "/", 405, plain, asError, ""},
	} {
		r := s.do(c.method, c.path)
		name := c.method + " " + c.path
		if r.StatusCode != c.status || r.Header.Get("Content-Type") != c.contentType || !slices.Equal(r.Header["Cache-Control"], c.cache) {
			t.Errorf("%s: %d %q %q, want %d %q %q", name, r.StatusCode, r.Header.Get("Content-Type"), r.Header["Cache-Control"], c.status, c.contentType, c.cache)
		}
		if c.body != "" && string(r.body) != c.body {
			t.Errorf("%s: body %q, want %q", name, r.body, c.body)
		}
		if r.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: Access-Control-Allow-Origin is %q", name, r.Header.Get("Access-Control-Allow-Origin"))
		}
		if r.Header.Get("Last-Modified") != "" {
			t.Errorf("%s: Last-Modified is %q, of which nothing is known", name, r.Header.Get("Last-Modified"))
		}
		if allow := r.Header.Get("Allow"); (c.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s: Allow is %q", name, allow)
		}
		if int(r.ContentLength) != len(r.body) {
			t.Errorf("%s: Content-Length %d, body of %d bytes", name, r.ContentLength, len(r.body))
		}
		if c.method != "GET" {
			continue
		}
		head := s.do(http.MethodHead, c.path)
		for _, h := range []http.Header{head.Header, r.Header} {
			h.Del("Date")
		}
		if head.StatusCode != r.StatusCode || len(head.body) > 0 || fmt.Sprint(head.Header) != fmt.Sprint(r.Header) {
			t.Errorf("HEAD %s: %d, %d bytes, %v\nGET has %v", c.path, head.StatusCode, len(head.body), head.Header, r.Header)
		}
	}
}

func TestHosts(t *testing.T) {
	bucket := sharedBucket(t)
	environments := []serve.Environment{
		{Name: "production", Hostnames: []string{"epr.example.org", "[::1]"}},
		{Name: "staging", Hostnames: []string{"EPR-Staging.example.org."}},
	}
	s := start(t, serve.Options{Bucket: bucket, Environments: environments, Poll: time.Hour})
	for host, want := range map[string]string{
		"epr.example.org":              "production",
		"EPR.Example.ORG:8443":         "production",
		"[::1]:8080":                   "production",
		"[::1]":                        "production",
		"epr.example.org.:80":          "production",
		"epr-staging.example.org":      "staging",
		"epr-staging.example.org.evil": "",
		"example.org":                  "",
		"localhost:1":                  "",
	} {
		r := s.get("/package/web/3.0.0/", "Host: "+host)
		got := map[int]string{200: "staging", 404: "production", 421: ""}[r.StatusCode]
		if got != want {
			t.Errorf("host %s: %s, want environment %q", host, r.Status, want)
		}
		if want == "" && (!strings.Contains(string(r.body), "no environment") || !slices.Equal(r.Header["Cache-Control"], asError)) {
			t.Errorf("host %s: %q %v", host, r.body, r.Header)
		}
	}
	// The cache policy is that of the environment.
	if r := s.get("/search", "Host: epr-staging.example.org"); !slices.Equal(r.Header["Cache-Control"], []string{"max-age=2", "public"}) {
		t.Errorf("staging: Cache-Control %q", r.Header["Cache-Control"])
	}

	// A host that is configured is never a preview, whatever its name.
	environments[1].Hostnames = append(environments[1].Hostnames, "new.preview.example.org")
	s = start(t, serve.Options{Bucket: bucket, Environments: environments, Previews: "*.preview.example.org", Poll: time.Hour})
	for host, status := range map[string]int{"new.preview.example.org": 200, "NEW.Preview.example.org:443": 200, "epr.example.org": 404, "other.preview.example.org": 421} {
		if r := s.get("/package/web/3.0.0/", "Host: "+host); r.StatusCode != status {
			t.Errorf("beside previews, host %s: %s, want %d", host, r.Status, status)
		}
	}

	s = start(t, serve.Options{Bucket: bucket, Environments: environments, Default: "staging", Poll: time.Hour})
	if r := s.get("/package/web/3.0.0/", "Host: whatever"); r.StatusCode != 200 {
		t.Errorf("default environment: %s", r.Status)
	}
}

func TestPrefix(t *testing.T) {
	o := production(sharedBucket(t))
	o.Prefix = "/a/registry/"
	s := start(t, o)
	for path, want := range map[string]string{
		"/a/registry/search":                "200 ",
		"/a/registry/":                      "200 ",
		"/a/registry":                       "301 /a/registry/",
		"/a/registry/search/?package=web":   "301 /a/registry/search?package=web",
		"/a/registry/package/web/2.0.0":     "301 /a/registry/package/web/2.0.0/",
		"/a/registry/package/web/2.0.0/":    "200 ",
		"/a/registry/epr/web/web-2.0.0.zip": "200 ",
		"/a/registry/package/store/1.0.0/docs/a%20file%20(1)%20%5Bx%5D.md": "200 ",
		"/search":           "404 ",
		"/a/registrysearch": "404 ",
		"/":                 "404 ",
	} {
		r := s.get(path)
		if got := fmt.Sprint(r.StatusCode, " ", r.Header.Get("Location")); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if l := r.Header.Get("Location"); len(r.body) > 0 && l != "" && !strings.Contains(string(r.body), `href="`+l+`"`) {
			t.Errorf("%s: the link of the redirect is another: %s", path, r.body)
		}
	}
}

func TestLongURL(t *testing.T) {
	s := start(t, production(sharedBucket(t)))
	for _, length := range []int{7 << 10, 9 << 10, 27 << 10, 300 << 10, 900 << 10} {
		long := "/search?package=web&x=" + strings.Repeat("y", length)
		if r := s.get(long); r.StatusCode != 200 || string(r.body) != string(s.get("/search?package=web").body) {
			t.Errorf("a URL of %d bytes: %s: %.200s", length, r.Status, r.body)
		}
	}
}

// TestNotPublishedYet: an environment that was never published answers 503, and
// goes live by itself.
func TestNotPublishedYet(t *testing.T) {
	bucket := newBucket(t)
	o := production(bucket)
	o.Poll = 5 * time.Millisecond
	s := start(t, o)
	r := s.get("/search")
	if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || !strings.Contains(string(r.body), "production") || !slices.Equal(r.Header["Cache-Control"], asError) {
		t.Errorf("%s %v %q", r.Status, r.Header, r.body)
	}
	if s.h.Ready() || !slices.Equal(s.h.Unready(), []string{"production"}) {
		t.Errorf("ready without a snapshot: %v", s.h.Unready())
	}
	ids := built(t, bucket, edition(t, "one"), layout.Budget{})
	published(t, bucket, ids)
	eventually(t, "the environment is live", func() bool { return s.h.Live("production") == ids["production"] })
	if r := s.get("/search"); r.StatusCode != 200 || !s.h.Ready() {
		t.Errorf("after publishing: %s", r.Status)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	bucket := newFaulty(sharedBucket(t))
	good := serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: "production", Hostnames: []string{"a"}}}}
	for what, change := range map[string]func(*serve.Options){
		"no bucket":      func(o *serve.Options) { o.Bucket = nil },
		"no environment": func(o *serve.Options) { o.Environments = nil },
		"bad name":       func(o *serve.Options) { o.Environments = []serve.Environment{{Name: "../x"}} },
		"given twice":    func(o *serve.Options) { o.Environments = append(o.Environments, o.Environments[0]) },
		"shared hostname": func(o *serve.Options) {
			o.Environments = append(o.Environments, serve.Environment{Name: "b", Hostnames: []string{"A."}})
		},
		"empty hostname":       func(o *serve.Options) { o.Environments[0].Hostnames = []string{""} },
		"unknown default":      func(o *serve.Options) { o.Default = "other" },
		"prefix without slash": func(o *serve.Options) { o.Prefix = "x" },
		"prefix with dots":     func(o *serve.Options) { o.Prefix = "/x/../y" },
		"negative size":        func(o *serve.Options) { o.CacheBytes = -1 },
	} {
		o := good
		o.Environments = slices.Clone(good.Environments)
		change(&o)
		if h, err := serve.New(t.Context(), o); err == nil {
			h.Close()
			t.Errorf("%s: no error", what)
		}
	}
}

// TestMissingObjects: what the routes promise must be there; if not it is the
// registry's fault, not the client's, and nobody may keep the answer.
func TestMissingObjects(t *testing.T) {
	bucket := newFaulty(sharedBucket(t))
	s := start(t, production(bucket))
	bucket.set(func(op, key string) error {
		return fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	})
	for _, path := range []string{
		"/search", "/package/web/2.0.0/", "/package/web/2.0.0/manifest.yml", "/epr/web/web-2.0.0.zip", "/epr/signed/signed-1.0.0.zip.sig",
	} {
		if r := s.get(path); r.StatusCode != http.StatusBadGateway || !slices.Equal(r.Header["Cache-Control"], asError) || r.Header.Get("Etag") != "" {
			t.Errorf("%s: %s %v", path, r.Status, r.Header)
		}
	}
	bucket.set(nil)
	for _, path := range []string{"/search", "/package/web/2.0.0/", "/epr/web/web-2.0.0.zip"} {
		if r := s.get(path); r.StatusCode != 200 {
			t.Errorf("%s, once repaired: %s", path, r.Status)
		}
	}
}

// eventually waits for what another goroutine is about to do; if it never does,
// the log says what.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	t.Logf("waiting until %s", what)
	for !done() {
		time.Sleep(2 * time.Millisecond)
	}
}
