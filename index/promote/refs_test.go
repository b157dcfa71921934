package promote_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/promote"
)

func TestParseRefs(t *testing.T) {
	const a, b = "0123456789abcdef0123456789abcdef01234567", "fedcba9876543210fedcba9876543210fedcba98"
	for text, want := range map[string]map[string]string{
		"":                          {},
		a + " refs/heads/x":         {"refs/heads/x": a},
		a + " refs/heads/x\n":       {"refs/heads/x": a},
		a + " x\n" + b + " y z\n":   {"x": a, "y z": b},
		a + " x\n\n":                nil,
		a + "\n":                    nil,
		a + " \n":                   nil,
		a + "\tx\n":                 nil,
		a[1:] + " x\n":              nil,
		"g" + a[1:] + " x\n":        nil,
		"warning: something else\n": nil,
		a + " x\n" + b[1:] + " y":   nil,
	} {
		refs, err := promote.ParseRefs(text, " ")
		got := map[string]string{}
		for ref, id := range refs {
			got[ref] = id.String()
		}
		if (err == nil) != (want != nil) || err == nil && !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

// cloneOf is a bare repository with another as its remote, of which it has nothing yet.
func cloneOf(t *testing.T, repo *indextest.Repo) *indextest.Repo {
	t.Helper()
	clone := indextest.NewRepo(t)
	identify(t, clone.Dir)
	clone.Git("", "remote", "add", "origin", repo.Dir)
	return clone
}

// remoteStorage is a clone, bare, and the repository that it was made of.
func remoteStorage(t *testing.T) (repo, clone *indextest.Repo, o promote.Options) {
	t.Helper()
	repo = storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n1", "1.0.0"))
	clone = cloneOf(t, repo)
	clone.Git("", "fetch", "--quiet", "origin")
	o = move(clone, promote.Choice{Packages: []string{"web-1.1.0"}})
	o.Remote = "origin"
	return repo, clone, o
}

// A remote changes, and not the clone; a dry run changes neither, whatever git would push
// if it was not told what.
func TestRemote(t *testing.T) {
	repo, clone, o := remoteStorage(t)
	clone.Git("", "config", "push.default", "matching")
	clone.Git("", "update-ref", "refs/heads/production", clone.Git("", "commit-tree", "-m", "ahead", "-p", "origin/production", "origin/production^{tree}"))
	before, there := refs(clone), refs(repo)
	o.DryRun = true
	r, err := promote.Promote(t.Context(), o)
	if err != nil || len(r.Updates) != 2 || refs(clone) != before || refs(repo) != there {
		t.Errorf("a dry run: %+v, %v", r, err)
	}
	o.DryRun = false
	if r, err = promote.Promote(t.Context(), o); err != nil || refs(repo) == there {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := repo.Git("", "rev-parse", "staging", "snapshot", "production"); got != r.Updates[0].Commit+"\n"+r.Updates[1].Commit+"\n"+clone.Git("", "rev-parse", "origin/production") {
		t.Errorf("the remote is at %s", got)
	}
	if got := clone.Git("", "for-each-ref", "--format=%(refname)", "refs/heads", "refs/tags"); got != "refs/heads/production" {
		t.Errorf("the clone has branches %q", got)
	}
}

// A push that was made counts, though the answer to it was lost; one that the remote
// refuses is not made again.
func TestRemoteAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		receive, hook string
		want          string
		moved         bool
	}{
		"lost":            {receive: "git-receive-pack \"$@\"\nexit 1\n", moved: true},
		"never came":      {receive: "exit 1\n", want: "git push"},
		"refused":         {hook: "echo 'not today' >&2\nexit 1\n", want: "not today"},
		"a secret in it":  {hook: "echo 'see https://user:hunter2@host/' >&2\nexit 1\n", want: "https://xxxxx@host/"},
		"a lock is there": {hook: "echo 'Another git process seems to be running' >&2\nexit 1\n", want: "the branches were changed meanwhile"},
	} {
		promote.SetRaces(t, 3)
		repo, clone, o := remoteStorage(t)
		before := refs(repo)
		if c.hook != "" {
			hook(t, repo, "pre-receive", c.hook)
		}
		if c.receive != "" {
			file := filepath.Join(t.TempDir(), "receive")
			if err := os.WriteFile(file, []byte("#!/bin/sh\n"+c.receive), 0o777); err != nil {
				t.Fatal(err)
			}
			clone.Git("", "config", "remote.origin.receivepack", file)
		}
		r, err := promote.Promote(t.Context(), o)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if moved := refs(repo) != before; moved != c.moved {
			t.Errorf("%s: the remote has changed: %v", name, moved)
		}
		again := 1
		if errors.Is(err, promote.ErrConflict) {
			again = 3
		}
		if r.Attempts != again {
			t.Errorf("%s: %d attempts, want %d", name, r.Attempts, again)
		}
	}
}

// What the remote lacks, and one that there is not.
func TestRemoteLacks(t *testing.T) {
	_, _, o := remoteStorage(t)
	o.From.Name = "gone"
	if _, err := promote.Promote(t.Context(), o); !errors.Is(err, index.ErrNoBranch) || !strings.Contains(err.Error(), "the remote origin has no branch gone") {
		t.Errorf("%v", err)
	}
	o.Remote = "upstream"
	if _, err := promote.Promote(t.Context(), o); err == nil || !strings.Contains(err.Error(), "git ls-remote") {
		t.Errorf("%v", err)
	}
}

// Someone else who is faster makes it another attempt, on top of what he did; someone
// who always is makes it a conflict. Neither counts what was found before twice.
func TestFaster(t *testing.T) {
	changed := strings.Replace(pkg("web", "1.1.0"), "# web", "# another web", 1)
	repo := storage(t, pkg("web", "1.1.0"), changed+pkg("app", "1.0.0"))
	other := repo.Git("", "commit-tree", "-m", "other", "-p", "staging", "staging^{tree}")
	once(t, repo, "refs/heads/staging", "echo "+other+" > refs/heads/staging") // git holds the lock, and reads the file
	r, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}}))
	if err != nil || r.Attempts != 2 || ids(r.Moved) != "web-1.1.0" || len(r.Updates) != 2 {
		t.Fatalf("%+v, %v", r, err)
	}
	if parent := repo.Git("", "rev-parse", "staging^"); parent != other {
		t.Errorf("the commit follows %s, want %s", parent, other)
	}
	overwritten := 0
	for _, p := range r.Report.Warnings {
		if p.Rule == index.RuleVersionOverwritten {
			overwritten++
		}
	}
	if overwritten != 1 {
		t.Errorf("%d times: %+v", overwritten, r.Report)
	}
	promote.SetRaces(t, 4)
	hook(t, repo, "reference-transaction", "[ \"$1\" = prepared ] && echo 'cannot lock ref' >&2 && exit 1\nexit 0\n")
	before := refs(repo)
	r, err = promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"app-1.0.0"}}))
	if !errors.Is(err, promote.ErrConflict) || r.Attempts != 4 || refs(repo) != before {
		t.Errorf("%+v, %v", r, err)
	}
}

