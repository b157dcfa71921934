package check_test

import (
	"compress/gzip"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/check"
)

// cache is a CDN in small: of the paths that it was not told to forget it has the answers
// of the snapshot before. Every request that reaches it is counted.
type cache struct {
	before, now http.Handler
	keeps       atomic.Pointer[func(path string) bool]
	asked       atomic.Int64
	bytes       atomic.Int64
}

func (c *cache) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked.Add(1)
	h := c.now
	if keeps := c.keeps.Load(); keeps != nil && (*keeps)(r.URL.Path) {
		h = c.before
	}
	falsified(h, func(a *recorded) { c.bytes.Add(int64(len(a.body))) }).ServeHTTP(w, r)
}

// keep says of which paths the cache has what was there before.
func (c *cache) keep(which func(path string) bool) { c.keeps.Store(&which) }

func everything(string) bool { return true }
func nothing(string) bool    { return false }

// follow makes a follower of production at several places.
func follow(t *testing.T, bucket *publish.Bucket, urls ...string) *check.Follower {
	t.Helper()
	o := check.FollowOptions{Bucket: bucket, Rate: 1e6}
	for _, url := range urls {
		o.Places = append(o.Places, check.Place{Environment: "production", URL: url})
	}
	f, err := check.NewFollower(o)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func look(t *testing.T, f *check.Follower) []check.Shown {
	t.Helper()
	got, err := f.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestFollow: three caches learn of a snapshot one after the other, one of them kind by
// kind; then all go back.
func TestFollow(t *testing.T) {
	bucket, first, second := newBucket(t)
	old, new := stuck(t, bucket, first), stuck(t, bucket, second)
	caches := make([]*cache, 3)
	var urls []string
	for i := range caches {
		caches[i] = &cache{before: old, now: new}
		caches[i].keep(everything)
		urls = append(urls, listening(t, caches[i]).URL)
	}
	a, b, c := caches[0], caches[1], caches[2]
	f := follow(t, bucket, urls...)
	expect := func(what string, want ...check.Shows) []check.Shown {
		t.Helper()
		got := look(t, f)
		for i, s := range got {
			if s.URL != urls[i] || s.Shows != want[i] {
				t.Errorf("%s: %s shows %s (%s), want %s", what, s.URL, s.Shows, s.Detail, want[i])
			}
			alone := s.Shows == check.ShowsLive || s.Shows == check.ShowsFormer
			if alone != (s.Snapshot != "") || (s.Shows == check.ShowsLive) != (s.Snapshot == s.Live) {
				t.Errorf("%s: edge %d shows %s, of %q; %q is live", what, i, s.Shows, s.Snapshot, s.Live)
			}
		}
		return got
	}
	for _, s := range expect("nothing was live before", check.ShowsLive, check.ShowsLive, check.ShowsLive) {
		if s.Live != first || s.Previous != "" || !strings.Contains(s.Detail, "no snapshot before it") {
			t.Errorf("%+v", s)
		}
	}
	live(t, bucket, "production", second)
	for _, s := range expect("no cache was told", check.ShowsFormer, check.ShowsFormer, check.ShowsFormer) {
		if s.Live != second || s.Previous != first || s.Snapshot != first || s.Detail != "" {
			t.Errorf("%+v", s)
		}
	}
	// One request of each kind that differs, four at most: none of the fifth kind, files.
	kinds := []string{"/search?", "/categories?", "/package/", "/artifacts/packages/"}
	if got := f.Targets("production"); !slices.EqualFunc(got, kinds, strings.HasPrefix) {
		t.Errorf("%v are asked, want one each of %v", got, kinds)
	}
	a.keep(nothing)
	b.keep(func(path string) bool { return path != "/search" })
	got := expect("one was told all, one of searches", check.ShowsLive, check.ShowsMixed, check.ShowsFormer)
	if d := got[1].Detail; !strings.Contains(d, first) || !strings.Contains(d, second) || !strings.Contains(d, "/search") {
		t.Errorf("mixed: %s", d)
	}
	b.keep(nothing)
	c.keep(nothing)
	before, bytes := a.asked.Load(), a.bytes.Load()
	expect("all were told", check.ShowsLive, check.ShowsLive, check.ShowsLive)
	// Validators that come through are all that is needed.
	if asked, read := a.asked.Load()-before, a.bytes.Load()-bytes; asked > 4 || read > 0 {
		t.Errorf("%d requests and %d bytes for a look at an edge", asked, read)
	}
	live(t, bucket, "production", first)
	expect("back", check.ShowsFormer, check.ShowsFormer, check.ShowsFormer)
	b.keep(everything)
	expect("back, one was told", check.ShowsFormer, check.ShowsLive, check.ShowsFormer)
}

// TestFollowFaces: what edges make of answers, and what a follower makes of that. The
// oracle is what was done to the answer.
func TestFollowFaces(t *testing.T) {
	bucket, first, second := newBucket(t)
	live(t, bucket, "production", second)
	old, new := stuck(t, bucket, first), stuck(t, bucket, second)
	down := listening(t, new)
	down.Close()
	untagged := func(a *recorded) { a.header.Del("Etag") }
	weak := func(a *recorded) {
		if tag := a.header.Get("Etag"); tag != "" {
			a.header.Set("Etag", "W/"+tag)
		}
	}
	retagged := func(a *recorded) { a.header.Set("Etag", `"of-the-edge"`) }
	for name, c := range map[string]struct {
		h      http.Handler
		want   check.Shows
		detail string
	}{
		"as it is":             {new, check.ShowsLive, ""},
		"the one before":       {old, check.ShowsFormer, ""},
		"weak validators":      {falsified(new, weak), check.ShowsLive, ""},
		"weak, before":         {falsified(old, weak), check.ShowsFormer, ""},
		"no validators":        {falsified(new, untagged), check.ShowsLive, ""},
		"no validators before": {falsified(old, untagged), check.ShowsFormer, ""},
		"its own validators":   {falsified(new, retagged), check.ShowsLive, ""},
		"its own, before":      {falsified(old, retagged), check.ShowsFormer, ""},
		"gzip all the same":    {encoding(new), check.ShowsLive, ""},
		"no HEAD": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusMethodNotAllowed)
				return
			}
			new.ServeHTTP(w, r)
		}), check.ShowsLive, ""},
		"another body": {falsified(new, func(a *recorded) {
			untagged(a)
			a.body = append([]byte(" "), a.body...)
		}), check.ShowsOther, "no snapshot that was live lately"},
		"forbidden":                           {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }), check.ShowsOther, ": 403, with"},
		"a validator of ours, another status": {falsified(new, func(a *recorded) { a.status = http.StatusBadGateway }), check.ShowsOther, ": 502, with"},
		"ends early":                          {http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), check.ShowsNothing, "EOF"},
	} {
		got := look(t, follow(t, bucket, listening(t, c.h).URL))[0]
		if got.Shows != c.want || !strings.Contains(got.Detail, c.detail) {
			t.Errorf("%s: shows %s (%s), want %s (%s)", name, got.Shows, got.Detail, c.want, c.detail)
		}
	}
	if got := look(t, follow(t, bucket, down.URL, listening(t, new).URL)); got[0].Shows != check.ShowsNothing || got[0].Detail == "" || got[1].Shows != check.ShowsLive {
		t.Errorf("nobody there, beside one that is: %+v", got)
	}
}

