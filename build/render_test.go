package build_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
)

var update = flag.Bool("update", false, "write testdata/render.txt again from what is rendered")

// TestRenderVersion holds what RenderVersion promises: the same package is
// rendered as the same bytes under the same number. A build takes what the live
// snapshot and the bucket have without rendering it again, so under an old number
// new bytes would mix with those of a release before.
func TestRenderVersion(t *testing.T) {
	const file = "testdata/render.txt"
	got := fmt.Appendf(nil, "render %d\n", build.RenderVersion)
	for name, sum := range renderedSums(t) {
		got = fmt.Appendf(got, "%x %s\n", sum, name)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	version := bytes.SplitAfter(want, []byte("\n"))[0]
	switch {
	case bytes.Equal(got, want):
	case bytes.HasPrefix(got, version):
		t.Errorf("packages are rendered as other bytes: raise build.RenderVersion, then write %s with -update\n%s", file, got)
	case *update:
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("build.RenderVersion was raised: write %s with -update", file)
	}
}

// renderedSums gives the digests of all objects of a kind that the test packages
// are rendered as.
func renderedSums(t *testing.T) func(yield func(string, []byte) bool) {
	full, err := os.ReadFile("testdata/full.txtar")
	if err != nil {
		t.Fatal(err)
	}
	source, err := git.OpenDir("../testdata/storage")
	if err != nil {
		t.Fatal(err)
	}
	s := &fragileStore{t: t, objects: map[string][]byte{}, left: math.MaxInt}
	result, err := build.Build(t.Context(), build.Options{
		Source: source, Store: s, Regsnap: "test", Budget: layout.Budget{Responses: 2000, Bytes: 256 << 20},
		Environments: []build.Environment{{Name: "all", Branches: []string{"production", "staging", "snapshot"}, ServiceVersion: "1.40.1"}},
	})
	if err != nil {
		t.Fatalf("%v: %v", err, result.Report.Errors)
	}
	documents := map[string]bool{}
	for _, p := range result.Snapshots[0].Manifest.Packages {
		documents[layout.ResponseKey(p.Document)] = true
	}
	sums := map[string][]byte{"full.txtar": full}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		kind := ""
		switch {
		case documents[key]:
			kind = "documents"
		case strings.HasPrefix(key, "responses/") && !strings.HasSuffix(key, layout.GzipSuffix):
			kind = "searches and categories"
		case strings.HasPrefix(key, "packages/"):
			kind = "archives, files and their lists"
		default:
			continue // gzip-encoded twins say the same; snapshots name the version of regsnap
		}
		sums[kind] = fmt.Appendf(sums[kind], "%s %x\n", key, sha256.Sum256(s.objects[key]))
	}
	return func(yield func(string, []byte) bool) {
		for _, kind := range slices.Sorted(maps.Keys(sums)) {
			sum := sha256.Sum256(sums[kind])
			if !yield(kind, sum[:]) {
				return
			}
		}
	}
}
