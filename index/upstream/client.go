package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/internal/redact"
	"github.com/regsnap/regsnap/internal/retry"
)

// errRefused: the server sent what is not accepted from any server.
var errRefused = errors.New("the answer is refused")

// How a request that fails for a passing reason is made again.
var retries = retry.Policy{Attempts: 6, Pause: 2 * time.Second, MaxPause: 40 * time.Second, Asked: 5 * time.Minute}

const (
	// silence is how long a server may say nothing, and the time in which at
	// least leastBytes of a file come: one that sends a byte now and then would
	// hold an import for ever.
	silence    = time.Minute
	leastBytes = 64 << 10
	// maxRedirects is how often one request is sent elsewhere.
	maxRedirects = 5
)

// client sends requests to one registry, politely.
type client struct {
	base    *url.URL
	http    *http.Client
	limit   *rate.Limiter
	agent   string
	silence time.Duration
	again   retry.Policy
}

// newClient prepares a client for the registry at rawURL, which may have a path
// prefix. hosts are other hosts that redirects may lead to.
func newClient(rawURL string, o Options) (*client, error) {
	base, err := url.Parse(rawURL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%w: want https://HOST or https://HOST/PREFIX", ErrURL)
	}
	if base.RawQuery != "" || base.Fragment != "" {
		return nil, fmt.Errorf("%w: it has a query or a fragment: want https://HOST or https://HOST/PREFIX", ErrURL)
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	c := &client{base: base, limit: o.limiter(), agent: o.Agent, silence: silence, again: retries}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: o.Parallel, MaxIdleConnsPerHost: o.Parallel,
		DialContext:         (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 30 * time.Second, ResponseHeaderTimeout: silence, MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		// Archives come as they are, and lengths are those of what is read.
		DisableCompression: true,
	}
	c.http = &http.Client{Transport: transport, CheckRedirect: func(req *http.Request, via []*http.Request) error {
		return c.checkRedirect(req.URL, len(via), o.Hosts)
	}}
	return c, nil
}

// checkRedirect keeps requests where the user sent them.
func (c *client) checkRedirect(to *url.URL, made int, hosts []string) error {
	switch {
	case made > maxRedirects:
		return fmt.Errorf("%w: more than %d redirects", errRefused, maxRedirects)
	case to.Host != c.base.Host && !slices.Contains(hosts, to.Host):
		return fmt.Errorf("%w: a redirect to another host, %.100q: import from there, or allow it", errRefused, to.Host)
	case c.base.Scheme == "https" && to.Scheme != "https":
		return fmt.Errorf("%w: a redirect from https to %.20q", errRefused, to.Scheme)
	}
	return nil
}

// state is what a server said of a version of a file, to ask whether it changed.
type state struct {
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"last_modified,omitempty"`
}

// errUnchanged: the file is still the one that was asked about.
var errUnchanged = errors.New("not modified")

// errMissing: the server has no such file.
var errMissing = errors.New("not found")

func (c *client) where() string { return provenance(c.base) }

func (c *client) get(ctx context.Context, path, query string, had state, limit int64, to target) (state, error) {
	u := *c.base
	u.Path += path
	u.RawPath = ""
	u.RawQuery = query
	var now state
	err := c.again.Do(ctx, func() (err error) {
		now, err = c.attempt(ctx, u.String(), had, limit, to)
		return err
	})
	switch {
	case err == nil, errors.Is(err, errUnchanged), errors.Is(err, errMissing):
		return now, err
	case ctx.Err() != nil:
		return state{}, ctx.Err()
	}
	where := path
	if query != "" {
		where += "?" + query
	}
	return state{}, fmt.Errorf("%s: %w", where, err)
}

// target is a file that is written from its beginning.
type target interface {
	io.Writer
	reset() error
}

// attempt makes one request.
func (c *client) attempt(ctx context.Context, rawURL string, had state, limit int64, to target) (state, error) {
	if err := c.limit.Wait(ctx); err != nil {
		return state{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return state{}, err
	}
	req.Header.Set("User-Agent", c.agent)
	if had.ETag != "" {
		req.Header.Set("If-None-Match", had.ETag)
	}
	if had.LastModified != "" {
		req.Header.Set("If-Modified-Since", had.LastModified)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if lasting(err) {
			return state{}, hideUser(err)
		}
		return state{}, retry.Again(hideUser(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified && had != state{}:
		return had, errUnchanged
	case resp.StatusCode == http.StatusNotFound:
		return state{}, errMissing
	case resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode == http.StatusServiceUnavailable:
		return state{}, retry.After(errors.New(resp.Status), retry.Asked(resp.Header, time.Now()))
	case resp.StatusCode >= 500, resp.StatusCode == http.StatusRequestTimeout:
		return state{}, retry.Again(errors.New(resp.Status))
	case resp.StatusCode != http.StatusOK:
		return state{}, fmt.Errorf("the server says %.60q", resp.Status)
	case resp.ContentLength > limit:
		return state{}, fmt.Errorf("%w: %d bytes are announced: at most %d are taken", errRefused, resp.ContentLength, limit)
	}
	if _, err := receive(cancel, c.silence, resp.Body, limit, to); err != nil {
		return state{}, err
	}
	return state{ETag: header(resp, "ETag"), LastModified: header(resp, "Last-Modified")}, nil
}

// lasting reports whether a request would fail the same way again.
func lasting(err error) bool {
	var certificate *tls.CertificateVerificationError
	var dns *net.DNSError
	return errors.Is(err, errRefused) || errors.As(err, &certificate) || errors.As(err, &dns) && dns.IsNotFound
}

// header is a value that can be sent back; what is too long for that is not one.
func header(resp *http.Response, name string) string {
	v := resp.Header.Get(name)
	if len(v) > 200 {
		return ""
	}
	return v
}

// watched puts off the end of a connection as long as enough comes.
type watched struct {
	io.Reader
	timer   *time.Timer
	silence time.Duration
	got     int // since the end was put off
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if w.got += n; w.got >= leastBytes {
		w.got = 0
		w.timer.Reset(w.silence)
	}
	return n, err
}

// hideUser takes the URL out of an error: it may hold a password. What is left
// may name another one, in a redirect for instance.
func hideUser(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if shown := redact.Text(err.Error()); shown != err.Error() {
		return redacted{err, shown}
	}
	return err
}

// redacted is an error that is shown without its secrets.
type redacted struct {
	error
	shown string
}

func (r redacted) Error() string { return r.shown }
func (r redacted) Unwrap() error { return r.error }
