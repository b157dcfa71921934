package upstream

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/child"
)

// TestRetries: passing faults are sat out as long as the server says, others not.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		after  string
		times  int // how often it fails
		waits  []time.Duration
		ok     bool
	}{
		{"as long as it says", 429, "7", 2, []time.Duration{7 * time.Second, 7 * time.Second}, true},
		{"not for ever", 503, "86400", 1, []time.Duration{retries.Asked}, true},
		{"it never ends", 503, "1", 100, []time.Duration{1e9, 1e9, 1e9, 1e9, 1e9}, false},
		{"not allowed", 401, "", 1, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if asked++; asked <= c.times {
					w.Header().Set("Retry-After", c.after)
					w.WriteHeader(c.status)
					return
				}
				_, _ = w.Write([]byte("good"))
			}))
			defer s.Close()
			var waits []time.Duration
			client, err := newClient(s.URL, Options{Rate: 1000, Parallel: 1})
			if err != nil {
				t.Fatal(err)
			}
			client.again.Sleep = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
			body := new(memory)
			_, err = client.get(t.Context(), "/x", "", state{}, 100, body)
			if (err == nil) != c.ok || c.ok && body.String() != "good" {
				t.Errorf("%q, %v", body.String(), err)
			}
			if len(waits) != len(c.waits) {
				t.Fatalf("waited %v, want %v", waits, c.waits)
			}
			for i, d := range waits {
				if d < c.waits[i] || d > c.waits[i]+retries.MaxPause {
					t.Errorf("waited %v, want %v and a pause", waits, c.waits)
				}
			}
		})
	}
}

// TestRetryBacksOff: without a word from the server the pauses grow.
func TestRetryBacksOff(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }))
	defer s.Close()
	client, err := newClient(s.URL, Options{Rate: 1000, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	longest := retries.Pause
	client.again.Sleep = func(_ context.Context, d time.Duration) error {
		if d > longest {
			t.Errorf("waited %s, want at most %s", d, longest)
		}
		longest = min(2*longest, retries.MaxPause)
		return nil
	}
	if _, err := client.get(t.Context(), "/x", "", state{}, 100, new(memory)); err == nil || !strings.Contains(err.Error(), "gave up after 6 attempts") {
		t.Errorf("%v", err)
	}
}

// TestSecretsStayInside: a password in the URL is in no error.
func TestSecretsStayInside(t *testing.T) {
	client, err := newClient("http://user:hunter2@"+child.Address(t), Options{Rate: 1000, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	client.again.Sleep = func(context.Context, time.Duration) error { return nil }
	_, err = client.get(t.Context(), "/x", "", state{}, 100, new(memory))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v", err)
	}
	if got := provenance(client.base); strings.Contains(got, "hunter2") || !strings.HasPrefix(got, "http://127.0.0.1") {
		t.Errorf("provenance %q", got)
	}
}

// TestTrickle: a server that sends a byte now and then holds nobody for ever.
func TestTrickle(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = w.Write([]byte("x"))
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	defer s.Close()
	client, err := newClient(s.URL, Options{Rate: 1000, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	client.silence = 50 * time.Millisecond
	client.again.Sleep = func(context.Context, time.Duration) error { return nil }
	_, err = client.get(t.Context(), "/x", "", state{}, 1<<30, new(memory))
	if err == nil || !strings.Contains(err.Error(), "gave up after 6 attempts: it sends less than 65536 bytes in 50ms") {
		t.Errorf("the error is %v", err)
	}
}

// TestExclude: by name, or by name and version.
func TestExclude(t *testing.T) {
	offers := []offer{{Name: "a", Version: "1.0.0"}, {Name: "a", Version: "1.1.0"}, {Name: "ab", Version: "1.0.0"}, {Name: "b", Version: "1.0.0"}}
	rest, left := exclude(offers, []string{"b", "a-1.1.0", "none"})
	if len(rest) != 2 || rest[0].id() != "a-1.0.0" || rest[1].id() != "ab-1.0.0" || !slices.Equal(left, []string{"a-1.1.0", "b-1.0.0"}) {
		t.Errorf("%v are left, %v excluded", rest, left)
	}
}

// TestErrorsHideSecrets: no error has the password or the token of a URL.
func TestErrorsHideSecrets(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://user:hunter2@elsewhere.example/x?token=hunter2", http.StatusFound)
	}))
	defer s.Close()
	for _, rawURL := range []string{
		strings.Replace(s.URL, "http://", "http://user:hunter2@", 1), "http://user:hunter2@127.0.0.1:1", "http://user:hunter2@[::bad", "ftp://user:hunter2@host",
		"http://host?token=hunter2", "http://user:hun%zzter2@host",
	} {
		client, err := newClient(rawURL, Options{Rate: 1000, Parallel: 1})
		if err == nil {
			client.again.Sleep = func(context.Context, time.Duration) error { return nil }
			_, err = client.get(t.Context(), "/x", "", state{}, 100, new(memory))
		}
		if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "ter2@") {
			t.Errorf("%s: %v", rawURL, err)
		}
	}
}
