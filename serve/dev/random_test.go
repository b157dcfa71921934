package dev

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/servetest"
)

var edits = flag.Int("edits", 120, "how many random edits TestRandomEdits makes")

// bench is a registry of a folder that a test edits.
type bench struct {
	t        *testing.T
	dir      string
	registry *Registry
	handler  http.Handler
	shown    map[string]string // title by "name-version", as it should be shown
}

func newBench(t *testing.T, base *Base) *bench {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("web", "1.0.0", "first")
	b.start(base)
	return b
}

func environment() build.Environment {
	return build.Environment{Name: "dev", ServiceVersion: "1.40.1", Catalogue: true}
}

// start begins to serve and to watch.
func (b *bench) start(base *Base) {
	t := b.t
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	if b.registry, err = New(t.Context(), Options{Work: work, Base: base, Environment: environment(), Regsnap: "main"}); err != nil {
		t.Fatal(err)
	}
	b.handler = b.registry.Handler(HandlerOptions{Stop: t.Context()})
	ended := make(chan error, 1)
	go func() {
		ended <- b.registry.Watch(t.Context(), 0, func(err error) { t.Error(err) }, func(State) {})
	}()
	t.Cleanup(func() {
		if err := <-ended; err != nil {
			t.Error(err)
		}
		b.registry.Close()
	})
}

func manifest(name, version, title string) string {
	return fmt.Sprintf("format_version: 1.0.0\nname: %s\nversion: %s\ntitle: %s\ndescription: of %[3]s\ntype: integration\nowner:\n  github: acme/%[1]s\n", name, version, title)
}

func (b *bench) path(elements ...string) string {
	return filepath.Join(append([]string{b.dir, "packages"}, elements...)...)
}

func (b *bench) put(content string, elements ...string) {
	name := b.path(elements...)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
		b.t.Fatal(err)
	}
}

// write makes a package, or writes it again.
func (b *bench) write(name, version, title string) {
	b.put("# "+title+"\n", name, version, "docs", "README.md")
	b.put(manifest(name, version, title), name, version, "manifest.yml")
	b.shown[name+"-"+version] = title
}

