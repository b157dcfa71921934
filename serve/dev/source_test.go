package dev

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest/failtest"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// errReader is what a failingReader ends in.
var errReader = errors.New("the bucket cannot be read")

// failingReader is a bucket that cannot be read.
type failingReader struct{}

func (failingReader) Read(context.Context, string) ([]byte, error) { return nil, errReader }
func (failingReader) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, errReader
}
func (failingReader) Sizes(context.Context, layout.Revision) (map[string]int64, error) {
	return nil, errReader
}

func endedContext(t *testing.T) context.Context {
	ctx, end := context.WithCancel(t.Context())
	end()
	return ctx
}

// zipped is an archive of names and contents, in pairs.
func zipped(t *testing.T, files ...string) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = io.WriteString(w, files[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func blob(content string) index.ID { return git.ObjectID(git.BlobObject, []byte(content)) }

// listed is files in one line each.
func listed(files []index.File) (lines []string) {
	for _, f := range files {
		lines = append(lines, fmt.Sprintf("%s %d %s", f.Path, f.Size, f.Blob))
	}
	return lines
}

// TestUnpack lists the files of an archive in the order of a source, and passes over what is
// no file of the package.
func TestUnpack(t *testing.T) {
	contents := map[index.ID][]byte{}
	files, err := unpack(zipped(t, "web-1.0.0/", "", "web-1.0.0/docs/", "", "web-1.0.0/docs-a", "1", "web-1.0.0/docs/b", "22", "web-1.0.0/a", "", "other/c", "x", "web-1.0.0x/d", "x"), "web-1.0.0", contents)
	want := []string{"a 0 " + blob("").String(), "docs/b 2 " + blob("22").String(), "docs-a 1 " + blob("1").String()}
	if err != nil || !slices.Equal(listed(files), want) {
		t.Errorf("%q, %v", listed(files), err)
	}
	if len(contents) != 3 || string(contents[blob("22")]) != "22" {
		t.Errorf("%q", contents)
	}
	if _, err := unpack([]byte("no archive"), "web-1.0.0", contents); err == nil {
		t.Error("what is no archive is read")
	}
	whole := zipped(t, "web-1.0.0/a", strings.Repeat("abc", 100))
	damaged := bytes.Clone(whole)
	damaged[len("web-1.0.0/a")+32] ^= 0xff
	if _, err := unpack(damaged, "web-1.0.0", contents); err == nil || !strings.Contains(err.Error(), "web-1.0.0/a: ") {
		t.Errorf("damage: %v", err)
	}
	method := bytes.Clone(whole)
	at := bytes.LastIndex(method, []byte("PK\x01\x02"))
	method[at+10] = 99 // how it is packed
	if _, err := unpack(method, "web-1.0.0", contents); !errors.Is(err, zip.ErrAlgorithm) {
		t.Errorf("another way of packing: %v", err)
	}
}

// TestKeep reads a package as it was: its files out of the archive, or the archive and its
// signature as they are.
func TestKeep(t *testing.T) {
	m := newMemory("dev", nil)
	rev := revision("1.0.0", "aa")
	p := layout.ManifestPackage{Name: "web", Version: "1.0.0", Revision: "aa"}
	archive := zipped(t, "web-1.0.0/a", "1")
	e := index.Entry{Name: "web", Version: "1.0.0", Tree: index.ID{9}}
	ready, signed := e, e
	ready.Tree, ready.Archive = index.ID{}, index.ID{1}
	signed.Tree, signed.Archive, signed.Signature = index.ID{}, index.ID{1}, index.ID{2}
	for _, e := range []index.Entry{e, ready} {
		if _, err := keep(t.Context(), e, p, failingReader{}); !errors.Is(err, errReader) {
			t.Errorf("%v", err)
		}
	}
	m.put(t, rev.ArchiveKey(), string(archive))
	if _, err := keep(t.Context(), signed, p, m); err == nil {
		t.Error("there is no signature, and none is missed")
	}
	m.put(t, rev.SignatureKey(), "signature")
	for what, c := range map[string]struct {
		entry    index.Entry
		files    int
		contents map[index.ID]string
	}{
		"a directory":       {e, 1, map[index.ID]string{blob("1"): "1"}},
		"an archive":        {ready, 0, map[index.ID]string{{1}: string(archive)}},
		"one with its .sig": {signed, 0, map[index.ID]string{{1}: string(archive), {2}: "signature"}},
	} {
		k, err := keep(t.Context(), c.entry, p, m)
		if err != nil || k.entry != c.entry || len(k.files) != c.files || len(k.contents) != len(c.contents) {
			t.Errorf("%s: %+v, %v", what, k, err)
			continue
		}
		for id, want := range c.contents {
			if string(k.contents[id]) != want {
				t.Errorf("%s: %q, want %q", what, k.contents[id], want)
			}
		}
	}
}

// TestSource reads each content where it is: of a package that is kept, of the work tree, of
// what is under it; and passes on what fails.
func TestSource(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	under := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("web", "1.0.0", "mine")
	under.write("web", "1.0.0", "theirs")
	under.write("other", "3.0.0", "other")
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	b.check(err)
	base := git.OpenDirs(map[string]string{"main": under.dir})
	s := &source{work: work}
	if _, err := s.Branch(t.Context(), "main"); !errors.Is(err, index.ErrNoBranch) || !strings.Contains(err.Error(), "main") {
		t.Errorf("%v", err)
	}
	if _, err := s.Size(t.Context(), blob("none")); !errors.Is(err, index.ErrNoObject) {
		t.Errorf("%v", err)
	}
	s.branch, err = work.Branch(t.Context(), git.WorkBranch)
	b.check(err)
	s.under = &failtest.Source{Source: base, At: 1}
	if _, err := s.Branch(t.Context(), "main"); !errors.Is(err, failtest.Err) {
		t.Errorf("%v", err)
	}
	s.under = base
	theirs, err := s.Branch(t.Context(), "main")
	if mine, mineErr := s.Branch(t.Context(), git.WorkBranch); err != nil || len(theirs.Entries) != 2 || mineErr != nil || mine != s.branch {
		t.Fatalf("%v %v %v", theirs, err, mineErr)
	}
	web := s.branch.Entries[0]
	kept := &keptPackage{entry: web, files: []index.File{{Path: "kept"}}, contents: map[index.ID][]byte{blob("kept"): []byte("kept"), blob("kept too"): []byte("kept too")}}
	s.kept = map[version]*keptPackage{versionOf(web): kept}
	changed, other := web, web
	changed.Tree, other.Version = index.ID{8}, "1.1.0"
	if files, err := s.List(t.Context(), web); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
	for _, e := range []index.Entry{changed, other} {
		files, err := s.List(t.Context(), e)
		if kept := len(files) == 1; kept || e.Version == "1.1.0" && err != nil {
			t.Errorf("%+v: %v %v", e, files, err)
		}
	}
	for _, e := range theirs.Entries {
		if files, err := s.List(t.Context(), e); err != nil || len(files) != 2 {
			t.Errorf("%v %v", files, err)
		}
	}
	mine, base1, base2 := "# mine\n", "# theirs\n", "# other\n"
	for _, contents := range [][]string{
		{}, {mine}, {base1}, {"kept"}, {mine, mine, base1, base2, "kept", "kept too", mine}, {base1, "kept", base2}, {"kept", mine, "kept too", base1}, {mine, "kept", mine}, {base2, mine, base1},
	} {
		var ids []index.ID
		for _, c := range contents {
			ids = append(ids, blob(c))
			if size, err := s.Size(t.Context(), blob(c)); err != nil || size != int64(len(c)) {
				t.Errorf("%q: %d, %v", c, size, err)
			}
		}
		var got []string
		err := s.Read(t.Context(), ids, func(id index.ID, content []byte) error {
			if id != blob(string(content)) {
				t.Errorf("%q has another id", content)
			}
			got = append(got, string(content))
			return nil
		})
		if err != nil || !slices.Equal(got, contents) {
			t.Errorf("%q: %q, %v", contents, got, err)
		}
		for at := range contents {
			stop, n := errors.New("enough"), 0
			err := s.Read(t.Context(), ids, func(index.ID, []byte) error {
				if n++; n > at {
					return stop
				}
				return nil
			})
			if !errors.Is(err, stop) || n != at+1 {
				t.Errorf("%q, to end at %d: %v after %d", contents, at, err, n)
			}
		}
	}
	for _, under := range []index.Source{nil, base} {
		s.under = under
		err := s.Read(t.Context(), []index.ID{blob("kept"), blob("none")}, func(index.ID, []byte) error { return nil })
		if _, size := s.Size(t.Context(), blob("none")); !errors.Is(err, index.ErrNoObject) || !errors.Is(size, index.ErrNoObject) {
			t.Errorf("%v, %v", err, size)
		}
	}
	if c, err := s.LastChange(t.Context(), "main", "packages/web/1.0.0"); c != nil || err != nil {
		t.Errorf("%v %v", c, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestSnapshotSource: what a snapshot says of its packages, read when it is asked for, until
// it is forgotten.
func TestSnapshotSource(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "first")
	b.built()
	m := *b.registry.live.Manifest
	base, err := OfSnapshot(b.registry.store, &m, b.registry.routes)
	b.check(err)
	branch, err := base.Source.Branch(t.Context(), "")
	b.check(err)
	tree, err := index.ParseID(m.Packages[0].Source)
	b.check(err)
	want := index.Entry{Branch: "base", Name: "web", Version: "1.0.0", Path: "packages/web/1.0.0", Revision: m.Packages[0].Revision, Tree: tree}
	if branch.Name != "base" || len(branch.Entries) != 1 || branch.Entries[0] != want || base.Branch != "base" || base.Live.Manifest != &m || base.Live.Routes != b.registry.routes || base.Bucket != Reader(b.registry.store) {
		t.Errorf("%+v %+v", base, branch)
	}
	s := base.Source.(*snapshotSource)
	readme := blob("# first\n")
	unknown := func() {
		t.Helper()
		_, size := s.Size(t.Context(), readme)
		read := s.Read(t.Context(), []index.ID{readme}, func(index.ID, []byte) error { return nil })
		for _, err := range []error{size, read} {
			if !errors.Is(err, index.ErrNoObject) || !strings.Contains(err.Error(), readme.String()) {
				t.Errorf("%v", err)
			}
		}
	}
	unknown()
	files, err := s.List(t.Context(), want)
	if err != nil || len(files) != 2 || files[0].Path != "docs/README.md" || files[0].Blob != readme {
		t.Errorf("%v %v", files, err)
	}
	if size, err := s.Size(t.Context(), readme); err != nil || size != 8 {
		t.Errorf("%d %v", size, err)
	}
	read := 0
	enough := errors.New("enough")
	ids := []index.ID{readme, files[1].Blob}
	if err := s.Read(t.Context(), ids, func(id index.ID, c []byte) error { read++; return nil }); err != nil || read != 2 {
		t.Errorf("%v, %d", err, read)
	}
	if err := s.Read(t.Context(), ids, func(index.ID, []byte) error { read++; return enough }); !errors.Is(err, enough) || read != 3 {
		t.Errorf("%v, %d", err, read)
	}
	ended := endedContext(t)
	if err := s.Read(ended, ids, func(index.ID, []byte) error { return nil }); !errors.Is(err, ended.Err()) {
		t.Errorf("%v", err)
	}
	s.forget()
	unknown()
	s.bucket = failingReader{}
	if _, err := s.List(t.Context(), want); !errors.Is(err, errReader) || !strings.Contains(err.Error(), "web-1.0.0 of the base") {
		t.Errorf("%v", err)
	}
	if c, err := s.LastChange(t.Context(), "base", want.Path); c != nil || err != nil || s.Close() != nil {
		t.Errorf("%v %v", c, err)
	}
	id := strings.Repeat("ab", 20)
	for what, c := range map[string]struct {
		change func(*layout.Manifest)
		signed index.ID
		fails  string
	}{
		"a signature":    {change: func(m *layout.Manifest) { m.Packages[0].Signature = id }, signed: index.ID(bytes.Repeat([]byte{0xab}, 20))},
		"both":           {change: func(m *layout.Manifest) { m.Packages[0].Signature, m.Packages[0].SignedBy = id, "f" }, signed: index.ID(bytes.Repeat([]byte{0xab}, 20))},
		"signed by us":   {change: func(m *layout.Manifest) { m.Packages[0].SignedBy = "f" }, signed: index.ID{1}},
		"no source":      {change: func(m *layout.Manifest) { m.Packages[0].Source = "x" }, fails: "web-1.0.0"},
		"no signature":   {change: func(m *layout.Manifest) { m.Packages[0].Signature = "x" }, fails: "web-1.0.0"},
		"another render": {change: func(m *layout.Manifest) { m.Render = build.RenderVersion + 1 }, fails: "build it again with this version"},
	} {
		m := *b.registry.live.Manifest
		m.Packages = slices.Clone(m.Packages)
		c.change(&m)
		base, err := OfSnapshot(b.registry.store, &m, b.registry.routes)
		switch {
		case c.fails != "":
			if err == nil || !strings.Contains(err.Error(), c.fails) || !strings.HasPrefix(err.Error(), "snapshot ") {
				t.Errorf("%s: %v", what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", what, err)
		default:
			if e := base.Source.(*snapshotSource).branch.Entries[0]; e.Signature != c.signed {
				t.Errorf("%s: %v", what, e.Signature)
			}
		}
	}
}

// TestOver builds from what is edited and what is under it.
func TestOver(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("web", "1.0.0", "mine")
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	b.check(err)
	base := git.OpenDirs(map[string]string{"main": b.dir})
	s, err := Over(t.Context(), work, Base{Source: base, Branch: "main"})
	b.check(err)
	for _, name := range []string{git.WorkBranch, "main"} {
		if branch, err := s.Branch(t.Context(), name); err != nil || len(branch.Entries) != 1 || branch.Name != name {
			t.Errorf("%s: %+v %v", name, branch, err)
		}
	}
	work.Changed()
	if _, err := Over(endedContext(t), work, Base{Source: base}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
