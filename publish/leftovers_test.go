package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestPruneSweepsLeftovers: what a writer was killed over goes, once nobody can
// be writing it any more; what may be on its way stays.
func TestPruneSweepsLeftovers(t *testing.T) {
	src := newEditions(t)
	b, dir := fileBucket(t)
	src.mustPublish(t, b, 0)
	old := time.Now().Add(-defaultLeaseTimes.stale - time.Minute)
	write := func(name string, at time.Time) string {
		t.Helper()
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(name, []byte("half"), 0o666), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
		return name
	}
	goes := []string{
		write("packages/gone/1.0.0/0a/files/docs/README.md.17-1"+tempSuffix, old),
		write("responses/0a.json.17-2"+tempSuffix, old),
		write("environments/123"+tempSuffix, old),
		write("leases/124"+tempSuffix, old),
	}
	stays := []string{
		write("packages/new/1.0.0/0a/files/docs/README.md.18-1"+tempSuffix, time.Now()),
		write("environments/125"+tempSuffix, time.Now()),
		write("notes/126"+tempSuffix, old), // not ours
	}
	if err := os.MkdirAll(filepath.Join(dir, "packages", "empty", "1.0.0"), 0o777); err != nil {
		t.Fatal(err)
	}
	plan, err := b.PlanPrune(t.Context(), DefaultRetention)
	if err != nil || plan.Leftovers != (PruneCount{Objects: 4, Bytes: 16}) || plan.Objects != 0 {
		t.Errorf("plan: %+v, %v", plan, err)
	}
	mustExist(t, append(goes, stays...), true)
	if plan, err = b.Prune(t.Context(), PruneOptions{Keep: DefaultRetention}); err != nil || plan.Leftovers.Objects != 4 {
		t.Errorf("prune: %+v, %v", plan, err)
	}
	mustExist(t, goes, false)
	mustExist(t, stays, true)
	mustExist(t, []string{filepath.Join(dir, "packages", "gone"), filepath.Join(dir, "packages", "empty")}, false)
	if n := mustBeSound(t, b); n != 1 {
		t.Errorf("%d snapshots are left, want 1", n)
	}
	// The same process goes on writing where a folder was.
	for n := 1; n <= 3; n++ {
		src.mustPublish(t, b, n)
		if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
			t.Fatal(err)
		}
		mustBeSound(t, b)
	}
}

func mustExist(t *testing.T, names []string, want bool) {
	t.Helper()
	for _, name := range names {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) == want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSweepBesidePuts: a folder may go at the moment that something is put there.
func TestSweepBesidePuts(t *testing.T) {
	s := newFileStore(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	var sweeping, putting sync.WaitGroup
	sweeping.Go(func() {
		for ctx.Err() == nil {
			if err := s.sweepFolders(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for w := range 4 {
		putting.Go(func() {
			for i := range 300 {
				key := fmt.Sprintf("packages/a/%d.%d.0/files/x/y", i, w)
				if err := s.put(t.Context(), layout.Object{Key: key, Body: []byte(key)}); err != nil {
					t.Error(err)
				}
				if err := s.delete(t.Context(), key); err != nil {
					t.Error(err)
				}
				if err := s.put(t.Context(), layout.Object{Key: key, Body: []byte(key)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	putting.Wait()
	stop()
	sweeping.Wait()
	for w := range 4 {
		for i := range 300 {
			key := fmt.Sprintf("packages/a/%d.%d.0/files/x/y", i, w)
			wantFile(t, s, key, key)
		}
	}
}
