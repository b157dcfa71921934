package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestSweepBesidePuts: a folder may go at the moment that something is put there.
func TestSweepBesidePuts(t *testing.T) {
	t.Parallel()
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
				if err := s.Put(t.Context(), layout.Object{Key: key, Body: []byte(key)}); err != nil {
					t.Error(err)
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
				if err := s.Put(t.Context(), layout.Object{Key: key, Body: []byte(key)}); err != nil {
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

// TestLeftoversEverywhere: whatever prefix a writer was killed under, what it left is
// found, and goes.
func TestLeftoversEverywhere(t *testing.T) {
	s := newFileStore(t.TempDir())
	var want, got []string
	for _, prefix := range layout.Prefixes {
		key := prefix + "a/b.json." + TempSuffix
		if err := errors.Join(os.MkdirAll(filepath.Dir(s.file(key)), 0o777), os.WriteFile(s.file(key), []byte("half"), 0o666)); err != nil {
			t.Fatal(err)
		}
		want = append(want, key)
	}
	found, err := s.leftovers(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		got = append(got, f.Key)
		if err := s.sweepFile(f.Key); err != nil || exists(s.file(f.Key)) {
			t.Errorf("%s is still there, %v", f.Key, err)
		}
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
}

// TestRulesConcern: a lifecycle rule for any prefix of regsnap's, for a part of one,
// or for all objects concerns its objects.
func TestRulesConcern(t *testing.T) {
	s := &s3Store{}
	for _, prefix := range layout.Prefixes {
		for _, rule := range []string{prefix, prefix[:3], prefix + "p", ""} {
			if !s.concerns(rule) || !gcsConcerns([]string{"logs/", rule}) {
				t.Errorf("a rule for %q does not concern %s", rule, prefix)
			}
		}
	}
	s.prefix = "registry/"
	for rule, concerns := range map[string]bool{"registry/": true, "registry/packages/a": true, "regis": true, "": true, "packages/": false, "registry/logs/": false} {
		if got := s.concerns(rule); got != concerns {
			t.Errorf("in the folder registry/ a rule for %q concerns ours: %t, want %t", rule, got, concerns)
		}
	}
	if s.prefix = ""; s.concerns("logs/") || gcsConcerns([]string{"logs/", "tmp"}) {
		t.Error("a rule for other prefixes concerns ours")
	}
}
