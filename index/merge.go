package index

import (
	"cmp"
	"slices"
)

// Merged is one package version of an environment's package set.
type Merged struct {
	Entry
	// Hides names the branches of lower precedence that hold it too.
	Hides []string
}

// Merge joins branches, the most important first: of a name and version that
// several branches hold, the first one's is taken. The result is sorted by
// name, then by version text.
func Merge(branches []*Branch) []Merged {
	type key struct{ name, version string }
	at := map[key]int{}
	var out []Merged
	for _, b := range branches {
		for _, e := range b.Entries {
			k := key{e.Name, e.Version}
			if i, taken := at[k]; taken {
				out[i].Hides = append(out[i].Hides, b.Name)
				continue
			}
			at[k] = len(out)
			out = append(out, Merged{Entry: e})
		}
	}
	slices.SortFunc(out, func(a, b Merged) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return out
}
