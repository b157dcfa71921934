package publish

import (
	"fmt"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestComparePackages: each way in which a version can differ, alone and together.
func TestComparePackages(t *testing.T) {
	pkg := func(name, version, revision, document, branch string) layout.ManifestPackage {
		return layout.ManifestPackage{Name: name, Version: version, Revision: revision, Document: layout.Digest(document), Branch: branch}
	}
	old := &layout.Manifest{Packages: []layout.ManifestPackage{
		pkg("a", "1", "r", "d", "p"), pkg("a", "2", "r", "d", "p"), pkg("b", "1", "r", "d", "p"), pkg("c", "1", "r", "d", "p"), pkg("d", "1", "r", "d", "p"),
		pkg("e", "1", "r", "d", "p"),
	}}
	next := &layout.Manifest{Packages: []layout.ManifestPackage{
		pkg("a", "2", "r", "d", "p"), pkg("a", "3", "r", "d", "p"), pkg("b", "1", "s", "e", "p"), pkg("c", "1", "r", "e", "p"), pkg("d", "1", "r", "d", "q"),
		pkg("e", "1", "s", "d", "p"),
	}}
	got := comparePackages(old, next)
	for _, c := range []struct {
		what string
		got  []PackageChange
		want string
	}{
		{"added", got.Added, "[{a 3  r  p true}]"},
		{"removed", got.Removed, "[{a 1 r  p  true}]"},
		{"changed", got.Changed, "[{b 1 r s p p true} {c 1 r r p p true} {d 1 r r p q false} {e 1 r s p p false}]"},
	} {
		if have := fmt.Sprint(c.got); have != c.want {
			t.Errorf("%s: %s, want %s", c.what, have, c.want)
		}
	}
	if got.None() || !comparePackages(old, old).None() || (PackageChanges{Removed: got.Removed}).None() || (PackageChanges{Changed: got.Changed}).None() {
		t.Error("whether anything changed")
	}
	for _, list := range [][]PackageChange{comparePackages(old, old).Added, comparePackages(old, old).Removed, comparePackages(old, old).Changed} {
		if list == nil {
			t.Error("a list without changes is null in JSON")
		}
	}
	// By name, and versions of one as they stand there.
	mixed := &layout.Manifest{Packages: []layout.ManifestPackage{pkg("b", "1", "r", "d", "p"), pkg("a", "2", "r", "d", "p"), pkg("a", "1", "r", "d", "p")}}
	if have := fmt.Sprint(comparePackages(new(layout.Manifest), mixed).Added); have != "[{a 2  r  p true} {a 1  r  p true} {b 1  r  p true}]" {
		t.Errorf("out of order: %s", have)
	}
	if before, after := got.Added[0].revisions(); before != nil || after == nil || after.ID != "r" || after.Name != "a" || after.Version != "3" {
		t.Errorf("of what was added: %v, %v", before, after)
	}
	if before, after := got.Removed[0].revisions(); before == nil || before.ID != "r" || after != nil {
		t.Errorf("of what was removed: %v, %v", before, after)
	}
}
