//go:build conformance

package carry_test

import (
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/conformance"
	"github.com/regsnap/regsnap/serve/servetest"
)

// realKibana is the Kibana whose view of the real registry is taken.
const realKibana = "8.5.0"

// TestConformanceSlice takes what one Kibana version sees of a real package
// storage. Every request of that Kibana gets the same answer from the slice as
// from the whole; and the recorded answers of the reference registry to that
// version's searches, and about the packages of the slice, are those of the slice.
func TestConformanceSlice(t *testing.T) {
	folder := indextest.RealFolder(t)
	from := buildReal(t, indextest.RealStorage(t))
	to, r := take(t, from, queries("kibana.version="+realKibana+"&prerelease=true"))
	m, err := to.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := from.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []struct {
		name   string
		bucket *publish.Bucket
		m      *layout.Manifest
	}{{"whole", from, whole}, {"slice", to, m}} {
		objects, bytes := 0, int64(0)
		for o, err := range b.bucket.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			objects++
			bytes += o.Size
		}
		t.Logf("%s: %d package versions, %d responses, %d objects, %.1f MB", b.name, len(b.m.Packages), len(b.m.Responses), objects, float64(bytes)/1e6)
	}
	t.Logf("of %s: %s", r.Of, r.Snapshot)

	table := tableOf(t, from)
	paths := servetest.KibanaRequests("kibana.version="+realKibana, table.Names, table.Values().Categories[1:])
	paths = append(paths, servetest.PackagePaths(t, to)...)
	sites := [2]string{servetest.Site(t, from), servetest.Site(t, to)}
	each(paths, func(path string) { servetest.CompareAnswers(t, sites[0], sites[1], path) })
	t.Logf("%d requests of Kibana %s compared with the whole", len(paths), realKibana)
	compareRecorded(t, filepath.Join(folder, "production.zip"), sites[1], tableOf(t, to))
}

func buildReal(t *testing.T, repository string) *publish.Bucket {
	t.Helper()
	source, err := git.OpenGit(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	b := servetest.Open(t, servetest.FolderURL(t))
	result, err := build.Build(t.Context(), build.Options{Source: source, Store: b, Regsnap: "test", Parallel: b.Parallel(), Environments: []build.Environment{{
		Name: servetest.Env, Branches: []string{servetest.Env}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := servetest.GoLive(t.Context(), b, servetest.Env, result.Snapshots[0].ID); err != nil {
		t.Fatal(err)
	}
	return b
}

// tableOf is the routes of what is live.
func tableOf(t *testing.T, b *publish.Bucket) *answer.Table {
	t.Helper()
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	_, routes, err := b.Snapshot(t.Context(), servetest.Env, m.ID())
	if err != nil {
		t.Fatal(err)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// each calls fn for all paths, on all cores.
func each(paths []string, fn func(path string)) {
	work := make(chan string)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for path := range work {
				fn(path)
			}
		})
	}
	for _, path := range paths {
		work <- path
	}
	close(work)
	workers.Wait()
}

// compareRecorded compares the slice with what the reference registry answered.
func compareRecorded(t *testing.T, file, base string, slice *answer.Table) {
	t.Helper()
	recording, err := conformance.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	searches := 0
	recording.Answers = slices.DeleteFunc(recording.Answers, func(a conformance.Answer) bool {
		u, err := url.Parse(a.Path)
		if err != nil {
			return true
		}
		if u.Path == "/search" || u.Path == "/categories" {
			ours := ofKibana(u)
			if ours {
				searches++
			}
			return !ours
		}
		switch got := slice.Answer(a.Method, u); got.Kind {
		case answer.Archive, answer.File, answer.Document, answer.Search, answer.Count:
			return false
		}
		return true
	})
	report, err := conformance.Compare(t.Context(), recording, conformance.Options{BaseURL: base, Parallel: runtime.GOMAXPROCS(0)})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range report.Differences {
		t.Error(d)
	}
	t.Logf("%d recorded answers, %d of them to searches of Kibana %s: %d differences", report.Requests, searches, realKibana, len(report.Differences))
	if searches < 5 || report.Requests < 50 {
		t.Errorf("only %d searches and %d answers were compared", searches, report.Requests)
	}
}

// ofKibana reports whether a request is one that the slice is for.
func ofKibana(u *url.URL) bool {
	q, err := answer.ParseQuery(u.RawQuery, u.Path == "/categories")
	return err == nil && q.Kibana != nil && q.Kibana.String() == realKibana && !q.All &&
		q.Agent == nil && q.SpecMin == nil && q.SpecMax == nil && len(q.Discovery) == 0
}
