package lint_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// TestRangeFails: where a command of git fails, that is the error, or the range is the same.
func TestRangeFails(t *testing.T) {
	repo := indextest.NewRepo(t)
	for _, version := range []string{"1.0.0", "2.0.0", "3.0.0"} {
		repo.Commit("production", version, "-- packages/p/"+version+"/manifest.yml --\n")
	}
	repo.Commit("change", "first", "-- packages/p/1.0.0/manifest.yml --\n")
	repo.Git("", "update-ref", "refs/heads/change", "production~1")
	work := filepath.Join(t.TempDir(), "work")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=production", repo.Dir, work)
	indextest.Git(t, work, "", "branch", "--quiet", "change", "origin/change")
	f := indextest.NewFailingGit(t)
	f.OnPath(t)
	for _, c := range []struct{ dir, base, head string }{
		{work, "", ""}, {work, "", "change"}, {work, "production~2", ""}, {work, "production~2", "change"}, {repo.Dir, "", ""}, {repo.Dir, "", "change"},
	} {
		var want lint.Range
		for n, last := 0, 1; n <= last; n++ {
			f.Fail(0)
			s := open(t, c.dir)
			f.Fail(n)
			got, err := lint.FindRange(t.Context(), s, "production", c.base, c.head)
			if n == 0 {
				if want, last = got, f.Commands(); err != nil || last < 2 {
					t.Fatalf("%+v: %d commands, %v", c, last, err)
				}
				continue
			}
			if err == nil && got == want && strings.HasPrefix(f.Failed(), "rev-parse ") {
				continue // what git does not find by its own terms may be a branch
			}
			if err == nil || !strings.Contains(err.Error(), "No space left on device") {
				t.Errorf("%+v: git %s fails: %+v, %v, want an error; without it is %+v", c, f.Failed(), got, err, want)
			}
		}
		f.Fail(0)
		if again, err := lint.FindRange(t.Context(), open(t, c.dir), "production", c.base, c.head); err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%+v: %+v, %v, want %+v", c, again, err, want)
		}
	}
}

// TestLintFails has each command of git fail that a judgement or an audit takes: it ends with
// an error, or comes to the same but for whom to ask, which is not always known.
func TestLintFails(t *testing.T) {
	repo := indextest.NewRepo(t)
	version := func(version, text string) string { return indextest.Package("web", version, text) }
	repo.Commit("production", "first", version("1.0.0", "one"))
	repo.Git("", "update-ref", "refs/heads/side", "refs/heads/production")
	side := repo.Commit("side", "overwrite", version("1.0.0", "another"))
	repo.Commit("production", "more", version("1.0.0", "one")+version("1.1.0", "one"))
	repo.Commit("snapshot", "newer", version("1.2.0", "two"))
	merge := repo.Git("", "commit-tree", "-m", "merge", "-p", "production", "-p", side, side+"^{tree}")
	base, since := repo.Git("", "rev-parse", "production"), repo.Git("", "rev-parse", "production~1")
	merged := repo.Git("", "commit-tree", "-m", "merge", "-p", since, "-p", side, side+"^{tree}")
	repo.Git("", "update-ref", "refs/heads/merged", merged)
	id := func(text string) index.ID {
		id, err := index.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	branch := lint.Branch{Name: "production", Overwrite: lint.Never, Below: []lint.Branch{{Name: "snapshot", Overwrite: lint.Always}}}
	// Whom to ask is left out.
	findings := func(list []index.Problem) (out []string) {
		for _, p := range list {
			p.Owner, p.Commit = "", nil
			out = append(out, p.String())
		}
		return out
	}
	judged := func(o lint.Options) func(s *git.GitSource) (any, error) {
		return func(s *git.GitSource) (any, error) {
			o.Source = s
			r, err := lint.Lint(t.Context(), o)
			if err != nil {
				return nil, err
			}
			return []any{r.Base, r.Head, r.Changes, findings(r.Report.Errors), findings(r.Report.Warnings)}, nil
		}
	}
	f := indextest.NewFailingGit(t)
	f.OnPath(t)
	for name, run := range map[string]func(s *git.GitSource) (any, error){
		"a push":     judged(lint.Options{Branch: branch, Base: id(since), Head: id(merge)}),
		"a proposal": judged(lint.Options{Branch: branch, Base: id(base), Head: id(side), Proposed: true}),
		"an audit": func(s *git.GitSource) (any, error) {
			a, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: "merged"})
			if err != nil {
				return nil, err
			}
			for i := range a.Findings {
				a.Findings[i].Owner = ""
			}
			return a, nil
		},
	} {
		var want any
		for n, last := 0, 1; n <= last; n++ {
			f.Fail(0)
			s := open(t, repo.Dir)
			f.Fail(n)
			got, err := run(s)
			commands, failed := f.Commands(), ""
			if n > 0 {
				failed = f.Failed()
			}
			f.Fail(0)
			switch {
			case n == 0 && (err != nil || commands < 2):
				t.Fatalf("%s: %d commands, %v", name, commands, err)
			case n == 0:
				want, last = got, commands
			case err != nil && !strings.Contains(err.Error(), "No space left on device"):
				t.Errorf("%s: git %s fails: %v", name, failed, err)
			case err == nil && !reflect.DeepEqual(got, want):
				t.Errorf("%s: git %s fails, and the result is %+v, want %+v", name, failed, got, want)
			}
		}
		if text := fmt.Sprintf("%+v", want); !strings.Contains(text, "web") {
			t.Errorf("%s: nothing is found: %s", name, text)
		}
	}
}
