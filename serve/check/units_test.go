package check

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestDefaults: what the manual of regsnap check says of options that are not given, and
// each bound of those that are.
func TestDefaults(t *testing.T) {
	given := Options{URL: "https://registry.example/"}
	o, err := given.withDefaults()
	want := Options{URL: "https://registry.example", Level: Edge, Sample: 0.05, MaxRequests: 20_000, Rate: 50, Parallel: 8, Timeout: time.Minute, UserAgent: "regsnap-check"}
	if err != nil || fmt.Sprintf("%+v", o) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v, %v, want %+v", o, err, want)
	}
	if DefaultLag != time.Minute {
		t.Errorf("the lag is %s", time.Duration(DefaultLag))
	}
	for name, c := range map[string]struct {
		change func(*Options)
		ok     bool
	}{
		"all of them":           {func(o *Options) { o.Sample = 1 }, true},
		"more than all":         {func(o *Options) { o.Sample = 1.0000001 }, false},
		"few":                   {func(o *Options) { o.Sample = 1e-9 }, true},
		"less than none":        {func(o *Options) { o.Sample = -1e-9 }, false},
		"a share of NaN":        {func(o *Options) { o.Sample = math.NaN() }, false},
		"one request":           {func(o *Options) { o.MaxRequests = 1 }, true},
		"fewer than none":       {func(o *Options) { o.MaxRequests = -1 }, false},
		"one at once":           {func(o *Options) { o.Parallel = 1 }, true},
		"fewer than none once":  {func(o *Options) { o.Parallel = -1 }, false},
		"slowly":                {func(o *Options) { o.Rate = 1e-9 }, true},
		"backwards":             {func(o *Options) { o.Rate = -1e-9 }, false},
		"a rate of NaN":         {func(o *Options) { o.Rate = math.NaN() }, false},
		"a moment":              {func(o *Options) { o.Timeout = 1 }, true},
		"less than a moment":    {func(o *Options) { o.Timeout = -1 }, false},
		"a moment's lag":        {func(o *Options) { o.Lag = 1 }, true},
		"less lag than none":    {func(o *Options) { o.Lag = -1 }, false},
		"api":                   {func(o *Options) { o.Level = API }, true},
		"exact":                 {func(o *Options) { o.Level = Exact }, true},
		"another level":         {func(o *Options) { o.Level = "Edge" }, false},
		"http":                  {func(o *Options) { o.URL = "http://h" }, true},
		"a path":                {func(o *Options) { o.URL = "http://h/a/b" }, true},
		"a fragment":            {func(o *Options) { o.URL = "http://h/#a" }, false},
		"a query":               {func(o *Options) { o.URL = "http://h/?a" }, false},
		"no host":               {func(o *Options) { o.URL = "http:///a" }, false},
		"another scheme":        {func(o *Options) { o.URL = "ftp://h" }, false},
		"what cannot be parsed": {func(o *Options) { o.URL = "http://h:x" }, false},
	} {
		o := given
		c.change(&o)
		if _, err := o.withDefaults(); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for url, want := range map[string]string{"https://h": "", "https://h/": "", "https://h/a": "/a", "https://h/a/b/": "/a/b", ":": ""} {
		if got := (Options{URL: url}).prefix(); got != want {
			t.Errorf("%s: prefix %q, want %q", url, got, want)
		}
	}
	f, err := NewFollower(FollowOptions{Places: []Place{{URL: "https://registry.example"}}})
	if err != nil || f.o.Rate != 10 || f.o.Timeout != 10*time.Second || f.edges[0].options.Timeout != 10*time.Second || f.edges[0].remote.rate.Burst() != 1 || f.edges[0].remote.rate.Limit() != 10 {
		t.Errorf("%+v, %v", f.o, err)
	}
	for rate, burst := range map[float64]int{0.5: 1, 10: 1, 19: 1, 20: 2, 50: 5} {
		if got := newRemote(Options{Rate: rate}).rate; got.Burst() != burst || float64(got.Limit()) != rate {
			t.Errorf("%v in a second: %d at once", rate, got.Burst())
		}
	}
	for host, want := range map[string]string{"a.example": "a.example", "a.example:8443": "a.example", "[::1]:1": "::1", "": ""} {
		if got := hostname(host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
	own := newRemote(Options{Rate: 1, Parallel: 3, Host: "a.example:8443"}).client.Transport.(*http.Transport)
	if !own.DisableCompression || own.MaxIdleConnsPerHost != 3 || own.TLSClientConfig.ServerName != "a.example" {
		t.Errorf("%+v", own)
	}
	if c := newRemote(Options{Rate: 1}).client.Transport.(*http.Transport).TLSClientConfig; c != nil && c.ServerName != "" {
		t.Error("a name in TLS that nobody gave")
	}
}

// TestRequests: in which ways a probe is asked, in what order, and how many that are.
func TestRequests(t *testing.T) {
	shown := func(asks []ask) (out []string) {
		for _, a := range asks {
			out = append(out, fmt.Sprint(a, " ", a.header, " ", a.own))
		}
		return out
	}
	tags := func(tag, modified string) *reply {
		r := &reply{header: http.Header{}}
		if tag != "" {
			r.header.Set("Etag", tag)
		}
		if modified != "" {
			r.header.Set("Last-Modified", modified)
		}
		return r
	}
	for _, c := range []struct {
		ways                      ways
		requests                  int
		got, want                 *reply
		whole, conditions, pieces []string
	}{
		{0, 0, tags("a", ""), tags("b", ""), nil, nil, nil},
		{plain, 1, tags("a", ""), tags("b", ""), []string{"GET /x map[Accept-Encoding:identity] map[]"}, nil, nil},
		{encoded, 1, tags("a", ""), tags("b", ""), []string{"GET /x (gzip) map[Accept-Encoding:gzip] map[]"}, nil, nil},
		{head, 1, tags("a", ""), tags("b", ""), []string{"HEAD /x map[Accept-Encoding:identity] map[]"}, nil, nil},
		{plain | conditional, 4, tags("a", "m"), tags("b", "n"), []string{"GET /x map[Accept-Encoding:identity] map[]"}, []string{
			"GET /x (If-None-Match) map[Accept-Encoding:identity If-None-Match:a] map[If-None-Match:b]",
			`GET /x (another If-None-Match) map[Accept-Encoding:identity If-None-Match:"another"] map[If-None-Match:"another"]`,
			"GET /x (If-Modified-Since) map[Accept-Encoding:identity If-Modified-Since:m] map[If-Modified-Since:n]",
		}, nil},
		{encoded | conditional, 4, tags("a", ""), tags("b", "n"), []string{"GET /x (gzip) map[Accept-Encoding:gzip] map[]"}, []string{
			"GET /x (If-None-Match) map[Accept-Encoding:gzip If-None-Match:a] map[If-None-Match:b]",
			`GET /x (another If-None-Match) map[Accept-Encoding:gzip If-None-Match:"another"] map[If-None-Match:"another"]`,
		}, nil},
		{plain | conditional, 4, tags("", "m"), tags("b", "n"), []string{"GET /x map[Accept-Encoding:identity] map[]"}, []string{
			"GET /x (If-Modified-Since) map[Accept-Encoding:identity If-Modified-Since:m] map[If-Modified-Since:n]",
		}, nil},
		{plain | conditional, 4, tags("a", "m"), tags("", ""), []string{"GET /x map[Accept-Encoding:identity] map[]"}, nil, nil},
		{ranges, 4, tags("a", ""), tags("b", ""), nil, nil, []string{
			"GET /x (Range: bytes=0-0) map[Accept-Encoding:gzip Range:bytes=0-0] map[Range:bytes=0-0]",
			"GET /x (Range: bytes=10-99) map[Accept-Encoding:gzip Range:bytes=10-99] map[Range:bytes=10-99]",
			"GET /x (Range: bytes=-7) map[Accept-Encoding:gzip Range:bytes=-7] map[Range:bytes=-7]",
			"GET /x (Range: bytes=9999999999-) map[Accept-Encoding:gzip Range:bytes=9999999999-] map[Range:bytes=9999999999-]",
		}},
		{plain | encoded | head | conditional | ranges, 10, tags("", ""), tags("", ""), []string{
			"GET /x map[Accept-Encoding:identity] map[]", "GET /x (gzip) map[Accept-Encoding:gzip] map[]", "HEAD /x map[Accept-Encoding:identity] map[]",
		}, nil, nil},
	} {
		p := probe{"file", http.MethodGet, "/x", c.ways}
		if got := p.requests(); got != c.requests {
			t.Errorf("%b: %d requests, want %d", c.ways, got, c.requests)
		}
		if got := shown(p.whole()); !slices.Equal(got, c.whole) {
			t.Errorf("%b: %q", c.ways, got)
		}
		if got := shown(p.conditions(c.got, c.want)); !slices.Equal(got, c.conditions) {
			t.Errorf("%b: %q", c.ways, got)
		}
		if got := shown(p.pieces()); c.pieces != nil && !slices.Equal(got, c.pieces) || (len(got) > 0) != (c.ways&ranges != 0) {
			t.Errorf("%b: %q", c.ways, got)
		}
	}
	if got := (probe{"", "GET", "/x?a", 0}).id(); got != "GET /x?a" {
		t.Error(got)
	}
	a := ask{"GET", "/x", map[string]string{"Range": "1", "Accept-Encoding": "gzip"}, map[string]string{"Range": "2"}, "part"}
	if b := a.without("Range"); fmt.Sprint(b, b.header, b.own) != "GET /x (part) map[Accept-Encoding:gzip] map[]" || len(a.header) != 2 || len(a.own) != 1 {
		t.Errorf("%v %v, of %v %v", b.header, b.own, a.header, a.own)
	}
}

// TestTake: what is known of a body, to its bound and beyond.
func TestTake(t *testing.T) {
	for size, want := range map[int]error{9: nil, 10: nil, 11: errTooLong, 1000: errTooLong} {
		c, err := take(bytes.NewReader(make([]byte, size)), 10)
		if !errors.Is(err, want) || want == nil && err != nil || c.size != int64(min(size, 11)) || !c.whole() {
			t.Errorf("%d bytes: %d, %v", size, c.size, err)
		}
	}
	failure := errors.New("reset by peer")
	if c, err := take(io.MultiReader(strings.NewReader("abc"), broken{failure}), 10); !errors.Is(err, failure) || c.size != 3 {
		t.Errorf("%d bytes, %v", c.size, err)
	}
	a, _ := take(strings.NewReader("abc"), 10)
	b, _ := take(strings.NewReader("abd"), 10)
	if !a.equal(a) || a.equal(b) || string(a.kept) != "abc" || a.equal(content{size: 4, sum: a.sum}) {
		t.Error("contents are compared by size and digest")
	}
	taker := newTaker()
	for _, size := range []int{maxKept - 1, 2, 5} {
		if n, err := taker.Write(make([]byte, size)); n != size || err != nil {
			t.Errorf("%d of %d, %v", n, size, err)
		}
	}
	if c := taker.content(); len(c.kept) != 64<<20 || c.size != 64<<20+6 || c.whole() {
		t.Errorf("%d of %d bytes are kept", len(c.kept), c.size)
	}
}

type broken struct{ error }

func (b broken) Read([]byte) (int, error) { return 0, b.error }

// body is a content as it is taken in.
func body(text string) content {
	c, _ := take(strings.NewReader(text), 1<<20)
	return c
}

func zipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// TestDecode: what a body is without its encoding, and which are none.
func TestDecode(t *testing.T) {
	for _, c := range []struct{ encoding, sent, plain, fails string }{
		{"", "text", "text", ""}, {"identity", "text", "text", ""}, {"gzip", "", "", ""}, {"br", "", "", ""},
		{"gzip", zipped("text"), "text", ""}, {"gzip", zipped("0123456789"), "0123456789", ""},
		{"br", "text", "", `Content-Encoding "br" was not asked for`}, {"GZIP", zipped("text"), "", `Content-Encoding "GZIP" was not asked for`},
		{"gzip", "text", "", "is not what Content-Encoding gzip says"}, {"gzip", zipped("text")[:20], "", "is not what Content-Encoding gzip says"},
		{"gzip", zipped("0123456789a"), "", "longer than it can be"},
	} {
		r := &reply{header: http.Header{"Content-Encoding": {c.encoding}}, sent: body(c.sent)}
		err := r.decode(10)
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) || err == nil && string(r.plain.kept) != c.plain {
			t.Errorf("%s %q: %q, %v", c.encoding, c.sent, r.plain.kept, err)
		}
	}
	r := &reply{header: http.Header{"Content-Encoding": {"gzip"}}, sent: content{size: 5}}
	if err := r.decode(10); !errors.Is(err, errTooLong) {
		t.Errorf("what is not kept whole: %v", err)
	}
}

// TestShorten: what of a text is shown.
func TestShorten(t *testing.T) {
	for _, n := range []int{0, 119, 120, 121, 500} {
		text := strings.Repeat("ä", n)
		want := text
		if n > 120 {
			want = strings.Repeat("ä", 120) + "…"
		}
		if got := shorten(text); got != want {
			t.Errorf("%d characters: %q", n, got)
		}
	}
	if got := excerpt([]byte("a\x1b[31m\n")); got != `"a\x1b[31m\n"` {
		t.Error(got)
	}
	for n, want := range map[int]string{1: "a0", 4: "a0, a1, a2, a3", 5: "a0, a1, a2, a3 and 1 more", 9: "a0, a1, a2, a3 and 5 more"} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprint("a", i))
		}
		if got := few(names); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// TestWhereBodiesDiffer: the first place, in words.
