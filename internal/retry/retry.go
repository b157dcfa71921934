// Package retry does again what failed for a reason that may pass. It is the one
// loop for that: who uses it says which failures pass, and how long to bear them.
package retry

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// ErrGaveUp: no attempt succeeded, each failed for a passing reason.
var ErrGaveUp = errors.New("gave up")

// Policy bounds how often something is attempted, and how long it takes.
type Policy struct {
	// Attempts is how often it is attempted at most.
	Attempts int
	// Pause is the longest wait after the first attempt. It doubles with every
	// attempt up to MaxPause; the wait itself is random between 0 and that (full
	// jitter), so that many that failed together do not come back together.
	Pause, MaxPause time.Duration
	// Asked is the longest wait that the other side can ask for; see After. It
	// comes before the pause: those that were told the same do not come back
	// together either.
	Asked time.Duration
	// Total is the time after which no attempt begins; 0 sets no bound.
	Total time.Duration
	// Sleep waits in place of the function Sleep, if it is set.
	Sleep func(context.Context, time.Duration) error
	// Pausing, if set, is called before each wait: with the attempt that failed, the
	// length of the wait, and the error.
	Pausing func(attempt int, pause time.Duration, err error)
}

// passing marks an error of which the next attempt may be free.
type passing struct {
	error
	asked time.Duration
}

func (e *passing) Unwrap() error { return e.error }

// Again marks the error that an attempt returns as one that may pass.
func Again(err error) error { return After(err, 0) }

// After is Again, where the other side asked to wait that long.
func After(err error, asked time.Duration) error { return &passing{err, asked} }

// Do makes attempts until one succeeds, fails for good, or there were enough:
// then the error is ErrGaveUp and that of the last attempt. When ctx ends it
// returns the error of that.
func (p Policy) Do(ctx context.Context, attempt func() error) error {
	if err := ctx.Err(); err != nil {
		return err // not every attempt would notice
	}
	begun := time.Now()
	for n := 1; ; n++ {
		err := attempt()
		again, passes := err.(*passing) // not one within: an attempt that itself gave up
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !passes:
			return err
		case n >= p.Attempts || p.Total > 0 && time.Since(begun) > p.Total:
			return GaveUp(n, again.error)
		}
		pause := p.pause(n, again.asked)
		if p.Pausing != nil {
			p.Pausing(n, pause, again.error)
		}
		if err := p.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// GaveUp is the error after that many attempts, of which the last ended in err.
func GaveUp(attempts int, err error) error {
	return fmt.Errorf("%w after %d attempts: %w", ErrGaveUp, attempts, err)
}

// Wait pauses after attempt number n, counted from 1, where the other side asked
// to wait that long.
func (p Policy) Wait(ctx context.Context, n int, asked time.Duration) error {
	return p.sleep(ctx, p.pause(n, asked))
}

func (p Policy) pause(n int, asked time.Duration) time.Duration {
	longest := min(p.Pause<<min(n-1, 20), p.MaxPause)
	return min(asked, p.Asked) + rand.N(longest+1)
}

func (p Policy) sleep(ctx context.Context, pause time.Duration) error {
	if p.Sleep != nil {
		return p.Sleep(ctx, pause)
	}
	return Sleep(ctx, pause)
}

// Sleep waits for d, or until ctx ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
