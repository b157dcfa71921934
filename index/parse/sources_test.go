package parse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
)

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
// package; the rest is read when it is looked at, and once, for the first that needs it.
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
