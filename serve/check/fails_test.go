package check_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/check"
	"github.com/regsnap/regsnap/serve/servetest"
)

// inProcess sends requests to a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	r.RequestURI = r.URL.RequestURI()
	h.ServeHTTP(w, r)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// small has two snapshots of as little as there can be, of which the second is live.
func small(t *testing.T) (url, first, second string) {
	t.Helper()
	url, ids := snapshotsOf(t, []string{"1.0.0"}, []string{"1.0.0", "1.1.0"})
	return url, ids[0], ids[1]
}

// snapshotsOf is a bucket with a snapshot for each list of versions; the last one is live.
func snapshotsOf(t *testing.T, lists ...[]string) (url string, ids []string) {
	t.Helper()
	url = "file://" + filepath.ToSlash(servers.MemoryDir(t))
	bucket, err := publish.Create(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	made := func(versions ...string) string {
		var text string
		for _, v := range versions {
			text += strings.ReplaceAll("-- production/packages/web/V/manifest.yml --\n{format_version: 1.0.0, name: web, title: Web, version: V, description: d, type: integration}\n-- production/packages/web/V/docs/README.md --\n# V\n", "V", v)
		}
		source, err := git.OpenDir(indextest.Folders(t, text))
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		result, err := build.Build(t.Context(), build.Options{Source: source, Store: bucket, Regsnap: "test", Budget: build.DefaultBudget, Environments: []build.Environment{
			{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.40.1", Cache: layout.CachePolicy{}},
		}})
		if err != nil {
			t.Fatal(err, result.Report.Errors)
		}
		live(t, bucket, "production", result.Snapshots[0].ID)
		return result.Snapshots[0].ID
	}
	for _, versions := range lists {
		ids = append(ids, made(versions...))
	}
	return url, ids
}

// TestFails has each read of the bucket fail that a check makes, one after another. It
// ends with an error that names the bucket, and lays nothing to the registry; or nothing
// has come of it, because there is something else to answer from.
func TestFails(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	for name, c := range map[string]struct {
		shows    string
		problems int // of which the check with a sound bucket tells
	}{
		"the live snapshot": {second, 0},
		"the one before":    {first, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			remote := inProcess{stuck(t, servetest.Open(t, url), c.shows)}
			var sound *check.Report
			calls := 0
			storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
				under, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				f := fill(under)
				bucket := publish.In(f)
				defer bucket.Close()
				o := options(bucket, "http://registry.example")
				o.MaxRequests, o.Parallel, o.Transport = 160, 1, remote
				r, err := check.Run(t.Context(), o)
				calls++
				if f.Failed() == "" {
					if err != nil || (len(r.Groups) > 0) != (c.problems > 0) {
						t.Fatalf("%v, %v", err, problems(r))
					}
					sound = r
					return
				}
				switch {
				case err == nil && r.Differences == sound.Differences && r.Complete:
				case errors.Is(err, storetest.ErrFailed), err != nil && strings.Contains(err.Error(), "the bucket's own answer to "):
					if r != nil && (r.Differences > sound.Differences || r.Complete) {
						t.Errorf("%s: %v %v", f.Failed(), problems(r), err)
					}
				default:
					t.Errorf("%s: %v, %v", f.Failed(), err, r)
				}
			})
			if calls < 20 {
				t.Errorf("%d reads were tried", calls)
			}
		})
	}
}

// TestFollowFails has each read of the bucket fail that a follower makes. It says so, or
// says what it would have; and the next look is as ever.
func TestFollowFails(t *testing.T) {
	t.Parallel()
	url, first, second := small(t)
	for name, shows := range map[string]string{"the live snapshot": second, "the one before": first} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edge := listening(t, stuck(t, servetest.Open(t, url), shows))
			sound := look(t, follow(t, servetest.Open(t, url), edge.URL))[0]
			if sound.Snapshot != shows || sound.Live != second || sound.Previous != first {
				t.Fatalf("%+v", sound)
			}
			storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
				under, err := store.Open(t.Context(), url, store.Options{})
				if err != nil {
					t.Fatal(err)
				}
				f := fill(under)
				bucket := publish.In(f)
				defer bucket.Close()
				follower := follow(t, bucket, edge.URL)
				got, err := follower.Look(t.Context())
				switch {
				case err != nil:
					if !errors.Is(err, storetest.ErrFailed) && !strings.Contains(err.Error(), "the bucket's own answer to ") {
						t.Errorf("%s: %v", f.Failed(), err)
					}
				case got[0] == sound:
				case f.Failed() != "" && got[0].Live == second && shows == first:
					// Without the one before an edge that shows that shows something else.
					if got[0].Shows != check.ShowsOther && got[0].Shows != check.ShowsFormer {
						t.Errorf("%s: %+v", f.Failed(), got[0])
					}
				case f.Failed() != "" && got[0].Live == second && strings.HasPrefix(got[0].Detail, "the previous snapshot cannot be compared: "):
					// What tells the two apart is not known then, which is said.
				default:
					t.Errorf("%s: %+v, want %+v", f.Failed(), got[0], sound)
				}
			})
		})
	}
}

