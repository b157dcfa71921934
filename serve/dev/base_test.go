package dev

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/servetest"
)

// underneath is a bucket with an environment of packages, some of which the test edits.
func underneath(t *testing.T) (*bench, Base) {
	under := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	under.write("web", "1.0.0", "old web")
	under.write("web", "1.1.0", "newer web")
	under.write("other", "3.0.0", "other")
	for i := range 20 {
		under.write(fmt.Sprint("p", i), "1.0.0", "filler")
	}
	bucket, err := publish.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	env := environment()
	env.Name, env.Branches = "snapshot", []string{"main"}
	result, err := build.Build(t.Context(), build.Options{
		Source: git.OpenDirs(map[string]string{"main": under.dir}), Store: bucket, Environments: []build.Environment{env}, Regsnap: "main",
	})
	if err != nil {
		t.Fatal(err)
	}
	id := result.Snapshots[0].ID
	if err := servetest.GoLive(t.Context(), bucket, "snapshot", id); err != nil {
		t.Fatal(err)
	}
	m, routes, err := bucket.Snapshot(t.Context(), "snapshot", id)
	if err != nil {
		t.Fatal(err)
	}
	base, err := OfSnapshot(bucket, m, routes)
	if err != nil {
		t.Fatal(err)
	}
	return under, base
}

// union is a folder with the packages of both, those of over first.
func union(t *testing.T, over, under *bench) string {
	both := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	for _, b := range []*bench{under, over} {
		copyPackages(b, both)
	}
	return both.dir
}

func copyPackages(from, to *bench) {
	for id, title := range from.shown {
		name, version, _ := strings.Cut(id, "-")
		to.write(name, version, title)
	}
}

// removeAll removes directories.
func (b *bench) removeAll(paths ...string) {
	for _, p := range paths {
		b.check(os.RemoveAll(p))
	}
}

// TestBase: with an environment under it the registry answers as a build of the union
// does, before and after edits: of new versions, of the same, and when the own ones
// go again.
func TestBase(t *testing.T) {
	under, base := underneath(t)
	b := newBench(t, &base) // web-1.0.0, with another content
	same := func() {
		t.Helper()
		want := fromNothing(t, union(t, b, under))
		mine, all := b.shown, maps.Clone(under.shown)
		maps.Copy(all, mine)
		b.shown = all
		b.settle("an edit")
		b.shown = mine
		compare(t, b.handler, want, slices.Sorted(maps.Keys(all)))
	}
	same()
	b.write("web", "2.0.0", "mine")
	same()
	b.write("mine", "1.0.0", "only here")
	same()
	delete(b.shown, "web-1.0.0")
	b.removeAll(b.path("web", "1.0.0"))
	same() // the base's is there again
	clear(b.shown)
	b.removeAll(b.path("web"), b.path("mine"))
	same()
}
