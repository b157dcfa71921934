package dev

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// TestStrangers: only pages of this machine, by a name of this machine, get anything;
// whatever is asked for, and by every method.
func TestStrangers(t *testing.T) {
	work, err := git.OpenWork([]string{t.TempDir()}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), Options{Work: work, Environment: environment()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	here := r.Handler(HandlerOptions{Hosts: []string{"Host.Docker.internal", "", ".", "a/b"}, Stop: t.Context()})
	beyond := r.Handler(HandlerOptions{Beyond: true, Stop: t.Context()})
	for _, c := range []struct {
		host           string
		header         map[string]string
		here, anywhere bool // let in: on loopback alone, on every address
	}{
		{host: "localhost", here: true, anywhere: true},
		{host: "localhost:8080", here: true, anywhere: true},
		{host: "LocalHost.:8080", here: true, anywhere: true},
		{host: "a.localhost", here: true, anywhere: true},
		{host: "127.0.0.1:8080", here: true, anywhere: true},
		{host: "127.9.9.9", here: true, anywhere: true},
		{host: "[::1]:8080", here: true, anywhere: true},
		{host: "[::1]", here: true, anywhere: true},
		{host: "[::ffff:127.0.0.1]", here: true, anywhere: true},
		{host: "host.docker.internal:8080", here: true},
		{host: "192.0.2.7:8080", anywhere: true},
		{host: "[2001:db8::7]:8080", anywhere: true},
		{host: "evil.example"},
		{host: "localhost.evil.example:8080"},
		{host: "127.0.0.1.evil.example"},
		{host: "evil.example:8080@localhost"},
		{host: "localhost@evil.example"},
		{host: "evillocalhost"},
		{host: "localhost:x"},
		{host: "localhost:80:80"},
		{host: "[::1%25eth0]:80"},
		{host: ""},
		{host: "."},
		{host: "a/b"}, // what cannot be a name does not become one by --allow-host
		{host: "localhost:", here: true, anywhere: true},
		{host: "::1", here: true, anywhere: true},
		{host: "[::1"},
		{host: "::1]"},
		{host: "[a.localhostx"},
		{host: "xa:b.localhost]"},
		{host: "[fe80::1%eth0]:80"},
		{host: "a/b.localhost"},
		{host: "a@b.localhost"},
		{host: `a\b.localhost`},
		{host: "a?b.localhost"},
		{host: "a#b.localhost"},
		{host: "a b.localhost"},
		{host: "a%b.localhost"},
		{host: "a,b.localhost"},
		{host: "2130706433"}, // 127.0.0.1 as some resolvers read it
		{host: "localhost", header: map[string]string{"Origin": "http://localhost:5601"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Origin": "https://127.0.0.1"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Origin": "http://evil.example"}},
		{host: "localhost", header: map[string]string{"Origin": "http://localhost.evil.example"}},
		{host: "localhost", header: map[string]string{"Origin": "http://localhost@evil.example"}},
		{host: "localhost", header: map[string]string{"Origin": "null"}},
		{host: "localhost", header: map[string]string{"Origin": ""}},
		{host: "localhost", header: map[string]string{"Origin": "localhost"}},
		{host: "localhost", header: map[string]string{"Origin": "file://"}},
		{host: "localhost", header: map[string]string{"Origin": "//localhost"}},
		{host: "localhost", header: map[string]string{"Origin": "http://localhost:x"}},
		{host: "localhost", header: map[string]string{"Origin": "http://host.docker.internal"}, here: true},
		{host: "localhost", header: map[string]string{"Origin": "http://localhost", "Sec-Fetch-Site": "cross-site"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "document"}},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site"}},
		{host: "evil.example", header: map[string]string{"Origin": "http://localhost"}},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, here: true, anywhere: true},
		{host: "localhost", header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}},
	} {
		for _, path := range []string{"/", "/search", "/catalog/", FindingsPath, "/-/dev/banner.css", "/../../etc/passwd", "/package/web/1.0.0/..%2f..%2fmanifest.yml"} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(""))
				req.Host = c.host
				for name, value := range c.header {
					req.Header.Set(name, value)
				}
				for which, want := range map[string]bool{"here": c.here, "beyond": c.anywhere} {
					h := here
					if which == "beyond" {
						h = beyond
					}
					w := httptest.NewRecorder()
					h.ServeHTTP(w, req)
					if let := w.Code != http.StatusForbidden; let != want {
						t.Errorf("%s %s of %q %v, %s: status %d", method, path, c.host, c.header, which, w.Code)
					}
					if !want && (w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "regsnap dev --allow-host NAME")) {
						t.Errorf("%s %s of %q: %v %s", method, path, c.host, w.Header(), w.Body)
					}
					if w.Header().Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s %s: other sites may read it", method, path)
					}
				}
			}
		}
	}
}

// TestTwoOrigins: a request with two origins is nobody's, also where both are ours.
func TestTwoOrigins(t *testing.T) {
	req := httptest.NewRequest(http.MethodGet, "http://localhost/", nil)
	req.Header["Origin"] = []string{"http://localhost", "http://localhost"}
	if (guard{}).allowed(req) {
		t.Error("it is let in")
	}
}
