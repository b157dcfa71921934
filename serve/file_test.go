package serve_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

func gunzip(t *testing.T, body []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Multistream(false)
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEveryFile takes every file of every package as it is, encoded, and out of
// the archive: all three are the same content.
func TestEveryFile(t *testing.T) {
	bucket := sharedBucket(t)
	s := start(t, production(bucket))
	table := liveTable(t, bucket)
	encoded := 0
	for row := range table.Rows() {
		rev := table.Revision(row)
		base := rev.Name + "-" + rev.Version
		archive := s.get("/epr/"+rev.Name+"/"+base+".zip", "Accept-Encoding: gzip")
		if archive.Header.Get("Content-Encoding") != "" || archive.Header.Get("Vary") != "" || archive.ContentLength != int64(len(archive.body)) {
			t.Errorf("%s: an archive comes as it is: %v", base, archive.Header)
		}
		z, err := zip.NewReader(bytes.NewReader(archive.body), int64(len(archive.body)))
		if err != nil {
			t.Fatal(base, err)
		}
		for _, f := range z.File {
			name := strings.TrimPrefix(f.Name, base+"/")
			if strings.HasSuffix(f.Name, "/") {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			want, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(f.Name, err)
			}
			at := (&url.URL{Path: path.Join("/package", rev.Name, rev.Version, name)}).String()
			plain, packed := s.get(at), s.get(at, "Accept-Encoding: br, gzip")
			if plain.StatusCode != 200 || !bytes.Equal(plain.body, want) || plain.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s: %s, %d bytes, the archive has %d", at, plain.Status, len(plain.body), len(want))
			}
			compressible := layout.Compressible(plain.Header.Get("Content-Type"))
			if vary := plain.Header.Get("Vary") == "Accept-Encoding"; vary != compressible || packed.Header.Get("Vary") != plain.Header.Get("Vary") {
				t.Errorf("%s (%s): Vary %q", at, plain.Header.Get("Content-Type"), plain.Header.Get("Vary"))
			}
			if packed.Header.Get("Content-Encoding") != "gzip" {
				if !bytes.Equal(packed.body, want) || packed.Header.Get("Etag") != plain.Header.Get("Etag") {
					t.Errorf("%s: not encoded, yet another content", at)
				}
				continue
			}
			encoded++
			if got := gunzip(t, packed.body); !bytes.Equal(got, want) || !compressible || len(packed.body) >= len(want) {
				t.Errorf("%s: encoded it has %d bytes, %d decoded, want %d", at, len(packed.body), len(got), len(want))
			}
			if tag := packed.Header.Get("Etag"); tag != strings.TrimSuffix(plain.Header.Get("Etag"), `"`)+`-gzip"` || packed.Header.Get("Accept-Ranges") != "" {
				t.Errorf("%s: encoded: %v", at, packed.Header)
			}
		}
	}
	if encoded < 5 {
		t.Errorf("only %d files were encoded", encoded)
	}
	// From memory it is the same as from the bucket; the large one is streamed.
	for range 2 {
		if r := s.get("/package/trial/0.1.0/docs/large.txt", "Accept-Encoding: gzip"); len(gunzip(t, r.body)) < largeText {
			t.Errorf("large.txt decodes to less than %d bytes", largeText)
		}
	}
}

