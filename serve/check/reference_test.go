package check_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/check"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestFixed: what is asked of every registry, in this order, and that each request is of the
// kind that it is reported as: the bucket answers an error with an error.
func TestFixed(t *testing.T) {
	t.Parallel()
	url, _, second := small(t)
	for _, level := range []check.Level{check.API, check.Edge, check.Exact} {
		o := options(servetest.Open(t, url), "http://registry.example")
		o.Level = level
		all, err := check.FixedOf(t.Context(), o, second)
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		seen := map[string]bool{}
		for _, f := range all {
			kinds = append(kinds, f.Kind)
			ok := map[string]bool{
				"index": f.Status == 200, "health": f.Status == 200, "icon": f.Status == 200, "error": f.Status == 400 || f.Status == 404,
				"redirect": f.Status == 301, "method": f.Status == 405, "spelling": f.Status == 200 || f.Status == 400 || f.Status == 404 || f.Status == 301,
			}[f.Kind]
			if !ok || seen[f.Method+f.Target] || (f.Method != "GET") != (f.Kind == "method") {
				t.Errorf("%s: %+v", level, f)
			}
			seen[f.Method+f.Target] = true
		}
		want := []string{"index", "health", "icon", "error", "redirect", "spelling", "error", "redirect"}
		if level != check.API {
			want = append(want, "method")
		}
		if got := slices.Compact(kinds); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", level, got, want)
		}
	}
}

// TestExplained: the answer to a query without one of its parameters is known again if it is
// one, and says enough.
func TestExplained(t *testing.T) {
	t.Parallel()
	url, _, second := small(t)
	o := options(servetest.Open(t, url), "http://registry.example")
	h := handler(t, o.Bucket, "production")
	ask := func(target string) string { return string(fetch(t.Context(), h, target)) }
	all, none, wrong := ask("/search?all=true"), ask("/search?type=none"), ask("/search?prerelease=maybe")
	if !strings.Contains(all, "1.0.0") || strings.TrimSpace(none) != "[]" || !strings.Contains(wrong, "prerelease") {
		t.Fatal(all, none, wrong)
	}
	for _, c := range []struct{ target, text, want string }{
		{"/search?all=true&type=none", all, "as if type were not there: is it in the cache key?"},
		{"/search?type=none&all=true", all, "as if type were not there: is it in the cache key?"},
		{"/search?all=true&all=true", all, "as if all were not there: is it in the cache key?"},
		{"/search?type=none", ask("/search"), "as if type were not there: is it in the cache key?"},
		{"/categories?category=web&type=none", ask("/categories?category=web"), ""}, // "[]"
		{"/search", all, ""},
		{"/search?type=none&category=none", all, ""},
		{"/package/web/1.1.0/?type=none", ask("/package/web/1.1.0/"), ""},
		{"/search?all=true&type=none", none, ""},                 // "[]" is the answer to many
		{"/search?prerelease=maybe&type=none", wrong, ""},        // an error is no answer, whatever its status became
		{"/search?kibana.version=none&prerelease=maybe", "", ""}, // nor is nothing
	} {
		got, err := check.Explained(t.Context(), o, second, c.target, c.text)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, want %q; %v", c.target, got, c.want, err)
		}
	}
}

// short is a bucket whose objects end before their size.
type short struct {
	serve.Bucket
	end func() error
}

func (s short) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.Bucket.Open(ctx, key, offset, length)
	if err != nil || !strings.HasSuffix(key, ".zip") {
		return r, err
	}
	defer r.Close()
	begin := make([]byte, 1<<20)
	if _, err := io.ReadFull(r, begin); err != nil {
		return nil, err
	}
	return io.NopCloser(io.MultiReader(strings.NewReader(string(begin)), ends{s.end})), nil
}

type ends struct{ end func() error }

func (e ends) Read([]byte) (int, error) { return 0, e.end() }

// TestShortAnswers: a bucket whose own answer ends early has no answer. Who ends it is named.
func TestShortAnswers(t *testing.T) {
	t.Parallel()
	bucket := servetest.Open(t, servetest.FolderURL(t))
	id := servetest.Publish(t, bucket, 1, 0)
	o := options(bucket, "http://registry.example")
	const archive = "/epr/store/store-1.0.0.zip" // larger than what is read at once
	if status, err := check.AnswerOf(t.Context(), o, id, "GET", archive); status != http.StatusOK || err != nil {
		t.Fatalf("%d, %v", status, err)
	}
	whole := o.Bucket
	o.Bucket = short{whole, func() error { return io.ErrUnexpectedEOF }}
	if _, err := check.AnswerOf(t.Context(), o, id, "GET", archive); err == nil || !strings.Contains(err.Error(), "the bucket's own answer to GET "+archive+" ended early") {
		t.Errorf("an archive that ends early: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.Bucket = short{whole, func() error { cancel(); return ctx.Err() }}
	if _, err := check.AnswerOf(ctx, o, id, "GET", archive); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "ended early") {
		t.Errorf("a check that ends early: %v", err)
	}
	defer func() {
		if p := recover(); p != "a fault of the program" {
			t.Errorf("%v", p)
		}
	}()
	o.Bucket = short{whole, func() error { panic("a fault of the program") }}
	_, err := check.AnswerOf(t.Context(), o, id, "GET", archive)
	t.Errorf("a panic is hidden: %v", err)
}

// later is a bucket that cannot be read from some moment on.
type later struct {
	serve.Bucket
	fails atomic.Bool
}

func (l *later) Read(ctx context.Context, key string) ([]byte, error) {
	if l.fails.Load() {
		return nil, errLater
	}
	return l.Bucket.Read(ctx, key)
}

func (l *later) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if l.fails.Load() {
		return nil, errLater
	}
	return l.Bucket.Open(ctx, key, offset, length)
}

