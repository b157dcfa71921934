package lint

import (
	"context"
	"errors"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
)

// overwrite holds a change to the branch's overwrite rule.
func (l *linter) overwrite(ctx context.Context, c index.Change) {
	switch {
	case c.Removed() && l.Branch.Overwrite == Never:
		l.result.Report.Errors = append(l.result.Report.Errors, l.finding(ctx, c.Old, index.RuleVersionRemoved,
			"is removed, but %s never loses a released version: restore it, and deprecate the package if it must not be used", l.Branch.Name))
	case c.Overwritten() && l.Branch.Overwrite == Never:
		l.result.Report.Errors = append(l.result.Report.Errors, l.finding(ctx, c.New, index.RuleVersionOverwritten,
			"is changed, but %s never changes a released version: restore it, and release the change as a new version", l.Branch.Name))
	case c.Overwritten() && l.Branch.Overwrite == IfNeeded:
		l.warn(l.finding(ctx, c.New, index.RuleVersionOverwritten,
			"is changed: %s allows it if needed; those who have the version installed keep the old content", l.Branch.Name))
	}
}

// neighbour is another branch, as far as it holds packages that changed.
type neighbour struct {
	Branch
	above   bool
	entries map[version]index.Entry
}

// others reads the branches around. One that is not there counts as empty: not
// every clone has all of them.
func (l *linter) others(ctx context.Context) ([]neighbour, error) {
	if len(l.result.Changes) == 0 {
		return nil, nil
	}
	names := l.names()
	var out []neighbour
	for i, b := range slices.Concat(l.Branch.Above, l.Branch.Below) {
		id, given := l.Tips[b.Name]
		if !given {
			tip, err := l.Source.Tip(ctx, b.Name)
			if err != nil && !errors.Is(err, index.ErrNoBranch) {
				return nil, err
			}
			id = tip.Commit
		}
		if id.IsZero() {
			continue
		}
		part, err := l.Source.BranchPart(ctx, b.Name, id, names)
		if err != nil {
			return nil, err
		}
		n := neighbour{Branch: b, above: i < len(l.Branch.Above), entries: map[version]index.Entry{}}
		for _, e := range part.Entries {
			n.entries[versionOf(e)] = e
		}
		out = append(out, n)
	}
	return out, nil
}

// elsewhere warns of a version that another branch holds too.
func (l *linter) elsewhere(ctx context.Context, e index.Entry, others []neighbour) {
	if l.Branch.Overwrite == Never {
		return // what is released here is about to leave the others
	}
	for _, n := range others {
		same, there := n.entries[versionOf(e)]
		if !there {
			continue
		}
		content := "with another content"
		if same.SameContent(e) {
			content = "with the same content"
		}
		switch {
		case n.above && n.Overwrite == Never:
			l.warn(l.finding(ctx, e, index.RuleVersionHidden,
				"%s holds this version, %s: nobody will see this one; take the next version number, or leave it out", n.Name, content))
		case n.above:
			l.warn(l.finding(ctx, e, index.RuleVersionTwice,
				"%s holds this version too, %s: the one there is shown; promote one and remove the other", n.Name, content))
		default:
			l.warn(l.finding(ctx, e, index.RuleVersionTwice,
				"%s holds this version too, %s: this one is shown; remove the other", n.Name, content))
		}
	}
}

// owned refuses new versions that nobody owns: what some branch holds already is
// installed, or cannot be, and only warns.
func (l *linter) owned(others []neighbour) {
	known := func(v version) bool {
		_, released := l.released[v]
		return released || slices.ContainsFunc(others, func(n neighbour) bool { _, there := n.entries[v]; return there })
	}
	warnings := l.result.Report.Warnings[:0]
	for _, p := range l.result.Report.Warnings {
		if p.Rule == index.RuleOwnerMissing && !known(version{p.Package, p.Version}) {
			l.result.Report.Errors = append(l.result.Report.Errors, p)
		} else {
			warnings = append(warnings, p)
		}
	}
	l.result.Report.Warnings = warnings
}

// downgrades warns of added versions that are older than what their users have
// already: the newest that the branch, or one above it, held before.
func (l *linter) downgrades(ctx context.Context, others []neighbour) {
	type holder struct {
		version *semver.Version
		branch  string
	}
	newest := map[string]holder{}
	note := func(e index.Entry, branch string) {
		v, err := semver.StrictNewVersion(e.Version)
		if h, known := newest[e.Name]; err == nil && (!known || v.GreaterThan(h.version)) {
			newest[e.Name] = holder{v, branch}
		}
	}
	for _, n := range others {
		for _, e := range n.entries {
			if n.above {
				note(e, n.Name)
			}
		}
	}
	for _, e := range l.released {
		note(e, l.Branch.Name)
	}
	for _, c := range l.result.Changes {
		h, known := newest[c.New.Name]
		if !c.Added() || !known {
			continue
		}
		if v, err := semver.StrictNewVersion(c.New.Version); err == nil && v.LessThan(h.version) {
			l.warn(l.finding(ctx, c.New, index.RuleVersionDowngrade,
				"%s holds the newer %s already: those who can use both will not be offered this one", h.branch, h.version))
		}
	}
}
