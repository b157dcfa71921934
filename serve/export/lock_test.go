package export_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/folderlock"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
)

// TestWaiting: an export that waits for another says so, ends when it is told to,
// and does not keep the next ones waiting.
func TestWaiting(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	dir := t.TempDir()
	exported(t, bucket, dir, nil)
	unlock, err := folderlock.Lock(t.Context(), filepath.Join(dir, ".lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said := 0
	_, err = export.Export(ctx, export.Options{From: bucket, Environment: env, Dir: dir, Waiting: func() { said++; cancel() }})
	if !errors.Is(err, context.Canceled) || said != 1 {
		t.Errorf("told to end while it waits: %v, said %d times", err, said)
	}
	unlock()
	if r := exported(t, bucket, dir, nil); !r.Present {
		t.Errorf("%+v", r)
	}
}
