package image

import (
	"context"
	"net/http"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
)

// What the tests outside of the package see of it.

var ErrName = errName

func (p Program) Check() error { return p.check() }

// PushBy has the image pushed over a transport, in few attempts whose pauses are told
// instead of made.
func (i *Image) PushBy(t http.RoundTripper, paused func(time.Duration)) {
	i.client = client{t, retry.Policy{Attempts: 3, Asked: pushRetries.Asked, Sleep: func(ctx context.Context, d time.Duration) error {
		paused(d)
		return ctx.Err()
	}}}
}
