package serve_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// TestToldIsSent: what the access log and the metrics say of a request is what its client
// got, for each kind of address, by methods that are answered and one that is not, with
// headers that may make it another answer.
func TestToldIsSent(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	o := production(sharedBucket(t))
	o.AccessLog = slog.New(slog.NewJSONHandler(&log, nil))
	h := newHandler(t, o)
	// What is only refused is named by how its address begins.
	refused := map[string]string{"file": "package", "signature": "archive", "page": "other"}
	statuses, sent := map[int]int{}, map[string]int{} // by status, and by route in bytes
	for path, route := range map[string]string{
		"/": "index", "/index.json": "index", "/health": "health", "/favicon.ico": "other", "/search": "search", "/search?prerelease=maybe": "search", "/categories": "categories", "/search/": "other",
		"/package/web/2.0.0/": "package", "/package/web/2.0.0": "package", "/package/web/9.9.9/": "package",
		"/package/web/2.0.0/docs/README.md": "file", "/package/trial/0.1.0/docs/empty.txt": "file", "/package/trial/0.1.0/docs/large.txt": "file", "/package/trial/0.1.0/agent/stream/long.yml.hbs": "file", "/package/web/2.0.0/none": "file",
		"/epr/web/web-2.0.0.zip": "archive", "/epr/web/web-9.9.9.zip": "archive", "/epr/signed/signed-1.0.0.zip.sig": "signature", "/catalog/": "page", "/catalog/none/": "page", "/none": "other",
	} {
		first := ask(h, path)
		tag := first.Header().Get("Etag")
		statuses[first.Code]++
		sent[route] += first.Body.Len()
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for _, header := range []string{"", "Accept-Encoding: gzip", "Range: bytes=0-1", "Range: bytes=99999999-", "Range: bytes=0-0,2-2", "If-None-Match: " + tag, "If-Match: \"another\"", "Accept: text/html"} {
				what := fmt.Sprint(method, " ", path, " ", header)
				log.b.Reset()
				r := httptest.NewRequest(method, path, nil)
				if name, value, ok := strings.Cut(header, ": "); ok && value != "" {
					r.Header.Set(name, value)
				}
				w, route := httptest.NewRecorder(), route
				if other, is := refused[route]; is && method != "GET" && method != "HEAD" {
					route = other
				}
				h.ServeHTTP(w, r)
				statuses[w.Code]++
				sent[route] += w.Body.Len()
				var line map[string]any
				if err := json.Unmarshal([]byte(log.String()), &line); err != nil {
					t.Fatalf("%s: %v in %s", what, err, log.String())
				}
				for name, want := range map[string]any{"method": method, "status": float64(w.Code), "bytes": float64(w.Body.Len()), "route": route, "env": "production", "snapshot": h.Live("production"), "error": nil} {
					if line[name] != want {
						t.Errorf("%s: the log says that %s is %v, want %v", what, name, line[name], want)
					}
				}
				if length := w.Header().Get("Content-Length"); method != "HEAD" && length != "" && length != fmt.Sprint(w.Body.Len()) {
					t.Errorf("%s: Content-Length %s of %d bytes", what, length, w.Body.Len())
				}
			}
		}
	}
	for status, n := range statuses {
		if got := metric(t, &site{h: h}, "regsnap_http_requests_total", fmt.Sprintf(`status="%d"`, status)); int(got) != n {
			t.Errorf("%v answers with status %d are counted, there were %d", got, status, n)
		}
	}
	for route, n := range sent {
		if got := metric(t, &site{h: h}, "regsnap_http_response_bytes_total", `route="`+route+`"`); int(got) != n {
			t.Errorf("%v bytes of %s are counted, %d were sent", got, route, n)
		}
	}
	for _, status := range []int{200, 206, 301, 304, 400, 404, 405, 412, 416} {
		if statuses[status] == 0 {
			t.Errorf("there was no answer with status %d", status)
		}
	}
	// Where no environment answers, neither that nor a snapshot is named.
	log.b.Reset()
	o.Default, o.Environments[0].Hostnames = "", []string{"registry.example"}
	if got := ask(newHandler(t, o), "/search"); got.Code != http.StatusMisdirectedRequest || !strings.Contains(log.String(), `"env":"","snapshot":"","route":""`) {
		t.Errorf("%d, %s", got.Code, log.String())
	}
}

// instead is a bucket of which some objects are others, by how their keys end.
type instead struct {
	serve.Bucket
	suffix string
	body   func([]byte) []byte
}

func (b instead) Read(ctx context.Context, key string) ([]byte, error) {
	body, err := b.Bucket.Read(ctx, key)
	if err == nil && strings.HasSuffix(key, b.suffix) {
		body = b.body(bytes.Clone(body))
	}
	return body, err
}

// TestListsThatLie: a list of files that cannot be read, or lacks what the routes say that
// there is, is no answer; nor is a damaged encoded form of what is kept in no other. The log
// says what was tried.
func TestListsThatLie(t *testing.T) {
	for name, c := range map[string]struct {
		suffix        string
		body          func([]byte) []byte
		path, headers string
		status        int
		says          string
	}{
		"what is no list": {"/contents.json", func([]byte) []byte { return []byte("x") }, "/epr/signed/signed-1.0.0.zip", "", 502, "contents.json: "},
		"no signature": {"/contents.json", func(b []byte) []byte {
			_, end, _ := bytes.Cut(b, []byte(`"signature"`))
			if i := bytes.IndexByte(end, '}'); i > 0 {
				return append(b[:len(b)-len(end)-len(`"signature"`)], bytes.TrimLeft(end[i+1:], ", \n")...)
			}
			return b
		}, "/epr/signed/signed-1.0.0.zip.sig", "", 502, "it has no signature, the routes say that there is one"},
		"an encoded form": {layout.GzipSuffix, func(b []byte) []byte { return b[:len(b)-1] }, "/search?all=true&prerelease=true", "Accept-Encoding: gzip", 502, "a response is sent as it is, because its encoded form is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			var log lockedBuffer
			o := production(sharedBucket(t))
			o.Bucket, o.Log = instead{o.Bucket, c.suffix, c.body}, slog.New(slog.NewTextHandler(&log, nil))
			got := ask(newHandler(t, o), c.path, c.headers)
			if got.Code != c.status || !strings.Contains(log.String(), c.says) || got.Header().Get("Content-Encoding") != "" {
				t.Errorf("%d, %v: %s", got.Code, got.Header(), log.String())
			}
		})
	}
}
