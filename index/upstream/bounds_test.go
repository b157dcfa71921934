package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// TestLasting: what would fail the same way again is not tried again.
func TestLasting(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{errRefused, true}, {fmt.Errorf("x: %w", errRefused), true},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, true}, {fmt.Errorf("x: %w", &tls.CertificateVerificationError{Err: errors.New("x")}), true},
		{&net.DNSError{IsNotFound: true}, true}, {&net.DNSError{IsTimeout: true}, false},
		{io.ErrUnexpectedEOF, false}, {&net.OpError{Op: "dial", Err: errors.New("refused")}, false},
	} {
		if got := lasting(c.err); got != c.want {
			t.Errorf("%v: %t", c.err, got)
		}
	}
	// A server whose certificate nobody vouches for is asked once.
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it says that the handshake failed
	s.StartTLS()
	defer s.Close()
	c, err := newClient(s.URL, Options{Rate: 1000, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	c.again.Sleep = func(context.Context, time.Duration) error { t.Error("it is asked again"); return nil }
	var certificate *tls.CertificateVerificationError
	if _, err := c.get(t.Context(), "/x", "", state{}, 1, new(memory)); !errors.As(err, &certificate) {
		t.Error(err)
	}
}

// TestUnsigned: so many archives are named in one error, in order; the rest is counted.
func TestUnsigned(t *testing.T) {
	for n, lines := range map[int]int{0: 0, 1: 2, maxNamed: maxNamed + 1, maxNamed + 1: maxNamed + 2, maxNamed + 5: maxNamed + 2} {
		f := &fetcher{}
		f.stats.Packages = 100
		for i := range n {
			f.bad = append(f.bad, fmt.Errorf("p-%02d: x", n-i-1))
		}
		err := f.unsigned()
		if n == 0 {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		got := strings.Split(err.Error(), "\n")
		want := []string{fmt.Sprintf("%v: %d of 100", ErrUnsigned, n)}
		for i := range min(n, maxNamed) {
			want = append(want, fmt.Sprintf("p-%02d: x", i))
		}
		if n > maxNamed {
			want = append(want, fmt.Sprintf("… and %d more", n-maxNamed))
		}
		if !errors.Is(err, ErrUnsigned) || len(got) != lines || !slices.Equal(got, want) {
			t.Errorf("%d:\n%q\nwant\n%q", n, got, want)
		}
	}
}

// noKey trusts nobody.
type noKey struct{}

func (noKey) Verify(io.ReadSeeker, []byte) (string, error) { return "", errors.New("by nobody") }

// TestTakenAgain: what the first reading found and counted of signatures is not told again
// with the second; what was fetched is.
func TestTakenAgain(t *testing.T) {
	c := served(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	cache := newCache(t)
	var progress []string
	f := &fetcher{Options: Options{Parallel: 1, Size: 1 << 20, Exclude: []string{"left"}, Verify: noKey{}, Progress: func(phase string, done, total int, bytes int64) {
		progress = append(progress, fmt.Sprintf("%s %d/%d %d", phase, done, total, bytes))
	}}, registry: c, files: c, cache: cache}
	f.Limits.ArchiveSize = 100
	offers := []offer{{Name: "a", Version: "1.0.0", Download: "/a"}, {Name: "b", Version: "1.0.0", Download: "/b", SignaturePath: "/b.sig"}, {Name: "left", Version: "1.0.0", Download: "/left"}}
	want := []string{fmt.Sprintf("%v: 2 of 2", ErrUnsigned), "a-1.0.0: it has no signature", "b-1.0.0: by nobody"}
	for i, stats := range []Stats{
		{Packages: 2, Excluded: []string{"left-1.0.0"}, Fetched: 3, Signed: 1, Bytes: 10, Cursor: "7", Current: true},
		{Packages: 2, Excluded: []string{"left-1.0.0"}, Fetched: 6, Signed: 1, Bytes: 20, Cursor: "7", Current: true},
	} {
		f.stats.Cursor, f.stats.Current = "7", true
		_, err := f.take(t.Context(), offers)
		if got := strings.Split(fmt.Sprint(err), "\n"); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		if !reflect.DeepEqual(f.stats, stats) {
			t.Errorf("%d: %+v, want %+v", i, f.stats, stats)
		}
	}
	if want := []string{"fetch 1/2 2", "fetch 2/2 10", "fetch 1/2 12", "fetch 2/2 20"}; !slices.Equal(progress, want) {
		t.Errorf("progress %q, want %q", progress, want)
	}
	if _, err := f.take(t.Context(), offers[2:]); !errors.Is(err, errNothing) || !strings.Contains(err.Error(), "but for those that are excluded") {
		t.Errorf("nothing is left: %v", err)
	}
	nothingOnItsWay(t, cache.dir)
}

// slowly sends chunks of a length, one each interval, until its context ends.
type slowly struct {
	ctx             context.Context
	interval        time.Duration
	length, at, end int
}

func (s *slowly) Read(p []byte) (int, error) {
	if s.at == s.end {
		return 0, io.EOF
	}
	if s.at%s.length == 0 {
		select {
		case <-time.After(s.interval):
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
	n := min(len(p), s.length-s.at%s.length)
	s.at += n
	return n, nil
}

// TestSilence: as long as enough comes in the time of a silence, a body may take for ever.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			interval time.Duration
			length   int
			slow     bool
		}{
			{silence - time.Second, leastBytes, false}, {silence + time.Second, leastBytes, true},
			{silence - time.Second, leastBytes - 1, true}, {silence/2 - time.Second, leastBytes / 2, false}, {silence / 2, leastBytes/2 - 1, true},
		} {
			ctx, cancel := context.WithCancel(t.Context())
			body := &slowly{ctx, c.interval, c.length, 0, 10 * c.length}
			n, err := receive(cancel, silence, body, 1<<30, new(memory))
			if c.slow != (err != nil) || c.slow && !strings.Contains(err.Error(), "it sends less than 65536 bytes in 1m0s") || !c.slow && n != int64(10*c.length) {
				t.Errorf("%d bytes each %s: %d, %v", c.length, c.interval, n, err)
			}
			cancel()
		}
	})
}

// TestZeroOptions: what is not said has a default by which an import works.
func TestZeroOptions(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path == "/search" {
			_, _ = io.WriteString(w, `[{"name":"n","version":"1.0.0","download":"/n.zip"},{"name":"n","version":"1.1.0","download":"/m.zip"}]`)
			return
		}
		_, _ = io.WriteString(w, "not an archive")
	}))
	defer s.Close()
	for _, negative := range []bool{false, true} {
		o := Options{URL: s.URL, Dir: t.TempDir()}
		if negative {
			o.Rate, o.Parallel, o.Size, o.IndexSize = -1, -1, -1, -1
		}
		src, stats, err := Fetch(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if stats.Fetched != 2 || stats.Bytes != 28 {
			t.Errorf("%+v", stats)
		}
		if err := src.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := asked.Load(); n != 6 {
		t.Errorf("%d requests", n)
	}
	for rate, burst := range map[float64]int{0.5: 1, 1: 1, 1.9: 1, 2: 2, 100: 100} {
		if l := (Options{Rate: rate}).limiter(); l.Burst() != burst || float64(l.Limit()) != rate {
			t.Errorf("%v: %v, %d at once", rate, l.Limit(), l.Burst())
		}
	}
}

// TestFaultsArePassedOn: what is wrong with what was asked for, with what came and with the
// folder is the error, each by itself.
func TestFaultsArePassedOn(t *testing.T) {
	answers := map[string]string{"/package/n/1.0.0/": "!500", cursorPath: "\x1f\x8bxxxxxxxxxxxxxxxx"}
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if answers[r.URL.Path] == "!500" {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, answers[r.URL.Path])
	})
	cache := newCache(t)
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	none := func(int, int) {}
	parse := func(ctx context.Context, entries string) error {
		_, err := (&fetcher{files: c}).parseIndex(ctx, strings.NewReader(`{"packages":[`+entries+`]}`))
		return err
	}
	const entry = `{"package_manifest":{"name":"n","version":"1.0.0","format_version":"1.0.0"}}`
	f := &fetcher{Options: Options{Verify: noKey{}}, index: c, files: c, cache: cache}
	signed := offer{Name: "n", Version: "1.0.0", SignaturePath: "/n.sig"}
	noTurn := *c
	noTurn.limit = rate.NewLimiter(1, 0)
	noTurnOfABucket := newBucketOrigin(oneObject{io.NopCloser(strings.NewReader("")), 0}, "gs://bucket", Options{})
	noTurnOfABucket.limit = rate.NewLimiter(1, 0)
	for name, one := range map[string]struct {
		do   func() error
		kind error
		text string
	}{
		"a slice of the registry":     {func() error { _, err := c.list(ctx, layout.Slice{Packages: []string{"Not a name"}}, none); return err }, nil, "Not a name"},
		"a slice of the index":        {func() error { _, err := pick(nil, layout.Slice{Packages: []string{"Not a name"}}); return err }, nil, "Not a name"},
		"a query":                     {func() error { _, err := c.search(ctx, layout.SliceQuery{Query: "%zz"}); return err }, nil, "%zz"},
		"a package that is not given": {func() error { _, err := c.list(ctx, layout.Slice{Packages: []string{"n-1.0.0"}}, none); return err }, nil, "/package/n/1.0.0/: gave up after 1 attempts: 500"},
		"a bucket without a name":     {func() error { return (&fetcher{Options: Options{Storage: "gs://\x7f", Bucket: oneObject{}}}).connect() }, ErrURL, "want gs://BUCKET"},
		"an endpoint without a name": {func() error {
			return (&fetcher{Options: Options{Storage: "gs://b", Bucket: oneObject{}, URL: "x"}}).connect()
		}, ErrURL, "want https://HOST"},
		"a cursor that is damaged":          {func() error { _, err := f.cursor(ctx); return err }, errRefused, c.where() + cursorPath},
		"an index, with an ended run":       {func() error { return parse(ended, entry) }, context.Canceled, ""},
		"an index with two of a kind":       {func() error { return parse(ctx, entry+","+entry) }, nil, "twice"},
		"a signature of another kind":       {func() error { return parse(ctx, strings.Replace(entry, `"name"`, `"signature_path":1,"name"`, 1)) }, errRefused, `"n-1.0.0"`},
		"a turn that never comes":           {func() error { _, err := noTurn.get(ctx, "/x", "", state{}, 1, new(memory)); return err }, nil, "burst"},
		"a turn of a bucket":                {func() error { _, err := noTurnOfABucket.get(ctx, "/x", "", state{}, 1, new(memory)); return err }, nil, "burst"},
		"a file that cannot begin again":    {func() error { _, err := c.get(ctx, "/x", "", state{}, 1, noBeginning{}); return err }, fs.ErrClosed, "/x"},
		"a branch that nobody asked for":    {func() error { _, err := newSource(cache, nil, "").Branch(ctx, "other"); return err }, index.ErrNoBranch, "other"},
		"what the registry calls otherwise": {func() error { _, err := c.named(ctx, "m-1.0.0"); return err }, errRefused, "/package/m/1.0.0/"},
	} {
		err := one.do()
		if err == nil || one.kind != nil && !errors.Is(err, one.kind) || !strings.Contains(err.Error(), one.text) {
			t.Errorf("%s: %v, want %v and %q", name, err, one.kind, one.text)
		}
	}
	const archive, signature = "n-1.0.0.zip", "n-1.0.0.zip.sig"
	if err := f.verify(signed, archive, signature); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), signature) {
		t.Errorf("a signature that is not there: %v", err)
	}
	if err := os.WriteFile(cache.file(signature), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.verify(signed, archive, signature); !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), signature) {
		t.Errorf("an archive that is not there: %v", err)
	}
	if sound, err := f.sound(signed, "n.zip.sig", nil); !sound || err != nil {
		t.Errorf("a signature is no archive: %t, %v", sound, err)
	}
	// What is gone, and then no cursor to say why.
	answers = map[string]string{cursorPath: `{"current":"1"}`, indexPath("1"): `{"packages":[` + entry + `]}`}
	cursors := 0
	c = served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == cursorPath {
			if cursors++; cursors > 1 {
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		if body, ok := answers[r.URL.Path]; ok {
			_, _ = io.WriteString(w, body)
			return
		}
		http.NotFound(w, r)
	})
	f = &fetcher{Options: Options{Parallel: 1, Size: 1, IndexSize: 1000, Progress: func(string, int, int, int64) {}}, index: c, files: c, cache: cache}
	offers, err := f.follow(ctx)
	if !errors.Is(err, errGone) || !strings.Contains(err.Error(), "403") || offers != nil {
		t.Errorf("%v, %v", offers, err)
	}
}

