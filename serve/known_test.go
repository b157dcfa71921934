package serve_test

import (
	"net/http"
	"testing"
)

// TestValidatorsOfForms: a client that shows the validator of the form that it would get has
// it, and no body is read for that; one that shows the validator of the other form does not.
func TestValidatorsOfForms(t *testing.T) {
	t.Parallel()
	const target, gzip = "/search", "Accept-Encoding: gzip"
	o := production(sharedBucket(t))
	validators := map[bool]string{}
	for _, encoded := range []bool{false, true} {
		var headers []string
		if encoded {
			headers = append(headers, gzip)
		}
		got := ask(newHandler(t, o), target, headers...)
		if validators[encoded] = got.Header().Get("ETag"); got.Code != http.StatusOK || (got.Header().Get("Content-Encoding") == "gzip") != encoded {
			t.Fatalf("encoded %t: %d, %v", encoded, got.Code, got.Header())
		}
	}
	if validators[false] == validators[true] {
		t.Fatalf("both forms have the validator %s", validators[true])
	}
	for _, shown := range []bool{false, true} {
		for _, encoded := range []bool{false, true} {
			bucket := newFaulty(o.Bucket)
			o := production(bucket)
			h := newHandler(t, o)
			headers := []string{"If-None-Match: " + validators[shown]}
			if encoded {
				headers = append(headers, gzip)
			}
			got := ask(h, target, headers...)
			want := http.StatusOK
			if shown == encoded {
				want = http.StatusNotModified
			}
			if read := bucket.count("read", "responses/") + bucket.count("open", "responses/"); got.Code != want || got.Header().Get("ETag") != validators[encoded] || (read > 0) != (want == http.StatusOK) {
				t.Errorf("shown the encoded form's %t, encoded %t: %d, %v, %d reads", shown, encoded, got.Code, got.Header(), read)
			}
		}
	}
}