func (b *bench) check(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func get(h http.Handler, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	r.Host = "localhost:8080"
	h.ServeHTTP(w, r)
	return w
}

const everything = "/search?all=true&prerelease=true"

// titles is what a registry shows.
func titles(t *testing.T, h http.Handler) map[string]string {
	t.Helper()
	w := get(h, everything)
	out := map[string]string{}
	if w.Code == http.StatusServiceUnavailable {
		return out
	}
	var list []struct{ Name, Version, Title string }
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	for _, p := range list {
		out[p.Name+"-"+p.Version] = p.Title
	}
	return out
}

// settle waits until what should be shown is shown.
func (b *bench) settle(what string) {
	b.t.Helper()
	for {
		s, changed := b.registry.now()
		if s.Generation > 0 && maps.Equal(titles(b.t, b.handler), b.shown) {
			return
		}
		select {
		case <-changed:
		case <-b.t.Context().Done():
			b.t.Fatalf("after %s: shown %v, want %v; %+v", what, titles(b.t, b.handler), b.shown, s)
		}
	}
}

// fromNothing answers from a build of a folder that knows nothing of what was before.
func fromNothing(t *testing.T, dir string) http.Handler {
	t.Helper()
	source := git.OpenDirs(map[string]string{git.WorkBranch: dir})
	bucket, err := publish.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	env := environment()
	env.Branches = []string{git.WorkBranch}
	result, err := build.Build(t.Context(), build.Options{Source: source, Store: bucket, Environments: []build.Environment{env}, Regsnap: "main"})
	if err != nil {
		t.Fatalf("%v: %v", err, result.Report.Errors)
	}
	if err := servetest.GoLive(t.Context(), bucket, "dev", result.Snapshots[0].ID); err != nil {
		t.Fatal(err)
	}
	h, err := serve.New(t.Context(), serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: "dev"}}, Default: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

// compare holds all answers about packages to those of another registry.
func compare(t *testing.T, got, want http.Handler, ids []string) {
	t.Helper()
	asked := []string{"/", everything, "/search", "/search?kibana.version=8.5.0", "/categories?include_policy_templates=true", "/search?package=web", "/catalog/-/feed.xml"}
	for _, id := range ids {
		name, version, _ := strings.Cut(id, "-")
		asked = append(asked, "/package/"+name+"/"+version+"/", "/epr/"+name+"/"+id+".zip", "/package/"+name+"/"+version+"/docs/README.md", "/catalog/"+name+"/"+version+"/")
	}
	for _, target := range asked {
		g, w := get(got, target), get(want, target)
		body := without(g.Body.Bytes(), `<script data-generation=`, `</script>`)
		body = without(body, `<link rel="stylesheet" href="/-/dev/banner.css">`, `</details>`)
		if g.Code != w.Code || !bytes.Equal(body, w.Body.Bytes()) {
			t.Errorf("%s: %d, %d bytes, want %d, %d bytes", target, g.Code, len(body), w.Code, w.Body.Len())
		}
	}
}

// without is a page without what only a live page has.
func without(page []byte, from, to string) []byte {
	at := bytes.Index(page, []byte(from))
	if at < 0 {
		return page
	}
	end := at + bytes.Index(page[at:], []byte(to)) + len(to)
	return slices.Concat(page[:at], page[end:])
}

// TestRandomEdits edits, breaks, renames, deletes and swaps packages at random. At rest
// the registry shows what a build from nothing gives, but for packages that are broken
// now: these it shows as they last were.
func TestRandomEdits(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	b := newBench(t, nil)
	b.settle("the start")
	good := map[string]bool{"web-1.0.0": true} // what is not broken
	names := []string{"web", "db", "mail"}
	version := func() string { return fmt.Sprintf("%d.%d.0", 1+rnd.IntN(2), rnd.IntN(3)) }
	for i := range *edits {
		name, v := names[rnd.IntN(len(names))], version()
		id := name + "-" + v
		title := fmt.Sprintf("t%d", i)
		what := ""
		switch rnd.IntN(9) {
		case 0, 1, 2:
			what = "write " + id
			b.write(name, v, title)
			good[id] = true
		case 3: // as editors do: a new file takes the place of the old one
			if !good[id] {
				continue
			}
			what = "replace " + id
			b.put("unfinished", name, v, "manifest.yml~")
			b.put(manifest(name, v, title), name, v, "new.tmp")
			b.check(os.Rename(b.path(name, v, "new.tmp"), b.path(name, v, "manifest.yml")))
			b.shown[id] = title
		case 4:
			if !good[id] {
				continue
			}
			b.settle("what came before half of " + id) // a good state that was never shown is not kept
			what = "half of " + id
			b.put(manifest(name, v, title)[:40], name, v, "manifest.yml")
			delete(good, id)
		case 5:
			what = "remove " + id
			b.check(os.RemoveAll(b.path(name, v)))
			delete(good, id)
			delete(b.shown, id)
		case 6:
			to := version()
			if _, err := os.Stat(b.path(name, to)); err == nil || !good[id] {
				continue
			}
			what = "rename " + id + " to " + to
			b.check(os.Rename(b.path(name, v), b.path(name, to)))
			delete(b.shown, id)
			delete(good, id)
			if rnd.IntN(2) == 0 {
				b.settle(what + ", not in its manifest yet")
			}
			b.put(manifest(name, to, title), name, to, "manifest.yml")
			good[name+"-"+to], b.shown[name+"-"+to] = true, title
		case 7:
			what = "file in place of " + id
			b.check(os.RemoveAll(b.path(name, v)))
			b.put("not a directory", name, v)
			b.settleGone(id, good)
			b.check(os.Remove(b.path(name, v)))
		case 8:
			what = "all of " + name
			b.check(os.RemoveAll(b.path(name)))
			for _, id := range slices.Collect(maps.Keys(b.shown)) {
				if strings.HasPrefix(id, name+"-") {
					delete(b.shown, id)
					delete(good, id)
				}
			}
		}
		if rnd.IntN(3) > 0 {
			b.settle(what)
		} else if len(good) < len(b.shown) {
			b.settle(what) // else it could not be known which state was the last good one
		}
		if i%20 == 19 && len(b.shown) > 0 {
			b.settle(what)
			compare(t, b.handler, fromNothing(t, b.asShown()), slices.Sorted(maps.Keys(b.shown)))
		}
	}
}

// settleGone notes that a version is gone, and waits until it is.
func (b *bench) settleGone(id string, good map[string]bool) {
	delete(b.shown, id)
	delete(good, id)
	b.settle("a file in place of " + id)
}

// asShown is a folder with the packages as they should be shown.
func (b *bench) asShown() string {
	model := &bench{t: b.t, dir: b.t.TempDir(), shown: map[string]string{}}
	for id := range b.shown {
		name, version, _ := strings.Cut(id, "-")
		content, err := os.ReadFile(b.path(name, version, "docs", "README.md"))
		b.check(err)
		model.put(string(content), name, version, "docs", "README.md")
		model.put(manifest(name, version, b.shown[id]), name, version, "manifest.yml")
	}
	return model.dir
}

// TestBranchSwaps checks out one branch after the other under the registry.
func TestBranchSwaps(t *testing.T) {
	b := newBench(t, nil)
	run := func(args ...string) { indextest.Git(t, b.dir, "", args...) }
	run("init", "--quiet", "--initial-branch=one")
	commit := func(branch string) map[string]string {
		run("add", "-A")
		run("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "--quiet", "-m", branch)
		return maps.Clone(b.shown)
	}
	one := commit("one")
	run("checkout", "--quiet", "-b", "two")
	for i := range 12 {
		b.write("web", fmt.Sprintf("1.%d.0", i), fmt.Sprint("two ", i))
		b.write(fmt.Sprint("p", i), "1.0.0", "two")
	}
	two := commit("two")
	for range 6 {
		run("checkout", "--quiet", "one")
		b.shown = one
		b.settle("one")
		run("checkout", "--quiet", "two")
		b.shown = two
		b.settle("two")
	}
	// Without the repository: of a commit a live registry knows nothing.
	compare(t, b.handler, fromNothing(t, b.asShown()), slices.Sorted(maps.Keys(two)))
}
