package edge_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/servetest"
)

const previewHosts layout.PreviewHosts = "*.Preview.registry.example"

// What a host stands for, beside the name of a preview.
const (
	refused = ""  // by all edges
	another = "-" // is no host of a preview
)

// hostsOfPreviews say what each host stands for.
var hostsOfPreviews = []struct{ host, want string }{
	{"pr-123.preview.registry.example", "pr-123"},
	{"PR-123.Preview.Registry.EXAMPLE", "pr-123"},
	{"pr-123.preview.registry.example:8443", "pr-123"},
	{"pr-123.preview.registry.example.", "pr-123"},
	{"pr-123.preview.registry.example.:443", "pr-123"},
	{"k8s.preview.registry.example", "k8s"},
	{"production.preview.registry.example", refused},     // configured
	{"staging.preview.registry.example", refused},        // configured, and its pointer says that it is a preview
	{"PRODUCTION.preview.registry.example", refused},     //
	{"plain.preview.registry.example", refused},          // there, and no preview
	{"absent.preview.registry.example", refused},         //
	{"pr-123.evil.preview.registry.example", refused},    //
	{"evil.pr-123.preview.registry.example", refused},    //
	{".preview.registry.example", refused},               //
	{"..preview.registry.example", refused},              //
	{"pr-123..preview.registry.example", refused},        //
	{"*.preview.registry.example", refused},              //
	{"%70r-123.preview.registry.example", refused},       //
	{"pr-123%2e.preview.registry.example", refused},      //
	{"..%2fpr-123.preview.registry.example", refused},    //
	{"-pr-123.preview.registry.example", refused},        //
	{"pr-123-.preview.registry.example", refused},        //
	{"pr_123.preview.registry.example", refused},         //
	{"xn--pr-123-9za.preview.registry.example", refused}, // pr-123 with an umlaut
	{"\u212a8s.preview.registry.example", refused},       // its small letter is k
	{"ｐr-123.preview.registry.example", refused},         //
	{strings.Repeat("a", 64) + ".preview.registry.example", refused},
	{"preview.registry.example", another},
	{"pr-123preview.registry.example", another},
	{"pr-123.preview.registry.example.evil.example", another},
	{"pr-123.preview.registry.example..", another},
	{"snapshot.registry.example", another},
}

// withPreviews publishes testdata/storage, two previews, and an environment that is not one
// though nothing is configured for it. Each says at "/" which it is: see shows.
func withPreviews(t *testing.T) (*publish.Bucket, string) {
	t.Helper()
	source := demoSource(t)
	bucket, dir := edgetest.Publish(t, source, build.DefaultBudget)
	until := &layout.Preview{Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} // long ago: they are answered for until they are ended
	for env, preview := range map[string]*layout.Preview{"pr-123": until, "k8s": until, "plain": nil, "staging": until} {
		o := build.Options{Source: source, Store: bucket, Regsnap: "test", Budget: build.DefaultBudget}
		o.Environments = []build.Environment{{Name: env, Branches: []string{"production"}, ServiceVersion: versions[env]}}
		result, err := build.Build(t.Context(), o)
		if err != nil {
			t.Fatal(err, result.Report.Errors)
		}
		if err := servetest.GoLiveAs(t.Context(), bucket, env, result.Snapshots[0].ID, preview); err != nil {
			t.Fatal(err)
		}
	}
	return bucket, dir
}

// versions are what the environments say at "/"; those of edgetest.Environments say 1.40.1.
var versions = map[string]string{"pr-123": "1.50.1", "k8s": "1.50.2", "plain": "1.50.3", "staging": "1.50.4"}

// shows is which environment an answer at "/" is of, "own" for one of the edge's own.
func shows(status int, body string) string {
	if status != 200 {
		return ""
	}
	for env, version := range versions {
		if strings.Contains(body, version) {
			return env
		}
	}
	return "own"
}

// goEdge serves the configured environments, and previews.
func goEdge(t *testing.T, bucket *publish.Bucket, fallback string) string {
	t.Helper()
	o := serve.Options{Bucket: bucket, Previews: previewHosts, Default: fallback, Poll: 5 * time.Millisecond}
	for _, env := range edgetest.Environments {
		o.Environments = append(o.Environments, serve.Environment{Name: env, Hostnames: []string{env + ".registry.example"}})
	}
	h, err := serve.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(o.Poll) // what is known of previews is too old to count
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { s.Close(); h.Close() })
	return s.Listener.Addr().String()
}

// askHost asks for "/" of a host.
func askHost(t *testing.T, c edgetest.Client, host string) (int, string) {
	t.Helper()
	c.Host = host
	defer c.Close()
	reply, err := c.Do(edgetest.Case{Method: "GET", Target: "/"})
	if err != nil {
		t.Fatalf("%q: %v", host, err)
	}
	return reply.StatusCode, string(reply.Body)
}

