package check_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/check"
)

// TestResume breaks a check off, and goes on: nothing that was the same is asked
// for again, what differed is.
func TestResume(t *testing.T) {
	bucket, _, second := newBucket(t)
	h := falsified(handler(t, bucket, "production"), func(a *recorded) {
		if a.r.URL.Path == "/health" {
			a.status = http.StatusTeapot
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var n atomic.Int64
	site := &watched{Handler: h, seen: func(*http.Request) {
		if n.Add(1) == 300 {
			cancel()
		}
	}}
	o := options(bucket, listening(t, site).URL)
	o.State = filepath.Join(t.TempDir(), "state")
	r, err := check.Run(ctx, o)
	if !errors.Is(err, context.Canceled) || r == nil || r.Complete || r.Addresses == 0 || r.Differences != 2 {
		t.Fatalf("interrupted: %v %+v", err, r)
	}
	before := site.all()
	// A line that was not finished counts for nothing.
	f, err := os.OpenFile(o.State, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("GET /package/guard/3.1.0")
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	again := run(t, o)
	after := site.all()
	// Probes that were under way when it was interrupted are asked again.
	twice := 0
	for _, asked := range after {
		if slices.Contains(before, asked) && !strings.Contains(asked, "/health") {
			twice++
		}
	}
	if again.Skipped < r.Addresses-2 || again.Skipped+again.Addresses <= r.Addresses || again.Differences != 2 || twice > 16*7 {
		t.Errorf("%d addresses at first, then %d skipped and %d asked, %d requests sent twice: %v", r.Addresses, again.Skipped, again.Addresses, twice, problems(again))
	}
	if third := run(t, o); third.Addresses != 1 || third.Differences != 2 {
		t.Errorf("once all is done: %d addresses, %d differences", third.Addresses, third.Differences)
	}
	other := o
	other.Level = check.API
	if _, err := check.Run(t.Context(), other); err == nil || !strings.Contains(err.Error(), "is about another check") {
		t.Errorf("another level with this state: %v", err)
	}
	live(t, bucket, "production", second)
	if r := run(t, o); r.Skipped > 0 {
		t.Errorf("another snapshot is live, and %d addresses are taken for known", r.Skipped)
	}
}

// stuck serves a snapshot that is not live, as a cache does that was not told.
func stuck(t *testing.T, bucket serve.Bucket, id string) http.Handler {
	return handler(t, pinnedBucket{bucket, id}, "production")
}

type pinnedBucket struct {
	serve.Bucket
	id string
}

func (p pinnedBucket) Pointer(_ context.Context, env string) (layout.Pointer, error) {
	return layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: p.id}, nil
}

// TestOlderSnapshot: answers of the snapshot before are late while caches may
// have them, and different after that.
func TestOlderSnapshot(t *testing.T) {
	t.Parallel()
	bucket, first, second := newBucket(t)
	h := handler(t, bucket, "production")
	old := stuck(t, bucket, first)
	live(t, bucket, "production", second)
	for h.Live("production") != second {
		time.Sleep(time.Millisecond)
	}
	server := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/search") {
			old.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	}))
	o := options(bucket, server.URL)
	o.Lag = time.Minute
	if r := run(t, o); !r.Same() || r.Late < 100 {
		t.Errorf("just after the pointer moved: %d late; %v\n%s", r.Late, problems(r), details(r))
	}
	// The same in an environment whose answers may not be kept.
	bucket, first, second = uncached(t)
	old = stuck(t, bucket, first)
	live(t, bucket, "production", second)
	o = options(bucket, listening(t, old).URL)
	r := run(t, o)
	for _, g := range r.Groups {
		if g.Problem != "the answer of an older snapshot" || g.Examples[0].Got != first || g.Examples[0].Want != second || !strings.Contains(g.Examples[0].Detail, "not live since ") {
			t.Errorf("%s: %s: %+v", g.Kind, g.Problem, g.Examples[0])
		}
	}
	if r.Differences < 100 || r.Late > 0 {
		t.Errorf("%d differences, %d late: %v", r.Differences, r.Late, problems(r))
	}
}

// TestPointerMoves moves the pointer while a check is at work.
func TestPointerMoves(t *testing.T) {
	bucket, first, second := newBucket(t)
	h := handler(t, bucket, "production")
	var n atomic.Int64
	server := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) == 200 {
			if err := servetest.GoLive(r.Context(), bucket, "production", second); err != nil {
				t.Error(err)
			}
			for h.Live("production") != second {
				time.Sleep(time.Millisecond)
			}
		}
		h.ServeHTTP(w, r)
	}))
	o := options(bucket, server.URL)
	o.Lag = time.Minute
	r := run(t, o)
	if !r.Same() || !slices.Equal(r.Snapshots, []string{first, second}) {
		t.Errorf("%v: %v\n%s", r.Snapshots, problems(r), details(r))
	}
}