var errLater = errors.New("the bucket cannot be read any more")

// then is a transport that does something after an answer.
type then struct {
	http.RoundTripper
	after func(r *http.Request)
}

func (d then) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	d.after(r)
	return resp, err
}

// TestBucketFailsAfterAMove: where the pointer moves while the registry answers, and the
// bucket cannot be read after that, nothing is laid to the registry.
func TestBucketFailsAfterAMove(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	failing := &later{Bucket: bucket}
	o := options(failing, "http://registry.example")
	o.Parallel = 1
	o.Ignore = slices.DeleteFunc(slices.Clone(check.Kinds), func(kind string) bool { return kind == "search" })
	o.Transport = then{inProcess{stuck(t, bucket, first)}, func(r *http.Request) {
		if r.URL.Path == "/search" && !failing.fails.Load() {
			live(t, bucket, "production", first)
			failing.fails.Store(true)
		}
	}}
	r, err := check.Run(t.Context(), o)
	if !failing.fails.Load() || err == nil || !strings.Contains(err.Error(), "the bucket's own answer to ") || r.Differences > 0 || r.Complete || !slices.Equal(r.Snapshots, []string{second, first}) {
		t.Errorf("%v, %+v", err, r)
	}
}

// TestNothingToAsk: a check of which all is ignored asks for nothing, and is complete.
func TestNothingToAsk(t *testing.T) {
	t.Parallel()
	url, _, second := small(t)
	o := options(servetest.Open(t, url), "http://registry.example")
	o.Transport = inProcess{stuck(t, o.Bucket, second)}
	o.Ignore = check.Kinds
	if r := run(t, o); !r.Same() || r.Requests != 0 || r.Planned != 0 || !slices.Equal(r.Snapshots, []string{second}) {
		t.Errorf("%+v", r)
	}
}

// TestMovesAtTheEnd: that the pointer moved with the last answer is in the report.
func TestMovesAtTheEnd(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	bucket := servetest.Open(t, url)
	o := options(bucket, "http://registry.example")
	o.Transport, o.MaxRequests = inProcess{stuck(t, bucket, second)}, 10
	o.Progress = func(done, total int) {
		if done == total {
			live(t, bucket, "production", first)
		}
	}
	if r := run(t, o); !r.Same() || !slices.Equal(r.Snapshots, []string{second, first}) {
		t.Errorf("%v, %v", r.Snapshots, problems(r))
	}
}

// counting counts what is read of a store.
type counting struct {
	store.Store
	pointers, all atomic.Int64
}

func (c *counting) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	c.all.Add(1)
	c.pointers.Add(1)
	return c.Store.Load(ctx, key)
}

func (c *counting) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	c.all.Add(1)
	return c.Store.Open(ctx, key, offset, length)
}

// TestFollowReadsOnce: what a follower knows of a bucket it does not read again until the
// pointer moves, and the validators of an edge are all that it asks for.
func TestFollowReadsOnce(t *testing.T) {
	t.Parallel()
	url, _, second := small(t)
	under, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &counting{Store: under}
	bucket := publish.In(c)
	defer bucket.Close()
	var heads atomic.Int64
	site := stuck(t, servetest.Open(t, url), second)
	edge := listening(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			t.Errorf("%s %s, where HEAD says enough", r.Method, r.URL)
		}
		heads.Add(1)
		site.ServeHTTP(w, r)
	}))
	f := follow(t, bucket, edge.URL, edge.URL)
	if look(t, f); c.pointers.Load() != 1 {
		t.Errorf("two edges of an environment: its pointer is read %d times", c.pointers.Load())
	}
	if heads.Load() != 8 {
		t.Errorf("%d requests", heads.Load())
	}
	before := c.all.Load()
	if look(t, f); c.all.Load() != before+1 {
		t.Errorf("a second look reads %d objects, want the pointer", c.all.Load()-before)
	}
}

// TestRecorder: of an answer the first status counts, and the headers that it came with.
func TestRecorder(t *testing.T) {
	t.Parallel()
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-First", "1")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		header.Set("X-Late", "1")
		_, _ = io.WriteString(w, "text")
	})
	want := httptest.NewRecorder()
	h(want, httptest.NewRequest("GET", "/", nil))
	status, header, text := check.Recorded(h)
	if late := header.Get("X-Late"); status != want.Code || late != "" || header.Get("X-First") != "1" || text != want.Body.String() {
		t.Errorf("%d, %v, %q", status, header, text)
	}
	if status, _, _ := check.Recorded(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") }); status != http.StatusOK {
		t.Errorf("without a status: %d", status)
	}
}
