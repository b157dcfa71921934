package lint_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// entryOf is a package version of a branch.
func entryOf(t *testing.T, repo *indextest.Repo, branch, version string) index.Entry {
	t.Helper()
	b, err := open(t, repo.Dir).Branch(t.Context(), branch)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range b.Entries {
		if e.Version == version {
			return e
		}
	}
	t.Fatalf("%s holds no %s", branch, version)
	return index.Entry{}
}

// Incoming says what a promotion would be refused for, as the branch that it is for, and
// who owns the package. Where it comes from does not count: it leaves that, except where
// a pull request has to be merged first.
func TestIncoming(t *testing.T) {
	v1, other := pkg("web", "1.0.0", "web"), pkg("web", "1.0.0", "another")
	v2 := pkg("web", "2.0.0", "web")
	unowned := strings.Replace(v1, "owner.github: acme/web\n", "", 1)
	top := lint.Branch{Name: "production", Overwrite: lint.Never, Below: []lint.Branch{staging, snapshot}}
	for name, c := range map[string]struct {
		to                   lint.Branch
		production, staging  string
		from, owner, version string
		changes              int
		want                 []string
	}{
		"nothing against it":     {middle, "", pkg("db", "1.0.0", "db"), v1, "acme/web", "1.0.0", 1, nil},
		"no branch yet":          {middle, "", "", v1, "acme/web", "1.0.0", 1, nil},
		"it is there":            {middle, "", v1, v1, "acme/web", "1.0.0", 0, nil},
		"there with another":     {middle, "", other, v1, "acme/web", "1.0.0", 1, []string{"warning: staging: web-1.0.0: packages/web/1.0.0: is changed: staging allows it if needed"}},
		"refused":                {top, other, "", v1, "acme/web", "1.0.0", 1, []string{"error: production: web-1.0.0: packages/web/1.0.0: is changed, but production never changes"}},
		"hidden":                 {middle, other, "", v1, "acme/web", "1.0.0", 1, []string{"warning: staging: web-1.0.0: packages/web/1.0.0: production holds this version, with another content"}},
		"older":                  {middle, "", v2, v1, "acme/web", "1.0.0", 1, []string{"warning: staging: web-1.0.0: packages/web/1.0.0: staging holds the newer 2.0.0 already"}},
		"invalid":                {middle, "", v2, strings.Replace(v1, "\nversion: 1.0.0", "\nversion: 1.0.1", 1), "acme/web", "1.0.0", 1, []string{"error: staging: web-1.0.0: packages/web/1.0.0/manifest.yml:4: ", "warning: staging: web-1.0.0"}},
		"new, without an owner":  {middle, "", "", unowned, "", "1.0.0", 1, []string{"error: staging: web-1.0.0: "}},
		"known to where it was":  {top, "", "", unowned, "", "1.0.0", 1, []string{"warning: production: web-1.0.0: "}},
		"the other one is asked": {middle, "", v1, v1 + v2, "acme/web", "2.0.0", 1, nil},
	} {
		repo := indextest.NewRepo(t)
		repo.Commit("snapshot", "n", c.from+pkg("x1", "9.0.0", "x"))
		for branch, files := range map[string]string{"production": c.production, "staging": c.staging} {
			if files != "" {
				repo.Commit(branch, "b", files)
			}
		}
		r, owner, err := lint.Incoming(t.Context(), lint.Options{Source: open(t, repo.Dir), Branch: c.to}, entryOf(t, repo, "snapshot", c.version))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if owner != c.owner || len(r.Changes) != c.changes || !same(found(r.Report), c.want) {
			t.Errorf("%s: owner %q, %d changes, %q, want %q, %d, %q", name, owner, len(r.Changes), found(r.Report), c.owner, c.changes, c.want)
		}
	}
}

