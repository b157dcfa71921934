package image_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/servetest"
)

// The steps of a push, by what is asked for.
const (
	ping      = "ping"
	token     = "token"
	hasTag    = "HEAD tag"
	hasImage  = "HEAD manifest"
	readTag   = "GET tag"
	hasBlob   = "HEAD blob"
	begin     = "POST blob"
	putBlob   = "PUT blob"
	putImage  = "PUT manifest"
	putTag    = "PUT tag"
	patchBlob = "PATCH blob"
)

func stepOf(r *http.Request) string {
	_, ref, manifest := strings.Cut(r.URL.Path, "/manifests/")
	switch {
	case r.URL.Path == "/v2/":
		return ping
	case r.URL.Path == "/token":
		return token
	case manifest && strings.Contains(ref, ":"):
		return r.Method + " manifest"
	case manifest:
		return r.Method + " tag"
	}
	return r.Method + " blob"
}

// front is a registry that differs from the one behind it.
type front struct {
	*httptest.Server
	registry http.Handler
	before   func(*front, http.ResponseWriter, *http.Request) bool
	after    func(*front, *http.Request, http.Header) // changes the headers of an answer
	login    bool

	ctx context.Context // ends with the test

	mu     sync.Mutex
	uses   map[string]int // of tokens, and of requests that were refused
	asked  map[string]int // requests, by step
	tokens int
	seen   []string // what should not have been sent
}

var silent = log.New(io.Discard, "", 0)

const user, password = "ada", "lovelace-1815"

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	step := stepOf(r)
	f.mu.Lock()
	f.asked[step]++
	if step == patchBlob || r.URL.Query().Has("mount") {
		f.seen = append(f.seen, r.Method+" "+r.URL.String())
	}
	f.mu.Unlock()
	if f.before != nil && f.before(f, w, r) {
		return
	}
	if step == token {
		f.giveToken(w, r)
		return
	}
	if f.login && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-") {
		f.unauthorized(w)
		return
	}
	rec := httptest.NewRecorder()
	f.registry.ServeHTTP(rec, r)
	if f.after != nil {
		f.after(f, r, rec.Header())
	}
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(rec.Code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(rec.Body.Bytes()) // a client that is gone needs no answer
	}
}

func (f *front) giveToken(w http.ResponseWriter, r *http.Request) {
	if u, p, _ := r.BasicAuth(); u != user || p != password {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tokens++
	fmt.Fprintf(w, `{"token": "token-%d"}`, f.tokens)
}

func (f *front) unauthorized(w http.ResponseWriter) bool {
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+f.URL+`/token",service="hub",scope="repository:packages/registry:pull,push"`)
	return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

// refuse answers as the specification says ("Error Codes").
func refuse(w http.ResponseWriter, status int, code, message string) bool {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]string{"code": code, "message": message}}})
	return true
}

// first reports whether a request is the first, or one of the first n, of its step.
func (f *front) first(r *http.Request, step string, n int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return stepOf(r) == step && f.asked[step] <= n
}

func host(url string) string {
	return strings.TrimPrefix(strings.TrimPrefix(url, "https://"), "http://")
}

// registryRow is a behaviour of a registry, and what a push to it comes to.
type registryRow struct {
	name   string
	login  bool   // with tokens; the right login is known
	known  string // the password that is known, if not the right one; "-" for no password
	before func(*front, http.ResponseWriter, *http.Request) bool
	after  func(*front, *http.Request, http.Header)
	via    func(*front) http.RoundTripper
	host   string // other than the front's own
	change func(*image.Options)
	there  []string // tags that another image has before
	// fails are parts of the error; none: the push succeeds.
	fails []string
	// tags are those of the image afterwards. Those of the other stay its own.
	tags []string
	// more is how many requests more than usual a push that succeeds makes; unsure if it
	// depends on how layers meet.
	more   int
	unsure bool
	// waits is how long the registry asks to wait.
	waits time.Duration
}

