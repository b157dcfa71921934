package carry_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/serve/servetest"
)

// take mirrors a slice into a new bucket.
func take(t *testing.T, from *publish.Bucket, s layout.Slice) (*publish.Bucket, *carry.Result) {
	t.Helper()
	to := servetest.Open(t, servetest.FolderURL(t))
	r := mustMirror(t, from, to, func(o *carry.Options) { o.Slice, o.Regsnap = s, "test" })
	servetest.MustBeSound(t, to, r.Snapshot)
	return to, r
}

func queries(q ...string) layout.Slice {
	var s layout.Slice
	for _, query := range q {
		s.Queries = append(s.Queries, layout.SliceQuery{Query: query})
	}
	return s
}

// packagesOf lists what is live.
func packagesOf(t *testing.T, b *publish.Bucket) string {
	t.Helper()
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range m.Packages {
		out = append(out, p.Name+"-"+p.Version)
	}
	return strings.Join(out, " ")
}

// TestSliceHolds: which package versions a slice has.
func TestSliceHolds(t *testing.T) {
	from := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, from, 0, 0)
	for _, c := range []struct {
		slice layout.Slice
		want  string
	}{
		{queries("kibana.version=8.5.0"), "agent-1.0.0 signed-1.0.0 store-1.0.0 web-2.0.0"},
		// With a pre-release, and what is newest without.
		{queries("kibana.version=8.5.0&prerelease=true"), "agent-1.0.0 signed-1.0.0 store-1.0.0 web-2.0.0 web-2.1.0-beta.1"},
		{queries("kibana.version=7.16.2"), "agent-1.0.0 signed-1.0.0 web-1.0.0"},
		{queries("kibana.version=7.17.0&all=true"), "agent-1.0.0 signed-1.0.0 web-1.0.0 web-2.0.0"},
		{queries("kibana.version=9.0.0"), "agent-1.1.0 signed-1.0.0 store-1.0.0"},
		// Without capabilities store needs none; with others it is not seen.
		{queries("kibana.version=8.5.0&capabilities=apm"), "agent-1.0.0 signed-1.0.0 web-2.0.0"},
		{queries("category=datastore"), "store-1.0.0"},
		{queries("package=web&kibana.version=7.16.2", "package=web&kibana.version=8.0.0"), "web-1.0.0 web-2.0.0"},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=web&prerelease=true", Versions: 2}}}, "web-1.0.0 web-2.0.0 web-2.1.0-beta.1"},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=web&all=true", Versions: 1}}}, "web-2.0.0"},
		{layout.Slice{Packages: []string{"web-1.0.0", "store"}}, "store-1.0.0 web-1.0.0"},
	} {
		to, r := take(t, from, c.slice)
		if got := packagesOf(t, to); got != c.want {
			t.Errorf("%+v holds %s, want %s", c.slice, got, c.want)
		}
		if r.Of == "" || r.Snapshot == r.Of {
			t.Errorf("%+v: %+v", c.slice, r)
		}
	}
}

// TestSliceAnswers: the clients of a slice get what the whole snapshot says.
func TestSliceAnswers(t *testing.T) {
	from := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, from, 0, 0)
	whole := servetest.Site(t, from)
	for _, c := range []struct{ query, fixed string }{
		{"kibana.version=8.5.0&prerelease=true", "kibana.version=8.5.0"},
		{"kibana.version=7.16.2&prerelease=true", "kibana.version=7.16.2"},
		{"kibana.version=9.1.0&prerelease=true&spec.min=2.3&spec.max=3.4", "kibana.version=9.1.0&spec.min=2.3&spec.max=3.4"},
		{"prerelease=true", ""},
		{"all=true&prerelease=true&kibana.version=7.17.0", "all=true&kibana.version=7.17.0"},
	} {
		to, _ := take(t, from, queries(c.query))
		part := servetest.Site(t, to)
		compared := 0
		for _, path := range servetest.KibanaRequests(c.fixed, []string{"web", "store", "agent", "signed", "none"}, []string{"web", "security", "custom", "datastore"}) {
			servetest.CompareAnswers(t, whole, part, path)
			compared++
		}
		for _, path := range servetest.PackagePaths(t, to) {
			servetest.CompareAnswers(t, whole, part, path)
			compared++
		}
		if compared < 100 {
			t.Errorf("%s: only %d answers were compared", c.query, compared)
		}
	}
}

// TestSliceIsNoSourceOfFacts: a build after a slice has gone live takes nothing
// from it that is only right in a slice.
func TestSliceIsNoSourceOfFacts(t *testing.T) {
	from := servetest.Open(t, servetest.FolderURL(t))
	id := servetest.Publish(t, from, 0, 0)
	to, r := take(t, from, queries("kibana.version=8.5.0"))
	if again := mustMirror(t, from, to, func(o *carry.Options) { o.Slice, o.Regsnap = queries("kibana.version=8.5.0"), "test" }); again.Snapshot != r.Snapshot || again.Moved.Changed || again.Copied.Objects != 0 {
		t.Errorf("again: %+v", again)
	}
	if got := servetest.Publish(t, to, 0, 0); got != id {
		t.Errorf("built beside a slice: %s, want %s", got, id)
	}
	servetest.MustBeSound(t, to, id)
	// A slice of a slice.
	part, _ := take(t, from, queries("kibana.version=8.5.0"))
	part, _ = take(t, part, layout.Slice{Packages: []string{"web"}})
	if got := packagesOf(t, part); got != "web-2.0.0" {
		t.Errorf("the slice of a slice holds %s", got)
	}
}

// TestSliceIn: a slice in a folder of its own has the id that it has elsewhere,
// whatever the folder is called, and is whole.
func TestSliceIn(t *testing.T) {
	from := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, from, 0, 0)
	s := queries("kibana.version=8.5.0")
	_, want := take(t, from, s)
	beside := t.TempDir()
	bucket, r, err := carry.SliceIn(t.Context(), filepath.Join(beside, "a#b?c %41"), carry.Options{
		From: from, Environment: servetest.Env, Slice: s, Regsnap: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	if r.Snapshot != want.Snapshot || r.Moved != nil {
		t.Errorf("made %s, %v; want %s, which is not live", r.Snapshot, r.Moved, want.Snapshot)
	}
	if _, _, err := bucket.Snapshot(t.Context(), servetest.Env, want.Snapshot); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(beside); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v, %v: want the bucket alone", entries, err)
	}
	if _, _, err := carry.SliceIn(t.Context(), filepath.Join(beside, "none"), carry.Options{
		From: from, Environment: servetest.Env, Slice: layout.Slice{Packages: []string{"nope"}},
	}); err == nil {
		t.Error("a slice of a package that is not there was made")
	}
}
