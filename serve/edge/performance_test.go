//go:build bench

package edge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/internal/performance"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// performanceRows are the sizes of environments that are measured, in package
// versions.
var performanceRows = []int{2_000, 10_000, 100_000}

// performanceRounds is how often each figure is taken; the median counts.
const performanceRounds = 5

const performanceDoc = "../../docs/performance.md"

// kind is a kind of request. NAME and VERSION stand for a package that is there.
type kind struct {
	name, target string
	assembled    bool
}

var kinds = []kind{
	{"package document", "/package/NAME/VERSION/", false},
	{"archive", "/epr/NAME/NAME-VERSION.zip", false},
	{"search, one package", "/search?package=NAME&kibana.version=8.5.0", false},
	{"search, newest versions", "/search?kibana.version=8.5.0&prerelease=true", false},
	{"search, a category", "/search?category=category_03&prerelease=true", false},
	{"categories", "/categories?kibana.version=8.5.0&include_policy_templates=true", false},
	{"search, not rendered ahead", "/search?agent.version=8.5.0&package=NAME", true},
	{"search, newest, not rendered ahead", "/search?agent.version=8.5.0&prerelease=true", true},
}

// routerKinds have an answer that nobody renders for the synthetic environments.
var routerKinds = append(slices.Clone(kinds),
	kind{"search, newest for an old version, not rendered ahead", "/search?kibana.version=7.3.0&spec.max=2.2&prerelease=true", true},
	kind{"search, every version", "/search?all=true&prerelease=true", false},
	kind{"search, every released version", "/search?all=true", false})

func (k kind) of(s *edgetest.Synthetic) string {
	return strings.NewReplacer("NAME", s.Name, "VERSION", s.Version).Replace(k.target)
}

// synthetic makes the environments that are measured.
func synthetic(t *testing.T) []*edgetest.Synthetic {
	t.Helper()
	var out []*edgetest.Synthetic
	for _, rows := range performanceRows {
		var rendered []string
		for _, k := range kinds {
			if !k.assembled && !strings.Contains(k.target, "VERSION") {
				rendered = append(rendered, k.target)
			}
		}
		out = append(out, edgetest.NewSynthetic(t, rows, rendered...))
	}
	return out
}

// figures are what the scripts in test/ print.
type figures struct{ Start, Load, First, Warm, Memory float64 }

// measured runs a script a few times and gives the median of each figure.
func measured(t *testing.T, args ...string) figures {
	t.Helper()
	var all [5][]float64
	for range performanceRounds {
		var f figures
		if err := json.Unmarshal(node(t, args...), &f); err != nil {
			t.Fatal(err)
		}
		for i, v := range []float64{f.Start, f.Load, f.First, f.Warm, f.Memory} {
			all[i] = append(all[i], v)
		}
	}
	return figures{middle(all[0]), middle(all[1]), middle(all[2]), middle(all[3]), middle(all[4])}
}

