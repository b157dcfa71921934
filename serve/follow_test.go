package serve_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// two publishes one edition into a new bucket, and has another one ready.
func two(t *testing.T) (bucket *publish.Bucket, first, second map[string]string) {
	t.Helper()
	bucket = newBucket(t)
	first = built(t, bucket, edition(t, "one"), layout.Budget{})
	second = built(t, bucket, edition(t, "two"), onlyCatalog)
	published(t, bucket, first)
	return bucket, first, second
}

// TestMovingPointer moves the pointer to and fro under load. Every answer is
// wholly of one edition: its body, and the ETag that goes with it.
func TestMovingPointer(t *testing.T) {
	bucket, first, second := two(t)
	o := production(bucket)
	o.Poll = time.Millisecond
	s := start(t, o)
	paths := []string{
		"/search", "/search?all=true&prerelease=true", "/search?package=web&kibana.version=8.5.0", "/package/web/2.0.0/",
		"/package/web/2.0.0/docs/README.md", "/package/web/2.0.0/manifest.yml", "/epr/web/web-2.0.0.zip",
	}
	var answered [2]atomic.Int64 // of either edition
	var clients sync.WaitGroup
	stop := make(chan struct{})
	var tags sync.Map // path and ETag → body
	for i := range 4 {
		clients.Go(func() {
			for n := i; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				path := paths[n%len(paths)]
				r, err := s.try("GET", path)
				if err != nil || r.StatusCode != 200 {
					t.Errorf("%s: %v %v", path, r.Response, err)
					return
				}
				body := string(r.body)
				if known, seen := tags.LoadOrStore(path+" "+r.Header.Get("Etag"), body); seen && known != body {
					t.Errorf("%s: two bodies with the ETag %s", path, r.Header.Get("Etag"))
				}
				if strings.HasPrefix(path, "/epr/") {
					continue
				}
				one, two := strings.Contains(strings.ToLower(body), "edition one"), strings.Contains(strings.ToLower(body), "edition two")
				if one == two {
					t.Errorf("%s: one %t, two %t: %s", path, one, two, body)
				}
				if one {
					answered[0].Add(1)
				} else {
					answered[1].Add(1)
				}
			}
		})
	}
	moves := 0
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); moves++ {
		ids := []map[string]string{second, first}[moves%2]
		if err := servetest.GoLive(t.Context(), bucket, "production", ids["production"]); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the published snapshot is live", func() bool { return s.h.Live("production") == ids["production"] })
	}
	close(stop)
	clients.Wait()
	if answered[0].Load() == 0 || answered[1].Load() == 0 || moves < 5 {
		t.Errorf("%d moves, %d and %d answers: nothing was tried", moves, answered[0].Load(), answered[1].Load())
	}
	t.Logf("%d moves, %d and %d answers of the two editions", moves, answered[0].Load(), answered[1].Load())
}