// Each operation says once what it did, however often others were faster.
func TestFasterOnce(t *testing.T) {
	dir := t.TempDir()
	file := archive(t, dir, "zz", "1.0.0")
	for name, run := range map[string]func(repo *indextest.Repo) (*promote.Result, error){
		"promote": func(repo *indextest.Repo) (*promote.Result, error) {
			o := move(repo, promote.Choice{Packages: []string{"n1-1.0.0"}})
			o.RemoveOlder = true
			return promote.Promote(t.Context(), o)
		},
		"clean": func(repo *indextest.Repo) (*promote.Result, error) {
			o := clean(repo)
			o.RemoveOlder = true
			return promote.Clean(t.Context(), o)
		},
		"add": func(repo *indextest.Repo) (*promote.Result, error) {
			return promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{file}})
		},
	} {
		repo := storage(t, pkg("web", "1.0.0"), strings.Replace(pkg("web", "1.0.0"), "# web", "# w", 1)+pkg("web", "0.9.0")+pkg("n1", "1.0.0")+pkg("n1", "0.9.0"))
		repo.Commit("production", "p", pkg("web", "1.0.0")+pkg("n1", "1.0.0"))
		start := refs(repo)
		want, err := run(repo)
		if err != nil || want.Attempts != 1 {
			t.Fatalf("%s: %+v, %v", name, want, err)
		}
		reset(repo, start)
		once(t, repo, "refs/heads/snapshot", "true")
		got, err := run(repo)
		if err != nil || got.Attempts != 2 || len(got.Updates) != len(want.Updates) || len(found(got)) == 0 || found(got) != found(want) {
			t.Errorf("%s: %s, %v, want %s", name, found(got), err, found(want))
		}
	}
}

// found is what a result lists.
func found(r *promote.Result) string {
	return fmt.Sprint(ids(r.Moved), " | ", ids(r.Older), " | ", ids(r.Kept), " | ", len(r.Report.Errors), " ", len(r.Report.Warnings))
}

// A branch that is checked out is not moved: its work tree would seem to undo it.
func TestCheckedOut(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("app", "1.0.0"))
	for _, branch := range []string{"staging", "snapshot"} {
		dir := filepath.Join(t.TempDir(), "tree")
		repo.Git("", "worktree", "add", "--quiet", dir, branch)
		before := refs(repo)
		_, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}}))
		if !errors.Is(err, promote.ErrCheckedOut) || !strings.Contains(err.Error(), branch+" is, in ") || !strings.Contains(err.Error(), "tree: switch to another branch there") || refs(repo) != before {
			t.Errorf("%s: %v", branch, err)
		}
		repo.Git("", "worktree", "remove", dir)
	}
}
