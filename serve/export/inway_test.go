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
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestInTheWay: whichever file of a snapshot has its place taken while it is written, or
// whichever folder, the export ends with that error. What was served stays, and nothing
// half-written is left.
func TestInTheWay(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	whole := servers.MemoryDir(t)
	exported(t, bucket, whole, func(o *export.Options) { o.Snapshot, o.Copy = second, true })
	taken := map[string]error{}
	for name := range contents(t, filepath.Join(whole, second)) {
		if strings.HasPrefix(name, "nginx") {
			continue // that is written when the snapshot has its name
		}
		taken[name] = fs.ErrExist
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			taken[dir] = syscall.ENOTDIR
		}
	}
	dir := servers.MemoryDir(t)
	exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = first })
	before := contents(t, dir)
	for name, want := range taken {
		o := export.Options{From: bucket, Environment: env, Dir: dir, At: "/srv/registry", Parallel: 1, Copy: true}
		o.Progress = func(n publish.Copied) {
			if n.Units > 0 {
				return
			}
			found, err := filepath.Glob(filepath.Join(dir, ".unfinished-*", second))
			if err != nil || len(found) != 1 {
				t.Fatalf("%v, %v", found, err)
			}
			put(t, filepath.Join(found[0], name), "")
		}
		if _, err := export.Export(t.Context(), o); !errors.Is(err, want) {
			t.Errorf("%s is there: %v", name, err)
		}
		if now := contents(t, dir); !maps.Equal(now, before) {
			t.Fatalf("%s is there: the folder has %v", name, slices.Sorted(maps.Keys(now)))
		}
	}
	if len(taken) < 20 {
		t.Errorf("%d names", len(taken))
	}
	// Nor does it take the place of what has its own name since.
	o := export.Options{From: bucket, Environment: env, Dir: dir, At: "/srv/registry", Parallel: 1, Copy: true, Progress: func(n publish.Copied) {
		if n.Units == 0 {
			put(t, filepath.Join(dir, second), "")
		}
	}}
	if _, err := export.Export(t.Context(), o); !errors.Is(err, syscall.ENOTDIR) && !errors.Is(err, fs.ErrExist) {
		t.Errorf("the snapshot is a file meanwhile: %v", err)
	}
	remove(t, filepath.Join(dir, second))
	if now := contents(t, dir); !maps.Equal(now, before) {
		t.Errorf("the snapshot is a file meanwhile: the folder has %v", slices.Sorted(maps.Keys(now)))
	}
}

// removing is a store with one of whose calls a folder is taken away.
type removing struct {
	store.Store
	dir   string
	at    int64
	calls atomic.Int64
}

func (r *removing) call() error {
	if r.calls.Add(1) == r.at {
		return os.RemoveAll(r.dir)
	}
	return nil
}

func (r *removing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if err := r.call(); err != nil {
		return nil, 0, err
	}
	return r.Store.Open(ctx, key, offset, length)
}

func (r *removing) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if err := r.call(); err != nil {
		return nil, "", err
	}
	return r.Store.Load(ctx, key)
}

// TestFolderIsTakenAway: where the folder goes while an export or a slice is made for it,
// there is an error; or it was not needed yet, and all is there. Nothing is written
// elsewhere.
func TestFolderIsTakenAway(t *testing.T) {
	url, _, second := small(t)
	elsewhere := t.TempDir()
	t.Chdir(elsewhere)
	for name, slice := range map[string]layout.Slice{"an export": {}, "a slice": {Queries: []layout.SliceQuery{{Query: "kibana.version=8.5.0"}}}} {
		failed := 0
		for at := int64(1); ; at++ {
			dir := filepath.Join(servers.MemoryDir(t), "export")
			under, err := store.Open(t.Context(), url, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			r := &removing{Store: under, dir: dir, at: at}
			bucket := publish.In(r)
			got, err := export.Export(t.Context(), export.Options{From: bucket, Environment: env, Regsnap: "test", Dir: dir, Slice: slice, Parallel: 1, Copy: true})
			calls := r.calls.Load()
			if err := bucket.Close(); err != nil {
				t.Fatal(err)
			}
			if err != nil {
				if failed++; slice.Empty() && !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s, the folder goes with call %d: %v", name, at, err)
				}
			} else if live, _ := os.Readlink(filepath.Join(dir, "current")); live != got.Snapshot || slice.Empty() && live != second {
				t.Errorf("%s, the folder goes with call %d: %s is served", name, at, live)
			}
			if at > calls {
				break
			}
		}
		if failed < 3 {
			t.Errorf("%s failed %d times", name, failed)
		}
	}
	if left := entries(t, elsewhere); len(left) > 0 {
		t.Errorf("%v is written elsewhere", left)
	}
}

// TestThereAlready: a snapshot that the folder has is served again though the bucket no
// longer has it: rolling back needs nothing of it but the name.
func TestThereAlready(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	dir := servers.MemoryDir(t)
	for _, id := range []string{first, second} {
		exported(t, bucket, dir, func(o *export.Options) { o.Snapshot = id })
	}
	remove(t, filepath.FromSlash(strings.TrimPrefix(url, "file://")+"/"+layout.ManifestKey(env, first)))
	o := export.Options{From: bucket, Environment: env, Dir: dir, At: "/srv/registry", Snapshot: first}
	if r, err := export.Export(t.Context(), o); err != nil || !r.Present || r.Previous != second {
		t.Errorf("%+v, %v", r, err)
	}
	if live, err := os.Readlink(filepath.Join(dir, "current")); err != nil || live != first {
		t.Errorf("%s is served, %v", live, err)
	}
	o.Dir = filepath.Join(servers.MemoryDir(t), "export")
	if _, err := export.Export(t.Context(), o); !errors.Is(err, publish.ErrNoSnapshot) {
		t.Errorf("to another folder: %v", err)
	}
}
