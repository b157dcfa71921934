//go:build bench

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// serve measures answers over loopback, next to Go's own file server with the
// same bytes.
func (b *bench) serve() {
	bucket := "file://" + filepath.Join(b.TempDir(), "bucket")
	b.run(nil, b.program, "build", "--json", "--publish", "--source", "git:"+b.real, "--bucket", bucket)
	_, out := b.run([]string{"REGSNAP_BENCH_BUCKET=" + bucket, "REGSNAP_BENCH_ENV=production"},
		"go", "test", "-run", "^$", "-bench", "Serve", "-benchtime", "2s", "../../serve")
	lines := benchmark.FindAllStringSubmatch(string(out), -1)
	if len(lines) == 0 || len(lines)%2 != 0 {
		b.Fatalf("no pairs of benchmarks in\n%s", out)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "| request | server | requests/s | p50 µs | p99 µs | allocations | bytes allocated |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, l := range lines {
		fmt.Fprintf(&w, "| %s | %s | %s | %s | %s | %s | %s |\n", l[1], l[2], l[5], l[3], l[4], l[7], l[6])
	}
	b.section("serve", 1, w.String())
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
