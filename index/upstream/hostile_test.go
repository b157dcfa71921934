package upstream_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestHostileRegistries: what no registry should send is refused, and says so.
func TestHostileRegistries(t *testing.T) {
	_, site := registry(t)
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	defer elsewhere.Close()
	one := func(name, version, download, signature string) func(http.ResponseWriter, *http.Request) bool {
		return answering("/search", fmt.Sprintf(`[{"name": %q, "version": %q, "download": %q, "signature_path": %q}]`, name, version, download, signature))
	}
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request) bool
		want   string
	}{
		{"a name that leaves the folder", one("../../x", "1.0.0", "/epr/x", ""), `a package called "../../x"`},
		{"no version", one("x", "1.0", "/epr/x", ""), `x has the version "1.0"`},
		{"a version that leaves the folder", one("x", "1.0.0/../../x", "/epr/x", ""), "has the version"},
		{"a long version", one("x", "1.0.0-"+strings.Repeat("a", 210), "/epr/x", ""), "characters"},
		{"no path", one("x", "1.0.0", "", ""), "no path to download it from"},
		{"another server", one("x", "1.0.0", elsewhere.URL+"/x.zip", ""), "is not a path on the registry"},
		{"another server in short", one("x", "1.0.0", "//evil.example/x.zip", ""), "is not a path on the registry"},
		{"a path that leaves the registry", one("x", "1.0.0", "/epr/../../x.zip", ""), "is not a path on the registry"},
		{"a signature elsewhere", one("x", "1.0.0", "/epr/x.zip", "https://evil.example/x.sig"), "is not a path on the registry"},
		{"no list", answering("/search", "<html>"), "it is not a list of packages"},
		{"no registry", func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, "is it a package registry?"},
		{"forbidden", status("/search", http.StatusForbidden), "403 Forbidden"},
		{"listed and not there", status("/epr/web/web-1.0.0.zip", http.StatusNotFound), "it is listed, and it is not there"},
		{"redirect elsewhere", redirect("/epr/web/web-1.0.0.zip", elsewhere.URL+"/x"), "a redirect to another host"},
		{"redirect in a circle", redirect("/epr/web/web-1.0.0.zip", "/epr/web/web-1.0.0.zip"), "more than 5 redirects"},
		{"a large archive", large("/epr/web/web-1.0.0.zip", true), "bytes are announced: at most 1000000 are taken"},
		{"an endless archive", large("/epr/web/web-1.0.0.zip", false), "more than 1000000 bytes"},
		{"an endless signature", large("/epr/web/web-1.0.0.zip.sig", false), "more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(t, between(t, site, c.answer))
			o.Slice = layout.Slice{Queries: []layout.SliceQuery{{Query: "package=web&all=true"}}}
			o.Limits.ArchiveSize = 1_000_000
			_, _, err := upstream.Fetch(t.Context(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if strings.Contains(c.want, "bytes") && !errors.Is(err, upstream.ErrRefused) {
				t.Errorf("%v is not ErrRefused", err)
			}
			outside, err := filepath.Glob(filepath.Join(o.Dir, "..", "*x*"))
			if err != nil || len(outside) > 0 {
				t.Errorf("outside of the folder there is %v, %v", outside, err)
			}
		})
	}
	o := options(t, site)
	o.Size = 1000
	if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrRefused) || !strings.Contains(err.Error(), "more than 1000 bytes in all") {
		t.Errorf("too much in all: %v", err)
	}
	for _, wrong := range []string{"", "registry.example", "ftp://registry.example", "https://registry.example/?x=1", "https://"} {
		o.URL = wrong
		if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrURL) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestRedirectToTrustedHost: a registry may keep its archives elsewhere, if the
// user says so.
func TestRedirectToTrustedHost(t *testing.T) {
	_, site := registry(t)
	front := between(t, site, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/epr/") {
			http.Redirect(w, r, site+r.URL.Path, http.StatusFound)
			return true
		}
		return false
	})
	o := options(t, front)
	if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrRefused) {
		t.Errorf("without trust: %v", err)
	}
	o.Hosts = []string{strings.TrimPrefix(site, "http://")}
	if _, stats := fetch(t, o); stats.Fetched+stats.Unchanged != 14 {
		t.Errorf("%+v", stats)
	}
}

// TestWrongArchive: an archive of another package passes no build, and nothing
// is written.
func TestWrongArchive(t *testing.T) {
	_, site := registry(t)
	swapped := between(t, site, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/epr/web/web-1.0.0.zip" {
			return false
		}
		http.Redirect(w, r, "/epr/web/web-2.0.0.zip", http.StatusFound)
		return true
	})
	o := options(t, swapped)
	src, _ := fetch(t, o)
	dir := t.TempDir()
	result, err := build.Build(t.Context(), build.Options{Source: src, Store: servetest.Open(t, "file://"+filepath.ToSlash(dir)), Environments: []build.Environment{{
		Name: servetest.Env, Branches: []string{upstream.BranchName}, Cache: layout.DefaultCachePolicy,
	}}})
	if !errors.Is(err, build.ErrInvalid) {
		t.Fatal(err)
	}
	if e := result.Report.Errors[0]; e.Package != "web" || e.Version != "1.0.0" || e.Rule != index.RuleArchiveRoot {
		t.Errorf("%+v", e)
	}
	if written, err := os.ReadDir(dir); err != nil || len(written) > 0 {
		t.Errorf("written: %v, %v", written, err)
	}
}

func answering(path, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		_, _ = w.Write([]byte(body))
		return true
	}
}

func status(path string, code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			http.Error(w, "no", code)
		}
		return r.URL.Path == path
	}
}

func redirect(path, to string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == path {
			http.Redirect(w, r, to, http.StatusFound)
		}
		return r.URL.Path == path
	}
}

// large answers with more than anybody wants.
func large(path string, announced bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != path {
			return false
		}
		if announced {
			w.Header().Set("Content-Length", "2000000")
		}
		chunk := make([]byte, 64<<10)
		for range 2000000/len(chunk) + 1 {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		return true
	}
}
