package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// A pointer comes back from whatever happened to it, with its pin and its record,
// and what was live is live again.
func TestDrillsOfPointers(t *testing.T) {
	src := newEditions(t)
	for kind, newBucket := range stores(t) {
		if kind == "mem" {
			continue
		}
		for what, c := range map[string]struct {
			damage func(text string) string // "" deletes it
			newer  bool
			lost   bool // also what it named is lost
		}{
			"lost":            {damage: func(string) string { return "" }},
			"truncated":       {damage: func(text string) string { return text[:len(text)/2] }},
			"another's":       {damage: func(text string) string { return strings.ReplaceAll(text, testEnv, "staging") }},
			"newer":           {damage: func(text string) string { return strings.Replace(text, `"format": 1`, `"format": 9`, 1) }, newer: true},
			"naming nothing":  {damage: func(text string) string { return text }, lost: true},
			"lost, with what": {damage: func(string) string { return "" }, lost: true},
		} {
			t.Run(kind+"/"+what, func(t *testing.T) {
				ctx := t.Context()
				b := openTest(t, newBucket(t))
				for n := range 3 {
					src.mustPublish(t, b, n)
				}
				rolledBack := mustRollBack(t, b, "incident 4711")
				before, err := b.Pointer(ctx, testEnv)
				if err != nil {
					t.Fatal(err)
				}
				key, text := layout.PointerKey(testEnv), c.damage(string(before.Encode()))
				if text == "" {
					err = b.store.Delete(ctx, key)
				} else {
					_, state, e := b.store.Load(ctx, key)
					err = errors.Join(e, b.store.Swap(ctx, key, []byte(text), state))
				}
				if c.lost {
					err = errors.Join(err, b.store.Delete(ctx, layout.ManifestKey(testEnv, rolledBack)))
				}
				if err != nil {
					t.Fatal(err)
				}

				// Nobody takes it for one that never was.
				_, err = b.Live(ctx, testEnv)
				if errors.Is(err, fs.ErrNotExist) && !c.lost || !c.newer && !strings.Contains(fmt.Sprint(err), "regsnap recover --env "+testEnv) {
					t.Errorf("reading it: %v", err)
				}
				if m, err := src.publish(ctx, b, 3, Note{}); err == nil && m.Changed {
					t.Errorf("publishing over it: %+v", m)
				}

				l := b.Lease(LeaseOptions{Purpose: "recover"})
				defer l.Release(ctx)
				if _, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{}); c.newer != errors.Is(err, layout.ErrNewer) {
					t.Fatalf("looking: %v", err)
				}
				r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{Newer: c.newer})
				if err != nil {
					t.Fatal(err)
				}
				m, err := r.Do(ctx, Note{By: "ada", Reason: "drill"})
				if err != nil || m.Unrecorded != "" {
					t.Fatalf("recovering: %+v, %v", m, err)
				}
				after, err := b.Pointer(ctx, testEnv)
				if err != nil {
					t.Fatal(err)
				}
				if (after.Snapshot == before.Snapshot) == c.lost || after.Pinned == nil || after.Pinned.Reason != "incident 4711" {
					t.Errorf("recovered %+v, was %+v", after, before)
				}
				if v, err := b.Verify(ctx, testEnv, after.Snapshot, VerifyOptions{}); err != nil || !v.Sound() {
					t.Errorf("%+v, %v", v, err)
				}
				if r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{}); err != nil || r.Fault != "" {
					t.Errorf("again: %+v, %v", r, err)
				}
			})
		}
	}
}

// mustRollBack goes back and pins, and returns what is live then.
func mustRollBack(t *testing.T, b *Bucket, reason string) string {
	t.Helper()
	l := b.Lease(LeaseOptions{Purpose: "rollback"})
	defer l.Release(t.Context())
	r, err := l.PrepareRollback(t.Context(), testEnv, "")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := r.Do(t.Context(), Note{By: "carl", Reason: reason}, true); err != nil || m.Unrecorded != "" {
		t.Fatalf("%+v, %v", m, err)
	}
	return r.To
}

// A bucket from before there was an audit log: the newest that was stored is live.
func TestRecoverWithoutLog(t *testing.T) {
	b, _ := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	id := src.mustPublish(t, b, 0).Live
	keys := []string{layout.PointerKey(testEnv)}
	for o, err := range b.List(ctx, layout.AuditPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	for _, key := range keys {
		if err := b.store.Delete(ctx, key); err != nil {
			t.Fatal(err)
		}
	}
	l := b.Lease(LeaseOptions{Purpose: "recover"})
	defer l.Release(ctx)
	r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{})
	if err != nil || r.Snapshot != id || r.Fault == "" {
		t.Fatalf("%+v, %v", r, err)
	}
	if m, err := r.Do(ctx, Note{}); err != nil || m.Live != id {
		t.Errorf("%+v, %v", m, err)
	}
}

// An environment none of whose snapshots is whole can begin again.
func TestStartOver(t *testing.T) {
	b, _ := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	id := src.mustPublish(t, b, 0).Live
	if err := b.store.Delete(ctx, layout.ManifestKey(testEnv, id)); err != nil {
		t.Fatal(err)
	}
	l := b.Lease(LeaseOptions{Purpose: "recover"})
	if r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{}); !errors.Is(err, ErrNothingWhole) || !errors.Is(err, ErrDamaged) {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := errors.Join(l.StartOver(ctx, testEnv, "ada"), l.Release(ctx)); err != nil {
		t.Fatal(err)
	}
	before, err := b.recordedGenerations(ctx, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	src.mustPublish(t, b, 1)
	if after, err := b.recordedGenerations(ctx, testEnv); err != nil || len(after) != len(before)+1 {
		t.Errorf("entries before %v, after %v, %v", before, after, err)
	}
}
