package serve_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve"
)

// stuck is a client that takes the head of an answer and then nothing until it
// is let go. Errors it takes whole.
type stuck struct {
	header  http.Header
	status  int
	begun   chan struct{} // closed once the status is there
	release chan struct{}
	once    sync.Once
}

func (w *stuck) Header() http.Header { return w.header }

func (w *stuck) WriteHeader(status int) {
	w.status = status
	w.once.Do(func() { close(w.begun) })
}

func (w *stuck) Write(p []byte) (int, error) {
	if w.status == http.StatusOK {
		<-w.release
	}
	return len(p), nil
}

// TestHeldIsBounded: clients that ask for many distinct large answers and read
// none of them get what fits the bound, and 503 beyond it; those that ask for one
// and the same answer all get it.
func TestHeldIsBounded(t *testing.T) {
	const versions, bound = 48, 4 << 20
	var packages strings.Builder
	for i := range versions {
		fmt.Fprintf(&packages, "-- production/packages/long/1.%d.0/manifest.yml --\nformat_version: 1.0.0\nname: long\ntitle: Long\nversion: 1.%d.0\ntype: integration\ndescription: %s\nconditions.kibana.version: \">=8.%d.0\"\n"+
			"-- production/packages/long/1.%d.0/docs/README.md --\n# Long\n", i, i, strings.Repeat(fmt.Sprint("long ", i, " "), 5000), i, i)
	}
	packages.WriteString("-- staging/packages/.gitkeep --\n")
	bucket := newBucket(t)
	published(t, bucket, built(t, bucket, indextest.Folders(t, packages.String()), onlyCatalog))
	o := production(bucket)
	o.CacheBytes = bound
	h, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	release, gone := make(chan struct{}), sync.WaitGroup{}
	ask := func(path string) *stuck {
		w := &stuck{header: http.Header{}, begun: make(chan struct{}), release: release}
		gone.Go(func() { h.ServeHTTP(w, httptest.NewRequest("GET", path, nil)) })
		<-w.begun
		return w
	}
	query := func(i int) string { return fmt.Sprintf("/search?all=true&kibana.version=8.%d.0", i) }

	before := liveHeap()
	sent, answered, refused := 0, 0, 0
	for i := range versions {
		switch w := ask(query(i)); w.status {
		case 200:
			answered++
			n := 0
			fmt.Sscan(w.header.Get("Content-Length"), &n)
			sent += n
		case 503:
			refused++
			if w.header.Get("Retry-After") == "" || !slices.Equal(w.header["Cache-Control"], asError) {
				t.Errorf("refused with %v", w.header)
			}
		default:
			t.Errorf("%s: %d", query(i), w.status)
		}
	}
	if sent > bound || answered == 0 || refused == 0 {
		t.Errorf("%d answers of %d bytes are on their way, %d were refused; the bound is %d", answered, sent, refused, bound)
	}
	// The cache, what is sent, and as much again for all that is small.
	if grown := liveHeap() - before; grown > 3*bound {
		t.Errorf("%d bytes of memory for a bound of %d", grown, bound)
	}
	for range 100 {
		if w := ask(query(1)); w.status != 200 {
			t.Fatalf("the same answer for one more client: %d", w.status)
		}
	}
	close(release)
	gone.Wait()
	for i := range versions {
		if w := ask(query(i)); w.status != 200 {
			t.Errorf("%s: %d though nothing is on its way", query(i), w.status)
		}
		gone.Wait()
	}
}

// TestCacheAtItsBounds: what has as many bytes as CacheObject is read once for two
// clients; what has one more, twice.
func TestCacheAtItsBounds(t *testing.T) {
	for what, c := range map[string]struct {
		path, accept, key string
		bounded           func(o *serve.Options, size int64)
	}{
		"an archive":      {"/epr/web/web-2.0.0.zip", "identity", "packages/web/2.0.0/", func(o *serve.Options, n int64) { o.CacheObject = n }},
		"an encoded file": {"/package/trial/0.1.0/agent/stream/long.yml.hbs", "gzip", "packages/trial/0.1.0/", func(o *serve.Options, n int64) { o.CacheObject = n }},
	} {
		size := start(t, production(sharedBucket(t))).get(c.path, "Accept-Encoding: "+c.accept)
		if size.StatusCode != 200 || size.ContentLength <= 0 || (size.Header.Get("Content-Encoding") == "gzip") != (c.accept == "gzip") {
			t.Fatalf("%s: %s %v", what, size.Status, size.Header)
		}
		for more, want := range map[int64]int{0: 0, 1: 0, -1: 1} {
			bucket := newFaulty(sharedBucket(t))
			o := production(bucket)
			c.bounded(&o, size.ContentLength+more)
			s := start(t, o)
			reads := func() int { return bucket.count("read", c.key) + bucket.count("open", c.key) }
			s.get(c.path, "Accept-Encoding: "+c.accept)
			first := reads()
			s.get(c.path, "Accept-Encoding: "+c.accept)
			if got := reads() - first; got != want || first == 0 {
				t.Errorf("%s, with %+d bytes more: read %d times, and %d times again, want %d", what, more, first, got, want)
			}
		}
	}
}

func liveHeap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
