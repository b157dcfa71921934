package edge_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// passes gives vectors to a worker and reports what is not as wanted.
func passes(t *testing.T, to edgetest.Client, env string, cases []edgetest.Case) {
	t.Helper()
	differences, err := edgetest.Compare(t.Context(), to, cases, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d vectors, %d differences", env, len(cases), len(differences))
	for i, text := range differences {
		if i == 20 {
			t.Errorf("… and %d more", len(differences)-i)
			break
		}
		t.Error(text)
	}
}

// TestWorker gives vectors to the bundle in the runtime of Workers, with the
// bucket on each kind of store.
func TestWorker(t *testing.T) {
	bucket, dir := demo(t)
	cases := record(t, bucket, vectorsEnv, 2, testtools.Choose(1, 3)*committed)
	for _, c := range []struct {
		name  string
		start func(*testing.T) edgetest.Worker
	}{
		{"files", func(t *testing.T) edgetest.Worker {
			return edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Origin: edgetest.ServeFolder(t, dir)}}
		}},
		{"s3, closed to everybody", func(t *testing.T) edgetest.Worker { return onS3(t) }},
		{"gcs", func(t *testing.T) edgetest.Worker { return onGCS(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			worker := c.start(t)
			worker.Environment, worker.Pointer = vectorsEnv, time.Minute
			w := edgetest.StartWorkerd(t, worker)
			passes(t, w.Client(vectorsEnv), vectorsEnv, cases)
			if log := w.Log(); log != "" {
				t.Errorf("the worker complains: %.2000s", log)
			}
		})
	}
	t.Run("r2", func(t *testing.T) {
		files, err := edge.Cloudflare(edge.CloudflareOptions{Environment: vectorsEnv, R2: "registry", Pointer: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		worker := filepath.Join(t.TempDir(), "worker.js")
		if err := os.WriteFile(worker, files[0].Content, 0o666); err != nil {
			t.Fatal(err)
		}
		addr := edgetest.StartR2(t, worker, dir)
		// The simulator does as Cloudflare: it takes "." and ".." out of paths before
		// the worker sees them, encodes what is not encoded for those who take it, and
		// decodes what is for those who do not name it.
		own := slices.DeleteFunc(slices.Clone(cases[:testtools.Choose(100, committed)]), func(c edgetest.Case) bool {
			accepts := c.Headers["Accept-Encoding"]
			encoded := c.Want.Headers["content-encoding"] == "gzip"
			return dotted.MatchString(c.Target) || accepts != "" && !encoded || encoded && !strings.Contains(strings.ToLower(accepts), "gzip")
		})
		passes(t, edgetest.Client{Addr: addr, Host: addr}, vectorsEnv, own)
	})
}

// dotted finds the elements "." and ".." of a path, escaped or not.
var dotted = regexp.MustCompile(`(?i)^[^?]*/(\.|%2e){1,2}(/|\?|$)`)

// onS3 is a worker with secrets for a bucket of S3.
func onS3(t *testing.T) edgetest.Worker {
	t.Helper()
	server := servers.StartS3(t)
	url := server.URL(server.NewBucket(t))
	edgetest.PublishTo(t, url, demoSource(t), build.DefaultBudget)
	secrets := map[string]string{}
	for _, v := range server.Env() {
		if name, value, _ := strings.Cut(v, "="); name == "AWS_ACCESS_KEY_ID" || name == "AWS_SECRET_ACCESS_KEY" {
			secrets[name] = value
		}
	}
	return edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Origin: parseOrigin(t, url)}, Secrets: secrets}
}

// onGCS is a worker with an open bucket of Google Cloud Storage.
func onGCS(t *testing.T) edgetest.Worker {
	t.Helper()
	server := servers.StartGCS(t)
	name := server.NewBucket(t)
	edgetest.PublishTo(t, server.URL(name), demoSource(t), build.DefaultBudget)
	return edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Origin: edge.Origin{URL: "http://" + server.Addr + "/" + name}}}
}

func parseOrigin(t *testing.T, bucket string) edge.Origin {
	t.Helper()
	origin, err := edge.ParseOrigin(bucket)
	if err != nil {
		t.Fatal(err)
	}
	return origin
}

