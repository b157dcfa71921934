package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// served is a client of a server that answers as h says; no request is made again.
func served(t *testing.T, h http.HandlerFunc) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := newClient(s.URL, Options{Rate: 1000, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.again.Attempts = 1
	return c
}

// TestAnswers: what each answer of a server means, at the bounds of what is taken.
func TestAnswers(t *testing.T) {
	etag := func(n int) string { return `"` + strings.Repeat("e", n-2) + `"` }
	say := func(status int, header, value, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set(header, value)
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	piecewise := func(body string) http.HandlerFunc { // without Content-Length
		return func(w http.ResponseWriter, _ *http.Request) {
			for _, b := range []byte(body) {
				_, _ = w.Write([]byte{b})
				w.(http.Flusher).Flush()
			}
		}
	}
	known := state{ETag: `"a"`, LastModified: "Mon, 02 Jan 2006 15:04:05 GMT"}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		had    state
		now    state
		want   error  // nil, or one that the error is
		text   string // a part of the error
	}{
		"as many bytes as are taken":             {answer: say(200, "", "", "0123456789")},
		"one byte more":                          {answer: say(200, "", "", "0123456789!"), want: errRefused, text: "11 bytes are announced: at most 10 are taken"},
		"as many bytes, unannounced":             {answer: piecewise("0123456789")},
		"one byte more, unannounced":             {answer: piecewise("0123456789!"), want: errRefused, text: "more than 10 bytes"},
		"a validator that can be sent back":      {answer: say(200, "ETag", etag(200), "x"), now: state{ETag: etag(200)}},
		"one that is too long for that":          {answer: say(200, "ETag", etag(201), "x")},
		"a date":                                 {answer: say(200, "Last-Modified", known.LastModified, "x"), now: state{LastModified: known.LastModified}},
		"not modified":                           {answer: say(304, "", "", ""), had: known, now: known, want: errUnchanged},
		"not modified, by its date alone":        {answer: say(304, "", "", ""), had: state{LastModified: "x"}, now: state{LastModified: "x"}, want: errUnchanged},
		"not modified, which nobody asked about": {answer: say(304, "", "", ""), text: "304"},
		"not there":                              {answer: say(404, "", "", "x"), want: errMissing},
		"no content":                             {answer: say(204, "", "", ""), text: "204"},
		"a part that nobody asked for":           {answer: say(206, "Content-Range", "bytes 0-0/2", "x"), text: "206"},
		"forbidden":                              {answer: say(403, "", "", "x"), text: "403"},
		"a broken server":                        {answer: say(500, "", "", "x"), text: "500"},
		"an answer that breaks off": {answer: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "9")
			_, _ = io.WriteString(w, "x")
		}, want: io.ErrUnexpectedEOF, text: "/x?q: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := new(memory)
			now, err := served(t, c.answer).get(t.Context(), "/x", "q", c.had, 10, got)
			failed := c.want != nil || c.text != ""
			if (err != nil) != failed || c.want != nil && !errors.Is(err, c.want) || failed && !strings.Contains(err.Error(), c.text) {
				t.Errorf("error %v, want %v and %q", err, c.want, c.text)
			}
			if now != c.now {
				t.Errorf("state %+v, want %+v", now, c.now)
			}
			if !failed && !strings.HasPrefix("0123456789x", got.String()) && got.String() != "x" || !failed && got.Len() == 0 {
				t.Errorf("%q came", got)
			}
		})
	}
}

// TestAskedOnCondition: a request says what was known, and only that.
func TestAskedOnCondition(t *testing.T) {
	for _, had := range []state{{}, {ETag: `"a"`}, {LastModified: "then"}, {ETag: `"a"`, LastModified: "then"}} {
		c := served(t, func(_ http.ResponseWriter, r *http.Request) {
			none, has := r.Header["If-None-Match"]
			since, dated := r.Header["If-Modified-Since"]
			if has != (had.ETag != "") || has && none[0] != had.ETag || dated != (had.LastModified != "") || dated && since[0] != had.LastModified {
				t.Errorf("%+v: asked with %v", had, r.Header)
			}
		})
		if _, err := c.get(t.Context(), "/", "", had, 1, new(memory)); err != nil {
			t.Error(err)
		}
	}
}

