package lint

import (
	"context"
	"errors"

	"github.com/regsnap/regsnap/index"
)

// Incoming judges a package version of another branch as if it were promoted to o.Branch:
// what that would be refused for. Nothing is written. It also says who owns the package, by
// its manifest. Base and Head have no meaning.
func Incoming(ctx context.Context, o Options, e index.Entry) (r *Result, owner string, err error) {
	if o.Branch.Overwrite != Never { // else it stays where it is until a pull request is merged
		o.Branch.Below, o.Branch.Above = without(o.Branch.Below, e.Branch), without(o.Branch.Above, e.Branch)
	}
	l := newLinter(o, o.Source)
	r, err = l.finish(ctx, func(l *linter, ctx context.Context) error { return l.incoming(ctx, e) })
	if err != nil {
		return nil, "", err
	}
	for _, list := range [][]index.Problem{r.Report.Errors, r.Report.Warnings} {
		for i := range list {
			list[i].Branch = o.Branch.Name
		}
	}
	owner, known := l.owners[versionOf(e)]
	if !known {
		owner = l.loader.Owner(ctx, e)
	}
	return r, owner, nil
}

func without(list []Branch, name string) []Branch {
	var out []Branch
	for _, b := range list {
		if b.Name != name {
			out = append(out, b)
		}
	}
	return out
}

func (l *linter) incoming(ctx context.Context, e index.Entry) error {
	c := index.Change{New: e}
	tip, err := l.Source.Tip(ctx, l.Branch.Name)
	if err != nil && !errors.Is(err, index.ErrNoBranch) {
		return err
	}
	if !tip.Commit.IsZero() {
		part, err := l.Source.BranchPart(ctx, l.Branch.Name, tip.Commit, map[string]bool{e.Name: true})
		if err != nil {
			return err
		}
		for _, held := range part.Entries {
			l.released[versionOf(held)] = held
		}
		if old, there := l.released[versionOf(e)]; there {
			c.Old = old
		}
	}
	if !c.Added() && c.Old.SameContent(e) {
		return nil
	}
	l.result.Changes = []index.Change{c}
	return l.judge(ctx)
}
