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

// ids are the entries of a list, NAME-VERSION each.
func ids(entries []index.Entry) string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Name+"-"+e.Version)
	}
	return strings.Join(out, " ")
}

// changes are those of an update: +NAME-VERSION, -NAME-VERSION, ~NAME-VERSION.
func changes(u promote.Update) string {
	var out []string
	for _, c := range u.Changes {
		mark := "~"
		switch {
		case c.Added():
			mark = "+"
		case c.Removed():
			mark = "-"
		}
		out = append(out, mark+c.Entry().Name+"-"+c.Entry().Version)
	}
	return strings.Join(out, " ")
}

// refs are all refs of a repository, with what they are at.
func refs(repo *indextest.Repo) string {
	return repo.Git("", "for-each-ref", "--format=%(refname) %(objectname)")
}

// trailers are the values of a trailer of a branch's last commit, a line each.
func trailers(repo *indextest.Repo, branch, key string) string {
	return repo.Git("", "log", "-1", "--format=%(trailers:key="+key+",valueonly,separator=%x0A)", branch)
}

// A promotion is a commit on each branch: the packages as they are, with trailers
// that say where they came from and went to, which content they had, and what moved them.
func TestPromoteCommits(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("web", "1.0.5")+pkg("web", "1.1.0")+pkg("web", "2.0.0")+pkg("n", "1.0.0"))
	from, to := repo.Git("", "rev-parse", "snapshot"), repo.Git("", "rev-parse", "staging")
	tree, older := repo.Git("", "rev-parse", "snapshot:packages/web/1.1.0"), repo.Git("", "rev-parse", "snapshot:packages/web/1.0.5")
	o := move(repo, promote.Choice{Packages: []string{"web-1.1.0"}})
	o.RemoveOlder, o.Regsnap = true, "v9.8.7"
	r, err := promote.Promote(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	added, removed := repo.Git("", "rev-parse", "staging"), repo.Git("", "rev-parse", "snapshot")
	if r.From != "snapshot" || r.To != "staging" || r.Attempts != 1 || r.PullRequest != nil || len(r.Updates) != 2 || len(r.Report.Errors) > 0 {
		t.Fatalf("%+v", r)
	}
	for _, c := range []struct{ what, got, want string }{
		{"moved", ids(r.Moved), "web-1.1.0"},
		{"older", ids(r.Older), "web-1.0.5"},
		{"the first update", r.Updates[0].Branch + " " + r.Updates[0].Old.String() + " " + r.Updates[0].Commit, "staging " + to + " " + added},
		{"the second update", r.Updates[1].Branch + " " + r.Updates[1].Old.String() + " " + r.Updates[1].Commit, "snapshot " + from + " " + removed},
		{"ids", r.Updates[0].New.String() + " " + r.Updates[1].New.String(), added + " " + removed},
		{"what is added", changes(r.Updates[0]), "+web-1.1.0"},
		{"what is removed", changes(r.Updates[1]), "-web-1.0.5 -web-1.1.0"},
		{"parents", repo.Git("", "rev-parse", "staging^@", "snapshot^@"), to + "\n" + from},
		{"subjects", r.Updates[0].Subject + "\n" + r.Updates[1].Subject, "Promote web-1.1.0 from snapshot to staging\nRemove web-1.1.0, promoted to staging"},
		{"content", repo.Git("", "rev-parse", "staging:packages/web/1.1.0"), tree},
		{"staging", strings.Join(packages(t, repo.Dir, "staging"), " "), "db/1.0.0 web/1.1.0"},
		{"snapshot", strings.Join(packages(t, repo.Dir, "snapshot"), " "), "n/1.0.0 web/2.0.0"},
		{"what came", trailers(repo, "staging", "Promoted-Package"), "web-1.1.0 " + tree},
		{"where from", trailers(repo, "staging", "Promoted-From"), "snapshot " + from},
		{"what by", trailers(repo, "staging", "Promoted-With"), "regsnap v9.8.7"},
		{"what went", trailers(repo, "snapshot", "Promoted-Package"), "web-1.1.0 " + tree},
		{"what went with it", trailers(repo, "snapshot", "Removed-Package"), "web-1.0.5 " + older},
		{"where to", trailers(repo, "snapshot", "Promoted-To"), "staging " + added},
		{"what removed by", trailers(repo, "snapshot", "Promoted-With"), "regsnap v9.8.7"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
}

// Older versions go along with what is named highest, and what is named is not older.
func TestPromoteOlder(t *testing.T) {
	for name, c := range map[string]struct {
		named        []string
		moved, older string
	}{
		"two of one name":          {[]string{"web-1.0.0", "web-1.2.0"}, "web-1.0.0 web-1.2.0", "web-1.1.0"},
		"the lowest":               {[]string{"web-1.0.0"}, "web-1.0.0", ""},
		"two names":                {[]string{"web-1.2.0", "db-3.0.0"}, "db-3.0.0 web-1.2.0", "db-2.0.0 db-2.5.0 web-1.0.0 web-1.1.0"},
		"one version of two names": {[]string{"app-2.0.0", "web-1.2.0", "db-2.5.0"}, "app-2.0.0 db-2.5.0 web-1.2.0", "app-1.2.0 db-2.0.0 web-1.0.0 web-1.1.0"},
		"another name":             {[]string{"db-3.0.0"}, "db-3.0.0", "db-2.0.0 db-2.5.0"},
		"a number, no text":        {[]string{"web-1.10.0"}, "web-1.10.0", "web-1.0.0 web-1.1.0 web-1.2.0"},
	} {
		repo := storage(t, pkg("app", "1.0.0"), pkg("web", "1.0.0")+pkg("web", "1.1.0")+pkg("web", "1.2.0")+pkg("web", "1.10.0")+pkg("db", "2.0.0")+pkg("db", "2.5.0")+pkg("db", "3.0.0")+pkg("app", "1.2.0")+pkg("app", "2.0.0"))
		o := move(repo, promote.Choice{Packages: c.named})
		o.RemoveOlder, o.DryRun = true, true
		before := refs(repo)
		r, err := promote.Promote(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		older := strings.Fields(ids(r.Older))
		slices.Sort(older)
		want := strings.Fields(c.older)
		slices.Sort(want)
		if ids(r.Moved) != c.moved || !slices.Equal(older, want) {
			t.Errorf("%s: moved %q, older %q, want %q and %q", name, ids(r.Moved), older, c.moved, want)
		}
		if len(r.Updates) != 2 || refs(repo) != before {
			t.Errorf("%s: a dry run says what would change (%d updates), and changes nothing", name, len(r.Updates))
		}
		o.RemoveOlder = false
		if r, err := promote.Promote(t.Context(), o); err != nil || len(r.Older) > 0 {
			t.Errorf("%s: not asked for: %q, %v", name, ids(r.Older), err)
		}
	}
}

// What cannot be promoted is refused with what is wrong, and nothing changes.
func TestPromoteRefused(t *testing.T) {
	named := func(p ...string) promote.Choice { return promote.Choice{Packages: p} }
	gone := lint.Branch{Name: "gone", Overwrite: lint.Always}
	withGone := staging
	withGone.Above = []lint.Branch{gone}
	for name, c := range map[string]struct {
		choice   promote.Choice
		from, to lint.Branch
		is       error
		want     string
		never    string
	}{
		"nothing chosen":            {promote.Choice{}, snapshot, staging, nil, "which packages? Name them (nginx-1.2.3; or nginx with --latest), or give --all-newer", ""},
		"latest of nothing":         {promote.Choice{Latest: true}, snapshot, staging, nil, "which packages?", ""},
		"no version":                {named("web"), snapshot, staging, nil, "which version of web? Want NAME-VERSION such as web-1.2.3, or --latest", ""},
		"half a version":            {named("web-1"), snapshot, staging, nil, `"web-1" is not a package: want NAME-VERSION such as nginx-1.2.3`, ""},
		"a version with a v":        {named("web-v1.0.0"), snapshot, staging, nil, `"web-v1.0.0" is not a package`, ""},
		"no name":                   {named("-1.0.0"), snapshot, staging, nil, `"-1.0.0" is not a package`, ""},
		"a path":                    {promote.Choice{Packages: []string{"../web"}, Latest: true}, snapshot, staging, nil, `"../web" is not a package`, ""},
		"latest of a version":       {promote.Choice{Packages: []string{"web-1.1.0"}, Latest: true}, snapshot, staging, nil, "web-1.1.0 is one version: with --latest and --all-newer name packages without it", ""},
		"newer of a version":        {promote.Choice{Packages: []string{"web-1.1.0"}, AllNewer: true}, snapshot, staging, nil, "web-1.1.0 is one version", ""},
		"the second has no version": {named("web-1.1.0", "n"), snapshot, staging, nil, "which version of n?", ""},
		"not there":                 {named("web-7.0.0"), snapshot, staging, promote.ErrNotThere, "snapshot does not hold web-7.0.0", "already"},
		"mistyped":                  {named("wbe-1.1.0"), snapshot, staging, promote.ErrNotThere, "snapshot does not hold wbe-1.1.0 (did you mean web-1.1.0?)", "already"},
		"one of two":                {named("web-1.1.0", "zz-7.0.0", "yy-7.0.0"), snapshot, staging, promote.ErrNotThere, "snapshot does not hold zz-7.0.0, yy-7.0.0", "web"},
		"arrived":                   {named("db-1.0.0"), snapshot, staging, promote.ErrNotThere, "; staging holds it already", ""},
		"one of two arrived":        {named("db-1.0.0", "zz-7.0.0"), snapshot, staging, promote.ErrNotThere, "does not hold db-1.0.0, zz-7.0.0", "already"},
		"latest of none":            {promote.Choice{Packages: []string{"webs"}, Latest: true}, snapshot, staging, promote.ErrNotThere, "snapshot holds no package webs (did you mean web?)", "newer"},
		"none is newer":             {promote.Choice{Packages: []string{"n", "old"}, AllNewer: true}, snapshot, staging, promote.ErrNotThere, "snapshot holds no version of old that is newer than what there is", "no package"},
		"no branch to come from":    {named("web-1.1.0"), gone, staging, index.ErrNoBranch, "gone", ""},
		"no branch to go to":        {named("web-1.1.0"), snapshot, gone, index.ErrNoBranch, "gone", ""},
		"no branch above":           {promote.Choice{AllNewer: true}, snapshot, withGone, index.ErrNoBranch, "gone", ""},
		"from a released branch":    {named("web-1.0.0"), production, staging, promote.ErrRefused, "production: the branch's rules forbid it", ""},
		"invalid where it goes to":  {named("wrong-1.0.0"), snapshot, staging, promote.ErrRefused, "staging: the branch's rules forbid it", ""},
	} {
		repo := storage(t, pkg("db", "1.0.0")+pkg("old", "2.0.0"), pkg("web", "1.1.0")+pkg("n", "1.0.0")+pkg("old", "2.0.0")+strings.Replace(pkg("wrong", "1.0.0"), "\nversion: 1.0.0", "\nversion: 1.0.1", 1))
		before := refs(repo)
		r, err := promote.Promote(t.Context(), promote.Options{Repo: repo.Dir, From: c.from, To: c.to, Choice: c.choice, Regsnap: "main"})
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || c.never != "" && strings.Contains(err.Error(), c.never) {
			t.Errorf("%s: %v, want %v, %q and nothing of %q", name, err, c.is, c.want, c.never)
		}
		if refused := errors.Is(err, promote.ErrRefused); refused && len(r.Report.Errors) == 0 {
			t.Errorf("%s: no report", name)
		}
		if refs(repo) != before {
			t.Errorf("%s: branches have changed", name)
		}
	}
	if _, err := promote.Promote(t.Context(), promote.Options{Repo: t.TempDir(), From: snapshot, To: staging, Choice: named("web-1.1.0")}); err == nil {
		t.Error("a folder that is no repository")
	}
}

// What the branches above show counts as well, and nothing newer is no failure.
func TestPromoteNothingNewer(t *testing.T) {
	repo := storage(t, pkg("db", "2.0.0"), pkg("web", "0.9.0")+pkg("web", "1.0.0")+pkg("db", "2.0.0")+pkg("db", "1.9.9"))
	before := refs(repo)
	r, err := promote.Promote(t.Context(), move(repo, promote.Choice{AllNewer: true}))
	if err != nil || len(r.Moved) > 0 || len(r.Updates) > 0 || r.Attempts != 1 || refs(repo) != before {
		t.Errorf("%+v, %v", r, err)
	}
	o := move(repo, promote.Choice{Packages: []string{"db"}, Latest: true})
	o.DryRun = true
	if r, err = promote.Promote(t.Context(), o); err != nil || ids(r.Moved) != "db-2.0.0" {
		t.Errorf("latest asks for what is there: %q, %v", ids(r.Moved), err)
	}
}

// A subject names three packages, and of more the first two.
func TestPromoteSubjects(t *testing.T) {
	for want, named := range map[string][]string{
		"Promote a-1.0.0, b-1.0.0 from snapshot to staging":                     {"a-1.0.0", "b-1.0.0"},
		"Promote a-1.0.0, b-1.0.0, c-1.0.0 from snapshot to staging":            {"a-1.0.0", "b-1.0.0", "c-1.0.0"},
		"Promote a-1.0.0, b-1.0.0 and 2 more packages from snapshot to staging": {"a-1.0.0", "b-1.0.0", "c-1.0.0", "d-1.0.0"},
	} {
		repo := storage(t, pkg("db", "1.0.0"), pkg("a", "1.0.0")+pkg("b", "1.0.0")+pkg("c", "1.0.0")+pkg("d", "1.0.0"))
		o := move(repo, promote.Choice{Packages: named})
		o.DryRun = true
		r, err := promote.Promote(t.Context(), o)
		if err != nil || len(r.Updates) != 2 || r.Updates[0].Subject != want {
			t.Errorf("%+v, %v, want %q", r.Updates, err, want)
		}
	}
}

// The report names who changed a package where it comes from: nobody can ask the commit
// that would promote it. It is about the packages of the last attempt, once each.
func TestPromoteBlames(t *testing.T) {
	repo := storage(t, pkg("web", "1.1.0"), pkg("n", "1.0.0"))
	changed := strings.Replace(pkg("web", "1.1.0"), "# web", "# another web", 1)
	repo.Commit("snapshot", "who changed web", pkg("n", "1.0.0")+changed)
	repo.Commit("snapshot", "later", pkg("n", "1.1.0")+changed)
	r, err := promote.Promote(t.Context(), move(repo, promote.Choice{Packages: []string{"web-1.1.0"}}))
	if err != nil {
		t.Fatal(err)
	}
	var found []index.Problem
	for _, p := range r.Report.Warnings {
		if p.Rule == index.RuleVersionOverwritten {
			found = append(found, p)
		}
	}
	if len(found) != 1 || found[0].Branch != "staging" || found[0].Commit == nil || found[0].Commit.Subject != "who changed web" {
		t.Errorf("%+v", r.Report)
	}
}
