package upstream_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/servetest"
)

// bomb is a gzip-encoded text of so many spaces.
func bomb(t *testing.T, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.CopyN(w, spaces{}, size); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// TestHostileStorages: what no bucket should hold is refused; the error says where it is and
// what is wrong with it, and nothing is written outside of the folder.
func TestHostileStorages(t *testing.T) {
	s, url := newStorage(t, "web-1.0.0")
	const indexAt, cursorAt, archiveAt = "/v2/metadata/1/search-index-all.json", "/v2/metadata/cursor.json", "/artifacts/packages/web-1.0.0.zip"
	entry := func(name, version string) string {
		return fmt.Sprintf(`{"package_manifest":{"name":%q,"version":%q,"format_version":"1.0.0"}}`, name, version)
	}
	list := func(entries ...string) []byte { return []byte(`{"packages":[` + strings.Join(entries, ",") + `]}`) }
	// endless announces size bytes, or nothing, and sends more than anybody takes.
	endless := func(path, begin string, size int64) func(*storage, http.ResponseWriter, *http.Request) bool {
		return func(_ *storage, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != path {
				return false
			}
			if size > 0 {
				w.Header().Set("Content-Length", fmt.Sprint(size))
			}
			_, _ = io.WriteString(w, begin)
			_, _ = io.CopyN(w, spaces{}, 4<<20)
			return true
		}
	}
	to := func(path, target string) func(*storage, http.ResponseWriter, *http.Request) bool {
		return func(_ *storage, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == path {
				http.Redirect(w, r, target, http.StatusFound)
			}
			return r.URL.Path == path
		}
	}
	html := []byte("<!doctype html><title>Sign in</title>")
	for _, c := range []struct {
		name   string
		path   string // whose content is
		body   []byte // this one; nil takes it away
		before func(*storage, http.ResponseWriter, *http.Request) bool
		want   []string
	}{
		{"no cursor", cursorAt, nil, nil, []string{cursorAt, "not found", "is it the bucket of a package storage v2"}},
		{"a cursor of HTML", cursorAt, html, nil, []string{cursorAt, "not a cursor", "is it the bucket of a package storage v2"}},
		{"what is not a cursor", cursorAt, []byte(`{"current":"init"}`), nil, []string{cursorAt, `"init"`}},
		{"a cursor that leaves the folder", cursorAt, []byte(`{"current":"../../x"}`), nil, []string{cursorAt, `a cursor "../../x"`}},
		{"a cursor of dots", cursorAt, []byte(`{"current":".."}`), nil, []string{`a cursor ".."`}},
		{"a cursor with a query", cursorAt, []byte(`{"current":"1?x"}`), nil, []string{`a cursor "1?x"`}},
		{"a long cursor", cursorAt, fmt.Appendf(nil, `{"current":%q}`, strings.Repeat("1", 3000)), nil, []string{"a cursor"}},
		{"a large cursor", cursorAt, bytes.Repeat([]byte(" "), 5000), nil, []string{cursorAt, "5000 bytes are announced: at most 4096"}},
		{"a cursor that inflates", cursorAt, bomb(t, 1<<20), nil, []string{cursorAt, "it says more than 4096 bytes"}},
		{"no index", indexAt, nil, nil, []string{indexAt, "it is not there, and /v2/metadata/cursor.json names it"}},
		{"an index of HTML", indexAt, html, nil, []string{indexAt, "not an index", "byte 1"}},
		{"an index that is cut short", indexAt, list(entry("a", "1.0.0"))[:60], nil, []string{indexAt, "cut short"}},
		{"gzip that is cut short", indexAt, bomb(t, 1000)[:20], nil, []string{indexAt, "cut short"}},
		{"an index without packages", indexAt, list(), nil, []string{indexAt, "no packages"}},
		{"a name that leaves the folder", indexAt, list(entry("../../x", "1.0.0")), nil, []string{indexAt, `a package called "../../x"`}},
		{"a name with a slash", indexAt, list(entry("a/b", "1.0.0")), nil, []string{`a package called "a/b"`}},
		{"a version that leaves the folder", indexAt, list(entry("x", "1.0.0/../../x")), nil, []string{indexAt, `version "1.0.0/../../x"`}},
		{"a long version", indexAt, list(entry("x", "1.0.0-"+strings.Repeat("a", 210))), nil, []string{"characters"}},
		{"twice", indexAt, list(entry("a", "1.0.0"), entry("b", "1.0.0"), entry("a", "1.0.0")), nil, []string{indexAt, "a-1.0.0 is there twice"}},
		{"10 GiB announced", indexAt, list(), endless(indexAt, "{", 10<<30), []string{indexAt, "10737418240 bytes are announced: at most 1048576"}},
		{"an endless index", indexAt, list(), endless(indexAt, `{"packages":[`, 0), []string{indexAt, "more than 1048576 bytes"}},
		{"an index that inflates", indexAt, bomb(t, 4<<20), nil, []string{indexAt, "it says more than 1048576 bytes"}},
		{"no archive", archiveAt, nil, nil, []string{"web-1.0.0: ", archiveAt, "it is listed, and it is not there"}},
		{"a large archive", archiveAt, make([]byte, 5<<20), nil, []string{"web-1.0.0: ", archiveAt, "bytes are announced: at most 4194304"}},
		{"an endless archive", archiveAt, nil, endless(archiveAt, "PK", 0), []string{"web-1.0.0: ", archiveAt, "more than 4194304 bytes"}},
		{"an index elsewhere", indexAt, nil, to(indexAt, "http://evil.example/x"), []string{indexAt, `a redirect to another host, "evil.example"`}},
		{"an archive elsewhere", archiveAt, nil, to(archiveAt, "http://user:hunter2@evil.example/x"), []string{archiveAt, `a redirect to another host, "evil.example"`}},
		{"not allowed", archiveAt, nil, func(_ *storage, w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == archiveAt {
				http.Error(w, "no", http.StatusForbidden)
			}
			return r.URL.Path == archiveAt
		}, []string{archiveAt, "403 Forbidden"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			old := s.files[c.path]
			defer s.change(func() { s.files[c.path], s.before = old, nil })
			s.change(func() {
				if s.files[c.path], s.before = c.body, c.before; c.body == nil {
					delete(s.files, c.path)
				}
			})
			o := options(t, "")
			o.Storage = strings.Replace(url, "http://", "http://user:hunter2@", 1)
			o.IndexSize, o.Limits.ArchiveSize = 1<<20, 4<<20
			_, _, err := upstream.Fetch(t.Context(), o)
			if err == nil {
				t.Fatal("it is taken")
			}
			for _, want := range append(c.want, "http://127.0.0.1") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%v, want %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "hunter2") || len(err.Error()) > 600 {
				t.Errorf("the error is %v", err)
			}
			outside, err := filepath.Glob(filepath.Join(o.Dir, "..", "*x*"))
			if err != nil || len(outside) > 0 {
				t.Errorf("outside of the folder there is %v, %v", outside, err)
			}
		})
	}
	for _, wrong := range []string{"registry.example", "ftp://registry.example", "https://registry.example/?x=1", "https://"} {
		o := options(t, "")
		o.Storage = wrong
		if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrURL) {
			t.Errorf("%q: %v", wrong, err)
		}
		o.Storage, o.URL = url, wrong
		if _, _, err := upstream.Fetch(t.Context(), o); !errors.Is(err, upstream.ErrURL) {
			t.Errorf("endpoint %q: %v", wrong, err)
		}
	}
}

