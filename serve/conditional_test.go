package serve

import (
	"net/http"
	"testing"
)

func TestModified(t *testing.T) {
	if got, want := modifiedOf("20221201T172031Z-0123456789ab"), "Thu, 01 Dec 2022 17:20:31 GMT"; got != want {
		t.Errorf("modifiedOf = %q, want %q", got, want)
	}
	if got := modifiedOf("00000000T000000Z-0123456789ab"); got != "" {
		t.Errorf("without a commit: %q, want none", got)
	}
}

// A date only counts when it is the one that was sent: after a rollback an
// older snapshot is live, whose content is not what a client with a later date has.
func TestIfModifiedSince(t *testing.T) {
	const sent, tag = "Thu, 01 Dec 2022 17:20:31 GMT", `"0123456789abcdef0123456789abcdef"`
	for _, c := range []struct {
		name   string
		header http.Header
		want   int
	}{
		{"the same", http.Header{"If-Modified-Since": {sent}}, http.StatusNotModified},
		{"earlier", http.Header{"If-Modified-Since": {"Wed, 30 Nov 2022 00:00:00 GMT"}}, 0},
		{"later", http.Header{"If-Modified-Since": {"Fri, 02 Dec 2022 00:00:00 GMT"}}, 0},
		{"not a date", http.Header{"If-Modified-Since": {"yesterday"}}, 0},
		{"the ETag decides", http.Header{"If-Modified-Since": {sent}, "If-None-Match": {`"other"`}}, 0},
	} {
		if got := precondition(c.header, tag, sent); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if got := precondition(http.Header{"If-Modified-Since": {""}}, tag, ""); got != 0 {
		t.Errorf("nothing was sent: %d, want to go on", got)
	}
}
