package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
)

// nothingOnItsWay: what is not kept is removed at once.
func nothingOnItsWay(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(filepath.Join(dir, incoming)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestNothingIsLeftOnItsWay: whatever becomes of a file or of an index, no part of it stays,
// and progress counts the indexes that are read, and no others.
func TestNothingIsLeftOnItsWay(t *testing.T) {
	const good = `{"packages":[{"package_manifest":{"name":"n","version":"1.0.0","format_version":"1.0.0"}}]}`
	answers := map[string]string{}
	var progress []string
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == indexPath("1") {
			progress = append(progress, "asked")
		}
		switch body, ok := answers[r.URL.Path]; {
		case !ok:
			http.NotFound(w, r)
		case body == "unchanged":
			w.WriteHeader(http.StatusNotModified)
		case body == "fails":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Set("ETag", `"x"`)
			_, _ = io.WriteString(w, body)
		}
	})
	cache, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cache.close()
	f := &fetcher{Options: Options{Parallel: 1, Size: 1 << 20, IndexSize: 1000, Progress: func(phase string, done, total int, bytes int64) {
		progress = append(progress, fmt.Sprintf("%s %d/%d %d", phase, done, total, bytes))
	}}, index: c, files: c, cache: cache}
	f.Limits.ArchiveSize = 10
	answers[cursorPath] = `{"current":"1"}`
	for _, one := range []struct {
		index    string
		progress string
		want     string
	}{
		{"fails", "index 0/1 0 asked", "403"}, {"x", "index 0/1 0 asked", "not an index"}, {strings.Repeat(" ", 1001), "index 0/1 0 asked", "at most 1000"},
		{"", "index 0/1 0 asked", "not there"}, {good, "index 0/1 0 asked index 1/1 0", ""}, {"unchanged", "index 0/1 0 asked", ""}, {good, "index 0/1 0 asked index 1/1 0", ""},
	} {
		progress = nil
		if answers[indexPath("1")] = one.index; one.index == "" {
			delete(answers, indexPath("1"))
		}
		at, err := f.readIndex(t.Context())
		if (err == nil) != (one.want == "") || err != nil && !strings.Contains(err.Error(), one.want) {
			t.Errorf("%.20s: %v, want %q", one.index, err, one.want)
		}
		if err == nil && (len(at.Offers) != 1 || at.Cursor != "1" || f.stats.Current != (one.index == "unchanged") || f.stats.Cursor != "1") {
			t.Errorf("%.20s: %+v, %+v", one.index, at, f.stats)
		}
		if got := strings.Join(progress, " "); got != one.progress {
			t.Errorf("%.20s: progress %q, want %q", one.index, got, one.progress)
		}
		nothingOnItsWay(t, cache.dir)
	}
	o := offer{Name: "n", Version: "1.0.0", Download: "/n"}
	for _, one := range []struct{ body, want string }{
		{"fails", "403"}, {"12345678901", "at most 10"}, {"gone", "it is not there"}, {"123", ""}, {"unchanged", "304"}, {"", ""}, {"1234567890", ""},
	} {
		if answers["/n"] = one.body; one.body == "gone" {
			delete(answers, "/n")
		}
		err := f.file(t.Context(), o, "n-1.0.0.zip.sig", "/n", 10)
		if one.body == "unchanged" { // it is asked for on condition
			err = errors.Join(err, f.file(t.Context(), o, "other.sig", "/n", 10))
		}
		if (err == nil) != (one.want == "") || err != nil && !strings.Contains(err.Error(), one.want) {
			t.Errorf("%.20s: %v, want %q", one.body, err, one.want)
		}
		nothingOnItsWay(t, cache.dir)
	}
	f.Size = f.stats.Bytes
	answers["/n"] = "more"
	if err := f.file(t.Context(), o, "n-1.0.0.zip", "/n", 10); !errors.Is(err, errRefused) {
		t.Errorf("more than may come in all: %v", err)
	}
	nothingOnItsWay(t, cache.dir)
	if _, err := os.Stat(cache.file("n-1.0.0.zip")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is kept: %v", err)
	}
}

