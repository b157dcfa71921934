package export_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest"
)

// small is as little as an export can have of everything: an archive with its signature,
// two versions that differ in a file, a file that they have in common, and answers that are
// kept encoded only.
func small(t *testing.T) (url string, first, second string) {
	t.Helper()
	dir := servers.MemoryDir(t)
	url = "file://" + filepath.ToSlash(dir)
	bucket, err := publish.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	const package_ = `
-- production/packages/web/%s/manifest.yml --
{format_version: 1.0.0, name: web, title: Web, version: %s, description: PAGES, type: integration, conditions: {kibana.version: ^8.0.0}}
-- production/packages/web/%s/docs/README.md --
# Web %s
-- production/packages/web/%s/img/icon.svg --
<svg xmlns="http://www.w3.org/2000/svg"/>
`
	made := func(versions ...string) string {
		root := indextest.Folders(t, strings.Join(slices.Collect(func(yield func(string) bool) {
			for _, v := range versions {
				if !yield(strings.NewReplacer("%s", v, "PAGES", strings.Repeat("Serves pages ", 100)).Replace(package_)) {
					return
				}
			}
		}), ""))
		source, err := git.OpenDir(root)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		result, err := build.Build(t.Context(), build.Options{Source: source, Store: bucket, Regsnap: "test", Budget: build.DefaultBudget, Environments: []build.Environment{
			{Name: env, Branches: []string{env}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy},
		}})
		if err != nil {
			t.Fatal(err, result.Report.Errors)
		}
		if err := servetest.GoLive(t.Context(), bucket, env, result.Snapshots[0].ID); err != nil {
			t.Fatal(err)
		}
		return result.Snapshots[0].ID
	}
	return url, made("1.0.0"), made("1.0.0", "1.1.0")
}

// contents are the files below a folder and what they hold, links included, but for the
// file of the lock.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == ".lock" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type() == fs.ModeSymlink {
			out[name], err = os.Readlink(path)
			return err
		}
		body, err := os.ReadFile(path)
		out[name] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFails has each read of the bucket fail that an export makes, one after another. The
// export ends with that error, what was served stays, nothing half-written is left, and
// the next export writes what it would have.
func TestFails(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	slice := layout.Slice{Queries: []layout.SliceQuery{{Query: "kibana.version=8.5.0"}}}
	for name, c := range map[string]struct {
		run    func(ctx context.Context, o export.Options) (*export.Result, error)
		change func(*export.Options)
		before string // the snapshot that was exported before
	}{
		"export":               {export.Export, func(*export.Options) {}, ""},
		"export after another": {export.Export, func(*export.Options) {}, first},
		"export of one by id":  {export.Export, func(o *export.Options) { o.Snapshot = first }, second},
		"export of what there": {export.Export, func(o *export.Options) {}, second},
		"slice":                {export.Export, func(o *export.Options) { o.Slice = slice }, ""},
		"slice after another":  {export.Export, func(o *export.Options) { o.Slice = slice }, first},
		"plan":                 {export.Plan, func(*export.Options) {}, first},
		"plan of a slice":      {export.Plan, func(o *export.Options) { o.Slice = slice }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sound := servetest.Open(t, url)
			served := servers.MemoryDir(t) // what is served before
			if c.before != "" {
				exported(t, sound, served, func(o *export.Options) { o.Snapshot, o.At = c.before, "/srv/registry" })
			}
			before := contents(t, served)
			var done map[string]string
			storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
				dir, err := os.MkdirTemp(servers.MemoryDir(t), "export")
				if err == nil {
					err = os.CopyFS(dir, os.DirFS(served))
				}
				if err != nil {
					t.Fatal(err)
				}
				under, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				f := fill(under)
				bucket := publish.In(f)
				defer bucket.Close()
				o := export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir, At: "/srv/registry", Copy: true}
				c.change(&o)
				got, err := c.run(t.Context(), o)
				if failed := f.Failed(); failed == "" {
					if err != nil {
						t.Fatal(err)
					}
					if done = contents(t, dir); got.Snapshot == "" && got.Of == "" {
						t.Errorf("%+v", got)
					}
					return
				}
				if !errors.Is(err, storetest.ErrFailed) {
					t.Errorf("%s: %v", f.Failed(), err)
				}
				if now := contents(t, dir); !maps.Equal(now, before) {
					t.Errorf("%s: the folder has %v, it had %v", f.Failed(), slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(before)))
				}
				o.From = sound
				if _, err := c.run(t.Context(), o); err != nil {
					t.Errorf("after %s: %v", f.Failed(), err)
				}
				if now := contents(t, dir); !maps.Equal(now, done) {
					t.Errorf("after %s: the folder has %v, want %v", f.Failed(), slices.Sorted(maps.Keys(now)), slices.Sorted(maps.Keys(done)))
				}
				_ = os.RemoveAll(dir)
			})
		})
	}
}

