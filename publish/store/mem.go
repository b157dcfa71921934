package store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"
	"gocloud.dev/gcerrors"

	"github.com/regsnap/regsnap/layout"
)

// memStore is a bucket in the memory of this process, for tests and previews.
// gocloud has no conditions for it, so a lock makes Swap atomic.
type memStore struct {
	bucket
	swapping sync.Mutex
}

func openMem(ctx context.Context, u *url.URL) (Store, error) {
	b, err := openBucket(ctx, u, new(memblob.URLOpener))
	if err != nil {
		return nil, err
	}
	b.meaning = func(err error) error {
		switch gcerrors.Code(err) {
		case gcerrors.NotFound:
			return fs.ErrNotExist
		case gcerrors.FailedPrecondition:
			return errRefused
		}
		return nil
	}
	return &memStore{bucket: b}, nil
}

func (s *memStore) Capabilities() Capabilities {
	return Capabilities{Parallel: cloudParallel, Replace: s.replace, page: s.page}
}

// gocloud's bucket in memory does not notice when ctx ends.

func (s *memStore) Put(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return ifAbsent(s.upload(ctx, o, bytes.NewReader(o.Body), blob.WriterOptions{IfNotExist: true}))
}

func (s *memStore) replace(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.upload(ctx, o, bytes.NewReader(o.Body), blob.WriterOptions{})
}

func (s *memStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	return s.bucket.Open(ctx, key, offset, length)
}

func (s *memStore) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return pages(ctx, prefix, s.page)
}

func (s *memStore) page(ctx context.Context, prefix string, page []byte) ([]ObjectInfo, []byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	return s.bucket.page(ctx, prefix, page)
}

func (s *memStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.bucket.Delete(ctx, key)
}

func (s *memStore) Load(ctx context.Context, key string) ([]byte, Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	body, _, err := s.load(ctx, key)
	if err != nil {
		return nil, "", err
	}
	return body, contentToken(body), nil
}

func (s *memStore) Swap(ctx context.Context, key string, body []byte, old Token) error {
	s.swapping.Lock()
	defer s.swapping.Unlock()
	_, now, err := s.Load(ctx, key)
	if err := ifThere(err); err != nil {
		return err
	}
	if now != old {
		return ErrConflict
	}
	return s.upload(ctx, changing(key), bytes.NewReader(body), blob.WriterOptions{})
}

// contentToken stands for the state of an object in a store that numbers none.
func contentToken(body []byte) Token {
	sum := sha256.Sum256(body)
	return Token(sum[:])
}