func TestWhereBodiesDiffer(t *testing.T) {
	for _, c := range []struct{ got, want, kind, problem, detail string }{
		{"a\nb\n", "a\nc\n", "text/plain", "another body", `line 2 is "b\n", not "c\n"`},
		{"a\nb", "a\nb\n", "text/plain", "another body", `line 2 is "b", not "b\n"`},
		{"a\n", "a\nb", "text/plain", "another body", `line 2 is "", not "b"`},
		{"", "a", "", "another body", `line 1 is "", not "a"`},
		{`{"a": 1}`, `{"a":1}`, "application/json", "the same JSON in other bytes", `line 1 is "{\"a\": 1}", not "{\"a\":1}"`},
		{`{"a":2}`, `{"a":1}`, "application/json; charset=utf-8", "another JSON", ".a is 2, not 1"},
		{`{"a":2}`, `{"a":1}`, "text/json", "another body", `line 1 is "{\"a\":2}", not "{\"a\":1}"`},
		{`{`, `{"a":1}`, "application/json", "a body that is no JSON", `unexpected end of JSON input: "{"`},
		{`{"a":1}`, `{`, "application/json", "another body", `line 1 is "{\"a\":1}", not "{"`},
		{`{}`, `{"a":{"b":1}}`, "application/json", "another JSON", `.a is missing, it should be {"b":1}`},
		{`{"a":1,"b":[]}`, `{"a":1}`, "application/json", "another JSON", `.b should not be there: []`},
		{`{"b":1,"a":1}`, `{"b":2,"a":2}`, "application/json", "another JSON", `.a is 1, not 2`},
		{`{"a":[1,2]}`, `{"a":[1,3,4]}`, "application/json", "another JSON", `.a[1] is 2, not 3`},
		{`{"a":[1,2]}`, `{"a":[1,2,4]}`, "application/json", "another JSON", `.a has 2 elements, not 3`},
		{`[1]`, `[1,2]`, "application/json", "another JSON", `the whole has 1 elements, not 2`},
		{`{"a":1}`, `[1]`, "application/json", "another JSON", `the whole is {"a":1}, not [1]`},
		{`[1]`, `{"a":1}`, "application/json", "another JSON", `the whole is [1], not {"a":1}`},
		{`null`, `"a"`, "application/json", "another JSON", `the whole is null, not "a"`},
		{`{"a":null}`, `{"a":false}`, "application/json", "another JSON", `.a is null, not false`},
		{`{"a":{"b":true}}`, `{"a":{"b":false}}`, "application/json", "another JSON", `.a.b is true, not false`},
		{`[{"name":"a","version":"1"}]`, `[{"name":"a","version":"2"},{"name":"b","version":"1"}]`, "application/json", "another JSON", "lacks a-2, b-1; has a-1 too much"},
		{`[{"id":"a"}]`, `[{"id":"a"},{"id":"b"}]`, "application/json", "another JSON", "lacks b"},
		{`[{"id":"a"},{"id":"b"}]`, `[{"id":"a"}]`, "application/json", "another JSON", "has b too much"},
		{`[{"id":"a"},{"id":"b"}]`, `[{"id":"b"},{"id":"a"}]`, "application/json", "another JSON", "the same entries in another order, or repeated"},
		{`[{"id":"a"},{"id":"a"}]`, `[{"id":"a"}]`, "application/json", "another JSON", "the same entries in another order, or repeated"},
		{`[]`, `[{"id":"a"}]`, "application/json", "another JSON", "lacks a"},
		{`[{"id":"a","n":1}]`, `[{"id":"a","n":2}]`, "application/json", "another JSON", "[0].n is 1, not 2"},
		{`[{"name":"a","id":"b"}]`, `[{"name":"a","id":"c"}]`, "application/json", "another JSON", "lacks c; has b too much"},
		{`[{"name":"a"}]`, `[{"name":"b"}]`, "application/json", "another JSON", `[0].name is "a", not "b"`},
		{`[1]`, `[{"id":"a"}]`, "application/json", "another JSON", `[0] is 1, not {"id":"a"}`},
	} {
		if problem, detail := compareBodies(body(c.got), body(c.want), c.kind); problem != c.problem || detail != c.detail {
			t.Errorf("%s instead of %s (%s): %s: %s\nwant %s: %s", c.got, c.want, c.kind, problem, detail, c.problem, c.detail)
		}
	}
	for _, c := range [][2]content{{{size: 5}, body("x")}, {body("x"), {size: 5}}} {
		if problem, detail := compareBodies(c[0], c[1], ""); problem != "another body" || detail != "too long to look into" {
			t.Errorf("%s: %s", problem, detail)
		}
	}
	if got := lineDifference([]byte("a\nb"), []byte("a\nb")); got != "" {
		t.Error(got)
	}
	if got := shown(math.NaN()); got != "?" {
		t.Error(got)
	}
	var same any
	_ = json.Unmarshal([]byte(`{"a":[{"b":null}],"c":1.5}`), &same)
	if got := jsonDifference("", same, same); got != "" {
		t.Error(got)
	}
}