// TestRedirects: as many as are followed, and one more.
func TestRedirects(t *testing.T) {
	hops := func(n int) error {
		c := served(t, func(w http.ResponseWriter, r *http.Request) {
			if left := strings.TrimPrefix(r.URL.Path, "/"); left != "" {
				http.Redirect(w, r, "/"+left[1:], http.StatusFound)
			}
		})
		_, err := c.get(t.Context(), "/"+strings.Repeat("x", n), "", state{}, 1, new(memory))
		return err
	}
	if err := hops(maxRedirects); err != nil {
		t.Error(err)
	}
	if err := hops(maxRedirects + 1); !errors.Is(err, errRefused) {
		t.Errorf("one more redirect: %v", err)
	}
}

// TestRedirectKeepsItsScheme: what began encrypted is not sent on in the clear, nor to
// a host that nobody named.
func TestRedirectKeepsItsScheme(t *testing.T) {
	for _, r := range []struct {
		from, to string
		refused  bool
	}{
		{"https://a", "http://a/x", true},
		{"https://a", "https://a/x", false},
		{"http://a", "https://a/x", false},
		{"http://a", "http://a/x", false},
		{"https://a", "https://b/x", true},
		{"https://a", "https://named/x", false},
		{"https://a", "http://named/x", true},
	} {
		c, err := newClient(r.from, Options{Rate: 1, Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		to, err := url.Parse(r.to)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.checkRedirect(to, 1, []string{"named"}); errors.Is(err, errRefused) != r.refused || (err != nil) != r.refused {
			t.Errorf("%s to %s: %v", r.from, r.to, err)
		}
	}
}

// newCache is an empty folder of an import, open until the test ends.
func newCache(t *testing.T) *cache {
	t.Helper()
	c, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

func newDownload(t *testing.T, c *cache) *download {
	t.Helper()
	d, err := c.download()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestFetchedTwice: a file that came in part and then again is kept as it came at last.
func TestFetchedTwice(t *testing.T) {
	c := newCache(t)
	d := newDownload(t, c)
	for _, text := range []string{"longer than it is to be", "whole"} {
		if err := d.reset(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(d, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.keep("a.zip", "/a", "of", d, state{ETag: "x"}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(c.file("a.zip"))
	if r, there := c.have("a.zip", "/a"); !there || r.Size != 5 || r.Of != "of" || r.ETag != "x" || string(content) != "whole" || err != nil {
		t.Errorf("%+v, %t, %q, %v", r, there, content, err)
	}
	if _, there := c.have("a.zip", "/b"); there {
		t.Error("it is taken for what lies elsewhere on the server")
	}
}

// TestFoldersThatAreNot: a folder that cannot be one of imports is left as it is.
func TestFoldersThatAreNot(t *testing.T) {
	for name, file := range map[string]string{"of something else": "other.txt", "whose records are a folder": recordsFile + "/x", "whose files are a file": "branch"} {
		dir := t.TempDir()
		at := filepath.Join(dir, filepath.FromSlash(file))
		err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o777), os.WriteFile(at, nil, 0o666))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := openCache(t.Context(), dir); err == nil {
			t.Errorf("a folder %s is opened", name)
		}
		if _, err := os.Stat(at); err != nil {
			t.Error(err)
		}
	}
}

// TestErrorsKeepTheirKind: what is hidden in an error's text does not change what it is.
func TestErrorsKeepTheirKind(t *testing.T) {
	err := hideUser(&url.Error{Op: "Get", URL: "https://a:b@c", Err: fmt.Errorf("https://user:password@host/: %w", errRefused)})
	if !errors.Is(err, errRefused) || strings.Contains(err.Error(), "password") {
		t.Errorf("%v", err)
	}
}

// TestCancelled: no origin takes Ctrl-C for a fault of the server.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := served(t, func(http.ResponseWriter, *http.Request) { cancel(); <-t.Context().Done() })
	if _, err := c.get(ctx, "/x", "", state{}, 1, new(memory)); err != context.Canceled {
		t.Errorf("server: %v", err)
	}
	b := newBucketOrigin(oneObject{io.NopCloser(strings.NewReader("x")), 1}, "gs://bucket", Options{Rate: 1000})
	if _, err := b.get(ctx, "/x", "", state{}, 1, new(memory)); err != context.Canceled {
		t.Errorf("bucket: %v", err)
	}
	o := offer{Name: "a", Version: "1.0.0", Download: "/a.zip", Of: "same"}
	cache := newCache(t)
	d := newDownload(t, cache)
	if err := cache.keep("a-1.0.0.zip", o.Download, o.Of, d, state{}); err != nil {
		t.Fatal(err)
	}
	f := &fetcher{Options: Options{Parallel: 1, Progress: func(string, int, int, int64) {}}, cache: cache}
	if err := f.all(ctx, []offer{o}); err != context.Canceled || f.stats.Unchanged != 0 { // though nothing has to be asked for
		t.Errorf("what is there already: %v, %+v", err, f.stats)
	}
}

// TestOfferBounds: what an offer may be, at the bounds.
func TestOfferBounds(t *testing.T) {
	version := func(id int) string { return "1.0.0-" + strings.Repeat("a", id-len("n-1.0.0-")) }
	longest := index.MaxElement - len(".zip.sig")
	for _, c := range []struct {
		offer offer
		want  string
	}{
		{offer{Name: "n", Version: version(longest), Download: "/a"}, ""},
		{offer{Name: "n", Version: version(longest + 1), Download: "/a"}, fmt.Sprintf("have %d characters", longest+1)},
		{offer{Name: "n", Version: "1.0.0", Download: "/" + strings.Repeat("a", 999)}, ""},
		{offer{Name: "n", Version: "1.0.0", Download: "/" + strings.Repeat("a", 1000)}, "is not a path on the registry"},
		{offer{Name: "n", Version: "1.0.0", Download: "/a", SignaturePath: "/a.sig"}, ""},
		{offer{Name: "n", Version: "1.0.0", Download: "/a", SignaturePath: "a.sig"}, "is not a path on the registry"},
		{offer{Name: "n", Version: "1.0.0"}, "has no path to download it from"},
		{offer{Name: "n", Version: "1.0", Download: "/a"}, `has the version "1.0"`},
		{offer{Name: "../n", Version: "1.0.0", Download: "/a"}, `a package called "../n"`},
		{offer{Name: "n", Version: "1.0.0", Download: "//host/a"}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "https:/a"}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "//u@/a"}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "/a?b"}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "/a#b"}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "/a/.."}, "is not a path"},
		{offer{Name: "n", Version: "1.0.0", Download: "/a/..b"}, ""},
		{offer{Name: "n", Version: "1.0.0", Download: "/%zz"}, "is not a path"},
	} {
		err := c.offer.check()
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, errRefused) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%.80v: %v, want %q", c.offer, err, c.want)
		}
	}
}

