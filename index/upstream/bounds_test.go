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
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
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
	cache, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cache.close()
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

// nothingOnItsWay: what is not kept is removed at once.
func nothingOnItsWay(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(filepath.Join(dir, incoming)); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestNothingIsLeftOnItsWay: whatever becomes of a file or of an index, no part of it stays,
// and progress is told of an index that is read and of none that is not.
func TestNothingIsLeftOnItsWay(t *testing.T) {
	const good = `{"packages":[{"package_manifest":{"name":"n","version":"1.0.0","format_version":"1.0.0"}}]}`
	answers := map[string]string{}
	var progress []string
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == indexPath("1") {
			progress = append(progress, "asked")
		}
		switch body, ok := answers[r.URL.Path]; {
		case !ok:
			http.NotFound(w, r)
		case body == "unchanged":
			w.WriteHeader(http.StatusNotModified)
		case body == "fails":
			w.WriteHeader(http.StatusForbidden)
		default:
			w.Header().Set("ETag", `"x"`)
			_, _ = io.WriteString(w, body)
		}
	})
	cache, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cache.close()
	f := &fetcher{Options: Options{Parallel: 1, Size: 1 << 20, IndexSize: 1000, Progress: func(phase string, done, total int, bytes int64) {
		progress = append(progress, fmt.Sprintf("%s %d/%d %d", phase, done, total, bytes))
	}}, index: c, files: c, cache: cache}
	f.Limits.ArchiveSize = 10
	answers[cursorPath] = `{"current":"1"}`
	for _, one := range []struct {
		index    string
		progress string
		want     string
	}{
		{"fails", "index 0/1 0 asked", "403"}, {"x", "index 0/1 0 asked", "not an index"}, {strings.Repeat(" ", 1001), "index 0/1 0 asked", "at most 1000"},
		{"", "index 0/1 0 asked", "not there"}, {good, "index 0/1 0 asked index 1/1 0", ""}, {"unchanged", "index 0/1 0 asked", ""}, {good, "index 0/1 0 asked index 1/1 0", ""},
	} {
		progress = nil
		if answers[indexPath("1")] = one.index; one.index == "" {
			delete(answers, indexPath("1"))
		}
		at, err := f.readIndex(t.Context())
		if (err == nil) != (one.want == "") || err != nil && !strings.Contains(err.Error(), one.want) {
			t.Errorf("%.20s: %v, want %q", one.index, err, one.want)
		}
		if err == nil && (len(at.Offers) != 1 || at.Cursor != "1" || f.stats.Current != (one.index == "unchanged") || f.stats.Cursor != "1") {
			t.Errorf("%.20s: %+v, %+v", one.index, at, f.stats)
		}
		if got := strings.Join(progress, " "); got != one.progress {
			t.Errorf("%.20s: progress %q, want %q", one.index, got, one.progress)
		}
		nothingOnItsWay(t, cache.dir)
	}
	o := offer{Name: "n", Version: "1.0.0", Download: "/n"}
	for _, one := range []struct{ body, want string }{
		{"fails", "403"}, {"12345678901", "at most 10"}, {"gone", "it is not there"}, {"123", ""}, {"unchanged", "304"}, {"", ""}, {"1234567890", ""},
	} {
		if answers["/n"] = one.body; one.body == "gone" {
			delete(answers, "/n")
		}
		err := f.file(t.Context(), o, "n-1.0.0.zip.sig", "/n", 10)
		if one.body == "unchanged" { // it is asked for on condition
			err = errors.Join(err, f.file(t.Context(), o, "other.sig", "/n", 10))
		}
		if (err == nil) != (one.want == "") || err != nil && !strings.Contains(err.Error(), one.want) {
			t.Errorf("%.20s: %v, want %q", one.body, err, one.want)
		}
		nothingOnItsWay(t, cache.dir)
	}
	f.Size = f.stats.Bytes
	answers["/n"] = "more"
	if err := f.file(t.Context(), o, "n-1.0.0.zip", "/n", 10); !errors.Is(err, errRefused) {
		t.Errorf("more than may come in all: %v", err)
	}
	nothingOnItsWay(t, cache.dir)
	if _, err := os.Stat(cache.file("n-1.0.0.zip")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is kept: %v", err)
	}
}

