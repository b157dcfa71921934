package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/regsnap/regsnap/layout"
)

// contents is a source of what is in it.
type contents map[string]string

func (c contents) Open(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	body, ok := c[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return io.NopCloser(strings.NewReader(body)), nil
}

func newMaker(t *testing.T, from Source) *maker {
	t.Helper()
	dir := t.TempDir()
	s, err := newScratch(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return &maker{o: Options{From: from, Dir: dir, Manifest: &layout.Manifest{}}, scratch: s, newest: map[string]string{}, plain: map[plainOf]plainContent{}}
}

// TestPlan: a blob goes with the first revision that has it, a document with the first
// of its revisions; a version that is the last of its package is where to cut; searches
// follow each other by age, size and digest.
func TestPlan(t *testing.T) {
	m := newMaker(t, nil)
	add := func(s *sheet) scanned {
		at, err := m.scratch.append(s.encode())
		if err != nil {
			t.Fatal(err)
		}
		return scanned{fmt.Sprintf("packages/%s/", s.archive), at}
	}
	one, two, three := ref{-1, id{1}, 100}, ref{-1, id{2}, 20}, ref{-1, id{3}, 3}
	files := func(n int) []sheetFile { return slices.Repeat([]sheetFile{{blob: -1}}, n) }
	revisions := []scanned{
		add(&sheet{archive: "a1", blobs: []ref{one, two, one}, files: files(2)}), add(&sheet{archive: "a2", blobs: []ref{two, three}, files: files(1)}),
		add(&sheet{archive: "b1", blobs: []ref{one, three}}),
	}
	m.o.Manifest.Packages = []layout.ManifestPackage{{Name: "a", Version: "1", Document: "d1"}, {Name: "a", Version: "2", Document: "d2"}, {Name: "b", Version: "1", Document: "d1"}}
	response := func(d layout.Digest, size int64, stored uint32, age int) scannedResponse {
		return scannedResponse{layout.ManifestResponse{Digest: d, Size: size, SHA256: string(d) + "sum"}, span{size: stored}, age}
	}
	responses := []scannedResponse{response("d1", 1, 5000, 10), response("d2", 1, 600000, 10), response("s1", 10, 1, 3), response("s2", 30, 2, 3), response("s3", 5, 3, 0), response("s0", 10, 4, 3)}
	plan, items, searches, err := m.plan(revisions, responses)
	if err != nil {
		t.Fatal(err)
	}
	priority := func(last byte, of string) []byte {
		sum := sha256.Sum256([]byte(of))
		return append([]byte{last}, sum[:]...)
	}
	for i, want := range []struct {
		blobs    []id
		document layout.Digest
		weight   int64
		priority []byte
	}{
		{[]id{{1}, {2}}, "d1", 100 + 20 + 2*48 + 5000, priority(1, "packages/a1/")},
		{[]id{{3}}, "d2", 3 + 48 + 600000, priority(0, "a")},
		{nil, "", 0, priority(0, "b")},
	} {
		got := layout.Digest("")
		if plan[i].document != nil {
			got = plan[i].document.Digest
		}
		if !slices.Equal(plan[i].blobs, want.blobs) || got != want.document || items[i].weight != want.weight || !bytes.Equal(items[i].priority, want.priority) {
			t.Errorf("revision %d: %v, %s, %+v; want %+v", i, plan[i].blobs, got, items[i], want)
		}
	}
	var order []string
	for _, s := range searches {
		order = append(order, string(s.Digest))
	}
	if want := "s3 s2 s0 s1"; strings.Join(order, " ") != want {
		t.Errorf("searches %v, want %s", order, want)
	}
	for i, item := range itemsOf(searches) {
		if item.weight != int64(searches[i].at.size) || string(item.priority) != searches[i].SHA256 {
			t.Errorf("%+v of %+v", item, searches[i])
		}
	}
	revisions[1].sheet.sum++
	if _, _, _, err := m.plan(revisions, responses); err == nil || !strings.Contains(err.Error(), "it was changed while it was in use") {
		t.Errorf("a sheet that was changed: %v", err)
	}
}

// TestAge: how much of the newest a search sees, in tenths, to the nearest.
func TestAge(t *testing.T) {
	m := &maker{newest: map[string]string{}}
	search := func(newest, old int) (out string) {
		for i := range newest + old {
			name, version := fmt.Sprint("p", i), "2.0.0"
			if m.newest[name] = version; i >= newest {
				version = "1.0.0"
			}
			out += fmt.Sprintf(`"path": "/package/%s/%s",`, name, version)
		}
		return out
	}
	for _, c := range []struct{ newest, old, want int }{{0, 0, 10}, {1, 0, 0}, {0, 1, 10}, {1, 1, 5}, {1, 19, 9}, {1, 20, 10}, {19, 1, 0}, {18, 2, 1}, {2, 1, 3}, {1, 2, 7}} {
		if got := m.age([]byte(search(c.newest, c.old))); got != c.want {
			t.Errorf("%d of the newest, %d others: %d, want %d", c.newest, c.old, got, c.want)
		}
	}
	// Of a package that is there in two versions the newest counts once.
	if got := m.age([]byte(search(1, 0) + `"path": "/package/p0/1.0.0"`)); got != 0 {
		t.Errorf("two versions of one package: %d", got)
	}
}

// TestInflate: what a blob gives is known by how it is to be read.
func TestInflate(t *testing.T) {
	m := newMaker(t, nil)
	text := []byte(strings.Repeat("text ", 100))
	stream := deflateOf(t, text)
	for _, c := range []struct {
		key     id
		blob    []byte
		deflate bool
		want    string
		size    int64
	}{{id{1}, stream, true, string(text), 500}, {id{1}, stream, false, string(stream), int64(len(stream))}, {id{2}, text, true, "", -1}, {id{2}, text, false, string(text), 500}} {
		m.inflate(c.key, c.blob, c.deflate)
		m.inflate(c.key, nil, c.deflate) // known
		got := m.plain[plainOf{c.key, c.deflate}]
		if got.size != c.size || c.size >= 0 && got.sum != sha256.Sum256([]byte(c.want)) {
			t.Errorf("%v, inflated %v: %d bytes", c.key, c.deflate, got.size)
		}
	}
}

// TestFile: a file is the data of its entry, if that is what its list says; else it is
// fetched and a blob of its own.
func TestFile(t *testing.T) {
	rev := layout.Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	text, another := "text", "another"
	sum := func(s string) string { b := sha256.Sum256([]byte(s)); return hex.EncodeToString(b[:]) }
	m := newMaker(t, contents{rev.FileKey("docs/a.md"): another, rev.FileKey("docs/b.md"): text, rev.FileKey("docs/long.md"): text + "s", rev.FileKey("docs/other.md"): "txet"})
	m.inflate(id{1}, []byte(text), false)
	for _, c := range []struct {
		path, content string
		size          int64
		want          sheetFile
		blobs         int
		fails         error
	}{
		{"docs/a.md", text, 4, sheetFile{blob: 0}, 1, nil},
		{"docs/a.md", another, 7, sheetFile{blob: 1}, 2, nil},     // the entry is another's
		{"docs/b.md", text, 4, sheetFile{blob: 1}, 2, nil},        // it has no entry
		{"docs/empty.md", "", 0, sheetFile{blob: -1}, 1, nil},     // nothing is fetched
		{"docs/empty.md", text, 0, sheetFile{}, 1, ErrSource},     // 0 bytes of another sum
		{"docs/long.md", text, 4, sheetFile{}, 1, ErrSource},      // more bytes than listed
		{"docs/other.md", text, 4, sheetFile{}, 1, ErrSource},     // other bytes
		{"docs/b.md", text, 5, sheetFile{}, 1, ErrSource},         // fewer bytes than listed
		{"docs/none.md", text, 4, sheetFile{}, 1, fs.ErrNotExist}, // nor an object
		{"docs/b.md", text, -1, sheetFile{}, 1, ErrSource},
		{"docs/b.md", text, maxObject + 1, sheetFile{}, 1, ErrSource},
	} {
		if c.path == "docs/empty.md" && c.content != "" {
			m.o.From.(contents)[rev.FileKey(c.path)] = ""
		}
		s := &sheet{blobs: []ref{{-1, id{1}, 4}}}
		got, err := m.file(t.Context(), rev, s, layout.ContentsFile{Path: c.path, Size: c.size, SHA256: sum(c.content)}, map[string]sheetFile{"docs/a.md": {blob: 0}})
		if !errors.Is(err, c.fails) || got != c.want || len(s.blobs) != c.blobs || err != nil && !strings.Contains(err.Error(), rev.FileKey(c.path)) {
			t.Errorf("%s of %d bytes: %+v, %v, %d blobs", c.path, c.size, got, err, len(s.blobs))
		}
		if c.blobs == 2 && s.blobs[1] != (ref{-1, idOf([]byte(c.content)), uint32(len(c.content))}) {
			t.Errorf("%s: %+v", c.path, s.blobs[1])
		}
	}
	if err := m.scratch.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.file(t.Context(), rev, new(sheet), layout.ContentsFile{Path: "docs/b.md", Size: 4, SHA256: sum(text + "")}, nil); err != nil {
		t.Errorf("what is kept already: %v", err)
	}
	if _, err := m.file(t.Context(), rev, new(sheet), layout.ContentsFile{Path: "docs/long.md", Size: 5, SHA256: sum(text + "s")}, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("without the temporary file: %v", err)
	}
}

// TestFetchBounds: what can be no object's size is refused before anything is read.
func TestFetchBounds(t *testing.T) {
	m := newMaker(t, contents{"k": "12345"})
	for _, c := range []struct {
		size, gzip int64
		fails      bool
	}{{5, 5, false}, {0, 5, false}, {maxObject, 5, false}, {5, maxObject, false}, {maxObject + 1, 5, true}, {5, maxObject + 1, true}, {-1, 5, true}, {5, -1, true}} {
		_, err := m.fetchEncoded(t.Context(), "k", layout.ManifestResponse{Size: c.size, Gzip: c.gzip})
		if errors.Is(err, ErrSource) != c.fails || !c.fails && err != nil || c.fails && !strings.Contains(err.Error(), "k: ") {
			t.Errorf("%d bytes, %d encoded: %v", c.size, c.gzip, err)
		}
	}
	// Another encoder may have made more of it than is listed, but no more than any can.
	most := layout.MaxEncoded(100)
	for size, fails := range map[int64]bool{most: false, most + 1: true} {
		m.o.From = contents{"k": strings.Repeat("x", int(size))}
		if _, err := m.fetchEncoded(t.Context(), "k", layout.ManifestResponse{Size: 100, Gzip: 20}); errors.Is(err, ErrSource) != fails {
			t.Errorf("%d bytes that are 100 plain: %v", size, err)
		}
	}
	m.o.From = contents{"k": "12345"}
	for size, want := range map[int64]string{5: "", 4: "more bytes than 4", 6: "5 bytes, want 6", -1: "it is said to have -1 bytes", maxObject: "want 1073741824", maxObject + 1: "it is said to have 1073741825 bytes"} {
		body, err := m.fetch(t.Context(), "k", size)
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrSource) || !strings.Contains(err.Error(), want)) || err == nil && string(body) != "12345" {
			t.Errorf("%d: %q, %v", size, body, err)
		}
	}
	for size, want := range map[int64]string{-1: "it is said", 0: "SHA-256", maxObject: "SHA-256", maxObject + 1: "it is said"} {
		if _, err := m.spool(t.Context(), "k", layout.ObjectDigest{Size: size}); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "k: ") {
			t.Errorf("an archive of %d bytes: %v", size, err)
		}
	}
	if names, err := os.ReadDir(m.o.Dir); err != nil || len(names) != 1 {
		t.Errorf("%v, %v: want the scratch file alone", names, err)
	}
}

