//go:build bench

package edge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/performance"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// archivedFiles are files of a package, and their sizes in bytes. Both edges
// read the first two out of the archive; the last is an object, being larger than
// what they may read out of one.
var archivedFiles = []struct {
	name string
	size int
}{{"1 kB", 1_000}, {"100 kB", 100_000}, {"5 MB, an object", 5_000_000}}

// TestPerformanceFiles measures what the edges take for a file of a package, as
// clients with gzip and without it get it: from the archive's deflate stream as it
// is, or inflated.
func TestPerformanceFiles(t *testing.T) {
	storage := filepath.Join(t.TempDir(), "storage")
	if err := os.CopyFS(storage, os.DirFS(filepath.Join("..", "..", "testdata", "storage"))); err != nil {
		t.Fatal(err)
	}
	for _, f := range archivedFiles {
		writeDashboard(t, storage, f.size)
	}
	_, dir := edgetest.Publish(t, edgetest.Committed(t, storage), onlyCatalog)
	var w strings.Builder
	w.WriteString("| file | client takes gzip | Worker: first, CPU ms | warm, CPU ms | p50 ms | memory | function: first, CPU ms | warm, CPU ms | memory |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, f := range archivedFiles {
		for _, encoding := range []string{"gzip", "identity"} {
			fmt.Fprintf(&w, "| %s | %s |", f.name, map[string]string{"gzip": "yes", "identity": "no"}[encoding])
			target := "/package/host_boards/1.0.0/" + dashboard(f.size)
			fileFromWorker(t, &w, dir, target, encoding)
			fileFromFunction(t, &w, dir, target, encoding)
		}
	}
	performance.Section(t, performanceDoc, "edge files", performanceRounds, w.String())
}

func dashboard(size int) string { return fmt.Sprintf("kibana/dashboard/of-%d.json", size) }

// writeDashboard writes a file that deflates to about a fifth, as dashboards do.
func writeDashboard(t *testing.T, storage string, size int) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, uint64(size)))
	var text strings.Builder
	text.WriteString(`{"attributes": {"title": "`)
	for text.Len() < size-10 {
		fmt.Fprintf(&text, "panel %d of the dashboard; ", random.IntN(10_000))
	}
	file := filepath.Join(storage, "production", "packages", "host_boards", "1.0.0", filepath.FromSlash(dashboard(size)))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text.String()[:size-3]+`"}}`), 0o666); err != nil {
		t.Fatal(err)
	}
}

func fileFromWorker(t *testing.T, w *strings.Builder, dir, target, encoding string) {
	t.Helper()
	var first, warm, p50, memory []float64
	for range performanceRounds {
		r := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
			Environment: "production", Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute,
		}})
		client := r.Client("production")
		request := edgetest.Case{Method: "GET", Target: target, Headers: map[string]string{"Accept-Encoding": encoding}}
		do := func() {
			if reply, err := client.Do(request); err != nil || reply.StatusCode != 200 {
				t.Fatalf("%s: %v, %v", target, reply, err)
			}
		}
		first = append(first, cpuOf(t, r.PID, do))
		const n = 20
		var times []float64
		warm = append(warm, cpuOf(t, r.PID, func() {
			for range n {
				started := time.Now()
				do()
				times = append(times, time.Since(started).Seconds()*1000)
			}
		})/n)
		p50, memory = append(p50, middle(times)), append(memory, memoryOf(t, r.PID)/1e6)
		_ = client.Close() // it was only asked
		r.Stop()
	}
	fmt.Fprintf(w, " %.1f | %.2f | %.2f | %.0f MB |", middle(first), middle(warm), middle(p50), middle(memory))
}

func fileFromFunction(t *testing.T, w *strings.Builder, dir, target, encoding string) {
	t.Helper()
	request, _ := functions(t, edge.CloudFrontOptions{Environment: "production", Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute, Fallback: "serve.example"})
	f := measured(t, "test/function.js", request, target, encoding)
	fmt.Fprintf(w, " %.1f | %.2f | %.0f MB |\n", f.Load+f.First, f.Warm, f.Memory/1e6)
}
