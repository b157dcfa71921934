package serve

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/regsnap/regsnap/layout"
)

// countedStore counts the reads of a bucket that fail. That an object does not
// exist is an answer, and a client that went away is no fault of the store.
type countedStore struct {
	bucket Bucket
	// loading bounds the objects that are being read into memory at once.
	loading chan struct{}
	failed  func(operation string)
}

// maxLoading is how many objects are read into memory at once. None is large:
// lists of many versions are kept gzip-encoded, large files are streamed.
const maxLoading = 16

// load waits until one more object may be read into memory.
func (s countedStore) load(ctx context.Context) (done func(), err error) {
	select {
	case s.loading <- struct{}{}:
		return func() { <-s.loading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s countedStore) count(ctx context.Context, operation string, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(ctx.Err(), context.Canceled) {
		s.failed(operation)
	}
}

func (s countedStore) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	p, err := s.bucket.Pointer(ctx, env)
	s.count(ctx, "pointer", err)
	return p, err
}

func (s countedStore) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	r, err := s.bucket.Routes(ctx, env, id)
	s.count(ctx, "routes", err)
	return r, err
}

func (s countedStore) Read(ctx context.Context, key string) ([]byte, error) {
	done, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	body, err := s.bucket.Read(ctx, key)
	s.count(ctx, "read", err)
	return body, err
}

func (s countedStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.bucket.Open(ctx, key, offset, length)
	s.count(ctx, "open", err)
	return r, err
}
