package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func writeText(t *testing.T, name, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(text), 0o666)); err != nil {
		t.Fatal(err)
	}
}

// TestIn: which files hold an object. No other is read, and not linked to.
func TestIn(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	writeText(t, at("same"), "content")
	writeText(t, at("other"), "CONTENT")
	writeText(t, at("longer"), "content!")
	writeText(t, at("shorter"), "conten")
	writeText(t, at("empty"), "")
	err := errors.Join(os.Mkdir(at("folder"), 0o777), os.Symlink("same", at("link")), os.Symlink("nothing", at("broken")), os.Symlink("/dev/null", at("device")))
	if err != nil {
		t.Fatal(err)
	}
	of := func(text string) original {
		return (&writer{}).plain(t.Context(), "key", layout.ObjectDigest{Size: int64(len(text)), SHA256: sumOf(text)})
	}
	for _, name := range []string{"same", "other", "longer", "shorter", "empty", "folder", "link", "broken", "device", "missing"} {
		if got, want := of("content").in(at(name)), name == "same"; got != want {
			t.Errorf("%s: %t", name, got)
		}
		if got, want := of("").in(at(name)), name == "empty"; got != want {
			t.Errorf("%s holds nothing: %t", name, got)
		}
	}
}

// TestWriter: what is written, linked and counted, and what of it can fail.
func TestWriter(t *testing.T) {
	modified := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	w := &writer{dir: t.TempDir(), modified: modified, slots: make(chan struct{}, 1), contents: map[string]*content{}, from: publish.In(nil)}
	expect := func(what string, want Written) {
		t.Helper()
		if got := w.written(); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	at := func(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }
	if err := w.bytes("a/b/file", []byte("12345")); err != nil {
		t.Fatal(err)
	}
	expect("a file", Written{Files: 1, Bytes: 5})
	info, err := os.Stat(at("a/b/file"))
	if err != nil || !info.ModTime().Equal(modified) {
		t.Errorf("it is of %v, %v", info.ModTime(), err)
	}
	if err := w.bytes("a/b/file", []byte("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the file again: %v", err)
	}
	if err := w.also("a/link", "a/b/file"); err != nil {
		t.Error(err)
	}
	expect("a further name", Written{Files: 2, Bytes: 5, Linked: 1})
	if err := w.also("a/none", "a/missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a further name of nothing: %v", err)
	}
	if err := w.also("a/link", "a/b/file"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a name that is taken: %v", err)
	}
	if err := w.also("a/folder", "a/b"); err == nil {
		t.Error("a folder has a further name")
	}
	for _, err := range []error{w.also("../x", "a/b/file"), w.bytes("../x", nil), w.original(t.Context(), "../x", "sum", original{})} {
		if !errors.Is(err, publish.ErrDamaged) || !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("a name that leads out: %v", err)
		}
	}
	if err := w.bytes("a/b/file/x", nil); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a file is a folder: %v", err)
	}
	expect("failures", Written{Files: 2, Bytes: 5, Linked: 1})

	failure := errors.New("connection refused")
	fetches := 0
	o := original{"key", 4, func(io.Reader) bool { return true }, func(to io.Writer) error {
		if fetches++; fetches == 1 {
			return failure
		}
		_, err := io.WriteString(to, "text")
		return err
	}}
	if err := w.original(t.Context(), "first", "sum", o); !errors.Is(err, failure) {
		t.Errorf("an object that cannot be read: %v", err)
	}
	// Who has the same content reads it, if the first could not; who comes later links.
	for i, name := range []string{"second", "third"} {
		if err := w.original(t.Context(), name, "sum", o); err != nil || fetches != i+2 {
			t.Errorf("%s: %v, read %d times", name, err, fetches)
		}
	}
	for i, name := range []string{"fourth", "fifth", "sixth"} {
		if err := w.original(t.Context(), name, "another sum", o); err != nil || fetches != 4 {
			t.Errorf("%s: %v, read %d times", name, err, fetches)
		}
		if i > 0 {
			continue
		}
		if body, err := os.ReadFile(at(name)); err != nil || string(body) != "text" {
			t.Errorf("%q, %v", body, err)
		}
	}
	expect("contents", Written{Files: 7, Bytes: 17, Linked: 3})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	w.slots <- struct{}{} // all are reading
	if err := w.reading(gone, func() error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("who waits for a slot: %v", err)
	}
	<-w.slots
	if err := w.reading(t.Context(), func() error { return failure }); !errors.Is(err, failure) || len(w.slots) != 0 {
		t.Errorf("%v, %d slots are taken", err, len(w.slots))
	}
	w.modified = time.Time{}
	before := time.Now().Add(-time.Minute)
	if err := w.bytes("undated", nil); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(at("undated")); err != nil || info.ModTime().Before(before) {
		t.Errorf("a snapshot without a time: %v, %v", info.ModTime(), err)
	}
}

