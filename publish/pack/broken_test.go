package pack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// small is a store with an object of each kind, and what they are.
func small(t *testing.T) (*Store, map[string]string) {
	t.Helper()
	text := strings.Repeat("text ", 100)
	p := craft(t)
	stream := deflateOf(t, []byte(text))
	plain, packed := p.put(blobTable, idOf([]byte(text)), []byte(text)), p.put(blobTable, idOf(stream), stream)
	p.put(encodedTable, keyOf(t, digest), gzipOf(t, []byte(text)))
	p.put(plainTable, keyOf(t, other), []byte("plain"))
	p.sheet(revision, &sheet{
		contents: []byte("{}"), archive: "a-1.0.0.zip", blobs: []ref{plain, packed}, literals: []byte("begin middle end"),
		parts: []archivePart{{6, 0}, {0, 1}, {7, 0}}, files: []sheetFile{{"inflated", 1, true, 500}, {"plain", 0, false, 500}},
	})
	return p.open(), map[string]string{
		revision + "contents.json": "{}", revision + "a-1.0.0.zip": "begin " + text + string(stream) + "middle " + text + "end",
		revision + "files/inflated": text, revision + "files/plain": text, layout.ResponseKey(digest): text,
		layout.ResponseKey(digest) + layout.GzipSuffix: string(gzipOf(t, []byte(text))), layout.ResponseKey(other): "plain",
	}
}

// TestReadsOfParts: readers of any part give something with each call, until the end.
func TestReadsOfParts(t *testing.T) {
	s, want := small(t)
	random := rand.New(rand.NewPCG(1, 2))
	for key, body := range want {
		for range 60 {
			offset := random.IntN(len(body) + 1)
			length := random.IntN(len(body) + 2)
			r, err := s.Open(t.Context(), key, int64(offset), int64(length))
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			p := make([]byte, 1+random.IntN(30))
			for err == nil {
				var n int
				if n, err = r.Read(p); n == 0 && err == nil {
					t.Fatalf("%s: nothing is read at %d", key, len(got))
				}
				got = append(got, p[:n]...)
			}
			if err != io.EOF || string(got) != body[offset:min(len(body), offset+length)] {
				t.Errorf("%s from %d, %d bytes: %q, %v", key, offset, length, got, err)
			}
			if n, err := r.Read(nil); n != 0 || err != nil && err != io.EOF {
				t.Errorf("%s: read nothing: %d, %v", key, n, err)
			}
		}
		if _, err := s.Open(t.Context(), key, -1, 1); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s can be read from before its beginning: %v", key, err)
		}
		if _, err := s.Open(t.Context(), key, int64(len(body))+1, 0); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s can be read from behind its end: %v", key, err)
		}
	}
}

// TestUnreadable: a pack that is gone under a store is an error that names it, for every
// object that it has; what is known of a sheet already stays.
func TestUnreadable(t *testing.T) {
	for what, breaks := range map[string]func(*file) error{
		"closed":    func(f *file) error { return f.r.Close() },
		"cut short": func(f *file) error { return os.Truncate(f.name, 0) },
	} {
		for _, known := range []bool{false, true} {
			s, want := small(t)
			f := s.files[0]
			if known {
				if _, err := s.Read(t.Context(), revision+"contents.json"); err != nil {
					t.Fatal(err)
				}
			}
			if err := breaks(f); err != nil {
				t.Fatal(err)
			}
			for key, body := range want {
				got, err := s.Read(t.Context(), key)
				if known && body == "{}" {
					if err != nil {
						t.Errorf("%s: %v", key, err)
					}
					continue
				}
				if err == nil || got != nil || !strings.Contains(err.Error(), f.name) || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %s: %d bytes, %v", what, key, len(got), err)
				}
				if part, err := read(s, key, min(8, int64(len(body))-1), 2); err == nil {
					t.Errorf("%s: %s: a part of it is %q", what, key, part)
				}
			}
		}
	}
}

