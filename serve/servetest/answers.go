package servetest

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
)

// KibanaRequests are the searches that clients make of which some parameters are
// always the same.
func KibanaRequests(fixed string, packages, categories []string) []string {
	var out []string
	add := func(path string, params ...string) {
		q := strings.Join(append(params, fixed), "&")
		out = append(out, path+"?"+strings.Trim(strings.ReplaceAll(q, "&&", "&"), "&"))
	}
	for _, prerelease := range []string{"prerelease=true", "prerelease=false", ""} {
		for _, capabilities := range []string{"", "capabilities=security", "capabilities=apm,uptime"} {
			add("/search", prerelease, capabilities)
			add("/categories", prerelease, capabilities)
			add("/categories", prerelease, capabilities, "include_policy_templates=true")
			for _, kind := range []string{"integration", "input", "content"} {
				add("/search", prerelease, capabilities, "type="+kind)
			}
			for _, c := range categories {
				add("/search", prerelease, capabilities, "category="+c)
			}
			for _, p := range packages {
				add("/search", prerelease, capabilities, "package="+p)
			}
		}
	}
	return out
}

// PackagePaths are the document, archive, signature and files of each package.
func PackagePaths(t *testing.T, b *publish.Bucket) []string {
	t.Helper()
	m, err := b.Live(t.Context(), Env)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range m.Packages {
		rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
		body, err := b.Read(t.Context(), rev.ContentsKey())
		if err != nil {
			t.Fatal(err)
		}
		list, err := layout.DecodeContents(body, rev)
		if err != nil {
			t.Fatal(err)
		}
		archive := fmt.Sprintf("/epr/%s/%[1]s-%s.zip", p.Name, p.Version)
		out = append(out, "/package/"+p.Name+"/"+p.Version+"/", archive, archive+".sig")
		for _, f := range list.Files {
			out = append(out, (&url.URL{Path: "/package/" + p.Name + "/" + p.Version + "/" + f.Path}).String())
		}
	}
	return out
}

// Site serves a bucket, or what stands for one.
func Site(t *testing.T, b serve.Bucket) string {
	t.Helper()
	h, err := serve.New(t.Context(), serve.Options{
		Bucket: b, Environments: []serve.Environment{{Name: Env}}, Default: Env, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// CompareAnswers sends one request to both registries: status, type, caching and body
// must be the same.
func CompareAnswers(t *testing.T, whole, part, path string) {
	t.Helper()
	want, got := answer(t, whole+path), answer(t, part+path)
	if got != want {
		t.Errorf("%s: the slice says %.200q, the whole %.200q", path, got, want)
	}
}

// answer is status, type, caching and body.
func answer(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, resp.Header["Content-Type"], resp.Header["Cache-Control"], string(body))
}
