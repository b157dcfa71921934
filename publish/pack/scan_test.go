package pack

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// brokenAt is an archive of which the n-th read fails.
type brokenAt struct {
	io.ReaderAt
	left int
	with error
}

var errBroken = errors.New("the archive cannot be read")

func (b *brokenAt) ReadAt(p []byte, offset int64) (int, error) {
	if b.left--; b.left == 0 {
		return 0, b.with
	}
	return b.ReaderAt.ReadAt(p, offset)
}

// TestTakeApartFails: each read of an archive that fails ends it, but for those that say
// what is in it: then it is taken whole.
func TestTakeApartFails(t *testing.T) {
	body := zipOf(t, "web-1.0.0/a.txt", strings.Repeat("text ", 100), "web-1.0.0/b.txt", strings.Repeat("more ", 100))
	for _, with := range []error{errBroken, io.EOF} { // that it ends early is a failure too
		whole, failed := 0, 0
		for at := 1; ; at++ {
			m := newMaker(t, nil)
			s := new(sheet)
			archive := &brokenAt{bytes.NewReader(body), at, with}
			paths, err := m.takeApart(s, archive, int64(len(body)))
			if archive.left > 0 {
				if err != nil || len(paths) != 2 || at < 7 {
					t.Errorf("read %d: %v, %v", at, paths, err)
				}
				break
			}
			switch {
			case err == nil && len(paths) == 1 && len(s.parts) == 1 && len(s.literals) == 0:
				whole++
			case errors.Is(err, with) && paths == nil:
				failed++
			default:
				t.Errorf("read %d: %v, %v", at, paths, err)
			}
		}
		if whole == 0 || failed != 5 { // two entries, what is before each, and what is behind them
			t.Errorf("%v: %d times taken whole, %d failures", with, whole, failed)
		}
	}
	m := newMaker(t, nil)
	if err := m.scratch.close(); err != nil {
		t.Fatal(err)
	}
	if paths, err := m.takeApart(new(sheet), bytes.NewReader(body), int64(len(body))); !errors.Is(err, os.ErrClosed) || paths != nil {
		t.Errorf("without the temporary file: %v, %v", paths, err)
	}
}

