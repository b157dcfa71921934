package image_test

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
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/serve/servetest"
)

// tiny publishes two small packages with few answers, and gives the bucket's store as
// well.
func tiny(t *testing.T) (*publish.Bucket, store.Store) {
	t.Helper()
	root := indextest.Folders(t, strings.ReplaceAll(indextest.Package("a", "1.0.0", "A")+indextest.Package("b", "1.0.0", "B"), "-- ", "-- x/"))
	url := servetest.FolderURL(t)
	b := servetest.Open(t, url)
	servetest.PublishSource(t, b, git.OpenDirs(map[string]string{"x": filepath.Join(root, "x")}), "x", func(o *build.Options) {
		o.Budget = layout.Budget{Responses: 2, Bytes: 1 << 20}
		o.Environments[0].Catalogue = false
	})
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, s
}

// temporary has temporary files come into a folder, and looks there for those that stay.
func temporary(t *testing.T) (dir string, left func() []string) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("TMPDIR", dir)
	return dir, func() []string {
		names, err := filepath.Glob(filepath.Join(dir, "regsnap-image-*"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
}

// TestFails has each call of the bucket fail with which an image is made, of all that is
// live or of a part: there is then no image, and no temporary file.
func TestFails(t *testing.T) {
	_, s := tiny(t)
	binaries := programs(t)
	_, left := temporary(t)
	for what, change := range map[string]func(*image.Options){
		"what is live": func(*image.Options) {}, "a slice": func(o *image.Options) { o.Slice = layout.Slice{Packages: []string{"a"}} },
	} {
		want := ""
		storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
			f := fill(s)
			o := image.Options{From: publish.In(f), Environment: servetest.Env, Regsnap: "test", Programs: binaries, Copy: publish.CopyOptions{Parallel: 1}}
			change(&o)
			i, err := image.Make(t.Context(), o)
			if f.Failed() == "" {
				if err != nil {
					t.Fatal(what, err)
				}
				if want == "" {
					want = digest(t, i)
				}
				if got := digest(t, i); got != want {
					t.Errorf("%s: %s, want %s", what, got, want)
				}
				if err := i.Close(); err != nil {
					t.Error(err)
				}
			} else if !errors.Is(err, storetest.ErrFailed) || i != nil {
				t.Errorf("%s: %s: %v, %v", what, f.Failed(), i, err)
			}
			if names := left(); len(names) > 0 {
				t.Fatalf("%s: %s: %q were left", what, f.Failed(), names)
			}
		})
	}
}

