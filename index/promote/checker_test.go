package promote_test

import (
	"context"
	"errors"
	"testing"

	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// noChecker is a program of the package specification that does not run.
type noChecker struct{ error }

func (c noChecker) Check(context.Context, []lint.Content) (*lint.Specification, error) {
	return nil, c.error
}

// TestCheckerFails: packages that could not be checked are not promoted, added or proposed,
// and why is the error.
func TestCheckerFails(t *testing.T) {
	repo := storage(t, pkg("db", "1.0.0"), pkg("app", "1.0.0"))
	before := refs(repo)
	broken := noChecker{errors.New("the program is gone")}
	o := move(repo, promote.Choice{Packages: []string{"app-1.0.0"}})
	proposed := o
	proposed.To = production
	for name, run := range map[string]func() (*promote.Result, error){
		"promoted": func() (*promote.Result, error) {
			o.Specification, o.Checker = lint.Error, broken
			return promote.Promote(t.Context(), o)
		},
		"proposed": func() (*promote.Result, error) {
			proposed.Specification, proposed.Checker = lint.Error, broken
			return promote.Promote(t.Context(), proposed)
		},
		"added": func() (*promote.Result, error) {
			return promote.Add(t.Context(), promote.AddOptions{Repo: repo.Dir, To: snapshot, Files: []promote.AddFile{archive(t, t.TempDir(), "web", "1.0.0")}, Specification: lint.Error, Checker: broken})
		},
	} {
		if _, err := run(); !errors.Is(err, broken.error) || refs(repo) != before {
			t.Errorf("%s: %v", name, err)
		}
	}
}
