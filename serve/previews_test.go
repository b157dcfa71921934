package serve_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// pointing is a bucket whose pointers a test sets. All of them are to the snapshot of
// production, under whatever name.
type pointing struct {
	serve.Bucket
	mu       sync.Mutex
	pointers map[string]layout.Pointer
	failure  error // of reading any but production's
	reads    map[string]int
}

// newPointing has previews of these names.
func newPointing(t *testing.T, previews ...string) *pointing {
	t.Helper()
	of := sharedBucket(t)
	p, err := of.Pointer(t.Context(), "production")
	if err != nil {
		t.Fatal(err)
	}
	b := &pointing{Bucket: of, pointers: map[string]layout.Pointer{"production": p}, reads: map[string]int{}}
	for _, name := range previews {
		b.set(name, &layout.Preview{})
	}
	return b
}

// set has an environment be what is given, nil for one that is no preview.
func (b *pointing) set(env string, preview *layout.Preview) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pointers["production"]
	p.Environment, p.Preview = env, preview
	b.pointers[env] = p
}

func (b *pointing) end(env string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.pointers, env)
}

func (b *pointing) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failure = err
}

// looked is how often the pointers of environments were read since it was asked last.
func (b *pointing) looked() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.reads, "production")
	delete(b.reads, "second")
	out := b.reads
	b.reads = map[string]int{}
	return out
}

func (b *pointing) Pointer(_ context.Context, env string) (layout.Pointer, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads[env]++
	if b.failure != nil && env != "production" && env != "second" {
		return layout.Pointer{}, b.failure
	}
	p, there := b.pointers[env]
	if !there {
		return p, fs.ErrNotExist
	}
	return p, nil
}

func (b *pointing) Routes(ctx context.Context, _, id string) (*layout.Routes, error) {
	return b.Bucket.Routes(ctx, "production", id)
}

// withPreviews serves production under its own name, a second environment, and previews.
// What that is, its pointer says: it is configured all the same.
func withPreviews(t *testing.T, b *pointing, poll time.Duration, log *slog.Logger) *serve.Handler {
	t.Helper()
	b.set("second", &layout.Preview{})
	return newHandler(t, serve.Options{
		Bucket: b, Environments: []serve.Environment{{Name: "production", Hostnames: []string{"registry.example"}}, {Name: "second"}}, Previews: "*.preview.example", Poll: poll, Log: log,
	})
}

func askPreview(h http.Handler, name string) asked {
	return ask(h, "/", "Host: "+name+".preview.example")
}

// TestPreviewsAreLookedFor: a preview that is asked for is looked for once until the time
// between two looks is over, whether there is one or not.
func TestPreviewsAreLookedFor(t *testing.T) {
	sharedBucket(t)
	synctest.Test(t, func(t *testing.T) {
		const poll = time.Minute
		b := newPointing(t, "pr-1")
		b.set("plain", nil)
		h := withPreviews(t, b, poll, nil)
		want := map[string]int{"pr-1": 200, "pr-2": 421, "plain": 421, "production": 421, "second": 421, "no_name": 421}
		expect := func(when string, looks int) {
			t.Helper()
			for _, name := range slices.Sorted(maps.Keys(want)) {
				for range 3 {
					if got := askPreview(h, name); got.Code != want[name] {
						t.Errorf("%s, %s: %d, want %d", when, name, got.Code, want[name])
					}
				}
			}
			got := b.looked()
			if looks == 0 && len(got) == 0 {
				return
			}
			if fmt.Sprint(got) != fmt.Sprint(map[string]int{"pr-1": looks, "pr-2": looks, "plain": looks}) {
				t.Errorf("%s: looked for %v, each that there may be %d times", when, got, looks)
			}
		}
		expect("at first", 1)
		time.Sleep(poll - 1)
		expect("a moment before it is time", 0)
		time.Sleep(time.Nanosecond)
		expect("when it is time", 1)
		expect("again", 0)

		// What changes is seen at the next look.
		b.end("pr-1")
		b.set("pr-2", &layout.Preview{})
		b.set("plain", &layout.Preview{})
		time.Sleep(poll)
		want = map[string]int{"pr-1": 421, "pr-2": 200, "plain": 200}
		expect("after they changed", 1)
		expect("and again", 0)
		b.set("pr-2", nil)
		time.Sleep(poll)
		want["pr-2"] = 421
		expect("when one is a preview no more", 1)
	})
}