// TestSpool: a small archive is in memory, a larger one in a file that goes with it.
func TestSpool(t *testing.T) {
	for size, files := range map[int]int{inMemory: 0, inMemory + 1: 1} {
		body := strings.Repeat("x", size)
		sum := sha256.Sum256([]byte(body))
		m := newMaker(t, contents{"k": body})
		list := func() []os.DirEntry {
			names, err := os.ReadDir(m.o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			return names
		}
		s, err := m.spool(t.Context(), "k", layout.ObjectDigest{Size: int64(size), SHA256: hex.EncodeToString(sum[:])})
		if err != nil {
			t.Fatal(err)
		}
		last := make([]byte, 1)
		if _, err := s.ReadAt(last, int64(size)-1); err != nil && err != io.EOF || last[0] != 'x' || len(list()) != 1+files {
			t.Errorf("%d bytes: %v, %q, %v", size, err, last, list())
		}
		if err := s.close(); err != nil || len(list()) != 1 {
			t.Errorf("%d bytes: %v, %v", size, err, list())
		}
		m.o.From = iotestSource{errors.New("the network is gone")}
		if _, err := m.spool(t.Context(), "k", layout.ObjectDigest{Size: int64(size)}); err == nil || errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "k: the network is gone") || len(list()) != 1 {
			t.Errorf("%d bytes that do not come: %v, %v", size, err, list())
		}
		m.o.Dir += "/none"
		if _, err := m.spool(t.Context(), "k", layout.ObjectDigest{Size: int64(size), SHA256: hex.EncodeToString(sum[:])}); files > 0 && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d bytes without a folder: %v", size, err)
		}
	}
}

