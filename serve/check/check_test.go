package check_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/serve/check"
)

// watched notes the requests that come.
type watched struct {
	http.Handler
	mu    sync.Mutex
	asked []string
	seen  func(r *http.Request)
}

func (s *watched) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.RequestURI+" "+r.Header.Get("Accept-Encoding")+" "+r.Header.Get("Range"))
	if s.seen != nil {
		s.seen(r)
	}
	s.mu.Unlock()
	s.Handler.ServeHTTP(w, r)
}

func (s *watched) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.asked)
	slices.Sort(out)
	s.asked = nil
	return out
}

// TestSame: serve is no different from the bucket, however strictly it is looked
// at, and every kind of request is sent.
func TestSame(t *testing.T) {
	bucket, first, _ := newBucket(t)
	site := &watched{Handler: handler(t, bucket, "production")}
	server := listening(t, site)
	for _, level := range []check.Level{check.API, check.Edge, check.Exact} {
		o := options(bucket, server.URL)
		o.Level = level
		done, total := 0, 0
		o.Progress = func(d, n int) { done, total = d, n }
		r := run(t, o)
		if !r.Same() || len(r.Groups) > 0 {
			t.Errorf("%s: %v\n%s", level, problems(r), details(r))
		}
		if done != total || done != r.Addresses || r.Planned != r.Possible || r.Skipped > 0 || r.Late > 0 || !slices.Equal(r.Snapshots, []string{first}) {
			t.Errorf("%s: %d of %d: %+v", level, done, total, r)
		}
		asked := site.all()
		if int(r.Requests) != len(asked) || r.Planned < len(asked) || len(asked) < r.Planned*2/3 {
			t.Errorf("%s: %d requests came, the report says %d and %d planned", level, len(asked), r.Requests, r.Planned)
		}
		text := strings.Join(asked, "\n")
		for _, want := range []string{
			"GET / identity", "GET / gzip", "HEAD / identity", "GET /health", "GET /favicon.ico", "GET /search?", "GET /categories?", "kibana.version=", "spec.min=", "spec.max=", "capabilities=",
			"agent.version=", "discovery=fields", "discovery=datasets", "experimental=true", "all=true", "include_policy_templates=true", "category=", "type=content", "package=",
			"GET /package/odd_names/1.0.0/ gzip", "GET /epr/odd_names/odd_names-1.0.0.zip gzip", "GET /epr/sealed/sealed-1.0.0.zip.sig", "%20", "bytes=-7", "/search?prerelease=maybe", "GET //search", "kibana.version=v9.0.0",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %s was not asked", level, want)
			}
		}
		if posted := strings.Contains(text, "POST /search"); posted != (level != check.API) {
			t.Errorf("%s: POST was sent: %t", level, posted)
		}
	}
}

// TestSeed: the same seed, the same requests; another seed, another sample.
func TestSeed(t *testing.T) {
	bucket, _, _ := newBucket(t)
	site := &watched{Handler: handler(t, bucket, "production")}
	o := options(bucket, listening(t, site).URL)
	o.Sample = 0.2
	run(t, o)
	first := site.all()
	run(t, o)
	if again := site.all(); !slices.Equal(first, again) {
		t.Errorf("%d requests, then %d others", len(first), len(again))
	}
	o.Seed = 2
	run(t, o)
	if other := site.all(); slices.Equal(first, other) {
		t.Error("another seed chose the same")
	}
}

// TestBound: no more requests than wanted, and still some of every kind.
func TestBound(t *testing.T) {
	bucket, _, _ := newBucket(t)
	site := &watched{Handler: handler(t, bucket, "production")}
	o := options(bucket, listening(t, site).URL)
	o.MaxRequests = 400
	r := run(t, o)
	asked := site.all()
	if len(asked) > 400 || r.Planned > 400 || r.Possible <= 400 || r.Planned < 390 {
		t.Errorf("%d requests; planned %d of %d", len(asked), r.Planned, r.Possible)
	}
	text := strings.Join(asked, "\n")
	for _, want := range []string{"/search?", "/categories?", "/package/", "/epr/", "Range"} {
		if want != "Range" && !strings.Contains(text, want) || want == "Range" && !strings.Contains(text, "bytes=") {
			t.Errorf("none of the requests is for %s", want)
		}
	}
}

// TestHostAndPrefix: another host is asked for than the URL says, below a path.
func TestHostAndPrefix(t *testing.T) {
	bucket, _, _ := newBucket(t)
	h := handler(t, bucket, "production")
	site := &watched{Handler: http.StripPrefix("/some/registry", h), seen: func(r *http.Request) {
		if r.Host != "epr.example.org" || r.UserAgent() != "tests/1" || !strings.HasPrefix(r.URL.Path, "/some/registry/") {
			t.Errorf("%s %s by %s", r.Host, r.URL, r.UserAgent())
		}
	}}
	moved := falsified(site, func(a *recorded) {
		// What serve does with --prefix.
		if to := a.header.Get("Location"); to != "" {
			a.header.Set("Location", "http://epr.example.org/some/registry"+to)
		}
	})
	o := options(bucket, listening(t, moved).URL+"/some/registry/")
	o.Host, o.UserAgent = "epr.example.org", "tests/1"
	// The page that comes with a redirect names the place as well.
	if r := run(t, o); !r.Same() {
		t.Errorf("%v\n%s", problems(r), details(r))
	}
}
