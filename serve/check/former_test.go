package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/serve"
)

// TestAllowed: how long caches may have an answer of before.
func TestAllowed(t *testing.T) {
	o := Options{Lag: 5 * time.Second}
	table := &answer.Table{Routes: &layout.Routes{Cache: layout.CachePolicy{Index: 10, Content: 600}}}
	for _, kind := range Kinds {
		want := 605 * time.Second
		if kind == "document" || kind == "index" {
			want = 15 * time.Second
		}
		if got := o.allowed(table, kind); got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
	at := func(day int) time.Time { return time.Date(2024, 1, day, 0, 0, 0, 0, time.UTC) }
	p := layout.Pointer{Moves: []layout.Move{{Snapshot: "d", At: at(4)}, {Snapshot: "b", At: at(3)}, {Snapshot: "a", At: at(2)}, {Snapshot: "b", At: at(1)}}}
	for id, want := range map[string]time.Time{"d": {}, "b": at(4), "a": at(3), "x": {}} {
		if got := ended(p, id); !got.Equal(want) {
			t.Errorf("%s was replaced at %s, want %s", id, got, want)
		}
	}
}

// TestFormer: the last four that were live before the live one, within a week, each until
// it was replaced for the last time. One that cannot be loaded is left out.
func TestFormer(t *testing.T) {
	now := time.Now()
	s := &snapshots{o: Options{Bucket: badRoutes{error: errors.New("gone")}}, loaded: map[string]*reference{}, pointer: layout.Pointer{Snapshot: "s0"}}
	for i := range 8 {
		id := fmt.Sprint("s", i)
		s.pointer.Moves = append(s.pointer.Moves, layout.Move{Snapshot: id, At: now.Add(-time.Duration(i) * time.Hour)})
		if i != 2 {
			s.loaded[id] = &reference{id: id}
		}
	}
	var got []string
	for _, f := range s.former(t.Context()) {
		got = append(got, fmt.Sprintf("%s %s", f.id, now.Sub(f.until)))
	}
	if want := []string{"s1 0s", "s3 2h0m0s", "s4 3h0m0s", "s5 4h0m0s"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for i := range s.pointer.Moves {
		s.pointer.Moves[i].At = now.Add(-8 * 24 * time.Hour)
	}
	if got := s.former(t.Context()); len(got) > 0 {
		t.Errorf("before a week: %v", got)
	}
	// When one ended is only said where it is known.
	c := &checker{o: Options{Lag: 5 * time.Second}}
	table := &reference{id: "s0", table: &answer.Table{Routes: &layout.Routes{Cache: layout.CachePolicy{Content: 600}}}}
	want := Difference{Kind: "file", Request: "GET /x", Way: "w", Problem: "the answer of an older snapshot", Got: "s1", Want: "s0"}
	f := former{&reference{id: "s1"}, time.Time{}}
	if got := c.outdated(probe{kind: "file"}, ask{method: "GET", target: "/x", way: "w"}, f, table); got != want {
		t.Errorf("%+v", got)
	}
	f.until = time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	want.Detail = "not live since 2024-01-02T03:04:05Z, and Cache-Control with --lag lets it be kept for 10m5s"
	if got := c.outdated(probe{kind: "file"}, ask{method: "GET", target: "/x", way: "w"}, f, table); got != want {
		t.Errorf("%+v", got)
	}
}

// TestForget: what is no longer looked for is let go of, and nothing of another environment.
func TestForget(t *testing.T) {
	f := &Follower{loaded: map[loadedKey]loaded{{"a", "s1", ""}: {}, {"a", "s2", ""}: {}, {"a", "s2", "/p"}: {}, {"b", "s1", ""}: {}}}
	f.forget("a", []string{"s2", "s3"})
	if _, gone := f.loaded[loadedKey{"a", "s1", ""}]; gone || len(f.loaded) != 3 {
		t.Errorf("%v", f.loaded)
	}
}

// TestCandidates: the live snapshot, and the four before it that were live within a week.
func TestCandidates(t *testing.T) {
	now := time.Now()
	p := layout.Pointer{Snapshot: "s0"}
	for i := range 8 {
		p.Moves = append(p.Moves, layout.Move{Snapshot: fmt.Sprint("s", i), At: now.Add(-time.Duration(i+1) * time.Hour)})
	}
	if got, want := candidates(p, now), []string{"s0", "s1", "s2", "s3", "s4"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	p.Moves = []layout.Move{{Snapshot: "s0", At: now.Add(-7*24*time.Hour + time.Minute)}, {Snapshot: "s1", At: now.Add(-20 * 24 * time.Hour)}, {Snapshot: "s2", At: now.Add(-30 * 24 * time.Hour)}}
	if got, want := candidates(p, now), []string{"s0", "s1"}; !slices.Equal(got, want) {
		t.Errorf("replaced within a week: %v", got)
	}
	p.Moves[0].At = now.Add(-7*24*time.Hour - time.Minute)
	if got, want := candidates(p, now), []string{"s0"}; !slices.Equal(got, want) {
		t.Errorf("replaced before: %v", got)
	}
}

// TestSilence: after how many requests without an answer a check gives up.
func TestSilence(t *testing.T) {
	c := &checker{}
	failure := errors.New("connection refused")
	if err := c.unreachable(failure); !errors.Is(err, errUnreachable) || !errors.Is(err, failure) {
		t.Errorf("the first: %v", err)
	}
	c.silent.Store(0)
	c.answered.Store(1)
	for i := range 20 {
		if err := c.unreachable(failure); (err != nil) != (i == 19) {
			t.Errorf("%d in a row: %v", i+1, err)
		}
	}
	got := c.silence(probe{kind: "file"}, ask{method: "GET", target: "/x", way: "gzip"}, failure)
	if want := (Difference{Kind: "file", Request: "GET /x", Way: "gzip", Problem: "no answer", Detail: "connection refused"}); len(got) != 1 || got[0] != want {
		t.Errorf("%+v", got)
	}
	if maxFormer != 4 || formerWithin != 7*24*time.Hour {
		t.Errorf("%d snapshots of %s", maxFormer, formerWithin)
	}
	if retries.Attempts != 3 || retries.Pause != time.Second || retries.MaxPause != 2*time.Second || retries.Asked != time.Minute || slack != 1<<20 {
		t.Errorf("%+v, %d", retries, slack)
	}
}

// badRoutes is a bucket whose routes make no table, or cannot be read.
type badRoutes struct {
	serve.Bucket
	error
}

func (b badRoutes) Routes(context.Context, string, string) (*layout.Routes, error) {
	return &layout.Routes{Constraints: []layout.Ranges{{Release: []layout.Interval{{From: "x"}}}}}, b.error
}

// TestNoReference: a snapshot that cannot be answered from is named, with why.
func TestNoReference(t *testing.T) {
	failure := errors.New("connection refused")
	for err, want := range map[error]string{failure: "snapshot s1: connection refused", nil: "snapshot s1: routes: constraint 0: "} {
		r, got := newReference(t.Context(), Options{Bucket: badRoutes{error: err}, Environment: "e", URL: "https://h"}, "s1")
		if r != nil || got == nil || !strings.HasPrefix(got.Error(), want) || err != nil && !errors.Is(got, err) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
