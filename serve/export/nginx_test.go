package export_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
)

// randomRequests is how many random requests are sent.
var randomRequests = testtools.Choose(500, 1500)

// TestNginxAnswers sends random requests to nginx on an export: each gets what
// regsnap serve answers, whether it was rendered ahead or not.
func TestNginxAnswers(t *testing.T) {
	for name, budget := range map[string]layout.Budget{"rendered": build.DefaultBudget, "assembled": onlyCatalog} {
		t.Run(name, func(t *testing.T) {
			bucket, _ := edgetest.Publish(t, storage(t, nil), budget)
			dir := t.TempDir()
			exported(t, bucket, dir, nil)
			same(t, served(t, dir), requests(t, bucket, env, 1, randomRequests))
		})
	}
}

// TestNginxNames asks for each file with an odd name in each form that it has,
// from links to the bucket and from copies.
func TestNginxNames(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	var cases []edgetest.Case
	for _, name := range append(slices.Sorted(maps.Keys(odd)), "", "manifest.yml", "docs/手册.md") {
		target := (&url.URL{Path: "/package/odd_names/1.0.0/" + name}).EscapedPath()
		for _, headers := range []map[string]string{nil, {"Accept-Encoding": "gzip"}, {"Range": "bytes=1-3"}, {"Range": "bytes=-2,0-0"}} {
			for _, method := range []string{"GET", "HEAD"} {
				c, err := recorder.Record(edgetest.Case{Method: method, Target: target, Headers: headers})
				if err != nil {
					t.Fatal(err)
				}
				if c[0].Want.Status >= 400 && c[0].Want.Status != 416 {
					t.Fatalf("%s: %d", c[0], c[0].Want.Status)
				}
				cases = append(cases, judged(t, recorder, c[0]))
			}
		}
	}
	for _, copies := range []bool{false, true} {
		dir := t.TempDir()
		exported(t, bucket, dir, func(o *export.Options) { o.Copy = copies })
		same(t, served(t, dir), cases)
	}
}

// TestNginxRefuses: nothing but the answers of the API can be had, by no path
// and no method.
func TestNginxRefuses(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	id := exported(t, bucket, dir, nil).Snapshot
	address := served(t, dir)
	client := edgetest.Client{Addr: address, Host: "epr.example.org"}
	defer client.Close()
	for target, status := range map[string]int{
		"/current/data/routes.json":           404,
		"/data/routes.json":                   404,
		"/tree/search":                        404,
		"/~whole/" + id + "/data/routes.json": 404,
		"/~part/" + id + "/data/routes.json":  404,
		"/~unsent":                            404,
		"/~refused":                           404,
		"/nginx/registry.js":                  404,
		"/package/":                           404,
		"/package/odd_names/1.0.0/docs":       404,
		"/package/odd_names/1.0.0/docs/../../../../../data/routes.json":       301,
		"/package/odd_names/1.0.0/%2e%2e/%2e%2e/%2e%2e/%2e%2e/data/x":         301,
		"/package/odd_names/1.0.0/..%2f..%2f..%2f..%2fdata/routes.json":       301,
		"/../../../../etc/passwd":                                             301,
		"/package/odd_names/1.0.0/%00":                                        404,
		"/package/odd_names/1.0.0/=index.json":                                404,
		"/search%00":                                                          404,
		"/package/odd_names/1.0.0/index.json/../../../../../../../etc/passwd": 301,
	} {
		reply, err := client.Do(edgetest.Case{Method: "GET", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		if reply.StatusCode != status || reply.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %d, want %d; %v %.200q", target, reply.StatusCode, status, reply.Header, reply.Body)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "MKCOL", "PROPFIND"} {
		reply, err := client.Do(edgetest.Case{Method: method, Target: "/search"})
		if err != nil {
			t.Fatal(err)
		}
		if reply.StatusCode != http.StatusMethodNotAllowed || reply.Header.Get("Allow") != "GET, HEAD" || string(reply.Body) != "method not allowed\n" {
			t.Errorf("%s: %d %v %q", method, reply.StatusCode, reply.Header, reply.Body)
		}
	}
}

// TestNginxDamaged: a file that is gone, or is a link to another place, is an
// error and no content.
func TestNginxDamaged(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	exported(t, bucket, dir, nil)
	files := filepath.Join(dir, "current", "tree", "package", "odd_names", "1.0.0")
	secret := filepath.Join(t.TempDir(), "secret")
	put(t, secret, "secret")
	for name, change := range map[string]func(file string) error{
		"manifest.yml":   os.Remove,
		"docs/README.md": func(file string) error { _ = os.Remove(file); return os.Symlink(secret, file) },
	} {
		if err := change(filepath.Join(files, filepath.FromSlash(name))); err != nil {
			t.Fatal(err)
		}
	}
	client := edgetest.Client{Addr: served(t, dir), Host: "epr.example.org"}
	defer client.Close()
	for _, name := range []string{"manifest.yml", "docs/README.md"} {
		reply, err := client.Do(edgetest.Case{Method: "GET", Target: "/package/odd_names/1.0.0/" + name})
		if err != nil {
			t.Fatal(err)
		}
		if reply.StatusCode != http.StatusBadGateway || string(reply.Body) != "the files of this registry cannot be read\n" || reply.Header.Get("Cache-Control") != "max-age=0" {
			t.Errorf("%s: %d %v %q", name, reply.StatusCode, reply.Header, reply.Body)
		}
	}
}
