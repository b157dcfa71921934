package index_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// branchOf is a branch with packages "name-version", each of a tree of its own.
func branchOf(name string, packages ...string) *index.Branch {
	b := &index.Branch{Name: name}
	for i, p := range packages {
		n, v, _ := strings.Cut(p, "-")
		b.Entries = append(b.Entries, index.Entry{Branch: name, Name: n, Version: v, Tree: index.ID{name[0], byte(i + 1)}})
	}
	return b
}

func TestMerge(t *testing.T) {
	production := branchOf("production", "b-1.0.0", "a-1.0.0")
	staging := branchOf("staging", "a-1.0.0", "a-1.1.0", "c-1.0.0")
	snapshot := branchOf("snapshot", "a-1.0.0", "a-1.1.0", "a-1.10.0", "b-1.0.0")
	for name, test := range map[string]struct {
		branches []*index.Branch
		want     []string // name-version branch (hidden branches)
	}{
		"none": {nil, nil},
		"one":  {[]*index.Branch{production}, []string{"a-1.0.0 production []", "b-1.0.0 production []"}},
		"two": {[]*index.Branch{production, staging}, []string{
			"a-1.0.0 production [staging]", "a-1.1.0 staging []", "b-1.0.0 production []", "c-1.0.0 staging []"}},
		"three": {[]*index.Branch{production, staging, snapshot}, []string{
			"a-1.0.0 production [staging snapshot]", "a-1.1.0 staging [snapshot]", "a-1.10.0 snapshot []",
			"b-1.0.0 production [snapshot]", "c-1.0.0 staging []"}},
		"the other way round": {[]*index.Branch{staging, production}, []string{
			"a-1.0.0 staging [production]", "a-1.1.0 staging []", "b-1.0.0 production []", "c-1.0.0 staging []"}},
		"an empty one": {[]*index.Branch{{Name: "empty"}, production}, []string{"a-1.0.0 production []", "b-1.0.0 production []"}},
	} {
		var got []string
		for _, m := range index.Merge(test.branches) {
			got = append(got, fmt.Sprintf("%s-%s %s %v", m.Name, m.Version, m.Branch, m.Hides))
			if m.Tree[0] != m.Branch[0] {
				t.Errorf("%s: %s-%s of %s has the content of another branch", name, m.Name, m.Version, m.Branch)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got, test.want)
		}
	}
}
