package conformance_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/serve/conformance"
)

const (
	plain = "text/plain; charset=utf-8"
	found = "[\n  1\n]\n"
)

// packed is an archive with one file.
func packed(t *testing.T, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.CreateHeader(&zip.FileHeader{Name: "a-1.0.0/x", Method: zip.Store})
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// record writes a recording with one answer of each kind.
func record(t *testing.T) *conformance.Recording {
	t.Helper()
	type line = map[string]any
	answer := func(path string, status int, kind string, cache []string, body string) line {
		sum := sha256.Sum256([]byte(body))
		return line{"method": "GET", "path": path, "status": status, "content_type": kind, "cache_control": cache, "location": nil,
			"length": len(body), "body_sha256": hex.EncodeToString(sum[:])}
	}
	moved := answer("/search/", 301, "text/html", []string{}, "recorded")
	moved["location"] = "/search"
	archive := answer("/epr/a/a-1.0.0.zip", 200, "application/zip", []string{"max-age=600", "public"}, "")
	archive["entries"] = [][]any{{"a-1.0.0/x", 5, fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte("hello")))}}
	delete(archive, "body_sha256")
	file := filepath.Join(t.TempDir(), "recording.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("responses.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range []line{
		answer("/search", 200, "application/json", []string{"max-age=600", "public"}, found),
		answer("/favicon.ico", 200, "image/x-icon", nil, "an icon"),
		answer("/search?prerelease=x", 400, plain, nil, "invalid 'prerelease' query param: 'x'\n"),
		answer("/search?prerelease=x&all=y", 400, plain, nil, "invalid 'all' query param: 'y'\n"),
		moved, archive,
	} {
		if err := json.NewEncoder(w).Encode(a); err != nil {
			t.Fatal(err)
		}
	}
	sum := sha256.Sum256([]byte(found))
	if w, err = z.Create("bodies/" + hex.EncodeToString(sum[:])); err == nil {
		_, err = w.Write([]byte(found))
	}
	if err == nil {
		err = z.Close()
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	r, err := conformance.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// reply is what the registry under test says to a path.
type reply struct {
	status   int
	kind     string
	cache    []string
	location string
	body     string
}

// answers are as they were recorded.
func answers(t *testing.T) map[string]reply {
	return map[string]reply{
		"/search":                    {200, "application/json", []string{"max-age=600", "public"}, "", found},
		"/favicon.ico":               {200, "image/x-icon", nil, "", "another icon"},
		"/search?prerelease=x":       {400, plain, nil, "", "invalid 'prerelease' query param: 'x'\n"},
		"/search?prerelease=x&all=y": {400, plain, nil, "", "invalid 'prerelease' query param: 'x'\n"},
		"/search/":                   {301, "text/html", nil, "/search", "moved"},
		"/epr/a/a-1.0.0.zip":         {200, "application/zip", []string{"max-age=600", "public"}, "", string(packed(t, "hello"))},
	}
}

func TestCompare(t *testing.T) {
	recording := record(t)
	right := answers(t)
	for _, c := range []struct {
		name, path string
		change     func(*reply)
		want       string // the difference; "" is none
	}{
		{"the same", "/search", func(*reply) {}, ""},
		{"status", "/search", func(r *reply) { r.status = 203 }, "GET /search: status is 203, recorded was 200"},
		{"type", "/search", func(r *reply) { r.kind = "text/json" }, "content type is text/json, recorded was application/json"},
		{"cache", "/search", func(r *reply) { r.cache = []string{"max-age=600, public"} }, `Cache-Control is ["max-age=600, public"]`},
		{"body", "/search", func(r *reply) { r.body = "[\n  2\n]\n" }, `body is 8 bytes, line 2 "  2\n", recorded was 8 bytes, "  1\n"`},
		{"location", "/search/", func(r *reply) { r.location = "/" }, "location is /, recorded was /search"},
		{"one bad parameter", "/search?prerelease=x", func(r *reply) { r.body = "no\n" }, "body is"},
		{"two bad parameters", "/search?prerelease=x&all=y", func(r *reply) { r.kind = "text/html" }, "content type"},
		{"entry", "/epr/a/a-1.0.0.zip", func(r *reply) { r.body = string(packed(t, "hallo")) }, "archive is entry 1 is {a-1.0.0/x 5"},
		{"no archive", "/epr/a/a-1.0.0.zip", func(r *reply) { r.body = "x" }, "archive is zip: not a valid zip file"},
		{"damaged archive", "/epr/a/a-1.0.0.zip", func(r *reply) { r.body = strings.Replace(r.body, "hello", "hallo", 1) }, "archive is a-1.0.0/x: zip: checksum error"},
	} {
		for _, encoded := range []bool{false, true} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Host != "epr.example.org" {
					http.Error(w, r.Host, http.StatusMisdirectedRequest)
					return
				}
				answer := right[r.URL.RequestURI()]
				if r.URL.RequestURI() == c.path {
					c.change(&answer)
				}
				write(w, r, answer)
			}))
			report, err := conformance.Compare(t.Context(), recording, conformance.Options{BaseURL: server.URL, Host: "epr.example.org", Gzip: encoded, Parallel: 2})
			server.Close()
			if err != nil {
				t.Fatal(c.name, err)
			}
			got := fmt.Sprint(report.Differences)
			if report.Requests != 6 || c.want == "" && len(report.Differences) > 0 || c.want != "" && (len(report.Differences) != 1 || !strings.Contains(got, c.want)) {
				t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
			}
			if (report.Encoded == 6) != encoded {
				t.Errorf("%s: %d answers are encoded", c.name, report.Encoded)
			}
		}
	}
}