// TestArchivesThatAreNot: what comes in place of an archive is found by the build, which says
// so of each, and is asked for again by the next import, whatever the server says of it.
func TestArchivesThatAreNot(t *testing.T) {
	s, url := newStorage(t, everyID...)
	good := map[string][]byte{}
	wrong := map[string][]byte{
		"web-1.0.0":   s.files["/artifacts/packages/web-2.0.0.zip"],
		"agent-1.0.0": []byte("<html>not here</html>"),
		"store-1.0.0": s.files["/artifacts/packages/store-1.0.0.zip"][:5000], // as if it was cut short
		"agent-1.1.0": {},
	}
	for id, content := range wrong {
		path := "/artifacts/packages/" + id + ".zip"
		good[path] = s.files[path]
		s.files[path] = content
	}
	o := options(t, "")
	o.Storage = url
	src, stats := fetched(t, o)
	if stats.Fetched != 7 {
		t.Errorf("%+v", stats)
	}
	result, err := build.Build(t.Context(), build.Options{Source: src, Store: servetest.Open(t, servetest.FolderURL(t)), Environments: []build.Environment{{
		Name: servetest.Env, Branches: []string{upstream.BranchName}, Cache: layout.DefaultCachePolicy,
	}}})
	if !errors.Is(err, build.ErrInvalid) {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, e := range result.Report.Errors {
		found[e.Package+"-"+e.Version] = true
	}
	if len(found) != len(wrong) {
		t.Errorf("the report is about %v", found)
	}
	src.Close()
	s.change(func() { maps.Copy(s.files, good) })
	s.take()
	src, stats = fetched(t, o)
	defer src.Close()
	if stats.Fetched != len(wrong) || stats.Unchanged != 7-len(wrong) || strings.Count(s.take(), ".zip") != len(wrong) {
		t.Errorf("again: %+v", stats)
	}
	to := servetest.Open(t, servetest.FolderURL(t))
	servetest.MustBeSound(t, to, servetest.PublishSource(t, to, src, upstream.BranchName, nil))
}
