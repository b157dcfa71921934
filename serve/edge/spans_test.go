package edge_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestFlippedSpans: of a file whose bytes in the archive, or whose entry in the list of
// files, say something else, no edge makes an answer: not plain, and not of its
// compressed form as it is.
func TestFlippedSpans(t *testing.T) {
	dir := t.TempDir()
	edgetest.PublishTo(t, "file://"+filepath.ToSlash(dir), demoSource(t), build.DefaultBudget)
	const path = "data_stream/access/manifest.yml"
	target := "/package/web_server/1.1.0/" + path
	lists, err := filepath.Glob(filepath.Join(dir, "packages", "web_server", "1.1.0", "*", "contents.json"))
	if err != nil || len(lists) != 1 {
		t.Fatal(lists, err)
	}
	list, err := os.ReadFile(lists[0])
	var contents layout.Contents
	if err == nil {
		err = json.Unmarshal(list, &contents)
	}
	if err != nil {
		t.Fatal(err)
	}
	file := contents.Find(path)
	if contents.Own(file) || file.Deflate == nil {
		t.Fatalf("%+v", file)
	}
	zip := filepath.Join(filepath.Dir(lists[0]), "web_server-1.1.0.zip")
	archive, err := os.ReadFile(zip)
	if err != nil {
		t.Fatal(err)
	}
	o := edge.CloudFrontOptions{Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute}
	module, _ := functions(t, o)
	worker := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: o.Origin, Pointer: time.Minute}}).Client(vectorsEnv)
	defer worker.Close()
	// The statuses of a function and of the Worker, plain, gzip, and a part.
	statuses := func() (all []string) {
		for _, r := range invoke(t, module, requestEvent(target, ""), requestEvent(target, "gzip")) {
			all = append(all, r.Status)
		}
		for _, headers := range []map[string]string{{}, {"Accept-Encoding": "gzip"}, {"Range": "bytes=1-3"}} {
			reply, err := worker.Do(edgetest.Case{Method: http.MethodGet, Target: target, Headers: headers})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, strconv.Itoa(reply.StatusCode))
		}
		return all
	}
	encoded, err := worker.Do(edgetest.Case{Method: http.MethodGet, Target: target, Headers: map[string]string{"Accept-Encoding": "gzip"}})
	if err != nil || encoded.Header.Get("Content-Encoding") != "gzip" || len(encoded.Body) != int(file.Deflate.Size)+18 {
		t.Fatalf("what is to be judged is not sent encoded: %v, %+v", err, encoded)
	}
	if got := statuses(); !slices.Equal(got, []string{"200", "200", "200", "200", "206"}) {
		t.Fatalf("of a sound bucket: %v", got)
	}
	refused := func(what string) {
		t.Helper()
		if got := statuses(); !slices.Equal(got, []string{"502", "502", "502", "502", "502"}) {
			t.Errorf("%s: %v", what, got)
		}
	}
	write := func(name string, body []byte) {
		t.Helper()
		if err := os.WriteFile(name, body, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	begin, size := int(file.Deflate.Offset), int(file.Deflate.Size)
	for what, at := range map[string]int{"first": begin, "middle": begin + size/2, "another": begin + size/3, "last but one": begin + size - 2} {
		spoiled := bytes.Clone(archive)
		spoiled[at] ^= 1 << 4
		write(zip, spoiled)
		refused(what + " byte of the span")
	}
	write(zip, archive)
	other := contents.Find("data_stream/status/manifest.yml")
	for what, spoil := range map[string]func(*layout.ContentsFile){
		"span of another file":         func(f *layout.ContentsFile) { f.Deflate = other.Deflate },
		"digest of another file":       func(f *layout.ContentsFile) { f.SHA256 = other.SHA256 },
		"CRC-32":                       func(f *layout.ContentsFile) { f.Deflate.CRC32 ^= 1 },
		"size":                         func(f *layout.ContentsFile) { f.Size++ },
		"span without its last byte":   func(f *layout.ContentsFile) { f.Deflate.Size-- },
		"span with a byte that is not": func(f *layout.ContentsFile) { f.Deflate.Size++ },
	} {
		spoiled, err := layout.DecodeContents(list, layout.Revision{Name: "web_server", Version: "1.1.0"})
		if err != nil {
			t.Fatal(err)
		}
		spoil(spoiled.Find(path))
		write(lists[0], spoiled.Encode())
		refused(what)
	}
	write(lists[0], list)
	if got := statuses(); !slices.Equal(got, []string{"200", "200", "200", "200", "206"}) {
		t.Errorf("of a bucket that is sound again: %v", got)
	}
}