// noBeginning cannot be written from its beginning.
type noBeginning struct{ io.Writer }

func (noBeginning) reset() error { return fs.ErrClosed }

// TestComesAgain: what came of an answer before it was cut short is forgotten, in memory as in
// a file.
func TestComesAgain(t *testing.T) {
	asked := 0
	c := served(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked++; asked%2 == 1 {
			w.Header().Set("Content-Length", "20")
			_, _ = io.WriteString(w, "half")
			return
		}
		_, _ = io.WriteString(w, "whole")
	})
	c.again.Attempts, c.again.Sleep = 2, func(context.Context, time.Duration) error { return nil }
	m := new(memory)
	if _, err := c.get(t.Context(), "/x", "", state{}, 20, m); err != nil || m.String() != "whole" {
		t.Errorf("%q, %v", m, err)
	}
	cache := newCache(t)
	d := newDownload(t, cache)
	if _, err := c.get(t.Context(), "/x", "", state{}, 20, d); err != nil || d.size != 5 {
		t.Errorf("%d bytes, %v", d.size, err)
	}
	if content, err := os.ReadFile(d.file.Name()); err != nil || string(content) != "whole" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestPrefix: a registry may be below a path, with a slash at its end or without.
func TestPrefix(t *testing.T) {
	asked := ""
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.String() }))
	defer s.Close()
	for prefix, want := range map[string]string{"": "/x?q", "/": "/x?q", "/a/b": "/a/b/x?q", "/a/b/": "/a/b/x?q", "/a%20b": "/a%20b/x?q"} {
		c, err := newClient(s.URL+prefix, Options{Rate: 1000, Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.get(t.Context(), "/x", "q", state{}, 1, new(memory)); err != nil || asked != want {
			t.Errorf("%s: %s, %v, want %s", prefix, asked, err, want)
		}
		if where := c.where(); where != s.URL+strings.TrimSuffix(prefix, "/") {
			t.Errorf("%s is shown as %s", prefix, where)
		}
	}
}
