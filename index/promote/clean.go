package promote

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/lint"
)

// CleanOptions say what to remove from where.
type CleanOptions struct {
	Options
	// Branches are those to clean.
	Branches []lint.Branch
}

// Clean removes from branches what To holds: the end of a promotion by pull
// request. Without a choice of packages that is every version that To holds with
// the same content; one that differs is kept and listed, until it is named.
func Clean(ctx context.Context, o CleanOptions) (*Result, error) {
	p := &promotion{Options: o.Options, result: &Result{To: o.To.Name}}
	done, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	names := []string{o.To.Name}
	for _, b := range o.Branches {
		if b.Name == o.To.Name || b.Overwrite == lint.Never {
			return nil, fmt.Errorf("%s: %w: it never loses a released version", b.Name, ErrRefused)
		}
		names = append(names, b.Name)
	}
	p.result.Attempts, err = retry(ctx, p.target(), names, func(tips map[string]index.ID) ([]Update, error) {
		if err := p.planClean(ctx, o.Branches, tips); err != nil || o.DryRun {
			return nil, err
		}
		return p.result.Updates, nil
	})
	return p.result, err
}

func (p *promotion) planClean(ctx context.Context, branches []lint.Branch, tips map[string]index.ID) error {
	p.begin()
	to, err := p.state(ctx, p.To.Name, tips[p.To.Name])
	if err != nil {
		return err
	}
	if _, err := named(p.To.Name, to.branch.Entries, p.Choice.Packages); err != nil {
		return fmt.Errorf("%w; is the pull request merged, and fetched?", err)
	}
	type key struct{ name, version string }
	released := map[key]index.Entry{}
	for _, e := range to.branch.Entries {
		released[key{e.Name, e.Version}] = e
	}
	r := p.result
	for _, b := range branches {
		s, err := p.state(ctx, b.Name, tips[b.Name])
		if err != nil {
			return err
		}
		var gone, older []index.Entry
		for _, e := range s.branch.Entries {
			old, there := released[key{e.Name, e.Version}]
			asked := slices.Contains(p.Choice.Packages, e.Name+"-"+e.Version)
			switch {
			case !there, len(p.Choice.Packages) > 0 && !asked:
			case asked, old.SameContent(e):
				gone = append(gone, e)
			default:
				r.Kept = append(r.Kept, e)
			}
		}
		if p.RemoveOlder {
			older = olderThan(s.branch.Entries, p.reached(gone, to))
		}
		if len(gone)+len(older) == 0 {
			continue
		}
		u, err := p.remove(ctx, s, gone, older, to.id)
		if err != nil {
			return err
		}
		r.Moved, r.Older, r.Updates = append(r.Moved, gone...), append(r.Older, older...), append(r.Updates, *u)
	}
	return nil
}

// reached are the versions whose elders go: those named, as To holds them, or
// else those that go themselves.
func (p *promotion) reached(gone []index.Entry, to *state) []index.Entry {
	if len(p.Choice.Packages) == 0 {
		return gone
	}
	out, err := named(p.To.Name, to.branch.Entries, p.Choice.Packages)
	if err != nil {
		return nil // planClean has checked it
	}
	return out
}

func ignoreNoBranch(err error) error {
	if errors.Is(err, index.ErrNoBranch) {
		return nil
	}
	return err
}
