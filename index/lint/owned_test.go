package lint_test

import (
	"fmt"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// TestOwned: a version without an owner is refused where it is new, and only
// warned of where a branch holds it already.
func TestOwned(t *testing.T) {
	pkg := func(version, more string) string {
		return fmt.Sprintf("-- packages/web/%[1]s/manifest.yml --\nformat_version: 1.0.0\nname: web\ntitle: web\nversion: %[1]s\ndescription: web\n%[2]s-- packages/web/%[1]s/docs/README.md --\n# web\n", version, more)
	}
	branch := lint.Branch{Name: "staging", Overwrite: lint.IfNeeded, Above: []lint.Branch{{Name: "production", Overwrite: lint.Never}}, Below: []lint.Branch{{Name: "snapshot", Overwrite: lint.Always}}}
	for name, c := range map[string]struct {
		pushed           string
		errors, warnings int
	}{
		"new, without":                    {pkg("1.0.0", "") + pkg("3.0.0", ""), 1, 0},
		"new, empty":                      {pkg("1.0.0", "") + pkg("3.0.0", "owner: {github: ''}\n"), 1, 0},
		"new, with an owner":              {pkg("1.0.0", "") + pkg("3.0.0", "owner.github: acme/web\n"), 0, 0},
		"changed":                         {pkg("1.0.0", "license: x\n"), 0, 1},
		"known to a branch below":         {pkg("1.0.0", "") + pkg("0.9.0", ""), 0, 1},
		"known to a branch above, beside": {pkg("1.0.0", "") + pkg("0.8.0", "") + pkg("3.1.0", ""), 1, 1},
	} {
		repo := indextest.NewRepo(t)
		repo.Commit("production", "p", pkg("0.8.0", ""))
		repo.Commit("snapshot", "n", pkg("0.9.0", ""))
		repo.Commit("staging", "s", pkg("1.0.0", ""))
		repo.Commit("staging", "pushed", c.pushed)
		s := open(t, repo.Dir)
		r, err := lint.FindRange(t.Context(), s, "staging", "", "")
		if err != nil {
			t.Fatal(err)
		}
		result, err := lint.Lint(t.Context(), lint.Options{Source: s, Branch: branch, Base: r.Base, Head: r.Head, Limits: index.Limits{}})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		count := func(list []index.Problem) (n int) {
			for _, p := range list {
				if p.Rule == index.RuleOwnerMissing {
					n++
				}
			}
			return n
		}
		if e, w := count(result.Report.Errors), count(result.Report.Warnings); e != c.errors || w != c.warnings {
			t.Errorf("%s: %d errors and %d warnings, want %d and %d: %+v", name, e, w, c.errors, c.warnings, result.Report)
		}
	}
}
