package pack_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestServeDamagedPack: what a registry answers from packs that were damaged under it, at
// equal length or cut short, is what a sound one answers, or an error that no cache keeps.
func TestServeDamagedPack(t *testing.T) {
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, b, 0, 3)
	dir, made := packed(t, b)
	paths := append(servetest.PackagePaths(t, b), "/search", "/search?all=true&prerelease=true", "/categories")
	sound := servetest.Site(t, b)
	type answer struct {
		status int
		body   string
	}
	// ask gives no answer where the body ends early: what its client gets is no answer.
	ask := func(site, path, encoding string) (answer, bool) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", encoding)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return answer{}, false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if kept := resp.Header.Get("Cache-Control"); resp.StatusCode >= 500 && kept != "max-age=0" && kept != "private, no-store" {
			t.Errorf("%s: %d may be kept: %q", path, resp.StatusCode, resp.Header["Cache-Control"])
		}
		return answer{resp.StatusCode, string(body)}, err == nil
	}
	random := rand.New(rand.NewPCG(5, 6))
	refused, same := 0, 0
	for _, name := range made.Packs {
		file := filepath.Join(dir, filepath.FromSlash(name))
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		flipped := func(share int) []byte { // a byte of so many
			out := bytes.Clone(whole)
			for at := random.IntN(share); at < len(out); at += 1 + random.IntN(2*share) {
				out[at] ^= 1 << random.IntN(8)
			}
			return out
		}
		for _, damaged := range [][]byte{flipped(64), flipped(1024), whole[:len(whole)/2]} {
			s, err := pack.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			site := servetest.Site(t, s)
			if err := os.WriteFile(file, damaged, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, path := range paths {
				for _, encoding := range []string{"identity", "gzip"} {
					want, _ := ask(sound, path, encoding)
					got, ended := ask(site, path, encoding)
					switch {
					case !ended || got.status >= 500:
						refused++
					case got == want:
						same++
					default:
						t.Errorf("%s, %s, a pack of %d bytes in place of %d: %d of %d bytes, want %d of %d",
							path, encoding, len(damaged), len(whole), got.status, len(got.body), want.status, len(want.body))
					}
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := os.WriteFile(file, whole, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d requests: %d refused, %d answered as by a sound one", refused+same, refused, same)
	if refused == 0 || same == 0 {
		t.Error("the damage was none, or all")
	}
}
