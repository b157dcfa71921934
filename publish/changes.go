package publish

import (
	"cmp"
	"slices"

	"github.com/regsnap/regsnap/layout"
)

// PackageChanges are the package versions that differ between two snapshots,
// in the order of the manifests.
type PackageChanges struct {
	Added   []PackageChange `json:"added"`
	Removed []PackageChange `json:"removed"`
	// Changed have another content, come from another branch, or show another
	// document.
	Changed []PackageChange `json:"changed"`
}

// PackageChange is one package version; the fields of the side on which it is
// not are empty.
type PackageChange struct {
	Name    string `json:"package"`
	Version string `json:"version"`
	// OldRevision and NewRevision are equal when only the document differs: it
	// shows things beyond the package itself, such as a deprecation notice.
	OldRevision string `json:"old_revision,omitempty"`
	NewRevision string `json:"new_revision,omitempty"`
	OldBranch   string `json:"old_branch,omitempty"`
	NewBranch   string `json:"new_branch,omitempty"`
	// Document tells that the package document differs.
	Document bool `json:"document,omitempty"`
}

// ID is name and version.
func (c PackageChange) ID() string { return c.Name + "-" + c.Version }

// revisions are the old and the new revision; nil where one is missing.
func (c PackageChange) revisions() (old, new *layout.Revision) {
	if c.OldRevision != "" {
		old = &layout.Revision{Name: c.Name, Version: c.Version, ID: c.OldRevision}
	}
	if c.NewRevision != "" {
		new = &layout.Revision{Name: c.Name, Version: c.Version, ID: c.NewRevision}
	}
	return old, new
}

func noChanges() PackageChanges {
	return PackageChanges{Added: []PackageChange{}, Removed: []PackageChange{}, Changed: []PackageChange{}}
}

// None tells that nothing changed.
func (c PackageChanges) None() bool { return len(c.Added)+len(c.Removed)+len(c.Changed) == 0 }

// comparePackages compares what two manifests list. It needs no request.
func comparePackages(old, new *layout.Manifest) PackageChanges {
	type key struct{ name, version string }
	was := make(map[key]layout.ManifestPackage, len(old.Packages))
	for _, p := range old.Packages {
		was[key{p.Name, p.Version}] = p
	}
	out := noChanges()
	for _, p := range new.Packages {
		k := key{p.Name, p.Version}
		o, there := was[k]
		delete(was, k)
		switch {
		case !there:
			out.Added = append(out.Added, PackageChange{Name: p.Name, Version: p.Version, NewRevision: p.Revision, NewBranch: p.Branch, Document: true})
		case o.Revision != p.Revision || o.Document != p.Document || o.Branch != p.Branch:
			out.Changed = append(out.Changed, PackageChange{Name: p.Name, Version: p.Version,
				OldRevision: o.Revision, NewRevision: p.Revision, OldBranch: o.Branch, NewBranch: p.Branch, Document: o.Document != p.Document})
		}
	}
	for _, p := range old.Packages {
		if _, gone := was[key{p.Name, p.Version}]; gone {
			out.Removed = append(out.Removed, PackageChange{Name: p.Name, Version: p.Version, OldRevision: p.Revision, OldBranch: p.Branch, Document: true})
		}
	}
	for _, list := range [][]PackageChange{out.Added, out.Removed, out.Changed} {
		slices.SortStableFunc(list, func(a, b PackageChange) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out
}
