package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// rows is a table with packages "name version", of which some are signed.
func rows(site layout.Digest, list ...string) *answer.Table {
	r := &layout.Routes{Site: site}
	for _, item := range list {
		name, version, _ := strings.Cut(item, " ")
		version, signed := strings.CutSuffix(version, " signed")
		if len(r.Names) == 0 || r.Names[len(r.Names)-1] != name {
			r.Names, r.Starts = append(r.Names, name), append(r.Starts, len(r.Versions))
		}
		flags := layout.Flags(0)
		if signed {
			flags = layout.Signed
		}
		r.Versions, r.Flags, r.Revisions = append(r.Versions, version), append(r.Flags, flags), r.Revisions+strings.Repeat("0", 20)
	}
	return &answer.Table{Routes: r}
}

// TestPagesOfCatalogue: each page of each package is asked for, where there are pages.
func TestPagesOfCatalogue(t *testing.T) {
	table := rows("0123", "a 1.0.0", "a 1.1.0+x y", "b 1.0.0")
	var got []string
	for _, p := range (Options{Level: Edge}).pages(table) {
		if got = append(got, p.target); p.kind != "page" || p.method != "GET" {
			t.Errorf("%+v", p)
		}
	}
	want := []string{"", "-/environment/", "-/environment", "-/feed.xml", "-/packages.json", "-/none/", "none/", "a/", "a/feed.xml", "a/versions.json", "a/1.0.0/", "a/1.1.0+x%20y/", "b/", "b/feed.xml", "b/versions.json", "b/1.0.0/"}
	for i := range want {
		want[i] = "/catalog/" + want[i]
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	if len((Options{Level: API}).pages(table)) != 0 || len((Options{Level: Edge}).pages(rows("", "a 1.0.0"))) != 0 {
		t.Error("pages that are not there")
	}
}

// TestSampled: a share of the versions, one at least, and a signed one.
func TestSampled(t *testing.T) {
	var list []string
	for i := range 1000 {
		list = append(list, fmt.Sprintf("p%03d 1.0.0", i))
	}
	table := rows("", list...)
	for share, want := range map[float64][2]int{1: {1000, 1000}, 0.5: {450, 550}, 1e-9: {1, 1}} {
		if got := sampled(table, share, 1); len(got) < want[0] || len(got) > want[1] || !slices.IsSorted(got) {
			t.Errorf("%v: %d", share, len(got))
		}
	}
	if slices.Equal(sampled(table, 0.1, 1), sampled(table, 0.1, 2)) || !slices.Equal(sampled(table, 0.1, 1), sampled(table, 0.1, 1)) {
		t.Error("the seed chooses")
	}
	// The one with the least number is chosen where the share has none.
	least := 0
	for row := range 1000 {
		if fraction(1, strings.Replace(list[row], " ", "-", 1)) < fraction(1, strings.Replace(list[least], " ", "-", 1)) {
			least = row
		}
	}
	if got := sampled(table, 1e-9, 1); !slices.Equal(got, []int{least}) {
		t.Errorf("%v, want %d", got, least)
	}
	// A share is what lies below it.
	number := fraction(1, "p500-1.0.0")
	if at, above := sampled(table, number, 1), sampled(table, math.Nextafter(number, 1), 1); slices.Contains(at, 500) || !slices.Contains(above, 500) || len(above) != len(at)+1 {
		t.Errorf("a share that ends at a version has %d, one that ends behind it %d", len(at), len(above))
	}
	signed := rows("", "a 1.0.0", "b 1.0.0", "c 1.0.0 signed", "d 1.0.0 signed")
	if got := sampled(signed, 1e-9, 1); !slices.Contains(got, 2) || len(got) > 2 {
		t.Errorf("with signed ones: %v", got)
	}
	if got := sampled(signed, 1, 1); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("all, with signed ones: %v", got)
	}
	if got := sampled(rows(""), 1, 1); len(got) != 0 {
		t.Errorf("of nothing: %v", got)
	}
	var files []layout.ContentsFile
	for i := range 20 {
		files = append(files, layout.ContentsFile{Path: fmt.Sprintf("docs/%02d.md", i), Size: int64(i)})
	}
	files = append(files, layout.ContentsFile{Path: "img/x.png"}, layout.ContentsFile{Path: "docs/a b.md", Size: 1})
	got := someFiles(files, layout.Revision{Name: "a", Version: "1.0.0"}, 1)
	has := func(path string) bool {
		return slices.ContainsFunc(got, func(f layout.ContentsFile) bool { return f.Path == path })
	}
	if len(got) != 6 || !has("img/x.png") || !has("docs/a b.md") {
		t.Errorf("%v", got)
	}
	if got := someFiles(files[:5], layout.Revision{}, 1); len(got) != 5 {
		t.Errorf("%d of 5", len(got))
	}
}

