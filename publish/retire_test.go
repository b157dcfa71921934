package publish

import (
	"errors"
	"io/fs"
	"testing"
)

// testRetire ends the only environment of a bucket: nothing of it is left but
// its audit log, and ending it again, or one that never was, is no error.
func testRetire(t *testing.T, b *Bucket) {
	t.Helper()
	ctx := t.Context()
	plan, err := b.PlanPrune(ctx, DefaultRetention, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if e := plan.Environments[0]; !e.Retired || len(e.Keep) != 0 || len(e.Drop) != 2 {
		t.Errorf("plan: %+v", e)
	}
	if _, err := b.Pointer(ctx, testEnv); err != nil {
		t.Errorf("a plan retires: %v", err)
	}
	for range 2 {
		if _, err := b.Prune(ctx, PruneOptions{Keep: DefaultRetention, Retire: []string{testEnv, "never-was"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Pointer(ctx, testEnv); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the pointer of a retired environment: %v", err)
		}
		log, err := b.recordedGenerations(ctx, testEnv)
		if err != nil || len(log) == 0 {
			t.Errorf("the audit log of a retired environment: %v, %v", log, err)
		}
		if left := count(t, b) - len(log); left != 0 {
			t.Errorf("%d objects are left beside the audit log", left)
		}
	}
}
