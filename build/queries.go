package build

import (
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
		categories:   t.CategoryValues(),
	}
}

// distinct merges the sets that are equal, keeping the order of first sight.
func distinct(sets []layout.Set) []class {
	var out []class
	at := map[string]int{}
	for _, s := range sets {
		k := s.Key()
		if i, seen := at[k]; seen {
			out[i].values++
			continue
		}
		at[k] = len(out)
		out = append(out, class{rows: s, values: 1})
	}
	return out
}

func kibanaClasses(t *layout.Table) []class {
	var sets []layout.Set
	// Newest first: should the budget run out, old Kibana versions are the ones
	// left to assembly.
	for _, v := range t.KibanaValues(nil) {
		sets = append(sets, t.KibanaSet(v))
	}
	return distinct(sets)
}

func specClasses(t *layout.Table) []class {
	var sets []layout.Set
	for _, b := range t.SpecValues(nil) {
		sets = append(sets, t.SpecSet(b.Min, b.Max))
	}
	return distinct(sets)
}

func capabilityClasses(t *layout.Table) []class {
	var sets []layout.Set
	for _, given := range t.CapabilityValues(nil) {
		sets = append(sets, t.CapabilitySet(given))
	}
	return distinct(sets)
}

func typeClasses(t *layout.Table) []class {
	var sets []layout.Set
	for _, name := range t.TypeValues() {
		sets = append(sets, t.TypeSet(name))
	}
	return distinct(sets)
}