// TestReportIsSorted: groups by how many differences they have, a hundred examples of each.
func TestReportIsSorted(t *testing.T) {
	r := &Report{}
	for i := range 101 {
		r.add([]Difference{{Kind: "b", Problem: "p", Request: fmt.Sprintf("GET /%03d", 100-i), Way: "w"}})
	}
	r.add([]Difference{{Kind: "c", Problem: "p", Request: "/"}, {Kind: "b", Problem: "o", Request: "/"}, {Kind: "a", Problem: "z", Request: "/", Way: "y"}, {Kind: "a", Problem: "z", Request: "/", Way: "x"}})
	r.add(nil)
	if r.Same() || !(&Report{}).Same() {
		t.Error("whether anything differs")
	}
	r.sort()
	var got []string
	for _, g := range r.Groups {
		got = append(got, fmt.Sprintf("%s %s %d %d %s %s", g.Kind, g.Problem, g.Count, len(g.Examples), g.Examples[0].Request, g.Examples[0].Way))
	}
	if want := []string{"b p 101 100 GET /001 w", "a z 2 2 / x", "b o 1 1 / ", "c p 1 1 / "}; !slices.Equal(got, want) || r.Differences != 105 {
		t.Errorf("%d differences in %q, want %q", r.Differences, got, want)
	}
	for url, want := range map[string]string{"https://u:p@h/": "https://u:xxxxx@h/", "https://h": "https://h", ":": "?"} {
		if got := withoutPassword(url); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
}
