package check

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// said is an answer in a table: a status, headers as "Name: value", and a body.
func said(status int, text string, headers ...string) *reply {
	r := &reply{status: status, header: http.Header{}, sent: body(text), plain: body(text)}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.header.Add(name, value)
	}
	return r
}

func zippedAs(plain string, bytes string, headers ...string) *reply {
	r := said(200, plain, append(headers, "Content-Encoding: gzip")...)
	r.sent = body(bytes)
	return r
}

// TestDifferences: what is a difference at each level, and what it is called.
func TestDifferences(t *testing.T) {
	const no = ""
	for _, c := range []struct {
		name, kind       string
		got, want        *reply
		api, edge, exact string // the problems at each level
	}{
		{"the same", "search", said(200, "x", "Etag: a"), said(200, "x", "Etag: a"), no, no, no},
		{"status", "search", said(500, "x", "Etag: b"), said(200, "y", "Etag: a"), "status 500 instead of 200", "status 500 instead of 200", "status 500 instead of 200"},
		{"body", "search", said(200, "x"), said(200, "y"), "another body", "another body", "another body"},
		{"body and its validator", "search", said(200, "x", "Etag: a"), said(200, "y", "Etag: b"), "another body", "another body", "another body"},
		{"validator", "search", said(200, "x", "Etag: a"), said(200, "x", "Etag: b"), no, "another ETag", "another Etag"},
		{"weak", "search", said(200, "x", "Etag: W/a"), said(200, "x", "Etag: a"), no, "a weak ETag", "a weak ETag"},
		{"weak, and another", "search", said(200, "x", "Etag: W/a", "Etag: b"), said(200, "x", "Etag: a"), no, "another ETag", "another Etag"},
		{"no validator", "search", said(200, "x"), said(200, "x", "Etag: a"), no, "no ETag", "no ETag"},
		{"a validator too much", "search", said(200, "x", "Etag: a"), said(200, "x"), no, no, no},
		{"type", "file", said(200, "x", "Content-Type: a/b"), said(200, "x", "Content-Type: a/c"), "another Content-Type", "another Content-Type", "another Content-Type"},
		{"type in other words", "file", said(200, "x", "Content-Type: A/b;  charset=UTF-8"), said(200, "x", "Content-Type: a/b; charset=utf-8"), no, no, "another Content-Type"},
		{"a type too much", "file", said(200, "x", "Content-Type: a/b"), said(200, "x"), "a Content-Type that should not be", "a Content-Type that should not be", no},
		{"cache", "file", said(200, "x", "Cache-Control: max-age=9"), said(200, "x", "Cache-Control: max-age=8"), no, "another Cache-Control", "another Cache-Control"},
		{"cache in another order", "file", said(200, "x", "Cache-Control: public, MAX-AGE=8", "Cache-Control: public"), said(200, "x", "Cache-Control: max-age=8", "Cache-Control: public"), no, no, "another Cache-Control"},
		{"a cache time too much", "redirect", said(301, "x", "Cache-Control: max-age=9"), said(301, "x"), no, "a Cache-Control that should not be", no},
		{"Vary of more", "file", said(200, "x", "Vary: Accept-Encoding, Origin"), said(200, "x", "Vary: Accept-Encoding"), no, no, "another Vary"},
		{"Vary of less", "file", said(200, "x", "Vary: Origin"), said(200, "x", "Vary: Accept-Encoding"), no, "another Vary", "another Vary"},
		{"modified", "file", said(200, "x", "Last-Modified: a"), said(200, "x", "Last-Modified: b"), no, "another Last-Modified", "another Last-Modified"},
		{"CORS", "file", said(200, "x"), said(200, "x", "Access-Control-Allow-Origin: *"), no, "no Access-Control-Allow-Origin", "no Access-Control-Allow-Origin"},
		{"Allow", "method", said(405, "x"), said(405, "x", "Allow: GET"), no, "no Allow", "no Allow"},
		{"policy", "file", said(200, "x"), said(200, "x", "Content-Security-Policy: a"), no, "no Content-Security-Policy", "no Content-Security-Policy"},
		{"sniffing", "file", said(200, "x"), said(200, "x", "X-Content-Type-Options: nosniff"), no, "no X-Content-Type-Options", "no X-Content-Type-Options"},
		{"a header of its own", "file", said(200, "x"), said(200, "x", "X-Own: a"), no, no, "no X-Own"},
		{"date", "file", said(200, "x"), said(200, "x", "Date: a"), no, no, no},
		{"parts", "file", said(206, "x"), said(206, "x", "Accept-Ranges: bytes"), no, no, "no Accept-Ranges"},
		{"whole without parts", "file", said(200, "x"), said(200, "x", "Accept-Ranges: bytes"), no, "no Accept-Ranges", "no Accept-Ranges"},
		{"another part", "file", said(206, "x", "Content-Range: 1"), said(206, "x", "Content-Range: 2"), "another Content-Range", "another Content-Range", "another Content-Range"},
		{"another part of an archive", "archive", said(206, "x", "Content-Range: 1"), said(206, "x", "Content-Range: 2"), no, "another Content-Range", "another Content-Range"},
		{"beyond the end", "file", said(416, "x", "Etag: b", "Content-Range: 1"), said(416, "y", "Etag: a", "Content-Range: 1", "Cache-Control: z"), no, no, "another body, no Cache-Control"},
		{"beyond another end", "file", said(416, "x", "Content-Range: 1"), said(416, "x", "Content-Range: 2"), "another Content-Range", "another Content-Range", "another Content-Range"},
		{"text of a redirect", "redirect", said(301, "x", "Location: /a"), said(301, "y", "Location: /a"), no, no, "another body"},
		{"redirect", "redirect", said(301, "x", "Location: /b"), said(301, "x", "Location: /a"), "another Location", "another Location", "another Location"},
		{"redirect to the host", "redirect", said(301, "x", "Location: https://h/a"), said(301, "x", "Location: /a"), no, no, "another Location"},
		{"redirect to another host", "redirect", said(301, "x", "Location: https://g/a"), said(301, "x", "Location: /a"), "another Location", "another Location", "another Location"},
		{"icon", "icon", said(200, "x"), said(200, "y"), no, "another body", "another body"},
		{"length of an archive", "archive", said(200, "x", "Content-Length: 2"), said(200, "x", "Content-Length: 1"), no, "another Content-Length", "another Content-Length"},
		{"an archive without", "archive", said(200, "x"), said(200, "x", "Content-Length: 1"), no, "no Content-Length", "no Content-Length"},
		{"length of a part", "archive", said(206, "x"), said(206, "x", "Content-Length: 1"), no, no, "no Content-Length"},
		{"length of a file", "file", said(200, "x"), said(200, "x", "Content-Length: 1"), no, no, "no Content-Length"},
		{"not encoded", "search", said(200, "x"), zippedAs("x", "1"), no, "not encoded", "no Content-Encoding"},
		{"encoded", "search", zippedAs("x", "1"), said(200, "x"), no, "encoded, which it should not be", no},
		{"an archive encoded", "archive", zippedAs("x", "1", "Content-Length: 1"), said(200, "x", "Content-Length: 1"), "encoded, which it should not be", "encoded, which it should not be", no},
		{"encoded again", "search", zippedAs("x", "2"), zippedAs("x", "1"), no, "encoded again", "encoded again"},
		{"encoded alike", "search", zippedAs("x", "1"), zippedAs("x", "1"), no, no, no},
		{"another that is encoded", "search", zippedAs("y", "2"), zippedAs("x", "1"), "another body", "another body", "another body"},
		{"what is no archive", "archive", said(200, "x", "Content-Length: 1"), said(200, "y", "Content-Length: 1"), "another archive", "another body", "another body"},
		{"a part of an archive", "archive", said(206, "x"), said(206, "y"), no, "another body", "another body"},
	} {
		for level, want := range map[Level]string{API: c.api, Edge: c.edge, Exact: c.exact} {
			o := Options{Level: level, URL: "https://h"}
			p, a := probe{kind: c.kind}, ask{method: "GET", target: "/x", way: "w"}
			var got []string
			for _, d := range o.differences(p, a, c.got, c.want) {
				got = append(got, d.Problem)
				if d.Kind != c.kind || d.Request != "GET /x" || d.Way != "w" {
					t.Errorf("%s: %+v", c.name, d)
				}
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); !strings.EqualFold(text, want) {
				t.Errorf("%s, %s: %q, want %q", c.name, level, text, want)
			}
			// A header that is ignored does not differ, whatever its case.
			for _, problem := range got {
				name := problem[strings.LastIndexByte(problem, ' ')+1:]
				switch {
				case strings.HasPrefix(problem, "status"):
					name = "STATUS"
				case strings.HasSuffix(problem, "body"), problem == "another archive":
					name = "BODY"
				case strings.Contains(problem, "encoded"):
					name = "Encoding"
				case strings.HasSuffix(problem, "that should not be"):
					name = strings.Fields(problem)[1]
				}
				o := Options{Level: level, URL: "https://h", Ignore: []string{strings.ToLower(name)}}
				for _, d := range o.differences(p, a, c.got, c.want) {
					if d.Problem == problem {
						t.Errorf("%s, %s: %s is ignored and found", c.name, level, name)
					}
				}
			}
		}
	}
	// The header by which bodies come encoded is ignored by either name.
	for _, name := range []string{"encoding", "Content-Encoding", "content-encoding"} {
		if found := (Options{Level: Edge, Ignore: []string{name}}).differences(probe{kind: "search"}, ask{}, said(200, "x"), zippedAs("x", "1")); len(found) > 0 {
			t.Errorf("%s is ignored: %+v", name, found)
		}
	}
	for _, c := range []struct {
		o         Options
		got, want string
		same      bool
	}{
		{Options{URL: "https://h/p"}, "https://h/p/a", "/p/a", true}, {Options{URL: "https://h/p"}, "https://h/a", "/p/a", false}, {Options{URL: "https://h", Host: "g"}, "https://g/a", "/a", true},
		{Options{URL: "https://h", Host: "g"}, "https://h/a", "/a", false}, {Options{URL: "http://h", Host: "g"}, "https://g/a", "/a", false}, {Options{URL: "https://h", Level: Exact}, "https://h/a", "/a", false},
	} {
		if got := sameLocation(c.o, c.got, c.want); got != c.same {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// TestAllowsWhole: where a registry of another make may send all.
func TestAllowsWhole(t *testing.T) {
	for _, c := range []struct {
		level     Level
		got, want int
		header    string
		ok        bool
	}{
		{API, 200, 206, "Range", true}, {API, 200, 416, "Range", true}, {API, 200, 304, "If-None-Match", true}, {API, 200, 304, "If-Modified-Since", true}, {API, 200, 304, "Range", false}, {API, 200, 206, "If-None-Match", false},
		{API, 200, 206, "", false}, {API, 200, 200, "Range", false}, {API, 404, 206, "Range", false}, {Edge, 200, 206, "Range", false}, {Exact, 200, 304, "If-None-Match", false},
	} {
		a := ask{header: map[string]string{c.header: "x"}}
		if got := (Options{Level: c.level}).allowsWhole(a, said(c.got, ""), said(c.want, "")); got != c.ok {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

// TestWhoseAnswer: an answer that belongs to another request is known again, if it says
// enough and the two are near.
func TestWhoseAnswer(t *testing.T) {
	long, other := strings.Repeat("a", 9), strings.Repeat("b", 9)
	c := &checker{answers: map[[32]byte]string{}}
	get := func(target string) ask { return ask{method: "GET", target: target} }
	c.remember(get("/a?x=1"), said(200, long))
	c.remember(get("/a?x=2"), said(200, long))                          // the first counts
	c.remember(get("/a?x=3"), said(404, other))                         // an error
	c.remember(ask{method: "HEAD", target: "/a?x=3"}, said(200, other)) // nothing
	c.remember(get("/a?x=3"), said(200, strings.Repeat("c", 8)))        // says too little
	if len(c.answers) != 1 || c.answers[body(long).sum] != "/a?x=1" {
		t.Errorf("%v", c.answers)
	}
	found := []Difference{{Problem: "another body"}}
	for _, test := range []struct {
		a         ask
		got, want *reply
		detail    string // "-" if it is not known again
	}{
		{get("/a?x=2"), said(200, long), said(200, other), "is x in the cache key?"},
		{get("/a?x=2&y=1"), said(200, long), said(200, other), "is x, y in the cache key?"},
		{get("/a?x=2&y=1&z=1"), said(200, long), said(200, other), "-"},
		{get("/b?x=1"), said(200, long), said(200, other), ""},
		{get("/a?x=1"), said(200, long), said(200, other), "-"},
		{get("/a?x=2"), said(404, long), said(200, other), "-"},
		{get("/a?x=2"), said(200, long), said(200, long), "-"},
		{get("/a?x=2"), said(200, other), said(200, long), "-"},
		{ask{method: "HEAD", target: "/a?x=2"}, said(200, long), said(200, other), "-"},
	} {
		got := c.explained(t.Context(), probe{kind: "file"}, test.a, nil, test.got, test.want, found)
		if test.detail == "-" {
			if len(got) != 1 || got[0].Problem != "another body" {
				t.Errorf("%v: %+v", test.a, got)
			}
			continue
		}
		if want := (Difference{Kind: "file", Request: test.a.method + " " + test.a.target, Problem: "the answer to another request", Got: "/a?x=1", Detail: test.detail}); len(got) != 1 || got[0] != want {
			t.Errorf("%v: %+v", test.a, got)
		}
	}
	for _, test := range []struct{ a, b, want string }{{"/a?x=1&y=2", "/a?x=1", "y"}, {"/a?x=1", "/a?x=2&z=3", "x z"}, {"/a", "/a?x=1", "x"}, {"/a?x=1", "/b?x=2", ""}, {"/a?x=1&x=2", "/a?x=3", "x"}, {"/a?x=1&y=2", "/a?y=2&x=1", ""}} {
		if got := strings.Join(differing(test.a, test.b), " "); got != test.want {
			t.Errorf("%s and %s: %s", test.a, test.b, got)
		}
	}
}

// TestChosen: what is asked first, in what order, and where a bound ends it.
func TestChosen(t *testing.T) {
	list := func(kind string, n int) (out []probe) {
		for i := range n {
			out = append(out, probe{kind, "GET", fmt.Sprintf("/%s/%d", kind, i), plain})
		}
		return out
	}
	for bound, want := range map[int][3]int{100: {4, 6, 2}, 12: {4, 6, 2}, 11: {4, 5, 2}, 4: {4, 0, 0}, 3: {3, 0, 0}, 1: {1, 0, 0}} {
		p := Options{MaxRequests: bound}.choose(list("a", 4), list("b", 6), list("c", 2))
		count := map[string]int{}
		for i, p := range p.probes {
			if count[p.kind]++; (i < want[0]) != (p.kind == "a") {
				t.Errorf("%d: %s comes at %d", bound, p.kind, i)
			}
		}
		if p.all != 12 || p.chosen != len(p.probes) || count["a"] != want[0] || p.chosen != min(bound, 12) || bound >= 12 && (count["b"] != 6 || count["c"] != 2) {
			t.Errorf("%d: %d of %d, %v", bound, p.chosen, p.all, count)
		}
	}
	if p := (Options{MaxRequests: 100, Ignore: []string{"B"}}).choose(list("a", 1), list("b", 6)); p.all != 1 || p.chosen != 1 {
		t.Errorf("%+v", p)
	}
	// Each list is spread evenly: a third one of 4 has its place at 5/8, a second of 2 at 3/4.
	kinds := ""
	for _, p := range (Options{MaxRequests: 100}).choose(nil, list("b", 2), list("c", 4)).probes {
		kinds += p.kind
	}
	if kinds != "cbccbc" {
		t.Errorf("two lists are mixed as %s", kinds)
	}
	// Which of a list comes first is by the seed.
	orders := map[string]bool{}
	for seed := range uint64(4) {
		order := ""
		for _, p := range (Options{MaxRequests: 100, Seed: seed}).choose(nil, list("b", 20)).probes {
			order += p.target
		}
		orders[order] = true
	}
	if len(orders) != 4 {
		t.Errorf("4 seeds give %d orders", len(orders))
	}
	// Both halves of the order have about half of each list.
	p := Options{MaxRequests: 1000}.choose(nil, list("b", 100), list("c", 20))
	half := 0
	for _, p := range p.probes[:60] {
		if p.kind == "c" {
			half++
		}
	}
	if half < 9 || half > 11 {
		t.Errorf("%d of 20 are in the first half", half)
	}
	if n := 0; true {
		for i := range 10_000 {
			if p := (Options{}).asked("search", fmt.Sprint(i)); p.ways == plain|encoded|head|conditional {
				n++
			} else if p.ways != plain|encoded {
				t.Fatalf("%b", p.ways)
			}
		}
		if n < 900 || n > 1100 {
			t.Errorf("%d of 10,000 are asked in all ways, want a tenth", n)
		}
	}
	// Names that differ in their last byte alone are spread as well.
	quarters := [4]int{}
	for b := range 256 {
		quarters[int(4*fraction(1, "name"+string([]byte{byte(b)})))]++
	}
	for _, n := range quarters {
		if n < 40 || n > 90 {
			t.Errorf("256 names fall as %v into four quarters", quarters)
		}
	}
	for _, name := range []string{"", "a", "b"} {
		if f := fraction(1, name); f < 0 || f >= 1 || f == fraction(2, name) {
			t.Errorf("%q: %v", name, f)
		}
	}
}