func write(w http.ResponseWriter, r *http.Request, answer reply) {
	h := w.Header()
	h.Set("Content-Type", answer.kind)
	h["Cache-Control"] = answer.cache
	if answer.location != "" {
		h.Set("Location", answer.location)
	}
	if r.Header.Get("Accept-Encoding") != "gzip" {
		w.WriteHeader(answer.status)
		fmt.Fprint(w, answer.body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(answer.status)
	z := gzip.NewWriter(w)
	defer z.Close()
	fmt.Fprint(z, answer.body)
}

// TestOneLine: two lines of Cache-Control may come as one, if that is asked for.
// TestLines: a long list of differences is cut, and says so.
func TestLines(t *testing.T) {
	r := &conformance.Report{Differences: []conformance.Difference{{"GET /a", "status", "404", "200"}, {"GET /b", "status", "404", "200"}, {"GET /c", "status", "404", "200"}}}
	if got := r.Lines(3); len(got) != 3 || got[0] != "GET /a: status is 404, recorded was 200" {
		t.Errorf("%q", got)
	}
	if got := r.Lines(1); len(got) != 2 || got[1] != "… and 2 more" {
		t.Errorf("%q", got)
	}
}

func TestOneLine(t *testing.T) {
	right := answers(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := right[r.URL.RequestURI()]
		answer.cache = []string{strings.Join(answer.cache, ", ")}
		write(w, r, answer)
	}))
	defer server.Close()
	for _, oneLine := range []bool{true, false} {
		report, err := conformance.Compare(t.Context(), record(t), conformance.Options{BaseURL: server.URL, OneLine: oneLine})
		if err != nil {
			t.Fatal(err)
		}
		if (len(report.Differences) == 0) != oneLine {
			t.Errorf("one line allowed: %v; %v", oneLine, report.Differences)
		}
	}
}

// TestUnreachable: that a registry cannot be asked is not a difference.
func TestUnreachable(t *testing.T) {
	if report, err := conformance.Compare(t.Context(), record(t), conformance.Options{BaseURL: "http://" + child.Address(t)}); err == nil {
		t.Errorf("%+v", report)
	}
}

func TestOpen(t *testing.T) {
	if _, err := conformance.Open(filepath.Join(t.TempDir(), "none.zip")); err == nil {
		t.Error("a file that is not there")
	}
	file := filepath.Join(t.TempDir(), "other.zip")
	if err := os.WriteFile(file, packed(t, "x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := conformance.Open(file); err == nil {
		t.Error("an archive without responses.jsonl")
	}
}
