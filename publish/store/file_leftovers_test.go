package store

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

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
