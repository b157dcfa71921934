package promote_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// released is a storage after pull requests to production were merged.
func released(t *testing.T) *indextest.Repo {
	t.Helper()
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	another := strings.Replace(pkg("web", "1.1.0"), "# web", "# another web", 1)
	repo.Commit("production", "p", pkg("web", "1.0.0")+pkg("web", "1.1.0")+pkg("db", "2.0.0"))
	repo.Commit("staging", "s", pkg("web", "0.9.0")+pkg("web", "1.0.0")+another+pkg("db", "1.0.0")+pkg("app", "1.0.0"))
	repo.Commit("snapshot", "n", pkg("db", "1.5.0")+pkg("db", "2.0.0")+pkg("web", "2.0.0")+pkg("n", "1.0.0"))
	return repo
}

func clean(repo *indextest.Repo, named ...string) promote.CleanOptions {
	return promote.CleanOptions{
		Options:  promote.Options{Repo: repo.Dir, To: production, Choice: promote.Choice{Packages: named}, Regsnap: "v9.8.7"},
		Branches: []lint.Branch{staging, snapshot},
	}
}

// sorted is a list of words in their order.
func sorted(list string) string {
	words := strings.Fields(list)
	slices.Sort(words)
	return strings.Join(words, " ")
}

// Without versions all goes that production holds with the same content; what differs
// stays until it is named. Lower versions go along if that is asked for.
func TestClean(t *testing.T) {
	for name, c := range map[string]struct {
		named                       []string
		older                       bool
		moved, went, kept           string
		staging, snapshot, branches string
	}{
		"all": {nil, false, "web-1.0.0 db-2.0.0", "", "web-1.1.0",
			"app/1.0.0 db/1.0.0 web/0.9.0 web/1.1.0", "db/1.5.0 n/1.0.0 web/2.0.0", "staging snapshot"},
		"all, and older ones": {nil, true, "web-1.0.0 db-2.0.0", "web-0.9.0 db-1.5.0", "web-1.1.0",
			"app/1.0.0 db/1.0.0 web/1.1.0", "n/1.0.0 web/2.0.0", "staging snapshot"},
		"named, with another content": {[]string{"web-1.1.0"}, false, "web-1.1.0", "", "",
			"app/1.0.0 db/1.0.0 web/0.9.0 web/1.0.0", "db/1.5.0 db/2.0.0 n/1.0.0 web/2.0.0", "staging"},
		"named, and older ones": {[]string{"web-1.1.0"}, true, "web-1.1.0", "web-0.9.0 web-1.0.0", "",
			"app/1.0.0 db/1.0.0", "db/1.5.0 db/2.0.0 n/1.0.0 web/2.0.0", "staging"},
		"older ones where it never was": {[]string{"db-2.0.0"}, true, "db-2.0.0", "db-1.0.0 db-1.5.0", "",
			"app/1.0.0 web/0.9.0 web/1.0.0 web/1.1.0", "n/1.0.0 web/2.0.0", "staging snapshot"},
	} {
		repo := released(t)
		o := clean(repo, c.named...)
		o.RemoveOlder, o.DryRun = c.older, true
		before := refs(repo)
		if r, err := promote.Clean(t.Context(), o); err != nil || ids(r.Moved) != c.moved || refs(repo) != before {
			t.Errorf("%s: a dry run: %+v, %v", name, r, err)
		}
		o.DryRun = false
		r, err := promote.Clean(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var branches []string
		for _, u := range r.Updates {
			branches = append(branches, u.Branch)
		}
		for _, x := range []struct{ what, got, want string }{
			{"moved", ids(r.Moved), c.moved},
			{"older", sorted(ids(r.Older)), sorted(c.went)},
			{"kept", ids(r.Kept), c.kept},
			{"staging", strings.Join(packages(t, repo.Dir, "staging"), " "), c.staging},
			{"snapshot", strings.Join(packages(t, repo.Dir, "snapshot"), " "), c.snapshot},
			{"production", strings.Join(packages(t, repo.Dir, "production"), " "), "db/2.0.0 web/1.0.0 web/1.1.0"},
			{"branches", strings.Join(branches, " "), c.branches},
		} {
			if x.got != x.want {
				t.Errorf("%s: %s: %q, want %q", name, x.what, x.got, x.want)
			}
		}
		if r.From != "" || r.To != "production" || r.Attempts != 1 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// The commit says where the packages are now, and tells those that were promoted from
// those that only went along. One of which nothing was promoted is named by these.
func TestCleanCommits(t *testing.T) {
	repo := released(t)
	production, web := repo.Git("", "rev-parse", "production"), repo.Git("", "rev-parse", "staging:packages/db/1.0.0")
	before := repo.Git("", "rev-parse", "snapshot:packages/db/2.0.0", "snapshot:packages/db/1.5.0")
	gone, older, _ := strings.Cut(before, "\n")
	o := clean(repo, "db-2.0.0")
	o.RemoveOlder = true
	if _, err := promote.Clean(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want string }{
		{repo.Git("", "log", "-1", "--format=%s", "snapshot"), "Remove db-2.0.0, promoted to production"},
		{trailers(repo, "snapshot", "Promoted-Package"), "db-2.0.0 " + gone},
		{trailers(repo, "snapshot", "Removed-Package"), "db-1.5.0 " + older},
		{trailers(repo, "snapshot", "Promoted-To"), "production " + production},
		{trailers(repo, "snapshot", "Promoted-With"), "regsnap v9.8.7"},
		{repo.Git("", "log", "-1", "--format=%s", "staging"), "Remove db-1.0.0, promoted to production"},
		{trailers(repo, "staging", "Promoted-Package"), ""},
		{trailers(repo, "staging", "Removed-Package"), "db-1.0.0 " + web},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	at := refs(repo)
	if r, err := promote.Clean(t.Context(), o); err != nil || len(r.Updates) > 0 || refs(repo) != at {
		t.Errorf("again: %+v, %v", r, err)
	}
}

// Of a branch that loses its last package an empty packages/ stays; what is not a package
// but stands where one would be keeps it as well.
func TestCleanLast(t *testing.T) {
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	repo.Commit("production", "p", pkg("web", "1.0.0"))
	repo.Commit("staging", "s", "-- LICENSE.txt --\nkept\n"+pkg("web", "1.0.0"))
	repo.Commit("snapshot", "n", pkg("web", "1.0.0")+"-- packages/Web/1.0.0/a --\na\n")
	if _, err := promote.Clean(t.Context(), clean(repo)); err != nil {
		t.Fatal(err)
	}
	for branch, want := range map[string]string{"staging": "LICENSE.txt\npackages/.gitkeep", "snapshot": "packages/Web/1.0.0/a"} {
		if got := repo.Git("", "ls-tree", "-r", "--name-only", branch); got != want {
			t.Errorf("%s holds %q, want %q", branch, got, want)
		}
	}
	if size := repo.Git("", "cat-file", "-s", "staging:packages/.gitkeep"); size != "0" {
		t.Errorf("the file has %s bytes", size)
	}
	// The next package takes its place.
	o := move(repo, promote.Choice{Packages: []string{"web-1.0.0"}})
	repo.Commit("snapshot", "n", pkg("web", "1.0.0")+pkg("n", "1.0.0"))
	if _, err := promote.Promote(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want := "LICENSE.txt\npackages/web/1.0.0/docs/README.md\npackages/web/1.0.0/manifest.yml"
	if got := repo.Git("", "ls-tree", "-r", "--name-only", "staging"); got != want {
		t.Errorf("staging holds %q, want %q", got, want)
	}
}

// A branch that never loses a version is not cleaned, nor is the one that packages went
// to; and nothing is removed that has not arrived.
func TestCleanRefused(t *testing.T) {
	main := lint.Branch{Name: "main", Overwrite: lint.Never}
	loose := lint.Branch{Name: "production", Overwrite: lint.Always}
	gone := lint.Branch{Name: "gone", Overwrite: lint.Always}
	for name, c := range map[string]struct {
		change func(*promote.CleanOptions)
		is     error
		want   string
	}{
		"protected":    {func(o *promote.CleanOptions) { o.Branches = append(o.Branches, main) }, promote.ErrRefused, "main: the branch's rules forbid it: it never loses a released version"},
		"the target":   {func(o *promote.CleanOptions) { o.To, o.Branches = loose, []lint.Branch{loose} }, promote.ErrRefused, "production: the branch's rules forbid it"},
		"not arrived":  {func(o *promote.CleanOptions) { o.Choice.Packages = []string{"web-1.0.0", "app-1.0.0"} }, promote.ErrNotThere, "production does not hold app-1.0.0"},
		"not merged":   {func(o *promote.CleanOptions) { o.Choice.Packages = []string{"app-1.0.0"} }, promote.ErrNotThere, "; is the pull request merged, and fetched?"},
		"no branch":    {func(o *promote.CleanOptions) { o.Branches = append(o.Branches, gone) }, index.ErrNoBranch, "gone"},
		"no target":    {func(o *promote.CleanOptions) { o.To = gone }, index.ErrNoBranch, "gone"},
		"no clone":     {func(o *promote.CleanOptions) { o.Repo = t.TempDir() }, nil, "git"},
		"no such name": {func(o *promote.CleanOptions) { o.Remote = "upstream" }, nil, "git ls-remote"},
	} {
		repo := released(t)
		before := refs(repo)
		o := clean(repo)
		c.change(&o)
		if _, err := promote.Clean(t.Context(), o); err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %v and %q", name, err, c.is, c.want)
		}
		if refs(repo) != before {
			t.Errorf("%s: branches have changed", name)
		}
	}
}
