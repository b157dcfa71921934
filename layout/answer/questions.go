package answer

import (
	"maps"

	"github.com/regsnap/regsnap/layout"
)

// Questions calls yield with requests to /search and /categories until it returns
// false: for each parameter by itself one for every answer that its values have,
// then one for every other answer that the classes of queries have. The families
// are those of docs/queries.md, and the two filters that are never rendered
// ahead. The requests are the same, in the same order, for the same table. The
// work is done as they are taken.
func (t *Table) Questions(yield func(target string) bool) {
	w := NewWalk(t, 0)
	q := questions{t: t, yield: yield, asked: map[string]bool{}, answered: map[layout.Digest]bool{}}
	q.singles(w.values)
	for c := range w.Classes {
		if c.Query.IncludePolicyTemplates {
			// Where both have one answer, the shorter request stands for it.
			shorter := c.Query
			shorter.IncludePolicyTemplates = false
			q.ask(shorter, c.Rows[0])
		}
		if q.ask(c.Query, c.Rows[0]); q.ended {
			return
		}
	}
}

// questions is one walk through the classes.
type questions struct {
	t     *Table
	yield func(string) bool
	// ended: yield wants no more.
	ended bool
	asked map[string]bool
	// answered are the answers that have their request already.
	answered map[layout.Digest]bool
}

// singles are searches with one parameter.
func (q *questions) singles(v Values) {
	single(q, v.Capabilities, setCapabilities)
	single(q, v.Specs, setSpecs)
	single(q, v.Kibana, setKibana)
	single(q, v.Types, setType)
	single(q, v.Agent, setAgent)
	for _, d := range q.t.Discoveries {
		for _, f := range filtersOf(d) {
			single(q, []DiscoveryFilter{f}, func(q *Query, f DiscoveryFilter) { q.Discovery = []DiscoveryFilter{f} })
		}
	}
	single(q, v.Categories[1:], func(q *Query, v string) { q.Category = v })
	single(q, []Query{{Experimental: true}, {Prerelease: true, All: true}}, func(q *Query, v Query) { *q = v })
}

// filtersOf are the filters that just let a package's fields, or datasets, pass.
func filtersOf(d layout.Discovery) []DiscoveryFilter {
	var out []DiscoveryFilter
	if len(d.Fields) > 0 {
		out = append(out, DiscoveryFilter{Fields: d.Fields})
	}
	if len(d.Datasets) > 0 {
		out = append(out, DiscoveryFilter{Datasets: d.Datasets})
	}
	return out
}

// single asks a search for every answer that the values of one parameter have,
// also for those that another parameter's values have: a cache may hold one and
// not the other.
func single[T any](q *questions, values []T, set func(*Query, T)) {
	before := q.answered
	q.answered = map[layout.Digest]bool{}
	for _, v := range values {
		query := Query{Prerelease: true}
		set(&query, v)
		q.ask(query, q.t.newest(q.t.filter(query), query.Experimental, query.All))
	}
	maps.Copy(before, q.answered)
	q.answered = before
}

// ask asks for what these rows answer, unless it was asked for. An answer that
// is empty counts as well.
func (q *questions) ask(query Query, rows Set) {
	selection := q.t.Pick(rows, query.Category)
	answer := q.t.Digest(selection)
	if query.Counting {
		answer = layout.DigestOf(q.t.Count(selection, query.IncludePolicyTemplates))
	}
	target := query.Target()
	skip := q.ended || q.answered[answer] || q.asked[target]
	q.answered[answer], q.asked[target] = true, true
	if !skip {
		q.ended = !q.yield(target)
	}
}
