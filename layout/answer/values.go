package answer

import (
	"cmp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// Values are the values of the query parameters that can make a difference: any
// other value selects the same rows as one of these. A Kibana version matters
// only by which constraints accept it, so the ends of their intervals stand for
// all versions. Of each parameter the first value leaves it out.
type Values struct {
	Kibana, Agent []*semver.Version // nil, then from the newest to the oldest
	Specs         []SpecBounds
	Capabilities  [][]string
	Types         []string
	Categories    []string // with their parents, sorted
}

// SpecBounds are values of spec.min and spec.max together; nil is no bound.
type SpecBounds struct{ Min, Max *semver.Version }

// maxSpecs bounds the pairs of spec versions: of more only the newest count.
const maxSpecs = 48

// maxCapabilities is up to how many capability names every subset is looked at;
// with more, only the lists of one, of the first maxAlone names, and of all.
const (
	maxCapabilities = 8
	maxAlone        = 64
)

// Values are those that can make a difference to some row of the table.
func (t *Table) Values() Values { return tables{{t, t.all}}.values() }

// part is some rows of a table.
type part struct {
	*Table
	rows Set
}

// tables are what queries are asked of: one, or two that are compared.
type tables []part

func (ts tables) values() Values {
	return Values{
		Kibana:       ts.ends(func(t *Table) []int { return t.Kibana }),
		Agent:        ts.ends(func(t *Table) []int { return t.Agent }),
		Specs:        ts.specs(),
		Capabilities: ts.capabilities(),
		Types:        ts.types(),
		Categories:   ts.categories(),
	}
}

// ends are where the intervals of a column's constraints begin and end.
func (ts tables) ends(column func(*Table) []int) []*semver.Version {
	at := map[string]bool{"0.0.0": true}
	for _, t := range ts {
		for _, i := range t.used(column(t.Table), len(t.Constraints)) {
			for _, iv := range slices.Concat(t.Constraints[i].Release, t.Constraints[i].Pre) {
				at[iv.From] = true
				if iv.To != "" {
					at[iv.To] = true
				}
			}
		}
	}
	versions := make([]*semver.Version, 0, len(at)+1)
	for s := range at {
		versions = append(versions, semver.MustParse(s))
	}
	slices.SortFunc(versions, func(a, b *semver.Version) int {
		return cmp.Or(b.Compare(a), strings.Compare(a.Original(), b.Original()))
	})
	return append([]*semver.Version{nil}, versions...)
}

// used are the values of a column that the rows of a part have, ascending.
func (t part) used(column []int, values int) []int {
	has := make([]bool, values)
	for row := range t.rows.All {
		has[column[row]] = true
	}
	var out []int
	for i, has := range has {
		if has {
			out = append(out, i)
		}
	}
	return out
}

// specs are all pairs of bounds, newest first: should time or room run out, old
// versions are the ones left out.
func (ts tables) specs() []SpecBounds {
	var specs []layout.Spec
	for _, t := range ts {
		for _, i := range t.used(t.Spec, len(t.Specs)) {
			specs = append(specs, t.Specs[i])
		}
	}
	slices.SortFunc(specs, func(a, b layout.Spec) int {
		return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
	})
	specs = slices.Compact(specs)
	bounds := []*semver.Version{nil}
	for _, s := range specs[max(len(specs)-maxSpecs, 0):] {
		bounds = append(bounds, semver.New(s.Major, s.Minor, 0, "", ""))
	}
	var out []SpecBounds
	for _, least := range bounds {
		for _, most := range bounds {
			if least == nil || most == nil || !least.GreaterThan(most) {
				out = append(out, SpecBounds{least, most})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b SpecBounds) int { return newestFirst(a.Max, b.Max) })
	return out
}

// newestFirst orders versions; nil, no version, comes first.
func newestFirst(a, b *semver.Version) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return b.Compare(a)
}

// capabilities are lists of what a client can do: nil for one that does not
// say, then a name that no package requires for one that can do nothing.
func (ts tables) capabilities() [][]string {
	var names []string
	for _, t := range ts {
		for _, i := range t.used(t.Capability, len(t.Capabilities)) {
			names = append(names, t.Capabilities[i]...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	nothing := "none"
	for slices.Contains(names, nothing) {
		nothing += "_"
	}
	out := [][]string{nil, {nothing}}
	if len(names) <= maxCapabilities {
		for mask := 1; mask < 1<<len(names); mask++ {
			var given []string
			for i, name := range names {
				if mask&(1<<i) != 0 {
					given = append(given, name)
				}
			}
			out = append(out, given)
		}
		return out
	}
	for _, name := range names[:min(len(names), maxAlone)] {
		out = append(out, []string{name})
	}
	return append(out, names)
}

func (ts tables) types() []string {
	out := []string{""}
	for _, t := range ts {
		for _, name := range t.Types {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func (ts tables) categories() []string {
	out := []string{""}
	for _, t := range ts {
		has := map[string]bool{}
		for _, set := range t.Labels {
			for _, c := range set {
				has[c] = true
			}
		}
		for _, list := range t.Templates {
			for _, template := range list {
				for _, c := range template.Categories {
					has[c] = true
				}
			}
		}
		for _, c := range t.Categories {
			if has[c.ID] {
				has[c.Parent] = true
			}
		}
		for c := range has {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
