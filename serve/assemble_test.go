package serve_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// queries are every combination of a few values of every parameter.
func queries() []string {
	out := []string{""}
	for _, p := range []struct {
		name   string
		values []string
	}{
		{"kibana.version", []string{"7.17.3", "8.5.0", "8.6.0-SNAPSHOT"}},
		{"prerelease", []string{"true"}},
		{"all", []string{"true"}},
		{"experimental", []string{"true"}},
		{"category", []string{"web", "security", "observability", "custom"}},
		{"package", []string{"web", "store"}},
		{"type", []string{"input"}},
		{"spec.max", []string{"2.3"}},
		{"capabilities", []string{"security,other", "other"}},
		{"discovery", []string{"fields:db.name,x"}},
		{"include_policy_templates", []string{"true"}},
	} {
		for _, q := range out {
			// Three at once are enough: all combinations would be thousands.
			if strings.Count(q, "&") > 2 {
				continue
			}
			for _, v := range p.values {
				out = append(out, q+"&"+p.name+"="+url.QueryEscape(v))
			}
		}
	}
	return out
}

// TestAssembledIsRendered asks two servers everything: one whose bucket has
// every response, and one whose bucket has only the catalog. They must agree in
// every byte and header.
func TestAssembledIsRendered(t *testing.T) {
	bare := newBucket(t)
	published(t, bare, built(t, bare, edition(t, "one"), onlyCatalog))
	rendered, assembled := start(t, production(sharedBucket(t))), start(t, production(bare))
	asked, found := 0, map[string]bool{}
	for _, endpoint := range []string{"/search?", "/categories?"} {
		for _, q := range queries() {
			want, got := rendered.get(endpoint+q), assembled.get(endpoint+q)
			for _, r := range []reply{want, got} {
				r.Header.Del("Date")
			}
			if !bytes.Equal(got.body, want.body) || got.StatusCode != want.StatusCode || fmt.Sprint(got.Header) != fmt.Sprint(want.Header) {
				t.Errorf("%s%s: %s %v\n%s\nrendered ahead: %s %v\n%s", endpoint, q, got.Status, got.Header, got.body, want.Status, want.Header, want.body)
			}
			asked++
			found[string(got.body)] = true
		}
	}
	if len(found) < 25 {
		t.Errorf("%d queries have only %d answers", asked, len(found))
	}
	t.Logf("%d queries, %d answers", asked, len(found))
}

// TestAssemblyReads: a part of the catalog is read once, whoever needs it.
func TestAssemblyReads(t *testing.T) {
	bare := newBucket(t)
	published(t, bare, built(t, bare, edition(t, "one"), onlyCatalog))
	bucket := newFaulty(bare)
	s := start(t, production(bucket))
	table := liveTable(t, bare)
	for range 3 {
		s.get("/search?package=signed")
	}
	absent := layout.ResponseKey(digestOf(t, table, "package=signed"))
	if n := bucket.count("read", absent); n != 1 {
		t.Errorf("a response that is not there was looked for %d times", n)
	}
	for _, q := range []string{"", "kibana.version=8.5.0", "prerelease=true", "all=true"} {
		s.get("/search?" + q)
	}
	for _, p := range table.Catalog {
		if n := bucket.count("read", layout.PartKey(p.Digest)); n != 1 {
			t.Errorf("part %s was read %d times", p.Digest, n)
		}
	}

	// A part that the store cuts short is not an answer.
	s = start(t, production(truncating{bare}))
	if r := s.get("/search?package=signed"); r.StatusCode != 502 {
		t.Errorf("a truncated catalog: %s %s", r.Status, r.body)
	}
}

func digestOf(t *testing.T, table *answer.Table, query string) layout.Digest {
	t.Helper()
	return table.Answer("GET", &url.URL{Path: "/search", RawQuery: query}).Digest
}

// TestSmallCache: however little memory there is, every answer is right.
func TestSmallCache(t *testing.T) {
	rendered := start(t, production(sharedBucket(t)))
	o := production(sharedBucket(t))
	o.CacheBytes, o.CacheObject = 16<<10, 1<<10
	s := start(t, o)
	for _, q := range queries()[:200] {
		if got, want := s.get("/search?"+q), rendered.get("/search?"+q); !bytes.Equal(got.body, want.body) {
			t.Fatalf("%s: %d bytes, want %d", q, len(got.body), len(want.body))
		}
	}
	eventually(t, "the cache is within its bound", func() bool { return metric(t, s, "regsnap_cache_bytes") <= 16<<10 })
	if metric(t, s, "regsnap_cache_evictions_total") == 0 {
		t.Error("no object was given up: the bound was not tried")
	}
}

// TestStampede: many clients that ask for the same thing at once are one read.
func TestStampede(t *testing.T) {
	bucket := newFaulty(sharedBucket(t))
	bucket.set(func(op, key string) error {
		if op == "read" || op == "open" {
			time.Sleep(50 * time.Millisecond)
		}
		return nil
	})
	s := start(t, production(bucket))
	const clients = 50
	ended := make(chan error, 3*clients)
	for _, path := range []string{"/search", "/package/web/2.0.0/docs/README.md", "/epr/web/web-2.0.0.zip"} {
		for range clients {
			go func() {
				r, err := s.try("GET", path)
				if err == nil && r.StatusCode != 200 {
					err = fmt.Errorf("%s: %s", path, r.Status)
				}
				ended <- err
			}()
		}
	}
	for range 3 * clients {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	bucket.mu.Lock()
	defer bucket.mu.Unlock()
	for what, times := range bucket.reads {
		if strings.HasPrefix(what, "read ") && times > 1 {
			t.Errorf("%s: %d times", what, times)
		}
	}
}
