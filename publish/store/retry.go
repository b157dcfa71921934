package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// RetryPolicy bounds how a request is made again. The clients of the SDKs make
// one attempt, so that this is all there is. What is 0 is as it is by default:
// that sits out about half a minute of trouble, within which S3 and GCS scale up
// when the load on a prefix rises.
type RetryPolicy struct {
	// Attempts is how often a request is made at most.
	Attempts int
	// Pause is the longest wait after the first attempt. It doubles with every
	// attempt up to MaxPause; the wait itself is random between 0 and that.
	Pause, MaxPause time.Duration
	// Asked is the longest wait that a store can ask for (Retry-After).
	Asked time.Duration
	// Total is the time after which no attempt begins.
	Total time.Duration
	// Answer is how long an attempt may take, and Slowest the bytes per second
	// at which a body is still waited for beyond that.
	Answer  time.Duration
	Slowest int64
}

// orDefault fills in what is 0.
func (p RetryPolicy) orDefault() RetryPolicy {
	set(&p.Attempts, 10)
	set(&p.Pause, 100*time.Millisecond)
	set(&p.MaxPause, 10*time.Second)
	set(&p.Asked, 30*time.Second)
	set(&p.Total, 2*time.Minute)
	set(&p.Answer, 30*time.Second)
	set(&p.Slowest, 16<<10)
	return p
}

func set[T int | int64 | time.Duration](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// Retry is a store that makes requests again when they fail for a passing reason.
// All of them can be repeated: objects do not change and are put only if absent,
// and Swap finds out whether it was itself that moved the pointer.
func Retry(s Store, p RetryPolicy) Store {
	return newRetrying(s, p)
}

func newRetrying(s Store, p RetryPolicy) *retrying {
	p = p.orDefault()
	return &retrying{store: s, can: CapabilitiesOf(s), times: p, again: retry.Policy{
		Attempts: p.Attempts, Pause: p.Pause, MaxPause: p.MaxPause, Asked: p.Asked, Total: p.Total,
	}}
}

type retrying struct {
	store Store
	can   Capabilities
	times RetryPolicy
	again retry.Policy
	// place is the bucket in messages; empty where errors stay as they are.
	place   string
	notices *notices
}

// Capabilities are those of the store, where requests are made again too.
func (s *retrying) Capabilities() Capabilities {
	c := offered(s.store)
	if c.Replace != nil {
		c.Replace = s.replace
	}
	if c.DeleteBatch != nil {
		c.DeleteBatch = s.deleteBatch
	}
	c.DeleteOnce, c.putFrom, c.page = s.deleteOnce, s.putFrom, s.page
	return c
}

// timeout is the time for one attempt that moves a number of bytes.
func (s *retrying) timeout(size int64) time.Duration {
	return s.times.Answer + time.Duration(size/s.times.Slowest)*time.Second
}

// do makes attempts, as long as the reason why they fail may pass. request says in
// messages what is done.
func (s *retrying) do(ctx context.Context, request string, attempt func() error) error {
	again := s.again
	again.Pausing = func(n int, pause time.Duration, err error) { s.notices.again(request, n, s.again.Attempts, pause, err) }
	err := again.Do(ctx, func() error {
		end := s.notices.begin(request)
		err := attempt()
		end(err)
		if transient(err) {
			return retry.After(err, asked(err))
		}
		return err
	})
	return s.explained(request, err)
}

// explained says an error in our words.
func (s *retrying) explained(request string, err error) error {
	if s.place == "" {
		return err
	}
	return trouble(s.place, request, err)
}

// limited is do, where each attempt has a time limit.
func (s *retrying) limited(ctx context.Context, request string, timeout time.Duration, attempt func(context.Context) error) error {
	return s.do(ctx, request, func() error {
		limit, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err := attempt(limit)
		if err != nil && limit.Err() != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("%w (%s)", errNoAnswer, timeout)
		}
		return err
	})
}

func (s *retrying) Put(ctx context.Context, o layout.Object) error {
	return s.limited(ctx, "write "+o.Key, s.timeout(int64(len(o.Body))), func(ctx context.Context) error { return s.store.Put(ctx, o) })
}

func (s *retrying) putFrom(ctx context.Context, o layout.Object, body content, size int64) error {
	return s.limited(ctx, "write "+o.Key, s.timeout(size), func(ctx context.Context) error {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return s.can.putFrom(ctx, o, body, size)
	})
}

func (s *retrying) replace(ctx context.Context, o layout.Object) error {
	return s.limited(ctx, "replace "+o.Key, s.timeout(int64(len(o.Body))), func(ctx context.Context) error { return s.can.Replace(ctx, o) })
}

func (s *retrying) Delete(ctx context.Context, key string) error {
	_, err := s.deleteOnce(ctx, key)
	return err
}

func (s *retrying) deleteOnce(ctx context.Context, key string) (once bool, err error) {
	return s.once(ctx, "delete "+key, func(ctx context.Context) error { return s.store.Delete(ctx, key) })
}

func (s *retrying) deleteBatch(ctx context.Context, keys []string) (once bool, err error) {
	return s.once(ctx, fmt.Sprintf("delete %d objects", len(keys)), func(ctx context.Context) error {
		_, err := s.can.DeleteBatch(ctx, keys)
		return err
	})
}

// once deletes, and reports whether one attempt was enough.
func (s *retrying) once(ctx context.Context, request string, attempt func(context.Context) error) (once bool, err error) {
	attempts := 0
	err = s.limited(ctx, request, s.times.Answer, func(ctx context.Context) error {
		attempts++
		return attempt(ctx)
	})
	return attempts == 1 && err == nil, err
}

func (s *retrying) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r := &resumingReader{ctx: ctx, store: s, key: key, offset: offset, left: length}
	if err := r.open(); err != nil {
		return nil, 0, err
	}
	return r, r.left, nil
}

func (s *retrying) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return pages(ctx, prefix, s.page)
}

func (s *retrying) page(ctx context.Context, prefix string, page []byte) (objects []ObjectInfo, next []byte, err error) {
	err = s.limited(ctx, "list "+prefix, s.times.Answer, func(ctx context.Context) (err error) {
		objects, next, err = s.can.page(ctx, prefix, page)
		return err
	})
	return objects, next, err
}

func (s *retrying) Load(ctx context.Context, key string) (body []byte, t Token, err error) {
	err = s.limited(ctx, "read "+key, s.times.Answer, func(ctx context.Context) (err error) {
		body, t, err = s.store.Load(ctx, key)
		return err
	})
	return body, t, err
}

// Swap must not take its own success for someone else's: when the answer to a
// write was lost, the next attempt finds the pointer moved. It was this swap, or
// one that wrote the same, if the pointer says what it was to say.
func (s *retrying) Swap(ctx context.Context, key string, body []byte, old Token) error {
	lost := false
	return s.limited(ctx, "write "+key, s.times.Answer, func(ctx context.Context) error {
		err := s.store.Swap(ctx, key, body, old)
		if !errors.Is(err, ErrConflict) {
			lost = lost || err != nil
			return err
		}
		if !lost {
			return err
		}
		now, _, loadErr := s.store.Load(ctx, key)
		switch {
		case loadErr != nil && !errors.Is(loadErr, fs.ErrNotExist):
			return loadErr
		case bytes.Equal(now, body):
			return nil
		}
		return err
	})
}

func (s *retrying) Close() error { return s.store.Close() }