// From a branch above, which it leaves, it does not count as hidden.
func TestIncomingFromAbove(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("staging", "s", pkg("web", "1.0.0", "web"))
	repo.Commit("snapshot", "n", pkg("db", "1.0.0", "db"))
	r, _, err := lint.Incoming(t.Context(), lint.Options{Source: open(t, repo.Dir), Branch: bottom}, entryOf(t, repo, "staging", "1.0.0"))
	if err != nil || len(found(r.Report)) > 0 || len(r.Changes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestIncomingErrors(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "n", pkg("web", "1.0.0", "web"))
	repo.Commit("staging", "s", pkg("web", "0.9.0", "web"))
	e := entryOf(t, repo, "snapshot", "1.0.0")
	repo.Git("", "update-ref", "refs/remotes/origin/staging", repo.Git("", "commit-tree", "-m", "apart", "staging^{tree}"))
	if r, owner, err := lint.Incoming(t.Context(), lint.Options{Source: open(t, repo.Dir), Branch: middle}, e); err == nil || r != nil || owner != "" || !strings.Contains(err.Error(), "neither contains the other") {
		t.Errorf("a branch that diverged: %+v, %q, %v", r, owner, err)
	}
	repo.Git("", "update-ref", "-d", "refs/remotes/origin/staging")
	repo.Remove(repo.Git("", "rev-parse", "staging:packages/web"))
	if _, _, err := lint.Incoming(t.Context(), lint.Options{Source: open(t, repo.Dir), Branch: middle}, e); err == nil {
		t.Error("a branch that cannot be read")
	}
}

// Packages checks all packages of a branch, whatever they were, by everything that a
// build would refuse.
func TestPackages(t *testing.T) {
	repo := indextest.NewRepo(t)
	bad := strings.Replace(pkg("bad", "1.0.0", "bad"), "\nversion: 1.0.0", "\nversion: 1.0.1", 1)
	repo.Commit("snapshot", "n", pkg("web", "1.0.0", "web")+pkg("web", "0.9.0", "web")+bad+"-- packages/Wrong/a --\na\n-- packages/note.txt --\na\n")
	repo.Commit("wrong", "n", "-- packages/Wrong/a --\na\n")
	repo.Commit("none", "n", "-- packages/.gitkeep --\n")
	r, err := lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, repo.Dir), Branch: "snapshot"})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"error: snapshot: packages/Wrong: ", "error: snapshot: bad-1.0.0: packages/bad/1.0.0/manifest.yml:4: ", "warning: snapshot: packages/note.txt: "}
	if !same(found(r.Report), want) {
		t.Errorf("%q, want %q", found(r.Report), want)
	}
	var changes []string
	for _, c := range r.Changes {
		if c.Added() {
			changes = append(changes, c.New.Name+"-"+c.New.Version)
		}
	}
	if got := strings.Join(changes, " "); got != "bad-1.0.0 web-0.9.0 web-1.0.0" || r.Read.Packages != 3 || r.Branch != "snapshot" {
		t.Errorf("%q, %+v", got, r)
	}
	if r, err = lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, repo.Dir), Branch: "wrong"}); err != nil || len(r.Report.Errors) != 1 {
		t.Errorf("nothing but what is wrong: %+v, %v", r, err)
	}
	if _, err = lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, repo.Dir), Branch: "none"}); !errors.Is(err, index.ErrEmptyBranch) || !strings.Contains(err.Error(), "want a folder NAME/VERSION, a folder with a manifest.yml, or NAME-VERSION.zip") {
		t.Errorf("none: %v", err)
	}
	if _, err = lint.Packages(t.Context(), lint.PackagesOptions{Source: open(t, repo.Dir), Branch: "gone"}); !errors.Is(err, index.ErrNoBranch) {
		t.Errorf("gone: %v", err)
	}
}

// unfetched is a source that cannot fetch what it lacks.
type unfetched struct{ index.Source }

var errUnfetched = errors.New("the remote does not answer")

func (unfetched) Prefetch(context.Context, []index.Entry) error { return errUnfetched }

// What cannot be fetched is an error, and no finding. A source that fetches nothing, such
// as a folder, needs not.
func TestPackagesUnfetched(t *testing.T) {
	folder, err := git.OpenDir(indextest.Folders(t, strings.ReplaceAll(pkg("web", "1.0.0", "web"), "-- packages/", "-- snapshot/packages/")))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := lint.Packages(t.Context(), lint.PackagesOptions{Source: folder, Branch: "snapshot"}); err != nil || len(r.Report.Errors) > 0 || len(r.Changes) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := lint.Packages(t.Context(), lint.PackagesOptions{Source: unfetched{folder}, Branch: "snapshot"}); !errors.Is(err, errUnfetched) {
		t.Errorf("%v", err)
	}
}

// The same holds for a push, in a clone that has no contents and a remote that is gone.
func TestPushUnfetched(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "before", pkg("web", "1.0.0", "web"))
	repo.Commit("snapshot", "after", pkg("web", "1.0.0", "web")+pkg("db", "1.0.0", "db"))
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	clone := t.TempDir() + "/clone"
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+repo.Dir, clone)
	if err := os.Rename(repo.Dir, repo.Dir+".gone"); err != nil {
		t.Fatal(err)
	}
	o := lint.Options{
		Source: open(t, clone), Branch: snapshot,
		Base: parse(t, indextest.Git(t, clone, "", "rev-parse", "snapshot^")), Head: parse(t, indextest.Git(t, clone, "", "rev-parse", "snapshot")),
	}
	if r, err := lint.Lint(t.Context(), o); err == nil || r != nil {
		t.Errorf("%+v, %v", r, err)
	}
}
