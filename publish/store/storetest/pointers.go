package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

func testPointer(t *testing.T, p store.Store) {
	key := layout.PointerKey("production")
	if _, token, err := p.Load(t.Context(), key); !errors.Is(err, fs.ErrNotExist) || token != "" {
		t.Fatalf("no pointer loads as token %q, error %v", token, err)
	}
	swap := func(body string, token store.Token, want error) {
		t.Helper()
		if err := p.Swap(t.Context(), key, []byte(body), token); !errors.Is(err, want) {
			t.Fatalf("swap to %q gives %v, want %v", body, err, want)
		}
	}
	load := func(want string) store.Token {
		t.Helper()
		body, token, err := p.Load(t.Context(), key)
		if err != nil || string(body) != want || token == "" {
			t.Fatalf("load: %q, token %q, %v, want %q", body, token, err, want)
		}
		return token
	}
	swap("one", "", nil)
	first := load("one")
	swap("again", "", store.ErrConflict)
	load("one")
	swap("two", first, nil)
	second := load("two")
	if second == first {
		t.Errorf("two states have the token %q", first)
	}
	swap("stale", first, store.ErrConflict)
	swap("stale", "", store.ErrConflict)
	load("two")
	swap("three", second, nil)
	load("three")
	// Another environment has a pointer of its own.
	other := layout.PointerKey("staging")
	if err := p.Swap(t.Context(), other, []byte("other"), ""); err != nil {
		t.Fatal(err)
	}
	load("three")
}

// testPointerRace lets 50 writers swap the same state, several times over: each
// time one of them must win, and readers see what it wrote, whole.
func testPointerRace(t *testing.T, p store.Store) {
	const writers, generations = 50, 4
	key := layout.PointerKey("production")
	token := store.Token("")
	for g := range generations {
		bodies := make([][]byte, writers)
		var wg sync.WaitGroup
		var winners atomic.Int64
		var winner atomic.Int64
		start := make(chan struct{})
		for w := range writers {
			bodies[w] = fmt.Appendf(nil, "generation %d by writer %d %s", g, w, noise(2000))
			wg.Go(func() {
				<-start
				switch err := p.Swap(t.Context(), key, bodies[w], token); {
				case err == nil:
					winners.Add(1)
					winner.Store(int64(w))
				case !errors.Is(err, store.ErrConflict):
					t.Errorf("generation %d: %v", g, err)
				}
			})
		}
		wg.Go(func() {
			<-start
			for range 10 {
				body, _, err := p.Load(t.Context(), key)
				if errors.Is(err, fs.ErrNotExist) && g == 0 {
					continue
				}
				if err != nil || !bytes.HasSuffix(body, noise(2000)) {
					t.Errorf("generation %d: a reader sees %s, %v", g, short(body), err)
				}
			}
		})
		close(start)
		wg.Wait()
		if n := winners.Load(); n != 1 {
			t.Fatalf("generation %d has %d winners", g, n)
		}
		body, next, err := p.Load(t.Context(), key)
		if err != nil || !bytes.Equal(body, bodies[winner.Load()]) {
			t.Fatalf("generation %d: the pointer says %s, %v; writer %d won", g, short(body), err, winner.Load())
		}
		token = next
	}
}

func testPointerCanceled(t *testing.T, p store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	key := layout.PointerKey("production")
	if err := p.Swap(ctx, key, []byte("x"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled swap gives %v", err)
	}
	if _, _, err := p.Load(t.Context(), key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a canceled swap left a pointer: %v", err)
	}
}
