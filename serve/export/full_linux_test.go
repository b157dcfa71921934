package export_test

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestDiskFull: where a file can be written up to its last byte and no further, whichever
// it is, the export ends with that error and leaves nothing of itself.
func TestDiskFull(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	o := export.Options{From: bucket, Environment: env, Regsnap: "test", At: "/srv/registry", Copy: true}
	at := func(dir, snapshot string) export.Options {
		o := o
		o.Dir, o.Snapshot = dir, snapshot
		return o
	}
	whole := servers.MemoryDir(t)
	for _, id := range []string{first, second} {
		if _, err := export.Export(t.Context(), at(whole, id)); err != nil {
			t.Fatal(err)
		}
	}
	want, sizes := contents(t, whole), map[int]bool{}
	for name, body := range want {
		if dir, _ := filepath.Split(name); dir != "" {
			sizes[len(body)] = true
		}
	}
	for size := range sizes {
		if size == 0 {
			continue
		}
		dir := filepath.Join(servers.MemoryDir(t), "export")
		if _, err := export.Export(t.Context(), at(dir, first)); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)
		err := testtools.WithMaxFileSize(t, uint64(size-1), func() error {
			_, err := export.Export(t.Context(), at(dir, second))
			return err
		})
		if !errors.Is(err, syscall.EFBIG) {
			t.Errorf("a file of %d bytes: %v", size, err)
		}
		// The configuration comes when all else of the snapshot is there.
		now, right := contents(t, dir), maps.Clone(before)
		if _, there := now[filepath.Join(second, "data", "routes.json")]; there {
			right = maps.Clone(want)
			right["current"] = first
		}
		configuration := func(name, _ string) bool { return strings.HasPrefix(name, filepath.Join(second, "nginx")) }
		maps.DeleteFunc(now, configuration)
		maps.DeleteFunc(right, configuration)
		if !maps.Equal(now, right) {
			t.Errorf("a file of %d bytes: the folder has %v", size, slices.Sorted(maps.Keys(now)))
		}
		if _, err := export.Export(t.Context(), at(dir, second)); err != nil || !maps.Equal(contents(t, dir), want) {
			t.Errorf("a file of %d bytes, when there is room: %v", size, err)
		}
		_ = os.RemoveAll(dir)
	}
}

// TestNoWorkingDirectory: without a working directory, a folder that is named from there cannot be
// written into a configuration.
func TestNoWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := export.Export(t.Context(), export.Options{Environment: env, Dir: "export"}); !errors.Is(err, syscall.ENOENT) {
		t.Error(err)
	}
}
