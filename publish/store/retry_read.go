package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// resumingReader reads an object, and when the connection is lost it goes on
// where it was: the bytes of an object never change.
type resumingReader struct {
	ctx    context.Context
	store  *retrying
	key    string
	offset int64 // of the next byte
	left   int64 // bytes to come; negative means all, until the first open
	body   io.ReadCloser
	cancel context.CancelCauseFunc
	// failures counts the connections that were lost without a byte in between.
	failures int
}

// open asks for what is left. Only the answer is waited for with a limit: how
// long the body takes is up to the caller, and a connection that says nothing
// any more fails by itself (watchedConn).
func (r *resumingReader) open() error {
	answer := r.store.times.Answer
	return r.store.do(r.ctx, "read "+r.key, func() error {
		ctx, cancel := context.WithCancelCause(r.ctx)
		limit := time.AfterFunc(answer, func() { cancel(errNoAnswer) })
		body, n, err := r.store.store.Open(ctx, r.key, r.offset, r.left)
		switch {
		case !limit.Stop():
			if err == nil {
				err = body.Close()
			}
			cancel(err)
			return fmt.Errorf("%s: %w (%s)", r.key, errNoAnswer, answer)
		case err != nil:
			cancel(err)
			return err
		}
		r.body, r.left, r.cancel = body, n, cancel
		return nil
	})
}

func (r *resumingReader) Read(p []byte) (int, error) {
	for {
		if r.body == nil {
			return 0, fs.ErrClosed
		}
		if r.left == 0 {
			return 0, r.end()
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
		r.offset, r.left = r.offset+int64(n), r.left-int64(n)
		if n > 0 {
			r.failures = 0
			return n, nil // if there is an error too, it comes again
		}
		if err == nil {
			return 0, nil
		}
		if err := r.resume(err); err != nil {
			return 0, err
		}
	}
}

// end reads over the end of the body: that is where the SDKs compare checksums,
// and what lets the connection be used again.
func (r *resumingReader) end() error {
	var past [1]byte
	n, err := r.body.Read(past[:])
	if n > 0 {
		return fmt.Errorf("%s: %w: longer than the store said", r.key, layout.ErrDamaged)
	}
	if err == nil || transient(err) {
		// All bytes are there; only the end of the connection was not clean.
		err = io.EOF
	}
	return err
}

// resume opens the rest of the object after the error err of the body.
func (r *resumingReader) resume(err error) error {
	if err == io.EOF { // the store had announced more
		err = io.ErrUnexpectedEOF
	}
	switch {
	case r.ctx.Err() != nil:
		return r.ctx.Err()
	case !transient(err):
		return fmt.Errorf("%s: at byte %d: %w", r.key, r.offset, err)
	}
	if r.failures++; r.failures >= r.store.again.Attempts {
		gaveUp := retry.GaveUp(r.failures, err)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			// The store has answered each time, and never sent what it announced.
			return fmt.Errorf("%s: at byte %d: %w: %d bytes are missing: %w", r.key, r.offset, layout.ErrDamaged, r.left, gaveUp)
		}
		return r.store.explained("read "+r.key, fmt.Errorf("%s: at byte %d: %w", r.key, r.offset, gaveUp))
	}
	r.close()
	r.store.notices.again("read "+r.key, r.failures, r.store.again.Attempts, 0, err)
	if err := r.store.again.Wait(r.ctx, r.failures, asked(err)); err != nil {
		return err
	}
	left := r.left
	if err := r.open(); err != nil {
		return err
	}
	if r.left != left {
		return fmt.Errorf("%s: %w: %d bytes are left from %d on, not %d as before", r.key, layout.ErrDamaged, r.left, r.offset, left)
	}
	return nil
}

// Close gives the connection back.
func (r *resumingReader) Close() error { return r.close() }

func (r *resumingReader) close() error {
	if r.body == nil {
		return nil
	}
	err := r.body.Close()
	r.cancel(nil)
	r.body = nil
	return err
}
