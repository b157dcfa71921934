package upstream_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest"
)

// counted is a bucket that counts how often it is read.
type counted struct {
	upstream.Bucket
	reads atomic.Int64
}

func (c *counted) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	c.reads.Add(1)
	return c.Bucket.Open(ctx, key, offset, length)
}

// TestStorageOfOurs: a bucket whose index regsnap keeps, and an edge as its endpoint, give
// every archive and signature byte for byte, the first time all and then what is new.
func TestStorageOfOurs(t *testing.T) {
	s := servers.StartGCS(t)
	s.Setenv(t)
	name := s.NamedBucket(t, "upstream")
	b := servetest.Open(t, s.URL(name))
	push := func(n, extra int) {
		t.Helper()
		servetest.PublishSource(t, b, servetest.Edition(t, n, extra), servetest.Env, func(o *build.Options) { o.Sign = key(t) })
		if r, err := storagev2.Follow(t.Context(), b, servetest.Env); err != nil || !r.Written {
			t.Fatal(r, err)
		}
	}
	push(0, 0)
	objects, err := store.Open(t.Context(), s.URL(name)+"?prefix="+layout.StorageRoot(servetest.Env)+"/", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	bucket := &counted{Bucket: objects}
	var asked atomic.Int64
	edge := servetest.Site(t, b)
	endpoint := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			to, err := url.Parse(edge)
			if err != nil {
				t.Error(err)
			}
			httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	o := options(t, endpoint())
	o.Storage, o.Bucket, o.Verify = "gs://"+name+"/storage/"+servetest.Env+"?x=secret", bucket, ring(t, "rsa.pub")
	o.Exclude = []string{"signed"} // by nobody's key

	src, stats, err := upstream.Fetch(t.Context(), o)
	if err != nil || stats.Fetched != 12 || stats.Signed != 6 || stats.Current || stats.Cursor != layout.Cursor(1) || bucket.reads.Load() != 2 {
		t.Fatalf("%+v, %v, %d reads", stats, err, bucket.reads.Load())
	}
	to := servetest.Open(t, servetest.FolderURL(t))
	servetest.MustBeSound(t, to, servetest.PublishSource(t, to, src, upstream.BranchName, nil))
	if err := src.Close(); err != nil {
		t.Fatal(err)
	}
	sameArchives(t, b, to, 12)
	m, err := to.Live(t.Context(), servetest.Env)
	if err != nil || m.Branches[0].Subject != "imported from gs://"+name+"/storage/"+servetest.Env {
		t.Errorf("provenance %+v, %v", m.Branches, err)
	}

	// Nothing new: one look at the cursor.
	again := func(what string, fetched, unchanged int, current bool, reads, requests int64) {
		t.Helper()
		bucket.reads.Store(0)
		asked.Store(0)
		src, stats, err := upstream.Fetch(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if stats.Fetched != fetched || stats.Unchanged != unchanged || stats.Current != current || bucket.reads.Load() != reads || asked.Load() != requests {
			t.Errorf("%s: %+v, %d reads, %d requests", what, stats, bucket.reads.Load(), asked.Load())
		}
		if err := src.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again("nothing new", 0, 12, true, 1, 0)
	// What was lost is fetched again, and nothing else.
	if err := os.Remove(filepath.Join(o.Dir, "branch", "packages", "web-1.0.0.zip")); err != nil {
		t.Fatal(err)
	}
	again("one is lost", 1, 11, true, 1, 1)
	// All of it is asked for, and none has changed.
	o.Refresh = true
	again("refresh", 0, 12, false, 2, 12)
	o.Refresh = false
	// A push: what is new is fetched.
	push(0, 2)
	edge = servetest.Site(t, b)
	again("a push", 4, 12, false, 2, 4)
	// Another endpoint is not taken on trust.
	o.URL = endpoint()
	src, stats, err = upstream.Fetch(t.Context(), o)
	if err != nil || stats.Fetched+stats.Unchanged != 16 || asked.Load() < 16 {
		t.Errorf("another endpoint: %+v, %v", stats, err)
	}
	src.Close()

	// A part, and all that is missing of one.
	o.Slice = layout.Slice{Packages: []string{"agent", "web-1.0.0"}}
	src, stats, err = upstream.Fetch(t.Context(), o)
	if err != nil || stats.Packages != 3 {
		t.Errorf("a part: %+v, %v", stats, err)
	}
	src.Close()
	o.Slice = layout.Slice{Packages: []string{"agnet"}}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the index has no agnet (did you mean agent?)") {
		t.Errorf("a name that is mistyped: %v", err)
	}
	o.Slice = layout.Slice{Packages: []string{"web-9.9.9", "agent", "none"}}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the index has no none, web-9.9.9") {
		t.Errorf("missing: %v", err)
	}
	o.Slice = layout.Slice{Queries: []layout.SliceQuery{{Query: "package=web"}}}
	if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrQueries) {
		t.Errorf("a query: %v", err)
	}
}

