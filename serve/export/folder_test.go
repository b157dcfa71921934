package export_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
)

// TestTree holds the tree to what it is to be for any web server: the answers of
// the API in files with the names of its paths.
func TestTree(t *testing.T) {
	bucket, folder := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	// On the file system of the bucket: links do not lead out of it.
	dir, err := os.MkdirTemp(filepath.Dir(folder), "tree")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := exported(t, bucket, dir, nil)
	if target, err := os.Readlink(filepath.Join(dir, "current")); err != nil || target != r.Snapshot {
		t.Errorf("current leads to %q (%v), want %s", target, err, r.Snapshot)
	}
	tree := filepath.Join(dir, "current", "tree")
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	for name, path := range map[string]string{
		"search": "/search", "categories": "/categories", "index.json": "/", "health": "/health",
		"package/web_server/2.0.0/index.json":   "/package/web_server/2.0.0/",
		"package/web_server/2.0.0/manifest.yml": "/package/web_server/2.0.0/manifest.yml",
		"package/odd_names/1.0.0/=index.json":   "/package/odd_names/1.0.0/index.json",
		"package/odd_names/1.0.0/docs/=3D20.md": "/package/odd_names/1.0.0/docs/=20.md",
		"package/odd_names/1.0.0/docs/手册.md":    "/package/odd_names/1.0.0/docs/%E6%89%8B%E5%86%8C.md",
		"epr/web_server/web_server-2.0.0.zip":   "/epr/web_server/web_server-2.0.0.zip",
		"epr/sealed/sealed-1.0.0.zip.sig":       "/epr/sealed/sealed-1.0.0.zip.sig",
	} {
		body, err := os.ReadFile(filepath.Join(tree, filepath.FromSlash(name)))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := recorder.Complete(edgetest.Case{Method: "GET", Target: path})
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want.Want.SHA256 || want.Want.Status != 200 {
			t.Errorf("%s has %d bytes, %s answers %d with %d", name, len(body), path, want.Want.Status, want.Want.Length)
		}
	}
	// Links cost nothing; copies are as old as the snapshot.
	if !sameFile(t, filepath.Join(tree, "epr/web_server/web_server-2.0.0.zip"), only(t, folder, "web_server-2.0.0.zip")) {
		t.Error("the archive is no link to the bucket's")
	}
	copies := t.TempDir()
	exported(t, bucket, copies, func(o *export.Options) { o.Copy = true })
	archive := filepath.Join(copies, "current/tree/epr/web_server/web_server-2.0.0.zip")
	if sameFile(t, archive, only(t, folder, "web_server-2.0.0.zip")) {
		t.Error("the archive of an export with copies is a link to the bucket's")
	}
	info, err := os.Stat(archive)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.ModTime().UTC().Format(layout.SnapshotTime); !strings.HasPrefix(r.Snapshot, got) {
		t.Errorf("the archive is of %s, the snapshot is %s", got, r.Snapshot)
	}
}

func sameFile(t *testing.T, a, b string) bool {
	t.Helper()
	one, err := os.Stat(a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.Stat(b)
	if err != nil {
		t.Fatal(err)
	}
	return os.SameFile(one, other)
}

// only is the one file of a bucket's packages with a name.
func only(t *testing.T, folder, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "packages", "*", "*", "*", name))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v %v", name, found, err)
	}
	return found[0]
}

// pushed publishes a second edition of the storage, which changes one package.
func pushed(t *testing.T, bucket *publish.Bucket, budget layout.Budget) string {
	t.Helper()
	source := storage(t, func(packages string) {
		put(t, filepath.Join(packages, "web_server", "2.0.0", "docs", "README.md"), "# Second edition\n")
		put(t, filepath.Join(packages, "odd_names", "1.0.0", "docs", "new.md"), "# New\n")
	})
	return edgetest.Update(t, bucket, source, budget)[env]
}

