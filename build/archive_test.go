package build

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	stdgzip "compress/gzip"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// packed is a package as writeArchive takes it: in the order of a lexical walk.
func packed(t *testing.T, files ...index.File) []archiveFile {
	t.Helper()
	var out []archiveFile
	for i, f := range files {
		b := new(blob)
		if err := b.fill([]byte(strings.Repeat("content of "+f.Path+"\n", i*10))); err != nil { // the first is empty
			t.Fatal(err)
		}
		out = append(out, archiveFile{File: f, blob: b})
	}
	return out
}

func TestArchive(t *testing.T) {
	files := packed(t,
		index.File{Path: "a/b/deep.txt"}, index.File{Path: "a/run.sh", Mode: index.Executable}, index.File{Path: "a.txt"},
		index.File{Path: "img/logo.png"}, index.File{Path: "kibana/[A] b (c).json"}, index.File{Path: "手册/ü.md"})
	files[3].blob = new(blob)
	if err := files[3].fill([]byte("\x89PNG\r\n\x1a\nimage")); err != nil {
		t.Fatal(err)
	}
	var out, twice bytes.Buffer
	spans, err := writeArchive(&out, "p-1.0.0", files)
	if err != nil {
		t.Fatal(err)
	}
	body := out.Bytes()
	if _, err := writeArchive(&twice, "p-1.0.0", files); err != nil || !bytes.Equal(body, twice.Bytes()) {
		t.Errorf("written again it is other bytes, %v", err)
	}

	r, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	contents := map[string]string{}
	for _, e := range r.File {
		names = append(names, e.Name)
		wantMode := "-rw-r--r--"
		switch {
		case strings.HasSuffix(e.Name, "/"):
			wantMode = "drwxr-xr-x"
		case strings.HasSuffix(e.Name, ".sh"):
			wantMode = "-rwxr-xr-x"
		}
		if got := e.Mode().String(); got != wantMode {
			t.Errorf("%s has mode %s, want %s", e.Name, got, wantMode)
		}
		if got := e.Modified.Format("2006-01-02 15:04"); got != "1980-01-01 00:00" {
			t.Errorf("%s is of %s", e.Name, got)
		}
		if e.NonUTF8 || e.Flags&0x8 != 0 {
			t.Errorf("%s: flags %#x: names are UTF-8, lengths stand before the data", e.Name, e.Flags)
		}
		f, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f) // checks the CRC
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		contents[strings.TrimPrefix(e.Name, "p-1.0.0/")] = string(content)
	}
	want := []string{
		"p-1.0.0/a/", "p-1.0.0/a/b/", "p-1.0.0/a/b/deep.txt", "p-1.0.0/a/run.sh", "p-1.0.0/a.txt",
		"p-1.0.0/img/", "p-1.0.0/img/logo.png", "p-1.0.0/kibana/", "p-1.0.0/kibana/[A] b (c).json", "p-1.0.0/手册/", "p-1.0.0/手册/ü.md",
	}
	if !slices.Equal(names, want) {
		t.Errorf("entries\n%q\nwant\n%q", names, want)
	}
	for i, f := range files {
		if contents[f.Path] != string(f.raw) {
			t.Errorf("%s holds %q", f.Path, contents[f.Path])
		}
		span := spans[i]
		var held io.Reader = bytes.NewReader(body[span.Offset : span.Offset+span.Size])
		if f.deflated != nil {
			held = flate.NewReader(held)
		}
		got, err := io.ReadAll(held)
		if err != nil || string(got) != string(f.raw) || span.CRC32 != crc32.ChecksumIEEE(f.raw) {
			t.Errorf("%s: its span holds %q, %v", f.Path, got, err)
		}
	}
}

// TestNamesInUTF8: names that other code pages have other characters for say that they
// are UTF-8 (APPNOTE.TXT, appendix D): DEL is one, and what is printable in ASCII is not.
func TestNamesInUTF8(t *testing.T) {
	for name, want := range map[string]bool{"a": false, "a b~": false, "a\x7f": true, "ü": true, "手": true} {
		if got := header(name, 0o644).Flags == 0x800; got != want {
			t.Errorf("%q is said to be UTF-8: %v", name, got)
		}
	}
}

// TestArchiveRefuses what no archive can name: names have up to 65,535 bytes.
func TestArchiveRefuses(t *testing.T) {
	for length, ok := range map[int]bool{65535: true, 65536: false} {
		for _, path := range []string{strings.Repeat("x", length-2), strings.Repeat("x", length-3) + "/x"} {
			files := packed(t, index.File{Path: "a"}, index.File{Path: path})
			if strings.HasSuffix(path, "/x") && ok {
				files = packed(t, index.File{Path: "a"}, index.File{Path: path[2:]})
			}
			spans, err := writeArchive(new(bytes.Buffer), "r", files)
			if (err == nil) != ok || (spans != nil) != ok {
				t.Errorf("a name of %d bytes: %v, %v", length, spans, err)
			}
		}
	}
}

func TestGzip(t *testing.T) {
	for _, content := range []string{"", "a", strings.Repeat("a long text ", 100_000)} {
		encoded, err := gzipEncode([]byte(content))
		if err != nil {
			t.Fatal(err)
		}
		r, err := stdgzip.NewReader(bytes.NewReader(encoded))
		if err != nil {
			t.Fatal(err)
		}
		if !r.ModTime.IsZero() || r.Name != "" || r.OS != 255 {
			t.Errorf("header %+v tells of the machine", r.Header)
		}
		got, err := io.ReadAll(r) // checks CRC and length
		if err != nil || string(got) != content {
			t.Errorf("%d bytes, %v; want %d", len(got), err, len(content))
		}
	}
}
