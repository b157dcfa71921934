package build

import (
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// DefaultBudget is enough for every class of queries on a storage of 2,300
// package versions. Lists are most of it, and a push renders again each that has
// the package which it changes: the bytes bound what a push can cost, however
// large the registry is.
var DefaultBudget = layout.Budget{Responses: 2_000, Bytes: 256 << 20}

// response is one distinct answer that is to be rendered: that to a query, which
// stands for all that have the same.
type response struct {
	digest layout.Digest
	query  answer.Query
	size   int64
}

// plan looks at what clients can ask and keeps each distinct answer once, until
// the budget is used up.
type plan struct {
	t         *answer.Table
	budget    layout.Budget
	coverage  layout.Coverage
	responses []response
	bytes     int64
	planned   map[layout.Digest]bool
	// covered is how many of the queries have an answer that is planned, or need none.
	covered int
	work    int
	// full: what has not been looked at is left to assembly.
	full bool
}

// maxWork bounds the time of planning, in machine words and table rows that are
// looked at: a few seconds. Classes of queries multiply, and some storage could
// have few answers to very many.
const maxWork = 1 << 30

// family is queries that are combined from the same parameters.
type family struct {
	legacy bool
	// types come first: /categories has no such parameter.
	parameters []parameter
}

// planResponses evaluates every combination of the classes. The order is the
// order of importance: what the budget cuts off is at the end.
//
// Source: what clients send, as docs/queries.md tells.
func planResponses(t *answer.Table, budget layout.Budget) *plan {
	p := &plan{t: t, budget: budget, planned: map[layout.Digest]bool{}}
	p.every()
	c := newParameters(t)
	for _, f := range []family{
		{false, []parameter{c.types, c.capabilities, c.spec, c.kibana, c.prerelease}},
		{true, []parameter{c.types, c.kibana}},
	} {
		p.lists(f, c.categories[1:], false) // the first is none
		p.packages(f, false)
		p.counts(f)
		// Every version is what mirrors and test tools ask for: of all packages
		// or of one, never of a category.
		p.packages(f, true)
		p.lists(f, nil, true)

		counted := asked(f.parameters[1:])
		p.coverage.Queries += 2*counted + c.types.asked*counted*(len(c.categories)+2*len(t.Names)+1)
	}
	p.coverage.Assembled = p.coverage.Queries - p.covered
	return p
}

// every is the search that shows every version, which mirrors ask for. It is
// rendered whatever the budget is: it would be the most work of all to put together.
func (p *plan) every() {
	q := answer.Query{All: true, Prerelease: true}
	s := p.t.Select(q)
	if len(s.Rows) == 0 {
		return
	}
	p.keep(response{p.t.Digest(s), q, p.sizeOf(s)})
}

// asked counts the combinations of all values of parameters.
func asked(parameters []parameter) int {
	n := 1
	for _, p := range parameters {
		n *= p.asked
	}
	return n
}

// values counts the combinations of those values that became classes.
func values(parameters []parameter) int {
	n := 1
	for _, p := range parameters {
		sum := 0
		for _, c := range p.classes {
			sum += c.values
		}
		n *= sum
	}
	return n
}

// everything is the class without any parameter of a family.
func (p *plan) everything(f family, all bool) class {
	return class{p.t.AllSet(), answer.Query{Experimental: f.legacy, All: all}, 1}
}

// lists are searches without a package name: first all without a category, which
// everybody asks for and which are the most work to assemble, then those for
// each category.
func (p *plan) lists(f family, categories []string, all bool) {
	var newest []class
	at := map[rowsKey]int{}
	p.combine(p.everything(f, all), f.parameters, 1, func(c class) {
		rows := p.newest(c.rows, f.legacy, all)
		k := keyOfRows(rows)
		if i, seen := at[k]; seen {
			newest[i].values += c.values
			p.covered += c.values
			return
		}
		at[k] = len(newest)
		newest = append(newest, class{query: c.query, values: c.values}) // the rows of all would be too much to keep
		p.search(p.t.Pick(rows, ""), c.query, c.values)
	})
	covered := 0
	for _, c := range newest {
		if p.full || len(categories) == 0 {
			break
		}
		rows := p.newest(p.t.Filter(c.query), f.legacy, all)
		for _, category := range categories {
			c.query.Category = category
			p.spend(len(rows))
			p.search(p.t.Pick(rows, category), c.query, 0)
			if !p.full {
				covered += c.values
			}
		}
	}
	if !p.full {
		covered = values(f.parameters) * len(categories)
	}
	p.covered += covered
}

// packages are searches for one package by name. Few of the classes differ in
// its few rows.
func (p *plan) packages(f family, all bool) {
	for _, name := range p.t.Names {
		if p.full {
			return
		}
		from, to := p.t.Versioned(name)
		only := class{p.t.AllSet().Slice(from, to), answer.Query{Experimental: f.legacy, All: all, Package: name}, 1}
		narrow := make([]parameter, len(f.parameters))
		for i, q := range f.parameters {
			narrow[i] = q.within(from, to)
			p.spend(len(q.classes) * len(only.rows))
		}
		p.combine(only, narrow, 1, func(c class) {
			p.spend(to - from)
			p.search(p.t.Select(c.query), c.query, c.values)
		})
	}
}

// counts are the requests to /categories.
func (p *plan) counts(f family) {
	seen := map[rowsKey]bool{}
	p.combine(p.everything(f, false), f.parameters[1:], 2, func(c class) {
		rows := p.newest(c.rows, f.legacy, false)
		k := keyOfRows(rows)
		if seen[k] {
			p.covered += 2 * c.values
			return
		}
		seen[k] = true
		c.query.Counting = true
		selection := p.t.Pick(rows, "")
		for _, templates := range []bool{true, false} {
			c.query.IncludePolicyTemplates = templates
			body := p.t.Count(selection, templates)
			p.spend(2 * len(selection.Rows))
			p.add(response{layout.DigestOf(body), c.query, int64(len(body))}, c.values)
		}
	})
}

// newest applies step 2 of a search.
func (p *plan) newest(in answer.Set, legacy, all bool) answer.Set {
	p.spend(len(in) + len(p.t.Names))
	return p.t.Newest(in, legacy, all)
}

// combine calls visit for the combinations of parameters with a class, the most
// important first, until the plan is full. Of those that leave the same rows only
// the first is visited; for the others it covers as many queries each.
//
// How important a combination is follows from the places that its values have
// among those of their parameters: their product counts. So a rare value of one
// parameter comes early if the others have none, and rare values of several late.
func (p *plan) combine(in class, parameters []parameter, queries int, visit func(class)) {
	seen := map[rowsKey]bool{}
	chosen := make([]class, len(parameters))
	most := 1
	for _, q := range parameters {
		most *= len(q.classes)
	}
	for product := 1; product <= most && !p.full; product++ {
		p.places(product, parameters, chosen, func() {
			c := in
			c.rows = in.rows.Clone()
			for _, o := range chosen {
				c.narrow(o)
			}
			p.spend(len(c.rows) + classWork)
			if k := keyOfRows(c.rows); seen[k] {
				p.covered += queries * c.values
			} else {
				seen[k] = true
				visit(c)
			}
		})
	}
}

// places calls visit for each choice of a class of every parameter whose places,
// counted from 1, have that product.
func (p *plan) places(product int, parameters []parameter, chosen []class, visit func()) {
	at := len(chosen) - len(parameters)
	classes := parameters[0].classes
	if len(parameters) == 1 {
		if product <= len(classes) && !p.full {
			chosen[at] = classes[product-1]
			visit()
		}
		return
	}
	n := min(product, len(classes))
	p.spend(n)
	for i := range n {
		if product%(i+1) == 0 {
			chosen[at] = classes[i]
			p.places(product/(i+1), parameters[1:], chosen, visit)
		}
	}
}

// classWork is what a class costs beside its rows, in the unit of maxWork. It
// bounds the memory for those that were seen, too.
const classWork = 256

// search notes the answer of a search that this many queries share.
func (p *plan) search(s answer.Selection, q answer.Query, queries int) {
	if len(s.Rows) == 0 {
		// "[]" is the same for everybody: edges say it themselves.
		p.covered += queries
		return
	}
	p.spend(len(s.Rows))
	p.add(response{p.t.Digest(s), q, p.sizeOf(s)}, queries)
}

// sizeOf is the size of the answer to a search in bytes, or nearly.
func (p *plan) sizeOf(s answer.Selection) int64 {
	size := int64(0)
	for _, row := range s.Rows {
		size += int64(p.t.Sizes[row]) + 2
	}
	return size
}

func (p *plan) add(r response, queries int) {
	switch {
	case p.full:
		return
	case p.planned[r.digest]:
	case p.coverage.Rendered >= p.budget.Responses || p.bytes+r.size > p.budget.Bytes:
		p.coverage.Distinct++
		p.full = true
		return
	default:
		p.keep(r)
		p.bytes += r.size
	}
	p.covered += queries
}

// keep plans a response.
func (p *plan) keep(r response) {
	p.coverage.Distinct++
	p.coverage.Rendered++
	p.planned[r.digest] = true
	p.responses = append(p.responses, r)
}

// spend notes work, and ends the planning when it was enough.
func (p *plan) spend(work int) {
	if p.work += work; p.work > maxWork {
		p.full = true
	}
}
