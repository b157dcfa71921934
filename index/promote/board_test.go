package promote_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/promote"
)

var order = []string{"production", "staging", "snapshot"}

func board(t *testing.T, dir string, branches ...string) (*promote.Board, error) {
	t.Helper()
	s, err := git.OpenGit(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return promote.NewBoard(t.Context(), s, branches)
}

// line is a package of a board on one line.
func line(p promote.BoardPackage) string {
	var out []string
	for _, branch := range order {
		out = append(out, strings.Join(p.Versions[branch], ","))
	}
	text := p.Name + ": " + strings.Join(out, " | ")
	for _, w := range p.Waiting {
		text += fmt.Sprintf(" waiting %s in %s", w.Version, w.Branch)
	}
	for _, l := range p.Left {
		text += fmt.Sprintf(" left %s in %s", l.Version, l.Branch)
	}
	return text
}

func versions(name string, list ...string) string {
	var b strings.Builder
	for _, v := range list {
		b.WriteString(pkg(name, v))
	}
	return b.String()
}

// What waits is newer than what all branches of higher precedence hold, what is left is
// in a branch although one of higher precedence holds it; all the newest first, by the
// order of versions and not of text.
func TestBoard(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("production", "p", versions("web", "1.9.0", "1.10.0")+versions("db", "2.0.0")+versions("old", "3.0.0"))
	repo.Commit("staging", "s", versions("old", "1.0.0")+versions("web", "1.2.0", "1.10.0", "1.11.0", "1.11.0-rc1")+versions("app", "1.0.0"))
	repo.Commit("snapshot", "n", versions("web", "1.10.5", "2.0.0", "1.12.0", "1.9.0")+versions("db", "2.0.0+b", "1.0.0")+versions("app", "1.0.0", "0.9.0", "1.0.1")+versions("old", "2.0.0"))
	b, err := board(t, repo.Dir, order...)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range b.Packages {
		got = append(got, line(p))
	}
	want := []string{
		"app:  | 1.0.0 | 1.0.1,1.0.0,0.9.0 waiting 1.0.1 in snapshot waiting 1.0.0 in staging left 1.0.0 in snapshot",
		"db: 2.0.0 |  | 2.0.0+b,1.0.0",
		"old: 3.0.0 | 1.0.0 | 2.0.0",
		"web: 1.10.0,1.9.0 | 1.11.0,1.11.0-rc1,1.10.0,1.2.0 | 2.0.0,1.12.0,1.10.5,1.9.0" +
			" waiting 2.0.0 in snapshot waiting 1.12.0 in snapshot waiting 1.11.0 in staging waiting 1.11.0-rc1 in staging left 1.10.0 in staging left 1.9.0 in snapshot",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if b.Waiting != 6 || strings.Join(b.Branches, " ") != "production staging snapshot" {
		t.Errorf("%d wait, branches %q", b.Waiting, b.Branches)
	}
}

// listed are the names of a board, and how many versions wait.
func listed(b *promote.Board) string {
	var out []string
	for _, p := range b.Packages {
		out = append(out, p.Name)
	}
	return fmt.Sprintf("%s: %d", strings.Join(out, " "), b.Waiting)
}

func TestBoardFilter(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("production", "p", versions("web", "1.0.0")+versions("db", "2.0.0"))
	repo.Commit("staging", "s", versions("web", "1.1.0", "1.2.0")+versions("app", "1.0.0"))
	for _, c := range []struct {
		named   []string
		waiting bool
		want    string
	}{
		{nil, false, "app db web: 3"},
		{nil, true, "app web: 3"},
		{[]string{"web"}, false, "web: 2"},
		{[]string{"db", "web"}, false, "db web: 2"},
		{[]string{"db", "app"}, true, "app: 1"},
		{[]string{"db"}, true, ": 0"},
	} {
		b, err := board(t, repo.Dir, order[:2]...)
		if err == nil {
			err = b.Filter(c.named, c.waiting)
		}
		if err != nil || listed(b) != c.want {
			t.Errorf("%q, waiting %v: %q, %v, want %q", c.named, c.waiting, listed(b), err, c.want)
		}
	}
	b, err := board(t, repo.Dir, order[:2]...)
	if err != nil {
		t.Fatal(err)
	}
	err = b.Filter([]string{"web", "webs"}, false)
	if !errors.Is(err, promote.ErrNotThere) || !strings.HasSuffix(err.Error(), "no branch holds webs (did you mean web?)") || listed(b) != "app db web: 3" {
		t.Errorf("%v, and the board has %q", err, listed(b))
	}
}

// A version waits since it came to the branch, the last time that it did; of one that
// was there when the history of the clone begins, that is the latest that it can be.
func TestBoardSince(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("production", "p", pkg("web", "1.0.0"))
	repo.Commit("staging", "first", pkg("old", "1.0.0"))
	repo.Commit("staging", "web comes", pkg("old", "1.0.0")+pkg("web", "1.1.0"))
	repo.Commit("staging", "web goes", pkg("old", "1.0.0")+pkg("db", "1.0.0"))
	back := repo.Commit("staging", "web comes back", pkg("old", "1.0.0")+pkg("db", "1.0.0")+pkg("web", "1.1.0"))
	repo.Commit("staging", "web changes", pkg("old", "1.0.0")+pkg("db", "1.0.0")+strings.Replace(pkg("web", "1.1.0"), "# web", "# w", 1))
	b, err := board(t, repo.Dir, order...) // there is no branch snapshot
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		name, commit string
		atLeast      bool
	}{{"db", "staging~2", false}, {"old", "staging~4", true}, {"web", back, false}} {
		w := b.Packages[i].Waiting
		if b.Packages[i].Name != c.name || len(w) != 1 || w[0].AtLeast != c.atLeast || w[0].Branch != "staging" {
			t.Errorf("%s: %+v", c.name, b.Packages[i])
			continue
		}
		if want := repo.Git("", "log", "-1", "--format=%ct", c.commit); fmt.Sprint(w[0].Since.Unix()) != want {
			t.Errorf("%s: since %s, want %s", c.name, w[0].Since.Format(time.RFC3339), want)
		}
	}
}

// A branch that is not there or holds nothing is empty; one that cannot be read is an error.
func TestBoardEmpty(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("production", "p", "-- LICENSE.txt --\nnothing else\n")
	repo.Commit("staging", "s", pkg("web", "1.0.0"))
	b, err := board(t, repo.Dir, order...)
	if err != nil || len(b.Packages) != 1 || line(b.Packages[0]) != "web:  | 1.0.0 |  waiting 1.0.0 in staging" {
		t.Errorf("%+v, %v", b, err)
	}
	if b, err = board(t, repo.Dir, "snapshot"); err != nil || b.Packages == nil || len(b.Packages) > 0 || b.Waiting != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	// The first branch has nothing to be promoted from.
	if b, err = board(t, repo.Dir, "staging"); err != nil || len(b.Packages) != 1 || b.Waiting != 0 {
		t.Errorf("%+v, %v", b, err)
	}
	first := repo.Git("", "rev-parse", "staging:packages/web")
	repo.Commit("staging", "s", pkg("db", "1.0.0"))
	repo.Remove(first)
	if _, err := board(t, repo.Dir, order...); err == nil || !strings.HasPrefix(err.Error(), "board: ") {
		t.Errorf("a history that cannot be read: %v", err)
	}
	repo.Remove(repo.Git("", "rev-parse", "staging:packages"))
	if _, err := board(t, repo.Dir, order...); err == nil || strings.HasPrefix(err.Error(), "board: ") {
		t.Errorf("a branch that cannot be read: %v", err)
	}
}
