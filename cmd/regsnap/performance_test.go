//go:build bench

package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/performance"
)

// rounds is how often each figure is taken; tables show the median and the best.
const rounds = 3

// TestPerformanceServe measures answers against a file server, and writes the
// table into docs/performance.md.
func TestPerformanceServe(t *testing.T) {
	newBench(t).serve()
}

type bench struct {
	*testing.T
	real, program string
}

func newBench(t *testing.T) *bench {
	return &bench{t, indextest.RealStorage(t), program(t)}
}

// withLists is a configuration for registries that are large, or have many snapshots.
func (b *bench) withLists() (file string) {
	file = filepath.Join(b.TempDir(), "regsnap.yml")
	must(b.T, os.WriteFile(file, []byte(`environments:
  production: {branches: [production], manifest: lists}
  staging: {branches: [production, staging], manifest: lists}
  snapshot: {branches: [production, staging, snapshot], manifest: lists}
`), 0o666))
	return file
}

// program is the command that is measured, as make build made it.
func program(t *testing.T) string {
	program, err := filepath.Abs("../../bin/regsnap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("build it first (make build): %v", err)
	}
	return program
}

// sample is one run of a program.
type sample struct {
	wall time.Duration
	rss  int64 // the largest of the process and its children, in bytes
}

func (b *bench) run(env []string, name string, args ...string) (sample, []byte) {
	b.Helper()
	// Dirty pages of the run before must not be written during this one.
	syscall.Sync()
	c := exec.Command(name, args...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	c.Env = append(c.Env, env...)
	var stderr strings.Builder
	c.Stderr = &stderr
	started := time.Now()
	out, err := c.Output()
	wall := time.Since(started)
	if err != nil {
		b.Fatalf("%s %v: %v\n%s", name, args, err, stderr.String())
	}
	usage := c.ProcessState.SysUsage().(*syscall.Rusage)
	return sample{wall, usage.Maxrss << 10}, out
}

// benchmark is a line of the serve benchmark.
var benchmark = regexp.MustCompile(`(?m)^BenchmarkServe/([^/]+)/(\w+)-\d+\s.*?([\d.]+) p50-µs\s+([\d.]+) p99-µs\s+([\d.]+) req/s\s+(\d+) B/op\s+(\d+) allocs/op`)

// serve measures answers over loopback, next to the limit of net/http and its file
// server with the same bytes.
func (b *bench) serve() {
	bucket := "file://" + filepath.Join(b.TempDir(), "bucket")
	b.run(nil, b.program, "build", "--json", "--publish", "--source", "git:"+b.real, "--bucket", bucket)
	runs := map[[2]string][]serveRun{} // by request and server
	var requests []string
	for range rounds {
		_, out := b.run([]string{"REGSNAP_BENCH_BUCKET=" + bucket, "REGSNAP_BENCH_ENV=production"},
			"go", "test", "-run", "^$", "-bench", "Serve", "-benchtime", "1s", "../../serve")
		for _, l := range benchmark.FindAllStringSubmatch(string(out), -1) {
			if !slices.Contains(requests, l[1]) {
				requests = append(requests, l[1])
			}
			rate, err := strconv.ParseFloat(l[5], 64)
			must(b.T, err)
			runs[[2]string{l[1], l[2]}] = append(runs[[2]string{l[1], l[2]}], serveRun{rate, l})
		}
	}
	var w strings.Builder
	fmt.Fprintf(&w, "| request | server | requests/s | of bare | p50 µs | p99 µs | allocations | bytes allocated |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, request := range requests {
		bare := middle(b, runs[[2]string{request, "bare"}])
		for _, server := range []string{"regsnap", "bare", "fileserver", "nginx"} {
			m := middle(b, runs[[2]string{request, server}])
			fmt.Fprintf(&w, "| %s | %s | %.0f | %.2f | %s | %s | %s | %s |\n", request, server, m.rate, m.rate/bare.rate, m.line[3], m.line[4], m.line[7], m.line[6])
		}
	}
	b.section("serve", rounds, w.String())
}

// serveRun is a line of the benchmark, in requests a second.
type serveRun struct {
	rate float64
	line []string
}

// middle is the run with the median rate.
func middle(b *bench, runs []serveRun) serveRun {
	b.Helper()
	if len(runs) != rounds {
		b.Fatalf("%d runs of a server, want %d", len(runs), rounds)
	}
	slices.SortFunc(runs, func(x, y serveRun) int { return cmp.Compare(x.rate, y.rate) })
	return runs[len(runs)/2]
}

// section writes a table into docs/performance.md.
func (b *bench) section(name string, rounds int, body string) {
	b.Helper()
	performance.Section(b, "../../docs/performance.md", name, rounds, body)
}

func median(s []sample) time.Duration {
	s = slices.SortedFunc(slices.Values(s), func(a, b sample) int { return int(a.wall - b.wall) })
	return s[len(s)/2].wall
}

func best(s []sample) time.Duration {
	return slices.MinFunc(s, func(a, b sample) int { return int(a.wall - b.wall) }).wall
}

func peak(s []sample) int64 {
	return slices.MaxFunc(s, func(a, b sample) int { return int(a.rss - b.rss) }).rss
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
