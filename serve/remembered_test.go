package serve

import (
	"net/url"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// TestRemembered: of which requests the answer is remembered, that it is the one that was
// given, and that of what a response says only its name is kept.
func TestRemembered(t *testing.T) {
	s, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source, err := git.OpenDir(indextest.Folders(t, `
-- production/packages/web/1.0.0/manifest.yml --
{format_version: 1.0.0, name: web, title: Web, version: 1.0.0, description: d, type: integration, categories: [web]}
-- production/packages/web/1.0.0/docs/README.md --
# Web
`))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	result, err := build.Build(t.Context(), build.Options{Source: source, Store: publish.In(s), Regsnap: "test", Environments: []build.Environment{
		{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.40.1"},
	}})
	if err != nil {
		t.Fatal(err, result.Report.Errors)
	}
	id := result.Snapshots[0].ID
	routes, err := publish.In(s).Routes(t.Context(), "production", id)
	if err != nil {
		t.Fatal(err)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	long := "package=" + strings.Repeat("x", maxQuestion-len("package="))
	for _, c := range []struct {
		method, path, query string
		remembered          bool
	}{
		{"GET", "/search", "", true}, {"HEAD", "/search", "", true}, {"GET", "/categories", "", true}, {"GET", "/search", "package=web", true}, {"GET", "/search", "prerelease=maybe", true}, {"GET", "/search", long, true},
		{"GET", "/search", long + "x", false}, {"POST", "/search", "", false}, {"GET", "/", "", false}, {"GET", "/package/web/1.0.0/", "", false}, {"GET", "/search/", "", false},
	} {
		live := newSnapshot("production", id, table)
		u := &url.URL{Path: c.path, RawQuery: c.query}
		want := table.Answer(c.method, u)
		first := live.answer(c.method, u)
		if first.Kind != want.Kind || first.Digest != want.Digest || first.Status != want.Status || string(first.Body) != string(want.Body) || len(first.Selection.Rows) != len(want.Selection.Rows) {
			t.Errorf("%+v: %+v, want %+v", c, first, want)
		}
		kept, is := live.answers.GetIfPresent(question{c.path, c.query})
		if is != c.remembered {
			t.Errorf("%+v: remembered %t", c, is)
		}
		named := want.Kind == answer.Search || want.Kind == answer.Count
		if is && (kept.Digest != want.Digest || kept.Status != want.Status || named != (kept.Body == nil) || named && len(kept.Selection.Rows) > 0) {
			t.Errorf("%+v: %+v is kept of %+v", c, kept, want)
		}
		if again := live.answer(c.method, u); again.Kind != want.Kind || again.Digest != want.Digest || again.Status != want.Status {
			t.Errorf("%+v, again: %+v, want %+v", c, again, want)
		}
	}
	if maxAnswers != 4096 || maxQuestion != 256 {
		t.Errorf("%d answers to queries of %d bytes", maxAnswers, maxQuestion)
	}
}
