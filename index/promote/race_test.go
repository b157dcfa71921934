package promote_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

var (
	production = lint.Branch{Name: "production", Overwrite: lint.Never}
	staging    = lint.Branch{Name: "staging", Overwrite: lint.IfNeeded, Above: []lint.Branch{production}, Below: []lint.Branch{{Name: "snapshot", Overwrite: lint.Always}}}
	snapshot   = lint.Branch{Name: "snapshot", Overwrite: lint.Always, Above: []lint.Branch{production, {Name: "staging", Overwrite: lint.IfNeeded}}}
)

func pkg(name, version string) string { return indextest.Package(name, version, name) }

// identify gives a repository someone to commit as.
func identify(t *testing.T, dir string) {
	t.Helper()
	indextest.Git(t, dir, "", "config", "user.name", "Ada Author")
	indextest.Git(t, dir, "", "config", "user.email", "ada@example.com")
}

// packages are the package versions of a branch, "name/version".
func packages(t *testing.T, dir, branch string) []string {
	t.Helper()
	out := indextest.Git(t, dir, "", "ls-tree", "-rd", "--name-only", branch, "packages/")
	var found []string
	for line := range strings.Lines(out) {
		if path := strings.Split(strings.TrimSpace(line), "/"); len(path) == 3 {
			found = append(found, path[1]+"/"+path[2])
		}
	}
	return found
}

// race lets two promotions run at once on one bare repository, and beside them
// a push of someone else; in turn in the repository itself and from two clones
// that push to it. It returns how often one of them had to try again.
func race(t *testing.T, run int) (again int) {
	t.Helper()
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	repo.Commit("production", "p", pkg("p", "1.0.0"))
	repo.Commit("staging", "s", pkg("s", "1.0.0"))
	repo.Commit("snapshot", "n", pkg("a", "1.0.0")+pkg("b", "1.0.0")+pkg("n", "1.0.0"))
	dirs, remote := []string{repo.Dir, repo.Dir}, ""
	if run%2 == 1 {
		remote = "origin"
		for i := range dirs {
			dirs[i] = filepath.Join(t.TempDir(), "clone")
			indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--shared", repo.Dir, dirs[i])
			identify(t, dirs[i])
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	if remote != "" {
		stop() // see remote.update: there is nothing to hold it to
	}
	watched := make(chan error, 1)
	go func() {
		defer close(watched) // also when git fails, which ends the goroutine
		watched <- watch(ctx, t, repo.Dir)
	}()

	start := make(chan struct{})
	results, errs := make([]*promote.Result, 2), make([]error, 3)
	var wg sync.WaitGroup
	for i, name := range []string{"a-1.0.0", "b-1.0.0"} {
		wg.Go(func() {
			<-start
			results[i], errs[i] = promote.Promote(t.Context(), promote.Options{
				Repo: dirs[i], From: snapshot, To: staging, Choice: promote.Choice{Packages: []string{name}}, Remote: remote, Regsnap: "main",
			})
		})
	}
	wg.Go(func() {
		<-start
		errs[2] = pushOther(repo)
	})
	close(start)
	wg.Wait()
	stop()
	if err := errors.Join(append(errs, <-watched)...); err != nil {
		t.Fatalf("run %d: %v", run, err)
	}
	if got, want := packages(t, repo.Dir, "staging"), []string{"a/1.0.0", "b/1.0.0", "s/1.0.0"}; !slices.Equal(got, want) {
		t.Fatalf("run %d: staging holds %q, want %q", run, got, want)
	}
	if got, want := packages(t, repo.Dir, "snapshot"), []string{"c/1.0.0", "n/1.0.0"}; !slices.Equal(got, want) {
		t.Fatalf("run %d: snapshot holds %q, want %q", run, got, want)
	}
	// Each commit is there once: two promotions each, and the push.
	for branch, want := range map[string]string{"staging": "3", "snapshot": "4"} {
		if got := repo.Git("", "rev-list", "--count", branch); got != want {
			t.Fatalf("run %d: %s has %s commits, want %s", run, branch, got, want)
		}
	}
	// The removal names the commit that added, which is part of staging.
	for line := range strings.Lines(repo.Git("", "log", "-3", "--format=%(trailers:key=Promoted-To,valueonly,separator=)", "snapshot")) {
		if f := strings.Fields(line); len(f) == 2 {
			repo.Git("", "merge-base", "--is-ancestor", f[1], "staging")
		}
	}
	return results[0].Attempts + results[1].Attempts - 2
}

// watch looks at both branches again and again, until ctx ends: a package is
// never in none of them. It is for promotions in the repository itself.
func watch(ctx context.Context, t *testing.T, dir string) error {
	for ctx.Err() == nil {
		// First where they leave: they arrive before they go.
		left, arrived := packages(t, dir, "snapshot"), packages(t, dir, "staging")
		for _, name := range []string{"a/1.0.0", "b/1.0.0"} {
			if !slices.Contains(left, name) && !slices.Contains(arrived, name) {
				return fmt.Errorf("%s was in neither branch: snapshot %q, staging %q", name, left, arrived)
			}
		}
	}
	return nil
}

// pushOther adds a package to snapshot as a contributor would, again until
// nobody else was faster.
func pushOther(repo *indextest.Repo) error {
	for range 100 {
		tip := repo.Git("", "rev-parse", "refs/heads/snapshot")
		commit := repo.AddTo(tip, "c", pkg("c", "1.0.0"))
		if repo.Move("refs/heads/snapshot", commit, tip) {
			return nil
		}
	}
	return errors.New("the other push lost a hundred times")
}

// TestRace is a few of the runs of TestConformanceRace.
func TestRace(t *testing.T) {
	for run := range 6 {
		race(t, run)
	}
}
