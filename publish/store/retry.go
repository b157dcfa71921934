package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// RetryPolicy bounds how a request is made again. The clients of the SDKs make
// one attempt, so that this is all there is.
type RetryPolicy struct {
	// Attempts is how often a request is made at most.
	Attempts int
	// Pause is the longest wait after the first attempt. It doubles with every
	// attempt up to MaxPause; the wait itself is random between 0 and that (full
	// jitter), so that many clients that failed together do not come back together.
	Pause, MaxPause time.Duration
	// Asked is the longest wait that a store can ask for (Retry-After). It comes
	// before the pause: those that were told the same do not come back together.
	Asked time.Duration
	// Total is the time after which no attempt begins.
	Total time.Duration
	// Answer is how long an attempt may take, and Slowest the bytes per second
	// at which a body is still waited for beyond that.
	Answer  time.Duration
	Slowest int64
}

// defaultRetries sit out about half a minute of trouble: S3 and GCS scale up
// within that when the load on a prefix rises.
var defaultRetries = RetryPolicy{
	Attempts: 10, Pause: 100 * time.Millisecond, MaxPause: 10 * time.Second, Asked: 30 * time.Second,
	Total: 2 * time.Minute, Answer: 30 * time.Second, Slowest: 16 << 10,
}

// ErrGaveUp: no attempt got through, each for a passing reason.
var ErrGaveUp = errors.New("gave up")

// timeout is the time for one attempt that moves a number of bytes.
func (p RetryPolicy) timeout(size int) time.Duration {
	return p.Answer + time.Duration(int64(size)/p.Slowest)*time.Second
}

// wait pauses after the attempt number n, counted from 0, that ended in err.
func (p RetryPolicy) wait(ctx context.Context, n int, err error) error {
	longest := min(p.Pause<<min(n, 20), p.MaxPause)
	return retry.Sleep(ctx, min(retryAfter(err, time.Now()), p.Asked)+rand.N(longest+1))
}

// do makes attempts until one succeeds, fails for good, or there were enough.
// When ctx ends it returns what ended it.
func (p RetryPolicy) do(ctx context.Context, attempt func() error) error {
	if err := ctx.Err(); err != nil {
		return err // a store in memory would not notice
	}
	last := time.Now().Add(p.Total)
	for n := 0; ; n++ {
		err := attempt()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !transient(err):
			return err
		case n+1 >= p.Attempts || time.Now().After(last):
			return fmt.Errorf("%w after %d attempts: %w", ErrGaveUp, n+1, err)
		}
		if err := p.wait(ctx, n, err); err != nil {
			return err
		}
	}
}

// limited is do, where each attempt has a time limit.
func (p RetryPolicy) limited(ctx context.Context, timeout time.Duration, attempt func(context.Context) error) error {
	return p.do(ctx, func() error {
		limit, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		err := attempt(limit)
		if err != nil && limit.Err() != nil && !errors.Is(err, ErrConflict) {
			return fmt.Errorf("%w (%s)", errNoAnswer, timeout)
		}
		return err
	})
}

// retrying makes requests to a remote store again when they fail for a passing
// reason. All of them can be repeated: objects do not change and are put only if
// absent, and swap finds out whether it was itself that moved the pointer.
type retrying struct {
	remote remote
	policy RetryPolicy
}

var (
	_ ObjectStore  = (*retrying)(nil)
	_ PointerStore = (*retrying)(nil)
)

func (s *retrying) Put(ctx context.Context, o layout.Object) error {
	return s.policy.limited(ctx, s.policy.timeout(len(o.Body)), func(ctx context.Context) error {
		return s.remote.Put(ctx, o)
	})
}

func (s *retrying) Delete(ctx context.Context, key string) error {
	return s.policy.limited(ctx, s.policy.Answer, func(ctx context.Context) error {
		return s.remote.Delete(ctx, key)
	})
}

func (s *retrying) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r := &resumingReader{ctx: ctx, store: s, key: key, offset: offset, left: length}
	if err := r.Open(); err != nil {
		return nil, 0, err
	}
	return r, r.left, nil
}

func (s *retrying) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		for page := []byte(nil); ; {
			var objects []ObjectInfo
			var next []byte
			err := s.policy.limited(ctx, s.policy.Answer, func(ctx context.Context) (err error) {
				objects, next, err = s.remote.ListPage(ctx, prefix, page)
				return err
			})
			if err != nil {
				yield(ObjectInfo{}, err)
				return
			}
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
			}
			if len(next) == 0 {
				return
			}
			page = next
		}
	}
}

func (s *retrying) Load(ctx context.Context, key string) (body []byte, t Token, err error) {
	err = s.policy.limited(ctx, s.policy.Answer, func(ctx context.Context) (err error) {
		body, t, err = s.remote.Load(ctx, key)
		return err
	})
	return body, t, err
}

// Swap must not take its own success for somebody else's: when the answer to a
// write was lost, the next attempt finds the pointer moved. It was this swap, or
// one that wrote the same, if the pointer says what it was to say.
func (s *retrying) Swap(ctx context.Context, key string, body []byte, old Token) error {
	lost := false
	return s.policy.limited(ctx, s.policy.Answer, func(ctx context.Context) error {
		err := s.remote.Swap(ctx, key, body, old)
		if !errors.Is(err, ErrConflict) {
			lost = lost || err != nil
			return err
		}
		if !lost {
			return err
		}
		now, _, loadErr := s.remote.Load(ctx, key)
		switch {
		case loadErr != nil && !errors.Is(loadErr, fs.ErrNotExist):
			return loadErr
		case bytes.Equal(now, body):
			return nil
		}
		return err
	})
}

// Retries is the policy of a store behind a network, nil of one that is not. It
// may be changed before the store is used.
func Retries(objects ObjectStore) *RetryPolicy {
	if r, ok := objects.(*retrying); ok {
		return &r.policy
	}
	return nil
}
