package lint_test

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

func open(t *testing.T, dir string) *git.GitSource {
	t.Helper()
	s, err := git.OpenGit(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// described is a finding on one line.
func described(f lint.AuditFinding) string {
	var files []string
	for _, file := range f.Files {
		files = append(files, file.Kind+" "+strings.TrimPrefix(file.Path, "packages/"))
	}
	by := ""
	if f.By != nil {
		by = ", by " + f.By.Subject
	}
	return fmt.Sprintf("%s-%s %s: %s%s, released: %s, owner %s: %s", f.Package, f.Version, f.Kind, f.Commit.Subject, by, f.Released.Subject, f.Owner, strings.Join(files, ", "))
}

// The whole life of versions: what a pull request does to its own is its own
// business, what it does to released ones is found with who did it.
func TestAudit(t *testing.T) {
	repo := indextest.NewRepo(t)
	const base = "-- packages/web/1.0.0/manifest.yml --\nowner.github: acme/web\n-- packages/web/1.0.0/b --\nb\n-- packages/sig-1.0.0.zip --\nz\n"
	repo.Commit("production", "first", base)
	repo.Git("", "update-ref", "refs/heads/side", "refs/heads/production")
	repo.Commit("side", "side: add", base+"-- packages/web/1.1.0/a --\n1\n")
	repo.Commit("side", "side: mend", base+"-- packages/web/1.1.0/a --\n2\n")
	side := repo.Commit("side", "side: break", strings.Replace(base, "\nb\n", "\nbroken\n", 1)+"-- packages/web/1.1.0/a --\n2\n")
	merge := repo.Git("", "commit-tree", "-m", "merge side", "-p", "refs/heads/production", "-p", side, side+"^{tree}")
	repo.Git("", "update-ref", "refs/heads/production", merge)
	repo.Commit("production", "remove", "-- packages/web/1.1.0/a --\n2\n-- packages/sig-1.0.0.zip --\nz\n-- packages/sig-1.0.0.zip.sig --\ns\n")
	repo.Commit("production", "restore", strings.Replace(base, "\nb\n", "\nbroken\n", 1)+"-- packages/web/1.1.0/a --\n2\n-- packages/sig-1.0.0.zip.sig --\ns\n")
	repo.Commit("production", "remove again", "-- packages/web/1.1.0/a --\n2\n-- packages/sig-1.0.0.zip --\nz\n-- packages/sig-1.0.0.zip.sig --\ns\n")
	repo.Commit("production", "return", base+"-- packages/web/1.1.0/a --\n2\n-- packages/sig-1.0.0.zip.sig --\ns\n")

	s := open(t, repo.Dir)
	a, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: "production"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range a.Findings {
		got = append(got, described(f))
	}
	const gone = "removed web/1.0.0/b, removed web/1.0.0/manifest.yml"
	want := []string{
		"web-1.0.0 changed: merge side, by side: break, released: first, owner acme/web: changed web/1.0.0/b",
		"sig-1.0.0 changed: remove, released: first, owner : added sig-1.0.0.zip.sig",
		"web-1.0.0 removed: remove, released: first, owner acme/web: " + gone,
		"web-1.0.0 removed: remove again, released: first, owner acme/web: " + gone,
		"web-1.0.0 returned: return, released: first, owner acme/web: changed web/1.0.0/b",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if a.Commits != 6 || a.Versions != 3 || a.Shallow || a.From.Subject != "first" {
		t.Errorf("%d commits, %d versions, shallow %v, from %s", a.Commits, a.Versions, a.Shallow, a.From.Subject)
	}

	// Since leaves findings out, not what they are judged by.
	last, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: "production", Since: a.Findings[4].Commit.Time})
	if err != nil {
		t.Fatal(err)
	}
	if len(last.Findings) != 1 || described(last.Findings[0]) != want[4] {
		t.Errorf("since the last commit: %+v", last.Findings)
	}
	none, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: "production", Since: a.Findings[4].Commit.Time.Add(time.Second)})
	if err != nil || len(none.Findings) != 0 {
		t.Errorf("since later: %+v, %v", none.Findings, err)
	}
}

// A shallow clone does not take its oldest commit for the release of everything.
func TestAuditShallow(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("production", "first", "-- packages/web/1.0.0/a --\n1\n")
	repo.Commit("production", "second", "-- packages/web/1.0.0/a --\n2\n")
	dir := t.TempDir()
	indextest.Git(t, dir, "", "clone", "--quiet", "--bare", "--depth=1", "--branch=production", "file://"+repo.Dir, "clone")
	a, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: open(t, dir+"/clone"), Branch: "production"})
	if err != nil {
		t.Fatal(err)
	}
	if !a.Shallow || a.Commits != 1 || len(a.Findings) != 0 {
		t.Errorf("shallow %v, %d commits, findings %+v", a.Shallow, a.Commits, a.Findings)
	}
}

// A version whose files cannot be read any more is an error that names the commit and
// the version, whatever was done to it.
func TestAuditLacks(t *testing.T) {
	const db = "-- packages/db/1.0.0/a --\na\n"
	for kind, after := range map[string][]string{
		"changed":  {"-- packages/web/1.0.0/a --\n2\n" + db},
		"removed":  {db},
		"returned": {db, "-- packages/web/1.0.0/a --\n3\n" + db},
	} {
		repo := indextest.NewRepo(t)
		repo.Commit("production", "first", "-- packages/web/1.0.0/a --\n1\n"+db)
		for _, files := range after {
			repo.Commit("production", "then", files)
		}
		lost := repo.Git("", "rev-parse", "production~"+fmt.Sprint(len(after))+":packages/web/1.0.0")
		since := time.Time{}
		if kind == "returned" { // what was removed is not asked for
			lost = repo.Git("", "rev-parse", "production:packages/web/1.0.0")
			seconds, err := strconv.ParseInt(repo.Git("", "log", "-1", "--format=%ct", "production"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			since = time.Unix(seconds, 0)
		}
		s := open(t, repo.Dir)
		a, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: "production", Since: since})
		if err != nil || a.Findings[len(a.Findings)-1].Kind != kind {
			t.Fatalf("%s: %+v, %v", kind, a, err)
		}
		repo.Remove(lost)
		head := repo.Git("", "rev-parse", "production")
		_, err = lint.RunAudit(t.Context(), lint.AuditOptions{Source: open(t, repo.Dir), Branch: "production", Since: since})
		if err == nil || !strings.Contains(err.Error(), "commit "+head[:12]+": packages/web/1.0.0: ") {
			t.Errorf("%s: %v", kind, err)
		}
	}
	repo := indextest.NewRepo(t)
	repo.Commit("production", "first", db)
	if _, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: open(t, repo.Dir), Branch: "gone"}); !errors.Is(err, index.ErrNoBranch) {
		t.Errorf("%v", err)
	}
}