// fetched is fetch for a test that closes what it gets.
func fetched(t *testing.T, o upstream.Options) (*upstream.Source, upstream.Stats) {
	t.Helper()
	src, stats, err := upstream.Fetch(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return src, stats
}

// sameArchives compares what two buckets serve of the packages of the second.
func sameArchives(t *testing.T, from, to *publish.Bucket, want int) {
	t.Helper()
	a, b := servetest.Site(t, from), servetest.Site(t, to)
	compared := 0
	for _, path := range servetest.PackagePaths(t, to) {
		if strings.HasSuffix(path, ".zip") || strings.HasSuffix(path, ".zip.sig") {
			if x, y := body(t, a+path), body(t, b+path); !bytes.Equal(x, y) || len(x) == 0 {
				t.Errorf("%s: %d bytes, then %d", path, len(x), len(y))
			}
			compared++
		}
	}
	if compared < want {
		t.Errorf("%d archives and signatures were compared", compared)
	}
}

func body(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return body
}

// storage is a bucket of package storage v2 made by hand, that is read over HTTP.
type storage struct {
	mu    sync.Mutex
	files map[string][]byte // by path
	asked []string
	// before, if set, is called before a request is answered; what it answers itself
	// it reports.
	before func(s *storage, w http.ResponseWriter, r *http.Request) bool
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.URL.Path)
	done := s.before != nil && s.before(s, w, r)
	body, ok := s.files[r.URL.Path]
	s.mu.Unlock()
	switch {
	case done:
	case !ok:
		http.NotFound(w, r)
	default:
		w.Header().Set("ETag", fmt.Sprintf("%q", layout.DigestOf(body)))
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

// index puts an index and moves the cursor to it.
func (s *storage) index(cursor string, ids ...string) {
	var list []string
	for _, id := range ids {
		name, version, _ := strings.Cut(id, "-")
		list = append(list, fmt.Sprintf(`{"package_manifest":{"name":%q,"version":%q,"format_version":"1.0.0"}}`, name, version))
	}
	s.files["/v2/metadata/"+cursor+"/search-index-all.json"] = []byte(`{"packages":[` + strings.Join(list, ",") + "]}")
	s.files["/v2/metadata/cursor.json"] = fmt.Appendf(nil, `{"current":%q}`, cursor)
}

// change changes the bucket between requests.
func (s *storage) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
}

// take forgets and returns what was asked for.
func (s *storage) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	slices.Sort(asked)
	return strings.Join(asked, " ")
}

