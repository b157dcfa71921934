package build

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// A class is one value of a query parameter that stands for all values which
// give the same rows. How many values of the parameter were looked at is what
// the coverage counts.
type class struct {
	rows   layout.Set
	values int
}

// classes are the distinct values of every parameter that narrows a search.
type classes struct {
	kibana, spec, capabilities, types []class
	prerelease                        []class // with, then without
	categories                        []string
}

// newClasses finds, for each parameter, the values that can make a difference.
// A Kibana version matters only by which constraints accept it, so the ends of
// their intervals stand for all versions.
func newClasses(t *layout.Table) classes {
	return classes{
		kibana:       kibanaClasses(t),
		spec:         specClasses(t),
		capabilities: capabilityClasses(t),
		types:        typeClasses(t),
		prerelease:   []class{{rows: t.AllSet(), values: 1}, {rows: t.StableSet(), values: 1}},
		categories:   categoryClasses(t),
	}
}

// distinct merges the sets that are equal, keeping the order of first sight.
func distinct(sets []layout.Set) []class {
	var out []class
	at := map[string]int{}
	for _, s := range sets {
		k := setKey(s)
		if i, seen := at[k]; seen {
			out[i].values++
			continue
		}
		at[k] = len(out)
		out = append(out, class{rows: s, values: 1})
	}
	return out
}

func setKey(s layout.Set) string {
	b := make([]byte, 0, len(s)*8)
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return string(b)
}

func kibanaClasses(t *layout.Table) []class {
	used := map[int]bool{}
	for _, c := range t.Kibana {
		used[c] = true
	}
	at := map[string]bool{"0.0.0": true}
	for i := range used {
		for _, list := range [][]layout.Interval{t.Constraints[i].Release, t.Constraints[i].Pre} {
			for _, iv := range list {
				at[iv.From] = true
				if iv.To != "" {
					at[iv.To] = true
				}
			}
		}
	}
	versions := make([]*semver.Version, 0, len(at))
	for s := range at {
		versions = append(versions, semver.MustParse(s))
	}
	// Newest first: should the budget run out, old Kibana versions are the ones
	// left to assembly.
	slices.SortFunc(versions, func(a, b *semver.Version) int { return b.Compare(a) })
	sets := []layout.Set{t.KibanaSet(nil)}
	for _, v := range versions {
		sets = append(sets, t.KibanaSet(v))
	}
	return distinct(sets)
}

func specClasses(t *layout.Table) []class {
	specs := slices.Clone(t.Specs)
	slices.SortFunc(specs, func(a, b layout.Spec) int {
		return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
	})
	bounds := []*semver.Version{nil}
	for _, s := range slices.Compact(specs) {
		bounds = append(bounds, semver.New(s.Major, s.Minor, 0, "", ""))
	}
	var sets []layout.Set
	for _, least := range bounds {
		for _, most := range bounds {
			if least != nil && most != nil && least.GreaterThan(most) {
				continue
			}
			sets = append(sets, t.SpecSet(least, most))
		}
	}
	return distinct(sets)
}

// maxCapabilities is up to how many capability names every subset is looked at;
// with more, only the lists of one, and of all.
const maxCapabilities = 8

func capabilityClasses(t *layout.Table) []class {
	var names []string
	for _, required := range t.Capabilities {
		names = append(names, required...)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	sets := []layout.Set{t.CapabilitySet(nil), t.CapabilitySet([]string{})}
	if len(names) <= maxCapabilities {
		for mask := 1; mask < 1<<len(names); mask++ {
			var given []string
			for i, name := range names {
				if mask&(1<<i) != 0 {
					given = append(given, name)
				}
			}
			sets = append(sets, t.CapabilitySet(given))
		}
		return distinct(sets)
	}
	for _, name := range names {
		sets = append(sets, t.CapabilitySet([]string{name}))
	}
	return distinct(append(sets, t.CapabilitySet(names)))
}

func typeClasses(t *layout.Table) []class {
	sets := []layout.Set{t.TypeSet("")}
	for _, name := range t.Types {
		if name != "" {
			sets = append(sets, t.TypeSet(name))
		}
	}
	return distinct(sets)
}

// categoryClasses are no category, and all that a package or a policy template
// has, with their parents.
func categoryClasses(t *layout.Table) []string {
	seen := map[string]bool{}
	for _, set := range t.Labels {
		for _, c := range set {
			seen[c] = true
		}
	}
	for _, list := range t.Templates {
		for _, template := range list {
			for _, c := range template.Categories {
				seen[c] = true
			}
		}
	}
	for _, c := range t.Categories {
		if seen[c.ID] && c.Parent != "" {
			seen[c.Parent] = true
		}
	}
	out := []string{""}
	for c := range seen {
		out = append(out, c)
	}
	slices.Sort(out)
	return out
}
