package dev

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

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
