package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/check"
)

// rollout is a bucket in which production has moved, and what answered for it before and
// answers now.
type rollout struct {
	bucket           string
	previous, live   string
	before, now      http.Handler
	stuck, following string
	ctx              context.Context
}

// newRollout starts two edges: one that is stuck at the previous snapshot, and one that has
// it until it is asked for the second time.
func newRollout(t *testing.T) rollout {
	t.Helper()
	repo := demoRepo(t)
	r := rollout{bucket: "file://" + filepath.ToSlash(t.TempDir())}
	b, err := publish.Create(t.Context(), r.bucket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	publishIt := func() (string, http.Handler) {
		if said := speak(t, "build", "--source", "git:"+repo, "--bucket", r.bucket, "--env", "production", "--publish", "--by", "ada"); said.code != 0 {
			t.Fatal(said.errors)
		}
		h, err := serve.New(t.Context(), serve.Options{Bucket: b, Environments: []serve.Environment{{Name: "production"}}, Default: "production", Poll: 24 * time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(h.Close)
		return h.Live("production"), h
	}
	r.previous, r.before = publishIt()
	newVersion(t, repo)
	r.live, r.now = publishIt()
	serving := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	r.stuck = serving(r.before)
	var searches, asked atomic.Int64
	ctx, giveUp := context.WithCancel(t.Context())
	t.Cleanup(giveUp)
	r.ctx = ctx
	r.following = serving(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if asked.Add(1) == 1000 {
			giveUp() // it is live since long
		}
		if req.URL.Path == "/search" {
			searches.Add(1)
		}
		if searches.Load() > 1 {
			r.now.ServeHTTP(w, req)
			return
		}
		r.before.ServeHTTP(w, req)
	}))
	return r
}

// TestStatusWatch: a rollout through two edges, one that never ends, and one that is
// interrupted.
func TestStatusWatch(t *testing.T) {
	r := newRollout(t)
	status := func(ctx context.Context, args ...string) spoken {
		var out, errs strings.Builder
		code := run(ctx, append([]string{"regsnap", "status", "--watch", "--bucket", r.bucket, "--env", "production", "--look-every", "1ms", "--max-rate", "100000"}, args...), &out, &errs)
		return spoken{code, out.String(), errs.String()}
	}
	said := status(r.ctx, "--edge", r.following)
	for i, want := range []string{": previous, " + r.previous, ": live, " + r.live, "the host shows what is live, after "} {
		if lines := strings.Split(said.out, "\n"); said.code != 0 || len(lines) != 4 || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d: want %q; exit code %d: %s%s", i, want, said.code, said.out, said.errors)
		}
	}
	said = status(r.ctx, "--edge", r.following, "--edge", r.stuck, "--timeout", "0")
	if said.code != exitLagging || !strings.Contains(said.out, r.stuck+": previous") || !strings.Contains(said.out, r.following+": live") || !strings.Contains(said.errors, "1 of 2 hosts") {
		t.Errorf("one is stuck: %+v", said)
	}
	// The same for programs.
	said = status(r.ctx, "--edge", r.stuck, "--edge", "http://127.0.0.1:1/", "--timeout", "0", "--json")
	defs := loadSchema(t)
	var lines []watchedHost
	for line := range strings.Lines(said.out) {
		var v any
		var h watchedHost
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err, line)
		}
		for _, problem := range violations(defs, map[string]any{"$ref": "#/$defs/status-watch"}, v, "status-watch") {
			t.Error(problem)
		}
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, h)
	}
	if len(lines) != 2 || lines[0].Shows != check.ShowsFormer || lines[0].Snapshot != r.previous || lines[0].Live != r.live || lines[1].Shows != check.ShowsNothing || !strings.Contains(said.errors, `"lagging"`) {
		t.Errorf("%+v\n%s", lines, said.errors)
	}
	// Ctrl-C, once the hosts were looked at three times.
	ctx, interrupt := context.WithCancel(t.Context())
	var asked atomic.Int64
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/search" && asked.Add(1) == 3 {
			interrupt()
		}
		r.before.ServeHTTP(w, req)
	}))
	defer edge.Close()
	if said := status(ctx, "--edge", edge.URL); said.code != exitInterrupted {
		t.Errorf("interrupted: %+v", said)
	}
	nowhere := filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(nowhere, []byte("environments:\n  production: {branches: [production]}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"status --bucket BUCKET --edge https://epr.example.org":                                            "--edge goes with --watch",
		"status --bucket BUCKET --watch nginx":                                                             "not the package",
		"status --bucket BUCKET --watch":                                                                   "no environment that is live has a hostname",
		"status --bucket BUCKET --watch --env production":                                                  "production has no hostname",
		"status --bucket BUCKET --watch --env staging":                                                     "staging",
		"status --bucket BUCKET --watch --host epr.example.org":                                            "--host goes with --edge",
		"status --bucket BUCKET --watch --edge https://epr.example.org":                                    "which environment",
		"status --bucket BUCKET --watch --env production --edge epr.example.org":                           "is no URL of a registry",
		"status --bucket BUCKET --watch --env production --edge https://epr.example.org --look-every 0":    "--look-every",
		"status --bucket BUCKET --watch --env production --edge https://epr.example.org --max-rate -1":     "rate",
		"status --bucket BUCKET --watch --env production --env x --edge https://epr.example.org --json -q": "takes one environment",
	} {
		if said := speak(t, append(strings.Fields(strings.ReplaceAll(args, "BUCKET", r.bucket)), "--config", nowhere)...); said.code != exitUsage || !strings.Contains(said.errors, want) {
			t.Errorf("%s: exit code %d, %s; want %q", args, said.code, said.errors, want)
		}
	}
}

