package upstream_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/build/sign"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/servetest"
)

// testdata reads a key that was made for the tests of package sign.
func testdata(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "build", "sign", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func key(t *testing.T) *sign.Key {
	t.Helper()
	k, err := sign.LoadKey(testdata(t, "rsa.key"), nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ring(t *testing.T, name string) sign.Ring {
	t.Helper()
	r, err := sign.LoadRing(testdata(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// registry is a running registry whose archives a build has signed.
func registry(t *testing.T) (*publish.Bucket, string) {
	t.Helper()
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.PublishSource(t, b, servetest.Edition(t, 0, 0), servetest.Env, func(o *build.Options) { o.Sign = key(t) })
	return b, servetest.Site(t, b)
}

// between puts a handler before a registry, which may answer in its place.
func between(t *testing.T, site string, answer func(w http.ResponseWriter, r *http.Request) bool) string {
	t.Helper()
	to, err := url.Parse(site)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func options(t *testing.T, site string) upstream.Options {
	return upstream.Options{URL: site, Dir: t.TempDir(), Rate: 10_000, Agent: "test"}
}

func fetch(t *testing.T, o upstream.Options) (*upstream.Source, upstream.Stats) {
	t.Helper()
	src, stats, err := upstream.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	})
	return src, stats
}

// TestImport: what is built from a registry answers as that registry, archives
// and signatures included, byte for byte.
func TestImport(t *testing.T) {
	from, site := registry(t)
	src, stats := fetch(t, options(t, site))
	if stats.Packages != 7 || stats.Signed != 7 || stats.Fetched != 14 {
		t.Errorf("%+v, want 7 packages, all signed", stats)
	}
	to := servetest.Open(t, servetest.FolderURL(t))
	id := servetest.PublishSource(t, to, src, upstream.BranchName, nil)
	servetest.MustBeSound(t, to, id)
	again := servetest.Site(t, to)
	paths := append(servetest.PackagePaths(t, from), servetest.KibanaRequests("", []string{"web", "store"}, []string{"web", "custom"})...)
	for _, path := range append(paths, "/search?all=true&prerelease=true", "/search?experimental=true") {
		servetest.CompareAnswers(t, site, again, path)
	}
	m, err := to.Live(t.Context(), servetest.Env)
	if err != nil || m.Branches[0].Subject != "imported from "+site {
		t.Errorf("provenance %+v, %v", m.Branches, err)
	}
}

// TestImportPart asks for a part only.
func TestImportPart(t *testing.T) {
	_, site := registry(t)
	for _, c := range []struct {
		slice layout.Slice
		want  string
	}{
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "kibana.version=8.5.0"}}}, "agent-1.0.0 signed-1.0.0 store-1.0.0 web-2.0.0"},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=web&prerelease=true", Versions: 2}}}, "web-2.0.0 web-2.1.0-beta.1"},
		{layout.Slice{Packages: []string{"agent", "web-1.0.0"}}, "agent-1.0.0 agent-1.1.0 web-1.0.0"},
	} {
		o := options(t, site)
		o.Slice = c.slice
		src, _ := fetch(t, o)
		b, err := src.Branch(t.Context(), upstream.BranchName)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range b.Entries {
			got = append(got, e.Name+"-"+e.Version)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %s, want %s", c.slice, got, c.want)
		}
	}
	o := options(t, site)
	o.Slice = layout.Slice{Packages: []string{"agnet"}}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the registry has no agnet (did you mean agent?)") {
		t.Errorf("a name that is mistyped: %v", err)
	}
	o.Slice = layout.Slice{Packages: []string{"web-9.9.9"}}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the registry has no web-9.9.9") {
		t.Errorf("a version that is not there: %v", err)
	}
	o.Slice = layout.Slice{Queries: []layout.SliceQuery{{Query: "package=nothing"}}}
	if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrNothing) {
		t.Errorf("nothing: %v", err)
	}
}