// newStorage is such a bucket with archives of a registry, and an index of them.
func newStorage(t *testing.T, ids ...string) (*storage, string) {
	t.Helper()
	_, site := registry(t)
	s := &storage{files: map[string][]byte{}}
	for _, id := range ids {
		name, _, _ := strings.Cut(id, "-")
		s.files["/artifacts/packages/"+id+".zip"] = body(t, site+"/epr/"+name+"/"+id+".zip")
	}
	s.index("1", ids...)
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

// everyID are the package versions of a registry.
var everyID = []string{"agent-1.0.0", "agent-1.1.0", "signed-1.0.0", "store-1.0.0", "web-1.0.0", "web-2.0.0", "web-2.1.0-beta.1"}

// TestStorageByHand: a bucket behind plain HTTP, whose archives it holds itself.
func TestStorageByHand(t *testing.T) {
	s, site := newStorage(t, everyID...)
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(s.files["/v2/metadata/1/search-index-all.json"]); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	s.files["/v2/metadata/1/search-index-all.json"] = z.Bytes() // no header says so
	o := options(t, "")
	o.Storage = site
	src, stats := fetched(t, o)
	if stats.Fetched != 7 || stats.Signed != 0 {
		t.Errorf("%+v", stats)
	}
	b, err := src.Branch(t.Context(), upstream.BranchName)
	if err != nil || len(b.Entries) != 7 {
		t.Fatalf("%+v, %v", b, err)
	}
	for path, content := range s.files {
		if name, ok := strings.CutPrefix(path, "/artifacts/packages/"); ok {
			got, err := os.ReadFile(filepath.Join(o.Dir, "branch", "packages", name))
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%s: %d bytes of %d, %v", name, len(got), len(content), err)
			}
		}
	}
	src.Close()
	s.take()
	// Nothing new: two requests.
	if src, stats := fetched(t, o); !stats.Current || stats.Unchanged != 7 {
		t.Errorf("%+v", stats)
	} else {
		src.Close()
	}
	if got := s.take(); got != "/v2/metadata/1/search-index-all.json /v2/metadata/cursor.json" {
		t.Errorf("nothing new: %s", got)
	}
	// A version goes; nothing is fetched, and it is no longer part of the source.
	s.change(func() { s.index("2", "web-1.0.0") })
	src, stats = fetched(t, o)
	if stats.Packages != 1 || stats.Fetched != 0 {
		t.Errorf("%+v", stats)
	}
	if b, err := src.Branch(t.Context(), upstream.BranchName); err != nil || len(b.Entries) != 1 {
		t.Errorf("%+v, %v", b, err)
	}
	src.Close()
	// Stopped in the middle, it goes on with what is missing.
	o = options(t, "")
	o.Storage, o.Parallel = site, 1
	s.change(func() { s.index("3", "agent-1.0.0", "store-1.0.0", "web-1.0.0", "web-2.0.0") })
	ctx, cancel := context.WithCancel(t.Context())
	before := func(_ *storage, _ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/artifacts/packages/web-1.0.0.zip" {
			return false
		}
		cancel()
		<-r.Context().Done() // before anything of it comes
		return true
	}
	s.change(func() { s.before = before })
	if _, _, err := upstream.Fetch(ctx, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped: %v", err)
	}
	s.change(func() { s.before = nil })
	s.take()
	src, stats = fetched(t, o)
	src.Close()
	got := s.take()
	if stats.Unchanged != 2 || stats.Fetched != 2 || strings.Contains(got, "agent-1.0.0") || strings.Contains(got, "store-1.0.0") {
		t.Errorf("resumed: %+v: %s", stats, got)
	}
}

// TestStorageMovesOn: the cursor moves while the bucket is read, and what it leaves goes.
func TestStorageMovesOn(t *testing.T) {
	s, site := newStorage(t, "agent-1.0.0", "signed-1.0.0", "web-1.0.0", "web-2.0.0")
	all := slices.Sorted(maps.Keys(s.files))
	for _, at := range all { // before each file in turn
		t.Run(filepath.Base(at), func(t *testing.T) {
			files := maps.Clone(s.files)
			defer s.change(func() { s.files, s.before = files, nil })
			gone := at
			if !strings.HasSuffix(gone, ".zip") {
				gone = "/artifacts/packages/web-1.0.0.zip"
			}
			before := func(s *storage, _ http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == at && s.files["/v2/metadata/2/search-index-all.json"] == nil {
					delete(s.files, gone)
					delete(s.files, "/v2/metadata/1/search-index-all.json")
					left := "web-2.0.0"
					if strings.Contains(gone, left) {
						left = "web-1.0.0"
					}
					s.index("2", "agent-1.0.0", left)
					if strings.Contains(gone, "agent") {
						s.index("2", left)
					}
				}
				return false
			}
			s.change(func() { s.before = before })
			o := options(t, "")
			o.Storage = site
			src, stats := fetched(t, o)
			src.Close()
			if stats.Cursor != "2" || stats.Packages > 2 {
				t.Errorf("%+v", stats)
			}
		})
	}
	n := 1
	before := func(s *storage, _ http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/artifacts/") {
			n++
			s.index(fmt.Sprint(n), "web-1.0.0")
			delete(s.files, r.URL.Path)
		}
		return false
	}
	s.change(func() { s.before = before })
	o := options(t, "")
	o.Storage = site
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), "the cursor moves on while the packages are read (5 times") {
		t.Errorf("for ever: %v", err)
	}
}
