package store

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
)

// A reader of GCS's client that loses its connection asks for the rest by
// itself. That must not be: of an object that is marked gzip and read as it is
// stored, the client then drops as many bytes of the rest as had come before,
// and goes on after the hole without an error. Of an object that was written
// anew meanwhile, as pointers are, it says that there is none.
//
// oneRead and singleReads have the connection fail for good instead, and
// resumingReader, or the next attempt, does it right.

// errCutShort is what the client is told that asks for the rest.
var errCutShort = fmt.Errorf("the connection was lost while an object was read: %w", io.ErrUnexpectedEOF)

// answered is in the context of a read: whether a body has begun to come.
type answered struct{ atomic.Bool }

type answeredKey struct{}

// oneRead is a context for one read of one object.
func oneRead(ctx context.Context) context.Context {
	return context.WithValue(ctx, answeredKey{}, new(answered))
}

// singleReads refuses a request in the context of a read that was answered.
type singleReads struct{ http.RoundTripper }

func (t singleReads) RoundTrip(r *http.Request) (*http.Response, error) {
	read, ok := r.Context().Value(answeredKey{}).(*answered)
	if ok && read.Load() {
		return nil, errCutShort
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if ok && err == nil && resp.StatusCode/100 == 2 {
		read.Store(true)
	}
	return resp, err
}