// TestLargeEntry: one that is larger than what is taken apart in memory is a blob like
// any other.
func TestLargeEntry(t *testing.T) {
	content := strings.Repeat("0123456789abcdef", inMemory/16) + "x"
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	to, err := w.CreateHeader(&zip.FileHeader{Name: "web-1.0.0/large", Method: zip.Store})
	if err == nil {
		_, err = io.WriteString(to, content)
	}
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	m := newMaker(t, nil)
	s := new(sheet)
	paths, err := m.takeApart(s, bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || len(s.blobs) != 1 || paths["large"] != (sheetFile{blob: 0}) || s.blobs[0] != (ref{-1, idOf([]byte(content)), uint32(len(content))}) {
		t.Errorf("%v, %+v, %v", paths, s.blobs, err)
	}
	if got := m.plain[plainOf{s.blobs[0].id, false}]; got.size != int64(len(content)) {
		t.Errorf("it gives %d bytes", got.size)
	}
}

// TestEntries: which archives are taken apart.
func TestEntries(t *testing.T) {
	of := func(methods ...uint16) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for i, method := range methods {
			to, err := w.CreateRaw(&zip.FileHeader{Name: "root/" + string(rune('a'+i)), Method: method, CompressedSize64: 3, UncompressedSize64: 3})
			if err == nil {
				_, err = to.Write([]byte("abc"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	const bzip2 = 12
	for _, c := range []struct {
		body []byte
		want []entry
	}{
		{of(zip.Store, zip.Deflate), []entry{{"a", 36, 3, false}, {"b", 75, 3, true}}}, {of(zip.Store, bzip2), nil}, {of(bzip2), nil}, {[]byte("no archive"), nil}, {nil, nil},
	} {
		if got := entriesOf(bytes.NewReader(c.body), int64(len(c.body))); !slices.Equal(got, c.want) {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}

// TestBrokenStream: a stream that gives all of a file, and then breaks, is not the file.
func TestBrokenStream(t *testing.T) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 9)
	if err == nil {
		_, err = io.WriteString(w, "text")
	}
	if err := errors.Join(err, w.Flush()); err != nil { // it has no end
		t.Fatal(err)
	}
	rev := layout.Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	m := newMaker(t, contents{rev.FileKey("docs/a.md"): "text"})
	m.inflate(id{1}, b.Bytes(), true)
	s := &sheet{blobs: []ref{{-1, id{1}, uint32(b.Len())}}}
	c := layout.ContentsFile{Path: "docs/a.md", Size: 4, SHA256: "982d9e3eb996f559e633f4d194def3761d909f5a3b647d1a851fead67c32c9d1"} // sha256sum of text
	if got, err := m.file(t.Context(), rev, s, c, map[string]sheetFile{"docs/a.md": {blob: 0, deflate: true}}); err != nil || got.blob != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestSpoolGoes: that an archive's temporary file has gone is an error.
func TestSpoolGoes(t *testing.T) {
	body := strings.Repeat("x", inMemory+1)
	m := newMaker(t, contents{"k": body})
	s, err := m.spool(t.Context(), "k", digestOf([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(m.o.Dir, "archive-*"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	if err := s.close(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestSheetsNameRows: a blob of the same pack is named by its row there, one of another
// pack by its id.
func TestSheetsNameRows(t *testing.T) {
	m := newMaker(t, nil)
	var blobs []id
	s := &sheet{archive: "a"}
	for _, content := range []string{"one", "two", "three", "elsewhere"} {
		key, err := m.scratch.add([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, key)
		s.blobs = append(s.blobs, ref{-1, key, uint32(len(content))})
	}
	at, err := m.scratch.append(s.encode())
	if err != nil {
		t.Fatal(err)
	}
	p := craft(t)
	p.w.scratch = m.scratch
	if err := m.writeRevisions(p.w, []planned{{scanned: scanned{revision, at}, blobs: blobs[:3]}}); err != nil {
		t.Fatal(err)
	}
	store := p.open()
	f, got, err := store.sheet(revision)
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range got.blobs[:3] {
		if b.row < 0 || id(f.blobs.row(b.row)[:keySize]) != blobs[i] {
			t.Errorf("blob %d is in row %d", i, b.row)
		}
	}
	if got.blobs[3] != s.blobs[3] {
		t.Errorf("the one elsewhere is %+v", got.blobs[3])
	}
}

// removing is a source that removes files while an archive is read.
type removing struct {
	contents
	pattern string
}

func (r removing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	body, err := r.contents.Open(ctx, key, offset, length)
	if err == nil && strings.HasSuffix(key, ".zip") {
		body = &removingBody{body, r.pattern}
	}
	return body, err
}

type removingBody struct {
	io.ReadCloser
	pattern string
}

func (r *removingBody) Read(p []byte) (int, error) {
	names, err := filepath.Glob(r.pattern)
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

// TestArchiveGoes: a revision whose temporary file goes before it is done with is an
// error, though all of it was read.
func TestArchiveGoes(t *testing.T) {
	rev := layout.Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	archive := strings.Repeat("no archive ", inMemory/10)
	c := &layout.Contents{Format: layout.ContentsFormat, Name: "a", Version: "1.0.0", Archive: digestOf([]byte(archive))}
	body := c.Encode()
	p := layout.ManifestPackage{Name: "a", Version: "1.0.0", Revision: rev.ID, Contents: digestOf(body).SHA256}
	from := contents{rev.ArchiveKey(): archive, rev.ContentsKey(): string(body)}
	m := newMaker(t, from)
	if _, err := m.revision(t.Context(), p); err != nil {
		t.Error(err)
	}
	m = newMaker(t, nil)
	m.o.From = removing{from, filepath.Join(m.o.Dir, "archive-*")}
	if _, err := m.revision(t.Context(), p); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "a-1.0.0: ") {
		t.Errorf("%v", err)
	}
	p.Contents = digestOf(nil).SHA256
	if _, err := m.revision(t.Context(), p); !errors.Is(err, ErrSource) || !strings.Contains(err.Error(), "its SHA-256 is not") {
		t.Errorf("a list of another digest: %v", err)
	}
}

// TestSearchesByAge: what sees the newest versions comes first in the packs.
func TestSearchesByAge(t *testing.T) {
	newest, old := `[{"path": "/package/a/2.0.0"}]`, `[{"path": "/package/a/1.0.0", "longer": "and first without its age"}]`
	from := contents{}
	m := &layout.Manifest{Environment: "production"}
	for _, version := range []string{"1.0.0", "2.0.0"} {
		rev := layout.Revision{Name: "a", Version: version, ID: strings.Repeat("0", 20)}
		archive := "no archive of " + version
		c := &layout.Contents{Format: layout.ContentsFormat, Name: "a", Version: version, Archive: digestOf([]byte(archive))}
		body := string(c.Encode())
		from[rev.ArchiveKey()], from[rev.ContentsKey()] = archive, body
		m.Packages = append(m.Packages, layout.ManifestPackage{Name: "a", Version: version, Revision: rev.ID, Contents: digestOf([]byte(body)).SHA256})
	}
	for _, body := range []string{old, newest} {
		d := digestOf([]byte(body))
		r := layout.ManifestResponse{Digest: layout.DigestOf([]byte(body)), Size: d.Size, SHA256: d.SHA256}
		from[layout.ResponseKey(r.Digest)] = body
		m.Responses = append(m.Responses, r)
	}
	m.Routes = digestOf([]byte("routes"))
	from[layout.RoutesKey("production", m.ID())] = "routes"
	dir := t.TempDir()
	if _, err := Make(t.Context(), Options{From: from, Manifest: m, Dir: dir}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := func(body string) int64 { // in all packs together
		c, err := s.find(layout.ResponseKey(layout.DigestOf([]byte(body))))
		if err != nil {
			t.Fatal(err)
		}
		return int64(slices.Index(s.files, c.parts[0].file))<<32 + c.parts[0].span.offset
	}
	if at(newest) >= at(old) {
		t.Errorf("the newest lies at %d, the other at %d", at(newest), at(old))
	}
}

func digestOf(body []byte) layout.ObjectDigest {
	return layout.ObjectDigest{Size: int64(len(body)), SHA256: fmt.Sprintf("%x", sha256.Sum256(body))}
}