// TestDiskFails: what is in the way on the disk is an error, and what was served stays.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	folder := func(t *testing.T, name string) {
		if err := os.MkdirAll(filepath.Join(name, "full"), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	const broken = "{"
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		text  string // of the error
		live  string // what current leads to after it
	}{
		"the folder is a file": {func(t *testing.T, dir string) {
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			put(t, dir, "")
		}, "not a directory", ""},
		"the lock is a folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, ".lock"))
			folder(t, filepath.Join(dir, ".lock"))
		}, "is a directory", first},
		"current is a folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "current"))
			folder(t, filepath.Join(dir, "current"))
		}, "current", ""},
		"the snapshot is a file":         {func(t *testing.T, dir string) { put(t, filepath.Join(dir, second), "") }, "not a directory", first},
		"its configuration is a file":    {func(t *testing.T, dir string) { put(t, filepath.Join(dir, second, "nginx"), "") }, "not a directory", first},
		"a file of it is a folder":       {func(t *testing.T, dir string) { folder(t, filepath.Join(dir, second, "nginx", "registry.conf")) }, "registry.conf", first},
		"what writes that is a folder":   {func(t *testing.T, dir string) { folder(t, filepath.Join(dir, second, "nginx", "site.conf.new")) }, "is a directory", first},
		"the manifest before is damaged": {func(t *testing.T, dir string) { put(t, filepath.Join(dir, first, "data", "manifest.json"), broken) }, first, first},
		"the manifest before is a folder": {func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, first, "data", "manifest.json"))
			folder(t, filepath.Join(dir, first, "data", "manifest.json"))
		}, "is a directory", first},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(servers.MemoryDir(t), "export")
			o := export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir, At: "/srv/registry", Snapshot: first}
			if _, err := export.Export(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, dir)
			o.Snapshot = second
			if _, err := export.Export(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%v", err)
			}
			if live, _ := os.Readlink(filepath.Join(dir, "current")); live != c.live {
				t.Errorf("current leads to %q, want %q", live, c.live)
			}
			left, _ := filepath.Glob(filepath.Join(dir, ".unfinished-*"))
			if len(left) > 0 {
				t.Errorf("%v is left", left)
			}
			if strings.HasPrefix(name, "the manifest before") || name == "the folder is a file" {
				if _, err := export.Plan(t.Context(), o); err == nil || !strings.Contains(err.Error(), c.text) {
					t.Errorf("its plan: %v", err)
				}
			}
		})
	}
	// Of a slice too, which is made before.
	sliced := func(o *export.Options) {
		o.Slice = layout.Slice{Queries: []layout.SliceQuery{{Query: "kibana.version=8.5.0"}}}
	}
	slice := exported(t, bucket, servers.MemoryDir(t), sliced).Snapshot
	spoilt := servers.MemoryDir(t)
	put(t, filepath.Join(spoilt, slice, "nginx"), "")
	so := export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: spoilt}
	sliced(&so)
	if _, err := export.Export(t.Context(), so); err == nil || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("a slice: %v", err)
	}
	if got := entries(t, spoilt); !equalSorted(got, []string{".lock", slice}) {
		t.Errorf("a slice leaves %v", got)
	}
	// A manifest that is gone says nothing against the environment.
	dir := servers.MemoryDir(t)
	o := export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir, Snapshot: first}
	if _, err := export.Export(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	remove(t, filepath.Join(dir, first, "data", "manifest.json"))
	o.Snapshot = second
	if r, err := export.Export(t.Context(), o); err != nil || r.Previous != first {
		t.Errorf("%+v, %v", r, err)
	}
}

func remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
}

// TestSpoiltMeanwhile: what was written and is read again, or linked to, can be away.
func TestSpoiltMeanwhile(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	m, err := bucket.Manifest(t.Context(), env, second)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at    int // after how many units
		files string
		spoil func(name string) error
		want  error
	}{
		"no document":            {len(m.Responses), "*.json*", os.Remove, fs.ErrNotExist},
		"no part of the catalog": {len(m.Responses) + len(m.Packages), "*.part", os.Remove, fs.ErrNotExist},
		"a part that is short":   {len(m.Responses) + len(m.Packages), "*.part", func(name string) error { return os.Truncate(name, 3) }, publish.ErrDamaged},
		"a part that is longer": {len(m.Responses) + len(m.Packages), "*.part", func(name string) error {
			body, err := os.ReadFile(name)
			return errors.Join(err, os.WriteFile(name, append(body, 'x'), 0o666))
		}, publish.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := servers.MemoryDir(t)
			exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = first })
			before := contents(t, dir)
			_, err := export.Export(t.Context(), export.Options{From: bucket, Environment: env, Dir: dir, Copy: true, Parallel: 1, Progress: func(n publish.Copied) {
				if n.Units != c.at {
					return
				}
				found, err := filepath.Glob(filepath.Join(dir, ".unfinished-*", second, "data", "responses", c.files))
				if err != nil || len(found) == 0 {
					t.Errorf("%v, %v", found, err)
				}
				for _, name := range found {
					if err := c.spoil(name); err != nil {
						t.Error(err)
					}
				}
			}})
			if !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
			if now := contents(t, dir); !maps.Equal(now, before) {
				t.Errorf("the folder has %v", slices.Sorted(maps.Keys(now)))
			}
			if r := exported(t, bucket, dir, nil); r.Snapshot != second {
				t.Errorf("%+v", r)
			}
		})
	}
}

// ending is a store whose context ends with one of its calls, which is through.
type ending struct {
	store.Store
	at     int64
	calls  atomic.Int64
	cancel context.CancelFunc
}

func (e *ending) call(ctx context.Context) context.Context {
	if e.calls.Add(1) == e.at {
		e.cancel()
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (e *ending) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	return e.Store.Open(e.call(ctx), key, offset, length)
}

func (e *ending) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	return e.Store.Load(e.call(ctx), key)
}

// TestEnds: whenever the context ends, an export says so, and what was served stays.
func TestEnds(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	for what, before := range map[string][]string{"nothing is there": nil, "another is served": {first}, "it is there, and another is served": {second, first}} {
		served := servers.MemoryDir(t)
		for _, id := range before {
			exported(t, servetest.Open(t, url), served, func(o *export.Options) { o.Snapshot, o.At = id, "/srv/registry" })
		}
		old, _ := os.Readlink(filepath.Join(served, "current"))
		for at := int64(1); ; at++ {
			dir := filepath.Join(t.TempDir(), "export")
			if err := os.CopyFS(dir, os.DirFS(served)); err != nil {
				t.Fatal(err)
			}
			under, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			e := &ending{Store: under, at: at, cancel: cancel}
			bucket := publish.In(e)
			_, err = export.Export(ctx, export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir, At: "/srv/registry", Copy: true, Parallel: 1})
			ended := ctx.Err() != nil
			cancel()
			bucket.Close()
			now, _ := os.Readlink(filepath.Join(dir, "current"))
			if !ended {
				if err != nil || now != second {
					t.Errorf("%s: %v, %s", what, err, now)
				}
				break
			}
			if !errors.Is(err, context.Canceled) || now != old {
				t.Errorf("%s, ended with call %d: %v, %q is served, it was %q", what, at, err, now, old)
			}
		}
	}
}