// TestRecords: of the lines about a file the last counts; what is not a record is passed
// over, and the next line stands by itself.
func TestRecords(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, recordsFile)
	line := func(file string, size int) string {
		return fmt.Sprintf(`{"file":%q,"path":"/x","size":%d}`+"\n", file, size)
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(at, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(line("a", 1) + "not a record\n" + `{"path":"/y"}` + "\n[]\n\n" + line("b", 2) + line("a", 3) + `{"file":"c","size":4`)
	c, err := openCache(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 2 || c.records["a"].Size != 3 || c.records["b"].Size != 2 || c.records["a"].Path != "/x" {
		t.Errorf("%+v", c.records)
	}
	if err := errors.Join(c.note(record{File: "d", Size: 5, state: state{ETag: "e"}}), c.close()); err != nil {
		t.Fatal(err)
	}
	if c, err = openCache(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 3 || c.records["d"].Size != 5 || c.records["d"].ETag != "e" {
		t.Errorf("after the line that was cut short: %+v", c.records)
	}
	if err := c.note(record{File: "e"}); err != nil {
		t.Error(err)
	}
	// Another import waits until this one ends.
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if other, err := openCache(ended, dir); other != nil || err == nil {
		t.Errorf("two imports at once: %v", err)
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if err := c.note(record{File: "f"}); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("what cannot be noted: %v", err)
	}
	for length, ok := range map[int]bool{maxRecordLine - 1: true, maxRecordLine: false} { // with the end of the line
		write(strings.Repeat("x", length) + "\n" + line("a", 1))
		c, err := openCache(t.Context(), dir)
		if (err == nil) != ok || ok && len(c.records) != 1 {
			t.Errorf("a line of %d bytes: %v", length, err)
		}
		if ok {
			if err := c.close(); err != nil {
				t.Error(err)
			}
		}
	}
	write("") // and it was given up: another may go on
	if c, err = openCache(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if err := os.WriteFile(c.file("a"), []byte("one"), 0o666); err != nil {
		t.Fatal(err)
	}
	const sum = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" // echo -n one | sha256sum
	for name, want := range map[record]bool{
		{File: "a", Path: "/x", Size: 3, SHA256: sum}: true, {File: "a", Path: "/y", Size: 3, SHA256: sum}: false, {File: "a", Path: "/x", Size: 2, SHA256: sum}: false,
		{File: "a", Path: "/x", Size: 3, SHA256: "8" + sum[1:]}: false, {File: "gone", Path: "/x", Size: 3, SHA256: sum}: false, {File: "a", Path: "/x", Size: 0, SHA256: sum}: false,
	} {
		if err := c.note(name); err != nil {
			t.Fatal(err)
		}
		if r, ok := c.have(name.File, "/x"); ok != want || ok && r != name || !ok && r != (record{}) {
			t.Errorf("%+v: %+v, %t", name, r, ok)
		}
	}
	if r, ok := c.have("unknown", ""); ok {
		t.Errorf("%+v", r)
	}
}

// TestKeptIndex: what was kept of an index is what it said, or it is as if there was none.
func TestKeptIndex(t *testing.T) {
	c, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if got := c.index(); got != nil {
		t.Errorf("before one was kept: %+v", got)
	}
	kept := &indexed{Index: "i", Files: "f", Cursor: "1", State: state{ETag: "e"}, Offers: []offer{{Name: "a", Version: "1.0.0", Download: "/a", SignaturePath: "/a.sig", Of: "o"}}}
	if err := c.keepIndex(kept); err != nil {
		t.Fatal(err)
	}
	if got := c.index(); !reflect.DeepEqual(got, kept) {
		t.Errorf("%+v, want %+v", got, kept)
	}
	nothingOnItsWay(t, c.dir)
	for _, text := range []string{"", "{", "[]", `{"offers":[{"name":"../a","version":"1.0.0","download":"/a"}]}`, `{"offers":[{"name":"a","version":"1.0.0"}]}`} {
		if err := os.WriteFile(filepath.Join(c.dir, indexFile), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		if got := c.index(); got != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for range 2 { // what is not there is removed as well
		if err := c.remove("a.sig"); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(c.file("a.sig"), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(c.dir, incoming)); err != nil {
		t.Fatal(err)
	}
	if err := c.keepIndex(kept); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
	f := &fetcher{cache: c}
	if err := f.file(t.Context(), offer{}, "a", "/a", 1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
	if err := f.loadIndex(t.Context(), kept, state{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a folder to write to: %v", err)
	}
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
	cache, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cache.close()
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

// TestOffersOfAnIndex: what an index says becomes the paths to fetch, and stands for what
// is fetched: the same document from the same place, and nothing else.
func TestOffersOfAnIndex(t *testing.T) {
	read := func(files, entries string) []offer {
		t.Helper()
		base, err := newClient(files, Options{Rate: 1, Parallel: 1})
		if err != nil {
			t.Fatal(err)
		}
		out, err := (&fetcher{files: base}).parseIndex(t.Context(), strings.NewReader(`{"packages":[`+entries+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	entry := func(name, more string) string {
		return `{"package_manifest":{"name":"` + name + `","version":"1.0.0","format_version":"1.0.0"` + more + `}}`
	}
	got := read("http://a", entry("z", "")+","+entry("a", `,"signature_path":"/anywhere.sig"`)+","+entry("m", `,"signature_path":""`))
	for i, want := range []offer{
		{Name: "a", Version: "1.0.0", Download: "/artifacts/packages/a-1.0.0.zip", SignaturePath: "/artifacts/packages/a-1.0.0.zip.sig"},
		{Name: "m", Version: "1.0.0", Download: "/artifacts/packages/m-1.0.0.zip"}, {Name: "z", Version: "1.0.0", Download: "/artifacts/packages/z-1.0.0.zip"},
	} {
		want.Of = got[i].Of
		if got[i] != want || len(want.Of) != 64 {
			t.Errorf("%+v, want %+v", got[i], want)
		}
	}
	same, otherPlace, otherDocument := read("http://a", entry("z", "")), read("http://b", entry("z", "")), read("http://a", entry("z", `,"title":"Z"`))
	if same[0].Of != got[2].Of || otherPlace[0].Of == got[2].Of || otherDocument[0].Of == got[2].Of {
		t.Errorf("%v, %v, %v beside %v", same, otherPlace, otherDocument, got[2])
	}
}

// TestComesAgain: what came of an answer before it broke off is forgotten, in memory as in
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
	cache, err := openCache(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer cache.close()
	d, err := cache.download()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.get(t.Context(), "/x", "", state{}, 20, d); err != nil || d.size != 5 {
		t.Errorf("%d bytes, %v", d.size, err)
	}
	if content, err := os.ReadFile(d.file.Name()); err != nil || string(content) != "whole" {
		t.Errorf("%q, %v", content, err)
	}
}

// TestUnchangedIsNoted: what a server says is unchanged stands for what the index says of it
// now, so that the next import need not ask.
func TestUnchangedIsNoted(t *testing.T) {
	asked := 0
	c := served(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.Header.Get("If-None-Match") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", `"e"`)
		_, _ = io.WriteString(w, "x")
	})
	dir := t.TempDir()
	for i, step := range []struct {
		of             string
		refresh        bool
		asked          int
		fetched, lines int
	}{
		{"a", false, 1, 1, 1}, {"a", false, 0, 0, 1}, {"b", false, 1, 0, 2}, {"b", false, 0, 0, 2}, {"b", true, 1, 0, 2}, {"", false, 1, 0, 3}, {"", false, 1, 0, 3}, {"b", false, 1, 0, 4},
	} {
		cache, err := openCache(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		asked = 0
		f := &fetcher{Options: Options{Size: 100, Refresh: step.refresh}, index: c, files: c, cache: cache}
		o := offer{Name: "n", Version: "1.0.0", Of: step.of}
		if err := f.file(t.Context(), o, "n.sig", "/n", 10); err != nil {
			t.Fatal(err)
		}
		records, err := os.ReadFile(filepath.Join(dir, recordsFile))
		if lines := strings.Count(string(records), "{"); err != nil || asked != step.asked || f.stats.Fetched != step.fetched || f.stats.Unchanged != 1-step.fetched || lines != step.lines {
			t.Errorf("%d: asked %d times, %+v, %d records, %v; want %+v", i, asked, f.stats, lines, err, step)
		}
		if r, there := cache.have("n.sig", "/n"); !there || r.Of != step.of || r.ETag != `"e"` {
			t.Errorf("%d: %+v, %t", i, r, there)
		}
		nothingOnItsWay(t, dir)
		if err := cache.close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRecordsThatCannotBeWritten: a folder in which nothing can be noted is an error when it
// is opened.
func TestRecordsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, recordsFile)
	if err := errors.Join(os.Mkdir(filepath.Join(dir, incoming), 0o777), os.WriteFile(at, nil, 0o666)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir  string
		flag int
		want error
	}{{dir, os.O_RDWR, nil}, {dir, os.O_RDONLY, syscall.EBADF}, {filepath.Join(dir, "gone"), os.O_RDWR, fs.ErrNotExist}} {
		log, err := os.OpenFile(at, c.flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&cache{dir: c.dir, log: log, records: map[string]record{}}).read(); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%v, want %v", err, c.want)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
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
