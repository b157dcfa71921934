package parse

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// failing is a source of which one call fails.
type failing struct {
	index.Source
	call string
	id   index.ID
	err  error
}

func (f failing) Size(ctx context.Context, id index.ID) (int64, error) {
	if f.call == "size" && id == f.id {
		return 0, f.err
	}
	return f.Source.Size(ctx, id)
}

func (f failing) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	if f.call == "list" {
		return nil, f.err
	}
	return f.Source.List(ctx, e)
}

func (f failing) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	if f.call == "read" && slices.Contains(ids, f.id) {
		return f.err
	}
	return f.Source.Read(ctx, ids, fn)
}

func (f failing) Prefetch(context.Context, []index.Entry) error {
	if f.call == "prefetch" {
		return f.err
	}
	return nil
}

// TestLoadFails has each call of a source fail: what the repository holds no more or in
// pieces is a broken package, and all else is an error that says where.
func TestLoadFails(t *testing.T) {
	s, entries := branchOf(t, map[string][]byte{
		"p-1.0.0.zip": packed(t), "p-1.0.0.zip.sig": []byte(indextest.Signature),
		"q/1.0.0/manifest.yml": []byte(strings.Replace(wholeManifest, "name: p", "name: q", 1)), "q/1.0.0/docs/README.md": nil, "q/1.0.0/z.txt": []byte(strings.Repeat("z", lfsLeast)),
	})
	files, err := s.List(t.Context(), entries[1])
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	broken := errors.New("the disk is gone")
	for _, c := range []struct {
		call string
		id   index.ID
		at   string
	}{
		{"prefetch", index.ID{}, ""}, {"list", index.ID{}, "packages/q/1.0.0"}, {"size", entries[0].Archive, "packages/p-1.0.0.zip"}, {"read", entries[0].Archive, "packages/p-1.0.0.zip"},
		{"size", entries[0].Signature, "packages/p-1.0.0.zip"}, {"read", entries[0].Signature, "packages/p-1.0.0.zip"}, {"read", files[1].Blob, "packages/q/1.0.0"}, {"read", files[2].Blob, "packages/q/1.0.0"},
	} {
		for cause, rule := range map[error]index.Rule{broken: "", index.ErrNoObject: index.RuleObjectMissing, git.ErrBadObject: index.RuleIrregularFile} {
			if c.call == "prefetch" {
				rule = ""
			}
			var report index.Findings
			loader := Loader{Source: failing{s, c.call, c.id, cause}, Parser: NewParser()}
			out, err := loader.Load(t.Context(), entries, &report)
			if rule == "" {
				if !errors.Is(err, cause) || c.at != "" && !strings.Contains(err.Error(), "branch main: "+c.at+": ") {
					t.Errorf("%s of %s: %v", c.call, c.at, err)
				}
				continue
			}
			if err != nil || len(report.Errors) != 1 || report.Errors[0].Rule != rule || report.Errors[0].File != c.at {
				t.Errorf("%s of %s: %v, %v", c.call, c.at, report.Errors, err)
				continue
			}
			for i, e := range entries { // the other one is loaded
				if broken := e.Path == c.at; (out[i] == nil) != broken {
					t.Errorf("%s of %s: %s is %+v", c.call, c.at, e.Path, out[i])
				}
			}
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	loader := Loader{Source: failing{s, "size", entries[0].Archive, index.ErrNoObject}, Parser: NewParser()}
	var report index.Findings
	if _, err := loader.Load(ended, entries, &report); err == nil || len(report.Errors) > 0 {
		t.Errorf("with an ended context it is taken for a broken package: %v, %v", report.Errors, err)
	}
}

// TestLoadProgress: each entry counts once, whatever became of it, and the packages stand
// where their entries do.
func TestLoadProgress(t *testing.T) {
	all := map[string][]byte{}
	for _, name := range []string{"a", "b", "c"} {
		for _, version := range []string{"1.0.0", "1.1.0"} {
			at := name + "/" + version + "/"
			all[at+"manifest.yml"] = []byte(strings.NewReplacer("name: p", "name: "+name, "1.0.0\ndescription", version+"\ndescription").Replace(wholeManifest))
			all[at+"docs/README.md"] = nil
		}
	}
	delete(all, "b/1.1.0/docs/README.md")
	s, entries := branchOf(t, all)
	var calls []int
	var report index.Findings
	loader := Loader{Source: s, Parser: NewParser(), Progress: func(done, total int) {
		calls = append(calls, done)
		if total != 6 {
			t.Errorf("of %d", total)
		}
	}}
	out, err := loader.Load(t.Context(), entries, &report)
	if err != nil || !slices.Equal(calls, []int{1, 2, 3, 4, 5, 6}) || len(report.Errors) != 1 || report.Errors[0].Rule != index.RuleReadmeMissing {
		t.Fatalf("%v, %v, %v", calls, report.Errors, err)
	}
	for i, e := range entries {
		if e.Name == "b" && e.Version == "1.1.0" {
			if out[i] != nil {
				t.Error("a broken package is loaded")
			}
		} else if out[i].Entry != e || out[i].Package.Name != e.Name || out[i].Package.Version != e.Version || out[i].Largest != 0 {
			t.Errorf("%+v is %+v", e, out[i])
		} else if files, err := s.List(t.Context(), e); err != nil || !slices.Equal(out[i].Files, files) {
			t.Errorf("%+v: files %v, want %v, %v", e, out[i].Files, files, err)
		}
	}
}

// counting counts how often each content is read.
type counting struct {
	index.Source
	reads map[index.ID]int
}

func (c counting) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	for _, id := range ids {
		c.reads[id]++
	}
	return c.Source.Read(ctx, ids, fn)
}

// TestReadOnce: what several versions of a package share is read once, and nothing is read
// that describes nothing.
func TestReadOnce(t *testing.T) {
	all := map[string][]byte{}
	for _, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		at := "p/" + version + "/"
		all[at+"manifest.yml"] = []byte(strings.Replace(wholeManifest, "1.0.0\ndescription", version+"\ndescription", 1))
		all[at+"docs/README.md"] = []byte("read me")
		all[at+"docs/long.md"] = []byte(strings.Repeat("x", lfsMost+1))
		all[at+"z.txt"] = []byte(strings.Repeat("may be a pointer", 10))
		all[at+"data_stream/log/manifest.yml"] = []byte("title: L\ntype: logs\n")
		all[at+"data_stream/log/fields/a.yml"] = []byte("- {name: data_stream.type, type: constant_keyword}\n- {name: data_stream.dataset, type: constant_keyword}\n- {name: data_stream.namespace, type: constant_keyword}\n- {name: '@timestamp', type: date}\n")
	}
	s, entries := branchOf(t, all)
	c := counting{s, map[index.ID]int{}}
	var report index.Findings
	loader := Loader{Source: c, Parser: NewParser()}
	if _, err := loader.Load(t.Context(), entries, &report); err != nil || len(report.Errors) > 0 {
		t.Fatal(report.Errors, err)
	}
	for _, e := range entries {
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			want := 1
			if strings.HasPrefix(f.Path, "docs/") {
				want = 0
			}
			if got := c.reads[f.Blob]; got != want {
				t.Errorf("%s %s was read %d times, want %d", e.Version, f.Path, got, want)
			}
		}
	}
}