// TestWholeSpans: a span that can be read at once is compared with its CRC whatever part
// of it is wanted; of a larger one an error takes the place of the end.
func TestWholeSpans(t *testing.T) {
	for size, atOnce := range map[int]bool{wholeSpan: true, wholeSpan + 1: false} {
		content := bytes.Repeat([]byte("0123456789abcdef"), wholeSpan/16+1)[:size]
		p := craft(t)
		blob := p.put(blobTable, idOf(content), content)
		p.sheet(revision, &sheet{contents: []byte("{}"), archive: "a-1.0.0.zip", blobs: []ref{blob}, parts: []archivePart{{0, 0}}, files: []sheetFile{{"f", 0, false, int64(size)}}})
		name, _ := p.write()
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		body[size-1] ^= 1
		if err := os.WriteFile(name, body, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(p.dir)
		if err != nil {
			t.Fatal(err)
		}
		part, err := read(s, revision+"files/f", 1, 9)
		if atOnce && !errors.Is(err, errDamaged) || !atOnce && (err != nil || string(part) != "123456789") {
			t.Errorf("%d bytes: a part is %q, %v", size, part, err)
		}
		whole, err := read(s, revision+"files/f", 0, -1)
		if !errors.Is(err, errDamaged) || !strings.Contains(err.Error(), "the CRC of what lies at byte 0 is wrong") || len(whole) >= size {
			t.Errorf("%d bytes: all of it is %d bytes, %v", size, len(whole), err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("closed twice: %v", err)
		}
	}
}

// TestOpenRefuses: what is no pack in the place of one.
func TestOpenRefuses(t *testing.T) {
	p := craft(t)
	p.put(blobTable, id{1}, []byte("blob"))
	name, listed := p.write()
	sound, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		size int64
		make func() error
		want string
	}{
		"as it is":           {listed.Size, func() error { return os.WriteFile(name, sound, 0o666) }, ""},
		"another size":       {listed.Size + 1, func() error { return os.WriteFile(name, sound, 0o666) }, "bytes, want"},
		"less than a footer": {int64(footerSize) - 1, func() error { return os.WriteFile(name, sound[:footerSize-1], 0o666) }, "it has 39 bytes, want 39"},
		"a footer alone":     {int64(footerSize), func() error { return os.WriteFile(name, sound[len(sound)-footerSize:], 0o666) }, "its footer says otherwise"},
		"another table": {listed.Size, func() error {
			other := bytes.Clone(sound)
			other[len(other)-footerSize-1] ^= 1
			return os.WriteFile(name, other, 0o666)
		}, "the CRC of its tables is wrong"},
		"nothing":  {listed.Size, func() error { return nil }, "no such file"},
		"a folder": {0, func() error { return os.Mkdir(name, 0o777) }, ""},
	} {
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := c.make(); err != nil {
			t.Fatal(err)
		}
		if what == "a folder" {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := openFile(name, info.Size()); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		f, err := openFile(name, c.size)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), name)) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
		if err == nil {
			if err := f.r.Close(); err != nil {
				t.Error(err)
			}
			if err := f.readTables(listed.Size); !errors.Is(err, os.ErrClosed) {
				t.Errorf("of a file that is closed: %v", err)
			}
		}
	}
}

