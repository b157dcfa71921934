package publish

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
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
		write("packages/gone/1.0.0/0a/files/docs/README.md.17-1"+store.TempSuffix, old),
		write("responses/0a.json.17-2"+store.TempSuffix, old),
		write("environments/123"+store.TempSuffix, old),
		write("leases/124"+store.TempSuffix, old),
	}
	stays := []string{
		write("packages/new/1.0.0/0a/files/docs/README.md.18-1"+store.TempSuffix, time.Now()),
		write("environments/125"+store.TempSuffix, time.Now()),
		write("notes/126"+store.TempSuffix, old), // not ours
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

// TestSweepFails: what cannot be swept is an error, and nothing after it is swept.
func TestSweepFails(t *testing.T) {
	b, dir := fileBucket(t)
	full, later := "packages/a/full", "packages/b/later"
	for _, name := range []string{full + "/file", later} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, nil, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.sweepLeftovers(t.Context(), &PrunePlan{leftovers: []string{full, later}}); err == nil {
		t.Error("a folder with something in it was swept")
	}
	mustExist(t, []string{filepath.Join(dir, filepath.FromSlash(full)), filepath.Join(dir, filepath.FromSlash(later))}, true)
	if err := b.sweepLeftovers(t.Context(), &PrunePlan{leftovers: []string{later}}); err != nil {
		t.Error(err)
	}
	mustExist(t, []string{filepath.Join(dir, filepath.FromSlash(later))}, false)
}