// TestPreviews asks the Go edge and the worker for each host, and again when a preview
// has ended.
func TestPreviews(t *testing.T) {
	bucket, dir := withPreviews(t)
	addr := goEdge(t, bucket, "")
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
		Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Previews: string(previewHosts), Environments: edgetest.Environments,
	}})
	edges := map[string]edgetest.Client{"go": {Addr: addr}, "go with a default": {Addr: goEdge(t, bucket, vectorsEnv)}, "worker": w.Client(vectorsEnv)}
	for name, client := range edges {
		for _, c := range hostsOfPreviews {
			status, body := askHost(t, client, c.host)
			got := shows(status, body)
			switch {
			case c.want == another && (got == "own" || got == "" && status >= 400 && status < 500):
			case c.want == refused && got == "" && status >= 400 && status < 500:
			case c.want != another && got == c.want && status == 200:
			default:
				t.Errorf("%s: %q: %d, the answer of %q, want %q", name, c.host, status, got, c.want)
			}
		}
	}
	if status, body := askHost(t, edges["go"], "absent.preview.registry.example"); status != 421 || !strings.Contains(body, "previews at *.Preview.registry.example") {
		t.Errorf("a preview that is not there: %d %s", status, body)
	}
	if _, err := bucket.Prune(t.Context(), publish.PruneOptions{Keep: publish.Retention{Configured: edgetest.Environments}}); err != nil {
		t.Fatal(err)
	}
	for name, client := range edges {
		for host, want := range map[string]string{"pr-123.preview.registry.example": "", vectorsEnv + ".registry.example": "own"} {
			if status, body := askHost(t, client, host); shows(status, body) != want || want == "" && status != 421 {
				t.Errorf("%s: %s after the previews have ended: %d %s", name, host, status, body)
			}
		}
	}
}

// TestPreviewsAppear: a worker that was deployed before a preview was made answers
// for it, and one that is published as something else is a preview no more.
func TestPreviewsAppear(t *testing.T) {
	source := demoSource(t)
	bucket, dir := edgetest.Publish(t, source, build.DefaultBudget)
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
		Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Previews: string(previewHosts), Environments: edgetest.Environments,
	}})
	edges := map[string]edgetest.Client{"go": {Addr: goEdge(t, bucket, "")}, "worker": w.Client(vectorsEnv)}
	result, err := build.Build(t.Context(), build.Options{Source: source, Store: bucket, Regsnap: "test", Environments: []build.Environment{
		{Name: "pr-123", Branches: []string{"production"}, ServiceVersion: versions["pr-123"]},
	}})
	if err != nil {
		t.Fatal(err, result.Report.Errors)
	}
	for _, step := range []struct {
		preview *layout.Preview
		status  int
	}{{&layout.Preview{Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, 200}, {nil, 421}, {&layout.Preview{Until: time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)}, 200}} {
		for name, client := range edges {
			if status, body := askHost(t, client, "pr-9.preview.registry.example"); status != 421 {
				t.Errorf("%s: what never was: %d %s", name, status, body)
			}
		}
		if err := servetest.GoLiveAs(t.Context(), bucket, "pr-123", result.Snapshots[0].ID, step.preview); err != nil {
			t.Fatal(err)
		}
		for name, client := range edges {
			if status, body := askHost(t, client, "pr-123.preview.registry.example"); status != step.status {
				t.Errorf("%s: with %v: %d %s, want %d", name, step.preview, status, body, step.status)
			}
		}
	}
}

// TestPreviewsCloudFront asks the functions for each host, as the function of the viewer's
// request hands it on.
func TestPreviewsCloudFront(t *testing.T) {
	bucket, dir := withPreviews(t)
	origin := edgetest.ServeFolder(t, dir)
	o := edge.CloudFrontOptions{Environment: vectorsEnv, Origin: origin, Previews: string(previewHosts), Environments: edgetest.Environments}
	client := edgetest.Client{Addr: goEdge(t, bucket, vectorsEnv)}
	defer client.Close()
	var cases []edgetest.Case
	for _, c := range hostsOfPreviews {
		for _, target := range []string{"/", "/search?prerelease=true"} {
			vector := edgetest.Case{Method: "GET", Target: target, Headers: map[string]string{"x-regsnap-host": c.host}}
			one := client
			one.Host = c.host
			if c.want == refused {
				one.Host = "absent.preview.registry.example" // some of them the server of Go refuses before the handler
			}
			if c.want == another {
				one.Host = vectorsEnv + ".registry.example"
			}
			reply, err := one.Do(edgetest.Case{Method: "GET", Target: target})
			if err != nil {
				t.Fatal(err)
			}
			_ = one.Close()
			vector.Want = reply.Want()
			if c.want == refused {
				text := []byte(fmt.Sprintf("no environment of this registry answers for the host %q\n", shownHost(c.host)))
				vector.Want.Length, vector.Want.SHA256 = len(text), fmt.Sprintf("%x", sha256.Sum256(text))
			}
			cases = append(cases, vector)
		}
	}
	behindCloudFront(t, o, cases)

	files, err := edge.CloudFront(o)
	if err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(t.TempDir(), "viewer.js")
	check := `
const asked = { host: { value: "pr-123.preview.registry.example" }, "x-regsnap-host": { value: "production.registry.example" } };
const got = handler({ request: { headers: asked } }).headers;
if (got["x-regsnap-host"].value !== got.host.value) throw new Error(JSON.stringify(got));
if (handler({ request: { headers: { "x-regsnap-host": { value: "evil" } } } }).headers["x-regsnap-host"].value !== "") throw new Error("without a host");
`
	if files[2].Name != "viewer-request.js" {
		t.Fatalf("files: %v", files[2].Name)
	}
	if err := os.WriteFile(script, append(files[2].Content, check...), 0o666); err != nil {
		t.Fatal(err)
	}
	node(t, script)
}

// shownHost is an unknown host as the JavaScript edge quotes it.
func shownHost(host string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, host)
}