// TestEach: all are called, and one that fails ends it.
func TestEach(t *testing.T) {
	w := &writer{slots: make(chan struct{}, 1)}
	failure := errors.New("failure")
	for _, fails := range []int{-1, 0, 3} {
		called := 0
		err := w.each(t.Context(), 5, func(_ context.Context, i int) error {
			if called++; i == fails {
				return failure
			}
			return nil
		})
		if fails < 0 && (err != nil || called != 5) || fails >= 0 && (!errors.Is(err, failure) || called != fails+1) {
			t.Errorf("%d fails: %v, %d were called", fails, err, called)
		}
	}
}

// TestFolder: what of a folder stays.
func TestFolder(t *testing.T) {
	const first, second, third = "20240101T000000Z-0123456789ab", "20240102T000000Z-0123456789ab", "20240103T000000Z-0123456789ab"
	made := func() *folder {
		f := &folder{dir: t.TempDir()}
		for _, id := range []string{first, second, third} {
			writeText(t, filepath.Join(f.dir, id, "file"), id)
		}
		return f
	}
	names := func(f *folder) (out []string) {
		_ = f.each(func(name string) error { out = append(out, name); return nil })
		return out
	}
	f := made()
	if err := f.serve(second, ""); err != nil || f.current() != second || !slices.Equal(names(f), []string{second, currentLink}) {
		t.Errorf("the first that is served: %v, %v", names(f), err)
	}
	f = made()
	if err := f.serve(second, first); err != nil || f.current() != second || !slices.Equal(names(f), []string{first, second, currentLink}) {
		t.Errorf("one after another: %v, %v", names(f), err)
	}
	writeText(t, filepath.Join(f.dir, third, "file"), "")
	if err := f.serve(second, second); err != nil || !slices.Equal(names(f), []string{first, second, third, currentLink}) {
		t.Errorf("the same: %v, %v", names(f), err)
	}
	// One that cannot be taken away is an error, and the others are taken all the same.
	f = made()
	writeText(t, filepath.Join(f.dir, unfinished+first, "full"), "")
	if err := f.serve(third, ""); err == nil || f.current() != third || slices.Contains(names(f), second) {
		t.Errorf("one cannot be taken away: %v, %v", names(f), err)
	}
	// What a link leads to is only a snapshot if it is named like one.
	for _, to := range []string{"../" + first, "nothing", "", "/etc"} {
		f = made()
		_ = os.Symlink(to, filepath.Join(f.dir, currentLink))
		if got := f.current(); got != "" {
			t.Errorf("a link to %q is %q", to, got)
		}
	}
	f = &folder{dir: filepath.Join(t.TempDir(), "missing")}
	if err := f.serve(first, ""); err == nil || f.has(first) || f.current() != "" {
		t.Errorf("a folder that is not there: %v", err)
	}
	if err := onlyExports(f.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
	for name, ok := range map[string]bool{first: true, currentLink: true, lockName: true, unfinished + "x": true, "x": false, first + "x": false, "current2": false, ".locks": false, ".unfinished": false} {
		dir := t.TempDir()
		writeText(t, filepath.Join(dir, name), "")
		if err := onlyExports(dir); (err == nil) != ok || !ok && (!errors.Is(err, ErrNoExport) || !strings.Contains(err.Error(), `"`+name+`"`)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOpenFolder: what a process that was killed left is taken away, and nothing else.
func TestOpenFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	const id = "20240101T000000Z-0123456789ab"
	f, err := openFolder(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	f.close()
	writeText(t, filepath.Join(dir, unfinished+"1", "tree", "x"), "")
	writeText(t, filepath.Join(dir, unfinished+currentLink), "")
	writeText(t, filepath.Join(dir, id, "x"), "")
	for range 2 { // the lock is free again
		if f, err = openFolder(t.Context(), dir, nil); err != nil {
			t.Fatal(err)
		}
		var names []string
		_ = f.each(func(name string) error { names = append(names, name); return nil })
		if !slices.Equal(names, []string{lockName, id}) {
			t.Errorf("%v is left", names)
		}
		f.close()
	}
	writeText(t, filepath.Join(dir, "letter"), "")
	for range 2 {
		if _, err := openFolder(t.Context(), dir, nil); !errors.Is(err, ErrNoExport) {
			t.Errorf("with a letter: %v", err)
		}
	}
}

// TestReplaceFile: a file has its new content or its old one.
func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	for _, text := range []string{"one", "two", ""} {
		if err := replaceFile(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(name); err != nil || string(got) != text {
			t.Errorf("%q, %v", got, err)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	if err := replaceFile(filepath.Join(dir, "missing", "file"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestConfiguration: the folder and the host are in the configuration, wherever they are
// named, and the script is there.
func TestConfiguration(t *testing.T) {
	files, err := configuration("/data/a+b/../exports/", "registry.example")
	if err != nil {
		t.Fatal(err)
	}
	all := ""
	for _, name := range []string{scriptName, registryName, siteName} {
		if len(files[name]) == 0 {
			t.Errorf("%s is missing", name)
		}
		if name != scriptName {
			all += string(files[name])
		}
	}
	if len(files) != 3 || strings.Contains(all, templateDir) || strings.Contains(all, templateHost) || !strings.Contains(all, "/data/exports/current") || !strings.Contains(all, "server_name registry.example") {
		t.Errorf("%d files:\n%s", len(files), all)
	}
	if files, err = configuration("/a", ""); err != nil || !strings.Contains(string(files[siteName]), templateHost) {
		t.Errorf("without a host: %v", err)
	}
	for path, ok := range map[string]bool{
		"/a": true, "/a/b.c_d+e@f,g=h-i": true, "/a/": true, "/A9": true, "a": false, "": false, "/": false, "/a b": false, "/a;b": false, "/a$b": false, `/a"b`: false, "/a\nb": false, "/\u00e4": false, "/a'b": false, "/a{b": false, `/a\b`: false, "/a#b": false,
	} {
		if _, err := configuration(path, ""); (err == nil) != ok || !ok && !errors.Is(err, ErrPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestLargestPlain: which answers that the bucket has encoded only are written plain too, to
// the byte.
func TestLargestPlain(t *testing.T) {
	s, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := &writer{dir: t.TempDir(), slots: make(chan struct{}, 1), contents: map[string]*content{}, from: publish.In(s)}
	for _, c := range []struct {
		size        int
		page, plain bool
	}{{1, false, true}, {256<<10 - 1, false, true}, {256 << 10, false, false}, {256<<10 + 1, false, false}, {256 << 10, true, true}, {256<<10 + 2, true, true}} {
		text := strings.Repeat("a", c.size-1) + map[bool]string{true: "p", false: "s"}[c.page]
		var encoded bytes.Buffer
		z := gzip.NewWriter(&encoded)
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		r := layout.ManifestResponse{Digest: layout.DigestOf([]byte(text)), Size: int64(c.size), SHA256: sumOf(text), Gzip: int64(encoded.Len()), EncodedOnly: true, Page: c.page}
		key := r.Object(layout.CacheContent).Key
		if err := s.Swap(t.Context(), key+layout.GzipSuffix, encoded.Bytes(), ""); err != nil {
			t.Fatal(err)
		}
		if err := w.response(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(w.dir, filepath.FromSlash(fileOf(key)))
		if body, err := os.ReadFile(name); (err == nil) != c.plain || err == nil && string(body) != text {
			t.Errorf("%d bytes, a page %v: %d bytes are written, %v", c.size, c.page, len(body), err)
		}
		if body, err := os.ReadFile(name + layout.GzipSuffix); err != nil || !bytes.Equal(body, encoded.Bytes()) {
			t.Errorf("%d bytes, encoded: %v", c.size, err)
		}
	}
}