// TestSignatures: good ones are accepted, all others are named.
func TestSignatures(t *testing.T) {
	_, site := registry(t)
	part := layout.Slice{Packages: []string{"web", "store"}}
	o := options(t, site)
	o.Slice, o.Verify = part, ring(t, "rsa.pub")
	if _, stats := fetch(t, o); stats.Signed != 4 {
		t.Errorf("%+v, want 4 signed", stats)
	}
	unsigned := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, unsigned, 0, 0)
	tampered := between(t, site, func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "web-2.0.0.zip") {
			return false
		}
		_, _ = w.Write([]byte("PK something else"))
		return true
	})
	for _, c := range []struct {
		name, site, key string
		slice           layout.Slice
		want            []string
	}{
		{"tampered", tampered, "rsa.pub", part, []string{"1 of 4", "web-2.0.0: the signature is not good"}},
		{"another key", site, "ed25519.pub", part, []string{"4 of 4", "store-1.0.0: the signature is not good: it was made by key ", "not one of those to trust"}},
		{"none", servetest.Site(t, unsigned), "rsa.pub", part, []string{"4 of 4", "web-1.0.0: it has no signature"}},
		{"no signature at all", site, "rsa.pub", layout.Slice{Packages: []string{"signed"}}, []string{"1 of 1", "signed-1.0.0: the signature is not good"}},
	} {
		o := options(t, c.site)
		o.Slice, o.Verify = c.slice, ring(t, c.key)
		_, _, err := upstream.Fetch(t.Context(), o)
		if !errors.Is(err, upstream.ErrUnsigned) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", c.name, err, want)
			}
		}
	}
}

// TestFetchAgain: what is there is asked for on condition, and one that was
// interrupted goes on.
func TestFetchAgain(t *testing.T) {
	from, site := registry(t)
	var files atomic.Int64
	var stop atomic.Pointer[context.CancelFunc]
	counted := between(t, site, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/epr/") && files.Add(1) == 5 {
			if cancel := stop.Load(); cancel != nil {
				(*cancel)()
			}
		}
		return false
	})
	o := options(t, counted)
	o.Parallel = 1
	ctx, cancel := context.WithCancel(t.Context())
	stop.Store(&cancel)
	if _, stats, err := upstream.Fetch(ctx, o); !errors.Is(err, context.Canceled) || stats.Fetched >= 7 {
		t.Fatalf("interrupted: %+v, %v", stats, err)
	}
	stop.Store(nil)
	src, _, err := upstream.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	src.Close()
	src, stats, err := upstream.Fetch(t.Context(), o)
	if err != nil || stats.Fetched != 0 || stats.Unchanged != 14 {
		t.Errorf("again: %+v, %v", stats, err)
	}
	src.Close()
	// One file is damaged, another gone: they are fetched again.
	packages := filepath.Join(o.Dir, "branch", "packages")
	if err := errors.Join(os.WriteFile(filepath.Join(packages, "web-1.0.0.zip"), []byte("x"), 0o666), os.Remove(filepath.Join(packages, "agent-1.0.0.zip.sig"))); err != nil {
		t.Fatal(err)
	}
	src, stats, err = upstream.Fetch(t.Context(), o)
	if err != nil || stats.Fetched != 2 || stats.Unchanged != 12 {
		t.Errorf("after damage: %+v, %v", stats, err)
	}
	src.Close()
	// The registry moves on: what changed is fetched.
	servetest.PublishSource(t, from, servetest.Edition(t, 1, 1), servetest.Env, func(o *build.Options) { o.Sign = key(t) })
	time.Sleep(20 * time.Millisecond)
	o.URL = servetest.Site(t, from)
	src, stats, err = upstream.Fetch(t.Context(), o)
	if err != nil || stats.Packages != 8 || stats.Fetched < 6 || stats.Fetched > 16 {
		t.Errorf("after a push: %+v, %v", stats, err)
	}
	to := servetest.Open(t, servetest.FolderURL(t))
	servetest.MustBeSound(t, to, servetest.PublishSource(t, to, src, upstream.BranchName, nil))
	src.Close()

	// A folder of something else stays as it is.
	o.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(o.Dir, "thesis.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "is no folder of an import") {
		t.Errorf("another folder: %v", err)
	}
}

// TestPolite: few connections, a bounded rate, and it says who it is.
func TestPolite(t *testing.T) {
	_, site := registry(t)
	var mu sync.Mutex
	now, most, requests := 0, 0, 0
	watched := between(t, site, func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		now, requests = now+1, requests+1
		most = max(most, now)
		if r.UserAgent() != "test" {
			t.Errorf("User-Agent %q", r.UserAgent())
		}
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		now--
		mu.Unlock()
		return false
	})
	o := options(t, watched)
	o.Rate, o.Parallel = 10, 2
	started := time.Now()
	fetch(t, o)
	if most > 2 {
		t.Errorf("%d requests at once, want at most 2", most)
	}
	// A burst of 10 is free; the others wait for a tenth of a second each.
	if least := time.Duration(requests-11) * 100 * time.Millisecond; requests != 15 || time.Since(started) < least {
		t.Errorf("%d requests in %s", requests, time.Since(started))
	}
}
