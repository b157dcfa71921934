package build_test

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// archive is a txtar archive as a package.
type archive []txtar.File

func (a archive) Files() []index.File {
	var list []index.File
	for _, f := range a {
		list = append(list, index.File{Path: f.Name, Size: int64(len(f.Data))})
	}
	slices.SortFunc(list, func(a, b index.File) int {
		return slices.Compare(strings.Split(a.Path, "/"), strings.Split(b.Path, "/"))
	})
	return list
}

func (a archive) Read(path string) ([]byte, error) {
	for _, f := range a {
		if f.Name == path {
			return f.Data, nil
		}
	}
	return nil, fs.ErrNotExist
}

func mustParse(t *testing.T, name, version, text string) *parse.Package {
	t.Helper()
	p, found := parse.NewParser().Parse(name, version, archive(txtar.Parse([]byte(text)).Files))
	for _, e := range found.Errors {
		t.Error(e)
	}
	if p == nil {
		t.FailNow()
	}
	return p
}

const small = `
-- manifest.yml --
format_version: 1.0.0
name: small
title: Small
version: 0.1.0
description: A & B <c>
-- docs/README.md --
`

func TestDocumentSmall(t *testing.T) {
	p := mustParse(t, "small", "0.1.0", small)
	const want = `{
  "name": "small",
  "title": "Small",
  "version": "0.1.0",
  "release": "beta",
  "description": "A & B <c>",
  "type": "integration",
  "download": "/epr/small/small-0.1.0.zip",
  "path": "/package/small/0.1.0",
  "format_version": "1.0.0",
  "readme": "/package/small/0.1.0/docs/README.md",
  "license": "basic",
  "assets": [
    "/package/small/0.1.0/manifest.yml",
    "/package/small/0.1.0/docs/README.md"
  ]
}
`
	equal(t, string(build.RenderDocument(p, build.View{})), want)
}

func TestSummarySmall(t *testing.T) {
	p := mustParse(t, "small", "0.1.0", small)
	const want = `  {
    "name": "small",
    "title": "Small",
    "version": "0.1.0",
    "release": "beta",
    "description": "A & B <c>",
    "type": "integration",
    "download": "/epr/small/small-0.1.0.zip",
    "path": "/package/small/0.1.0",
    "signature_path": "/epr/small/small-0.1.0.zip.sig",
    "deprecated": {
      "since": "0.3.0",
      "description": "",
      "replaced_by": {
        "package": "large"
      }
    }
  }`
	view := build.View{
		Signed:     true,
		Deprecated: &parse.Deprecated{Since: "0.3.0", ReplacedBy: &parse.Replacement{Package: "large"}},
	}
	equal(t, string(build.Summary(p, view)), want)
}

// TestFull renders a package that has something in every field.
func TestFull(t *testing.T) {
	full, err := os.ReadFile("testdata/full.txtar")
	if err != nil {
		t.Fatal(err)
	}
	text, want, _ := strings.Cut(string(full), "-- want document --\n")
	wantDocument, wantSummary, _ := strings.Cut(want, "-- want summary --\n")
	p := mustParse(t, "full", "2.0.0-rc1", text)
	view := build.View{Deprecated: p.Deprecated}
	equal(t, string(build.RenderDocument(p, view)), wantDocument)
	equal(t, string(build.Summary(p, view))+"\n", wantSummary)

	// Counting categories tells a list that is absent from one that is empty.
	if c := p.PolicyTemplates[1].Categories; c == nil || len(c) > 0 {
		t.Errorf("categories: [] is read as %#v", c)
	}
	if p.KibanaConstraint != "^8.0.0" || p.AgentConstraint != ">=8.1.0" || !slices.Equal(p.Capabilities, []string{"security"}) {
		t.Errorf("conditions: %q, %q, %q", p.KibanaConstraint, p.AgentConstraint, p.Capabilities)
	}
}

// equal shows the first line that differs.
func equal(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Errorf("line %d is\n\t%s\nwant\n\t%s", i+1, g[i], strings.Join(w[min(i, len(w)):min(i+1, len(w))], ""))
			return
		}
	}
	t.Errorf("ends before\n\t%s", w[len(g)])
}
