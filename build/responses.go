package build

import (
	"github.com/regsnap/regsnap/layout"
)

// DefaultBudget is enough for every class of queries on a storage of 2,300
// package versions, three times over.
var DefaultBudget = layout.Budget{Responses: 20_000, Bytes: 2 << 30}

// response is one distinct answer that is to be rendered.
type response struct {
	digest    layout.Digest
	selection layout.Selection
	// body is set for categories, whose digest is that of the body.
	body []byte
	size int64
}

// plan enumerates what clients can ask and keeps each distinct answer once.
type plan struct {
	t         *layout.Table
	budget    layout.Budget
	coverage  layout.Coverage
	responses []response
	bytes     int64
	// fate remembers what became of each answer: true is rendered.
	fate map[layout.Digest]bool
}

// planResponses evaluates every combination of the classes. The order is the
// order of importance: what the budget cuts off is at the end.
//
// Source: what clients send, as docs/queries.md tells.
func planResponses(t *layout.Table, budget layout.Budget) *plan {
	p := &plan{t: t, budget: budget, fate: map[layout.Digest]bool{}}
	c := newClasses(t)
	// The catalog first: every assembled answer is made from it.
	catalog := layout.Selection{Rows: rowsOf(t.AllSet())}
	p.responses = append(p.responses, response{digest: t.CatalogDigest(), selection: catalog, size: t.CatalogSize()})
	// A type is only asked for in searches: /categories has no such parameter.
	counted := p.cross(c.prerelease, p.cross(p.cross(c.capabilities, c.spec), c.kibana))
	for _, family := range []struct {
		counted, rows []class
		legacy        bool
	}{{counted, p.cross(c.types, counted), false}, {c.kibana, p.cross(c.types, c.kibana), true}} {
		p.lists(family.rows, c.categories, family.legacy, false)
		p.packages(family.rows, family.legacy, false)
		p.counts(family.counted, family.legacy)
		// Every version is what mirrors and test tools ask for: of all packages
		// or of one, never of a category.
		p.packages(family.rows, family.legacy, true)
		p.lists(family.rows, []string{""}, family.legacy, true)
	}
	return p
}

// cross intersects every class of a with every one of b and merges what is equal.
func (p *plan) cross(a, b []class) []class {
	var out []class
	at := map[string]int{}
	for _, x := range a {
		for _, y := range b {
			s := x.rows.Clone()
			s.And(y.rows)
			k := s.Key()
			if i, seen := at[k]; seen {
				out[i].values += x.values * y.values
				continue
			}
			at[k] = len(out)
			out = append(out, class{rows: s, values: x.values * y.values})
		}
	}
	return out
}

// newest applies step 2 of a search to every class and merges what is equal.
func (p *plan) newest(in []class, legacy, all bool) []class {
	sets := make([]class, 0, len(in))
	at := map[string]int{}
	for _, c := range in {
		s := p.t.Newest(c.rows, legacy, all)
		k := s.Key()
		if i, seen := at[k]; seen {
			sets[i].values += c.values
			continue
		}
		at[k] = len(sets)
		sets = append(sets, class{rows: s, values: c.values})
	}
	return sets
}

// lists are searches without a package name, for every category.
func (p *plan) lists(filtered []class, categories []string, legacy, all bool) {
	newest := p.newest(filtered, legacy, all)
	for _, category := range categories {
		for _, c := range newest {
			p.search(p.t.Pick(c.rows, category), c.values)
		}
	}
}

// packages are searches for one package by name.
func (p *plan) packages(filtered []class, legacy, all bool) {
	for _, name := range p.t.Names {
		only := p.cross(filtered, []class{{rows: p.t.NameSet(name), values: 1}})
		for _, c := range p.newest(only, legacy, all) {
			p.search(p.t.Pick(c.rows, ""), c.values)
		}
	}
}

// counts are the requests to /categories.
func (p *plan) counts(filtered []class, legacy bool) {
	for _, c := range p.newest(filtered, legacy, false) {
		s := p.t.Pick(c.rows, "")
		for _, templates := range []bool{true, false} {
			body := p.t.Count(s, templates)
			p.add(response{digest: layout.DigestOf(body), body: body, size: int64(len(body))}, c.values)
		}
	}
}

// search notes the answer of a search that this many queries share.
func (p *plan) search(s layout.Selection, queries int) {
	if len(s.Rows) == 0 {
		// "[]" is the same for everybody: edges say it themselves.
		p.coverage.Queries += queries
		return
	}
	r := response{digest: p.t.Digest(s), selection: s}
	for _, row := range s.Rows {
		r.size += int64(p.t.Sizes[row]) + 2
	}
	p.add(r, queries)
}

func (p *plan) add(r response, queries int) {
	p.coverage.Queries += queries
	rendered, seen := p.fate[r.digest]
	if !seen {
		p.coverage.Distinct++
		rendered = len(p.responses) < p.budget.Responses && p.bytes+r.size <= p.budget.Bytes
		p.fate[r.digest] = rendered
		if rendered {
			p.coverage.Rendered++
			p.responses = append(p.responses, r)
			p.bytes += r.size
		}
	}
	if !rendered {
		p.coverage.Assembled += queries
	}
}

func rowsOf(s layout.Set) []int {
	var rows []int
	for row := range s.All {
		rows = append(rows, row)
	}
	return rows
}