// TestWatchView: on a terminal the table takes the place of the one before, and no line is
// wider than the screen.
func TestWatchView(t *testing.T) {
	id := func(n int) string { return "20240506T070809Z-" + strings.Repeat(strconv.Itoa(n), 12) }
	hosts := []check.Shown{
		{Environment: "production", URL: "https://epr.example.org", Live: id(2), Previous: id(1), Shows: check.ShowsFormer, Snapshot: id(1)},
		{Environment: "production", URL: "https://d111111abcdef8.cloudfront.net", Host: "epr.example.org", Live: id(2), Previous: id(1), Shows: check.ShowsMixed, Detail: "/search?prerelease=true of " + id(1) + ", /package/web/1.0.0/ of " + id(2)},
		{Environment: "staging", URL: "https://staging.example.org", Live: id(4), Previous: id(3), Shows: check.ShowsNothing, Detail: "/search: connection \x1b[31mrefused"},
	}
	for _, width := range []int{80, 140} {
		var out strings.Builder
		w := &watchView{out: &out, height: 24, screen: screen{width: width}}
		at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
		behind, err := w.show(hosts, at)
		if err != nil || behind != 3 || strings.Contains(out.String(), "\x1b") {
			t.Fatalf("%d behind, %v: %q", behind, err, out.String())
		}
		for line := range strings.Lines(out.String()) {
			if columns(strings.TrimSuffix(line, "\n")) > width {
				t.Errorf("%d columns: %q", width, line)
			}
		}
		first := strings.Count(out.String(), "\n")
		out.Reset()
		for i := range hosts {
			done := hosts[i]
			done.Shows, done.Snapshot, done.Detail = check.ShowsLive, done.Live, ""
			hosts[i] = done
		}
		if behind, err = w.show(hosts, at.Add(42*time.Second)); err != nil || behind != 0 {
			t.Fatalf("%d behind, %v", behind, err)
		}
		if up := "\x1b[" + strconv.Itoa(first) + "A\x1b[J"; !strings.HasPrefix(out.String(), up) || !strings.HasSuffix(out.String(), "all 3 hosts show what is live, after 42s\n") {
			t.Errorf("after a table of %d lines: %q", first, out.String())
		}
		for i, s := range hosts {
			s.Shows, s.Snapshot = check.ShowsFormer, s.Previous
			hosts[i] = s
		}
	}
}
