package lint

import (
	"context"
	"fmt"

	"github.com/regsnap/regsnap/index"
)

// PackagesOptions say which packages to check as they are, whatever they were.
type PackagesOptions struct {
	Source index.Source
	// Branch is the branch of Source that holds them.
	Branch string
	Limits index.Limits
	// Specification says how far packages must obey it; Checker looks.
	Specification Level
	Checker       Checker
}

// Packages checks all packages of a branch that has no state before: by everything
// that a build would refuse, and by the package specification. To every package that
// was read there is a Change.
func Packages(ctx context.Context, o PackagesOptions) (*Result, error) {
	l := newLinter(Options{Branch: Branch{Name: o.Branch}, Limits: o.Limits, Specification: o.Specification, Checker: o.Checker}, o.Source)
	return l.finish(ctx, (*linter).packages)
}

func (l *linter) packages(ctx context.Context) error {
	b, err := l.source.Branch(ctx, l.Branch.Name)
	if err != nil {
		return err
	}
	if len(b.Entries)+len(b.Found.Errors) == 0 {
		return fmt.Errorf("%w there: want a folder NAME/VERSION, a folder with a manifest.yml, or NAME-VERSION.zip", index.ErrEmptyBranch)
	}
	l.listing(ctx, &index.Branch{}, b)
	for _, e := range b.Entries {
		l.result.Changes = append(l.result.Changes, index.Change{New: e})
	}
	loaded, err := l.load(ctx)
	if err != nil {
		return err
	}
	return l.specification(ctx, loaded)
}
