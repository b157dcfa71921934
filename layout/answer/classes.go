package answer

import (
	"crypto/sha256"

	"github.com/Masterminds/semver/v3"
)

// class stands for all values of a parameter that leave the same rows.
type class struct {
	// rows of every table, one after the other; each begins at a word of its own.
	rows Set
	// set gives a query the value that was met first.
	set func(*Query)
	// values is how many there are.
	values int
}

// dimension is one parameter that narrows a search: the classes of its values,
// the most important first.
type dimension struct {
	classes []class
	// values is how many there are; some may be too many to become classes.
	values int
}

// maxValues bounds the values of a parameter that become classes: the memory for
// their rows is in proportion. Packages of today name some two hundred versions
// of Kibana.
const maxValues = 1 << 11

// newDimension groups the values of a parameter; set writes one into a query.
func newDimension[T any](ts tables, values []T, set func(*Query, T)) dimension {
	in := make([]class, 0, min(len(values), maxValues))
	for _, v := range values[:cap(in)] {
		alone := Query{Prerelease: true} // so that no other filter counts
		set(&alone, v)
		in = append(in, class{ts.filter(alone), func(q *Query) { set(q, v) }, 1})
	}
	return dimension{merged(in), len(values)}
}

// The parameters, each with how a query is given a value of it.

func setKibana(q *Query, v *semver.Version)    { q.Kibana = v }
func setAgent(q *Query, v *semver.Version)     { q.Agent = v }
func setSpecs(q *Query, v SpecBounds)          { q.SpecMin, q.SpecMax = v.Min, v.Max }
func setCapabilities(q *Query, given []string) { q.Capabilities = given }
func setType(q *Query, name string)            { q.Type = name }
func setPrerelease(q *Query, v bool)           { q.Prerelease = v }

// merged joins classes with the same rows, in the order of first sight.
func merged(in []class) []class {
	var out []class
	at := make(map[rowsKey]int, len(in))
	for _, c := range in {
		k := keyOf(c.rows)
		if i, seen := at[k]; seen {
			out[i].values += c.values
			continue
		}
		at[k] = len(out)
		out = append(out, c)
	}
	return out
}

// within is a dimension for the rows of one package alone.
func (d dimension) within(ts tables, name string) dimension {
	in := make([]class, len(d.classes))
	for i, c := range d.classes {
		in[i] = class{ts.slice(c.rows, name), c.set, c.values}
	}
	return dimension{merged(in), d.values}
}

// slice are the rows of a package among a class's, at no more words than they need.
func (ts tables) slice(rows Set, name string) Set {
	var out Set
	for i, rows := range ts.split(rows) {
		from, to := ts[i].Versioned(name)
		out = append(out, rows.slice(from, to)...)
	}
	return out
}

// split are a class's rows in each table.
func (ts tables) split(rows Set) []Set {
	out := make([]Set, len(ts))
	for i, t := range ts {
		n := len(t.rows)
		out[i], rows = rows[:n:n], rows[n:]
	}
	return out
}

// filter is step 1 of a search, in every table.
func (ts tables) filter(q Query) Set {
	var out Set
	for _, t := range ts {
		rows := t.filter(q)
		rows.and(t.rows)
		out = append(out, rows...)
	}
	return out
}

// rowsKey stands for a set of rows in maps: a large one would be a long key.
type rowsKey [16]byte

func keyOf(s Set) rowsKey {
	var buf [512]byte
	sum := sha256.Sum256(s.appendTo(buf[:0]))
	return rowsKey(sum[:16])
}