// TestStateFails: what is in the way of the file that remembers is an error.
func TestStateFails(t *testing.T) {
	t.Parallel()
	url, _, second := small(t)
	bucket := servetest.Open(t, url)
	dir := t.TempDir()
	foreign := filepath.Join(dir, "letter")
	if err := os.WriteFile(foreign, []byte("Dear Ada"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, state := range map[string]string{"a folder": dir, "a file in a folder that is not there": filepath.Join(dir, "missing", "state"), "below a file": filepath.Join(foreign, "state"), "a letter": foreign} {
		o := options(bucket, "http://registry.example")
		o.State, o.Transport = state, inProcess{stuck(t, bucket, second)}
		if r, err := check.Run(t.Context(), o); err == nil || r != nil {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	if body, err := os.ReadFile(foreign); err != nil || string(body) != "Dear Ada" {
		t.Errorf("the letter is %q, %v", body, err)
	}
}

// sometimes is a transport that gives no answer to one request of two.
type sometimes struct {
	http.RoundTripper
	sent int
}

func (s *sometimes) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.sent++; s.sent > 4 && s.sent%2 == 0 {
		return nil, errors.New("connection reset by peer")
	}
	return s.RoundTripper.RoundTrip(r)
}

// TestSometimesSilent: a registry that does not answer now and then is not given up, however
// often that is.
func TestSometimesSilent(t *testing.T) {
	defer check.SetAttempts(1)()
	url, _, second := small(t)
	bucket := servetest.Open(t, url)
	o := options(bucket, "http://registry.example")
	o.MaxRequests, o.Parallel = 120, 1
	o.Transport = &sometimes{RoundTripper: inProcess{stuck(t, bucket, second)}}
	r := run(t, o)
	silent := 0
	for _, g := range r.Groups {
		if g.Problem != "no answer" {
			t.Errorf("%s: %s", g.Kind, g.Problem)
		}
		silent += g.Count
	}
	if silent < 30 || silent != r.Differences {
		t.Errorf("%d of %d requests had no answer", silent, r.Requests)
	}
}

// ending is a store, and a transport, whose context ends with one of the calls: that call
// fails, as all do that come later, or it is through.
type ending struct {
	store.Store
	http.RoundTripper
	through bool
	cancel  context.CancelFunc

	mu    sync.Mutex // what a reader has begun may go on when it has ended
	at    int
	calls int
}

// over is how many calls there were. No context ends with those that come later.
func (e *ending) over() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.at = 0
	return e.calls
}

func (e *ending) call(ctx context.Context) (context.Context, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.calls++; e.calls == e.at {
		e.cancel()
		if e.through {
			return context.WithoutCancel(ctx), nil
		}
	}
	return ctx, ctx.Err()
}

func (e *ending) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	ctx, err := e.call(ctx)
	if err != nil {
		return nil, 0, err
	}
	return e.Store.Open(ctx, key, offset, length)
}

func (e *ending) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	ctx, err := e.call(ctx)
	if err != nil {
		return nil, "", err
	}
	return e.Store.Load(ctx, key)
}

func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, err := e.call(r.Context())
	if err != nil {
		return nil, err
	}
	return e.RoundTripper.RoundTrip(r.WithContext(ctx))
}

// TestEnds: whenever the context ends, a check and a follower say so: nothing is laid to the
// registry, nothing is taken for shown, and no check is complete.
func TestEnds(t *testing.T) {
	t.Parallel()
	url, ids := snapshotsOf(t, []string{"1.0.0"}, []string{"1.0.0", "1.1.0"}, []string{"1.1.0"})
	for i, shows := range ids {
		for _, through := range testtools.Choose([]bool{i == 1}, []bool{false, true}) {
			site := stuck(t, servetest.Open(t, url), shows)
			edge := listening(t, site)
			sound := look(t, follow(t, servetest.Open(t, url), edge.URL))[0]
			for what, run := range map[string]func(ctx context.Context, e *ending) (complete bool, calls int, err error){
				"a check": func(ctx context.Context, e *ending) (bool, int, error) {
					e.RoundTripper = inProcess{site}
					o := options(publish.In(e), "http://registry.example")
					o.MaxRequests, o.Parallel, o.Transport = 40, 1, e
					r, err := check.Run(ctx, o)
					if err == nil && !r.Complete || err != nil && r != nil && r.Complete {
						t.Errorf("complete: %v, and %v", r.Complete, err)
					}
					return err == nil, e.over(), err
				},
				"a follower": func(ctx context.Context, e *ending) (bool, int, error) {
					follower := follow(t, publish.In(e), edge.URL)
					got, err := follower.Look(ctx)
					calls := e.over()
					if again := look(t, follower)[0]; again != sound {
						t.Errorf("after a look that ended early: %+v, want %+v", again, sound)
					}
					return err == nil && got[0] == sound, calls, err
				},
			} {
				for at := 1; ; at++ {
					under, err := store.Open(t.Context(), url, store.Options{})
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					e := &ending{Store: under, through: through, at: at, cancel: cancel}
					complete, calls, err := run(ctx, e)
					ended := ctx.Err() != nil
					cancel()
					if err := under.Close(); err != nil {
						t.Fatal(err)
					}
					if !ended {
						if !complete {
							t.Errorf("%s: %v", what, err)
						}
						break
					}
					// After its last call all is known.
					if !errors.Is(err, context.Canceled) && !(complete && calls == at) {
						t.Errorf("%s, ended with call %d of %d, through: %v: complete: %v, %v", what, at, calls, through, complete, err)
					}
				}
			}
		}
	}
}