// TestKeepsWhatIsLive: a new snapshot that cannot be loaded, and a store that is
// down, leave what was live as it was.
func TestKeepsWhatIsLive(t *testing.T) {
	bare, first, second := two(t)
	bucket := newFaulty(bare)
	o := production(bucket)
	o.Poll = 2 * time.Millisecond
	s := start(t, o)
	before := s.get("/search")

	bucket.set(func(op, key string) error {
		if op == "routes" {
			return errors.New("connection refused")
		}
		return nil
	})
	published(t, bare, second)
	eventually(t, "loading failed", func() bool { return metric(t, s, "regsnap_pointer_failures_total") >= 3 })
	if r := s.get("/search"); string(r.body) != string(before.body) || s.h.Live("production") != first["production"] {
		t.Errorf("live is %s", s.h.Live("production"))
	}

	down := errors.New("no route to host")
	bucket.set(func(string, string) error { return down })
	if r := s.get("/search"); r.StatusCode != 200 || string(r.body) != string(before.body) {
		t.Errorf("the store is down: /search, which is in memory: %s", r.Status)
	}
	if r := s.get("/search", "Accept-Encoding: gzip"); r.StatusCode != 200 {
		t.Errorf("the store is down: /search, encoded: %s", r.Status)
	}
	for _, path := range []string{"/package/web/2.0.0/", "/epr/web/web-2.0.0.zip", "/search?package=store", "/package/web/2.0.0/manifest.yml"} {
		r := s.get(path)
		if r.StatusCode != 502 || !slices.Equal(r.Header["Cache-Control"], asError) || strings.Contains(string(r.body), "route to host") {
			t.Errorf("the store is down: %s: %s %v %s", path, r.Status, r.Header, r.body)
		}
	}
	// Revalidation needs no store.
	if r := s.get("/package/web/2.0.0/", "If-None-Match: \""+string(documentDigest(t, bare))+"\""); r.StatusCode != 304 {
		t.Errorf("the store is down: revalidation: %s", r.Status)
	}
	if metric(t, s, "regsnap_store_errors_total") == 0 {
		t.Error("errors of the store are not counted")
	}

	bucket.set(nil)
	eventually(t, "the new snapshot is live", func() bool { return s.h.Live("production") == second["production"] })
	if r := s.get("/search"); string(r.body) == string(before.body) {
		t.Error("still the old answer")
	}
	eventually(t, "the metric says so", func() bool { return metric(t, s, "regsnap_snapshot_info", second["production"]) == 1 })
	if n := metric(t, s, "regsnap_snapshot_info"); n != 1 {
		t.Errorf("regsnap_snapshot_info is %v", n)
	}
}

func documentDigest(t *testing.T, bucket *publish.Bucket) layout.Digest {
	t.Helper()
	routes, err := bucket.Routes(t.Context(), "production", publishedFirst(t, bucket))
	if err != nil {
		t.Fatal(err)
	}
	return routes.Document(routes.Find("web", "2.0.0"))
}

// publishedFirst is the snapshot that was live before the one that is.
func publishedFirst(t *testing.T, bucket *publish.Bucket) string {
	t.Helper()
	p, err := bucket.Pointer(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	return p.Previous
}

// TestBrokenStream: when the store fails in the middle of an answer, the client
// must not take what it got for the whole.
func TestBrokenStream(t *testing.T) {
	bucket := newFaulty(sharedBucket(t))
	s := start(t, production(bucket))
	s.get("/package/trial/0.1.0/manifest.yml")
	bucket.set(func(op, key string) error {
		if op == "stream" {
			return fmt.Errorf("reset by peer")
		}
		return nil
	})
	for _, headers := range [][]string{nil, {"Accept-Encoding: gzip"}, {"Range: bytes=10-400000"}, {"Range: bytes=0-200000,300000-600000"}} {
		r, err := s.try("GET", "/package/trial/0.1.0/docs/large.txt", headers...)
		if err == nil && r.StatusCode < 300 {
			t.Errorf("%v: %s, %d bytes, as if that were all", headers, r.Status, len(r.body))
		}
	}
	// If it fails before the first byte there is still time to say so.
	bucket.set(func(op, key string) error {
		if op == "open" {
			return fmt.Errorf("no route to host")
		}
		return nil
	})
	for _, headers := range [][]string{nil, {"Accept-Encoding: gzip"}, {"Range: bytes=10-400000"}, {"Range: bytes=0-200000,300000-600000"}} {
		r := s.get("/package/trial/0.1.0/docs/large.txt", headers...)
		for _, name := range []string{"Content-Range", "Etag", "Accept-Ranges", "Content-Encoding"} {
			if r.Header.Get(name) != "" {
				t.Errorf("%v: an error with %s: %s", headers, name, r.Header.Get(name))
			}
		}
		if r.StatusCode != 502 || !slices.Equal(r.Header["Cache-Control"], asError) {
			t.Errorf("%v: %s %v", headers, r.Status, r.Header)
		}
	}
	bucket.set(nil)
	if r := s.get("/package/trial/0.1.0/docs/large.txt"); r.StatusCode != 200 || len(r.body) < largeText {
		t.Errorf("once the store is back: %s", r.Status)
	}
}
