package promote_test

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// proposing is a repository with packages to be promoted to production, and how.
func proposing(t *testing.T, named ...string) (*indextest.Repo, promote.Options) {
	t.Helper()
	repo := storage(t, pkg("app", "1.0.0")+pkg("db", "2.0.0")+pkg("web", "1.1.0"), pkg("n", "1.0.0"))
	return repo, promote.Options{Repo: repo.Dir, From: staging, To: production, Choice: promote.Choice{Packages: named}, Regsnap: "v9.8.7"}
}

// A branch that is never overwritten only gets packages by pull request: a branch is
// made for it, named by its content, and the others stay where they are.
func TestProposal(t *testing.T) {
	for name, c := range map[string]struct {
		named              []string
		branch, title      string
		body               string
		production, change string
	}{
		"one":   {[]string{"web-1.1.0"}, "web-1.1.0-", "Promote web-1.1.0 from staging to production", "- web 1.1.0\n", "web/1.0.0 web/1.1.0", "+web-1.1.0"},
		"two":   {[]string{"web-1.1.0", "app-1.0.0"}, "app-1.0.0-and-1-more-", "Promote app-1.0.0, web-1.1.0 from staging to production", "- app 1.0.0\n- web 1.1.0\n", "app/1.0.0 web/1.0.0 web/1.1.0", "+app-1.0.0 +web-1.1.0"},
		"three": {[]string{"web-1.1.0", "db-2.0.0", "app-1.0.0"}, "app-1.0.0-and-2-more-", "Promote app-1.0.0, db-2.0.0, web-1.1.0 from staging to production", "- app 1.0.0\n- db 2.0.0\n- web 1.1.0\n", "app/1.0.0 db/2.0.0 web/1.0.0 web/1.1.0", "+app-1.0.0 +db-2.0.0 +web-1.1.0"},
	} {
		repo, o := proposing(t, c.named...)
		before := refs(repo)
		o.DryRun = true
		if r, err := promote.Promote(t.Context(), o); err != nil || r.PullRequest == nil || refs(repo) != before {
			t.Errorf("%s: a dry run says what it would propose, and makes nothing: %+v, %v", name, r, err)
		}
		o.DryRun = false
		r, err := promote.Promote(t.Context(), o)
		if err != nil || r.PullRequest == nil || len(r.Updates) != 1 {
			t.Errorf("%s: %+v, %v", name, r, err)
			continue
		}
		branch := r.PullRequest.Branch
		id := repo.Git("", "rev-parse", "refs/heads/"+branch)
		for _, x := range []struct{ what, got, want string }{
			{"branch", branch, "promote/production/" + c.branch + repo.Git("", "rev-parse", branch+"^{tree}")[:8]},
			{"base", r.PullRequest.Base, "production"},
			{"title", r.PullRequest.Title, c.title},
			{"subject", repo.Git("", "log", "-1", "--format=%s", branch), c.title},
			{"update", r.Updates[0].Branch + " " + r.Updates[0].Commit + " " + r.Updates[0].New.String(), branch + " " + id + " " + id},
			{"changes", changes(r.Updates[0]), c.change},
			{"parent", repo.Git("", "rev-parse", branch+"^"), repo.Git("", "rev-parse", "production")},
			{"packages", strings.Join(packages(t, repo.Dir, branch), " "), c.production},
			{"what is beside them", repo.Git("", "show", branch+":LICENSE.txt"), "kept"},
			{"the others", refs(repo), "refs/heads/production " + repo.Git("", "rev-parse", "production") + "\nrefs/heads/" + branch + " " + id + before[strings.Index(before, "\nrefs/heads/snapshot"):]},
			{"body", r.PullRequest.Body, "From `staging` at " + repo.Git("", "rev-parse", "staging") + ", content unchanged:\n\n" + c.body + "\nAfter the merge `regsnap promote --clean` removes them from where they were.\n"},
		} {
			if x.got != x.want {
				t.Errorf("%s: %s: %q, want %q", name, x.what, x.got, x.want)
			}
		}
		if !r.Updates[0].Old.IsZero() {
			t.Errorf("%s: the branch was at %s", name, r.Updates[0].Old)
		}
	}
}

