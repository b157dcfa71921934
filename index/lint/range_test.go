package lint_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// TestRange: what a change is compared with, whatever the remote is called and
// whichever of the refs of a branch is behind. HEAD is on the branch "change".
func TestRange(t *testing.T) {
	const a, b, c, d = "a", "b", "c", "d" // b and c are children of a, d of b
	for name, test := range map[string]struct {
		remotes  []string
		refs     map[string]string
		head     string
		base     string
		proposed bool
		refused  string
	}{
		"a proposal, origin":                     {[]string{"origin"}, map[string]string{"refs/remotes/origin/production": a}, d, a, true, ""},
		"a proposal, another remote":             {[]string{"upstream"}, map[string]string{"refs/remotes/upstream/production": b}, c, b, true, ""},
		"a proposal, a remote with a slash":      {[]string{"team/storage"}, map[string]string{"refs/remotes/team/storage/production": b}, c, b, true, ""},
		"a proposal, two remotes, one behind":    {[]string{"origin", "upstream"}, map[string]string{"refs/remotes/origin/production": a, "refs/remotes/upstream/production": b}, c, b, true, ""},
		"a proposal, local behind":               {[]string{"upstream"}, map[string]string{"refs/heads/production": a, "refs/remotes/upstream/production": b}, c, b, true, ""},
		"a proposal, only local":                 {nil, map[string]string{"refs/heads/production": b}, c, b, true, ""},
		"a proposal, a remote that is gone":      {nil, map[string]string{"refs/remotes/origin/production": b}, c, b, true, ""},
		"a proposal, two remotes that diverged":  {[]string{"origin", "upstream"}, map[string]string{"refs/remotes/origin/production": b, "refs/remotes/upstream/production": c}, d, "", true, "neither contains the other"},
		"a proposal, no such branch":             {[]string{"upstream"}, nil, c, "", true, "there is no branch production"},
		"a push, not yet at the remote":          {[]string{"upstream"}, map[string]string{"refs/heads/production": d, "refs/remotes/upstream/production": a}, d, a, false, ""},
		"a push that the remote has":             {[]string{"upstream"}, map[string]string{"refs/heads/production": d, "refs/remotes/upstream/production": d}, d, b, false, ""},
		"a push to a repository without remotes": {nil, map[string]string{"refs/heads/production": b}, b, a, false, ""},
	} {
		repo := indextest.NewRepo(t)
		ids := map[string]string{}
		for _, commit := range []string{a, b, c, d} {
			parent := map[string]string{b: a, c: a, d: b}[commit]
			args := []string{"commit-tree", "-m", commit, repo.Git("", "mktree")}
			if parent != "" {
				args = append(args, "-p", ids[parent])
			}
			repo.Git("", "config", "user.name", "A")
			repo.Git("", "config", "user.email", "a@example.com")
			ids[commit] = repo.Git("", args...)
		}
		for _, remote := range test.remotes {
			repo.Git("", "remote", "add", remote, repo.Dir)
		}
		for ref, commit := range test.refs {
			repo.Git("", "update-ref", ref, ids[commit])
		}
		r, err := lint.FindRange(t.Context(), open(t, repo.Dir), "production", "", ids[test.head])
		switch {
		case test.refused != "":
			if err == nil || !strings.Contains(err.Error(), test.refused) || strings.Contains(test.refused, "no branch") && !errors.Is(err, index.ErrNoBranch) {
				t.Errorf("%s: %v, want %q", name, err, test.refused)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case r.Base.String() != ids[test.base] || r.Proposed != test.proposed:
			t.Errorf("%s: base %s, proposed %v; want %s, %v; commits %v", name, r.Base, r.Proposed, ids[test.base], test.proposed, ids)
		}
	}
}
