package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// quick gives up soon: what is tested here does not pass.
var quick = store.RetryPolicy{Attempts: 3, Pause: time.Millisecond, MaxPause: time.Millisecond}

// TestTroubles: what goes wrong with a store is one line of ours that says where,
// what, and what to do. The SDK's own words are below it.
func TestTroubles(t *testing.T) {
	s3, gcs := servers.StartS3(t), servers.StartGCS(t)
	bucket := s3.NewBucket(t)
	at := func(endpoint, more string) string {
		return "s3://bucket?region=us-east-1&use_path_style=true&endpoint=" + endpoint + more
	}
	answering := func(status int, code, message string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>%s</Message></Error>`, code, message)
		}))
		t.Cleanup(server.Close)
		return at(server.URL, "")
	}
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, "<html><body>welcome</body></html>")
	}))
	t.Cleanup(page.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	nobody := child.Address(t)
	empty := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		name, url   string
		env         map[string]string
		kind        string
		say, advise string
	}{
		{"no credentials", at("http://"+s3.Addr, ""), map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true",
			"AWS_CONFIG_FILE": empty, "AWS_SHARED_CREDENTIALS_FILE": empty}, "credentials", "no credentials", "AWS_ACCESS_KEY_ID"},
		{"no region", "s3://bucket", map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": empty}, "region", "no region is set", "s3://bucket?region=eu-west-1"},
		{"another region", answering(http.StatusBadRequest, "AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong; expecting 'eu-north-9'"), nil, "region", `"eu-north-9"`, "region=eu-north-9"},
		{"no bucket", strings.Replace(s3.URL(bucket), bucket, "not-there", 1), nil, "bucket", "no bucket of this name", "check the name"},
		{"no bucket in GCS", gcs.URL("not-there"), nil, "bucket", "no bucket of this name", "check the name"},
		{"no permission", answering(http.StatusForbidden, "AccessDenied", "Access Denied"), nil, "permission", "access denied to list snapshots/", "may not do that"},
		{"unknown key", s3.URL(bucket), map[string]string{"AWS_ACCESS_KEY_ID": "AKIANOBODY"}, "keys", "does not know the access key", "AWS_ACCESS_KEY_ID"},
		{"wrong secret", s3.URL(bucket), map[string]string{"AWS_SECRET_ACCESS_KEY": "wrong"}, "keys", "secret key does not fit", "AWS_SECRET_ACCESS_KEY"},
		{"expired", answering(http.StatusBadRequest, "ExpiredToken", "The provided token has expired."), nil, "keys", "expired", "log in again"},
		{"clock", answering(http.StatusForbidden, "RequestTimeTooSkewed", "The difference is too large."), nil, "clock", "clock is wrong", "set the clock"},
		{"refused", at("http://"+nobody, ""), nil, "endpoint", "connection refused (gave up after 3 attempts)", "check the endpoint"},
		{"no such host", at("http://nowhere.invalid", ""), nil, "endpoint", "host", "check the"},
		{"no store", at(page.URL, ""), nil, "endpoint", "does not speak as a store does", "check the endpoint"},
		{"certificate", at(secure.URL, ""), nil, "endpoint", "certificate is not trusted", "AWS_CA_BUNDLE"},
		{"HTTP for HTTPS", at("https://"+s3.Addr, ""), nil, "endpoint", "speaks HTTP, not HTTPS", "endpoint=http://"},
		{"busy", answering(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate."), nil, "busy", "status 503 (gave up after 3 attempts)", "--parallel"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				if t.Setenv(name, value); value == "" {
					os.Unsetenv(name)
				}
			}
			err := listed(t.Context(), test.url)
			var trouble *store.Trouble
			if !errors.As(err, &trouble) {
				t.Fatalf("%v", err)
			}
			if trouble.Kind != test.kind || !strings.Contains(trouble.Problem, test.say) || !strings.Contains(trouble.Advice, test.advise) {
				t.Errorf("%s: %q, advice %q", trouble.Kind, trouble.Problem, trouble.Advice)
			}
			line := err.Error()
			for _, bad := range []string{"\n", "operation error", "api error", "https response", "RequestID", "StatusCode", "googleapi", "gave up after 3 attempts: "} {
				if strings.Contains(line, bad) {
					t.Errorf("%q says %q", line, bad)
				}
			}
			if !strings.HasPrefix(line, "s3://") && !strings.HasPrefix(line, "gs://") || trouble.Err == nil {
				t.Errorf("%q: where? %v", line, trouble.Err)
			}
		})
	}
}

// listed opens a bucket and lists it.
func listed(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url, store.Options{Retry: quick})
	if err != nil {
		return err
	}
	defer s.Close()
	for _, err := range s.List(ctx, "snapshots/") {
		return err
	}
	return nil
}

// TestNotices: a store says that it tries again, and, where nothing is answered,
// that it waits: within three seconds.
func TestNotices(t *testing.T) {
	servers.StartS3(t) // for its credentials
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, test := range map[string]struct {
		address string
		want    func(store.Notice) bool
	}{
		"refused": {child.Address(t), func(n store.Notice) bool { return n.Attempt == 1 && n.Of == 3 && n.Err != nil }},
		"silent":  {silent.Addr().String(), func(n store.Notice) bool { return n.Silent > 0 && n.Request == "list snapshots/" }},
	} {
		t.Run(name, func(t *testing.T) {
			begun, heard := time.Now(), time.Duration(0)
			ctx, stop := context.WithCancel(t.Context())
			var once sync.Once
			ctx = store.WithNotices(ctx, func(n store.Notice) {
				if test.want(n) {
					once.Do(func() { heard = time.Since(begun); stop() })
				}
			})
			s, err := store.Open(ctx, "s3://bucket?region=us-east-1&use_path_style=true&endpoint=http://"+test.address, store.Options{Retry: store.RetryPolicy{Attempts: 3}})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			for range s.List(ctx, "snapshots/") {
				break
			}
			once.Do(func() { t.Error("nothing was said") })
			t.Logf("heard after %s", heard)
		})
	}
}
