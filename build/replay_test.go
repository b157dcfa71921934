//go:build conformance

package build_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// push is one commit of one branch of the real storage.
type push struct {
	branch, commit string
	at             int64
}

var realBranches = []string{"production", "staging", "snapshot"}

// realEnvironments are those that the branches make which there are: the first
// pushes are older than some of them.
func realEnvironments(there ...string) []build.Environment {
	var envs []build.Environment
	var branches []string
	for _, name := range realBranches {
		if slices.Contains(there, name) {
			branches = append(branches, name)
			envs = append(envs, build.Environment{
				Name: name, Branches: slices.Clone(branches), ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
			})
		}
	}
	return envs
}

// TestConformanceReplay replays the history of the real package storage: each
// push is built from the live snapshots, and must give the same snapshots as
// building that state without them. REGSNAP_REPLAY is how many pushes, spread
// over the history, are compared (default 15), or "all".
func TestConformanceReplay(t *testing.T) {
	repo := replayRepository(t, indextest.RealStorage(t))
	pushes := history(t, repo)
	compared := min(spread(t, len(pushes)), len(pushes))
	bucket, err := publish.Create(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	differences, builds, snapshots := 0, 0, 0
	var there []string
	var incremental time.Duration
	for i, p := range pushes {
		runGit(t, repo, "update-ref", "refs/heads/"+p.branch, p.commit)
		there = append(there, p.branch)
		if !chosen(i, compared, len(pushes)) {
			continue
		}
		envs := realEnvironments(there...)
		started := time.Now()
		got := buildState(t, repo, bucket, envs, liveOf(t, bucket))
		if builds > 0 {
			incremental += time.Since(started)
		}
		want := buildState(t, repo, bucket, envs, nil)
		builds++
		for j, s := range got.Snapshots {
			snapshots++
			if s.ID != want.Snapshots[j].ID {
				differences++
				t.Errorf("push %d, %s %.12s: %s is %s from the live snapshot, %s from nothing", i, p.branch, p.commit, s.Manifest.Environment, s.ID, want.Snapshots[j].ID)
			}
			if err := servetest.GoLive(t.Context(), bucket, s.Manifest.Environment, s.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	fmt.Printf("replay: %d of %d pushes compared, %d snapshots, %d differences; incremental builds of all environments took %.2f s on average\n",
		builds, len(pushes), snapshots, differences, incremental.Seconds()/float64(max(builds-1, 1)))
}

func spread(t *testing.T, pushes int) int {
	v := os.Getenv("REGSNAP_REPLAY")
	switch v {
	case "":
		return 15
	case "all":
		return pushes
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("REGSNAP_REPLAY=%s: want a number or all", v)
	}
	return n
}

// chosen picks compared of n pushes, evenly, the last one among them.
func chosen(i, compared, n int) bool { return (i+1)*compared/n != i*compared/n }

func buildState(t *testing.T, repo string, bucket *publish.Bucket, envs []build.Environment, live []build.Live) *build.Result {
	t.Helper()
	source, err := git.OpenGit(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	r, err := build.Build(t.Context(), build.Options{
		Source: source, Store: bucket, Environments: envs, Regsnap: "main", Live: live,
	})
	if err != nil {
		t.Fatalf("%v: %v", err, r.Report.Errors)
	}
	return r
}

func liveOf(t *testing.T, b *publish.Bucket) []build.Live {
	t.Helper()
	var live []build.Live
	for _, env := range realBranches {
		p, err := b.Pointer(t.Context(), env)
		if errors.Is(err, fs.ErrNotExist) {
			continue // nothing was published yet
		}
		if err != nil {
			t.Fatal(err)
		}
		m, err := b.Manifest(t.Context(), env, p.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Routes(t.Context(), env, p.Snapshot)
		if err != nil {
			t.Fatal(err)
		}
		live = append(live, build.Live{Manifest: m, Routes: r})
	}
	return live
}

// replayRepository is an empty repository that borrows the objects of the real
// one, so that branches can be moved in it.
func replayRepository(t *testing.T, real string) string {
	t.Helper()
	repo := filepath.Join(t.TempDir(), "replay.git")
	runGit(t, ".", "init", "-q", "--bare", repo)
	alternates := filepath.Join(repo, "objects", "info", "alternates")
	if err := os.WriteFile(alternates, []byte(filepath.Join(real, "objects")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, b := range realBranches {
		runGit(t, repo, "update-ref", "refs/real/"+b, strings.TrimSpace(runGit(t, real, "rev-parse", "refs/heads/"+b)))
	}
	return repo
}

// history is every commit of the three branches, in the order of time.
func history(t *testing.T, repo string) []push {
	t.Helper()
	var all []push
	for _, b := range realBranches {
		for line := range strings.Lines(runGit(t, repo, "log", "--first-parent", "--reverse", "--format=%H %ct", "refs/real/"+b)) {
			commit, at, _ := strings.Cut(strings.TrimSpace(line), " ")
			seconds, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, push{b, commit, seconds})
		}
	}
	slices.SortStableFunc(all, func(a, b push) int { return int(a.at - b.at) })
	return all
}

func runGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(context.Background(), "git", append([]string{"-C", dir}, args...)...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*")
	out, err := c.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}
