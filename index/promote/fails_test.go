package promote_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// reset sets the refs of a repository to those that it had.
func reset(repo *indextest.Repo, to string) {
	var commands strings.Builder
	for ref := range strings.FieldsSeq(repo.Git("", "for-each-ref", "--format=%(refname)")) {
		if !strings.Contains(to, ref+" ") {
			fmt.Fprintln(&commands, "delete", ref)
		}
	}
	for line := range strings.Lines(to) {
		fmt.Fprintln(&commands, "update", strings.TrimSpace(line))
	}
	repo.Git(commands.String(), "update-ref", "--stdin")
}

// contents is what all branches hold, whatever their commits are.
func contents(repo *indextest.Repo) string {
	return repo.Git("", "for-each-ref", "--format=%(refname) %(tree)", "refs/heads")
}

// TestFails has each command of git fail that an operation runs: it then says so, and no
// branch has changed, or all is done as if nothing had failed. Nothing is done by half.
func TestFails(t *testing.T) {
	dir := t.TempDir()
	file := archive(t, dir, "zz", "1.0.0")
	choice := promote.Choice{Packages: []string{"web-1.1.0"}}
	newer := lint.Branch{Name: "staging", Overwrite: lint.IfNeeded, Above: []lint.Branch{production}}
	operations := map[string]func(repo *indextest.Repo, clone string) error{
		"promote": func(repo *indextest.Repo, _ string) error {
			_, err := promote.Promote(t.Context(), promote.Options{Repo: repo.Dir, From: snapshot, To: newer, Choice: promote.Choice{AllNewer: true}, RemoveOlder: true})
			return err
		},
		"promote in a remote": func(_ *indextest.Repo, clone string) error {
			_, err := promote.Promote(t.Context(), promote.Options{Repo: clone, From: snapshot, To: staging, Choice: choice, Remote: "origin"})
			return err
		},
		"propose": func(repo *indextest.Repo, _ string) error {
			_, err := promote.Promote(t.Context(), promote.Options{Repo: repo.Dir, From: snapshot, To: production, Choice: choice})
			return err
		},
		"clean": func(repo *indextest.Repo, _ string) error {
			_, err := promote.Clean(t.Context(), promote.CleanOptions{Options: promote.Options{Repo: repo.Dir, To: production}, Branches: []lint.Branch{staging, snapshot}})
			return err
		},
		"add": func(repo *indextest.Repo, _ string) error {
			_, err := promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{file}})
			return err
		},
	}
	d := indextest.NewFailingGit(t)
	path := os.Getenv("PATH")
	for name, run := range operations {
		t.Run(name, func(t *testing.T) {
			done := ""
			promote.SetRaces(t, 1)
			repo, _, _ := remoteStorage(t)
			repo.Commit("staging", "s", pkg("web", "1.0.0")) // cleaned, it needs a file to be kept
			start, before := refs(repo), contents(repo)
			empty := cloneOf(t, repo).Dir
			for n, last := 0, 1; n <= last; n++ {
				reset(repo, start)
				clone := filepath.Join(t.TempDir(), "clone") // it has nothing yet: what fails to come is missed
				if err := os.CopyFS(clone, os.DirFS(empty)); err != nil {
					t.Fatal(err)
				}
				d.Fail(n)
				t.Setenv("PATH", d.Dir+":"+path)
				err := run(repo, clone)
				t.Setenv("PATH", path)
				now := contents(repo)
				if n == 0 {
					if err != nil || now == before {
						t.Fatalf("nothing fails: %v", err)
					}
					done = now
					if last = d.Commands(); last < 5 {
						t.Fatalf("%d commands, %v", last, err)
					}
					continue
				}
				failed := d.Failed()
				switch {
				case err == nil && now != done:
					t.Errorf("command %d, %s, fails in silence", n, failed)
				case err != nil && now != before && now != done:
					t.Errorf("command %d, %s: done by half: %v", n, failed, err)
				case err != nil && !strings.Contains(err.Error(), "No space left on device"):
					t.Errorf("command %d, %s: another error: %v", n, failed, err)
				}
			}
		})
	}
}