func liveTable(t testing.TB, bucket interface {
	Pointer(context.Context, string) (layout.Pointer, error)
	Routes(context.Context, string, string) (*layout.Routes, error)
}) *answer.Table {
	t.Helper()
	p, err := bucket.Pointer(context.Background(), "production")
	if err != nil {
		t.Fatal(err)
	}
	routes, err := bucket.Routes(context.Background(), "production", p.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// TestRanges asks for parts of what is in memory and of what is streamed.
func TestRanges(t *testing.T) {
	s := start(t, production(sharedBucket(t)))
	for _, at := range []string{
		"/package/web/2.0.0/manifest.yml", "/package/trial/0.1.0/docs/large.txt", "/epr/store/store-1.0.0.zip",
		"/package/trial/0.1.0/agent/stream/long.yml.hbs", "/package/trial/0.1.0/agent/large.txt", "/package/signed/1.0.0/agent/deflated.hbs",
	} {
		whole := s.get(at)
		n := len(whole.body)
		for header, want := range map[string][2]int{
			"bytes=0-0":           {0, 1},
			"bytes=10-19":         {10, 20},
			"bytes=10-":           {10, n},
			"bytes=-7":            {n - 7, n},
			"bytes=5-99999999999": {5, n},
		} {
			// A range is of the file itself, whatever encoding is accepted.
			r := s.get(at, "Range: "+header, "Accept-Encoding: gzip")
			contentRange := "bytes " + strconv.Itoa(want[0]) + "-" + strconv.Itoa(want[1]-1) + "/" + strconv.Itoa(n)
			if r.StatusCode != 206 || !bytes.Equal(r.body, whole.body[want[0]:want[1]]) || r.Header.Get("Content-Range") != contentRange || r.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s, %s: %s, %d bytes, %v", at, header, r.Status, len(r.body), r.Header)
			}
			if r.Header.Get("Etag") != whole.Header.Get("Etag") || r.ContentLength != int64(want[1]-want[0]) {
				t.Errorf("%s, %s: %v", at, header, r.Header)
			}
		}
		if r := s.do("HEAD", at, "Range: bytes=1-2"); r.StatusCode != 200 || r.ContentLength != int64(n) || r.Header.Get("Content-Range") != "" {
			t.Errorf("HEAD %s, of a part: %s %v", at, r.Status, r.Header)
		}
		if r := s.get(at, "Range: bytes="+strconv.Itoa(n)+"-"); r.StatusCode != 416 || r.Header.Get("Content-Range") != "bytes */"+strconv.Itoa(n) {
			t.Errorf("%s, beyond the end: %s %v", at, r.Status, r.Header)
		}
		tag := whole.Header.Get("Etag")
		if r := s.get(at, "Range: bytes=1-2", "If-Range: "+tag); r.StatusCode != 206 {
			t.Errorf("%s, If-Range with its ETag: %s", at, r.Status)
		}
		for _, other := range []string{`"other"`, "W/" + tag, strings.TrimSuffix(tag, `"`) + `-gzip"`, "Thu, 01 Dec 2022 17:20:31 GMT"} {
			if r := s.get(at, "Range: bytes=1-2", "If-Range: "+other); r.StatusCode != 200 || !bytes.Equal(r.body, whole.body) {
				t.Errorf("%s, If-Range %s: %s", at, other, r.Status)
			}
		}
	}
	// Ranges of what the API renders are not offered.
	if r := s.get("/search", "Range: bytes=0-1"); r.StatusCode != 200 || r.Header.Get("Accept-Ranges") != "" {
		t.Errorf("/search: %s %v", r.Status, r.Header)
	}
}

func TestConditional(t *testing.T) {
	s := start(t, production(sharedBucket(t)))
	for _, at := range []string{
		"/", "/search", "/search?package=none", "/categories", "/package/web/2.0.0/",
		"/package/web/2.0.0/manifest.yml", "/epr/web/web-2.0.0.zip", "/epr/signed/signed-1.0.0.zip.sig", "/favicon.ico",
		"/package/trial/0.1.0/agent/stream/long.yml.hbs", "/package/trial/0.1.0/agent/large.txt", "/package/signed/1.0.0/agent/stored.hbs",
	} {
		for _, encoding := range []string{"identity", "gzip"} {
			accept := "Accept-Encoding: " + encoding
			whole := s.get(at, accept)
			tag := whole.Header.Get("Etag")
			if len(tag) < 34 || strings.HasPrefix(tag, "W/") {
				t.Errorf("%s: ETag %q", at, tag)
			}
			for _, match := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
				for _, method := range []string{"GET", "HEAD"} {
					r := s.do(method, at, accept, "If-None-Match: "+match)
					if r.StatusCode != 304 || len(r.body) > 0 || r.Header.Get("Etag") != tag || r.Header.Get("Vary") != whole.Header.Get("Vary") || r.Header.Get("Content-Encoding") != "" {
						t.Errorf("%s %s, If-None-Match %s: %s %v", method, at, match, r.Status, r.Header)
					}
					if len(r.Header["Cache-Control"]) != len(whole.Header["Cache-Control"]) {
						t.Errorf("%s, 304: Cache-Control %q", at, r.Header["Cache-Control"])
					}
				}
			}
			if r := s.get(at, accept, `If-None-Match: "x", "y"`); r.StatusCode != 200 || !bytes.Equal(r.body, whole.body) {
				t.Errorf("%s, another ETag: %s", at, r.Status)
			}
			if r := s.get(at, accept, `If-Match: "x"`); r.StatusCode != 412 {
				t.Errorf("%s, If-Match: %s", at, r.Status)
			}
			if r := s.get(at, accept, "If-Match: "+tag); r.StatusCode != 200 {
				t.Errorf("%s, If-Match with its ETag: %s", at, r.Status)
			}
			if r := s.get(at, accept, "If-Modified-Since: Fri, 01 Jan 2038 00:00:00 GMT"); r.StatusCode != 200 {
				t.Errorf("%s, If-Modified-Since: %s", at, r.Status)
			}
		}
	}
	// The encodings of one content are told apart.
	plain, packed := s.get("/search"), s.get("/search", "Accept-Encoding: gzip")
	if packed.Header.Get("Content-Encoding") != "gzip" || !bytes.Equal(gunzip(t, packed.body), plain.body) || plain.Header.Get("Etag") == packed.Header.Get("Etag") {
		t.Errorf("/search, encoded: %v", packed.Header)
	}
	// A small response has no encoded twin.
	if r := s.get("/search?package=trial&prerelease=true", "Accept-Encoding: gzip"); r.StatusCode != 200 || r.Header.Get("Content-Encoding") != "" || r.Header.Get("Vary") == "" {
		t.Errorf("a small response: %s %v", r.Status, r.Header)
	}
}