// TestMakeFailsOnDisk: a file that goes while an image is made is an error that names
// it, and nothing stays.
func TestMakeFailsOnDisk(t *testing.T) {
	b, _ := tiny(t)
	binaries := programs(t)
	_, left := temporary(t)
	inside := func(pattern string) func() error {
		return func() error {
			names, err := filepath.Glob(filepath.Join(left()[0], pattern))
			if err == nil && len(names) == 0 {
				err = fmt.Errorf("there is no %s", pattern)
			}
			for _, name := range names {
				err = errors.Join(err, os.RemoveAll(name))
			}
			return err
		}
	}
	for what, c := range map[string]struct {
		phase string
		done  int // when it is done
		do    func() error
		names string
	}{
		"a pack":           {"compress layers", 1, inside("snapshot/packs/*"), ".pack"},
		"the head":         {"compress layers", 1, inside("snapshot/snapshots"), "manifest.json"},
		"the first binary": {"compress layers", 1, func() error { return os.Remove(binaries[0].Path) }, binaries[0].Path},
		"the last binary":  {"compress layers", -2, func() error { return os.Remove(binaries[1].Path) }, binaries[1].Path},
		"the folder":       {"compress layers", -2, inside("."), "layer-"},
	} {
		programs := binaries
		for _, p := range programs { // those that went before
			arch := uint16(imagetest.AMD64)
			if p.Arch == "arm64" {
				arch = imagetest.ARM64
			}
			if err := os.WriteFile(p.Path, imagetest.ELF(arch, ""), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		gone := false
		i, err := image.Make(t.Context(), image.Options{From: b, Environment: servetest.Env, Programs: programs, Progress: func(phase string, done, total int) {
			if at := c.done; phase == c.phase && !gone && (done == at || at < 0 && done == total+1+at) {
				gone = true
				if err := c.do(); err != nil {
					t.Error(what, err)
				}
			}
		}})
		if err == nil || i != nil || !gone || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%s: %v, %v", what, i, err)
		}
		if names := left(); len(names) > 0 {
			t.Errorf("%s: %q were left", what, names)
		}
	}
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := image.Make(t.Context(), image.Options{From: b, Environment: servetest.Env}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder for temporary files: %v", err)
	}
	if _, err := image.MakeTool(t.Context(), image.ToolOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder for temporary files: %v", err)
	}
}

// TestOutputFails has each call of an image fail with which it is written or sent, and
// reading its layers: that is the error, no tag is set, and no half file stays.
func TestOutputFails(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	b, _ := tiny(t)
	i := made(t, b, func(o *image.Options) { o.Programs = o.Programs[:1] })
	i.PushBy(nil, func(time.Duration) {})
	img, index := i.Images[0], i.Index
	h := startHub(t)
	for what, c := range map[string]struct {
		do     func(dir string) error
		whole  func(dir string) bool
		writes bool
	}{
		"layout": {
			func(dir string) error {
				w, err := i.WriteLayout(t.Context(), dir)
				return errors.Join(err, none(err != nil && w != nil))
			},
			func(dir string) bool { return slices.Contains(fileNames(t, dir), "index.json") }, true,
		},
		"push": {
			func(string) error { _, err := i.Push(t.Context(), h.repository, "test", nil); return err },
			func(string) bool { return len(h.reset().tags) > 0 }, false,
		},
		"tarball": {
			func(dir string) error {
				return i.WriteTarball(t.Context(), filepath.Join(dir, "image.tar"), "hub.example/x")
			},
			func(dir string) bool { return len(fileNames(t, dir)) > 0 }, true,
		},
	} {
		for at := 1; ; at++ {
			dir := t.TempDir()
			fails := &broken{at: at}
			i.Images[0], i.Index = brokenImage{img, fails}, brokenIndex{index, fails}
			if what == "push" { // a registry that has nothing
				h = startHub(t)
			}
			err := c.do(dir)
			i.Images[0], i.Index = img, index
			whole := c.whole(dir)
			calls, again := fails.made()
			if calls < at {
				if err != nil || !whole || at < 10 {
					t.Errorf("%s: %d calls, %v", what, calls, err)
				}
				break
			}
			if again = again && what == "push" && err == nil; !again && (!strings.Contains(fmt.Sprint(err), errBroken.Error()) || whole) {
				t.Errorf("%s, call %d: %v, %v", what, at, whole, err)
			}
			for _, name := range fileNames(t, dir) {
				if base := filepath.Base(name); strings.HasPrefix(base, ".regsnap-") {
					t.Errorf("%s, call %d: %s was left", what, at, name)
				}
			}
			if err := c.do(dir); err != nil || !c.whole(dir) && c.writes {
				t.Errorf("%s after call %d: %v", what, at, err)
			}
		}
	}
}

// TestOutputStopped stops at each call of an image at which it is written or sent: there
// is no tag then, unless all was done, and no half file.
func TestOutputStopped(t *testing.T) {
	b, _ := tiny(t)
	i := made(t, b, func(o *image.Options) { o.Programs = o.Programs[:1] })
	img, index := i.Images[0], i.Index
	for what, do := range map[string]func(ctx context.Context, dir string) error{
		"layout": func(ctx context.Context, dir string) error { _, err := i.WriteLayout(ctx, dir); return err },
		"tarball": func(ctx context.Context, dir string) error {
			return i.WriteTarball(ctx, filepath.Join(dir, "image.tar"), "hub.example/x")
		},
	} {
		stopped := 0
		for at := 1; ; at++ {
			dir := t.TempDir()
			ctx, cancel := context.WithCancel(t.Context())
			stops := &broken{at: at, instead: cancel}
			i.Images[0], i.Index = brokenImage{img, stops}, brokenIndex{index, stops}
			err := do(ctx, dir)
			i.Images[0], i.Index = img, index
			cancel()
			names := fileNames(t, dir)
			whole := slices.Contains(names, "index.json") || slices.Contains(names, "image.tar")
			if err != nil {
				stopped++
			}
			if whole != (err == nil) || err != nil && !errors.Is(err, context.Canceled) || slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, ".regsnap-") }) {
				t.Errorf("%s, call %d: %q, %v", what, at, names, err)
			}
			if calls, _ := stops.made(); calls < at {
				break
			}
		}
		if stopped < 5 {
			t.Errorf("%s was stopped %d times", what, stopped)
		}
	}
}

