package store_test

import (
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// slow is a store that knows nothing but the contract: it answers late, and lists
// in another order each time.
type slow struct{ memory store.Store }

func (s slow) pause() { time.Sleep(rand.N(time.Millisecond)) }

func (s slow) Put(ctx context.Context, o layout.Object) error {
	s.pause()
	return s.memory.Put(ctx, o)
}

func (s slow) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	s.pause()
	return s.memory.Open(ctx, key, offset, length)
}

func (s slow) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) {
		var all []store.ObjectInfo
		for o, err := range s.memory.List(ctx, prefix) {
			if err != nil {
				yield(o, err)
				return
			}
			all = append(all, o)
		}
		for _, i := range rand.Perm(len(all)) {
			if !yield(all[i], nil) {
				return
			}
		}
	}
}

func (s slow) Delete(ctx context.Context, key string) error {
	s.pause()
	return s.memory.Delete(ctx, key)
}

func (s slow) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	s.pause()
	return s.memory.Load(ctx, key)
}

func (s slow) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	s.pause()
	return s.memory.Swap(ctx, key, body, old)
}

func (s slow) Close() error { return nil } // memory is closed by who opened it

func newSlow(t *testing.T) store.Store {
	return slow{openStore(t, "mem://", store.RetryPolicy{})}
}

func TestConformanceOfAnotherStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, newSlow)
}

// TestRetryTakesAnyStore: the decorator casts to none.
func TestRetryTakesAnyStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return store.Retry(newSlow(t), store.RetryPolicy{}) })
}
