package serve_test

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

// behindNginx puts nginx in front of a server, with the configuration that
// docs/deploy-nginx.md tells to install; only the addresses are others.
func behindNginx(t *testing.T, server string) (address string) {
	t.Helper()
	configuration, err := os.ReadFile("../docs/nginx/regsnap.conf")
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Start(t, string(configuration),
		nginx.Replacement{Old: "server 127.0.0.1:8080;", New: "server " + server + ";"},
		nginx.Replacement{Old: "/var/cache/nginx/regsnap", New: "DIR/cache"})
}

// gate is a server that tests can watch, hold up and take away.
type gate struct {
	h     http.Handler
	asked atomic.Int64
	down  atomic.Bool
	// held, if set, is waited for by every request.
	held atomic.Pointer[chan struct{}]
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.asked.Add(1)
	if g.down.Load() {
		panic(http.ErrAbortHandler) // the connection is cut
	}
	if held := g.held.Load(); held != nil {
		<-*held
	}
	g.h.ServeHTTP(w, r)
}

// cached is a site behind a gate behind nginx.
func cached(t *testing.T, o serve.Options) (direct, front *site, g *gate) {
	t.Helper()
	direct = start(t, o)
	g = &gate{h: direct.h}
	upstream := httptest.NewServer(g)
	t.Cleanup(upstream.Close)
	copied := *direct
	copied.url = "http://" + behindNginx(t, upstream.Listener.Addr().String())
	return direct, &copied, g
}

// both serves production to every host but staging's. Staging's answers may be
// kept for two seconds.
func both() serve.Options {
	return serve.Options{
		Environments: []serve.Environment{{Name: "production"}, {Name: "staging", Hostnames: []string{"epr-staging.example.org"}}},
		Default:      "production", Poll: 10 * time.Millisecond, CacheObject: cacheObject,
	}
}

// everyPath lists requests of every kind.
func everyPath(table *answer.Table) []string {
	paths := []string{
		"/", "/index.json", "/health", "/favicon.ico", "/search", "/search?prerelease=true&all=true", "/search?package=none", "/search?kibana.version=8.5.0&prerelease=true",
		"/search?capabilities=a,b&spec.min=2.3&spec.max=3.4", "/search?discovery=fields:db.name", "/search?kibana%2Eversion=7.17.0", "/search?category=security&unknown=%20+&&=",
		"/categories", "/categories?include_policy_templates=true", "/search?prerelease=x", "/search?kibana.version=8..0", "/search/", "/search/?package=web", "//search", "/package/./web/2.0.0/",
		"/package/web/2.0.0", "/package/web/2.0/", "/package/none/1.0.0/", "/package/web/2.0.0/none", "/package/we-b/2.0.0/", "/epr/web/web-9.0.0.zip", "/epr/web/web-2.0.0.zip.sig",
		"/epr/signed/signed-1.0.0.zip.sig", "/none", "/search%3Fa=b", "/%73earch",
	}
	for row := range table.Rows() {
		r := table.Revision(row)
		base := "/package/" + r.Name + "/" + r.Version + "/"
		paths = append(paths, base, base+"manifest.yml", base+"docs/README.md", "/epr/"+r.Name+"/"+r.Name+"-"+r.Version+".zip")
	}
	return append(paths, (&url.URL{Path: "/package/store/1.0.0/docs/a file (1) [x].md"}).String(),
		"/package/trial/0.1.0/docs/large.txt", "/package/trial/0.1.0/docs/empty.txt", "/package/trial/0.1.0/img/icon.svg")
}