// TestLayoutIsSorted: whatever came first, tags stand in the order of their names.
func TestLayoutIsSorted(t *testing.T) {
	b, _ := tiny(t)
	dir := t.TempDir()
	for _, tags := range [][]string{{"z", "a"}, {"m"}, {"a"}} {
		if _, err := made(t, b, func(o *image.Options) { o.Tags = tags }).WriteLayout(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	body, err := os.ReadFile(filepath.Join(dir, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, part := range strings.Split(string(body), `ref.name":"`)[1:] {
		got = append(got, part[:strings.IndexByte(part, '"')])
	}
	if want := []string{"a", "m", "production", "z"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// none is an error if something is there.
func none(there bool) error {
	if there {
		return errors.New("there is something beside an error")
	}
	return nil
}

func fileNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	for name := range stats(t, dir) {
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, filepath.ToSlash(rel))
	}
	return names
}

// TestLayoutFailsOnDisk: what stands in the way of a file of a layout is an error, with
// which no tag changes; once it has gone the image is written.
func TestLayoutFailsOnDisk(t *testing.T) {
	b, _ := tiny(t)
	i := made(t, b, nil)
	layers, err := i.Images[0].Layers()
	if err != nil {
		t.Fatal(err)
	}
	layer, err := layers[0].Digest()
	config, e1 := i.Images[1].ConfigName()
	manifest, e2 := i.Images[0].Digest()
	if err := errors.Join(err, e1, e2); err != nil {
		t.Fatal(err)
	}
	file := func(body string) func(string) error {
		return func(name string) error { return os.WriteFile(name, []byte(body), 0o666) }
	}
	full := func(name string) error {
		return errors.Join(os.MkdirAll(name, 0o777), os.WriteFile(filepath.Join(name, "x"), nil, 0o666))
	}
	for what, c := range map[string]struct {
		name  string // what stands in the way
		make  func(name string) error
		fresh bool // in a folder that has no layout yet
		wrong error
	}{
		"a file for the folder":          {".", file(""), true, nil},
		"a folder for the lock":          {".regsnap.lock", full, true, nil},
		"a file for the blobs":           {"blobs", file(""), true, image.ErrNotLayout},
		"a folder for a layer":           {"blobs/sha256/" + layer.Hex, full, false, nil},
		"a folder for a configuration":   {"blobs/sha256/" + config.Hex, full, false, nil},
		"a folder for a manifest":        {"blobs/sha256/" + manifest.Hex, full, false, nil},
		"a folder for the whole":         {"blobs/sha256/" + strings.TrimPrefix(digest(t, i), "sha256:"), full, false, nil},
		"a folder for the index":         {"index.json", full, false, nil},
		"an index that is no JSON":       {"index.json", file("{"), false, image.ErrNotLayout},
		"what was left, and cannot go":   {".regsnap-1", full, true, nil},
		"what was left among the blobs":  {"blobs/sha256/.regsnap-1", full, false, nil},
		"a file for the blobs' folder":   {"blobs/sha256", file(""), false, nil},
		"a folder in place of a version": {"oci-layout/x", full, false, nil}, // is one that has it
	} {
		dir := filepath.Join(t.TempDir(), "images")
		var want []byte
		if !c.fresh {
			if _, err := i.WriteLayout(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			if want, err = os.ReadFile(filepath.Join(dir, "index.json")); err != nil {
				t.Fatal(err)
			}
		}
		name := filepath.Join(dir, filepath.FromSlash(c.name))
		top := filepath.Join(dir, strings.Split(c.name, "/")[0])
		if what == "a folder in place of a version" {
			if err := os.Remove(top); err != nil {
				t.Fatal(err)
			}
		} else if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), c.make(name)); err != nil {
			t.Fatal(err)
		}
		w, err := i.WriteLayout(t.Context(), dir)
		if what == "a folder in place of a version" {
			if err != nil {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		if err == nil || w != nil && c.name != "index.json" || errors.Is(err, image.ErrNotLayout) != (c.wrong != nil) {
			t.Errorf("%s: %+v, %v", what, w, err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "index.json")); c.name != "index.json" && (!bytes.Equal(got, want) || err == nil == c.fresh) {
			t.Errorf("%s: the index has changed: %v", what, err)
		}
		if err := os.RemoveAll(name); err != nil {
			t.Fatal(err)
		}
		if _, err := i.WriteLayout(t.Context(), dir); err != nil || tagged(t, dir)["production"] != digest(t, i) {
			t.Errorf("%s: afterwards: %v", what, err)
		}
	}
}
