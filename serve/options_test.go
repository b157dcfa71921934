package serve

import (
	"net/http"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish"
)

// TestOptionDefaults: what the manual of regsnap serve states of options that are not given.
func TestOptionDefaults(t *testing.T) {
	given := Options{Bucket: new(publish.Bucket), Environments: []Environment{{Name: "production"}}}
	o, err := given.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	if o.CacheBytes != 256<<20 || o.CacheObject != 1<<20 || o.Poll != 2*time.Second || o.StoreTimeout != 30*time.Second || o.Stall != time.Minute {
		t.Errorf("cache %d and %d, poll %s, store %s, stall %s", o.CacheBytes, o.CacheObject, o.Poll, o.StoreTimeout, o.Stall)
	}
	if o.MaxRequests != 0 || o.Prefix != "" || o.Log == nil || o.Metrics == nil || o.AccessLog != nil {
		t.Errorf("%d requests, prefix %q, log %v, metrics %v, access log %v", o.MaxRequests, o.Prefix, o.Log, o.Metrics, o.AccessLog)
	}
	if DefaultListen != "localhost:8080" || DefaultDrain != 10*time.Second {
		t.Errorf("listens at %s, drains for %s", DefaultListen, DefaultDrain)
	}
	given.CacheBytes, given.CacheObject, given.Poll, given.StoreTimeout, given.Stall, given.MaxRequests = 1, 2, 3, 4, 5, 6
	if o, err = given.withDefaults(); err != nil || o.CacheBytes != 1 || o.CacheObject != 2 || o.Poll != 3 || o.StoreTimeout != 4 || o.Stall != 5 || o.MaxRequests != 6 {
		t.Errorf("what is given: %+v, %v", o, err)
	}
}

// TestOptionsRefused: each value that means nothing.
func TestOptionsRefused(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"no bucket":       func(o *Options) { o.Bucket = nil },
		"no environment":  func(o *Options) { o.Environments = nil },
		"cache":           func(o *Options) { o.CacheBytes = -1 },
		"object":          func(o *Options) { o.CacheObject = -1 },
		"poll":            func(o *Options) { o.Poll = -1 },
		"store":           func(o *Options) { o.StoreTimeout = -1 },
		"stall":           func(o *Options) { o.Stall = -1 },
		"requests":        func(o *Options) { o.MaxRequests = -1 },
		"relative prefix": func(o *Options) { o.Prefix = "a" },
		"unclean prefix":  func(o *Options) { o.Prefix = "/a//b" },
		"dots in prefix":  func(o *Options) { o.Prefix = "/a/../b" },
	} {
		o := Options{Bucket: new(publish.Bucket), Environments: []Environment{{Name: "production"}}}
		change(&o)
		if _, err := o.withDefaults(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for prefix, want := range map[string]string{"": "", "/": "", "/a": "/a", "/a/": "/a", "/a/b": "/a/b"} {
		o := Options{Bucket: new(publish.Bucket), Environments: []Environment{{Name: "production"}}, Prefix: prefix}
		if got, err := o.withDefaults(); err != nil || got.Prefix != want {
			t.Errorf("prefix %q: %q, %v", prefix, got.Prefix, err)
		}
	}
}

// TestPreconditions: RFC 9110, section 13.2.2, as the twin's units have it.
func TestPreconditions(t *testing.T) {
	const tag, date = `"0123456789abcdef"`, "Mon, 06 May 2024 07:08:09 GMT"
	for _, c := range []struct {
		name, value string
		want        int
	}{
		{"If-Match", tag, 0},
		{"If-Match", "*", 0},
		{"If-Match", " * ", 0},
		{"If-Match", "W/" + tag, 412},
		{"If-Match", `"x"`, 412},
		{"If-Match", `"x", ` + tag, 0},
		{"If-Match", "", 412},
		{"If-None-Match", tag, 304},
		{"If-None-Match", "W/" + tag, 304},
		{"If-None-Match", "\"x\",\t" + tag, 304},
		{"If-None-Match", `"x"`, 0},
		{"If-None-Match", `W/"x`, 0},
		{"If-None-Match", `"`, 0},
		{"If-None-Match", "x " + tag, 0},
		{"If-None-Match", `x"` + tag, 0},
		{"If-None-Match", "", 0},
		{"If-None-Match", "*", 304},
		{"If-Modified-Since", date, 304},
		{"If-Modified-Since", "Mon, 06 May 2024 07:08:10 GMT", 0},
		{"If-Unmodified-Since", date, 0},
	} {
		if got := precondition(http.Header{c.name: {c.value}}, tag, date); got != c.want {
			t.Errorf("%s: %s: %d, want %d", c.name, c.value, got, c.want)
		}
	}
	both := http.Header{"If-Match": {`"x"`}, "If-None-Match": {tag}}
	if got := precondition(both, tag, date); got != 412 {
		t.Errorf("If-Match comes first: %d", got)
	}
	other := http.Header{"If-None-Match": {`"x"`}, "If-Modified-Since": {date}}
	if got := precondition(other, tag, date); got != 0 {
		t.Errorf("a date beside a tag does not count: %d", got)
	}
	if got := precondition(http.Header{"If-None-Match": {`"x"`, tag}}, tag, date); got != 304 {
		t.Errorf("the second line: %d", got)
	}
	if got := precondition(http.Header{"If-Modified-Since": {""}}, tag, ""); got != 0 {
		t.Errorf("what has no date: %d", got)
	}
	for value, want := range map[string]bool{"": true, tag: true, "W/" + tag: false, date: false} {
		if got := rangeApplies(http.Header{"If-Range": {value}}, tag); got != want {
			t.Errorf("If-Range: %s: %t", value, got)
		}
	}
}
