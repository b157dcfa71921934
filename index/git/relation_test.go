package git

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// graph is a repository whose commits have any parents and any dates.
type graph struct {
	repo *indextest.Repo
	ids  []index.ID
	// comes is true where a commit comes from another; no commit does from itself.
	comes [][]bool
}

// newGraph makes n commits, each with up to two of the earlier ones for parents, and a
// branch cN for each.
func newGraph(t *testing.T, n int, seed uint64) graph {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0))
	g := graph{repo: indextest.NewRepo(t)}
	var stream strings.Builder
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/c%d\nmark :%d\ncommitter A <a@example.com> %d +0000\ndata 0\n", i, i+1, random.IntN(1_000_000))
		comes := make([]bool, n)
		for j, word := range []string{"from", "merge"}[:min(i, random.IntN(3))] {
			parent := random.IntN(i)
			if j == 1 && comes[parent] {
				break // git makes no merge of what is there
			}
			fmt.Fprintf(&stream, "%s :%d\n", word, parent+1)
			comes[parent] = true
			for k, older := range g.comes[parent] {
				comes[k] = comes[k] || older
			}
		}
		g.comes = append(g.comes, comes)
		stream.WriteString("\n")
	}
	g.repo.Git(stream.String(), "fast-import", "--quiet")
	for i := range n {
		g.ids = append(g.ids, mustID(t, g.repo.Git("", "rev-parse", fmt.Sprintf("c%d", i))))
	}
	return g
}

// relation is how the commit to stands to the commit from.
func (g graph) relation(from, to int) index.Relation {
	switch {
	case from == to:
		return index.Same
	case g.comes[to][from]:
		return index.Descendant
	case g.comes[from][to]:
		return index.Ancestor
	}
	return index.Diverged
}

// TestRelation: of any two commits of any history, whatever their dates. In a clone
// that lacks some, what can be told is right, and what cannot is an error that names
// what is missing; with a remote to fetch from, all can be told.
func TestRelation(t *testing.T) {
	for seed := range uint64(3) {
		g := newGraph(t, 12, seed)
		shallow := t.TempDir()
		indextest.Git(t, shallow, "", "init", "--quiet", "--bare")
		indextest.Git(t, shallow, "", "remote", "add", "origin", "file://"+g.repo.Dir)
		indextest.Git(t, shallow, "", "fetch", "--quiet", "--depth=2", "origin", "c6:c6", "c9:c9", "c11:c11")
		alone := filepath.Join(t.TempDir(), "alone")
		if err := os.CopyFS(alone, os.DirFS(shallow)); err != nil {
			t.Fatal(err)
		}
		indextest.Git(t, alone, "", "remote", "remove", "origin")
		sources := map[string]*GitSource{"whole": openGit(t, g.repo.Dir), "shallow": openGit(t, shallow), "alone": openGit(t, alone)}
		told := map[bool]int{}
		for from, a := range g.ids {
			for to, b := range g.ids {
				for name, s := range sources {
					got, err := s.Relation(t.Context(), "c0", a.String(), b.String())
					if name == "alone" {
						if told[err == nil]++; err != nil {
							wantError(t, err, index.ErrNoObject, "history is incomplete, commit ", "fetch --unshallow", "the clone has no remote")
							continue
						}
					}
					if want := g.relation(from, to); err != nil || got != want {
						t.Errorf("seed %d, %s: c%d as seen from c%d: %v, %v, want %v", seed, name, to, from, got, err, want)
					}
				}
			}
		}
		if told[true] == 0 || told[false] == 0 {
			t.Errorf("seed %d: %v", seed, told)
		}
		if dir := sources["shallow"].commits.dir; dir == "" {
			t.Error("nothing was fetched")
		} else if err := sources["shallow"].Close(); err != nil {
			t.Error(err)
		} else if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("what was fetched is left behind: %v", err)
		}
	}
}

