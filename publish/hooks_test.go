package publish

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/child"
)

func TestHookEvent(t *testing.T) {
	src := newEditions(t)
	b, _ := fileBucket(t)
	first := src.mustPublish(t, b, 0)
	e, err := b.NewHookEvent(t.Context(), first)
	if err != nil || !e.All || len(e.URLs) > 0 || e.New != first.Snapshot || e.Kind != "publish" || e.By != "ada" {
		t.Errorf("of the first: %+v, %v", e, err)
	}
	second := src.mustPublish(t, b, 1)
	e, err = b.NewHookEvent(t.Context(), second)
	if err != nil || e.All || e.Old != first.Snapshot || !slices.Contains(e.Paths, "/search") {
		t.Errorf("of the second: %+v, %v", e, err)
	}
	if !slices.Contains(e.URLs, "/package/edited/1.0.0/docs/README.md") || slices.Contains(e.URLs, "/package/steady/1.0.0/") {
		t.Errorf("URLs: %v", e.URLs)
	}
}

// TestHookEventIsBounded: what is too much to list is not listed in part.
func TestHookEventIsBounded(t *testing.T) {
	for _, test := range []struct {
		urls, bytes int // of each
		all         bool
	}{{maxHookURLs, 20, false}, {maxHookURLs + 1, 20, true}, {1024, 1024, false}, {1025, 1024, true}, {0, 0, false}} {
		d := &Diff{Files: slices.Repeat([]string{strings.Repeat("x", test.bytes)}, test.urls)}
		e := &HookEvent{URLs: []string{}, Paths: []string{}}
		e.list(d)
		want := test.urls
		if test.all {
			want = 0
		}
		if e.All != test.all || len(e.URLs) != want || e.URLs == nil {
			t.Errorf("%d of %d bytes: all is %v, %d are listed", test.urls, test.bytes, e.All, len(e.URLs))
		}
	}
}

func TestWebhook(t *testing.T) {
	event := &HookEvent{Environment: "production", Kind: "publish", New: "b", Old: "a", URLs: []string{"/search"}, Paths: []string{"/search"}}
	var calls atomic.Int32
	var answers []int
	pauses := hookRetries
	defer func() { hookRetries = pauses }()
	hookRetries.Pause, hookRetries.MaxPause = time.Millisecond, time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got HookEvent
		if err != nil || json.Unmarshal(body, &got) != nil || got.New != "b" || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("User-Agent") != "regsnap" || r.Method != http.MethodPost {
			t.Errorf("posted %s, %v", body, err)
		}
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write(body)
		if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); r.Header.Get(signatureHeader) != want {
			t.Errorf("signature %q, want %q", r.Header.Get(signatureHeader), want)
		}
		w.WriteHeader(answers[min(int(calls.Add(1)), len(answers))-1])
	}))
	defer server.Close()
	hook := Hook{Webhook: server.URL + "/services/token-in-path?key=hidden", Secret: "key", Timeout: 5 * time.Second}
	for _, c := range []struct {
		answers []int
		calls   int32
		ok      bool
	}{
		{[]int{200}, 1, true}, {[]int{503, 429, 204}, 3, true}, {[]int{404}, 1, false}, {[]int{302}, 1, false},
		{[]int{299}, 1, true}, {[]int{300}, 1, false}, {[]int{499}, 1, false}, {[]int{400}, 1, false},
		{[]int{500, 200}, 2, true}, {[]int{408, 200}, 2, true}, {[]int{500, 500, 500, 200}, 4, true}, {[]int{599}, 4, false},
	} {
		answers = c.answers
		calls.Store(0)
		err := RunHooks(t.Context(), []Hook{hook}, event, io.Discard)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrHook) || calls.Load() != c.calls {
			t.Errorf("answers %v: %v after %d calls", c.answers, err, calls.Load())
		}
		if err != nil && (strings.Contains(err.Error(), "token-in-path") || strings.Contains(err.Error(), "hidden")) {
			t.Errorf("the error tells a secret: %v", err)
		}
	}
	unread := hook
	unread.Webhook = "http://user:hidden@[::1/"
	if err := RunHooks(t.Context(), []Hook{unread}, event, io.Discard); !errors.Is(err, ErrHook) || strings.Contains(err.Error(), "hidden") {
		t.Errorf("a URL that cannot be parsed: %v", err)
	}
	dead := hook
	dead.Webhook = "http://" + child.Address(t) + "/services/token-in-path?key=hidden"
	dead.Timeout = 100 * time.Millisecond
	err := RunHooks(t.Context(), []Hook{dead}, event, io.Discard)
	if err == nil || strings.Contains(err.Error(), "token-in-path") {
		t.Errorf("nobody there: %v", err)
	}
}

func TestCommandHook(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // the script below is one of a POSIX shell
	}
	script := filepath.Join(t.TempDir(), "hook")
	body := "#!/bin/sh\necho \"$REGSNAP_ENVIRONMENT $REGSNAP_KIND $REGSNAP_OLD $REGSNAP_NEW $1\"\ncat\nexit ${2:-0}\n"
	if err := os.WriteFile(script, []byte(body), 0o700); err != nil {
		t.Fatal(err)
	}
	event := &HookEvent{Environment: "production", Kind: "rollback", Old: "a", New: "b", URLs: []string{}, Paths: []string{}}
	var out strings.Builder
	// An argument is one, whatever it says.
	err := RunHooks(t.Context(), []Hook{{Command: []string{script, "$(x) ; y", "3"}}, {Command: []string{script, "second"}}}, event, &out)
	if !errors.Is(err, ErrHook) || !strings.Contains(err.Error(), "hook 1") || strings.Contains(err.Error(), "hook 2") {
		t.Errorf("the first fails: %v", err)
	}
	for _, want := range []string{"production rollback a b $(x) ; y\n", "production rollback a b second\n", `"new":"b"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in %q", want, out.String())
		}
	}
	err = RunHooks(t.Context(), []Hook{{Command: []string{"sleep", "10"}, Timeout: 50 * time.Millisecond}}, event, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "not done after 50ms") {
		t.Errorf("one that hangs: %v", err)
	}
}
