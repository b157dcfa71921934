//go:build conformance

package serve_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// compareFiles asks for every file of every package directory of the real storage,
// plain, gzip-encoded and a part of it: each is what git has.
func compareFiles(t *testing.T, folder string, h http.Handler) {
	t.Helper()
	source, err := git.OpenGit(t.Context(), filepath.Join(folder, "package-storage.git"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	asked, encoded, wrong := 0, 0, 0
	seen := map[string]bool{}
	for _, env := range realEnvironments {
		branch, err := source.Branch(t.Context(), env.name)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range branch.Entries {
			// Another environment shows the version of a branch before.
			if e.IsArchive() || seen[e.Name+" "+e.Version] {
				continue
			}
			seen[e.Name+" "+e.Version] = true
			files, err := source.List(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			paths := map[index.ID][]string{}
			var ids []index.ID
			for _, f := range files {
				if paths[f.Blob] == nil {
					ids = append(ids, f.Blob)
				}
				paths[f.Blob] = append(paths[f.Blob], f.Path)
			}
			err = source.Read(t.Context(), ids, func(id index.ID, want []byte) error {
				for _, path := range paths[id] {
					at := (&url.URL{Path: "/package/" + e.Name + "/" + e.Version + "/" + path}).String()
					asked++
					gzip, fault := fileFault(t, h, env.host, at, want)
					if gzip {
						encoded++
					}
					if fault == "" {
						continue
					}
					if wrong++; wrong <= 20 {
						t.Errorf("%s: %s", at, fault)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d files, plain, with gzip accepted (%d came encoded) and in part: %d differences", asked, encoded, wrong)
	if wrong > 0 || asked < 10_000 || encoded < asked/2 {
		t.Errorf("%d of %d files differ, %d came encoded", wrong, asked, encoded)
	}
}

// fileFault says in what the answers for a file are not what git has, and whether it came encoded.
func fileFault(t *testing.T, h http.Handler, host, at string, want []byte) (gzip bool, fault string) {
	t.Helper()
	ask := func(name, value string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, at, nil)
		r.Host = host
		if name != "" {
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	plain := ask("", "")
	if plain.Code != http.StatusOK || !bytes.Equal(plain.Body.Bytes(), want) || plain.Header().Get("Content-Length") != fmt.Sprint(len(want)) {
		return false, fmt.Sprintf("%d, %d bytes, want %d", plain.Code, plain.Body.Len(), len(want))
	}
	other := ask("Accept-Encoding", "gzip")
	got, tag := other.Body.Bytes(), plain.Header().Get("Etag")
	if gzip = other.Header().Get("Content-Encoding") == "gzip"; gzip {
		got, tag = gunzip(t, got), strings.TrimSuffix(tag, `"`)+`-gzip"`
	}
	if other.Code != http.StatusOK || !bytes.Equal(got, want) || other.Header().Get("Etag") != tag || other.Header().Get("Content-Length") != fmt.Sprint(other.Body.Len()) {
		return gzip, fmt.Sprintf("with gzip accepted %d, %d bytes, want %d", other.Code, len(got), len(want))
	}
	if len(want) < 2 {
		return gzip, ""
	}
	from, to := len(want)/3, len(want)/2
	part := ask("Range", fmt.Sprintf("bytes=%d-%d", from, to))
	if part.Code != http.StatusPartialContent || !bytes.Equal(part.Body.Bytes(), want[from:to+1]) {
		return gzip, fmt.Sprintf("in part %d, %d bytes, want %d", part.Code, part.Body.Len(), to+1-from)
	}
	return gzip, ""
}