func middle(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

func heading(w *strings.Builder, first string, after ...string) {
	fmt.Fprintf(w, "| %s |", first)
	for _, rows := range performanceRows {
		for _, what := range after {
			fmt.Fprintf(w, " %d: %s |", rows, what)
		}
	}
	w.WriteString("\n| --- |" + strings.Repeat(" --- |", len(performanceRows)*len(after)) + "\n")
}

// TestPerformanceRouter measures the bundles, and what the router does, reading
// left out, in Node.
func TestPerformanceRouter(t *testing.T) {
	var w strings.Builder
	bundles(t, &w)
	router(t, &w, synthetic(t))
	performance.Section(t, performanceDoc, "edge router", performanceRounds, w.String())
}

// TestPerformanceWorker measures requests to the Worker over loopback: the
// processor time of the whole runtime, its connections and those to the bucket
// included.
func TestPerformanceWorker(t *testing.T) {
	var w strings.Builder
	workers(t, &w, synthetic(t))
	performance.Section(t, performanceDoc, "edge worker", 1, w.String())
}

// TestPerformanceFunction measures the origin-request function in Node, with the
// memory of the whole process.
func TestPerformanceFunction(t *testing.T) {
	var w strings.Builder
	functionTimes(t, &w, synthetic(t))
	performance.Section(t, performanceDoc, "edge function", performanceRounds, w.String())
}

func bundles(t *testing.T, w *strings.Builder) {
	t.Helper()
	origin := edge.Origin{URL: "https://bucket.example"}
	worker, err := edge.Cloudflare(edge.CloudflareOptions{Environment: "production", Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	functions, err := edge.CloudFront(edge.CloudFrontOptions{Environment: "production", Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	var compressed strings.Builder
	z := gzip.NewWriter(&compressed)
	if _, err := z.Write(worker[0].Content); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(w, "The Worker's bundle has %.1f kB (%.1f kB encoded), the archives of the two functions %.1f and %.1f kB.\n\n",
		float64(len(worker[0].Content))/1000, float64(compressed.Len())/1000, float64(len(functions[0].Content))/1000, float64(len(functions[1].Content))/1000)
}

func router(t *testing.T, w *strings.Builder, environments []*edgetest.Synthetic) {
	t.Helper()
	heading(w, "ms of processor time, package versions", "first", "warm")
	var start, load, memory []float64
	for i, k := range routerKinds {
		fmt.Fprintf(w, "| %s |", k.name)
		for _, s := range environments {
			f := measured(t, "--expose-gc", "test/bench.js", s.Dir, s.Routes(), strconv.FormatBool(k.assembled), k.of(s))
			fmt.Fprintf(w, " %.2f | %.3f |", f.Load+f.First, f.Warm)
			start = append(start, f.Start)
			if i == 0 {
				load, memory = append(load, f.Load), append(memory, f.Memory)
			}
		}
		w.WriteString("\n")
	}
	fmt.Fprintf(w, "\nStarting takes %.0f ms of processor time before that, whatever the size.\n\n", middle(start))
	for i, s := range environments {
		fmt.Fprintf(w, "%d package versions: `routes.json` has %.2f MB, loading it takes %.2f ms, and it takes %.1f MB of memory.\n", performanceRows[i], float64(s.RoutesBytes)/1e6, load[i], memory[i]/1e6)
	}
}

func workers(t *testing.T, w *strings.Builder, environments []*edgetest.Synthetic) {
	t.Helper()
	heading(w, "package versions", "first, CPU ms", "warm, CPU ms", "p50 ms", "p99 ms")
	var idle, used []float64
	for i, k := range kinds {
		fmt.Fprintf(w, "| %s |", k.name)
		for _, s := range environments {
			r := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
				Environment: s.Env, Origin: edgetest.ServeFolder(t, s.Dir), Pointer: time.Minute,
			}})
			before := memoryOf(t, r.PID)
			client := r.Client(s.Env)
			first := cpuOf(t, r.PID, func() { ask(t, &client, k.of(s)) })
			const n = 100
			var times []float64
			all := cpuOf(t, r.PID, func() {
				for range n {
					started := time.Now()
					ask(t, &client, k.of(s))
					times = append(times, time.Since(started).Seconds()*1000)
				}
			})
			_ = client.Close() // it was only asked
			p50 := middle(times)
			fmt.Fprintf(w, " %.1f | %.2f | %.2f | %.2f |", first, all/n, p50, times[len(times)*99/100])
			if i == 3 {
				idle, used = append(idle, before), append(used, memoryOf(t, r.PID))
			}
			r.Stop()
		}
		w.WriteString("\n")
	}
	w.WriteString("\n")
	for i, rows := range performanceRows {
		fmt.Fprintf(w, "%d package versions: the runtime takes %.0f MB before the first request and %.0f MB after %d searches.\n", rows, idle[i]/1e6, used[i]/1e6, 101)
	}
}

func ask(t *testing.T, c *edgetest.Client, target string) {
	t.Helper()
	reply, err := c.Do(edgetest.Case{Method: "GET", Target: target, Headers: map[string]string{"Accept-Encoding": "gzip"}})
	if err != nil {
		t.Fatal(err)
	}
	if reply.StatusCode != 200 {
		t.Fatalf("%s: %s: %s", target, reply.Status, reply.Body)
	}
}

// cpuOf is the processor time that a process takes for a task, in milliseconds.
func cpuOf(t *testing.T, pid int, task func()) float64 {
	t.Helper()
	before := threadTimes(t, pid)
	task()
	total := int64(0)
	for thread, n := range threadTimes(t, pid) {
		total += n - before[thread]
	}
	return float64(total) / 1e6
}

// threadTimes are the nanoseconds that each thread of a process ran.
func threadTimes(t *testing.T, pid int) map[string]int64 {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(files) == 0 {
		t.Fatalf("process %d has no threads: %v", pid, err)
	}
	out := map[string]int64{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the thread ended
		}
		n, err := strconv.ParseInt(strings.Fields(string(text))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[file] = n
	}
	return out
}

// memoryOf is the resident memory of a process in bytes.
func memoryOf(t *testing.T, pid int) float64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return float64(pages * os.Getpagesize())
}

func functionTimes(t *testing.T, w *strings.Builder, environments []*edgetest.Synthetic) {
	t.Helper()
	heading(w, "package versions", "first, CPU ms", "warm, CPU ms", "memory")
	for _, k := range kinds {
		fmt.Fprintf(w, "| %s |", k.name)
		for _, s := range environments {
			request, _ := functions(t, edge.CloudFrontOptions{Environment: s.Env, Origin: edgetest.ServeFolder(t, s.Dir), Pointer: time.Minute, Fallback: "serve.example"})
			f := measured(t, "test/function.js", request, k.of(s))
			fmt.Fprintf(w, " %.1f | %.2f | %.0f MB |", f.Load+f.First, f.Warm, f.Memory/1e6)
		}
		w.WriteString("\n")
	}
}

// TestPerformanceFlips moves the pointer 100 times under load and writes how
// long it takes until that is seen.
func TestPerformanceFlips(t *testing.T) {
	var w strings.Builder
	fmt.Fprintf(&w, "| the pointer is kept | moves | requests | wrong answers | seen after, median | longest |\n| --- | --- | --- | --- | --- | --- |\n")
	bucket, dir, editions := demoEditions(t)
	for _, keep := range []time.Duration{0, 100 * time.Millisecond, time.Second} {
		const n = 100
		f := flip(t, bucket, dir, editions, keep, n)
		fmt.Fprintf(&w, "| %s | %d | %d | %d | %d ms | %d ms |\n", keep, n, f.Requests, len(f.Wrong), f.Seen[n/2].Milliseconds(), f.Seen[n-1].Milliseconds())
	}
	performance.Section(t, performanceDoc, "edge moves", 1, w.String())
}
