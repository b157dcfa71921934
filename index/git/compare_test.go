package git

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

func describe(changes []index.Change) string {
	var out []string
	for _, c := range changes {
		kind := "~"
		if c.Added() {
			kind = "+"
		} else if c.Removed() {
			kind = "-"
		}
		out = append(out, fmt.Sprintf("%s%s-%s", kind, c.Entry().Name, c.Entry().Version))
	}
	return strings.Join(out, " ")
}

// Only packages that differ are listed, with all that bears their name: an archive
// that comes beside an unchanged directory is a duplicate.
func TestCompare(t *testing.T) {
	repo := indextest.NewRepo(t)
	const same = "-- packages/same/1.0.0/a --\na\n-- packages/same-2.0.0.zip --\nz\n"
	const web = "-- packages/web/1.0.0/a --\na\n"
	ids := map[string]index.ID{}
	for _, c := range []struct{ subject, archive string }{
		{"none", "-- README.md --\n"},
		{"first", same + web + "-- packages/db-1.0.0.zip --\nz\n"},
		{"second", same + web + "-- packages/web/1.1.0/a --\na\n-- packages/db-1.0.0.zip --\nz\n-- packages/db-1.0.0.zip.sig --\ns\n"},
		{"third", same + "-- packages/web/1.0.0/a --\nb\n-- packages/db-1.0.0.zip --\nz\n"},
		{"double", same + web + "-- packages/web-1.0.0.zip --\nz\n-- packages/db-1.0.0.zip --\nz\n"},
	} {
		id, err := index.ParseID(repo.Commit("main", c.subject, c.archive))
		if err != nil {
			t.Fatal(err)
		}
		ids[c.subject] = id
	}
	s := openGit(t, repo.Dir)
	for _, c := range []struct{ from, to, want string }{
		{"none", "first", "+db-1.0.0 +same-1.0.0 +same-2.0.0 +web-1.0.0"},
		{"first", "second", "~db-1.0.0 +web-1.1.0"},
		{"second", "third", "~db-1.0.0 ~web-1.0.0 -web-1.1.0"},
		{"first", "first", ""},
		{"first", "double", ""},
	} {
		before, after, err := s.Compare(t.Context(), "main", ids[c.from], ids[c.to])
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(index.Changes(before, after)); got != c.want {
			t.Errorf("%s to %s: %q, want %q", c.from, c.to, got, c.want)
		}
		if c.from != "none" && slices.ContainsFunc(after.Entries, func(e index.Entry) bool { return e.Name == "same" }) {
			t.Errorf("%s to %s: what is the same is listed", c.from, c.to)
		}
		if duplicate := len(after.Found.Errors) == 1 && after.Found.Errors[0].Rule == index.RulePackageDuplicate; duplicate != (c.to == "double") {
			t.Errorf("%s to %s: problems %+v", c.from, c.to, after.Found.Errors)
		}
	}
}

func TestRevision(t *testing.T) {
	repo := indextest.NewRepo(t)
	first := repo.Commit("main", "first", "-- a --\n")
	second := repo.Commit("main", "second", "-- b --\n")
	repo.Git("", "update-ref", "refs/remotes/origin/far", first)
	s := openGit(t, repo.Dir)
	for rev, want := range map[string]string{"main": second, "HEAD": second, "main^": first, "main~1": first, "far": first, second: second, second[:10]: second} {
		if id, err := s.Revision(t.Context(), rev); err != nil || id.String() != want {
			t.Errorf("%s: %s, %v; want %s", rev, id, err, want)
		}
	}
	for _, rev := range []string{"", "-n1", "--all", "none", "main:a", "main~7"} {
		if id, err := s.Revision(t.Context(), rev); !errors.Is(err, index.ErrNoBranch) {
			t.Errorf("%q is %s, %v", rev, id, err)
		}
	}
	for _, rev := range []string{"", "-n1"} {
		_, err := s.Revision(t.Context(), rev)
		wantError(t, err, index.ErrNoBranch, "cannot be a revision")
	}
	if name, err := s.HeadBranch(t.Context()); err != nil || name != "main" {
		t.Errorf("HEAD is on %q, %v", name, err)
	}
	// A repository that git cannot read is not one that lacks a commit.
	if err := os.WriteFile(filepath.Join(repo.Dir, "config"), []byte("[core\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if id, err := s.Revision(t.Context(), "main"); err == nil || errors.Is(err, index.ErrNoBranch) {
		t.Errorf("in a repository that cannot be read, main is %s, %v", id, err)
	}
}
