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
	// covered are the classes whose answer is planned, or needs no object.
	covered []answer.Class
}

// maxWork bounds the time of planning: a few seconds. What the walk does not
// reach is left to assembly.
const maxWork = 1 << 30

// planResponses finds the answer of every class of queries. The order is the
// order of importance: what the budget cuts off is at the end.
func planResponses(t *answer.Table, budget layout.Budget) *plan {
	p := &plan{t: t, budget: budget, planned: map[layout.Digest]bool{}}
	p.every()
	w := answer.NewWalk(t, maxWork)
	for c := range w.Classes {
		r, needed := p.answer(w, c)
		if needed && !p.add(r) {
			break
		}
		p.covered = append(p.covered, c)
	}
	p.coverage.Queries = w.Queries()
	p.coverage.Assembled = p.coverage.Queries
	for _, c := range p.covered {
		p.coverage.Assembled -= c.Queries()
	}
	return p
}

// every is the search that shows every version, which mirrors ask for. It is
// rendered whatever the budget is: it would be the most work of all to put together.
func (p *plan) every() {
	q := answer.Query{All: true, Prerelease: true}
	s := p.t.Select(q)
	p.keep(response{p.t.Digest(s), q, p.sizeOf(s)})
}

// answer is the response to a class of queries. None is needed for an empty
// list: edges write that themselves.
func (p *plan) answer(w *answer.Walk, c answer.Class) (r response, needed bool) {
	s := p.t.Pick(c.Rows[0], c.Query.Category)
	w.Spend(len(s.Rows))
	if c.Query.Counting {
		body := p.t.Count(s, c.Query.IncludePolicyTemplates)
		return response{layout.DigestOf(body), c.Query, int64(len(body))}, true
	}
	if len(s.Rows) == 0 {
		return response{}, false
	}
	return response{p.t.Digest(s), c.Query, p.sizeOf(s)}, true
}

// sizeOf is the size of the answer to a search in bytes, or nearly.
func (p *plan) sizeOf(s answer.Selection) int64 {
	size := int64(0)
	for _, row := range s.Rows {
		size += int64(p.t.Sizes[row]) + 2
	}
	return size
}

// add plans a response unless it is planned already; it reports whether the
// budget had room for it.
func (p *plan) add(r response) bool {
	if p.planned[r.digest] {
		return true
	}
	if p.coverage.Rendered >= p.budget.Responses || p.bytes+r.size > p.budget.Bytes {
		p.coverage.Distinct++
		return false
	}
	p.keep(r)
	p.bytes += r.size
	return true
}

// keep plans a response.
func (p *plan) keep(r response) {
	p.coverage.Distinct++
	p.coverage.Rendered++
	p.planned[r.digest] = true
	p.responses = append(p.responses, r)
}
