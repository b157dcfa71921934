package parse

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp/armor"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
)

// branchOf is a branch of files in packages/, by path.
func branchOf(t *testing.T, files map[string][]byte) (index.Source, []index.Entry) {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		at := filepath.Join(root, "main", "packages", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o777), os.WriteFile(at, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := git.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return s, b.Entries
}

// packed is a whole package as an archive, with more entries in front.
func packed(t *testing.T, more ...zipEntry) []byte {
	return makeZip(t, append(more,
		zipEntry{name: "p-1.0.0/docs/README.md", content: strings.Repeat("read me ", 30), method: zip.Deflate},
		zipEntry{name: "p-1.0.0/manifest.yml", content: wholeManifest},
		zipEntry{name: "p-1.0.0/a.txt", content: "a"})...)
}

// armored is a block of an OpenPGP text.
func armored(t *testing.T, kind, body string) []byte {
	t.Helper()
	var text bytes.Buffer
	w, err := armor.Encode(&text, kind, nil)
	if err == nil {
		_, err = w.Write([]byte(body))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d\nsize 12345\n"

// TestLoadArchives: what is wrong with a ready-made archive, with the package in it and
// with the signature beside it is found, each by its rule, and then there is no package.
func TestLoadArchives(t *testing.T) {
	good := packed(t)
	type files map[string][]byte
	signed := func(signature []byte) files {
		return files{"p-1.0.0.zip": good, "p-1.0.0.zip.sig": signature}
	}
	wide := func(n int) []byte {
		return append([]byte(indextest.Signature), bytes.Repeat([]byte("\n"), n-len(indextest.Signature))...)
	}
	const beside, again = "the signature beside it ", ": sign the archive again (gpg --armor --detach-sign), or remove the file"
	for name, c := range map[string]struct {
		files  files
		limits index.Limits
		want   string // without the path of the archive; empty: it is good
	}{
		"good":                    {files{"p-1.0.0.zip": good}, index.Limits{}, ""},
		"signed":                  {signed([]byte(indextest.Signature)), index.Limits{}, ""},
		"as long as it may be":    {files{"p-1.0.0.zip": good}, index.Limits{ArchiveSize: int64(len(good))}, ""},
		"too long":                {files{"p-1.0.0.zip": good}, index.Limits{ArchiveSize: int64(len(good)) - 1}, fmt.Sprintf(": the archive has %d bytes: it may have %d [file-size]", len(good), len(good)-1)},
		"not an archive":          {files{"p-1.0.0.zip": []byte("PK")}, index.Limits{}, ": is not a zip file: no end record is found [archive-format]"},
		"a pointer":               {files{"p-1.0.0.zip": []byte(lfsPointer)}, index.Limits{}, ": " + lfsDetail + " [lfs-pointer]"},
		"another package":         {files{"p-1.0.0.zip": makeZip(t, zipEntry{name: "p-1.0.0/manifest.yml", content: strings.Replace(wholeManifest, "name: p", "name: q", 1)}, zipEntry{name: "p-1.0.0/docs/README.md"})}, index.Limits{}, `!manifest.yml:2: the name is "q", but the directory is "p": make them the same [name-directory]`},
		"an empty signature":      {signed(nil), index.Limits{}, ": " + beside + "is empty" + again + " [signature-format]"},
		"one of white space":      {signed([]byte(" \n\t")), index.Limits{}, ": " + beside + "is empty" + again + " [signature-format]"},
		"a binary one":            {signed([]byte("\x88\x01")), index.Limits{}, ": " + beside + "is not an OpenPGP signature in text form (-----BEGIN PGP SIGNATURE-----)" + again + " [signature-format]"},
		"one that is cut off":     {signed([]byte(indextest.Signature[:20])), index.Limits{}, ": " + beside + "is not an OpenPGP signature in text form: EOF" + again + " [signature-format]"},
		"a key":                   {signed(armored(t, "PGP PUBLIC KEY BLOCK", "x")), index.Limits{}, ": " + beside + `is a "PGP PUBLIC KEY BLOCK", not a signature` + again + " [signature-format]"},
		"nothing in it":           {signed(armored(t, "PGP SIGNATURE", "")), index.Limits{}, ": " + beside + "cannot be read as an OpenPGP signature: EOF" + again + " [signature-format]"},
		"a user's name in it":     {signed(armored(t, "PGP SIGNATURE", "\xb4\x01x")), index.Limits{}, ": " + beside + "holds something else than a signature" + again + " [signature-format]"},
		"a pointer as signature":  {signed([]byte(lfsPointer)), index.Limits{}, ": " + beside + lfsDetail + " [lfs-pointer]"},
		"the longest signature":   {signed(wide(maxSignature)), index.Limits{}, ""},
		"a longer one":            {signed(wide(maxSignature + 1)), index.Limits{}, ": " + beside + "has 65537 bytes: a signature has a few hundred [signature-format]"},
		"both broken, the first":  {files{"p-1.0.0.zip": []byte("PK"), "p-1.0.0.zip.sig": nil}, index.Limits{}, ": is not a zip file: no end record is found [archive-format]"},
		"only a name for Windows": {files{"p-1.0.0.zip": packed(t, zipEntry{name: "p-1.0.0/aux"})}, index.Limits{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, entries := branchOf(t, c.files)
			var report index.Findings
			loader := Loader{Source: s, Parser: NewParser(), Limits: c.limits}
			out, err := loader.Load(t.Context(), entries, &report)
			if err != nil || len(out) != 1 {
				t.Fatalf("%v, %v", out, err)
			}
			warns := name == "only a name for Windows"
			if warns != (len(report.Warnings) == 1) || warns && (report.Warnings[0].Rule != index.RulePathPortable || report.Warnings[0].File != "packages/p-1.0.0.zip!aux") {
				t.Errorf("warnings: %v", report.Warnings)
			}
			if c.want != "" {
				if out[0] != nil || len(report.Errors) == 0 || report.Errors[0].String() != "main: p-1.0.0: packages/p-1.0.0.zip"+c.want {
					t.Errorf("%+v, %v\nwant %s", out[0], report.Errors, c.want)
				}
				return
			}
			if len(report.Errors) > 0 || out[0] == nil {
				t.Fatal(report.Errors)
			}
			l, want := out[0], "/package/p/1.0.0/"
			if l.Entry != entries[0] || l.Files != nil || l.Largest != 240 || l.Package.Name != "p" || l.Package.Readme != want+"docs/README.md" {
				t.Errorf("%+v", l)
			}
			// In the order of the archive's directory, and not in that of a walk.
			if got := strings.TrimPrefix(strings.Join(l.Package.Assets, " "), want+"aux "); got != want+"manifest.yml "+want+"a.txt "+want+"docs/README.md" {
				t.Errorf("assets %s", got)
			}
		})
	}
}

// TestUseArchive: while an archive is used its memory is taken, with what its user takes
// itself; the error of who uses it is the error.
func TestUseArchive(t *testing.T) {
	content := packed(t)
	s, entries := branchOf(t, map[string][]byte{"p-1.0.0.zip": content})
	loader := Loader{Source: s, Parser: NewParser()}
	stop := errors.New("stop")
	_, err := loader.UseArchive(t.Context(), entries[0], 1000, func(a *Archive) error {
		left := int64(roomBytes - len(content) - 1000)
		if loader.room.sem.TryAcquire(left+1) || !loader.room.sem.TryAcquire(left) {
			t.Errorf("there are not %d bytes left", left)
		}
		loader.room.sem.Release(left)
		if !bytes.Equal(a.Bytes(), content) {
			t.Error("it is not the archive")
		}
		for name, deflated := range map[string]bool{"docs/README.md": true, "a.txt": false, "manifest.yml": false} {
			body, err := a.Read(name)
			if err != nil {
				t.Fatal(err)
			}
			offset, size, sum, isDeflated := a.Span(name)
			raw, want := string(a.Bytes()[offset:offset+size]), string(body)
			if deflated {
				want = deflate(t, want)
			}
			if isDeflated != deflated || raw != want || sum != crc32.ChecksumIEEE(body) {
				t.Errorf("%s: %q, deflated %t, %08x", name, raw, isDeflated, sum)
			}
		}
		return stop
	})
	if !errors.Is(err, stop) || !loader.room.sem.TryAcquire(roomBytes) {
		t.Errorf("%v, or memory is not given back", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	s, directory := branchOf(t, map[string][]byte{"p/1.0.0/manifest.yml": []byte(wholeManifest)})
	full := Loader{Source: patient{s}, Parser: NewParser()}
	if _, err := full.Reserve(t.Context(), roomBytes); err != nil {
		t.Fatal(err)
	}
	if out, err := full.read(ended, directory[0], &claims{ids: map[index.ID]bool{}}); !errors.Is(err, context.Canceled) || out.loaded != nil {
		t.Errorf("a directory without memory: %+v, %v", out, err)
	}
	if _, err := loader.UseArchive(ended, entries[0], 0, func(*Archive) error { t.Error("it was used"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("without memory: %v", err)
	}
}

// patient lists whatever the context says.
type patient struct{ index.Source }

func (p patient) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	return p.Source.List(context.WithoutCancel(ctx), e)
}

// TestIsArchive: of that package, in that version, and in good order.
func TestIsArchive(t *testing.T) {
	good := packed(t)
	for name, c := range map[string]struct {
		name, version string
		content       []byte
		limits        index.Limits
		want          bool
	}{
		"good":            {"p", "1.0.0", good, index.Limits{}, true},
		"of another name": {"q", "1.0.0", makeZip(t, zipEntry{name: "q-1.0.0/manifest.yml", content: wholeManifest}), index.Limits{}, false},
		"version":         {"p", "1.1.0", makeZip(t, zipEntry{name: "p-1.1.0/manifest.yml", content: wholeManifest}), index.Limits{}, false},
		"directory":       {"p", "1.1.0", good, index.Limits{}, false},
		"no manifest":     {"p", "1.0.0", makeZip(t, zipEntry{name: "p-1.0.0/x"}), index.Limits{}, false},
		"not a zip file":  {"p", "1.0.0", []byte(wholeManifest), index.Limits{}, false},
		"too long":        {"p", "1.0.0", good, index.Limits{ArchiveSize: int64(len(good)) - 1}, false},
		"as long":         {"p", "1.0.0", good, index.Limits{ArchiveSize: int64(len(good))}, true},
	} {
		if got := IsArchive(c.name, c.version, c.content, c.limits); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	for text, want := range map[string][2]string{
		wholeManifest: {"p", "1.0.0"}, "version: 2\n": {"", "2"}, "[": {}, "- a\n": {}, "": {}, "name: {a: b}\nversion: 1.0.0\n": {"", "1.0.0"},
	} {
		if name, version := Identity([]byte(text)); name != want[0] || version != want[1] {
			t.Errorf("%q is %q %q", text, name, version)
		}
	}
}
