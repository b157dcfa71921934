package serve

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout/answer"
)

func TestAcceptsGzip(t *testing.T) {
	for header, want := range map[string]bool{
		"":                            false,
		"gzip":                        true,
		"GZip":                        true,
		"x-gzip":                      true,
		"deflate, gzip;q=1.0, *;q=.5": true,
		"br":                          false,
		"*":                           true,
		"*;q=0":                       false,
		"gzip;q=0":                    false,
		"gzip; q=0.0, *":              false,
		"gzip;q=0.001":                true,
		"gzip;q=x":                    false,
		"gzip;q=-1":                   false,
		"gzip;q=NaN":                  false,
		"gzip;q=inf":                  false,
		"gzip;q=0x1p-2":               false,
		"gzip;q=1_0":                  false,
		"gzip;q=1e999":                false,
		"gzip;q=1e-999":               false,
		"gzip;q=1e-3":                 true,
		"gzip;q=+.5":                  true,
		"gzip;q=":                     false,
		"gzip;q":                      true,
		"gzip;qx":                     true,
		"gzip;q=0;q=1":                false,
		"gzip;q=x, x-gzip":            true,
		"identity":                    false,
		"identity;q=1, gzip;q=0.5":    false,
		"identity;q=0.5, gzip":        true,
		"identity, gzip":              true,
		"gzip;q=2, identity;q=3":      true, // neither is more than 1
		"gzipped":                     false,
		"gzip;level=9;q=0":            false,
		",, gzip ,":                   true,
	} {
		if got := acceptsGzip(http.Header{"Accept-Encoding": {header}}); got != want {
			t.Errorf("%q: %t", header, got)
		}
	}
	if acceptsGzip(http.Header{}) {
		t.Error("without the header")
	}
	if !acceptsGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) {
		t.Error("in the second line")
	}
}

// TestRangesAsNetHTTP holds ranges and preconditions to those of
// http.ServeContent, which the reference registry answers with.
func TestRangesAsNetHTTP(t *testing.T) {
	h := &Handler{o: Options{CacheObject: 1}}
	for _, content := range []string{"", "x", "0123456789abcdefghij"} {
		rep := representation{size: int64(len(content)), tag: `"tag"`, open: func(_ context.Context, offset, length int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(content[offset : offset+length])), nil
		}}
		for _, c := range []http.Header{
			{},
			{"Range": {"bytes=0-0"}}, {"Range": {"bytes=0-4"}}, {"Range": {"bytes=3-"}}, {"Range": {"bytes=-4"}}, {"Range": {"bytes=-400"}},
			{"Range": {"bytes=19-19"}}, {"Range": {"bytes=20-"}}, {"Range": {"bytes=20-30"}}, {"Range": {"bytes=5-500"}},
			{"Range": {"bytes=0-1,4-5"}}, {"Range": {"bytes=0-1, 4-5 ,-2"}}, {"Range": {"bytes=0-1,30-40"}}, {"Range": {"bytes=30-40,50-60"}},
			{"Range": {"bytes=0-15,0-15"}}, {"Range": {"bytes=,"}}, {"Range": {"bytes="}}, {"Range": {"bytes=,0-1,"}},
			{"Range": {"bytes=5-3"}}, {"Range": {"bytes=x-3"}}, {"Range": {"bytes=1-3x"}}, {"Range": {"bytes=0-x"}}, {"Range": {"bytes=0-99999999999999999999"}}, {"Range": {"bytes=-"}},
			{"Range": {"bytes=--1"}}, {"Range": {"bytes=1"}}, {"Range": {"items=0-1"}}, {"Range": {"bytes 0-1"}}, {"Range": {"bytes=99999999999999999999-"}},
			{"Range": {"bytes=0-1"}, "If-Range": {`"tag"`}}, {"Range": {"bytes=0-1"}, "If-Range": {`"other"`}}, {"Range": {"bytes=0-1"}, "If-Range": {`W/"tag"`}},
			{"If-None-Match": {`"tag"`}}, {"If-None-Match": {`W/"tag"`}}, {"If-None-Match": {`"a", "tag"`}}, {"If-None-Match": {`"a"`}}, {"If-None-Match": {"*"}},
			{"If-None-Match": {`tag`}}, {"If-None-Match": {`"tag`}}, {"If-None-Match": {`"ta"g"`}}, {"If-None-Match": {``}},
			{"If-None-Match": {`"tag"`}, "Range": {"bytes=0-1"}},
			{"If-Match": {`"tag"`}}, {"If-Match": {`W/"tag"`}}, {"If-Match": {`"a"`}}, {"If-Match": {"*"}},
		} {
			if content == "" && strings.Contains(c.Get("Range"), "-4") || content == "" && strings.Contains(c.Get("Range"), "-2") {
				continue // net/http sends "bytes 0--1/0"
			}
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header = c
			want := httptest.NewRecorder()
			want.Header().Set("Etag", rep.tag)
			want.Header().Set("Content-Type", "text/plain")
			http.ServeContent(want, r, "", time.Time{}, strings.NewReader(content))
			got := httptest.NewRecorder()
			x := newExchange(got, r, time.Second)
			x.snapshot, x.answer = &snapshot{}, answer.Answer{Status: http.StatusOK, ContentType: "text/plain"}
			h.deliver(x, rep)
			if got.Code != want.Code {
				t.Errorf("%q, %v: status %d, net/http has %d", content, c, got.Code, want.Code)
				continue
			}
			if g, w := got.Header().Get("Content-Range"), want.Header().Get("Content-Range"); g != w && got.Code != 416 {
				t.Errorf("%q, %v: Content-Range %q, net/http has %q", content, c, g, w)
			}
			if g, w := parts(t, got), parts(t, want); g != w && got.Code != 412 {
				t.Errorf("%q, %v: %q, net/http has %q", content, c, g, w)
			}
		}
	}
}