// TestReadAhead: what the parser may need is read ahead, up to a number of bytes for each
// package; the rest is read when it is looked at, and once by whoever needs it first.
func TestReadAhead(t *testing.T) {
	file := func(n byte, name string, size int64) index.File {
		return index.File{Path: name, Size: size, Blob: index.ID{n}}
	}
	fields := func(n byte, size int64) index.File {
		return file(n, fmt.Sprintf("data_stream/a/fields/%d.yml", n), size)
	}
	for name, c := range map[string]struct {
		files []index.File
		want  string
		size  int64
	}{
		"what is needed":          {[]index.File{file(1, "manifest.yml", 10), file(2, "docs/README.md", 20), fields(3, 30)}, "1 3", 40},
		"what may be a pointer":   {[]index.File{file(1, "a", lfsLeast-1), file(2, "b", lfsLeast), file(3, "c", lfsMost), file(4, "d", lfsMost+1)}, "2 3", lfsLeast + lfsMost},
		"a file that is too long": {[]index.File{fields(1, MaxParsedBytes), fields(2, MaxParsedBytes+1), fields(3, 1)}, "1 3", MaxParsedBytes + 1},
		"as much as there may be": {[]index.File{fields(1, MaxParsedBytes), fields(2, MaxParsedBytes), fields(3, MaxParsedBytes), fields(4, MaxParsedBytes)}, "1 2 3 4", prefetchBytes},
		"one byte more":           {[]index.File{fields(1, MaxParsedBytes), fields(2, MaxParsedBytes), fields(3, MaxParsedBytes), fields(4, 1), fields(5, MaxParsedBytes), fields(6, MaxParsedBytes-1)}, "1 2 3 4 6", prefetchBytes},
		"what others read":        {[]index.File{fields(9, 10), fields(1, 20)}, "1", 30},
		"twice":                   {[]index.File{fields(1, 10), file(1, "manifest.yml", 10)}, "1", 20},
	} {
		seen := &claims{ids: map[index.ID]bool{{9}: true}}
		tree, wanted, size := new(Loader).tree(t.Context(), c.files, seen)
		var got []string
		for _, id := range wanted {
			got = append(got, fmt.Sprint(id[0]))
			if !seen.ids[id] {
				t.Errorf("%s: others would read %d too", name, id[0])
			}
		}
		if strings.Join(got, " ") != c.want || size != c.size {
			t.Errorf("%s: %q, %d bytes; want %q, %d", name, got, size, c.want, c.size)
		}
		for _, f := range c.files {
			if tree.ids[f.Path] != f.Blob {
				t.Errorf("%s: %s is %v", name, f.Path, tree.ids[f.Path])
			}
		}
	}
}