// TestAgain exports one snapshot after another under load: each answer is that of
// the one or of the other, and the one before the last stays.
func TestAgain(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), onlyCatalog)
	dir := t.TempDir()
	first := exported(t, bucket, dir, nil).Snapshot
	recorder := newAnswers(t, bucket)
	second := pushed(t, bucket, onlyCatalog)
	recorder.add(t, bucket)
	address := served(t, dir)
	var stop atomic.Bool
	var workers sync.WaitGroup
	seen := [2]atomic.Int64{}
	for range 4 {
		workers.Go(func() {
			client := edgetest.Client{Addr: address, Host: "epr.example.org"}
			defer client.Close()
			for i := 0; !stop.Load(); i++ {
				edition, err := recorder.ask(&client, i)
				if err != nil {
					t.Error(err)
					return
				}
				seen[edition].Add(1)
			}
		})
	}
	for round := range 20 {
		id, other := second, first
		if round%2 == 1 {
			id, other = first, second
		}
		r := exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = id })
		if r.Previous != other || r.Present != (round > 0) {
			t.Errorf("round %d: %+v", round, r)
		}
		// However slow the clients are, they meet both; after that the rounds hurry.
		for round < 2 && seen[1-round].Load() == 0 && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
	}
	stop.Store(true)
	workers.Wait()
	// With nothing new, the one before is still the one to go back to.
	for range 2 {
		exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = first })
		if got, want := entries(t, dir), []string{".lock", first, second, "current"}; !equalSorted(got, want) {
			t.Errorf("the folder has %v, want %v", got, want)
		}
	}
	t.Logf("%d answers of the first edition, %d of the second", seen[0].Load(), seen[1].Load())
	if seen[0].Load() == 0 || seen[1].Load() == 0 {
		t.Error("not both editions were seen")
	}
	third := edgetest.Update(t, bucket, storage(t, func(packages string) {
		put(t, filepath.Join(packages, "web_server", "2.0.0", "docs", "README.md"), "# Third edition\n")
	}), onlyCatalog)[env]
	exported(t, bucket, dir, nil)
	if got, want := entries(t, dir), []string{".lock", first, third, "current"}; !equalSorted(got, want) {
		t.Errorf("the folder has %v, want %v", got, want)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func equalSorted(a, b []string) bool {
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// answers are what two editions answer to the same requests.
type answers struct{ editions [2][]edgetest.Case }

// asked are requests whose answers differ between the editions.
var asked = []edgetest.Case{
	{Method: "GET", Target: "/package/web_server/2.0.0/docs/README.md"},
	{Method: "GET", Target: "/package/odd_names/1.0.0/"},
	{Method: "GET", Target: "/epr/web_server/web_server-2.0.0.zip"},
	{Method: "GET", Target: "/package/odd_names/1.0.0/docs/new.md"},
}

func newAnswers(t *testing.T, bucket *publish.Bucket) *answers {
	t.Helper()
	a := new(answers)
	a.add(t, bucket)
	return a
}

// add notes what the live snapshot answers.
func (a *answers) add(t *testing.T, bucket *publish.Bucket) {
	t.Helper()
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	i := 0
	if a.editions[0] != nil {
		i = 1
	}
	for _, c := range asked {
		c, err := recorder.Complete(c)
		if err != nil {
			t.Fatal(err)
		}
		a.editions[i] = append(a.editions[i], c)
	}
}

// ask sends a request and tells of which edition the answer is.
func (a *answers) ask(client *edgetest.Client, i int) (edition int, err error) {
	c := a.editions[0][i%len(asked)]
	reply, err := client.Do(c)
	if err != nil {
		return 0, err
	}
	for edition, cases := range a.editions {
		if len(cases[i%len(asked)].Want.Differences(reply)) == 0 {
			return edition, nil
		}
	}
	return 0, errors.New(c.String() + ": the answer is of neither edition: " + reply.Status)
}

// TestRefused: what is no export is left alone, as is another environment's.
func TestRefused(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	foreign := t.TempDir()
	put(t, filepath.Join(foreign, "letter.txt"), "Dear Ada")
	of := func(dir, env string) error {
		_, err := export.Export(t.Context(), export.Options{From: bucket, Environment: env, Dir: dir})
		return err
	}
	if err := of(foreign, env); !errors.Is(err, export.ErrNoExport) {
		t.Errorf("a folder with a letter: %v", err)
	}
	dir := t.TempDir()
	exported(t, bucket, dir, nil)
	if err := of(dir, "staging"); !errors.Is(err, export.ErrNoExport) {
		t.Errorf("another environment: %v", err)
	}
	if err := of(t.TempDir(), "nothing"); !errors.Is(err, publish.ErrNothingLive) {
		t.Errorf("an environment that is not there: %v", err)
	}
	for _, at := range []string{"relative", "/a b", "/..", "/a;b", "/a$b", "/", `/a"b`} {
		_, err := export.Export(t.Context(), export.Options{From: bucket, Environment: env, Dir: dir, At: at})
		if !errors.Is(err, export.ErrPath) {
			t.Errorf("at %q: %v", at, err)
		}
	}
}

// TestBrokenOff: an export that does not come to its end leaves what was there,
// and the next one completes.
func TestBrokenOff(t *testing.T) {
	bucket, folder := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	first := exported(t, bucket, dir, nil).Snapshot
	second := pushed(t, bucket, build.DefaultBudget)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := export.Export(ctx, export.Options{From: bucket, Environment: env, Dir: dir, Progress: func(n publish.Copied) {
		if n.Units > 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	stays := func() {
		t.Helper()
		if target, err := os.Readlink(filepath.Join(dir, "current")); err != nil || target != first {
			t.Errorf("current leads to %q (%v), want %s", target, err, first)
		}
		if got := entries(t, dir); !equalSorted(got, []string{".lock", first, "current"}) {
			t.Errorf("the folder has %v", got)
		}
	}
	stays()
	// One that was killed leaves a part of a snapshot.
	put(t, filepath.Join(dir, ".unfinished-1", "tree", "search"), "[")
	key := newestArchive(t, bucket, second, "web_server", "2.0.0")
	file := filepath.Join(folder, filepath.FromSlash(key))
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"longer": append(slices.Clone(whole), 'x'), "other": append([]byte{'X'}, whole[1:]...), "gone": nil} {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		if content != nil {
			put(t, file, string(content))
		}
		_, err := export.Export(t.Context(), export.Options{From: bucket, Environment: env, Dir: dir})
		if !errors.Is(err, publish.ErrDamaged) || !strings.Contains(err.Error(), "web_server-2.0.0.zip") {
			t.Errorf("an archive that is %s: %v", name, err)
		}
		stays()
	}
	_ = os.Remove(file)
	put(t, file, string(whole))
	if r := exported(t, bucket, dir, nil); r.Snapshot != second || r.Previous != first {
		t.Errorf("%+v", r)
	}
}

// newestArchive is the key of an archive in a snapshot.
func newestArchive(t *testing.T, bucket *publish.Bucket, id, name, version string) string {
	t.Helper()
	routes, err := bucket.Routes(t.Context(), env, id)
	if err != nil {
		t.Fatal(err)
	}
	return routes.Revision(routes.Find(name, version)).ArchiveKey()
}

// TestSlice: a slice is exported as a snapshot of its own, and answers its
// queries as the whole does.
func TestSlice(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	whole := exported(t, bucket, t.TempDir(), nil)
	r := exported(t, bucket, dir, func(o *export.Options) {
		o.Slice = layout.Slice{Queries: []layout.SliceQuery{{Query: "kibana.version=8.5.0"}}}
	})
	if r.Of != whole.Snapshot || r.Snapshot == r.Of || r.Files == 0 || r.Files >= whole.Files {
		t.Errorf("%+v of %+v", r, whole)
	}
	if got := entries(t, dir); !equalSorted(got, []string{".lock", r.Snapshot, "current"}) {
		t.Errorf("the folder has %v", got)
	}
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	var cases []edgetest.Case
	for _, target := range []string{
		"/search?kibana.version=8.5.0", "/search?kibana.version=8.5.0&category=web", "/search?kibana.version=8.5.0&package=odd_names",
		"/categories?kibana.version=8.5.0", "/search?kibana.version=8.5.0&type=integration", "/package/odd_names/1.0.0/",
	} {
		c, err := recorder.Complete(edgetest.Case{Method: "GET", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		// A search is named by what it says, and so is the same in both.
		cases = append(cases, c)
	}
	same(t, served(t, dir), cases)
}
