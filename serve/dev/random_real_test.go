//go:build conformance

package dev

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/index/indextest"
)

var realEdits = flag.Int("real-edits", 30, "how many random edits TestConformanceEdits makes")

// Lines of a manifest that edits replace.
var (
	titleLine   = regexp.MustCompile(`(?m)^title:.*$`)
	versionLine = regexp.MustCompile(`(?m)^version:.*$`)
)

// TestConformanceEdits edits the work tree of the real package storage (REGSNAP_REAL names
// its folder) at random, and checks out other branches under the registry. At rest every
// answer is that of a build from nothing. It says how long a saved title took to be shown.
func TestConformanceEdits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	e := &realBench{bench: &bench{t: t, dir: t.TempDir()}, rnd: rand.New(rand.NewPCG(seed, 2)), good: map[string]string{}}
	e.checkout("production")
	started := time.Now()
	e.start(nil)
	e.settle("the start")
	t.Logf("%d package versions shown after %.1f s", len(e.shown), time.Since(started).Seconds())
	for i := range *realEdits {
		if n := *realEdits / 3; i > 0 && n > 0 && i%n == 0 {
			e.mend()
			e.checkout([]string{"snapshot", "production"}[(i/n-1)%2])
			e.settle("another branch")
			continue
		}
		e.edit(i)
	}
	e.mend()
	e.settle("all edits")
	ids := slices.Sorted(maps.Keys(e.shown))
	e.rnd.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	// Without the repository: of a commit a live registry knows nothing.
	e.check(os.RemoveAll(filepath.Join(e.dir, ".git")))
	compare(t, e.handler, fromNothing(t, e.dir), ids[:min(len(ids), 60)])
	slices.Sort(e.took)
	if n := len(e.took); n > 0 {
		t.Logf("%d saved titles were shown after %v (median), %v (99 of 100), %v (most)", n, e.took[n/2], e.took[n*99/100], e.took[n-1])
	}
}

// realBench is a bench whose packages are real.
type realBench struct {
	*bench
	rnd  *rand.Rand
	good map[string]string // by "name-version": the manifest of a package that is broken now
	took []time.Duration
}

// checkout has the work tree be that of a branch.
func (e *realBench) checkout(branch string) {
	run := func(args ...string) { indextest.Git(e.t, e.dir, "", args...) }
	if _, err := os.Stat(filepath.Join(e.dir, ".git")); err != nil {
		run("init", "--quiet")
		objects := filepath.Join(indextest.RealFolder(e.t), "package-storage.git", "objects")
		e.check(os.WriteFile(filepath.Join(e.dir, ".git", "objects", "info", "alternates"), []byte(objects+"\n"), 0o666))
	}
	tip, err := os.ReadFile(filepath.Join(indextest.RealFolder(e.t), "package-storage.git", "refs", "heads", branch))
	e.check(err)
	run("checkout", "--quiet", "--force", "--detach", strings.TrimSpace(string(tip)))
	run("clean", "--quiet", "-d", "--force", "-x")
	e.shown = e.onDisk()
}

// onDisk is the title of every package of the work tree.
func (e *realBench) onDisk() map[string]string {
	found, err := filepath.Glob(e.path("*", "*", "manifest.yml"))
	e.check(err)
	out := map[string]string{}
	for _, name := range found {
		content, err := os.ReadFile(name)
		e.check(err)
		var m struct{ Name, Version, Title string }
		e.check(yaml.Unmarshal(content, &m))
		out[m.Name+"-"+m.Version] = m.Title
	}
	return out
}

// edit makes one change.
func (e *realBench) edit(i int) {
	ids := slices.Sorted(maps.Keys(e.shown))
	id := ids[e.rnd.IntN(len(ids))]
	name, v, _ := strings.Cut(id, "-")
	title := fmt.Sprintf("t%d", i)
	was, broken := e.good[id]
	if !broken {
		content, err := os.ReadFile(e.path(name, v, "manifest.yml"))
		e.check(err)
		was = string(content)
	}
	titled := titleLine.ReplaceAllLiteralString(was, "title: "+title)
	next := v + fmt.Sprintf("-e%d", i)
	moved := versionLine.ReplaceAllLiteralString(titled, "version: "+next)
	switch e.rnd.IntN(10) {
	case 0, 1, 2, 3:
		e.saved(id, titled, title)
	case 4: // as editors do: a new file takes the place of the old one
		e.put(titled, name, v, "new.tmp")
		e.check(os.Rename(e.path(name, v, "new.tmp"), e.path(name, v, "manifest.yml")))
		e.shown[id] = title
		delete(e.good, id)
	case 5:
		if broken {
			return
		}
		e.settle("what came before half of " + id) // a good state that was never shown is not kept
		e.put(was[:40], name, v, "manifest.yml")
		e.good[id] = was
	case 6:
		e.check(os.RemoveAll(e.path(name, v)))
		delete(e.shown, id)
		delete(e.good, id)
	case 7:
		e.check(os.CopyFS(e.path(name, next), os.DirFS(e.path(name, v))))
		e.put(moved, name, next, "manifest.yml")
		e.shown[name+"-"+next] = title
	case 8:
		if broken {
			return
		}
		e.check(os.Rename(e.path(name, v), e.path(name, next)))
		delete(e.shown, id)
		e.put(moved, name, next, "manifest.yml")
		e.shown[name+"-"+next] = title
	case 9:
		e.put("# "+title+"\n", name, v, "docs", "README.md")
		e.shown[id] = title
		e.put(titled, name, v, "manifest.yml")
		delete(e.good, id)
	}
	if e.rnd.IntN(3) > 0 || len(e.good) > 0 {
		e.settle(fmt.Sprint("edit ", i, " of ", id))
	}
}

// saved saves a title and waits until the registry has it. Only where all was at rest
// before is that a time to note.
func (e *realBench) saved(id, content, title string) {
	e.settle("what came before " + id)
	name, v, _ := strings.Cut(id, "-")
	started := time.Now()
	e.put(content, name, v, "manifest.yml")
	e.shown[id] = title
	delete(e.good, id)
	target := "/package/" + name + "/" + v + "/"
	for {
		s, changed := e.registry.now()
		if strings.Contains(get(e.handler, target).Body.String(), `"title": "`+title+`"`) {
			break
		}
		select {
		case <-changed:
		case <-e.t.Context().Done():
			e.t.Fatalf("%s: still not %q: %+v", target, title, s)
		}
	}
	e.took = append(e.took, time.Since(started))
}

// mend makes all packages valid that an edit has broken.
func (e *realBench) mend() {
	for id, content := range e.good {
		name, v, _ := strings.Cut(id, "-")
		e.put(content, name, v, "manifest.yml")
		var m struct{ Title string }
		e.check(yaml.Unmarshal([]byte(content), &m))
		e.shown[id] = m.Title
	}
	clear(e.good)
	e.settle("the broken ones are mended")
}
