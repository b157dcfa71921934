package publish

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// transport answers requests as a function says.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestWebhookWaits: how long each attempt may take, and how long is waited before the next.
func TestWebhookWaits(t *testing.T) {
	before := hookClient.Transport
	defer func() { hookClient.Transport = before }()
	for _, c := range []struct {
		name          string
		timeout       time.Duration
		after         string // Retry-After of the first answer
		least, most   time.Duration
		hangs, signed bool
	}{
		{"as long as it asks", 0, "7", 7 * time.Second, 9 * time.Second, false, true},
		{"not as long as it asks", 0, "600", 10 * time.Second, 12 * time.Second, false, false},
		{"by default", 0, "", 0, 3 * time.Second, false, false},
		{"no answer", 5 * time.Second, "", 20 * time.Second, 27 * time.Second, true, false},
		{"no answer, by default", 0, "", 4 * time.Minute, 4*time.Minute + 7*time.Second, true, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			hookClient.Transport = transport(func(r *http.Request) (*http.Response, error) {
				attempts++
				limit := c.timeout
				if limit == 0 {
					limit = time.Minute
				}
				if end, _ := r.Context().Deadline(); time.Until(end) != limit {
					t.Errorf("%s: an attempt may take %s", c.name, time.Until(end))
				}
				if _, signed := r.Header[http.CanonicalHeaderKey(signatureHeader)]; signed != c.signed {
					t.Errorf("%s: signed %t", c.name, signed)
				}
				if c.hangs {
					<-r.Context().Done()
					return nil, r.Context().Err()
				}
				answer := &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Header: http.Header{}}
				if attempts == 1 {
					answer.StatusCode = http.StatusServiceUnavailable
					answer.Header.Set("Retry-After", c.after)
				}
				return answer, nil
			})
			h := Hook{Webhook: "http://host/secret", Timeout: c.timeout}
			if c.signed {
				h.Secret = "key"
			}
			begun := time.Now()
			err := RunHooks(t.Context(), []Hook{h}, &HookEvent{Environment: "production"}, io.Discard)
			if took := time.Since(begun); took < c.least || took > c.most {
				t.Errorf("%s: it took %s", c.name, took)
			}
			if want := map[bool]int{false: 2, true: 4}[c.hangs]; attempts != want || (err != nil) != c.hangs {
				t.Errorf("%s: %d attempts, %v", c.name, attempts, err)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "webhook at host")) {
				t.Errorf("%s: it says %v", c.name, err)
			}
		})
	}
}

// TestWebhookURL: a URL that cannot be used is not shown.
func TestWebhookURL(t *testing.T) {
	if err := (Hook{Webhook: "http://host/secret%zz"}).attempt(t.Context(), nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// TestVerifyStateFile: what is in the file, and which files are refused.
func TestVerifyStateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for i, want := range []string{"regsnap verify 1 production one\na\nc\n", "regsnap verify 1 production one\na\nc\na\nc\n"} {
		s, err := openVerifyState(path, testEnv, "one")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b", "c"} {
			if s.known(name) != (i == 1 && name != "b") {
				t.Errorf("%s is known: %t", name, s.known(name))
			}
			if err := s.add(name, name != "b"); err != nil || !s.known(name) {
				t.Errorf("%s is known: %t, %v", name, s.known(name), err)
			}
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if err := s.add("d", true); !errors.Is(err, os.ErrClosed) {
			t.Errorf("after its end: %v", err)
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(want)) {
			t.Errorf("the file is %q, %v; want %q", got, err, want)
		}
	}
	if s, err := openVerifyState(filepath.Join(path, "below"), testEnv, "one"); err == nil {
		t.Errorf("a file in a file: %+v", s)
	}
	if err := os.WriteFile(path, []byte("mine\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openVerifyState(path, testEnv, "one"); err == nil || !strings.Contains(err.Error(), "name another file") {
		t.Errorf("a file of someone: %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "mine\n" {
		t.Errorf("the file of someone is %q", got)
	}
	if err := os.WriteFile(path, []byte("regsnap verify 1 production o"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := openVerifyState(path, testEnv, "one") // cut short in its heading
	if err != nil || len(s.done) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "regsnap verify 1 production one\n" {
		t.Errorf("the file is %q", got)
	}
}
