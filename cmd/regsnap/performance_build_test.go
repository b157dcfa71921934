//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPerformanceBuild measures builds of the real package storage from nothing
// against git, and writes the table into docs/performance.md. Its file comes first
// of all measurements: for minutes after files were deleted ext4 looks for new
// ones among them, which takes longer than to make them.
func TestPerformanceBuild(t *testing.T) {
	b := newBench(t)
	var w strings.Builder
	fmt.Fprintf(&w, "| three environments, from nothing | median | best | against git | peak memory |\n| --- | --- | --- | --- | --- |\n")
	var last built
	for _, place := range []struct {
		name string
		dir  func() string
	}{
		{"on disk", b.TempDir},
		{"in memory", func() string { return memoryFolder(t) }},
	} {
		// Nothing is deleted between the rounds: the file system would still be at
		// it while the next one is measured.
		var git, regsnap []sample
		for range rounds {
			dir := place.dir()
			git = append(git, b.checkOut(dir))
			s, out := b.run(nil, b.program, "build", "--json", "--source", "git:"+b.real, "--bucket", "file://"+filepath.Join(dir, "bucket"))
			regsnap = append(regsnap, s)
			must(b.T, json.Unmarshal(out, &last))
		}
		base := median(git)
		fmt.Fprintf(&w, "| `git checkout-index -a` of the three branches, %s | %.2f s | %.2f s | 1.00 | %d MiB |\n", place.name, base.Seconds(), best(git).Seconds(), peak(git)>>20)
		fmt.Fprintf(&w, "| `regsnap build` to an empty `file://` bucket, %s | %.2f s | %.2f s | %.2f | %d MiB |\n",
			place.name, median(regsnap).Seconds(), best(regsnap).Seconds(), median(regsnap).Seconds()/base.Seconds(), peak(regsnap)>>20)
	}
	fmt.Fprintf(&w, "\nThe build read %d package versions, parsed %d YAML files, read %d contents, and stored %d objects, %s.\n",
		last.Stats.Packages, last.Stats.YAMLParsed, last.Stats.BlobsRead, last.Stats.Objects, size(last.Stats.Bytes))
	b.section("cold build", rounds, w.String())
}

// checkOut lets git write the files of the three branches.
func (b *bench) checkOut(dir string) sample {
	b.Helper()
	var s sample
	for _, branch := range []string{"production", "staging", "snapshot"} {
		tree := filepath.Join(dir, "tree-"+branch)
		index := "GIT_INDEX_FILE=" + filepath.Join(dir, "index-"+branch)
		must(b.T, os.MkdirAll(tree, 0o777))
		b.run([]string{index}, "git", "-C", b.real, "read-tree", branch)
		one, _ := b.run([]string{index}, "git", "-C", b.real, "--work-tree="+tree, "checkout-index", "-a")
		s.wall, s.rss = s.wall+one.wall, max(s.rss, one.rss)
	}
	return s
}
