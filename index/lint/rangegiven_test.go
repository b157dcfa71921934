package lint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// Base and head as they are given: by any name that git knows, or as the zeros that CI
// systems give for what was not there. Without a head it is HEAD, in a bare repository
// the branch.
func TestRangeGiven(t *testing.T) {
	repo := indextest.NewRepo(t)
	a := repo.Commit("production", "a", pkg("web", "1.0.0", "a"))
	b := repo.Commit("production", "b", pkg("web", "1.0.0", "b"))
	repo.Git("", "update-ref", "refs/heads/change", a)
	c := repo.Commit("change", "c", pkg("web", "1.0.0", "c"))
	tree := t.TempDir() + "/tree"
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=change", repo.Dir, tree)
	for name, test := range map[string]struct {
		dir, base, head    string
		wantBase, wantHead string
		proposed           bool
	}{
		"bare, nothing given":     {repo.Dir, "", "", a, b, false},
		"bare, base":              {repo.Dir, c, "", c, b, false},
		"bare, zeros":             {repo.Dir, strings.Repeat("0", 40), "", a, b, false},
		"bare, head":              {repo.Dir, "", "change", b, c, true},
		"both":                    {repo.Dir, a, c, a, c, true},
		"a work tree":             {tree, "", "", b, c, true},
		"a work tree, base":       {tree, a, "", a, c, true},
		"a work tree, the branch": {tree, "", "origin/production", a, b, false},
	} {
		r, err := lint.FindRange(t.Context(), open(t, test.dir), "production", test.base, test.head)
		if err != nil || r.Base.String() != test.wantBase || r.Head.String() != test.wantHead || r.Proposed != test.proposed {
			t.Errorf("%s: %+v, %v, want %s to %s, proposed %v", name, r, err, test.wantBase, test.wantHead, test.proposed)
		}
	}
}

func TestRangeErrors(t *testing.T) {
	repo := indextest.NewRepo(t)
	first := repo.Commit("production", "a", pkg("web", "1.0.0", "a"))
	for name, c := range map[string]struct{ branch, base, head, want string }{
		"no commit before":    {"production", "", "", first[:12] + " has no commit before it here: fetch more of the history, or give the base"},
		"no such base":        {"production", "gone", "", "gone"},
		"no such head":        {"production", "", "gone", "gone"},
		"no such branch":      {"gone", "", "", "gone"},
		"to no such branch":   {"gone", "", "production", "there is no branch gone to compare with: fetch it, or give the base"},
		"no name of a branch": {"a..b", "", "production", "a..b"},
	} {
		if _, err := lint.FindRange(t.Context(), open(t, repo.Dir), c.branch, c.base, c.head); !errors.Is(err, index.ErrNoBranch) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A base that is given needs no branch.
	if r, err := lint.FindRange(t.Context(), open(t, repo.Dir), "gone", first, first); err != nil || !r.Proposed || r.Base.String() != first {
		t.Errorf("%+v, %v", r, err)
	}
}