// encoding compresses what was not asked to be.
func encoding(h http.Handler) http.Handler {
	return falsified(h, func(a *recorded) {
		var b strings.Builder
		z := gzip.NewWriter(&b)
		if _, err := z.Write(a.body); err != nil {
			panic(err)
		}
		if err := z.Close(); err != nil {
			panic(err)
		}
		a.body = []byte(b.String())
		a.header.Del("Etag")
		a.header.Set("Content-Encoding", "gzip")
	})
}

// TestFollowOlder: an edge that is two snapshots behind differs from one that is one
// behind.
func TestFollowOlder(t *testing.T) {
	bucket, first, second := newBucket(t)
	third := built(t, bucket, layout.DefaultCachePolicy, "production", "staging")
	live(t, bucket, "production", second)
	live(t, bucket, "production", third)
	got := look(t, follow(t, bucket, listening(t, stuck(t, bucket, first)).URL, listening(t, stuck(t, bucket, second)).URL, listening(t, stuck(t, bucket, third)).URL))
	for i, want := range []string{first, second, third} {
		if s := got[i]; s.Snapshot != want || s.Live != third || s.Previous != second {
			t.Errorf("of %s: %+v", want, s)
		}
	}
}

func TestFollowOptions(t *testing.T) {
	bucket, _, _ := newBucket(t)
	for name, o := range map[string]check.FollowOptions{
		"no edge":     {Bucket: bucket},
		"no URL":      {Bucket: bucket, Places: []check.Place{{Environment: "production", URL: "epr.example.org"}}},
		"a bad rate":  {Bucket: bucket, Rate: -1, Places: []check.Place{{Environment: "production", URL: "https://epr.example.org"}}},
		"a bad limit": {Bucket: bucket, Timeout: -1, Places: []check.Place{{Environment: "production", URL: "https://epr.example.org"}}},
	} {
		if _, err := check.NewFollower(o); !errors.Is(err, check.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f, err := check.NewFollower(check.FollowOptions{Bucket: bucket, Places: []check.Place{{Environment: "nothing", URL: "https://epr.example.org"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing is live in this environment") {
		t.Errorf("an environment that is not there: %v", err)
	}
}