// TestTreeOfASource: what was read ahead is not read again, what is not in the package is
// not there, and the first failure is the one that is kept.
func TestTreeOfASource(t *testing.T) {
	s, entries := branchOf(t, map[string][]byte{"p/1.0.0/a": []byte("a"), "p/1.0.0/b": []byte("b"), "p/1.0.0/c": []byte("c")})
	files, err := s.List(t.Context(), entries[0])
	if err != nil {
		t.Fatal(err)
	}
	first := errors.New("first")
	tree := &sourceTree{ctx: t.Context(), source: failing{s, "read", files[1].Blob, first}, files: files, ids: map[string]index.ID{}, content: map[index.ID][]byte{files[0].Blob: []byte("ahead")}}
	for _, f := range files {
		tree.ids[f.Path] = f.Blob
	}
	for name, want := range map[string]string{"a": "ahead", "c": "c"} {
		if got, err := tree.Read(name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := tree.Read("none"); !errors.Is(err, fs.ErrNotExist) || got != nil || tree.err != nil {
		t.Errorf("%q, %v, %v", got, err, tree.err)
	}
	if _, err := tree.Read("b"); !errors.Is(err, first) || !errors.Is(tree.err, first) || tree.err.Error() != "b: first" {
		t.Errorf("%v, %v", err, tree.err)
	}
	tree.source = failing{s, "read", files[2].Blob, errors.New("second")}
	if _, err := tree.Read("c"); err == nil || tree.err.Error() != "b: first" {
		t.Errorf("%v, %v", err, tree.err)
	}
}

// TestOwners: whom the manifest names, of a directory and of an archive; no one where that
// cannot be found out.
func TestOwners(t *testing.T) {
	long := func(n int) []byte {
		return append([]byte("owner.github: a/long\n#"), bytes.Repeat([]byte("x"), n-22)...)
	}
	s, entries := branchOf(t, map[string][]byte{
		"archive-1.0.0.zip": makeZip(t, zipEntry{name: "archive-1.0.0/manifest.yml", content: "owner.github: a/archive\x1b"}, zipEntry{name: "archive-1.0.0/x", content: "github: b/x"}),
		"bad-1.0.0.zip":     []byte("owner.github: a/bad"),
		"no-1.0.0.zip":      makeZip(t, zipEntry{name: "no-1.0.0/x", content: "owner.github: a/x"}),
		"dir/1.0.0/a":       []byte("owner.github: a/a"), "dir/1.0.0/manifest.yml": []byte("owner.github: a/dir"), "dir/1.0.0/z": []byte("owner.github: a/z"),
		"first/1.0.0/manifest.yml": []byte("owner: {github: a/first}"), "first/1.0.0/z": nil,
		"none/1.0.0/z":            []byte("owner.github: a/none"),
		"most/1.0.0/manifest.yml": long(MaxParsedBytes), "over/1.0.0/manifest.yml": long(MaxParsedBytes + 1),
	})
	want := map[string]string{"archive": "", "dir": "a/dir", "first": "a/first", "most": "a/long"}
	want["archive"] = "a/archive"
	for _, e := range entries {
		loader := Loader{Source: s, Parser: NewParser()}
		if got := loader.Owner(t.Context(), e); got != want[e.Name] {
			t.Errorf("%s: %q, want %q", e.Path, got, want[e.Name])
		}
		for _, call := range []string{"list", "size", "read"} {
			loader.Source = failing{s, call, e.Archive, errors.New("gone")}
			if !e.IsArchive() && call == "read" {
				continue
			}
			if got := loader.Owner(t.Context(), e); (e.IsArchive() == (call != "list")) && got != "" {
				t.Errorf("%s, which cannot be read: %q", e.Path, got)
			}
		}
	}
}

// TestOwnerIsNotFollowed: a manifest that is a link is not read, whatever its target is called.
func TestOwnerIsNotFollowed(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "main", "packages", "p", "1.0.0")
	if err := errors.Join(os.MkdirAll(dir, 0o777), os.Symlink("owner.github: a/link", filepath.Join(dir, "manifest.yml"))); err != nil {
		t.Fatal(err)
	}
	s, err := git.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	loader := Loader{Source: s, Parser: NewParser()}
	if got := loader.Owner(t.Context(), b.Entries[0]); got != "" {
		t.Errorf("the owner is %q", got)
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "manifest.yml")), os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte("owner.github: a/run"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if b, err = s.Branch(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if got := loader.Owner(t.Context(), b.Entries[0]); got != "a/run" {
		t.Errorf("of one that can be run: %q", got)
	}
}

// TestRoom: what was taken is given back, and who asks for more than there is gets all.
func TestRoom(t *testing.T) {
	for bytes, takes := range map[int64]int64{-1: 0, 0: 0, 1: 1, roomBytes - 1: roomBytes - 1, roomBytes: roomBytes, roomBytes + 1: roomBytes} {
		var r room
		release, err := r.reserve(t.Context(), bytes)
		if err != nil {
			t.Fatal(err)
		}
		if left := roomBytes - takes; r.sem.TryAcquire(left+1) || !r.sem.TryAcquire(left) {
			t.Errorf("%d bytes: there are not %d left", bytes, left)
		} else {
			r.sem.Release(left)
		}
		release()
		if !r.sem.TryAcquire(roomBytes) {
			t.Errorf("%d bytes were not given back", bytes)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if r.sem.Release(roomBytes); !r.sem.TryAcquire(roomBytes) {
			t.Fatal("more was given back than was taken")
		}
		if release, err := r.reserve(ended, 1); !errors.Is(err, context.Canceled) || release != nil {
			t.Errorf("of a full room: %v", err)
		}
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
