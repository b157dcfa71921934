package lint_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

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
