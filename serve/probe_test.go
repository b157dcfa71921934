package serve_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/serve"
)

// TestUnknownHosts: health is answered whatever the Host, and nothing else is.
// What the answer quotes is bounded and printable.
func TestUnknownHosts(t *testing.T) {
	o := production(sharedBucket(t))
	o.Default, o.Prefix = "", "/registry"
	o.Environments = []serve.Environment{{Name: "production", Hostnames: []string{"packages.example"}}}
	s := start(t, o)
	for _, host := range []string{"packages.example", "PACKAGES.example.:8080", "10.0.0.7:8080", "[::1]", "other.example", "a", strings.Repeat("a", 200_000), strings.Repeat("x.", 50_000), "caf\u00e9.example"} {
		short := host[:min(len(host), 40)]
		for _, method := range []string{"GET", "HEAD"} {
			if r := s.do(method, "/registry/health", "Host: "+host); r.StatusCode != 200 || len(r.body) > 0 || r.Header.Get("Content-Type") != "" {
				t.Errorf("health for %q: %s %q", short, r.Status, r.body)
			}
		}
		known := strings.HasPrefix(strings.ToLower(host), "packages.example")
		for _, path := range []string{"/registry/", "/registry/search", "/health", "/registry/healthy", "/registry/health/"} {
			r := s.get(path, "Host: "+host)
			if known == (r.StatusCode == 421) {
				t.Errorf("%s for %q: %s", path, short, r.Status)
			}
			if known {
				continue
			}
			text := string(r.body)
			if len(text) > 600 || !strings.Contains(text, "only for packages.example\n") || !slices.Equal(r.Header["Cache-Control"], asError) {
				t.Errorf("%s for %q: %d bytes, %.300q, %v", path, short, len(text), text, r.Header)
			}
			if strings.ContainsFunc(text, func(c rune) bool { return c > '~' || c < ' ' && c != '\n' }) {
				t.Errorf("%s for %q: %q", path, short, text)
			}
		}
	}
	for length, shown := range map[int]int{254: 254, 255: 255, 256: 255} {
		r := s.get("/registry/", "Host: "+strings.Repeat("a", length))
		if !strings.Contains(string(r.body), ` "`+strings.Repeat("a", shown)+`",`) {
			t.Errorf("of %d bytes of a host: %s", length, r.body)
		}
	}
}
