package serve_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// faulty is a bucket that fails, or is slow, where a test says so.
type faulty struct {
	serve.Bucket
	mu    sync.Mutex
	fault func(op, key string) error
	reads map[string]int
	open  int // bodies that were opened and not closed yet
	// breaks: bodies break off behind their first 128 KiB.
	breaks bool
}

func newFaulty(b serve.Bucket) *faulty { return &faulty{Bucket: b, reads: map[string]int{}} }

func (f *faulty) set(fault func(op, key string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *faulty) check(op, key string) error {
	f.mu.Lock()
	f.reads[op+" "+key]++
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault(op, key)
}

// count is how often something was done to objects whose key has a prefix.
func (f *faulty) count(op, prefix string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for k, times := range f.reads {
		if strings.HasPrefix(k, op+" "+prefix) {
			n += times
		}
	}
	return n
}

func (f *faulty) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	if err := f.check("pointer", env); err != nil {
		return layout.Pointer{}, err
	}
	return f.Bucket.Pointer(ctx, env)
}

func (f *faulty) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	if err := f.check("routes", id); err != nil {
		return nil, err
	}
	return f.Bucket.Routes(ctx, env, id)
}

func (f *faulty) Read(ctx context.Context, key string) ([]byte, error) {
	if err := f.check("read", key); err != nil {
		return nil, err
	}
	return f.Bucket.Read(ctx, key)
}

func (f *faulty) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := f.check("open", key); err != nil {
		return nil, err
	}
	r, err := f.Bucket.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	f.opened(1)
	body := &faultyBody{ReadCloser: r, of: f}
	if err := f.check("stream", key); err != nil {
		body.Reader = io.MultiReader(bytes.NewReader(make([]byte, 100_000)), failing{err})
	} else if err := f.check("begin", key); err != nil {
		body.Reader = failing{err}
	} else if body.Reader = r; f.breaks {
		body.Reader = io.MultiReader(io.LimitReader(r, 128<<10), failing{errors.New("reset by peer")})
	}
	return body, nil
}

func (f *faulty) opened(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open += n
}

// left is how many bodies are open.
func (f *faulty) left() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.open
}

// faultyBody is a body that may give something else than there is.
type faultyBody struct {
	io.ReadCloser
	io.Reader
	of   *faulty
	once sync.Once
}

func (b *faultyBody) Read(p []byte) (int, error) { return b.Reader.Read(p) }

func (b *faultyBody) Close() error {
	b.once.Do(func() { b.of.opened(-1) })
	return b.ReadCloser.Close()
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// truncating gives one byte less than it was asked for, or than a part of the
// catalog has.
type truncating struct{ serve.Bucket }

func (b truncating) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return b.Bucket.Open(ctx, key, offset, length-1)
}

func (b truncating) Read(ctx context.Context, key string) ([]byte, error) {
	body, err := b.Bucket.Read(ctx, key)
	if len(body) > 0 && strings.HasSuffix(key, ".part") {
		body = body[:len(body)-1]
	}
	return body, err
}