// TestWorkerFallback: long searches that are to be put together come from the
// fallback, and from the worker when that does not answer.
func TestWorkerFallback(t *testing.T) {
	bucket, dir := edgetest.Publish(t, demoSource(t), onlyCatalog)
	var down atomic.Bool
	asked := make(chan string, 100)
	fallback := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.RequestURI
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
		}
		io.WriteString(w, "from the fallback")
	}))
	defer fallback.Close()
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
		Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Fallback: fallback.URL, FallbackFrom: 2,
	}})
	serving, err := edgetest.NewRecorder(t.Context(), bucket, vectorsEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer serving.Close()
	const long, short = "/search?agent.version=8.5.0&prerelease=true", "/search?package=web_server&agent.version=8.5.0"
	own, server := map[string]string{}, edgetest.Client{Addr: serving.Addr(), Host: serving.Addr()}
	for _, target := range []string{long, short} {
		reply, err := server.Do(edgetest.Case{Method: "GET", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		own[target] = string(reply.Body)
	}
	worker := w.Client(vectorsEnv)
	check := func(target, want string, leaves bool) {
		t.Helper()
		reply, err := worker.Do(edgetest.Case{Method: "GET", Target: target})
		if err != nil || reply.StatusCode != http.StatusOK || string(reply.Body) != want {
			t.Errorf("%s: %v, %s: %.100s; want %.100s", target, err, reply.Status, reply.Body, want)
		}
		select {
		case got := <-asked:
			if !leaves || got != "GET "+target {
				t.Errorf("%s: the fallback was asked for %s", target, got)
			}
		default:
			if leaves {
				t.Errorf("%s: the fallback was not asked", target)
			}
		}
	}
	check(long, "from the fallback", true)
	check(short, own[short], false)
	down.Store(true)
	check(long, own[long], true)
	// The runtime writes its log when it comes to it.
	for !strings.Contains(w.Log(), "the fallback says 502") {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestWorkerWithoutBucket: when the bucket fails, clients are told so and no
// more, and what was live stays live.
func TestWorkerWithoutBucket(t *testing.T) {
	_, dir := demo(t)
	var broken atomic.Bool
	origin := edgetest.ServeFolder(t, dir)
	behind, err := url.Parse(origin.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() {
			http.Error(w, "SECRET detail of the store", http.StatusInternalServerError)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	secrets := map[string]string{"AWS_ACCESS_KEY_ID": "KEY-ID", "AWS_SECRET_ACCESS_KEY": "SECRET-KEY"}
	w := edgetest.StartWorkerd(t, edgetest.Worker{
		CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: edge.Origin{URL: front.URL}}, Secrets: secrets,
	})
	client := w.Client(vectorsEnv)
	get := func(target string, status int, body string) {
		t.Helper()
		reply, err := client.Do(edgetest.Case{Method: "GET", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		if reply.StatusCode != status || !strings.Contains(string(reply.Body), body) || status >= 500 && reply.Header.Get("Cache-Control") != "max-age=0, private, no-store" {
			t.Errorf("%s: %s, Cache-Control %q: %.200s", target, reply.Status, reply.Header.Get("Cache-Control"), reply.Body)
		}
		if status >= 500 && regexp.MustCompile(`(?i)secret|key-id|127\.0\.0\.1`).Match(reply.Body) {
			t.Errorf("%s: the body tells of the store: %s", target, reply.Body)
		}
	}
	broken.Store(true)
	get("/search", http.StatusServiceUnavailable, "this registry has no snapshot that could be loaded yet\n")
	broken.Store(false)
	get("/search", http.StatusOK, "web_server")
	broken.Store(true)
	get("/search?package=guard", http.StatusBadGateway, "the object store of this registry does not answer\n")
	get("/package/guard/3.1.0/manifest.yml", http.StatusBadGateway, "the object store of this registry does not answer\n")
	get("/categories?kibana.version=x", http.StatusBadRequest, "invalid Kibana version 'x': invalid semantic version\n")
	get("/package/guard/9.9.9/", http.StatusNotFound, "package revision not found\n")
	if log := w.Log(); !strings.Contains(log, "the origin says 500") || strings.Contains(log, "SECRET") || strings.Contains(log, "KEY-ID") {
		t.Errorf("the log says: %s", log)
	}
}

// TestWorkerRefused: the log of a Worker whose credentials are wrong says so, and not that
// the pointer is not there; that a bucket is empty, it says too.
func TestWorkerRefused(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusForbidden:    "environments/snapshot.json: the store says 403",
		http.StatusNotFound:     "environments/snapshot.json: is not there",
		http.StatusUnauthorized: "environments/snapshot.json: the origin says 401",
	} {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer store.Close()
		w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: edge.Origin{URL: store.URL}, Pointer: time.Minute}})
		client := w.Client(vectorsEnv)
		defer client.Close()
		got, err := client.Do(edgetest.Case{Method: http.MethodGet, Target: "/search"})
		if err != nil || got.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("%d: %+v, %v", status, got, err)
		}
		for !strings.Contains(w.Log(), want) {
			time.Sleep(10 * time.Millisecond)
		}
	}
}
