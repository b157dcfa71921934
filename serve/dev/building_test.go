package dev

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// TestBuilding: until the first build is done every address but the findings says that it
// is, how far, and when to ask again; no answer looks like one of an empty registry.
func TestBuilding(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("web", "1.0.0", "first")
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	reached, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r, err := New(t.Context(), Options{Work: work, Environment: environment(), Regsnap: "main", Progress: func(build.Progress) {
		once.Do(func() {
			close(reached)
			<-proceed
		})
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := r.Handler(HandlerOptions{Stop: t.Context()})
	asked := []string{everything, "/search", "/", "/categories", "/package/web/1.0.0/", "/epr/web/web-1.0.0.zip", "/health", "/catalog/", "/catalog/web/1.0.0/", "/nothing"}
	waiting := func(text string) {
		t.Helper()
		for _, target := range asked {
			w := get(h, target)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), text) {
				t.Errorf("%s: %d %v %s", target, w.Code, w.Header(), w.Body)
			}
			if page := strings.HasPrefix(target, "/catalog"); page != strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") || page != (w.Header().Get("Refresh") != "") || !page && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: %v", target, w.Header())
			}
		}
		var s State
		if w := get(h, FindingsPath); w.Code != http.StatusOK || json.Unmarshal(w.Body.Bytes(), &s) != nil || s.Building == nil || s.Generation != 0 {
			t.Errorf("findings: %d %s", w.Code, w.Body)
		}
	}
	waiting("looking for packages")
	done := make(chan State, 1)
	go func() {
		s, err := r.update(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	<-reached
	waiting(" of ")
	close(proceed)
	if s := <-done; s.Building != nil || s.Packages != 1 {
		t.Errorf("built: %+v", s)
	}
	if w := get(h, FindingsPath); strings.Contains(w.Body.String(), "building") {
		t.Errorf("findings: %s", w.Body)
	}
	for _, target := range asked[:len(asked)-1] {
		if w := get(h, target); w.Code != http.StatusOK {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// atOnce is more packages than a build makes at once.
func atOnce() int { return 4 * runtime.GOMAXPROCS(0) }

// TestAnswersEarly: while the first build makes archives and pages, clients get the answers
// that they get afterwards. An archive is waited for; the catalogue says how far it is.
func TestAnswersEarly(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	versions := atOnce() + 20
	for i := range versions {
		b.write("web", fmt.Sprintf("1.%d.0", i), fmt.Sprint("web ", i))
	}
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	reached, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	answering := 0
	r, err := New(t.Context(), Options{Work: work, Environment: environment(), Regsnap: "main", Progress: func(p build.Progress) {
		if p.Phase == "write packages" {
			once.Do(func() { close(reached) })
			<-proceed
		}
	}, Answering: func(n int, _ time.Duration) { answering = n }})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h, want := r.Handler(HandlerOptions{Stop: t.Context()}), fromNothing(t, b.dir)
	done := make(chan State, 1)
	go func() {
		s, err := r.update(t.Context())
		if err != nil {
			t.Error(err)
		}
		done <- s
	}()
	<-reached
	same := func(target string) {
		t.Helper()
		g, w := get(h, target), get(want, target)
		for _, header := range []string{"Content-Type", "Content-Security-Policy", "X-Content-Type-Options", "Etag", "Last-Modified"} {
			if g.Header().Get(header) != w.Header().Get(header) {
				t.Errorf("%s: %s %q, want %q", target, header, g.Header().Get(header), w.Header().Get(header))
			}
		}
		if g.Code != w.Code || !bytes.Equal(g.Body.Bytes(), w.Body.Bytes()) {
			t.Errorf("%s: %d, %d bytes, want %d, %d bytes", target, g.Code, g.Body.Len(), w.Code, w.Body.Len())
		}
	}
	for _, target := range []string{"/", everything, "/search", "/search?kibana.version=8.5.0", "/categories?include_policy_templates=true",
		"/package/web/1.7.0/", "/package/web/9.0.0/", "/epr/web/web-9.0.0.zip", "/package/web/9.0.0/docs/README.md", "/health", "/nothing"} {
		same(target)
	}
	if answering != versions {
		t.Errorf("answering %d versions", answering)
	}
	var s State
	if w := get(h, FindingsPath); json.Unmarshal(w.Body.Bytes(), &s) != nil || s.Building == nil || !s.Building.Answering {
		t.Errorf("findings: %s", w.Body)
	}
	for _, target := range []string{"/catalog/", "/catalog/web/1.7.0/"} {
		if w := get(h, target); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "answers clients already") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	// A client that goes away stops waiting.
	gone, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	q := httptest.NewRequestWithContext(gone, http.MethodGet, "/epr/web/web-1.19.0.zip", nil)
	q.Host = "localhost"
	if h.ServeHTTP(w, q); w.Code != http.StatusServiceUnavailable {
		t.Errorf("%d", w.Code)
	}
	var waiting sync.WaitGroup
	for i := range versions {
		waiting.Go(func() { same(fmt.Sprintf("/epr/web/web-1.%d.0.zip", i)) })
		waiting.Go(func() { same(fmt.Sprintf("/package/web/1.%d.0/docs/README.md", i)) })
	}
	close(proceed)
	waiting.Wait()
	if s := <-done; s.Building != nil || s.Packages != versions {
		t.Errorf("built: %+v", s)
	}
	compare(t, h, want, []string{"web-1.0.0", "web-1.19.0"})
}

// TestEarlyEnds: files that change under the first build do not end it, and who waits for
// one of them is not left waiting.
func TestEarlyEnds(t *testing.T) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	versions := atOnce() + 20
	for i := range versions {
		b.write("web", fmt.Sprintf("1.%d.0", i), fmt.Sprint("web ", i))
	}
	work, err := git.OpenWork([]string{b.dir}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	reached, proceed := make(chan struct{}), make(chan struct{})
	var once sync.Once
	r, err := New(t.Context(), Options{Work: work, Environment: environment(), Regsnap: "main", Progress: func(p build.Progress) {
		if p.Phase == "write packages" {
			once.Do(func() { close(reached) })
			<-proceed
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	h := r.Handler(HandlerOptions{Stop: t.Context()})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if s, err := r.update(t.Context()); !disturbed(err) || s.Generation != 0 {
			t.Errorf("%+v: %v", s, err)
		}
	}()
	<-reached
	b.write("web", "1.19.0", "another, and longer")
	asked := make(chan int, 1)
	go func() { asked <- get(h, "/epr/web/web-1.19.0.zip").Code }()
	close(proceed)
	<-done
	if code := <-asked; code != http.StatusServiceUnavailable {
		t.Errorf("%d", code)
	}
	if w := get(h, everything); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	work.Changed()
	if _, err := r.update(t.Context()); err != nil {
		t.Fatal(err)
	}
	compare(t, h, fromNothing(t, b.dir), []string{"web-1.0.0", "web-1.19.0"})
}

// TestFetch: a base that takes time to get is waited for, and what its getting fails with
// ends the watching.
func TestFetch(t *testing.T) {
	under := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	under.write("web", "1.0.0", "old web")
	under.write("other", "3.0.0", "other")
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("web", "1.0.0", "mine")
	open := func(fetch func(context.Context, func(build.Progress)) (*Base, error)) *Registry {
		work, err := git.OpenWork([]string{b.dir}, parse.Identity)
		if err != nil {
			t.Fatal(err)
		}
		r, err := New(t.Context(), Options{Work: work, Environment: environment(), Regsnap: "main", Fetch: fetch})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(r.Close)
		return r
	}
	failed := errors.New("no such registry")
	r := open(func(context.Context, func(build.Progress)) (*Base, error) { return nil, failed })
	if err := r.Watch(t.Context(), 0, nil, nil); !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	reached, proceed, built := make(chan struct{}), make(chan struct{}), make(chan struct{})
	r = open(func(_ context.Context, progress func(build.Progress)) (*Base, error) {
		progress(build.Progress{Phase: "fetch", Done: 3, Total: 7})
		close(reached)
		<-proceed
		return &Base{Source: git.OpenDirs(map[string]string{"main": under.dir}), Branch: "main"}, nil
	})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var once sync.Once
	go func() {
		ended <- r.Watch(ctx, 0, func(err error) { t.Error(err) }, func(State) { once.Do(func() { close(built) }) })
	}()
	<-reached
	h := r.Handler(HandlerOptions{Stop: t.Context()})
	if w := get(h, everything); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "fetch, 3 of 7") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	close(proceed)
	<-built
	compare(t, h, fromNothing(t, union(t, b, under)), []string{"web-1.0.0", "other-3.0.0"})
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
