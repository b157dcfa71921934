package parse

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestIsLFSPointer: at its exact lengths, and by the whole first line.
func TestIsLFSPointer(t *testing.T) {
	for _, line := range []string{"version https://git-lfs.github.com/spec/v1", "version https://hawser.github.com/spec/v1", "version http://git-media.io/v/2"} {
		for _, c := range []struct {
			size int64
			text string
			want bool
		}{
			{99, line + "\n", false}, {100, line + "\n", true}, {1023, line + "\r\n", true}, {1024, line + "\n", false},
			{200, line + "0\n", false}, {200, line, false}, {200, " " + line + "\n", false}, {200, line[:len(line)-1] + "\n", false},
		} {
			if got := isLFSPointer(c.size, []byte(c.text)); got != c.want {
				t.Errorf("%d bytes, %q: %t", c.size, c.text, got)
			}
		}
	}
}

// TestPointersAreFound: in a folder and in an archive.
func TestPointersAreFound(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:" + strings.Repeat("4d", 32) + "\nsize 12345\n"
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		_, found := openArchive("p", "1.0.0", makeZip(t, zipEntry{name: "p-1.0.0/img/a.png", content: pointer, method: method}), index.Limits{})
		if len(found.Errors) != 1 || found.Errors[0].Rule != index.RuleLFSPointer || found.Errors[0].File != "img/a.png" {
			t.Errorf("in an archive, method %d: %v", method, found.Errors)
		}
	}
	report := loaded(t, "-- main/packages/p/1.0.0/manifest.yml --\n"+wholeManifest+"-- main/packages/p/1.0.0/docs/README.md --\nx\n-- main/packages/p/1.0.0/img/a.png --\n"+pointer, nil)
	if len(report.Errors) != 1 || report.Errors[0].Rule != index.RuleLFSPointer || report.Errors[0].File != "packages/p/1.0.0/img/a.png" {
		t.Errorf("in a folder: %v", report.Errors)
	}
}

const wholeManifest = "format_version: 1.0.0\nname: p\ntitle: P\nversion: 1.0.0\ndescription: d\nowner.github: a/b\n"