// TestNginxAnswers asks nginx what serve is asked, three times: what comes from
// the cache is what came before, and that is what serve says.
func TestNginxAnswers(t *testing.T) {
	bucket, _, _ := two(t)
	o := both()
	o.Bucket = bucket
	direct, front, _ := cached(t, o)
	states := map[string]int{}
	for _, path := range everyPath(liveTable(t, bucket)) {
		for _, headers := range [][]string{
			{"Accept-Encoding: identity"}, {"Accept-Encoding: gzip"},
			{"Accept-Encoding: gzip", "Range: bytes=3-9"}, {"Range: bytes=-5"}, {"Range: bytes=999999999-"},
		} {
			partial := strings.Contains(strings.Join(headers, " "), "Range")
			if partial && (strings.HasSuffix(path, "/empty.txt") || direct.do("HEAD", path).Header.Get("Accept-Ranges") == "") {
				// Of nothing nginx has no part to give, serve has all of it. Of what
				// the API renders there are no parts, only all of it, encoded or not.
				continue
			}
			for _, method := range []string{"GET", "HEAD", "GET"} {
				if method == "HEAD" && partial {
					continue // only GET has ranges
				}
				got := front.do(method, path, headers...)
				states[got.Header.Get("X-Cache")]++
				sameAnswer(t, method+" "+path+" "+strings.Join(headers, ", "), got, direct.do(method, path, headers...))
			}
		}
	}
	if states["HIT"] <= states["MISS"] || states["STALE"]+states["UPDATING"] > 0 {
		t.Errorf("answers by what the cache did: %v", states)
	}
}

// sameAnswer compares what clients and caches go by.
func sameAnswer(t *testing.T, request string, got, want reply) {
	t.Helper()
	if got.StatusCode != want.StatusCode {
		t.Errorf("%s: status %d, want %d", request, got.StatusCode, want.StatusCode)
	}
	// What nginx itself says of a range that is beyond the end has no bearing.
	if got.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		if a, b := got.Header.Get("Content-Range"), want.Header.Get("Content-Range"); a != b {
			t.Errorf("%s: Content-Range %q, want %q", request, a, b)
		}
		return
	}
	if !bytes.Equal(got.body, want.body) {
		t.Errorf("%s: %d bytes, want %d: %.80q", request, len(got.body), len(want.body), got.body)
	}
	ours, theirs := got.Header.Clone(), want.Header.Clone()
	for _, h := range []http.Header{ours, theirs} {
		for _, name := range []string{"Date", "Server", "Connection", "X-Cache"} {
			h.Del(name)
		}
		if got.StatusCode == http.StatusPartialContent {
			h.Del("Accept-Ranges") // a part says it by itself
		}
	}
	if !maps.EqualFunc(ours, theirs, slices.Equal) {
		t.Errorf("%s:\n got %v\nwant %v", request, ours, theirs)
	}
}

// TestNginxConditional: validators are compared by nginx, with those of serve.
func TestNginxConditional(t *testing.T) {
	o := both()
	o.Bucket = sharedBucket(t)
	direct, front, g := cached(t, o)
	for _, path := range []string{"/search?prerelease=true", "/package/web/2.0.0/manifest.yml", "/epr/web/web-2.0.0.zip"} {
		for _, accept := range []string{"Accept-Encoding: identity", "Accept-Encoding: gzip"} {
			whole := direct.get(path, accept)
			tag := whole.Header.Get("Etag")
			for range 2 {
				for _, headers := range [][]string{{"If-None-Match: " + tag}, {"If-None-Match: W/" + tag}, {`If-None-Match: "x"`}, {"If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT"}} {
					headers = append(headers, accept)
					sameAnswer(t, path+" "+strings.Join(headers, ", "), front.get(path, headers...), direct.get(path, headers...))
				}
			}
		}
	}
	before := g.asked.Load()
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		sameAnswer(t, method, front.do(method, "/search"), direct.do(method, "/search"))
	}
	if n := g.asked.Load() - before; n != 4 {
		t.Errorf("4 requests with other methods: %d came to serve", n)
	}
}