// TestListBounds: what packs.json may say.
func TestListBounds(t *testing.T) {
	good := strings.Repeat("0", 32)
	for what, c := range map[string]struct {
		l  list
		ok bool
	}{
		"as it is":      {list{1, "production", "20240101T000000Z-000000000000", []listPack{{good, 0}}}, true},
		"no pack":       {list{1, "production", "20240101T000000Z-000000000000", nil}, true},
		"a size below":  {list{1, "production", "20240101T000000Z-000000000000", []listPack{{good, -1}}}, false},
		"a digit more":  {list{1, "production", "20240101T000000Z-000000000000", []listPack{{good + "0", 1}}}, false},
		"a digit less":  {list{1, "production", "20240101T000000Z-000000000000", []listPack{{good[1:], 1}}}, false},
		"the second":    {list{1, "production", "20240101T000000Z-000000000000", []listPack{{good, 1}, {"../" + good[3:], 1}}}, false},
		"no snapshot":   {list{1, "production", "x", nil}, false},
		"no name":       {list{1, "", "20240101T000000Z-000000000000", nil}, false},
		"format before": {list{0, "production", "20240101T000000Z-000000000000", nil}, false},
	} {
		body, err := c.l.encode()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeList(body); (err == nil) != c.ok || err == nil && len(got.Packs) != len(c.l.Packs) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestHeadsThatAreDamaged: pointer and routes that cannot be read are errors that name
// them, and so are files that are gone.
func TestHeadsThatAreDamaged(t *testing.T) {
	s, _ := small(t)
	env, snapshot := s.list.Environment, s.list.Snapshot
	for _, key := range []string{layout.PointerKey(env), layout.RoutesKey(env, snapshot), layout.ManifestKey(env, snapshot)} {
		if _, err := s.Read(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", key, err)
		}
		if _, err := s.Open(t.Context(), key, 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", key, err)
		}
		name := filepath.Join(s.dir, filepath.FromSlash(key))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte("{"), 0o666)); err != nil {
			t.Fatal(err)
		}
		if body, err := read(s, key, 0, -1); err != nil || string(body) != "{" {
			t.Errorf("%s: %q, %v", key, body, err)
		}
	}
	if p, err := s.Pointer(t.Context(), env); err == nil || p.Snapshot != "" || !strings.Contains(err.Error(), layout.PointerKey(env)) {
		t.Errorf("pointer: %+v, %v", p, err)
	}
	if r, err := s.Routes(t.Context(), env, snapshot); err == nil || r != nil || !strings.Contains(err.Error(), layout.RoutesKey(env, snapshot)) {
		t.Errorf("routes: %v", err)
	}
	if _, err := s.Pointer(t.Context(), "staging"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("another pointer: %v", err)
	}
	if _, err := s.Routes(t.Context(), env, "20240101T000000Z-000000000001"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("other routes: %v", err)
	}
}

// TestWriterFails: a writer whose file or scratch file cannot be used says so at once,
// or when it is closed, and then its file is gone.
func TestWriterFails(t *testing.T) {
	noise := make([]byte, blockSize) // more than is buffered
	for i := range noise {
		noise[i] = byte(rand.New(rand.NewPCG(uint64(i), 2)).Uint32())
	}
	for what, c := range map[string]struct {
		breaks func(*writer) error
		steps  func(*writer) error
	}{
		"a blob of a scratch file that is closed": {func(w *writer) error { return w.scratch.file.Close() }, func(w *writer) error {
			return w.put(blobTable, id{1}, span{0, uint32(len(noise)), 0})
		}},
		"a blob": {func(w *writer) error { return w.file.Close() }, func(w *writer) error {
			return w.put(blobTable, id{1}, span{0, uint32(len(noise)), 0})
		}},
		"a block": {func(w *writer) error { return w.file.Close() }, func(w *writer) error {
			return errors.Join(w.sheet("a", &sheet{contents: noise}), w.sheet("b", &sheet{contents: noise}))
		}},
		"the last block": {func(w *writer) error { return w.file.Close() }, func(w *writer) error {
			if err := w.sheet("a", &sheet{contents: noise}); err != nil {
				return nil // too early
			}
			_, err := w.close()
			return err
		}},
		"the tables": {func(w *writer) error { return w.file.Close() }, func(w *writer) error { _, err := w.close(); return err }},
	} {
		p := craft(t)
		if _, err := p.w.scratch.append(noise); err != nil {
			t.Fatal(err)
		}
		if err := c.breaks(p.w); err != nil {
			t.Fatal(err)
		}
		err := c.steps(p.w)
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := os.Stat(p.w.file.Name()); strings.HasPrefix(what, "the ") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: its file: %v", what, err)
		}
	}
	if _, err := newWriter(filepath.Join(t.TempDir(), "none"), nil, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := newScratch(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder: %v", err)
	}
}

