package export_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

const env = "production"

// odd are files whose names need care: those of the API's own files, what looks
// like an escape or a query, other scripts, and what is too long when escaped.
var odd = map[string]string{
	"index.json":              `{"of": "the package"}`,
	"index.json.gz":           "not encoded",
	"docs/index.json":         `{"of": "the docs"}`,
	"docs/=20.md":             "# Looks like an escape\n",
	"docs/?a=b&c#d e+f.md":    "# A query?\n",
	"docs/ä/ö\u2028ü.txt":     "Umlaute",
	"docs/.attrs":             "a suffix of gocloud",
	"img/without_extension":   "\x89PNG\r\n\x1a\n and more",
	"docs/UPPER.MD":           "# Upper\n",
	"docs/empty.txt":          "",
	"docs/" + long + ".md":    "# Long\n",
	"docs/" + umlauts + ".md": "# Long when escaped\n",
}

var long, umlauts = strings.Repeat("long-", 43), strings.Repeat("ü", 100)

// storage is testdata/storage with the odd files, and a change that is made to
// the folder of its production branch, if there is one.
func storage(t testing.TB, change func(packages string)) index.Source {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "testdata", "storage"))); err != nil {
		t.Fatal(err)
	}
	packages := filepath.Join(dir, env, "packages")
	for name, content := range odd {
		put(t, filepath.Join(packages, "odd_names", "1.0.0", filepath.FromSlash(name)), content)
	}
	if change != nil {
		change(packages)
	}
	return edgetest.Committed(t, dir)
}

func put(t testing.TB, file, content string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(content), 0o666)); err != nil {
		t.Fatal(err)
	}
}

// onlyCatalog renders no search ahead.
var onlyCatalog = layout.Budget{Responses: 1, Bytes: 1}

// exported exports the live snapshot into a folder.
func exported(t testing.TB, bucket *publish.Bucket, dir string, change func(*export.Options)) *export.Result {
	t.Helper()
	o := export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir}
	if change != nil {
		change(&o)
	}
	r, err := export.Export(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// served runs nginx with the example of a server that an export has.
func served(t testing.TB, dir string) (address string) {
	t.Helper()
	site, err := os.ReadFile(filepath.Join(dir, "current", "nginx", "site.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Start(t, string(site))
}

// requests are vectors of random requests, with what regsnap serve answers.
func requests(t testing.TB, bucket *publish.Bucket, env string, seed uint64, n int) []edgetest.Case {
	t.Helper()
	cases, err := edgetest.RandomCases(t.Context(), bucket, env, seed, n)
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	for i, c := range cases {
		cases[i] = judged(t, recorder, c)
	}
	return cases
}

// judged is a case as nginx answers it: of If-Match it believes nothing but "*",
// as it does not know the ETag of the script's answers. Clients of a registry do
// not send it.
func judged(t testing.TB, recorder *edgetest.Recorder, c edgetest.Case) edgetest.Case {
	t.Helper()
	if match, sent := c.Headers["If-Match"]; !sent || match == "*" || c.Want.Status != 200 {
		return c
	}
	match := c.Headers["If-Match"]
	c.Headers["If-Match"] = `"never"`
	c, err := recorder.Complete(c)
	if err != nil {
		t.Fatal(err)
	}
	if c.Want.Status == 200 {
		// An answer without conditions, as of /health, which nginx refuses all the same.
		delete(c.Headers, "If-Match")
		return c
	}
	c.Headers["If-Match"] = match
	return c
}

// same sends vectors to nginx.
func same(t testing.TB, address string, cases []edgetest.Case) {
	t.Helper()
	found, err := edgetest.Compare(t.Context(), edgetest.Client{Addr: address, Host: "epr.example.org"}, cases, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d requests, %d differences", len(cases), len(found))
	for i, text := range found {
		if i == 20 {
			t.Fatalf("… and %d more", len(found)-i)
		}
		t.Error(text)
	}
}