// TestTooMany: a registry that asks for patience gets it.
func TestTooMany(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	var refused atomic.Int64
	server := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/health" && refused.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		h.ServeHTTP(w, r)
	}))
	o := options(bucket, server.URL)
	o.MaxRequests = 30
	begin := time.Now()
	if r := run(t, o); !r.Same() || refused.Load() != 3 {
		t.Errorf("%d requests to /health: %v", refused.Load(), problems(r))
	}
	if waited := time.Since(begin); waited < time.Second {
		t.Errorf("asked again after %s, a second was asked for", waited)
	}
}

// TestRate: no more requests in a second than wanted.
func TestRate(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	o := options(bucket, listening(t, handler(t, bucket, "production")).URL)
	o.Rate, o.MaxRequests = 50, 60
	begin := time.Now()
	r := run(t, o)
	// A tenth of a second's requests may come at once.
	if least := time.Duration(r.Requests-6) * time.Second / 50; time.Since(begin) < least {
		t.Errorf("%d requests in %s, less than %s", r.Requests, time.Since(begin), least)
	}
}

// TestUnreachable: what cannot be asked is not different.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	bucket, _, _ := newBucket(t)
	if r, err := check.Run(t.Context(), options(bucket, "http://"+child.Address(t))); !errors.Is(err, check.ErrUnreachable) || r.Differences > 0 {
		t.Errorf("nobody there: %v %+v", err, r)
	}
	h := handler(t, bucket, "production")
	var n atomic.Int64
	leaving := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1) > 100 {
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, r)
	}))
	r, err := check.Run(t.Context(), options(bucket, leaving.URL))
	if !errors.Is(err, check.ErrUnreachable) || r.Complete || r.Addresses == 0 || n.Load() > 400 {
		t.Errorf("gone after 100 requests: %v, %d requests came, %+v", err, n.Load(), r)
	}
}

// failing is a bucket that stops answering for responses.
type failing struct{ serve.Bucket }

func (f failing) Read(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, layout.ResponsesPrefix) {
		return nil, errors.New("no more")
	}
	return f.Bucket.Read(ctx, key)
}

func (f failing) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	return nil, errors.New("no more")
}

// TestBucketFails: nothing is laid to the registry that is the bucket's fault.
func TestBucketFails(t *testing.T) {
	bucket, _, _ := newBucket(t)
	server := listening(t, handler(t, bucket, "production"))
	r, err := check.Run(t.Context(), options(failing{bucket}, server.URL))
	if err == nil || !strings.Contains(err.Error(), "the bucket's own answer to ") || r.Differences > 0 {
		t.Errorf("%v %+v", err, r)
	}
	o := options(bucket, server.URL)
	o.Environment = "none"
	if _, err := check.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "environment none has no live snapshot") {
		t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	bucket, _, _ := newBucket(t)
	for url, want := range map[string]string{
		"":                                     "is no URL of a registry",
		"epr.example.org":                      "is no URL of a registry",
		"ftp://epr.example.org":                "is no URL of a registry",
		"https://u:secret@epr.example.org?":    "", // an empty query is no query
		"https://u:secret@epr.example.org?a=b": "has no query",
		"https://u:secret%@epr.example.org":    "cannot be parsed",
	} {
		_, err := check.Run(t.Context(), check.Options{Bucket: bucket, Environment: "none", URL: url})
		if want != "" && (!errors.Is(err, check.ErrOptions) || !strings.Contains(err.Error(), want)) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", url, err)
		}
	}
	for name, change := range map[string]func(*check.Options){
		"level":    func(o *check.Options) { o.Level = "strict" },
		"sample":   func(o *check.Options) { o.Sample = 1.5 },
		"rate":     func(o *check.Options) { o.Rate = -1 },
		"parallel": func(o *check.Options) { o.Parallel = -1 },
		"requests": func(o *check.Options) { o.MaxRequests = -1 },
		"lag":      func(o *check.Options) { o.Lag = -1 },
	} {
		o := options(bucket, "http://localhost")
		change(&o)
		if _, err := check.Run(t.Context(), o); !errors.Is(err, check.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