// loaded loads folders; change, if set, stands between them and the loader.
func loaded(t *testing.T, folders string, change func(index.Source) index.Source) index.Findings {
	t.Helper()
	report, err := load(t, folders, change)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func load(t *testing.T, folders string, change func(index.Source) index.Source) (report index.Findings, _ error) {
	t.Helper()
	s, err := git.OpenDir(indextest.Folders(t, folders))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	source := index.Source(s)
	if change != nil {
		source = change(source)
	}
	loader := Loader{Source: source, Parser: NewParser()}
	_, err = loader.Load(t.Context(), b.Entries, &report)
	return report, err
}

// failingReads is a source that can list and not read.
type failingReads struct {
	index.Source
	err error
}

func (f failingReads) Read(context.Context, []index.ID, func(index.ID, []byte) error) error {
	return f.err
}

// TestLoadOfAFailingSource: that the source fails is no fault of a package.
func TestLoadOfAFailingSource(t *testing.T) {
	broken := errors.New("the disk is gone")
	for _, name := range []string{"manifest.yml", "docs/large.md"} { // read ahead, and later
		folders := "-- main/packages/p/1.0.0/manifest.yml --\n" + wholeManifest + "-- main/packages/p/1.0.0/" + name + " --\n" + wholeManifest
		report, err := load(t, folders, func(s index.Source) index.Source { return failingReads{s, broken} })
		if !errors.Is(err, broken) || len(report.Errors) > 0 {
			t.Errorf("%v; findings %v", err, report.Errors)
		}
	}
}

// TestRatioAtItsBound: of so many compressed bytes there may be ratio times as many
// and a part of one more, and none of that concerns what is short.
func TestRatioAtItsBound(t *testing.T) {
	const ratio = 200
	for _, c := range []struct {
		size, packed int64
		ok           bool
	}{
		{ratioFloor, ratioFloor / ratio, true}, {ratioFloor, ratioFloor/ratio - 1, false}, {ratioFloor - 1, 1, true},
		{2_000_000, 10_000, true}, {2_000_199, 10_000, true}, {2_000_200, 10_000, false},
	} {
		m := member{size: c.size, packed: c.packed}
		err := m.inflate([]byte(deflate(t, strings.Repeat("\x00", int(c.size)))), ratio, io.Discard)
		if c.ok && err != nil || !c.ok && !errors.Is(err, errRatio) {
			t.Errorf("%d bytes of %d: %v", c.size, c.packed, err)
		}
	}
}

// TestDirectoriesTwice: a directory that is there twice, and one that is a file too.
func TestDirectoriesTwice(t *testing.T) {
	dir := zipEntry{name: "p-1.0.0/d/", mode: fs.ModeDir | 0o755}
	for name, c := range map[string]struct {
		entries []zipEntry
		want    string
	}{
		"once":   {[]zipEntry{dir}, ""},
		"twice":  {[]zipEntry{dir, dir}, "d: the path is there twice [path-duplicate]"},
		"a file": {[]zipEntry{dir, {name: "p-1.0.0/d", content: "x"}}, "d: is a file, and also a directory [path-duplicate]"},
	} {
		_, found := openArchive("p", "1.0.0", makeZip(t, append(c.entries, zipEntry{name: "p-1.0.0/a", content: "x"})...), index.Limits{})
		got := ""
		if len(found.Errors) > 0 {
			got = found.Errors[0].String()
		}
		if strings.TrimPrefix(got, ": ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestCentralHeaderCutOff: a name that goes on after the directory does.
func TestCentralHeaderCutOff(t *testing.T) {
	archive := patch(t, makeZip(t, zipEntry{name: "p-1.0.0/a", content: "x"}), 0, func(h []byte) { h[28] += 9 })
	_, found := openArchive("p", "1.0.0", archive, index.Limits{})
	if len(found.Errors) != 1 || !strings.Contains(found.Errors[0].Detail, "a header of its central directory is cut off") {
		t.Errorf("%v", found.Errors)
	}
}

// TestDiscoveryIsZero: one that names nothing is left out of documents.
func TestDiscoveryIsZero(t *testing.T) {
	for want, d := range map[string]*Discovery{
		`{}`: nil, `{} `: {}, `{"d":{"fields":[{"name":"a"}]}}`: {Fields: []DiscoveryName{{"a"}}}, `{"d":{"datasets":[{"name":"a"}]}}`: {Datasets: []DiscoveryName{{"a"}}},
	} {
		got, err := json.Marshal(struct {
			D *Discovery `json:"d,omitzero"`
		}{d})
		if err != nil || string(got) != strings.TrimSpace(want) {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	if !(*Discovery)(nil).IsZero() {
		t.Error("no discovery names something")
	}
}

// TestSignatureOfAnotherKind: a key is no signature.
func TestSignatureOfAnotherKind(t *testing.T) {
	var text bytes.Buffer
	w, err := armor.Encode(&text, "PGP PUBLIC KEY BLOCK", nil)
	if err == nil {
		_, err = w.Write([]byte("x"))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := parseSignature(text.Bytes()); err == nil || err.Error() != `is a "PGP PUBLIC KEY BLOCK", not a signature` {
		t.Error(err)
	}
	if err := parseSignature([]byte(indextest.Signature)); err != nil {
		t.Error(err)
	}
}

// full is a writer to a disk that is full.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// TestVerifyWritesAll: what cannot be written is not verified.
func TestVerifyWritesAll(t *testing.T) {
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		a, found := openArchive("p", "1.0.0", makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: method}), index.Limits{})
		if len(found.Errors) > 0 {
			t.Fatal(found.Errors)
		}
		m := a.members["a"]
		if err := m.verify(a.content, a.ratio, full{}); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("method %d: %v", method, err)
		}
		if err := m.verify(a.content, a.ratio, nil); err != nil {
			t.Errorf("method %d, written nowhere: %v", method, err)
		}
		m.crc++
		if _, err := a.Read("a"); method == zip.Deflate && err == nil {
			t.Error("it is read with another checksum")
		}
	}
}

// TestPointersOfAFailingSource: what could not be read is not remembered as no pointer, and
// nothing is read after that.
func TestPointersOfAFailingSource(t *testing.T) {
	pointer := "version https://git-lfs.github.com/spec/v1\n" + strings.Repeat("x", 100)
	size := int64(len(pointer))
	files := []index.File{{Path: "a", Size: size, Blob: index.ID{1}}, {Path: "b", Size: size, Blob: index.ID{2}}, {Path: "short", Size: 9, Blob: index.ID{3}}}
	tree := &sourceTree{ctx: t.Context(), source: failingReads{nil, io.ErrUnexpectedEOF}, files: files, content: map[index.ID][]byte{{2}: []byte(pointer)},
		ids: map[string]index.ID{"a": {1}, "b": {2}, "short": {3}}}
	p := NewParser()
	if found := p.checkPointers(tree); len(found.Errors) > 0 || !errors.Is(tree.err, io.ErrUnexpectedEOF) {
		t.Errorf("%v, %v", found.Errors, tree.err)
	}
	tree.content[index.ID{1}], tree.err = []byte(pointer), nil
	for range 2 {
		found := p.checkPointers(tree)
		if len(found.Errors) != 2 || found.Errors[0].File != "a" || found.Errors[1].File != "b" || tree.err != nil {
			t.Errorf("%v, %v", found.Errors, tree.err)
		}
		tree.content = nil // it is remembered
	}
}

// TestMemo: what is made of a content is kept, unless it is not to be or the content has no id.
func TestMemo(t *testing.T) {
	var m memo[int]
	made := 0
	get := func(n byte, keep bool) int {
		var id index.ID
		id[0] = n
		return m.get(id, func() (int, bool) { made++; return made, keep })
	}
	for i, c := range []struct {
		n    byte
		keep bool
		want int
	}{{1, true, 1}, {1, true, 1}, {2, false, 2}, {2, true, 3}, {2, true, 3}, {0, true, 4}, {0, true, 5}, {1, true, 1}} {
		if got := get(c.n, c.keep); got != c.want {
			t.Errorf("%d: %d, want %d", i, got, c.want)
		}
	}
}

// TestQuote: a value is shown up to 80 bytes, and what is cut says so.
func TestQuote(t *testing.T) {
	for n, want := range map[int]string{0: `""`, 80: `"` + strings.Repeat("x", 80) + `"`, 81: `"` + strings.Repeat("x", 80) + `…"`} {
		if got := quote(strings.Repeat("x", n)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	for n, want := range map[int]string{maxDetail: strings.Repeat("x", maxDetail), maxDetail + 1: strings.Repeat("x", maxDetail) + "…"} {
		if got := printable(strings.Repeat("x", n)); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// TestManifestAtItsBounds: as many values and as deep as a manifest may be, it is read.
func TestManifestAtItsBounds(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"values":                  {"a: [" + strings.Repeat("1,", maxValues-1) + "]", ""},
		"one value more":          {"a: [" + strings.Repeat("1,", maxValues) + "]", "values"},
		"mappings of dotted":      {"a: [" + strings.Repeat("{b.c: 1},", (maxValues-1)/3) + "]", ""},
		"one made by a dot":       {"a: [1,1," + strings.Repeat("{b.c: 1},", (maxValues-1)/3) + "]", "values"},
		"one mapping more":        {"a: [" + strings.Repeat("{b.c: 1},", (maxValues-1)/3+1) + "]", "values"},
		"lists":                   {"a: " + strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), ""},
		"one list more":           {"a: " + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), "deep"},
		"mappings":                {strings.Repeat("{a: ", maxDepth) + "1" + strings.Repeat("}", maxDepth), ""},
		"one mapping deeper":      {strings.Repeat("{a: ", maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1), "deep"},
		"dots":                    {strings.Repeat("a.", maxDepth-1) + "b: 1", ""},
		"one dot more":            {strings.Repeat("a.", maxDepth) + "b: 1", "deep"},
		"largest index":           {"a.1024: 1", ""},
		"what is no longer one":   {"a.1025: 1", ""},
		"index in another form":   {"a.0b1: 1", ""},
		"the same in two forms":   {"a.0x1: 1\na.1: 2", "twice"},
		"no index in two forms":   {"a.0x401: 1\na.1025: 2", ""},
		"nothing gives way":       {"a: {b: 1}\na.b:", ""},
		"nothing gives way first": {"a: {b: }\na.b: 1", ""},
	} {
		tree, f := readManifest([]byte(c.text))
		if (f == nil) != (c.want == "") || f != nil && !strings.Contains(f.detail, c.want) || f == nil && tree["a"] == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// TestEmbeddedTables: a table of the program that does not fit ends it at once.
func TestEmbeddedTables(t *testing.T) {
	for text, ok := range map[string]bool{`[{"id":"a","title":"A","parent":"b"}]`: true, `[]`: true, `[{"id":"a","name":"A"}]`: false, `{}`: false, ``: false} {
		err := guard(func() error { mustStrict[[]Category]([]byte(text)); return nil })
		if (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
	}
}
