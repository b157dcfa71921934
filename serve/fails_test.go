package serve_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/serve"
)

// asked is what a handler says to one request, without a server in between.
type asked struct {
	*httptest.ResponseRecorder
	cut bool // it ended the connection instead of the answer
}

func ask(h http.Handler, path string, headers ...string) (a asked) {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Add(name, value)
	}
	a.ResponseRecorder = httptest.NewRecorder()
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			a.cut = true
		} else if p != nil {
			panic(p)
		}
	}()
	h.ServeHTTP(a, r)
	return a
}

// TestFails has each read of the bucket fail that a request makes, one after another.
// The answer is then an error that nobody may keep, or the one that it would have been;
// where the beginning was sent already, the connection ends. Nothing is left open or held,
// and once the bucket answers again the request is answered as ever.
func TestFails(t *testing.T) {
	bare := newBucket(t)
	published(t, bare, built(t, bare, edition(t, "one"), onlyCatalog))
	rendered := sharedBucket(t)
	const large, gzip = "/package/trial/0.1.0/docs/large.txt", "Accept-Encoding: gzip"
	for _, c := range []struct {
		of      serve.Bucket
		object  int64 // CacheObject
		path    string
		headers string
		// failing and absent are how the keys of objects end that may fail, or not be there,
		// because there is something else to answer from.
		failing, absent string
		// begun is how many reads come before the first byte is sent; 0 for all.
		begun int
	}{
		{of: rendered, path: "/search", absent: ".gz .json"},
		{of: rendered, path: "/search", headers: gzip, failing: ".gz", absent: ".gz .json"},
		{of: rendered, path: "/search?package=trial&prerelease=true", absent: ".json"},
		{of: bare, path: "/search?package=web", absent: ".json"},
		{of: bare, path: "/search?package=web", headers: gzip, failing: ".gz", absent: ".gz .json"},
		{of: rendered, path: "/categories", absent: ".json"},
		{of: bare, path: "/categories?kibana.version=8.5.0", headers: gzip, failing: ".gz", absent: ".gz .json"},
		{of: rendered, path: "/package/web/2.0.0/"},
		{of: rendered, path: "/package/web/2.0.0/", headers: gzip, failing: ".gz", absent: ".gz"},
		{of: rendered, path: "/package/web/2.0.0/docs/README.md"},
		{of: rendered, path: large, object: 1},
		{of: rendered, path: large, object: 1, headers: gzip},
		{of: rendered, path: large, headers: gzip},
		{of: rendered, path: large, object: 1, headers: "Range: bytes=5-9"},
		{of: rendered, path: large, object: 1, headers: "Range: bytes=5-9,20-29,400000-500000", begun: 3},
		{of: rendered, path: large, headers: "Range: bytes=5-9,20-29"},
		{of: rendered, path: "/package/trial/0.1.0/agent/stream/long.yml.hbs"},
		{of: rendered, path: "/package/trial/0.1.0/agent/stream/long.yml.hbs", headers: gzip},
		{of: rendered, path: "/epr/web/web-2.0.0.zip"},
		{of: rendered, path: "/epr/web/web-2.0.0.zip", object: 1},
		{of: rendered, path: "/epr/signed/signed-1.0.0.zip.sig"},
		{of: rendered, path: "/catalog/"},
		{of: rendered, path: "/catalog/", headers: gzip},
		{of: rendered, path: "/catalog/web/2.0.0/"},
		{of: rendered, path: "/catalog/none/", headers: "Accept: text/html"},
	} {
		if c.object == 0 {
			c.object = 1 << 20
		}
		t.Run(fmt.Sprint(c.path, c.headers, c.object), func(t *testing.T) {
			t.Parallel()
			headers := strings.Fields(c.headers)
			if len(headers) > 0 {
				headers = []string{c.headers}
			}
			run := func(at int, failure error) (calls []string) {
				var log lockedBuffer
				bucket := newFaulty(c.of)
				o := production(bucket)
				o.CacheObject, o.Log = c.object, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelError}))
				h := newHandler(t, o)
				bucket.set(func(op, key string) error {
					if op == "stream" {
						return nil
					}
					if calls = append(calls, op+" "+key); len(calls) != at {
						return nil
					}
					return failure
				})
				got := ask(h, c.path, headers...)
				bucket.set(nil)
				call := "nothing"
				if at > 0 {
					call = calls[at-1]
				}
				if left, held := bucket.left(), metric(t, &site{h: h}, "regsnap_held_bytes"); left != 0 || held != 0 {
					t.Errorf("%s: %d bodies are left open, %v bytes are held", call, left, held)
				}
				want, after := ask(newHandler(t, o), c.path, headers...), ask(h, c.path, headers...)
				if want.cut || after.cut || after.Code != want.Code || !bytes.Equal(after.plain(t), want.plain(t)) {
					t.Errorf("%s: once the bucket answers: %d of %d bytes, %d of %d would be right", call, after.Code, after.Body.Len(), want.Code, want.Body.Len())
				}
				ends := c.failing
				if errors.Is(failure, fs.ErrNotExist) {
					ends = c.absent
				}
				spared := slices.ContainsFunc(strings.Fields(ends), func(end string) bool { return strings.HasSuffix(call, end) })
				switch {
				case at == 0 || spared:
					if got.cut || got.Code != want.Code || !bytes.Equal(got.plain(t), want.plain(t)) || log.String() != "" {
						t.Errorf("%s: %d, cut off: %t, of %d bytes: %s", call, got.Code, got.cut, got.Body.Len(), log.String())
					}
				case got.cut != (c.begun > 0 && at > c.begun):
					t.Errorf("%s: cut off: %t", call, got.cut)
				case !strings.Contains(log.String(), failure.Error()) || strings.Count(log.String(), "\n") != 1:
					t.Errorf("%s: the log says %q", call, log.String())
				case !got.cut && (got.Code != http.StatusBadGateway || !slices.Equal(got.Header()["Cache-Control"], asError)):
					t.Errorf("%s: %d %v", call, got.Code, got.Header())
				}
				return calls
			}
			for _, failure := range []error{errors.New("connection refused"), fs.ErrNotExist} {
				for at := range len(run(0, failure)) {
					run(at+1, failure)
				}
			}
		})
	}
}

// plain is the body as a client reads it: without its encoding, and without the
// boundaries of its parts, which are random.
func (a asked) plain(t *testing.T) []byte {
	t.Helper()
	kind, params, _ := mime.ParseMediaType(a.Header().Get("Content-Type"))
	body := a.Body.Bytes()
	if kind == "multipart/byteranges" {
		return bytes.ReplaceAll(body, []byte(params["boundary"]), nil)
	}
	if a.Header().Get("Content-Encoding") == "gzip" {
		return gunzip(t, body)
	}
	return body
}