// The same proposal is the same branch, whatever made its commit. One on top of another
// state, or with another content, is not overwritten.
func TestProposalAgain(t *testing.T) {
	for name, c := range map[string]struct {
		change func(repo *indextest.Repo, branch string)
		want   string
	}{
		"unchanged": {func(*indextest.Repo, string) {}, ""},
		"production has another commit": {func(repo *indextest.Repo, _ string) {
			repo.CommitTree("production", repo.Git("", "rev-parse", "production^{tree}"), "nothing new")
		}, "on top of another state of production: delete it if its pull request is closed"},
		"the branch has another content": {func(repo *indextest.Repo, branch string) {
			other := repo.Git("", "commit-tree", "-m", "other", "-p", "production", "staging^{tree}")
			repo.Git("", "update-ref", "refs/heads/"+branch, other)
		}, "on top of another state of production"},
		"the branch has diverged": {func(repo *indextest.Repo, branch string) {
			other := repo.Git("", "commit-tree", "-m", "other", "-p", "production", "staging^{tree}")
			repo.Git("", "update-ref", "refs/remotes/origin/"+branch, other)
		}, "neither contains the other"},
		"the branch has no parent": {func(repo *indextest.Repo, branch string) {
			root := repo.Git("", "commit-tree", "-m", "root", branch+"^{tree}")
			repo.Git("", "update-ref", "refs/heads/"+branch, root)
		}, "git rev-parse"},
	} {
		for _, remote := range []string{"", "origin"} {
			repo, o := proposing(t, "web-1.1.0")
			if remote != "" && name == "the branch has diverged" {
				continue // a remote has one branch of a name
			}
			if remote != "" {
				dir := t.TempDir() + "/clone"
				indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", repo.Dir, dir)
				identify(t, dir)
				o.Repo, o.Remote = dir, remote
			}
			r, err := promote.Promote(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			first := r.Updates[0].Commit
			c.change(repo, r.PullRequest.Branch)
			before := refs(repo)
			o.Regsnap = "v9.8.8" // makes another commit of the same content
			r, err = promote.Promote(t.Context(), o)
			switch {
			case refs(repo) != before:
				t.Errorf("%s: branches have changed", name)
			case c.want == "" && (err != nil || r.Updates[0].Commit != first || r.Updates[0].New.String() != first || r.PullRequest == nil):
				t.Errorf("%s: %+v, %v, want the commit %s", name, r, err, first)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		}
	}
}

// What a build of production would refuse is not proposed.
func TestProposalRefused(t *testing.T) {
	repo, o := proposing(t, "web-1.0.0")
	repo.Commit("staging", "s", strings.Replace(pkg("web", "1.0.0"), "# web", "# another web", 1)+pkg("db", "1.0.0"))
	before := refs(repo)
	r, err := promote.Promote(t.Context(), o)
	if err == nil || r.PullRequest != nil || len(r.Report.Errors) != 1 || r.Report.Errors[0].Rule != "version-overwritten" || refs(repo) != before {
		t.Errorf("%+v, %v", r, err)
	}
}

// A proposal comes too late if another was merged while its branch was pushed: then
// nothing is proposed, and what the attempt before found is forgotten.
func TestProposalTooLate(t *testing.T) {
	repo, o := proposing(t)
	o.Choice.AllNewer = true
	o.From = lint.Branch{Name: "staging", Overwrite: lint.IfNeeded}
	merged := repo.Git("", "commit-tree", "-m", "merged", "-p", "production", "staging^{tree}")
	once(t, repo, "refs/heads/promote", "git update-ref refs/heads/production "+merged)
	r, err := promote.Promote(t.Context(), o)
	if err != nil || r.Attempts != 2 || r.PullRequest != nil || len(r.Updates) > 0 || len(r.Moved) > 0 || len(r.Report.Warnings)+len(r.Report.Errors) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}