// iotestSource has objects that cannot be read.
type iotestSource struct{ err error }

func (s iotestSource) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return io.NopCloser(iotest.ErrReader(s.err)), nil
}

// waiting is a source that gives nothing before it is closed.
type waiting struct {
	asked chan struct{}
	gone  chan struct{}
}

func (w waiting) Open(_ context.Context, key string, _, _ int64) (io.ReadCloser, error) {
	w.asked <- struct{}{}
	<-w.gone
	return nil, errors.New("gone")
}

// TestParallel: how much is asked for at once.
func TestParallel(t *testing.T) {
	for given, want := range map[int]int{-1: 1, 0: 1, 1: 1, 2: 2, 32: 32, 33: 32, 1000: 32} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			m := &layout.Manifest{Responses: make([]layout.ManifestResponse, 50)}
			w := waiting{make(chan struct{}, 100), make(chan struct{})}
			done := make(chan error)
			go func() {
				_, err := Make(t.Context(), Options{From: w, Manifest: m, Dir: dir, Parallel: given})
				done <- err
			}()
			synctest.Wait()
			if n := len(w.asked); n != want {
				t.Errorf("%d: %d at once, want %d", given, n, want)
			}
			close(w.gone)
			if err := <-done; err == nil {
				t.Error("it goes on")
			}
		})
	}
}
