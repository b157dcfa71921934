package build_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"flag"
	"fmt"
	"io"
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

// TestRenderVersion holds what RenderVersion and packageRender promise: the same package
// is rendered as the same bytes under the same number, and kept in the same forms. A
// build takes what the live snapshot and the bucket have without rendering it again, so
// under an old number new bytes would mix with those of a release before.
func TestRenderVersion(t *testing.T) {
	const file = "testdata/render.txt"
	got := fmt.Appendf(nil, "render %d, packages since %d\n", build.RenderVersion, build.PackageRender)
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
		t.Errorf("other bytes: raise build.RenderVersion, and build.packageRender to it if it is not searches and categories alone, then write %s with -update\n%s", file, got)
	case *update:
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("build.RenderVersion or packageRender was raised: write %s with -update", file)
	}
}

// renderedSums gives the digests of all objects of a kind that the test packages
// are rendered as.
func renderedSums(t *testing.T) func(yield func(string, []byte) bool) {
	full, err := os.ReadFile("testdata/full.txtar")
	if err != nil {
		t.Fatal(err)
	}
	s := emptyStore(t)
	documents := map[string]bool{}
	for _, p := range s.build(build.RenderVersion).Snapshots[0].Manifest.Packages {
		documents[layout.ResponseKey(p.Document)] = true
	}
	sums := map[string][]byte{"full.txtar": full}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		kind := ""
		switch {
		case documents[key]:
			kind = "documents"
		case documents[strings.TrimSuffix(key, layout.GzipSuffix)]:
			continue // the encoded twin says the same
		case strings.HasSuffix(strings.TrimSuffix(key, layout.GzipSuffix), ".page"):
			continue // pages have a version of their own
		case strings.HasSuffix(key, ".part"):
			kind = "summaries"
		case strings.HasPrefix(key, "responses/"):
			kind = "searches and categories"
		case strings.HasPrefix(key, "packages/"):
			kind = "archives, files and their lists"
		default:
			continue // snapshots name the version of regsnap
		}
		sums[kind] = fmt.Appendf(sums[kind], "%s %x\n", key, sha256.Sum256(plain(t, key, s.objects[key])))
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

// plain is what an object says: of what is encoded, what it inflates to.
func plain(t *testing.T, key string, body []byte) []byte {
	t.Helper()
	if !strings.HasSuffix(key, layout.GzipSuffix) {
		return body
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	if body, err = io.ReadAll(z); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return body
}

// emptyStore holds nothing, and takes whatever comes.
func emptyStore(t *testing.T) *fragileStore {
	return &fragileStore{t: t, objects: map[string][]byte{}, left: math.MaxInt}
}

var allBranches = []string{"production", "staging", "snapshot"}

// build makes the snapshot of the test packages, over those that are live.
func (s *fragileStore) build(render int, live ...build.Snapshot) *build.Result {
	s.t.Helper()
	result, err := s.tryBuild(render, allBranches, live...)
	if err != nil {
		s.t.Fatalf("%v: %v", err, result.Report.Errors)
	}
	return result
}

func (s *fragileStore) tryBuild(render int, branches []string, live ...build.Snapshot) (*build.Result, error) {
	s.t.Helper()
	source, err := git.OpenDir("../testdata/storage")
	if err != nil {
		s.t.Fatal(err)
	}
	o := build.Options{
		Source: source, Store: s, Regsnap: "test", Render: render, Budget: layout.Budget{Responses: 2000, Bytes: 256 << 20},
		Environments: []build.Environment{{Name: "all", Branches: branches, ServiceVersion: "1.40.1", Catalogue: true}},
	}
	for _, l := range live {
		routes, err := layout.DecodeRoutes(s.objects[layout.RoutesKey("all", l.ID)], "all")
		if err != nil {
			s.t.Fatal(err)
		}
		o.Live = append(o.Live, build.Live{Manifest: l.Manifest, Routes: routes})
	}
	return build.Build(s.t.Context(), o)
}

// What is taken over from the live snapshot is held to its manifest and routes: a
// catalog whose bytes are others, fewer or gone ends the build.
func TestDamagedCatalogOfLive(t *testing.T) {
	for what, damage := range map[string]func([]byte) []byte{
		"changed": func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut":     func(b []byte) []byte { return b[:len(b)-1] },
		"longer":  func(b []byte) []byte { return append(b, 0) },
		"gone":    func([]byte) []byte { return nil },
	} {
		s := emptyStore(t)
		before, err := s.tryBuild(build.RenderVersion, allBranches[:2])
		if err != nil {
			t.Fatal(err)
		}
		parts := 0
		for key, body := range s.objects {
			if strings.HasSuffix(key, ".part") {
				parts++
				if s.objects[key] = damage(bytes.Clone(body)); s.objects[key] == nil {
					delete(s.objects, key)
				}
			}
		}
		_, err = s.tryBuild(build.RenderVersion, allBranches, before.Snapshots[0])
		if parts == 0 || err == nil || !strings.Contains(err.Error(), ".part") || what != "gone" && !strings.Contains(err.Error(), "the object is damaged") {
			t.Errorf("%s: %d parts, %v", what, parts, err)
		}
	}
}

// A snapshot is the same whatever is live: forms of answers that another render version
// kept are not taken over. Packages that both write alike are neither read nor stored
// again.
func TestRenderOverAnother(t *testing.T) {
	for _, c := range [][2]int{{build.PackageRender, build.RenderVersion}, {build.RenderVersion, build.PackageRender}} {
		before, after := c[0], c[1]
		s, empty := emptyStore(t), emptyStore(t)
		live := s.build(before).Snapshots[0]
		stored := maps.Clone(s.objects)
		got, want := s.build(after, live), empty.build(after).Snapshots[0]
		if got.Snapshots[0].ID != want.ID || want.ID == live.ID {
			t.Errorf("%d over %d: %s, over nothing %s, live is %s", after, before, got.Snapshots[0].ID, want.ID, live.ID)
		}
		if got.Stats.Packages != 0 || got.Stats.RevisionsWritten != 0 || got.Stats.RevisionsFound != 0 {
			t.Errorf("%d over %d: %+v", after, before, got.Stats)
		}
		for key := range empty.objects {
			if _, there := s.objects[key]; !there {
				t.Errorf("%d over %d: %s is missing", after, before, key)
			}
		}
		for key := range s.objects {
			_, was := stored[key]
			if _, wanted := empty.objects[key]; !was && !wanted {
				t.Errorf("%d over %d: %s is of neither", after, before, key)
			}
		}
	}
}