// TestPackageProbes: how an archive, its signature and its files are asked for.
func TestPackageProbes(t *testing.T) {
	rev := layout.Revision{Name: "a", Version: "1.0.0", ID: "r"}
	list := &layout.Contents{Signature: &layout.ObjectDigest{}, Files: []layout.ContentsFile{{Path: "a b.md", Size: 1}, {Path: "e.txt"}}}
	for level, want := range map[Level]string{
		API:  "archive /epr/a/a-1.0.0.zip 11110, signature /epr/a/a-1.0.0.zip.sig 1111, file /package/a/1.0.0/a%20b.md 11111, file /package/a/1.0.0/e.txt 1111",
		Edge: "archive /epr/a/a-1.0.0.zip 11110, signature /epr/a/a-1.0.0.zip.sig 1111, archive /artifacts/packages/a-1.0.0.zip 10110, file /artifacts/static/a-1.0.0/FIRST 111, file /package/a/1.0.0/a%20b.md 11111, file /package/a/1.0.0/e.txt 1111",
	} {
		var got []string
		for _, p := range packageProbes(rev, list, Options{Level: level, Seed: 1}) {
			got = append(got, fmt.Sprintf("%s %s %b", p.kind, p.target, p.ways))
		}
		text := strings.Join(got, ", ")
		for _, first := range []string{"a%20b.md", "e.txt"} {
			text = strings.Replace(text, "static/a-1.0.0/"+first, "static/a-1.0.0/FIRST", 1)
		}
		// The seed orders the files.
		one, other := ", file /package/a/1.0.0/a%20b.md 11111", ", file /package/a/1.0.0/e.txt 1111"
		text = strings.Replace(text, other+one, one+other, 1)
		if text != want {
			t.Errorf("%s: %s\nwant %s", level, text, want)
		}
	}
	if got := packageProbes(rev, &layout.Contents{}, Options{Level: API}); len(got) != 1 {
		t.Errorf("without files: %v", got)
	}
	methods := func(level Level) (out []string) {
		for _, p := range fixed(rows("", "a 1.0.0"), level) {
			if p.method != "GET" {
				out = append(out, p.method)
			}
		}
		return out
	}
	if got := methods(Edge); !slices.Equal(got, []string{"POST", "PUT", "DELETE"}) || len(methods(API)) != 0 || len(methods(Exact)) != 3 {
		t.Errorf("%v", got)
	}
}

// TestSpellings: the versions and names in queries are ones that the packages have.
func TestSpellings(t *testing.T) {
	table := rows("", "a 1.0.0", "b 1.0.0", "c 1.0.0", "d 1.0.0")
	var targets []string
	for _, p := range spellings(table) {
		targets = append(targets, p.target)
	}
	if !slices.Contains(targets, "/search?kibana%2Eversion=8.5.0") || !slices.Contains(targets, "/categories?package=c&internal=true") {
		t.Errorf("packages for any Kibana: %v", targets)
	}
	for _, c := range []struct {
		table    *answer.Table
		package_ bool
	}{{table, true}, {rows("", "c 1.0.0"), true}, {rows(""), false}} {
		var targets []string
		for _, p := range fixed(c.table, Edge) {
			targets = append(targets, p.target)
		}
		if slices.Contains(targets, "/package/c/1.0.0") != c.package_ || !slices.Contains(targets, "/package/none/1.0.0/") {
			t.Errorf("%d packages: %v", c.table.Rows(), targets)
		}
	}
}