// TestRecords: of the lines about a file the last counts; what is not a record is passed
// over, and the next line stands by itself.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, recordsFile)
	line := func(file string, size int) string {
		return fmt.Sprintf(`{"file":%q,"path":"/x","size":%d}`+"\n", file, size)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(at, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(line("a", 1) + "not a record\n" + `{"path":"/y"}` + "\n[]\n\n" + line("b", 2) + line("a", 3) + `{"file":"c","size":4`)
	c, err := openCache(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 2 || c.records["a"].Size != 3 || c.records["b"].Size != 2 || c.records["a"].Path != "/x" {
		t.Errorf("%+v", c.records)
	}
	if err := errors.Join(c.note(record{File: "d", Size: 5, state: state{ETag: "e"}}), c.close()); err != nil {
		t.Fatal(err)
	}
	if c, err = openCache(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 3 || c.records["d"].Size != 5 || c.records["d"].ETag != "e" {
		t.Errorf("after the line that was cut short: %+v", c.records)
	}
	if err := c.note(record{File: "e"}); err != nil {
		t.Error(err)
	}
	// Another import waits until this one ends.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if other, err := openCache(ended, dir); other != nil || err == nil {
		t.Errorf("two imports at once: %v", err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if err := c.note(record{File: "f"}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("what cannot be noted: %v", err)
	}
	for length, ok := range map[int]bool{maxRecordLine - 1: true, maxRecordLine: false} { // with the end of the line
		write(strings.Repeat("x", length) + "\n" + line("a", 1))
		c, err := openCache(t.Context(), dir)
		if (err == nil) != ok || ok && len(c.records) != 1 {
			t.Errorf("a line of %d bytes: %v", length, err)
		}
		if ok {
			if err := c.close(); err != nil {
				t.Error(err)
			}
		}
	}
	write("") // and it was given up: another may go on
	if c, err = openCache(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := os.WriteFile(c.file("a"), []byte("one"), 0o666); err != nil {
		t.Fatal(err)
	}
	const sum = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" // echo -n one | sha256sum
	for name, want := range map[record]bool{
		{File: "a", Path: "/x", Size: 3, SHA256: sum}: true, {File: "a", Path: "/y", Size: 3, SHA256: sum}: false, {File: "a", Path: "/x", Size: 2, SHA256: sum}: false,
		{File: "a", Path: "/x", Size: 3, SHA256: "8" + sum[1:]}: false, {File: "gone", Path: "/x", Size: 3, SHA256: sum}: false, {File: "a", Path: "/x", Size: 0, SHA256: sum}: false,
	} {
		if err := c.note(name); err != nil {
			t.Fatal(err)
		}
		if r, ok := c.have(name.File, "/x"); ok != want || ok && r != name || !ok && r != (record{}) {
			t.Errorf("%+v: %+v, %t", name, r, ok)
		}
	}
	if r, ok := c.have("unknown", ""); ok {
		t.Errorf("%+v", r)
	}
}

// TestKeptIndex: what was kept of an index is what it said, or it is as if there was none.
func TestKeptIndex(t *testing.T) {
	c, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if got := c.index(); got != nil {
		t.Errorf("before one was kept: %+v", got)
	}
	kept := &indexed{Index: "i", Files: "f", Cursor: "1", State: state{ETag: "e"}, Offers: []offer{{Name: "a", Version: "1.0.0", Download: "/a", SignaturePath: "/a.sig", Of: "o"}}}
	if err := c.keepIndex(kept); err != nil {
		t.Fatal(err)
	}
	if got := c.index(); !reflect.DeepEqual(got, kept) {
		t.Errorf("%+v, want %+v", got, kept)
	}
	nothingOnItsWay(t, c.dir)
	for _, text := range []string{"", "{", "[]", `{"offers":[{"name":"../a","version":"1.0.0","download":"/a"}]}`, `{"offers":[{"name":"a","version":"1.0.0"}]}`} {
		if err := os.WriteFile(filepath.Join(c.dir, indexFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := c.index(); got != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for range 2 { // what is not there is removed as well
		if err := c.remove("a.sig"); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(c.file("a.sig"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(c.dir, incoming)); err != nil {
		t.Fatal(err)
	}
	if err := c.keepIndex(kept); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
	f := &fetcher{cache: c}
	if err := f.file(t.Context(), offer{}, "a", "/a", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
	if err := f.loadIndex(t.Context(), kept, state{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
}

// TestOffersOfAnIndex: what an index says becomes the paths to fetch, and stands for what
// is fetched: the same document from the same place, and nothing else.
func TestOffersOfAnIndex(t *testing.T) {
	read := func(files, entries string) []offer {
		t.Helper()
		base, err := newClient(files, Options{Rate: 1, Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		out, err := (&fetcher{files: base}).parseIndex(t.Context(), strings.NewReader(`{"packages":[`+entries+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	entry := func(name, more string) string {
		return `{"package_manifest":{"name":"` + name + `","version":"1.0.0","format_version":"1.0.0"` + more + `}}`
	}
	got := read("http://a", entry("z", "")+","+entry("a", `,"signature_path":"/anywhere.sig"`)+","+entry("m", `,"signature_path":""`))
	for i, want := range []offer{
		{Name: "a", Version: "1.0.0", Download: "/artifacts/packages/a-1.0.0.zip", SignaturePath: "/artifacts/packages/a-1.0.0.zip.sig"},
		{Name: "m", Version: "1.0.0", Download: "/artifacts/packages/m-1.0.0.zip"}, {Name: "z", Version: "1.0.0", Download: "/artifacts/packages/z-1.0.0.zip"},
	} {
		want.Of = got[i].Of
		if got[i] != want || len(want.Of) != 64 {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	same, otherPlace, otherDocument := read("http://a", entry("z", "")), read("http://b", entry("z", "")), read("http://a", entry("z", `,"title":"Z"`))
	if same[0].Of != got[2].Of || otherPlace[0].Of == got[2].Of || otherDocument[0].Of == got[2].Of {
		t.Errorf("%v, %v, %v beside %v", same, otherPlace, otherDocument, got[2])
	}
}

// TestUnchangedIsNoted: what a server says is unchanged stands for what the index says of it
// now, so that the next import need not ask.
func TestUnchangedIsNoted(t *testing.T) {
	asked := 0
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"e"`)
		_, _ = io.WriteString(w, "x")
	})
	dir := t.TempDir()
	for i, step := range []struct {
		of             string
		refresh        bool
		asked          int
		fetched, lines int
	}{
		{"a", false, 1, 1, 1}, {"a", false, 0, 0, 1}, {"b", false, 1, 0, 2}, {"b", false, 0, 0, 2}, {"b", true, 1, 0, 2}, {"", false, 1, 0, 3}, {"", false, 1, 0, 3}, {"b", false, 1, 0, 4},
	} {
		cache, err := openCache(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		asked = 0
		f := &fetcher{Options: Options{Size: 100, Refresh: step.refresh}, index: c, files: c, cache: cache}
		o := offer{Name: "n", Version: "1.0.0", Of: step.of}
		if err := f.file(t.Context(), o, "n.sig", "/n", 10); err != nil {
			t.Fatal(err)
		}
		records, err := os.ReadFile(filepath.Join(dir, recordsFile))
		if lines := strings.Count(string(records), "{"); err != nil || asked != step.asked || f.stats.Fetched != step.fetched || f.stats.Unchanged != 1-step.fetched || lines != step.lines {
			t.Errorf("%d: asked %d times, %+v, %d records, %v; want %+v", i, asked, f.stats, lines, err, step)
		}
		if r, there := cache.have("n.sig", "/n"); !there || r.Of != step.of || r.ETag != `"e"` {
			t.Errorf("%d: %+v, %t", i, r, there)
		}
		nothingOnItsWay(t, dir)
		if err := cache.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRecordsThatCannotBeWritten: a folder in which nothing can be noted is an error when it
// is opened.
func TestRecordsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, recordsFile)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, incoming), 0o777), os.WriteFile(at, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir  string
		flag int
		want error
	}{{dir, os.O_RDWR, nil}, {dir, os.O_RDONLY, syscall.EBADF}, {filepath.Join(dir, "gone"), os.O_RDWR, fs.ErrNotExist}} {
		log, err := os.OpenFile(at, c.flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&cache{dir: c.dir, log: log, records: map[string]record{}}).read(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%v, want %v", err, c.want)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	}
}
