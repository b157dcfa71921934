package export_test

import (
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestNginxRawBytes sends request lines with bytes above 127 that are not escaped, in
// UTF-8 and not, and expects what the Go server answers: bytes are bytes.
func TestNginxRawBytes(t *testing.T) {
	bucket, _ := edgetest.Publish(t, storage(t, nil), build.DefaultBudget)
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	var cases []edgetest.Case
	for _, target := range edgetest.RawTargets {
		for _, method := range []string{"GET", "HEAD"} {
			c, err := recorder.Record(edgetest.Case{Method: method, Target: target})
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, judged(t, recorder, c[0]))
		}
	}
	dir := t.TempDir()
	exported(t, bucket, dir, nil)
	address := served(t, dir)
	same(t, address, cases)

	// Where the query goes back to the client it is escaped, which means the same.
	client := edgetest.Client{Addr: address, Host: "epr.example.org"}
	defer client.Close()
	for target, want := range map[string]string{
		"/search/?category=é\xff":  "/search?category=%c3%a9%ff",
		"/./search?category=é\xff": "/search?category=%c3%a9%ff",
	} {
		reply, err := client.Do(edgetest.Case{Method: "GET", Target: target})
		if err != nil {
			t.Fatal(err)
		}
		if got := reply.Header.Get("Location"); reply.StatusCode != 301 || got != want {
			t.Errorf("%q: %d to %q, want 301 to %q", target, reply.StatusCode, got, want)
		}
	}
}