// parts is a body with the boundaries of a multipart message, which are random,
// taken out.
func parts(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	kind, params, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	if kind != "multipart/byteranges" {
		return w.Body.String()
	}
	if l := w.Header().Get("Content-Length"); l != strconv.Itoa(w.Body.Len()) {
		t.Errorf("multipart: Content-Length %s, body of %d bytes", l, w.Body.Len())
	}
	var out strings.Builder
	for m := multipart.NewReader(bytes.NewReader(w.Body.Bytes()), params["boundary"]); ; {
		p, err := m.NextPart()
		if err == io.EOF {
			return out.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		out.WriteString(p.Header.Get("Content-Range") + " " + p.Header.Get("Content-Type") + " " + string(body) + "\n")
	}
}

// TestManyRanges: each range is a request to the store, so their number is bounded.
func TestManyRanges(t *testing.T) {
	few := "bytes=0-0" + strings.Repeat(",1-1", maxRanges-1)
	if r, err := parseRange(few, 1000); err != nil || len(r) != maxRanges {
		t.Errorf("%d ranges, %v", len(r), err)
	}
	if r, err := parseRange(few+",2-2", 1000); err != nil || r != nil {
		t.Errorf("%d ranges, %v", len(r), err)
	}
}

func FuzzParseRange(f *testing.F) {
	f.Add("bytes=0-1,-5,7-", int64(10))
	f.Add("bytes=-9223372036854775807", int64(1))
	f.Fuzz(func(t *testing.T, header string, size int64) {
		size = max(size, 0)
		ranges, err := parseRange(header, size)
		if err != nil && ranges != nil || len(ranges) > maxRanges {
			t.Fatalf("%v, %v", ranges, err)
		}
		for _, r := range ranges {
			if r.start < 0 || r.length <= 0 || r.start > size-r.length {
				t.Fatalf("%q of %d bytes: %+v", header, size, r)
			}
		}
	})
}