// TestRegistryBehaviours: the image is there whole under the tags that it is to have, or
// no tag moves to it; an error says what, where, and what to do.
func TestRegistryBehaviours(t *testing.T) {
	b := registry(t, 0)
	other := made(t, b, nil)
	servetest.Publish(t, b, 1, 5)
	usual := made(t, b, nil)
	id := usual.Manifest.ID()
	for _, c := range registryRows() {
		t.Run(c.name, func(t *testing.T) {
			f := &front{registry: ociregistry.New(ociregistry.Logger(silent)), login: c.login, ctx: t.Context(), asked: map[string]int{}, uses: map[string]int{}}
			f.Server = httptest.NewUnstartedServer(f)
			f.Config.ErrorLog = silent
			f.Start()
			t.Cleanup(f.Close)
			direct := httptest.NewServer(f.registry)
			t.Cleanup(direct.Close)
			real := func(tag string) string {
				return host(direct.URL) + "/packages/registry:" + strings.ReplaceAll(tag, "ID", id)
			}
			t.Setenv("DOCKER_CONFIG", t.TempDir())
			for _, tag := range c.there {
				seed := made(t, b, func(o *image.Options) {
					o.Snapshot, o.Tags, o.NoEnvironmentTag, o.Back = other.Manifest.ID(), []string{strings.ReplaceAll(tag, "ID", id)}, true, true
				})
				if _, err := seed.Push(t.Context(), host(direct.URL)+"/packages/registry", "test", nil); err != nil {
					t.Fatal(err)
				}
			}
			logIn(t, f, c)
			f.before, f.after = c.before, c.after
			i := usual
			if c.change != nil {
				i = made(t, b, c.change)
			}
			var via http.RoundTripper
			if c.via != nil {
				via = c.via(f)
			}
			var mu sync.Mutex
			var waited time.Duration
			i.PushBy(via, func(d time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				waited = max(waited, d)
			})
			repository := host(f.URL) + "/packages/registry"
			if c.host != "" {
				repository = c.host + "/packages/registry"
			}
			var sent, total int64
			refs, err := i.Push(t.Context(), repository, "test", func(d, n int64) { sent, total = d, n })
			if (err == nil) != (c.fails == nil) {
				t.Fatalf("%v", err)
			}
			if err != nil {
				t.Log(err)
				for _, part := range append(c.fails, "push "+repository) {
					if part = strings.ReplaceAll(strings.ReplaceAll(part, "HOST", host(f.URL)), "ID", id); !strings.Contains(err.Error(), part) {
						t.Errorf("%v\ndoes not say %q", err, part)
					}
				}
				for _, secret := range []string{password, c.known, base64.StdEncoding.EncodeToString([]byte(user + ":" + password)), "token-", "signed"} {
					if len(secret) > 1 && strings.Contains(err.Error(), secret) {
						t.Errorf("%v tells %s", err, secret)
					}
				}
			} else if sent != total {
				t.Errorf("%d of %d bytes were sent", sent, total)
			}
			if len(refs) != len(c.tags) {
				t.Errorf("pushed %v, want %v", refs, c.tags)
			}
			if waited != c.waits {
				t.Errorf("waited %s, was asked for %s", waited, c.waits)
			}
			mustHold(t, real, i, other, c)
			f.mu.Lock()
			defer f.mu.Unlock()
			if len(f.seen) > 0 {
				t.Errorf("asked for %q", f.seen)
			}
			all := 0
			for _, n := range f.asked {
				all += n
			}
			// Ping; the tags; each platform's manifest; three a blob; the manifests; the tags.
			want := 1 + len(c.tags) + 2 + 3*(i.Layers()+2) + 2 + len(c.tags) + c.more
			if c.login {
				want++
			}
			if err == nil && !c.unsure && all != want {
				t.Errorf("%d requests, want %d: %v", all, want, f.asked)
			}
		})
	}
}

// logIn writes down what docker login would.
func logIn(t *testing.T, f *front, c registryRow) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	known := password
	if c.known != "" {
		known = c.known
	}
	if !c.login || known == "-" {
		return
	}
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + known))
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"`+host(f.URL)+`":{"auth":"`+auth+`"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// mustHold looks at what the registry has: each tag whole, and of the image that it is
// to be of.
func mustHold(t *testing.T, real func(string) string, i, other *image.Image, c registryRow) {
	t.Helper()
	whole := map[string]bool{} // looked at already, under another tag
	for _, tag := range []string{"ID", "production", "mine"} {
		resp, err := http.Get(manifestURL(real(tag)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		want := ""
		if slices.Contains(c.there, tag) {
			want = digest(t, other)
		}
		if slices.Contains(c.tags, tag) {
			want = digest(t, i)
		}
		if resp.StatusCode == http.StatusNotFound {
			if want != "" {
				t.Errorf("there is no tag %s", tag)
			}
			continue
		}
		index := pull(t, real(tag))
		if got, err := index.Digest(); err != nil || got.String() != want {
			t.Errorf("%s is %s, want %q: %v", tag, got, want, err)
		}
		if whole[want] {
			continue
		}
		if err := validate.Index(index); err != nil {
			t.Errorf("%s: %v", tag, err)
		}
		whole[want] = true
	}
}

func manifestURL(ref string) string {
	at := strings.LastIndexByte(ref, ':')
	host, repo, _ := strings.Cut(ref[:at], "/")
	return "http://" + host + "/v2/" + repo + "/manifests/" + ref[at+1:]
}
