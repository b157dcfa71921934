package scaletest_test

import (
	"context"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/scaletest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

var branches = []string{"production", "staging", "snapshot"}

func generate(t *testing.T, o scaletest.Options) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "storage.git")
	if err := scaletest.Repository(t.Context(), dir, o); err != nil {
		t.Fatal(err)
	}
	return dir
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

func open(t *testing.T, dir string) *git.GitSource {
	t.Helper()
	s, err := git.OpenGit(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// The same options give the same commits; another seed gives others.
func TestRepositoryIsDeterministic(t *testing.T) {
	refs := func(o scaletest.Options) string { return runGit(t, generate(t, o), "for-each-ref") }
	o := scaletest.Options{Versions: 400, Seed: 7, Content: 0.1}
	once := refs(o)
	if again := refs(o); again != once {
		t.Errorf("once\n%s\nand again\n%s", once, again)
	}
	o.Seed++
	if refs(o) == once {
		t.Error("another seed gives the same storage")
	}
	if err := scaletest.Repository(t.Context(), t.TempDir(), o); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("into a folder that is there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := scaletest.Repository(ctx, filepath.Join(t.TempDir(), "x"), o); err == nil {
		t.Error("it goes on when it is cancelled")
	}
}

// TestRepositoryBuilds: every package is valid, there are as many as asked for,
// and the push is one package version.
func TestRepositoryBuilds(t *testing.T) {
	const versions = 500
	dir := generate(t, scaletest.Options{Versions: versions, Seed: 3})
	bucket, err := publish.Create(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	var live []build.Live
	run := func() *build.Result {
		t.Helper()
		o := build.Options{Source: open(t, dir), Store: bucket, Regsnap: "test", Live: live, Budget: layout.Budget{Responses: 20, Bytes: 1 << 20}}
		for i, name := range branches {
			o.Environments = append(o.Environments, build.Environment{Name: name, Branches: branches[:i+1], ServiceVersion: "1.0.0", Cache: layout.DefaultCachePolicy})
		}
		r, err := build.Build(t.Context(), o)
		if err != nil {
			t.Fatalf("%v: %v", err, r.Report.Errors)
		}
		if len(r.Report.Warnings) > 0 {
			t.Errorf("%d warnings, the first is %v", len(r.Report.Warnings), r.Report.Warnings[0])
		}
		return r
	}
	first := run()
	if r := first.Snapshots[2].Manifest; len(r.Packages) != versions || first.Stats.Packages != versions {
		t.Errorf("%d package versions, %d of them read, want %d", len(r.Packages), first.Stats.Packages, versions)
	}
	for _, s := range first.Snapshots {
		routes, err := bucket.Routes(t.Context(), s.Manifest.Environment, s.ID)
		if err != nil {
			t.Fatal(err)
		}
		live = append(live, build.Live{Manifest: s.Manifest, Routes: routes})
	}
	runGit(t, dir, "update-ref", "refs/heads/snapshot", scaletest.PushRef)
	second := run()
	if second.Stats.Packages != 1 || second.Stats.RevisionsWritten != 1 || len(second.Snapshots[2].Manifest.Packages) != versions+1 {
		t.Errorf("the push: %+v", second.Stats)
	}
	if second.Snapshots[0].ID != first.Snapshots[0].ID {
		t.Error("the push to snapshot changed production")
	}
}

// TestStatisticsComeBack: what is measured of a generated storage is what it was
// generated from.
func TestStatisticsComeBack(t *testing.T) {
	want, err := scaletest.Derived()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range want.Branches {
		total += n
	}
	got, err := scaletest.Derive(t.Context(), open(t, generate(t, scaletest.Options{Versions: total, Seed: 5, Content: 0.2})))
	if err != nil {
		t.Fatal(err)
	}
	if got.Names != want.Names {
		t.Errorf("%d names, want %d", got.Names, want.Names)
	}
	sum := 0
	for _, b := range branches {
		sum += got.Branches[b]
		if share := float64(got.Branches[b]) / float64(total); math.Abs(share-float64(want.Branches[b])/float64(total)) > 0.05 {
			t.Errorf("%s has a share of %.2f: %v, want %v", b, share, got.Branches, want.Branches)
		}
	}
	if sum != total {
		t.Errorf("%d versions, want %d", sum, total)
	}
	for _, c := range []struct {
		name            string
		got, want, with float64
	}{
		{"kept constraints", got.Kibana.Kept, want.Kibana.Kept, 0.08},
		{"released versions", got.Released, want.Released, 0.15},
		{"experimental versions", got.Experimental, want.Experimental, 0.15},
		{"alternatives", got.Kibana.Alternatives, want.Kibana.Alternatives, 0.25},
		{"the median of versions over the mean", got.Versions[5], want.Versions[5], 0.3},
		{"the most versions over the mean", got.Versions[10], want.Versions[10], 0.8},
	} {
		if math.Abs(c.got-c.want) > c.with {
			t.Errorf("%s: %.3f, want %.3f, give or take %.2f", c.name, c.got, c.want, c.with)
		}
	}
	common := func(s *scaletest.Statistics) string {
		most := ""
		for id, n := range s.Categories {
			if most == "" || n > s.Categories[most] || n == s.Categories[most] && id < most {
				most = id
			}
		}
		return most
	}
	if common(got) != common(want) {
		t.Errorf("the commonest category is %s, want %s", common(got), common(want))
	}
	if !slices.IsSorted(got.FileSize) || got.Files[5] < 3 || got.NewFiles[5] >= got.Files[5] {
		t.Errorf("files %v, of them new %v, sizes %v", got.Files, got.NewFiles, got.FileSize)
	}
}
