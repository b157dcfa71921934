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