// TestListAsks: a slice is asked for query by query and name by name, and reports
// progress after each.
func TestListAsks(t *testing.T) {
	var asked []string
	versions := `[{"name":"n","version":"1.0.0","download":"/a","of":"x"},{"name":"n","version":"1.10.0","download":"/b"},{"name":"n","version":"1.9.0","download":"/c"}]`
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.String())
		switch r.URL.Path {
		case "/search":
			_, _ = io.WriteString(w, versions)
		case "/package/m/1.0.0/":
			_, _ = io.WriteString(w, `{"name":"m","version":"1.0.0","download":"/m","of":"x"}`)
		case "/package/other/1.0.0/":
			_, _ = io.WriteString(w, `{"name":"m","version":"1.0.0","download":"/m"}`)
		case "/package/broken/1.0.0/":
			_, _ = io.WriteString(w, `[]`)
		case "/package/escaped/1.0.0/":
			_, _ = io.WriteString(w, `{"name":"escaped","version":"1.0.0","download":"x"}`)
		default:
			http.NotFound(w, r)
		}
	})
	for _, one := range []struct {
		slice    layout.Slice
		asked    []string
		offers   []string // by id and path
		progress []string
		fault    string
	}{
		{layout.Slice{}, []string{"/search?all=true&prerelease=true"}, []string{"n-1.0.0/a", "n-1.10.0/b", "n-1.9.0/c"}, []string{"1/1"}, ""},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=n", Versions: 1}}}, []string{"/search?package=n"}, []string{"n-1.0.0/a", "n-1.10.0/b", "n-1.9.0/c"}, []string{"1/1"}, ""},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=n", Versions: 2}}}, []string{"/search?all=true&package=n"}, []string{"n-1.10.0/b", "n-1.9.0/c"}, []string{"1/1"}, ""},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=n", Versions: 4}}}, []string{"/search?all=true&package=n"}, []string{"n-1.0.0/a", "n-1.10.0/b", "n-1.9.0/c"}, []string{"1/1"}, ""},
		{layout.Slice{Queries: []layout.SliceQuery{{Query: "package=n"}}, Packages: []string{"m-1.0.0"}}, []string{"/search?package=n", "/package/m/1.0.0/"},
			[]string{"m-1.0.0/m", "n-1.0.0/a", "n-1.10.0/b", "n-1.9.0/c"}, []string{"1/2", "2/2"}, ""},
		{layout.Slice{Packages: []string{"n"}}, []string{"/search?all=true&package=n&prerelease=true"}, []string{"n-1.0.0/a", "n-1.10.0/b", "n-1.9.0/c"}, []string{"1/1"}, ""},
		{layout.Slice{Packages: []string{"m-2.0.0"}}, []string{"/package/m/2.0.0/", "/search?all=true&prerelease=true"}, nil, []string{"1/1"}, "the registry has no m-2.0.0"},
		{layout.Slice{Packages: []string{"other-1.0.0"}}, []string{"/package/other/1.0.0/"}, nil, nil, `it is "m", version "1.0.0"`},
		{layout.Slice{Packages: []string{"broken-1.0.0"}}, []string{"/package/broken/1.0.0/"}, nil, nil, "it is not a package"},
		{layout.Slice{Packages: []string{"escaped-1.0.0"}}, []string{"/package/escaped/1.0.0/"}, nil, nil, "is not a path on the registry"},
	} {
		asked = nil
		var progress, offers []string
		got, err := c.list(t.Context(), one.slice, func(done, total int) { progress = append(progress, fmt.Sprintf("%d/%d", done, total)) })
		for _, o := range got {
			offers = append(offers, o.id()+o.Download)
			if o.Of != "" {
				t.Errorf("%+v: a server said what only an index says: %+v", one.slice, o)
			}
		}
		if (err == nil) != (one.fault == "") || err != nil && !strings.Contains(err.Error(), one.fault) {
			t.Errorf("%+v: %v, want %q", one.slice, err, one.fault)
		}
		if !slices.Equal(asked, one.asked) || !slices.Equal(offers, one.offers) || !slices.Equal(progress, one.progress) {
			t.Errorf("%+v: asked %q, got %q, told %q", one.slice, asked, offers, progress)
		}
	}
}

