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
	ask := func(target, encoding string) *edgetest.Reply {
		reply, err := worker.Do(edgetest.Case{Method: http.MethodGet, Target: target, Headers: map[string]string{"Accept-Encoding": encoding}})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	type flipped struct {
		target, encoding string
		file             string
		content          []byte
	}
	var answers []flipped
	var events []any
	for _, target := range []string{"/search?all=true&prerelease=true", "/package/web_server/1.1.0/", "/catalog/", "/catalog/web_server/1.1.0/"} {
		sound := ask(target, "gzip")
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
		for _, encoding := range []string{"gzip", "identity"} {
			if encoding == "gzip" || !strings.HasPrefix(target, "/package/") {
				answers, events = append(answers, flipped{target, encoding, stored[0], content}), append(events, requestEvent(target, encoding))
			}
		}
	}
	for what, place := range map[string]func(size int) int{
		"the first": func(int) int { return 0 }, "the 13th": func(int) int { return 12 },
		"one a third in": func(size int) int { return size / 3 }, "the middle": func(size int) int { return size / 2 },
		"the second of the checksum": func(size int) int { return size - 7 }, "the last": func(size int) int { return size - 1 },
	} {
		for _, a := range answers {
			spoiled := bytes.Clone(a.content)
			spoiled[place(len(spoiled))] ^= 1 << 4
			if err := os.WriteFile(a.file, spoiled, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		for i, got := range invoke(t, module, events...) {
			if got.Status != "502" {
				t.Errorf("%s, %s, byte %s: the function says %s", answers[i].target, answers[i].encoding, what, got.Status)
			}
		}
		for _, a := range answers {
			if got := ask(a.target, a.encoding); got.StatusCode != http.StatusBadGateway || !strings.Contains(got.Header.Get("Cache-Control"), "no-store") {
				t.Errorf("%s, %s, byte %s: the Worker says %d, %v", a.target, a.encoding, what, got.StatusCode, got.Header)
			}
		}
	}
	for _, a := range answers {
		if err := os.WriteFile(a.file, a.content, 0o666); err != nil {
			t.Fatal(err)
		}
		if got := ask(a.target, "gzip"); got.StatusCode != http.StatusOK || !bytes.Equal(got.Body, a.content) {
			t.Errorf("%s, sound again: %d", a.target, got.StatusCode)
		}
	}
}