// TestWritingEnds: where a pack cannot be begun, or is not wanted any more, nothing is left; and
// a revision whose sheet does not fit into the file is an error.
func TestWritingEnds(t *testing.T) {
	m := newMaker(t, nil)
	at, err := m.scratch.append((&sheet{archive: "a"}).encode())
	if err != nil {
		t.Fatal(err)
	}
	m.o.Manifest.Packages = []layout.ManifestPackage{{Name: "a", Version: "1.0.0", Document: digest}}
	revisions := []scanned{{revision, at}}
	search := scannedResponse{layout.ManifestResponse{Digest: other, Size: 1}, at, 0}
	ended, stop := context.WithCancel(t.Context())
	stop()
	dir := m.o.Dir
	for what, c := range map[string]struct {
		ctx  context.Context
		dir  string
		want error
	}{
		"ended":     {ended, dir, context.Canceled},
		"no folder": {t.Context(), filepath.Join(dir, "none"), fs.ErrNotExist},
	} {
		m.o.Dir = c.dir
		for _, responses := range [][]scannedResponse{nil, {search}} {
			for _, revisions := range [][]scanned{revisions, nil} {
				packs, err := m.write(c.ctx, revisions, responses)
				if len(revisions)+len(responses) == 0 {
					if err != nil || len(packs) > 0 {
						t.Errorf("%s, and nothing to pack: %v, %v", what, packs, err)
					}
				} else if packs != nil || !errors.Is(err, c.want) {
					t.Errorf("%s: %v, %v", what, packs, err)
				}
			}
		}
	}
	if left, err := filepath.Glob(filepath.Join(dir, "pack*")); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
	p := craft(t)
	p.w.block = make([]byte, blockSize)
	rand.NewChaCha8([32]byte{1}).Read(p.w.block) // more than is buffered; it never fails
	if err := p.w.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.writeRevisions(p.w, []planned{{scanned: revisions[0]}}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a sheet: %v", err)
	}
}

// TestWriteFails: whatever of the temporary file cannot be read, no pack is made of it.
func TestWriteFails(t *testing.T) {
	m := newMaker(t, nil)
	blob, err := m.scratch.add([]byte("blob"))
	if err != nil {
		t.Fatal(err)
	}
	at, err := m.scratch.append((&sheet{archive: "a", blobs: []ref{{-1, blob, 4}}}).encode())
	if err != nil {
		t.Fatal(err)
	}
	m.o.Manifest.Packages = []layout.ManifestPackage{{Name: "a", Version: "1.0.0", Document: "d"}}
	revisions := []scanned{{revision, at}}
	document := scannedResponse{layout.ManifestResponse{Digest: "no digest"}, span{}, 0}
	for what, c := range map[string]struct {
		responses []scannedResponse
		want      string
	}{
		"a search that has no digest": {[]scannedResponse{document}, "encoding/hex"},
		"nothing":                     {nil, ""},
	} {
		packs, err := m.write(t.Context(), revisions, c.responses)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || packs != nil) || err == nil && len(packs) != 1 {
			t.Errorf("%s: %v, %v", what, packs, err)
		}
	}
	m.o.Manifest.Packages[0].Document = document.Digest
	if _, err := m.write(t.Context(), revisions, []scannedResponse{document}); err == nil || !strings.Contains(err.Error(), "encoding/hex") {
		t.Errorf("a document that has no digest: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(m.o.Dir, "pack-*"))
	if err != nil || len(names) > 0 {
		t.Errorf("%q were left", names)
	}
	if err := m.scratch.close(); err != nil {
		t.Fatal(err)
	}
	if packs, err := m.write(t.Context(), revisions, nil); !errors.Is(err, os.ErrClosed) || packs != nil {
		t.Errorf("without the temporary file: %v, %v", packs, err)
	}
	for what, group := range map[string][]planned{
		"a blob": {{blobs: []id{blob}}}, "a document": {{document: &scannedResponse{layout.ManifestResponse{Digest: digest}, at, 0}}}, "a sheet": {{scanned: revisions[0]}},
	} {
		w := craft(t).w
		w.scratch = m.scratch
		if err := m.writeRevisions(w, group); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s without the temporary file: %v", what, err)
		}
	}
	if err := m.scratch.close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
}
