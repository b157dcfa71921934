package promote_test

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// What is not moved stays as it is: files that can be run, symlinks, what lies beside
// packages or beside versions. A directory that becomes empty goes.
func TestTreeStays(t *testing.T) {
	const beside = "-- run.sh (executable) --\n#!/bin/sh\n-- link (symlink) --\nrun.sh\n-- packages/web/notes.txt --\nn\n-- packages/zz/1.0.0/a --\na\n-- docs/a/b --\nb\n"
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	repo.Commit("production", "p", pkg("p", "1.0.0"))
	repo.Commit("staging", "s", beside+pkg("db", "1.0.0"))
	repo.Commit("snapshot", "n", beside+pkg("web", "1.1.0")+pkg("app", "1.0.0"))
	before := map[string]string{}
	for _, branch := range []string{"staging", "snapshot"} {
		before[branch] = repo.Git("", "ls-tree", "-r", branch, "run.sh", "link", "packages/web/notes.txt", "packages/zz", "docs")
	}
	o := move(repo, promote.Choice{Packages: []string{"web-1.1.0", "app-1.0.0"}})
	if _, err := promote.Promote(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for branch, want := range before {
		if got := repo.Git("", "ls-tree", "-r", branch, "run.sh", "link", "packages/web/notes.txt", "packages/zz", "docs"); got != want {
			t.Errorf("%s: %q, want %q", branch, got, want)
		}
	}
	for branch, want := range map[string]string{"staging": "packages/app\npackages/db\npackages/web\npackages/zz", "snapshot": "packages/web\npackages/zz"} {
		if got := repo.Git("", "ls-tree", "--name-only", branch, "packages/"); got != want {
			t.Errorf("%s holds %q, want %q", branch, got, want)
		}
	}
	if got := repo.Git("", "fsck", "--strict", "--no-dangling"); got != "" {
		t.Errorf("git finds faults: %s", got)
	}
}

// Archives go with their signatures, where they have one, and with nothing else.
func TestTreeArchives(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("n1", "1.0.0"))
	dir := t.TempDir()
	signed := archive(t, dir, "web", "1.0.0")
	plain := unsigned(t, dir, "web", "1.1.0")
	other := archive(t, dir, "web", "1.2.0")
	if _, err := promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{signed, plain, other}}); err != nil {
		t.Fatal(err)
	}
	blob := repo.Git("", "rev-parse", "snapshot:packages/web/web-1.0.0.zip")
	if _, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.0.0", "web-1.1.0"}})); err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]string{
		"staging":  "packages/web/web-1.0.0.zip\npackages/web/web-1.0.0.zip.sig\npackages/web/web-1.1.0.zip",
		"snapshot": "packages/web/web-1.2.0.zip\npackages/web/web-1.2.0.zip.sig",
	} {
		if got := repo.Git("", "ls-tree", "--name-only", branch, "packages/web/"); got != want {
			t.Errorf("%s holds %q, want %q", branch, got, want)
		}
	}
	if got := trailers(repo, "staging", "Promoted-Package"); !strings.HasPrefix(got, "web-1.0.0 "+blob+"\n") {
		t.Errorf("what came is %q, want the archive %s", got, blob)
	}
	if modes := repo.Git("", "ls-tree", "staging", "packages/web/"); strings.Count(modes, "100644 blob") != 3 {
		t.Errorf("%s", modes)
	}
}

// A package where the branch has another content takes its place, files and all.
func TestTreeReplaces(t *testing.T) {
	repo := storage(t, pkg("web", "1.1.0")+"-- packages/web/1.1.0/extra --\nx\n", pkg("web", "1.1.0")+pkg("n1", "1.0.0"))
	want := repo.Git("", "rev-parse", "snapshot:packages/web/1.1.0")
	r, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}}))
	if err != nil || changes(r.Updates[0]) != "~web-1.1.0" {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := repo.Git("", "rev-parse", "staging:packages/web/1.1.0"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// An object that the repository lacks is an error, and nothing changes: of the tree that
// is edited, or of one that is read.
func TestTreeLacks(t *testing.T) {
	for name, path := range map[string]string{
		"where it goes to":   "staging:packages",
		"where it is from":   "snapshot:packages/web",
		"the package itself": "snapshot:packages/web/1.1.0",
		"the root":           "staging^{tree}",
	} {
		repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n1", "1.0.0"))
		before := refs(repo)
		repo.Remove(repo.Git("", "rev-parse", path))
		if _, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}})); err == nil || refs(repo) != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A partial clone lacks contents that stay as they are, or move as they are.
func TestTreePartial(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n1", "1.0.0"))
	repo.Remove(repo.Git("", "rev-parse", "staging:LICENSE.txt"))
	o := move(repo, promote.Choice{Packages: []string{"web-1.1.0"}})
	o.To = lint.Branch{Name: "staging", Overwrite: lint.IfNeeded}
	if _, err := promote.Promote(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(packages(t, repo.Dir, "staging"), " "); got != "db/1.0.0 web/1.1.0" {
		t.Errorf("staging holds %q", got)
	}
}

// Nor is anything promoted where a branch above cannot be read: what its users have would
// not be known.
func TestTreeLacksAbove(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.1.0")+pkg("n1", "1.0.0"))
	before := refs(repo)
	repo.Remove(repo.Git("", "rev-parse", "production:packages"))
	o := move(repo, promote.Choice{AllNewer: true})
	o.DryRun = true
	if r, err := promote.Promote(t.Context(), o); err == nil || len(r.Moved) > 0 || refs(repo) != before {
		t.Errorf("%+v, %v", r, err)
	}
}
