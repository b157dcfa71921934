package edge_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestFlippedAnswers: of an answer that is stored encoded, and whose bytes were changed
// at equal length, no edge makes a 200 that a CDN would keep, encoded or not. A document
// is stored plain too.
func TestFlippedAnswers(t *testing.T) {
	dir := t.TempDir()
	edgetest.PublishTo(t, "file://"+filepath.ToSlash(dir), demoSource(t), build.DefaultBudget)
	o := edge.CloudFrontOptions{Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute}
	module, _ := functions(t, o)
	worker := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: o.Origin, Pointer: time.Minute}}).Client(vectorsEnv)
	defer worker.Close()
	for _, target := range []string{"/search?all=true&prerelease=true", "/package/web_server/1.1.0/", "/catalog/", "/catalog/web_server/1.1.0/"} {
		encodings := []string{"gzip", "identity"}
		if strings.HasPrefix(target, "/package/") {
			encodings = encodings[:1]
		}
		ask := func(encoding string) *edgetest.Reply {
			reply, err := worker.Do(edgetest.Case{Method: http.MethodGet, Target: target, Headers: map[string]string{"Accept-Encoding": encoding}})
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		sound := ask("gzip")
		if sound.StatusCode != http.StatusOK || sound.Header.Get("Content-Encoding") != "gzip" {
			t.Fatalf("%s: %d, %v", target, sound.StatusCode, sound.Header)
		}
		digest, _, _ := strings.Cut(strings.Trim(sound.Header.Get("Etag"), `"`), "-")
		stored, err := filepath.Glob(filepath.Join(dir, "responses", digest+".*"+layout.GzipSuffix))
		if err != nil || len(stored) != 1 {
			t.Fatalf("%s: %v, %v", target, stored, err)
		}
		content, err := os.ReadFile(stored[0])
		if err != nil || !bytes.Equal(content, sound.Body) {
			t.Fatalf("%s is not sent as it is stored (%v)", target, err)
		}
		if z, err := gzip.NewReader(bytes.NewReader(content)); err != nil {
			t.Error(err)
		} else if _, err := io.Copy(io.Discard, z); err != nil {
			t.Error(err)
		}
		for _, at := range []int{0, 12, len(content) / 3, len(content) / 2, len(content) - 7, len(content) - 1} {
			spoiled := bytes.Clone(content)
			spoiled[at] ^= 1 << 4
			if err := os.WriteFile(stored[0], spoiled, 0o666); err != nil {
				t.Fatal(err)
			}
			for _, encoding := range encodings {
				if got := ask(encoding); got.StatusCode != http.StatusBadGateway || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
					t.Errorf("%s, %s, byte %d of %d: the Worker says %d, %v", target, encoding, at, len(content), got.StatusCode, got.Header)
				}
				if got := invoke(t, module, requestEvent(target, encoding))[0]; got.Status != "502" {
					t.Errorf("%s, %s, byte %d of %d: the function says %s", target, encoding, at, len(content), got.Status)
				}
			}
		}
		if err := os.WriteFile(stored[0], content, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := ask("gzip"); got.StatusCode != http.StatusOK || !bytes.Equal(got.Body, content) {
			t.Errorf("%s, sound again: %d", target, got.StatusCode)
		}
	}
}
