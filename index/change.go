package index

import (
	"cmp"
	"slices"
)

// SortEntries sorts entries as a Branch has them: by name, then by version text.
func SortEntries(entries []Entry) {
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
}

// Change is what became of one package version between two states of a branch.
// An archive whose signature changed has changed.
type Change struct {
	// Old is the entry before, New the one after. Old.Name is empty for one that
	// was added, New.Name for one that was removed.
	Old, New Entry
}

// SameContent reports whether two entries hold the same: by their git ids.
func (e Entry) SameContent(o Entry) bool {
	return e.Tree == o.Tree && e.Archive == o.Archive && e.Signature == o.Signature
}

// Changes lists what became of package versions from one state of a branch to
// another, sorted by name, then by version text.
func Changes(base, head *Branch) []Change {
	var out []Change
	a, b := base.Entries, head.Entries
	for len(a) > 0 || len(b) > 0 {
		switch c := compareEntries(a, b); {
		case c < 0:
			out, a = append(out, Change{Old: a[0]}), a[1:]
		case c > 0:
			out, b = append(out, Change{New: b[0]}), b[1:]
		default:
			if !a[0].SameContent(b[0]) {
				out = append(out, Change{Old: a[0], New: b[0]})
			}
			a, b = a[1:], b[1:]
		}
	}
	return out
}

// compareEntries orders the first of two lists, of which one may be empty.
func compareEntries(a, b []Entry) int {
	if len(a) == 0 || len(b) == 0 {
		return cmp.Compare(len(b), len(a))
	}
	return cmp.Or(cmp.Compare(a[0].Name, b[0].Name), cmp.Compare(a[0].Version, b[0].Version))
}

// Added, Removed and Overwritten tell what kind of change it is.
func (c Change) Added() bool       { return c.Old.Name == "" }
func (c Change) Removed() bool     { return c.New.Name == "" }
func (c Change) Overwritten() bool { return !c.Added() && !c.Removed() }

// Entry is the one that is there, or the one that was.
func (c Change) Entry() Entry {
	if c.Removed() {
		return c.Old
	}
	return c.New
}
