package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrFailed is what the calls of a Failing store end in that are to fail.
var ErrFailed = errors.New("the store failed, as the test wanted")

// Failing is a store of which one call fails, and does nothing. What is read of an
// object and of a listing are calls of their own.
type Failing struct {
	store.Store
	at int // which call fails, from 1

	mu     sync.Mutex
	calls  int
	failed string
}

// FailAt is a store of which the n-th call fails; with 0, no call does.
func FailAt(s store.Store, at int) *Failing { return &Failing{Store: s, at: at} }

// EachCall runs an operation over and over: at first nothing fails, then each of its
// calls of the store in turn. run is given a test for each, and wraps a store by fill,
// which is to be in the same state each time. In the first run Failed is "".
func EachCall(t *testing.T, run func(t *testing.T, fill func(store.Store) *Failing)) {
	t.Helper()
	for at, through := 0, false; !through; at++ {
		var f *Failing
		t.Run(fmt.Sprintf("call %d", at), func(t *testing.T) {
			defer func() {
				if t.Failed() && f != nil {
					t.Logf("what failed was: %s", f.Failed())
				}
			}()
			run(t, func(s store.Store) *Failing {
				f = &Failing{Store: s, at: at}
				return f
			})
		})
		if at == 0 && t.Failed() {
			return
		}
		through = at > 0 && f.Failed() == ""
		if through && at == 1 {
			t.Error("the operation asks nothing of its store")
		}
	}
}

// Failed says which call failed, "read packages/…"; "" if none did.
func (f *Failing) Failed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

// call counts a call, and fails if it is its turn.
func (f *Failing) call(what, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls != f.at {
		return nil
	}
	f.failed = what + " " + key
	return fmt.Errorf("%s: %w", f.failed, ErrFailed)
}

// Put is store.Store's.
func (f *Failing) Put(ctx context.Context, o layout.Object) error {
	if err := f.call("put", o.Key); err != nil {
		return err
	}
	return f.Store.Put(ctx, o)
}

// Open is store.Store's; the first read of its body is a call too.
func (f *Failing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if err := f.call("open", key); err != nil {
		return nil, 0, err
	}
	body, size, err := f.Store.Open(ctx, key, offset, length)
	if err != nil {
		return nil, 0, err
	}
	return &failingBody{body, func() error { return f.call("read", key) }}, size, nil
}

// failingBody asks before the first read whether it is to fail.
type failingBody struct {
	io.ReadCloser
	ask func() error
}

func (b *failingBody) Read(p []byte) (int, error) {
	if b.ask != nil {
		if err := b.ask(); err != nil {
			return 0, err
		}
		b.ask = nil
	}
	return b.ReadCloser.Read(p)
}

// List is store.Store's; it fails at its end.
func (f *Failing) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) {
		for o, err := range f.Store.List(ctx, prefix) {
			if !yield(o, err) {
				return
			}
		}
		if err := f.call("list", prefix); err != nil {
			yield(store.ObjectInfo{}, err)
		}
	}
}

// Delete is store.Store's.
func (f *Failing) Delete(ctx context.Context, key string) error {
	if err := f.call("delete", key); err != nil {
		return err
	}
	return f.Store.Delete(ctx, key)
}

// Load is store.Store's.
func (f *Failing) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if err := f.call("load", key); err != nil {
		return nil, "", err
	}
	return f.Store.Load(ctx, key)
}

// Swap is store.Store's.
func (f *Failing) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if err := f.call("swap", key); err != nil {
		return err
	}
	return f.Store.Swap(ctx, key, body, old)
}

// Capabilities are those of the store inside; what they ask of it are calls.
func (f *Failing) Capabilities() store.Capabilities {
	can := store.CapabilitiesOf(f.Store)
	return store.Capabilities{
		Parallel: 1, // so that every run makes its calls in one order
		Sync: func() error {
			if err := f.call("sync", ""); err != nil {
				return err
			}
			return can.Sync()
		},
		Replace: func(ctx context.Context, o layout.Object) error {
			if err := f.call("replace", o.Key); err != nil {
				return err
			}
			return can.Replace(ctx, o)
		},
		Link: func(o layout.Object) (bool, error) {
			if err := f.call("link", o.Key); err != nil {
				return false, err
			}
			return can.Link(o)
		},
		Leftovers: func(ctx context.Context, before time.Time) ([]store.ObjectInfo, error) {
			if err := f.call("leftovers", ""); err != nil {
				return nil, err
			}
			return can.Leftovers(ctx, before)
		},
		SweepFile: func(key string) error {
			if err := f.call("sweep file", key); err != nil {
				return err
			}
			return can.SweepFile(key)
		},
		SweepFolders: func(ctx context.Context) error {
			if err := f.call("sweep folders", ""); err != nil {
				return err
			}
			return can.SweepFolders(ctx)
		},
		OtherState: can.OtherState,
		Settings:   can.Settings,
	}
}