// TestRelationOfWhatIsNotThere: the error names the commit that is missing, what
// fetching it said, and how to get it.
func TestRelationOfWhatIsNotThere(t *testing.T) {
	g := newGraph(t, 2, 1)
	s, known, unknown := openGit(t, g.repo.Dir), g.ids[0].String(), strings.Repeat("12", 20)
	for _, pair := range [][2]string{{known, unknown}, {unknown, known}, {unknown, strings.Repeat("13", 20)}} {
		_, err := s.Relation(t.Context(), "production", pair[0], pair[1])
		missing := unknown
		if pair[0] == unknown && pair[1] != known {
			missing = "history is incomplete, commit 1" // one of the two
		}
		wantError(t, err, index.ErrNoObject, missing, "the clone has no remote to fetch commit", "of production from", "git -C "+g.repo.Dir+" fetch --unshallow")
	}
	for _, pair := range [][2]string{{known, "c1"}, {"c1", known}} {
		if r, err := s.Relation(t.Context(), "production", pair[0], pair[1]); err == nil || r != 0 {
			t.Errorf("%v: %v, %v", pair, r, err)
		}
	}
	g.repo.Git("", "remote", "add", "origin", filepath.Join(g.repo.Dir, "gone"))
	_, err := openGit(t, g.repo.Dir).Relation(t.Context(), "production", known, unknown)
	wantError(t, err, index.ErrNoObject, "fetch commit "+unknown+" from origin", "does not appear to be a git repository")
}

// TestParents: what a commit comes from stands after its tree, and nowhere else.
func TestParents(t *testing.T) {
	const one, two = "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "1b825dc642cb6eb9a060e54bf8d69288fbee4901"
	for content, want := range map[string]string{
		"tree " + one + "\nauthor A <> 1 +0000\n\nparent " + two + "\n":                                 "[]",
		"tree " + one + "\nparent " + two + "\nauthor A <> 1 +0000\nparent " + one + "\n":               "[" + two + "]",
		"tree " + one + "\nparent " + two + "\nparent " + one + "\ncommitter A <> 1 +0000\n\nmessage\n": "[" + two + " " + one + "]",
		"tree " + one + "\nparent " + two:                                                               "[" + two + "]",
	} {
		if got, err := parseParents(index.ID{}, []byte(content)); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v, %v, want %s", content, got, err, want)
		}
	}
	_, err := parseParents(index.ID{7}, []byte("tree "+one+"\nparent 12\n"))
	wantError(t, err, ErrBadObject, index.ID{7}.String(), "a parent")
}

// TestCommitsSince: as many commits as are in the history of a branch and not in that
// of another commit.
func TestCommitsSince(t *testing.T) {
	g := newGraph(t, 12, 5)
	s := openGit(t, g.repo.Dir)
	in := func(commit, of int) bool { return commit == of || g.comes[of][commit] }
	for head := range g.ids {
		for since := range g.ids {
			want := 0
			for i := range g.ids {
				if in(i, head) && !in(i, since) {
					want++
				}
			}
			if got, err := s.CommitsSince(t.Context(), fmt.Sprintf("c%d", head), g.ids[since].String()); err != nil || got != want {
				t.Errorf("c%d since c%d: %d, %v, want %d", head, since, got, err, want)
			}
		}
	}
	missing := strings.Repeat("12", 20)
	_, err := s.CommitsSince(t.Context(), "c0", missing)
	wantError(t, err, index.ErrNoObject, "commit "+missing)
	_, err = s.CommitsSince(t.Context(), "gone", missing)
	wantError(t, err, index.ErrNoBranch, "gone")
	if _, err = s.CommitsSince(t.Context(), "c0", "c1"); err == nil || errors.Is(err, index.ErrNoObject) {
		t.Errorf("not the digits of a commit: %v", err)
	}
	wrapGit(t, `case "$1" in rev-list) echo many; exit;; esac`)
	_, err = openGit(t, g.repo.Dir).CommitsSince(t.Context(), "c0", g.ids[0].String())
	wantError(t, err, nil, "git rev-list", `"many"`)
}