// TestIndexThatFailsAtLast: as often as an index may be gone, a fault of another kind is
// still told as what it is.
func TestIndexThatFailsAtLast(t *testing.T) {
	files, cursor := map[string]string{}, 0
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == cursorPath {
			cursor++
			_, _ = fmt.Fprintf(w, `{"current":"%d"}`, cursor)
			return
		}
		if text, ok := files[r.URL.Path]; ok {
			_, _ = io.WriteString(w, text)
			return
		}
		http.NotFound(w, r)
	})
	read := func() error {
		cache := newCache(t)
		f := &fetcher{Options: Options{IndexSize: 100, Progress: func(string, int, int, int64) {}}, index: c, files: c, cache: cache}
		cursor = 0
		_, err := f.readIndex(t.Context())
		return err
	}
	if err := read(); !errors.Is(err, errMoved) || cursor != maxMoves {
		t.Errorf("an index that is never there: %v after %d", err, cursor)
	}
	files = map[string]string{indexPath(fmt.Sprint(maxMoves)): "{"}
	if err := read(); err == nil || errors.Is(err, errMoved) || !strings.Contains(err.Error(), indexPath(fmt.Sprint(maxMoves))) {
		t.Errorf("one that is damaged when it is there at last: %v", err)
	}
	files = map[string]string{indexPath(fmt.Sprint(maxMoves)): `{"packages":[{"package_manifest":{"name":"n","version":"1.0.0","format_version":"1.0.0"}}]}`}
	if err := read(); err != nil {
		t.Errorf("one that is there at last: %v", err)
	}
}

// TestSlow: only what came too slowly is said to be too slow.
func TestSlow(t *testing.T) {
	broken := errors.New("the disk is full")
	_, err := receive(func() {}, time.Hour, strings.NewReader("x"), 10, brokenTarget{broken})
	if !errors.Is(err, broken) || strings.Contains(err.Error(), "sends less") {
		t.Errorf("%v", err)
	}
}

type brokenTarget struct{ error }

func (b brokenTarget) Write([]byte) (int, error) { return 0, b.error }
func (brokenTarget) reset() error                { return nil }
