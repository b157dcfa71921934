package pack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/serve/servetest"
)

// tiny publishes two small packages, one of them signed, with few answers, and gives the
// bucket's store as well.
func tiny(t *testing.T) (store.Store, *layout.Manifest) {
	t.Helper()
	root := indextest.Folders(t, strings.ReplaceAll(indextest.Package("a", "1.0.0", "A")+indextest.Package("b", "1.0.0", "B"), "-- ", "-- x/"))
	url := servetest.FolderURL(t)
	b := servetest.Open(t, url)
	servetest.PublishSource(t, b, git.OpenDirs(map[string]string{"x": filepath.Join(root, "x")}), "x", func(o *build.Options) {
		o.Budget = layout.Budget{Responses: 2, Bytes: 1 << 20}
		o.Sign = signer{}
		o.Environments[0].Catalogue = false
	})
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, m
}

type signer struct{}

func (signer) Sign([]byte) ([]byte, error) { return []byte("signature"), nil }
func (signer) Identity() string            { return "key" }
func (signer) Fingerprint() string         { return "KEY" }

// TestFails has each call of the bucket fail that packing makes, and reading what it has
// opened: packing ends with that error, and leaves no temporary file.
func TestFails(t *testing.T) {
	t.Parallel()
	s, m := tiny(t)
	var want map[string]string
	storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
		f := fill(s)
		dir := t.TempDir()
		made, err := pack.Make(t.Context(), pack.Options{From: publish.In(f), Manifest: m, Dir: dir, Parallel: 1})
		switch {
		case f.Failed() == "" && want == nil:
			want = folder(t, dir)
			fallthrough
		case f.Failed() == "":
			if err != nil || !maps.Equal(folder(t, dir), want) || len(made.Packs)+len(made.Head) != len(want) {
				t.Errorf("nothing fails: %v", err)
			}
			return
		case !errors.Is(err, storetest.ErrFailed) || made != nil:
			t.Errorf("%s: %v, %v", f.Failed(), err, made)
		}
		if errors.Is(err, pack.ErrSource) {
			t.Errorf("%s makes the bucket a damaged one: %v", f.Failed(), err)
		}
		for name := range folder(t, dir) {
			if !strings.HasPrefix(name, "packs/") {
				t.Errorf("%s was left", name)
			}
		}
	})
}

// meddling is a source that does something when it is asked for an object.
type meddling struct {
	pack.Source
	with func(key string) error
}

func (m meddling) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := m.with(key); err != nil {
		return nil, err
	}
	return m.Source.Open(ctx, key, offset, length)
}

// TestFailsOnDisk: what stands in the way of the files, or goes, is an error that says so.
func TestFailsOnDisk(t *testing.T) {
	t.Parallel()
	s, m := tiny(t)
	b := publish.In(s)
	file := func(name string) func(dir string) error {
		return func(dir string) error { return os.WriteFile(filepath.Join(dir, name), nil, 0o666) }
	}
	folderAt := func(name string) func(dir string) error {
		return func(dir string) error { return os.MkdirAll(filepath.Join(dir, filepath.FromSlash(name)), 0o777) }
	}
	for what, c := range map[string]struct {
		before func(dir string) error // is done first
		during func(dir string) error // when the routes are asked for, which is last
		want   error
	}{
		"a file for the folder":    {before: func(dir string) error { return errors.Join(os.Remove(dir), os.WriteFile(dir, nil, 0o666)) }, want: fs.ErrExist},
		"a file for the packs":     {before: file("packs"), want: fs.ErrExist},
		"a file for the pointer":   {before: file("environments"), want: fs.ErrExist},
		"a file for the snapshots": {before: file("snapshots"), want: fs.ErrExist},
		"a folder for the list":    {before: folderAt("packs.json"), want: fs.ErrExist},
		"a folder for the pointer": {before: folderAt(layout.PointerKey(servetest.Env)), want: fs.ErrExist},
		"a folder for the routes":  {before: folderAt(layout.RoutesKey(servetest.Env, m.ID())), want: fs.ErrExist},
		"the scratch file goes": {during: func(dir string) error {
			names, err := filepath.Glob(filepath.Join(dir, "scratch-*"))
			if err == nil && len(names) != 1 {
				err = fmt.Errorf("%q", names)
			}
			return errors.Join(err, os.Remove(names[0]))
		}, want: fs.ErrNotExist},
	} {
		dir := t.TempDir()
		if c.before != nil {
			if err := c.before(dir); err != nil {
				t.Fatal(err)
			}
		}
		from := meddling{b, func(key string) error {
			if strings.HasSuffix(key, "/routes.json") && c.during != nil {
				return c.during(dir)
			}
			return nil
		}}
		made, err := pack.Make(t.Context(), pack.Options{From: from, Manifest: m, Dir: dir})
		// Systems name what stands in the way in different ways.
		if err == nil || !errors.Is(err, c.want) && !(c.want == fs.ErrExist && strings.Contains(err.Error(), "directory")) {
			t.Errorf("%s: %v, %v", what, err, made)
		}
		for name := range folder(t, dir) {
			if strings.HasPrefix(name, "scratch-") || strings.HasPrefix(name, "archive-") || strings.HasPrefix(name, "pack-") {
				t.Errorf("%s: %s was left", what, name)
			}
		}
	}
}

// counted is a source that is asked for everything at once as far as it may be.
type counted struct {
	pack.Source
	mu   sync.Mutex
	keys []string
}

func (c *counted) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = append(c.keys, key)
	if offset != 0 || length != -1 {
		return nil, fmt.Errorf("%s is asked for from %d, %d bytes", key, offset, length)
	}
	return c.Source.Open(ctx, key, offset, length)
}

// TestMakeAsksOnce: every object once, each file of a package in its archive only.
// Progress hears of each revision and each response.
func TestMakeAsksOnce(t *testing.T) {
	t.Parallel()
	s, m := tiny(t)
	from := &counted{Source: publish.In(s)}
	var done []int
	dir := t.TempDir()
	made, err := pack.Make(t.Context(), pack.Options{From: from, Manifest: m, Dir: dir, Progress: func(n, total int) {
		if done = append(done, n); total != len(m.Packages)+len(m.Responses)+len(m.Lists) {
			t.Errorf("of %d", total)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Lists) == 0 || !slices.IsSorted(done) || len(done) != len(m.Packages)+len(m.Responses)+len(m.Lists) || done[len(done)-1] != len(done) || done[0] != 1 {
		t.Errorf("%v of %d, %d and %d", done, len(m.Packages), len(m.Responses), len(m.Lists))
	}
	for _, name := range append(slices.Clone(made.Packs), made.Head...) { // who serves them may be someone else
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	slices.Sort(from.keys)
	if n := len(from.keys); n != 3*len(m.Packages)+len(m.Responses)+len(m.Lists)+1 || len(slices.Compact(from.keys)) != n {
		t.Errorf("asked for %q", from.keys)
	}
	if want := []string{layout.PointerKey(servetest.Env), "packs.json", layout.ManifestKey(servetest.Env, m.ID()), layout.RoutesKey(servetest.Env, m.ID())}; !slices.Equal(made.Head, want) {
		t.Errorf("head %q, want %q", made.Head, want)
	}
}
