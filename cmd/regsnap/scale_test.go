//go:build bench

package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/scaletest"
)

// scales are the sizes of the synthetic package storages, in package versions:
// about the real one, a production registry of today, ten times it.
var scales = []int{1_000, 10_000, 100_000}

// TestScale measures how the cost of a build grows with the registry, on
// synthetic storages in the folder that REGSNAP_SCALE names, and writes the table
// and the plot of docs/performance.md.
func TestScale(t *testing.T) {
	dir := os.Getenv("REGSNAP_SCALE")
	if dir == "" {
		t.Fatal("REGSNAP_SCALE must name a folder for the storages and buckets: run make scale")
	}
	b := &bench{T: t, program: program(t)}
	var grown []growth
	for _, versions := range scales {
		grown = append(grown, b.grow(dir, versions, 0))
	}
	few := b.grow(dir, scales[len(scales)-1], fewAnswers)
	for _, g := range append(grown, few) {
		must(t, os.RemoveAll(g.folder)) // not in between: deleting a million files would go on while the next size is measured
	}
	b.section("growth", 1, growthTable(append(slices.Clone(grown), few)))
	must(t, os.WriteFile("../../docs/growth.svg", growthPlot(grown), 0o644))
}

// fewAnswers is a budget for what is rendered ahead, in bytes, for a registry whose
// pushes are to write little: the edge puts the rest together.
const fewAnswers = 16_000_000

// growth is what was measured at one size.
type growth struct {
	budget int // of rendered answers, in bytes; 0 is the default
	folder string
	// built are from nothing, after a push of one package, and once more.
	cold, push, idle measured
	versions         int
	// Sizes in bytes, of the environment snapshot.
	routes, routesGzip, manifest int64
}

// measured is one run of regsnap build.
type measured struct {
	sample
	built
}

func (b *bench) grow(dir string, versions, budget int) growth {
	g := growth{versions: versions, budget: budget, folder: filepath.Join(dir, fmt.Sprintf("%d-%d", versions, budget))}
	must(b.T, os.RemoveAll(g.folder))
	repo, bucket := filepath.Join(g.folder, "storage.git"), filepath.Join(g.folder, "bucket")
	must(b.T, scaletest.Repository(b.Context(), repo, scaletest.Options{Versions: versions, Seed: 1}))
	config := b.withLists()
	if budget > 0 {
		text, err := os.ReadFile(config)
		must(b.T, err)
		must(b.T, os.WriteFile(config, fmt.Appendf(text, "responses: {bytes: %d}\n", budget), 0o666))
	}
	build := func(args ...string) measured {
		args = append([]string{"build", "--json", "--publish", "--config", config, "--source", "git:" + repo, "--bucket", "file://" + bucket}, args...)
		var m measured
		var out []byte
		m.sample, out = b.run(nil, b.program, args...)
		must(b.T, json.Unmarshal(out, &m.built))
		return m
	}
	g.cold = build()
	b.run(nil, "git", "-C", repo, "update-ref", "refs/heads/snapshot", scaletest.PushRef)
	g.push = build("--env", "snapshot")
	g.idle = build("--env", "snapshot")
	folder := filepath.Join(bucket, "snapshots", "snapshot", g.push.Snapshots[0].ID)
	routes, err := os.ReadFile(filepath.Join(folder, "routes.json"))
	must(b.T, err)
	manifest, err := os.Stat(filepath.Join(folder, "manifest.json"))
	must(b.T, err)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err = w.Write(routes)
	must(b.T, err)
	must(b.T, w.Close())
	g.routes, g.routesGzip, g.manifest = int64(len(routes)), int64(packed.Len()), manifest.Size()
	return g
}

func growthTable(grown []growth) string {
	var w strings.Builder
	line := func(name string, value func(growth) string) {
		fmt.Fprintf(&w, "| %s |", name)
		for _, g := range grown {
			fmt.Fprintf(&w, " %s |", value(g))
		}
		w.WriteString("\n")
	}
	line("package versions", func(g growth) string {
		if g.budget > 0 {
			return fmt.Sprintf("%d, with `responses.bytes: %d`", g.versions, g.budget)
		}
		return strconv.Itoa(g.versions)
	})
	w.WriteString("| --- |" + strings.Repeat(" ---: |", len(grown)) + "\n")
	for _, run := range []struct {
		name string
		of   func(growth) measured
	}{
		{"three environments, from nothing", func(g growth) measured { return g.cold }},
		{"a push of one package version", func(g growth) measured { return g.push }},
		{"nothing changed", func(g growth) measured { return g.idle }},
	} {
		line("**"+run.name+"**", func(growth) string { return "" })
		line("time", func(g growth) string { return fmt.Sprintf("%.2f s", run.of(g).wall.Seconds()) })
		line("peak memory", func(g growth) string { return fmt.Sprintf("%d MiB", run.of(g).rss>>20) })
		line("packages read", func(g growth) string { return strconv.Itoa(run.of(g).Stats.Packages) })
		line("responses rendered", func(g growth) string { return strconv.Itoa(run.of(g).Stats.ResponsesWritten) })
		line("objects written", func(g growth) string { return strconv.FormatInt(run.of(g).Stats.Objects, 10) })
		line("bytes written", func(g growth) string { return size(run.of(g).Stats.Bytes) })
	}
	line("**the environment snapshot**", func(growth) string { return "" })
	line("routes", func(g growth) string { return size(g.routes) })
	line("routes, gzip", func(g growth) string { return size(g.routesGzip) })
	line("manifest", func(g growth) string { return size(g.manifest) })
	line("classes of queries", func(g growth) string { return strconv.Itoa(g.push.Snapshots[0].Coverage.Queries) })
	line("distinct answers looked at", func(g growth) string { return strconv.Itoa(g.push.Snapshots[0].Coverage.Distinct) })
	line("of them rendered ahead", func(g growth) string { return strconv.Itoa(g.push.Snapshots[0].Coverage.Rendered) })
	line("classes left to assembly, at most", func(g growth) string { return strconv.Itoa(g.push.Snapshots[0].Coverage.Assembled) })
	return w.String()
}
