package check

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/internal/retry"
)

// slack is how much longer than twice the bucket's answer a body may be and
// still be read to its end, in bytes: it may be that of another snapshot.
var slack int64 = 1 << 20

// retries say how often a request is sent until an answer comes, and how long a
// registry that says "too many requests" is left alone.
var retries = retry.Policy{Attempts: 3, Pause: time.Second, MaxPause: 2 * time.Second, Asked: time.Minute}

// errBusy: the registry says "too many requests". In the end that is its answer.
var errBusy = errors.New("too many requests")

// remote is the registry that is looked at.
type remote struct {
	o      Options
	client *http.Client
	rate   *rate.Limiter
	sent   atomic.Int64 // requests
	bytes  atomic.Int64 // of bodies
}

func newRemote(o Options) *remote {
	transport := o.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		// It must not ask for, and undo, an encoding of its own.
		own.DisableCompression = true
		own.MaxIdleConnsPerHost = o.Parallel
		if o.Host != "" {
			own.TLSClientConfig = &tls.Config{ServerName: hostname(o.Host)}
		}
		transport = own
	}
	return &remote{
		o: o, rate: rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate/10))),
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}

// errNoAnswer: the registry did not answer, several times.
var errNoAnswer = errors.New("no answer")

// answer sends a request until there is an answer. How long a body may be
// follows from what is expected of it.
func (r *remote) answer(ctx context.Context, a ask, want *reply) (*reply, error) {
	var got *reply
	err := retries.Do(ctx, func() (err error) {
		if got, err = r.once(ctx, a, want); err != nil {
			return retry.Again(err)
		}
		if got.status == http.StatusTooManyRequests {
			return retry.After(errBusy, retry.Asked(got.header, time.Now()))
		}
		return nil
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil && !errors.Is(err, errBusy):
		return got, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return got, nil
}

// once sends a request once.
func (r *remote) once(ctx context.Context, a ask, want *reply) (*reply, error) {
	if err := r.rate.Wait(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, a.method, r.o.URL+a.target, nil)
	if err != nil {
		return nil, err
	}
	req.Host = r.o.Host
	req.Header.Set("User-Agent", r.o.UserAgent)
	for name, value := range a.header {
		req.Header.Set(name, value)
	}
	r.sent.Add(1)
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	got := &reply{status: resp.StatusCode, header: resp.Header}
	if resp.ContentLength >= 0 && resp.Header.Get("Content-Length") == "" {
		resp.Header.Set("Content-Length", strconv.FormatInt(resp.ContentLength, 10))
	}
	limit := 2*max(want.sent.size, want.plain.size) + slack
	got.sent, err = take(resp.Body, limit)
	r.bytes.Add(got.sent.size)
	if err == nil {
		err = got.decode(limit)
	}
	if errors.Is(err, errTooLong) {
		// Not what is expected, and known well enough to say so.
		got.plain, got.cut, err = got.sent, true, nil
	}
	return got, err
}
