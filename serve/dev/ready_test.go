package dev

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// TestReady: what a request waits for while the first build goes on, and what ends that.
func TestReady(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "one")
	b.write("db", "1.0.0", "two")
	b.built()
	routes := *b.registry.routes
	routes.Flags = slices.Clone(routes.Flags)
	for i := range routes.Flags {
		routes.Flags[i] |= layout.Signed
	}
	table, err := answer.NewTable(&routes)
	b.check(err)
	p := b.registry.shown(version{"web", "1.0.0"})
	rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
	const archive = "/epr/web/web-1.0.0.zip"
	for _, c := range []struct {
		what     string
		target   string
		full     bool   // nothing more is remembered
		end      string // what happens then; "": it does not wait
		want     bool
		remember bool
	}{
		{"a search", everything, false, "", true, false},
		{"a document", "/package/web/1.0.0/", false, "", true, false},
		{"what is there", "/epr/db/db-1.0.0.zip", false, "", true, false},
		{"an archive that comes", archive, false, "arrives", true, true},
		{"its signature", archive + ".sig", false, "arrives", true, true},
		{"a file that comes", "/package/web/1.0.0/docs/README.md", false, "arrives", true, true},
		{"one that comes in turn", archive, true, "arrives", true, false},
		{"one that never comes", archive, false, "over", false, true},
		{"one that comes at the end", archive, true, "arrives and over", true, false},
		{"who goes away", archive, false, "leaves", false, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			arrived := make(chan struct{})
			e := &early{table: table, missing: map[layout.Revision]<-chan struct{}{rev: arrived}, urgent: make(chan layout.Revision, 1), over: make(chan struct{})}
			if c.full {
				e.urgent <- layout.Revision{Name: "another"}
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			ended, got := false, false
			go func() {
				got = e.ready(httptest.NewRequestWithContext(ctx, http.MethodGet, c.target, nil))
				ended = true
			}()
			synctest.Wait()
			if ended != (c.end == "") {
				t.Fatalf("%s: ended %v", c.what, ended)
			}
			switch c.end {
			case "arrives":
				close(arrived)
			case "over":
				close(e.over)
			case "arrives and over":
				close(arrived)
				close(e.over)
			case "leaves":
				leave()
			}
			synctest.Wait()
			if !ended || got != c.want {
				t.Errorf("%s: ended %v, ready %v", c.what, ended, got)
			}
			first := layout.Revision{}
			select {
			case first = <-e.urgent:
			default:
			}
			if (first == rev) != c.remember {
				t.Errorf("%s: first is made %v", c.what, first)
			}
		})
	}
}

// TestAnswerAtTheEnd: who waited for what the first build never made is answered by what
// was built, if there is something.
func TestAnswerAtTheEnd(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "one")
	other := unwatched(t, nil)
	other.write("web", "1.0.0", "one")
	other.built()
	table, err := answer.NewTable(other.registry.routes)
	b.check(err)
	p := other.registry.shown(version{"web", "1.0.0"})
	rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
	ask := func() chan int {
		e := &early{table: table, missing: map[layout.Revision]<-chan struct{}{rev: make(chan struct{})}, urgent: make(chan layout.Revision, 1), over: make(chan struct{})}
		b.registry.early.Store(e)
		code := make(chan int, 1)
		go func() { code <- get(b.handler, "/epr/web/web-1.0.0.zip").Code }()
		select {
		case <-e.urgent:
		case got := <-code:
			t.Fatalf("it does not wait: %d", got)
		}
		return code
	}
	code := ask()
	b.registry.endEarly()
	if got := <-code; got != http.StatusServiceUnavailable || b.registry.early.Load() != nil {
		t.Errorf("nothing is built: %d", got)
	}
	b.registry.endEarly() // that there is nothing to end is no error
	code = ask()
	b.registry.store.arrival("responses/a")
	e := b.registry.early.Load()
	b.built()
	close(e.over) // the build has put another in its place
	if got := <-code; got != http.StatusOK {
		t.Errorf("all is built: %d", got)
	}
	if len(b.registry.store.arrivals) != 0 || b.registry.early.Load() != nil {
		t.Error("what nothing waits for is held")
	}
}

// TestAnswerEarly: what cannot be stored, read or followed is not announced; a first build
// announces once, with or without a catalogue.
func TestAnswerEarly(t *testing.T) {
	for _, catalogue := range []bool{true, false} {
		b := unwatched(t, nil)
		b.registry.o.Environment.Catalogue = catalogue
		b.write("web", "1.0.0", "one")
		b.write("web", "1.1.0", "two")
		versions, early := []int{}, ""
		b.registry.o.Answering = func(n int, took time.Duration) {
			if versions = append(versions, n); took <= 0 || b.registry.early.Load() == nil {
				t.Errorf("after %v", took)
			}
		}
		told := b.registry.o.Progress
		b.registry.o.Progress = func(p build.Progress) {
			told(p)
			if e := b.registry.early.Load(); e != nil && p.Phase == "write packages" && p.Done == p.Total {
				early = headers(get(b.handler, "/package/web/1.0.0/docs/README.md"))
			}
		}
		b.built()
		if late := headers(get(b.handler, "/package/web/1.0.0/docs/README.md")); early != late || late == "" {
			t.Errorf("catalogue %v: %s, and then %s", catalogue, early, late)
		}
		b.write("web", "1.0.0", "three")
		b.built()
		if len(versions) != 1 || versions[0] != 2 {
			t.Errorf("announced are %v", versions)
		}
		o := b.registry.buildOptions(time.Now())
		if o.Early != nil || o.Urgent != nil {
			t.Error("a later build answers early")
		}
	}
	b, source := unwatched(t, nil), unwatched(t, nil)
	source.write("web", "1.0.0", "one")
	source.built()
	routes := source.registry.routes
	b.registry.o.Answering = func(int, time.Duration) { t.Error("it is announced") }
	bad := *routes
	bad.Constraints = []layout.Ranges{{Release: []layout.Interval{{From: "x"}}}}
	b.registry.store.put(t, layout.RoutesKey("dev", "damaged"), "{")
	for what, c := range map[string]struct {
		ctx  context.Context
		e    build.Early
		want error
	}{
		"a constraint": {t.Context(), build.Early{ID: "a", Routes: &bad}, nil},
		"the end":      {endedContext(t), build.Early{ID: "b", Routes: routes}, context.Canceled},
		"damage":       {t.Context(), build.Early{ID: "damaged", Routes: routes}, nil},
	} {
		err := b.registry.answerEarly(c.ctx, time.Now(), c.e, nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || b.registry.early.Load() != nil {
			t.Errorf("%s: %v", what, err)
		}
		if _, err := b.registry.store.Pointer(t.Context(), "dev"); what != "damage" && b.registry.store.live != "damaged" && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: something is live: %v", what, err)
		}
	}
}