// TestNginxKey: what makes another answer makes another entry, and only that.
func TestNginxKey(t *testing.T) {
	o := both()
	o.Bucket = sharedBucket(t)
	_, front, g := cached(t, o)
	fresh := func(want bool, path string, headers ...string) {
		t.Helper()
		before := g.asked.Load()
		r := front.get(path, headers...)
		if asked := g.asked.Load() > before; asked != want {
			t.Errorf("%s %v: asked serve: %t; X-Cache %s", path, headers, asked, r.Header.Get("X-Cache"))
		}
	}
	fresh(true, "/search")
	fresh(true, "/search?kibana.version=8.5.0")
	fresh(true, "/search?kibana.version=8.5.1")
	fresh(true, "/search", "Host: epr-staging.example.org")
	fresh(false, "/search", "Accept-Encoding: br")
	fresh(false, "/search", "Accept-Encoding: gzip;q=0")
	fresh(false, "/search", "Accept-Encoding: gzip;q=0.000, br")
	fresh(true, "/search", "Accept-Encoding: gzip")
	for _, accept := range []string{"gzip, deflate, br", "br, GZIP;q=0.8", "deflate,gzip ; q=1.0", "x-gzip"} {
		fresh(false, "/search", "Accept-Encoding: "+accept)
	}
	fresh(true, "/epr/web/web-2.0.0.zip")
	fresh(false, "/epr/web/web-2.0.0.zip", "Accept-Encoding: gzip")
	fresh(true, "/package/web/2.0.0/manifest.yml")
	fresh(false, "/package/web/2.0.0/manifest.yml", "Accept-Encoding: gzip", "Range: bytes=0-3")
}

// TestNginxLock: of many who ask for the same that is not in the cache, one
// comes to serve.
func TestNginxLock(t *testing.T) {
	o := both()
	o.Bucket = sharedBucket(t)
	direct, front, g := cached(t, o)
	held := make(chan struct{})
	g.held.Store(&held)
	before := g.asked.Load()
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			if r, err := front.try("GET", "/search"); err != nil || r.StatusCode != 200 || !bytes.Equal(r.body, direct.get("/search").body) {
				t.Errorf("%v %v", r.Response, err)
			}
		})
	}
	for g.asked.Load() == before {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // for more than one to come, if they do
	close(held)
	clients.Wait()
	if n := g.asked.Load() - before; n != 1 {
		t.Errorf("20 clients asked for the same: %d requests came to serve", n)
	}
}

// TestNginxStale goes through the life of an answer that may be kept for two
// seconds: it is asked for again, with its validator; while that takes, and when
// serve is down, the old one is good enough.
func TestNginxStale(t *testing.T) {
	t.Parallel() // most of it is waiting
	bucket, first, second := two(t)
	o := both()
	o.Bucket = bucket
	direct, front, g := cached(t, o)
	const host = "Host: epr-staging.example.org"
	get := func(want string) reply {
		t.Helper()
		r := front.get("/search", host)
		if state := r.Header.Get("X-Cache"); state != want || r.StatusCode != 200 {
			t.Errorf("%s, X-Cache %s, want %s", r.Status, state, want)
		}
		return r
	}
	expire := func() { time.Sleep(3100 * time.Millisecond) } // nginx counts whole seconds
	old := get("MISS")
	get("HIT")
	expire()
	get("REVALIDATED")
	get("HIT")

	if err := servetest.GoLive(t.Context(), bucket, "staging", second["staging"]); err != nil {
		t.Fatal(err)
	}
	for direct.h.Live("staging") == first["staging"] {
		time.Sleep(time.Millisecond)
	}
	expire()
	held := make(chan struct{})
	g.held.Store(&held)
	before := g.asked.Load()
	updated := make(chan reply)
	go func() { r, _ := front.try("GET", "/search", host); updated <- r }()
	for g.asked.Load() == before {
		time.Sleep(time.Millisecond)
	}
	if r := get("UPDATING"); !bytes.Equal(r.body, old.body) {
		t.Error("while it is asked for again, the answer is another one")
	}
	g.held.Store(nil)
	close(held)
	new := <-updated
	if want := direct.get("/search", host); !bytes.Equal(new.body, want.body) || bytes.Equal(new.body, old.body) || new.Header.Get("X-Cache") != "EXPIRED" {
		t.Errorf("after it expired: %s %v", new.Status, new.Header)
	}

	g.down.Store(true)
	get("HIT")
	expire()
	if r := get("STALE"); !bytes.Equal(r.body, new.body) {
		t.Error("serve is down: the answer is another one")
	}
	if r := front.get("/search?all=true", host); r.StatusCode != http.StatusBadGateway {
		t.Errorf("serve is down, and nothing is in the cache: %s", r.Status)
	}
	g.down.Store(false)
	get("REVALIDATED")
}
