package publish

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

	"github.com/regsnap/regsnap/layout"
)

// retryPolicy bounds how a request is made again. The clients of the SDKs make
// one attempt, so that this is all there is.
type retryPolicy struct {
	// attempts is how often a request is made at most.
	attempts int
	// pause is the longest wait after the first attempt. It doubles with every
	// attempt up to maxPause; the wait itself is random between 0 and that (full
	// jitter), so that many clients that failed together do not come back together.
	pause, maxPause time.Duration
	// asked is the longest wait that a store can ask for (Retry-After). It comes
	// before the pause: those that were told the same do not come back together.
	asked time.Duration
	// total is the time after which no attempt begins.
	total time.Duration
	// answer is how long an attempt may take, and slowest the bytes per second
	// at which a body is still waited for beyond that.
	answer  time.Duration
	slowest int64
}

// defaultRetries sit out about half a minute of trouble: S3 and GCS scale up
// within that when the load on a prefix rises.
var defaultRetries = retryPolicy{
	attempts: 10, pause: 100 * time.Millisecond, maxPause: 10 * time.Second, asked: 30 * time.Second,
	total: 2 * time.Minute, answer: 30 * time.Second, slowest: 16 << 10,
}

// errGaveUp: no attempt got through, each for a passing reason.
var errGaveUp = errors.New("gave up")

// timeout is the time for one attempt that moves a number of bytes.
func (p retryPolicy) timeout(size int) time.Duration {
	return p.answer + time.Duration(int64(size)/p.slowest)*time.Second
}

// wait pauses after the attempt number n, counted from 0, that ended in err.
func (p retryPolicy) wait(ctx context.Context, n int, err error) error {
	longest := min(p.pause<<min(n, 20), p.maxPause)
	return sleep(ctx, min(retryAfter(err, time.Now()), p.asked)+rand.N(longest+1))
}

// do makes attempts until one succeeds, fails for good, or there were enough.
// When ctx ends it returns what ended it.
func (p retryPolicy) do(ctx context.Context, attempt func() error) error {
	if err := ctx.Err(); err != nil {
		return err // a store in memory would not notice
	}
	last := time.Now().Add(p.total)
	for n := 0; ; n++ {
		err := attempt()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !transient(err):
			return err
		case n+1 >= p.attempts || time.Now().After(last):
			return fmt.Errorf("%w after %d attempts: %w", errGaveUp, n+1, err)
		}
		if err := p.wait(ctx, n, err); err != nil {
			return err
		}
	}
}

// limited is do, where each attempt has a time limit.
func (p retryPolicy) limited(ctx context.Context, timeout time.Duration, attempt func(context.Context) error) error {
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
	policy retryPolicy
}

var (
	_ objectStore  = (*retrying)(nil)
	_ pointerStore = (*retrying)(nil)
)

func (s *retrying) put(ctx context.Context, o layout.Object) error {
	return s.policy.limited(ctx, s.policy.timeout(len(o.Body)), func(ctx context.Context) error {
		return s.remote.put(ctx, o)
	})
}

func (s *retrying) delete(ctx context.Context, key string) error {
	return s.policy.limited(ctx, s.policy.answer, func(ctx context.Context) error {
		return s.remote.delete(ctx, key)
	})
}

func (s *retrying) open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r := &resumingReader{ctx: ctx, store: s, key: key, offset: offset, left: length}
	if err := r.open(); err != nil {
		return nil, 0, err
	}
	return r, r.left, nil
}

func (s *retrying) list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		for page := []byte(nil); ; {
			var objects []ObjectInfo
			var next []byte
			err := s.policy.limited(ctx, s.policy.answer, func(ctx context.Context) (err error) {
				objects, next, err = s.remote.listPage(ctx, prefix, page)
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

func (s *retrying) load(ctx context.Context, key string) (body []byte, t token, err error) {
	err = s.policy.limited(ctx, s.policy.answer, func(ctx context.Context) (err error) {
		body, t, err = s.remote.load(ctx, key)
		return err
	})
	return body, t, err
}

// swap must not take its own success for somebody else's: when the answer to a
// write was lost, the next attempt finds the pointer moved. It was this swap, or
// one that wrote the same, if the pointer says what it was to say.
func (s *retrying) swap(ctx context.Context, key string, body []byte, old token) error {
	lost := false
	return s.policy.limited(ctx, s.policy.answer, func(ctx context.Context) error {
		err := s.remote.swap(ctx, key, body, old)
		if !errors.Is(err, ErrConflict) {
			lost = lost || err != nil
			return err
		}
		if !lost {
			return err
		}
		now, _, loadErr := s.remote.load(ctx, key)
		switch {
		case loadErr != nil && !errors.Is(loadErr, fs.ErrNotExist):
			return loadErr
		case bytes.Equal(now, body):
			return nil
		}
		return err
	})
}
