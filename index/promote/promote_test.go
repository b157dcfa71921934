package promote_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/promote"
)

func storage(t *testing.T, stagingFiles, snapshotFiles string) *indextest.Repo {
	t.Helper()
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	repo.Commit("production", "p", "-- LICENSE.txt --\nkept\n"+pkg("web", "1.0.0"))
	repo.Commit("staging", "s", "-- LICENSE.txt --\nkept\n"+stagingFiles)
	repo.Commit("snapshot", "n", snapshotFiles)
	return repo
}

func move(repo *indextest.Repo, c promote.Choice) promote.Options {
	return promote.Options{Repo: repo.Dir, From: snapshot, To: staging, Choice: c, Regsnap: "main"}
}

// Which versions each way of asking means.
func TestChoice(t *testing.T) {
	files := pkg("web", "0.9.0") + pkg("web", "1.0.0") + pkg("web", "1.2.0") + pkg("web", "1.10.0") + pkg("db", "2.0.0") + pkg("db", "2.1.0-rc1") + pkg("app", "0.1.0")
	for name, c := range map[string]struct {
		choice promote.Choice
		want   string
	}{
		"named":            {promote.Choice{Packages: []string{"web-1.2.0", "app-0.1.0"}}, "app-0.1.0 web-1.2.0"},
		"latest":           {promote.Choice{Packages: []string{"web", "db"}, Latest: true}, "db-2.1.0-rc1 web-1.10.0"},
		"all newer":        {promote.Choice{AllNewer: true}, "app-0.1.0 db-2.1.0-rc1 web-1.10.0 web-1.2.0"},
		"all newer of web": {promote.Choice{Packages: []string{"web"}, AllNewer: true}, "web-1.10.0 web-1.2.0"},
		"latest newer":     {promote.Choice{AllNewer: true, Latest: true}, "app-0.1.0 db-2.1.0-rc1 web-1.10.0"},
	} {
		repo := storage(t, pkg("db", "2.0.0"), files) // production has web 1.0.0
		o := move(repo, c.choice)
		o.DryRun = true
		r, err := promote.Promote(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, e := range r.Moved {
			got = append(got, e.Name+"-"+e.Version)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for _, c := range []promote.Choice{
		{}, {Latest: true}, {Packages: []string{"web"}}, {Packages: []string{"../x-1.0.0"}}, {Packages: []string{"web-1"}}, {Packages: []string{"web-1.0.0"}, AllNewer: true},
	} {
		if c.Validate() == nil {
			t.Errorf("%+v is valid", c)
		}
	}
}

// Archives move with their signatures, and what is beside packages stays.
func TestArchive(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), "-- packages/x/x-1.0.0.zip --\nnot a zip\n-- packages/x/x-1.0.0.zip.sig --\nsigned\n"+pkg("n", "1.0.0"))
	_, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"x-1.0.0"}}))
	if !errors.Is(err, promote.ErrRefused) {
		t.Fatalf("what is no archive is promoted: %v", err)
	}
	if got := repo.Git("", "for-each-ref", "--format=%(refname:short)"); got != "production\nsnapshot\nstaging" {
		t.Errorf("refs %q", got)
	}
	o := move(repo, promote.Choice{Packages: []string{"x-1.0.0"}})
	o.From, o.To = staging, snapshot
	repo.Commit("snapshot", "n", pkg("n", "1.0.0"))
	repo.Commit("staging", "s", "-- LICENSE.txt --\nkept\n"+pkg("db", "1.0.0")+pkg("x", "1.0.0"))
	if _, err := promote.Promote(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := repo.Git("", "ls-tree", "--name-only", "staging"); got != "LICENSE.txt\npackages" {
		t.Errorf("staging holds %q", got)
	}
}

// A file where a directory has to be is no reason to lose it.
func TestFileInTheWay(t *testing.T) {
	repo := storage(t, "-- packages/web --\nin the way\n"+pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n", "1.0.0"))
	before := repo.Git("", "rev-parse", "staging", "snapshot")
	_, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}}))
	if err == nil || err.Error() != "branch staging: packages/web is a blob: a directory is needed in its place" {
		t.Errorf("%v", err)
	}
	if after := repo.Git("", "rev-parse", "staging", "snapshot"); after != before {
		t.Error("branches moved")
	}
}

// A transaction that fails for one branch moves neither.
func TestNeitherBranch(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n", "1.0.0"))
	before := repo.Git("", "rev-parse", "staging", "snapshot")
	hook := filepath.Join(repo.Dir, "hooks", "reference-transaction")
	const refuse = "#!/bin/sh\n[ \"$1\" = prepared ] && grep -q refs/heads/snapshot && exit 1\nexit 0\n"
	if err := os.MkdirAll(filepath.Dir(hook), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hook, []byte(refuse), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}})); err == nil {
		t.Error("no error")
	}
	if after := repo.Git("", "rev-parse", "staging", "snapshot"); after != before {
		t.Errorf("branches moved from %s to %s", before, after)
	}
}

// Without an identity git says so, and nothing happens.
func TestIdentity(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n", "1.0.0"))
	repo.Git("", "config", "user.name", "Grace Author")
	t.Setenv("GIT_AUTHOR_NAME", "Given Here")
	t.Setenv("GIT_DIR", t.TempDir()) // as in a hook of another repository
	if _, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}})); err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(repo.Git("", "log", "-1", "--format=%an/%cn", "staging"), "\n"); !slices.Equal(got, []string{"Given Here/Grace Author"}) {
		t.Errorf("author and committer %q", got)
	}
}

// TestTips: branches are read as a build reads them, whatever the remote is
// called: the ref that contains the others counts, and what diverged is refused.
func TestTips(t *testing.T) {
	choice := promote.Choice{Packages: []string{"web-1.1.0"}}
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n", "1.0.0"))
	behind := repo.Git("", "rev-parse", "staging")
	repo.Commit("staging", "more", "-- LICENSE.txt --\nkept\n"+pkg("db", "1.0.0")+pkg("db", "1.1.0"))
	ahead := repo.Git("", "rev-parse", "staging")
	repo.Git("", "remote", "add", "upstream", repo.Dir)
	for name, refs := range map[string][2]string{
		"local behind the remote": {behind, ahead},
		"remote behind":           {ahead, behind},
		"only the remote has it":  {"", ahead},
	} {
		repo.Git("", "update-ref", "-d", "refs/heads/staging")
		if refs[0] != "" {
			repo.Git("", "update-ref", "refs/heads/staging", refs[0])
		}
		repo.Git("", "update-ref", "refs/remotes/upstream/staging", refs[1])
		source := repo.Git("", "rev-parse", "snapshot")
		if _, err := promote.Promote(t.Context(), move(repo, choice)); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if parent := repo.Git("", "rev-parse", "staging^"); parent != ahead {
			t.Errorf("%s: the commit follows %s, want %s", name, parent, ahead)
		}
		repo.Git("", "update-ref", "refs/heads/snapshot", source)
	}
	repo.Git("", "update-ref", "refs/remotes/upstream/staging", repo.Git("", "rev-parse", "production"))
	before := repo.Git("", "rev-parse", "staging", "snapshot")
	if _, err := promote.Promote(t.Context(), move(repo, choice)); err == nil || !strings.Contains(err.Error(), "neither contains the other") {
		t.Errorf("branches that diverged: %v", err)
	}
	if after := repo.Git("", "rev-parse", "staging", "snapshot"); after != before {
		t.Error("branches moved")
	}
}
