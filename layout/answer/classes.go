package answer

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// The values of a query parameter that can make a difference. Every other value
// selects the same rows as one of these: a Kibana version matters only by which
// constraints accept it, so the ends of their intervals stand for all versions.

// KibanaValues are the values of kibana.version: none, which is nil, then from
// the newest to the oldest. Only constraints of the rows in only count, or of
// all rows if that is nil.
func (t *Table) KibanaValues(only Set) []*semver.Version { return t.ends(t.Kibana, only) }

// AgentValues is KibanaValues for agent.version.
func (t *Table) AgentValues(only Set) []*semver.Version { return t.ends(t.Agent, only) }

// ends are where the intervals of a column's constraints begin and end.
func (t *Table) ends(column []int, only Set) []*semver.Version {
	used := make([]bool, len(t.Constraints))
	for row, c := range column {
		if only == nil || only.Has(row) {
			used[c] = true
		}
	}
	at := map[string]bool{"0.0.0": true}
	for i, used := range used {
		if !used {
			continue
		}
		for _, list := range [][]layout.Interval{t.Constraints[i].Release, t.Constraints[i].Pre} {
			for _, iv := range list {
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
	slices.SortFunc(versions, func(a, b *semver.Version) int { return b.Compare(a) })
	return append([]*semver.Version{nil}, versions...)
}

// SpecBounds are values of spec.min and spec.max together; nil is no bound.
type SpecBounds struct{ Min, Max *semver.Version }

// maxSpecs bounds the pairs of spec versions: of more only the newest count.
const maxSpecs = 48

// SpecValues are all pairs of bounds, none first. Only the rows in only count,
// or all rows if that is nil.
func (t *Table) SpecValues(only Set) []SpecBounds {
	var specs []layout.Spec
	if only == nil {
		specs = slices.Clone(t.Specs)
	} else {
		for row := range only.All {
			specs = append(specs, t.Specs[t.Spec[row]])
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
	return out
}

// maxCapabilities is up to how many capability names every subset is looked at;
// with more, only the lists of one, of the first maxAlone names, and of all.
const (
	maxCapabilities = 8
	maxAlone        = 64
)

// CapabilityValues are lists of capabilities: none given, which is nil, first.
// Only the rows in only count, or all rows if that is nil.
func (t *Table) CapabilityValues(only Set) [][]string {
	var names []string
	for i, required := range t.Capabilities {
		if only == nil || t.anyRow(only, t.Capability, i) {
			names = append(names, required...)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	out := [][]string{nil, {}}
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

// anyRow tells whether a row of the set has a value in a column.
func (t *Table) anyRow(rows Set, column []int, value int) bool {
	for row := range rows.All {
		if column[row] == value {
			return true
		}
	}
	return false
}

// TypeValues are the values of type: none, which is "", first.
func (t *Table) TypeValues() []string {
	out := []string{""}
	for _, name := range t.Types {
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// CategoryValues are no category, which is "", and all that a package or a
// policy template has, with their parents; sorted.
func (t *Table) CategoryValues() []string {
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

// Key is the set as a string, to find equal sets.
func (s Set) Key() string { return string(s.AppendTo(make([]byte, 0, len(s)*8))) }

// AppendTo appends the set as bytes, eight for each 64 rows.
func (s Set) AppendTo(b []byte) []byte {
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}
