package check_test

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/check"
)

// newBucket has two snapshots of the demo storage: what production shows is live
// there, what staging shows is built for the same environment as the second. The
// environment called other has staging's packages too.
func newBucket(t *testing.T) (bucket *publish.Bucket, first, second string) {
	t.Helper()
	return bucketWith(t, layout.DefaultCachePolicy)
}

// uncached is newBucket with answers that nobody may keep.
func uncached(t *testing.T) (bucket *publish.Bucket, first, second string) {
	t.Helper()
	return bucketWith(t, layout.CachePolicy{})
}

func bucketWith(t *testing.T, cache layout.CachePolicy) (bucket *publish.Bucket, first, second string) {
	t.Helper()
	bucket, err := publish.Create(t.Context(), "file://"+filepath.ToSlash(servers.MemoryDir(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	first = built(t, bucket, cache, "production", "production")
	second = built(t, bucket, cache, "production", "production", "staging")
	other := built(t, bucket, cache, "other", "staging", "production")
	live(t, bucket, "production", first)
	live(t, bucket, "other", other)
	return bucket, first, second
}

func built(t *testing.T, bucket *publish.Bucket, cache layout.CachePolicy, env string, branches ...string) string {
	t.Helper()
	source, err := git.OpenDir(storage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	result, err := build.Build(t.Context(), build.Options{
		Source: source, Store: bucket, Regsnap: "test",
		Environments: []build.Environment{{Name: env, Branches: branches, ServiceVersion: "1.40.1", Cache: cache}},
	})
	if err != nil {
		t.Fatal(err, result.Report.Errors)
	}
	return result.Snapshots[0].ID
}

// storage is a part of the demo storage: enough for every kind of request, and no
// more, because a check is run on it for each fault.
func storage(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for _, name := range []string{
		"production/packages/cloud_suite/1.5.0", "production/packages/guard/3.1.0", "production/packages/odd_names/1.0.0",
		"production/packages/host_boards/1.0.0", "production/packages/sealed", "staging/packages/web_server", "staging/packages/tcp_listener",
	} {
		if err := os.CopyFS(filepath.Join(root, name), os.DirFS(filepath.Join("../../testdata/storage", name))); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func live(t *testing.T, bucket *publish.Bucket, env, id string) {
	t.Helper()
	if err := servetest.GoLive(t.Context(), bucket, env, id); err != nil {
		t.Fatal(err)
	}
}

// handler serves an environment to every host.
func handler(t *testing.T, bucket serve.Bucket, env string) *serve.Handler {
	t.Helper()
	h, err := serve.New(t.Context(), serve.Options{
		Bucket: bucket, Environments: []serve.Environment{{Name: env}}, Default: env, Poll: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func listening(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server
}

// options are for a check that asks for everything, as fast as it can.
func options(bucket serve.Bucket, url string) check.Options {
	return check.Options{Bucket: bucket, Environment: "production", URL: url, Sample: 1, Rate: 1e6, Seed: 1, MaxRequests: 1e6}
}

func run(t *testing.T, o check.Options) *check.Report {
	t.Helper()
	r, err := check.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Complete {
		t.Error("the report says that the check was not finished")
	}
	return r
}

// recorded is an answer on its way to a client, which a test can falsify.
type recorded struct {
	r      *http.Request
	status int
	header http.Header
	body   []byte
}

// falsified is a proxy that changes answers.
func falsified(h http.Handler, change func(*recorded)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		a := &recorded{r: r, status: rec.Code, header: rec.Header(), body: rec.Body.Bytes()}
		change(a)
		a.write(w)
	})
}

func (a *recorded) write(w http.ResponseWriter) {
	h := w.Header()
	for name, lines := range a.header {
		h[name] = lines
	}
	if a.r.Method != http.MethodHead && a.status != http.StatusNotModified && h.Get("Content-Length") != "" {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if h.Get("Content-Length") == "" {
		w.(http.Flusher).Flush() // in chunks: else the server would count
	}
	_, _ = w.Write(a.body)
}

func (a *recorded) get(prefix string) bool {
	return a.r.Method == http.MethodGet && a.status == http.StatusOK && strings.HasPrefix(a.r.URL.Path, prefix)
}

// problems are what the groups of a report say, as "kind: problem".
func problems(r *check.Report) []string {
	var out []string
	for _, g := range r.Groups {
		out = append(out, g.Kind+": "+g.Problem)
	}
	slices.Sort(out)
	return out
}

func details(r *check.Report) string {
	var b strings.Builder
	for _, g := range r.Groups {
		for _, d := range g.Examples {
			b.WriteString(d.Request + " (" + d.Way + "): " + d.Got + ", want " + d.Want + " " + d.Detail + "\n")
		}
	}
	return b.String()
}

// fetch asks a handler.
func fetch(ctx context.Context, h http.Handler, target string) []byte {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil))
	body, _ := io.ReadAll(rec.Body)
	return bytes.Clone(body)
}

// repacked is an archive with the same files, stored, in another order. One may
// be spoiled.
func repacked(body []byte, spoil string) []byte {
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range slices.Backward(z.File) {
		r, err := f.Open()
		if err != nil {
			panic(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			panic(err)
		}
		if f.Name == spoil {
			content = append(content, "!"...)
		}
		w, err := out.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := out.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
