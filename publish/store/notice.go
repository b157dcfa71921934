package store

import (
	"context"
	"sync/atomic"
	"time"
)

// Notice is what a store behind a network has to say while it works: that a
// request failed and is made again, that it takes long, or, with Request alone,
// that it was answered.
type Notice struct {
	// Place is the bucket, as scheme and name; Request is such as "read KEY".
	Place, Request string
	// Err is why an attempt failed; nil if none did.
	Err error
	// Attempt failed, Of are made at most, and Pause is waited before the next.
	Attempt, Of int
	Pause       time.Duration
	// Silent is how long nothing has been answered; 0 if that is not the matter.
	Silent time.Duration
	// Took is how long an answer took.
	Took time.Duration
}

type noticesKey struct{}

// WithNotices is a context in which stores that are opened say what happens. tell
// is called from any goroutine and must not block.
func WithNotices(ctx context.Context, tell func(Notice)) context.Context {
	return context.WithValue(ctx, noticesKey{}, tell)
}

// silentFor is how long a store may say nothing before that is reported.
const silentFor = 2500 * time.Millisecond

// notices tells what happens to the requests of one store.
type notices struct {
	place string
	tell  func(Notice)
	// answered is when the newest answer came, in nanoseconds since 1970.
	answered atomic.Int64
}

// noticesOf are those of a context; nil if nobody wants them.
func noticesOf(ctx context.Context, place string) *notices {
	tell, _ := ctx.Value(noticesKey{}).(func(Notice))
	if tell == nil {
		return nil
	}
	return &notices{place: place, tell: tell}
}

// begin is called when a request is made; what it returns is called at its end.
func (n *notices) begin(request string) (end func(error)) {
	if n == nil {
		return func(error) {}
	}
	begun := time.Now()
	slow := time.AfterFunc(silentFor, func() {
		if time.Since(time.Unix(0, n.answered.Load())) >= silentFor { // others are answered: it is only slow
			n.tell(Notice{Place: n.place, Request: request, Silent: silentFor})
		}
	})
	return func(err error) {
		slow.Stop()
		n.answered.Store(time.Now().UnixNano())
		n.tell(Notice{Place: n.place, Request: request, Err: err, Took: time.Since(begun)})
	}
}

// again is called when a request failed and will be made again.
func (n *notices) again(request string, attempt, of int, pause time.Duration, err error) {
	if n != nil {
		n.tell(Notice{Place: n.place, Request: request, Err: err, Attempt: attempt, Of: of, Pause: pause})
	}
}