// TestPlanEnds: a plan that is not wanted any more is not made.
func TestPlanEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := newPlan(ctx, &reference{table: rows("")}, Options{Level: Edge}); p != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", p, err)
	}
}

// TestState: what a file remembers, of which check.
func TestState(t *testing.T) {
	file := filepath.Join(t.TempDir(), "state")
	o := Options{URL: "https://h", Environment: "e", Level: Edge, Ignore: []string{"b", "a"}, State: file}
	open := func(o Options, snapshot string) *state {
		t.Helper()
		s, err := openState(o, snapshot)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	read := func() string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	s := open(o, "s1")
	if err := errors.Join(s.add("GET /a"), s.add("GET /b"), s.close()); err != nil {
		t.Fatal(err)
	}
	heading, _, _ := strings.Cut(read(), "\n")
	if read() != heading+"\nGET /a\nGET /b\n" || !strings.HasPrefix(heading, "regsnap check 1 e ") || !strings.HasSuffix(heading, " s1") {
		t.Errorf("%q", read())
	}
	if err := s.add("GET /c"); err == nil {
		t.Error("what cannot be written is remembered")
	}
	write(heading + "\nGET /a\nGET /b\nGET /brok")
	again := o
	again.Ignore = []string{"a", "b"} // in whatever order
	s = open(again, "s1")
	if len(s.done) != 2 || !s.done["GET /a"] || !s.done["GET /b"] {
		t.Errorf("%v", s.done)
	}
	if err := errors.Join(s.add("GET /c"), s.close()); err != nil || read() != heading+"\nGET /a\nGET /b\nGET /c\n" {
		t.Errorf("%v, %q", err, read())
	}
	s = open(o, "s2")
	if err := s.close(); err != nil || len(s.done) != 0 || read() != strings.Replace(heading, " s1", " s2", 1)+"\n" {
		t.Errorf("another snapshot: %v, %q", s.done, read())
	}
	for what, change := range map[string]func(*Options){
		"URL": func(o *Options) { o.URL = "https://g" }, "host": func(o *Options) { o.Host = "g" }, "level": func(o *Options) { o.Level = API }, "ignore": func(o *Options) { o.Ignore = nil }, "seed": func(o *Options) { o.Seed = 1 }, "environment": func(o *Options) { o.Environment = "f" },
	} {
		other := o
		change(&other)
		if _, err := openState(other, "s2"); err == nil || !strings.Contains(err.Error(), "is about another check") {
			t.Errorf("another %s: %v", what, err)
		}
	}
	for _, text := range []string{"x", "x\n", "regsnap check", heading} { // the last one without its end
		if write(text); true {
			if _, err := openState(o, "s1"); err == nil || read() != text {
				t.Errorf("%q: %v, %q", text, err, read())
			}
		}
	}
	write("")
	if s := open(o, "s1"); len(s.done) != 0 || s.close() != nil || read() != heading+"\n" {
		t.Errorf("an empty file: %q", read())
	}
	none := open(Options{}, "s1")
	if err := errors.Join(none.add("x"), none.close()); err != nil {
		t.Errorf("without a file: %v", err)
	}
}

// TestRemote: how often a request is sent, what goes with it, and what is made of answers.
func TestRemote(t *testing.T) {
	was := retries
	retries = retry.Policy{Attempts: 3, Pause: time.Nanosecond, MaxPause: time.Nanosecond, Asked: time.Nanosecond}
	defer func() { retries = was }()
	gone := errors.New("connection refused")
	for _, c := range []struct {
		name   string
		status []int // of one answer after another; 0 stands for no answer
		sent   int
		want   int
		err    error
	}{
		{"at once", []int{200}, 1, 200, nil}, {"at the third", []int{0, 0, 200}, 3, 200, nil}, {"never", []int{0, 0, 0}, 3, 0, errNoAnswer}, {"an error is an answer", []int{500}, 1, 500, nil},
		{"too many requests", []int{429, 200}, 2, 200, nil}, {"too many again and again", []int{429, 429, 429}, 3, 429, nil},
	} {
		sent := 0
		r := newRemote(Options{URL: "https://h/p", Host: "g", UserAgent: "tests/1", Rate: 1e9, Timeout: time.Minute, Transport: trip(func(req *http.Request) (*http.Response, error) {
			if req.URL.String() != "https://h/p/x?y" || req.Host != "g" || req.UserAgent() != "tests/1" || req.Header.Get("Accept-Encoding") != "gzip" || req.Method != "GET" {
				t.Errorf("%s %s as %s by %s: %v", req.Method, req.URL, req.Host, req.UserAgent(), req.Header)
			}
			status := c.status[sent]
			if sent++; status == 0 {
				return nil, gone
			}
			return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: 4, Body: io.NopCloser(strings.NewReader("body")), Request: req}, nil
		})})
		got, err := r.answer(t.Context(), ask{method: "GET", target: "/x?y", header: map[string]string{"Accept-Encoding": "gzip"}}, said(200, ""))
		if sent != c.sent || int(r.sent.Load()) != c.sent || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: sent %d times, %v", c.name, sent, err)
		}
		if err == nil && (got.status != c.want || string(got.plain.kept) != "body" || got.header.Get("Content-Length") != "4") {
			t.Errorf("%s: %+v", c.name, got)
		}
		if err != nil && !errors.Is(err, gone) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// What the answer says of its own length stays as it is.
	stated := newRemote(Options{URL: "https://h", Rate: 1e9, Timeout: time.Minute, Transport: trip(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Length": {"04"}}, ContentLength: 4, Body: io.NopCloser(strings.NewReader("body")), Request: req}, nil
	})})
	if got, err := stated.once(t.Context(), ask{method: "GET", target: "/"}, said(200, "")); err != nil || got.header.Get("Content-Length") != "04" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := stated.once(t.Context(), ask{method: "G T", target: "/"}, said(200, "")); err == nil || got != nil || stated.sent.Load() != 1 {
		t.Errorf("what is not a request: %+v, %v", got, err)
	}
	was2 := slack
	slack = 10
	defer func() { slack = was2 }()
	for size, cut := range map[int]bool{0: false, 20: false, 21: true, 1000: true} { // twice what is expected, and 10
		r := newRemote(Options{URL: "https://h", Rate: 1e9, Timeout: time.Minute, Transport: trip(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader(strings.Repeat("x", size))), Request: req}, nil
		})})
		got, err := r.once(t.Context(), ask{method: "GET", target: "/"}, said(200, "12345"))
		if err != nil || got.cut != cut || got.plain.size != int64(min(size, 21)) || r.bytes.Load() != got.plain.size || got.header.Get("Content-Length") != "" {
			t.Errorf("%d bytes: %+v, %v", size, got, err)
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	r := newRemote(Options{URL: "https://h", Rate: 1e9, Timeout: time.Minute})
	if _, err := r.answer(ended, ask{method: "GET", target: "/"}, said(200, "")); !errors.Is(err, context.Canceled) || errors.Is(err, errNoAnswer) {
		t.Errorf("told to end: %v", err)
	}
	if redirect := r.client.CheckRedirect(nil, nil); redirect != http.ErrUseLastResponse {
		t.Errorf("redirects: %v", redirect)
	}
}

type trip func(*http.Request) (*http.Response, error)

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
