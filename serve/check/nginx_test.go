package check_test

import (
	"os"
	"testing"

	"github.com/regsnap/regsnap/serve/check"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

// TestNginx is what docs/deploy-nginx.md tells to do in the end: check what
// nginx answers in front of serve, once while its cache fills, and once more.
func TestNginx(t *testing.T) {
	bucket, _, _ := newBucket(t)
	configuration, err := os.ReadFile("../../docs/nginx/regsnap.conf")
	if err != nil {
		t.Fatal(err)
	}
	server := listening(t, handler(t, bucket, "production"))
	o := options(bucket, "http://"+nginx.Start(t, string(configuration),
		nginx.Replacement{Old: "server 127.0.0.1:8080;", New: "server " + server.Listener.Addr().String() + ";"},
		nginx.Replacement{Old: "/var/cache/nginx/regsnap", New: "DIR/cache"}))
	o.Host = "epr.example.org"
	for _, cache := range []string{"empty", "full"} {
		if r := run(t, o); !r.Same() {
			t.Errorf("cache %s: %v\n%s", cache, problems(r), details(r))
		}
	}
	o.Level = check.API
	if r := run(t, o); !r.Same() {
		t.Errorf("%v\n%s", problems(r), details(r))
	}
}