// TestPreviewsFail: while pointers cannot be read, what was live stays, and what never was
// is not taken for something that does not exist. The log says it once.
func TestPreviewsFail(t *testing.T) {
	sharedBucket(t)
	synctest.Test(t, func(t *testing.T) {
		const poll = time.Minute
		var log lockedBuffer
		b := newPointing(t, "pr-1", "pr-2")
		h := withPreviews(t, b, poll, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError})))
		if got := askPreview(h, "pr-1"); got.Code != 200 {
			t.Fatal(got.Code)
		}
		b.fail(errors.New("connection refused"))
		for i := range 3 {
			time.Sleep(poll)
			if got := askPreview(h, "pr-1"); got.Code != 200 {
				t.Errorf("what was live: %d", got.Code)
			}
			if got := askPreview(h, "pr-2"); got.Code != 503 || got.Header().Get("Retry-After") != "60" || !slices.Equal(got.Header()["Cache-Control"], asError) {
				t.Errorf("what never was: %d %v", got.Code, got.Header())
			}
			if got := metric(t, &site{h: h}, "regsnap_pointer_failures_total", `environment="*"`); int(got) != 2*(i+1) {
				t.Errorf("%v failures are counted, after %d", got, 2*(i+1))
			}
		}
		if text := log.String(); strings.Count(text, "\n") != 2 || strings.Count(text, "connection refused") != 2 || !strings.Contains(text, "env=pr-1") || !strings.Contains(text, "env=pr-2") {
			t.Errorf("the log says:\n%s", text)
		}
		b.fail(errors.New("access denied"))
		time.Sleep(poll)
		askPreview(h, "pr-1")
		if text := log.String(); strings.Count(text, "\n") != 3 || !strings.Contains(text, "access denied") {
			t.Errorf("the log says of another failure:\n%s", text)
		}
		b.fail(nil)
		time.Sleep(poll)
		for _, name := range []string{"pr-1", "pr-2"} {
			if got := askPreview(h, name); got.Code != 200 {
				t.Errorf("%s, once pointers are read: %d", name, got.Code)
			}
		}
		b.fail(errors.New("access denied"))
		time.Sleep(poll)
		askPreview(h, "pr-1")
		if text := log.String(); strings.Count(text, "\n") != 4 {
			t.Errorf("the log says of a failure that comes back:\n%s", text)
		}
		// Names of previews have no end, and are no labels.
		for _, name := range []string{"regsnap_http_requests_total", "regsnap_http_response_bytes_total", "regsnap_snapshot_info"} {
			if n := metric(t, &site{h: h}, name, "pr-"); n != 0 {
				t.Errorf("%s names previews", name)
			}
		}
		if n := metric(t, &site{h: h}, "regsnap_http_requests_total", `environment="*"`, `status="200"`); n != 8 {
			t.Errorf("%v answers of previews are counted", n)
		}
	})
}

// TestPreviewsAreForgotten: of previews the 64 that were asked for last are kept, and of
// names without one 4096.
func TestPreviewsAreForgotten(t *testing.T) {
	name := func(i int) string { return fmt.Sprint("pr-", i) }
	var names []string
	for i := range 66 {
		names = append(names, name(i))
	}
	b := newPointing(t, names...)
	h := withPreviews(t, b, time.Hour, nil)
	looks := func(what string, names ...string) {
		t.Helper()
		for _, name := range names {
			if got := askPreview(h, name); (got.Code == 200) != strings.HasPrefix(name, "pr-") {
				t.Errorf("%s: %d", name, got.Code)
			}
		}
		got := b.looked()
		if what == "all" && len(got) == len(names) || what == "none" && len(got) == 0 {
			return
		}
		t.Errorf("%d of %d names were looked for, want %s", len(got), len(names), what)
	}
	looks("all", names[:64]...)
	looks("none", names[:64]...)
	looks("none", names[0]) // the one that was asked for last
	looks("all", names[64])
	looks("none", names[0], names[2], names[63], names[64])
	looks("all", names[1])

	var none []string
	for i := range 4097 {
		none = append(none, fmt.Sprint("none-", i))
	}
	looks("all", none[:4096]...)
	looks("none", none[:4096]...)
	looks("all", none[4096])
	looks("all", none[0])
	looks("none", none[4096])
}
