//go:build bench

package export_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/performance"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

const (
	performanceDoc = "../../docs/performance.md"
	// performanceTime is how long each kind of request is sent, over
	// performanceConnections at once.
	performanceTime        = 3 * time.Second
	performanceConnections = 4
)

// performanceKinds are requests of the real production environment.
var performanceKinds = []struct{ name, target string }{
	{"search, newest versions", "/search?kibana.version=8.5.0&prerelease=true"},
	{"search, one package", "/search?package=nginx&kibana.version=8.5.0"},
	{"search, not rendered ahead", "/search?all=true&category=security"},
	{"search, every version", "/search?all=true"},
	{"categories", "/categories?kibana.version=8.5.0"},
	{"package document", "/package/nginx/1.5.0/"},
	{"file", "/package/nginx/1.5.0/docs/README.md"},
	{"archive", "/epr/nginx/nginx-1.5.0.zip"},
}

// TestPerformanceExport measures an export of the real production environment,
// and nginx on it beside regsnap serve on the bucket.
func TestPerformanceExport(t *testing.T) {
	source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	bucket, _ := edgetest.Publish(t, source, build.DefaultBudget)
	var w strings.Builder
	w.WriteString("| export | files | of them links | written | time |\n| --- | --- | --- | --- | --- |\n")
	var dir string
	for _, way := range []struct {
		name string
		copy bool
	}{{"copies", true}, {"links to a file:// bucket", false}} {
		dir = t.TempDir()
		start := time.Now()
		r := exported(t, bucket, dir, func(o *export.Options) { o.Copy = way.copy })
		fmt.Fprintf(&w, "| %s | %d | %d | %.1f MB | %.1f s |\n", way.name, r.Files, r.Linked, float64(r.Bytes)/1e6, time.Since(start).Seconds())
	}
	site, err := os.ReadFile(filepath.Join(dir, "current", "nginx", "site.conf"))
	if err != nil {
		t.Fatal(err)
	}
	const listen = "listen 80;"
	address := nginx.Start(t, string(site), nginx.Replacement{Old: listen, New: listen + " location = /pid { return 200 $pid; }"})
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	w.WriteString("\n| request | bytes | nginx, requests/s | serve, requests/s |\n| --- | --- | --- | --- |\n")
	for _, k := range performanceKinds {
		c, err := recorder.Complete(edgetest.Case{Method: "GET", Target: k.target})
		if err != nil {
			t.Fatal(err)
		}
		same(t, address, []edgetest.Case{c})
		fmt.Fprintf(&w, "| %s | %d | %.0f | %.0f |\n", k.name, c.Want.Length, rate(t, address, c), rate(t, recorder.Addr(), c))
	}
	fmt.Fprintf(&w, "\nThe process of nginx takes %s after these requests.\n", memory(t, address))
	performance.Section(t, performanceDoc, "export", 1, w.String())
}

// rate is how many requests a second are answered.
func rate(t *testing.T, address string, c edgetest.Case) float64 {
	t.Helper()
	var n atomic.Int64
	var workers sync.WaitGroup
	end := time.Now().Add(performanceTime)
	for range performanceConnections {
		workers.Go(func() {
			client := edgetest.Client{Addr: address, Host: "epr.example.org"}
			defer client.Close()
			for time.Now().Before(end) {
				reply, err := client.Do(c)
				if err != nil || len(reply.Body) != c.Want.Length {
					t.Errorf("%s: %v", c, err)
					return
				}
				n.Add(1)
			}
		})
	}
	workers.Wait()
	return float64(n.Load()) / performanceTime.Seconds()
}

// memory is the resident memory of nginx, as Linux tells it.
func memory(t *testing.T, address string) string {
	t.Helper()
	client := edgetest.Client{Addr: address, Host: "epr.example.org"}
	defer client.Close()
	reply, err := client.Do(edgetest.Case{Method: "GET", Target: "/pid"})
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile(filepath.Join("/proc", string(reply.Body), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kilobytes, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			var n int
			if _, err := fmt.Sscan(kilobytes, &n); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%d MB at most", n/1000)
		}
	}
	t.Fatal("no VmHWM")
	return ""
}
