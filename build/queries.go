package build

import (
	"crypto/sha256"
	"slices"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout/answer"
)

// A class is a combination of query parameters that stands for all which give
// the same rows.
type class struct {
	rows answer.Set
	// query has the values that were met first.
	query answer.Query
	// values is how many combinations were looked at: what the coverage counts.
	values int
}

// parameter is the distinct values of one query parameter that narrows a
// search, the most important first.
type parameter struct {
	classes []class
	// asked is how many values there are; some may be too many to become classes.
	asked int
}

// maxValues bounds the values of a parameter that become classes: the memory for
// their rows is in proportion. Packages of today name some two hundred versions
// of Kibana.
const maxValues = 1 << 11

// parameters are all that narrow a search.
type parameters struct {
	kibana, prerelease, spec, capabilities, types parameter
	categories                                    []string
}

// newParameters finds the values that can make a difference. A Kibana version
// matters only by which constraints accept it, so the ends of their intervals
// stand for all versions.
func newParameters(t *answer.Table) parameters {
	specs := t.SpecValues(nil)
	// Newest first: should the budget run out, old versions are the ones left to
	// assembly.
	slices.SortStableFunc(specs, func(a, b answer.SpecBounds) int { return newestFirst(a.Max, b.Max) })
	return parameters{
		kibana: newParameter(t.KibanaValues(nil), func(v *semver.Version) (answer.Set, answer.Query) {
			return t.KibanaSet(v), answer.Query{Kibana: v}
		}),
		prerelease: newParameter([]bool{true, false}, func(v bool) (answer.Set, answer.Query) {
			if !v {
				return t.StableSet(), answer.Query{}
			}
			return t.AllSet(), answer.Query{Prerelease: true}
		}),
		spec: newParameter(specs, func(v answer.SpecBounds) (answer.Set, answer.Query) {
			return t.SpecSet(v.Min, v.Max), answer.Query{SpecMin: v.Min, SpecMax: v.Max}
		}),
		capabilities: newParameter(t.CapabilityValues(nil), func(v []string) (answer.Set, answer.Query) {
			return t.CapabilitySet(v), answer.Query{Capabilities: v}
		}),
		types: newParameter(t.TypeValues(), func(v string) (answer.Set, answer.Query) {
			return t.TypeSet(v), answer.Query{Type: v}
		}),
		categories: t.CategoryValues(),
	}
}

// newestFirst orders versions, none of which comes first.
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

func newParameter[T any](values []T, rowsOf func(T) (answer.Set, answer.Query)) parameter {
	p := parameter{asked: len(values)}
	in := make([]class, 0, len(values))
	for _, v := range values[:min(len(values), maxValues)] {
		rows, query := rowsOf(v)
		in = append(in, class{rows, query, 1})
	}
	p.classes = merged(in)
	return p
}

// within is a parameter for the rows from <= row < to alone.
func (p parameter) within(from, to int) parameter {
	in := make([]class, len(p.classes))
	for i, c := range p.classes {
		in[i] = class{c.rows.Slice(from, to), c.query, c.values}
	}
	return parameter{merged(in), p.asked}
}

// merged joins classes with the same rows, in the order of first sight.
func merged(in []class) []class {
	var out []class
	at := make(map[rowsKey]int, len(in))
	for _, c := range in {
		k := keyOfRows(c.rows)
		if i, seen := at[k]; seen {
			out[i].values += c.values
			continue
		}
		at[k] = len(out)
		out = append(out, c)
	}
	return out
}

// narrow leaves in c what is in o as well, whose parameters are others.
func (c *class) narrow(o class) {
	c.rows.And(o.rows)
	c.values *= o.values
	q := &c.query
	q.Prerelease = q.Prerelease || o.query.Prerelease
	if o.query.Kibana != nil {
		q.Kibana = o.query.Kibana
	}
	if o.query.SpecMin != nil {
		q.SpecMin = o.query.SpecMin
	}
	if o.query.SpecMax != nil {
		q.SpecMax = o.query.SpecMax
	}
	if o.query.Capabilities != nil {
		q.Capabilities = o.query.Capabilities
	}
	if o.query.Type != "" {
		q.Type = o.query.Type
	}
}

// rowsKey stands for a set of rows in maps: a large one would be a long key.
type rowsKey [16]byte

func keyOfRows(s answer.Set) rowsKey {
	var buf [512]byte
	sum := sha256.Sum256(s.AppendTo(buf[:0]))
	return rowsKey(sum[:16])
}
