package export_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
)

// TestRemote: from a bucket that is no folder everything is copied once; the next
// export links to what did not change, and notices what was changed on disk.
func TestRemote(t *testing.T) {
	bucket := edgetest.PublishTo(t, "mem://", storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	first := exported(t, bucket, dir, nil)
	archive := filepath.Join(dir, "current", "tree", "epr", "odd_names", "odd_names-1.0.0.zip")
	spoilt := filepath.Join(dir, first.Snapshot, "tree", "package", "web_server", "1.0.0", "manifest.yml")
	whole, err := os.ReadFile(spoilt)
	if err != nil {
		t.Fatal(err)
	}
	put(t, spoilt, strings.Repeat("x", len(whole)))
	spoiltForm := filepath.Join(dir, first.Snapshot, "tree", "package", "web_server", "1.0.0", "index.json.gz")
	wholeForm, err := os.ReadFile(spoiltForm)
	if err != nil {
		t.Fatal(err)
	}
	put(t, spoiltForm, strings.Repeat("x", len(wholeForm)))
	id := edgetest.Update(t, bucket, storage(t, func(packages string) {
		put(t, filepath.Join(packages, "web_server", "2.0.0", "docs", "README.md"), "# Second edition\n")
	}), build.DefaultBudget)[env]
	second := exported(t, bucket, dir, nil)
	if second.Snapshot != id || second.Bytes == 0 || second.Bytes > first.Bytes/2 || second.Linked <= first.Linked {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if !sameFile(t, archive, filepath.Join(dir, first.Snapshot, "tree", "epr", "odd_names", "odd_names-1.0.0.zip")) {
		t.Error("an archive that did not change was written again")
	}
	// Encoded forms too, if they are still what they were.
	encoded := func(id, path string) string { return filepath.Join(dir, id, "tree", "package", path, "index.json.gz") }
	if !sameFile(t, encoded(first.Snapshot, "odd_names/1.0.0"), encoded(id, "odd_names/1.0.0")) {
		t.Error("the encoded form of a document that did not change was written again")
	}
	if got, err := os.ReadFile(encoded(id, "web_server/1.0.0")); err != nil || string(got) != string(wholeForm) {
		t.Errorf("an encoded form that was changed on disk was taken over: %d bytes, %v", len(got), err)
	}
	got, err := os.ReadFile(filepath.Join(dir, id, "tree", "package", "web_server", "1.0.0", "manifest.yml"))
	if err != nil || string(got) != string(whole) {
		t.Errorf("what was changed on disk was taken over: %.40q %v", got, err)
	}
}

// TestParallel: no more requests are under way at once than were asked for.
func TestParallel(t *testing.T) {
	s3 := servers.StartS3(t)
	s3.Setenv(t)
	name := s3.NewBucket(t)
	edgetest.PublishTo(t, s3.URL(name), storage(t, nil), build.DefaultBudget)
	var mu sync.Mutex
	var now, most int
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		now += n
		most = max(most, now)
	}
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: s3.Addr})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		count(1)
		time.Sleep(2 * time.Millisecond) // until the others have come that come at once
		count(-1)                        // while the client still waits
		to.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	via := s3.Via(strings.TrimPrefix(proxy.URL, "http://"))
	bucket, err := publish.Open(t.Context(), via.URL(name))
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	exported(t, bucket, t.TempDir(), func(o *export.Options) { o.Parallel = 3 })
	mu.Lock()
	defer mu.Unlock()
	if most != 3 {
		t.Errorf("%d requests at once, want 3", most)
	}
}
