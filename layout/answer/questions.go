package answer

import (
	"crypto/sha256"
	"maps"
	"net/url"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// Questions calls yield with requests to /search and /categories until it returns
// false: for each parameter by itself one for every answer that its values have,
// then one for every other answer that the classes of queries have. The families
// are those of docs/queries.md, and the two filters that are never rendered
// ahead. The requests are the same, in the same order, for the same table. The
// work is done as they are taken.
func (t *Table) Questions(yield func(target string) bool) {
	q := questions{t: t, yield: yield, asked: map[string]bool{}, answered: map[layout.Digest]bool{}}
	q.singles()
	for _, legacy := range []bool{false, true} {
		q.lists(legacy)
		for _, name := range t.Names {
			q.packages(name, legacy)
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

// choice is one value of a parameter, as it stands in a URL, and the rows that
// it leaves. "" does not give the parameter.
type choice struct {
	param string
	rows  Set
}

// rowsKey stands for a set of rows without keeping it.
type rowsKey [sha256.Size]byte

func keyOf(s Set) rowsKey { return sha256.Sum256([]byte(s.Key())) }

// distinctChoices keeps the first choice of those that leave the same of only.
func distinctChoices(only Set, all []choice) []choice {
	seen := map[rowsKey]bool{}
	var out []choice
	for _, c := range all {
		c.rows = c.rows.Clone()
		c.rows.And(only)
		if k := keyOf(c.rows); !seen[k] {
			seen[k] = true
			out = append(out, c)
		}
	}
	return out
}

// filters are the choices of each parameter that narrows both searches and
// categories, as far as they tell the rows in only apart.
func (q *questions) filters(only Set, legacy bool) [][]choice {
	t := q.t
	kibana := t.versionChoices("kibana.version", t.KibanaValues(only), t.KibanaSet)
	if legacy {
		return [][]choice{distinctChoices(only, kibana)}
	}
	var specs, capabilities []choice
	for _, b := range t.SpecValues(only) {
		specs = append(specs, choice{b.params(), t.SpecSet(b.Min, b.Max)})
	}
	for _, given := range t.CapabilityValues(only) {
		param := ""
		if given != nil {
			// An empty value is as if it was not given.
			param = "capabilities=" + url.QueryEscape(strings.Join(orNone(given), ","))
		}
		capabilities = append(capabilities, choice{param, t.CapabilitySet(given)})
	}
	prerelease := []choice{{"prerelease=true", t.AllSet()}, {"", t.StableSet()}}
	var out [][]choice
	for _, dimension := range [][]choice{prerelease, capabilities, specs, kibana} {
		out = append(out, distinctChoices(only, dimension))
	}
	return out
}

// orNone is a list that is not empty: a name that no package requires.
func orNone(given []string) []string {
	if len(given) == 0 {
		return []string{"none"}
	}
	return given
}

func (t *Table) versionChoices(name string, values []*semver.Version, rows func(*semver.Version) Set) []choice {
	var out []choice
	for _, v := range values {
		c := choice{rows: rows(v)}
		if v != nil {
			c.param = name + "=" + url.QueryEscape(v.String())
		}
		out = append(out, c)
	}
	return out
}

// combine calls visit for each combination of the choices whose rows were not
// seen yet.
func (q *questions) combine(from choice, dimensions [][]choice, visit func(choice)) {
	seen := map[rowsKey]bool{}
	var walk func(at choice, rest [][]choice)
	walk = func(at choice, rest [][]choice) {
		if q.ended {
			return
		}
		if len(rest) == 0 {
			if k := keyOf(at.rows); !seen[k] {
				seen[k] = true
				visit(at)
			}
			return
		}
		for _, c := range rest[0] {
			walk(at.and(c), rest[1:])
		}
	}
	walk(from, dimensions)
}

// and narrows a choice by another.
func (c choice) and(o choice) choice {
	rows := c.rows.Clone()
	rows.And(o.rows)
	return choice{c.with(o.param).param, rows}
}

// with adds a parameter that does not narrow the rows, or "".
func (c choice) with(param string) choice {
	if c.param != "" && param != "" {
		c.param += "&" + param
	} else {
		c.param += param
	}
	return c
}

// lists are searches without a package name, and categories.
func (q *questions) lists(legacy bool) {
	all := choice{rows: q.t.AllSet()}
	if legacy {
		all.param = "experimental=true"
	}
	filters := q.filters(all.rows, legacy)
	q.combine(all, filters, func(c choice) { q.count(c, legacy) })
	newest := map[rowsKey]bool{}
	q.combine(all, append(filters, q.types()), func(c choice) {
		q.search(c.with("all=true"), q.t.Pick(q.t.Newest(c.rows, legacy, true), ""))
		rows := q.t.Newest(c.rows, legacy, false)
		k := keyOf(rows)
		if newest[k] {
			return
		}
		newest[k] = true
		for _, category := range q.t.CategoryValues() {
			param := ""
			if category != "" {
				param = "category=" + url.QueryEscape(category)
			}
			q.search(c.with(param), q.t.Pick(rows, category))
		}
	})
}

// packages are searches for one package by name.
func (q *questions) packages(name string, legacy bool) {
	only := choice{"package=" + url.QueryEscape(name), q.t.NameSet(name)}
	if legacy {
		only = only.with("experimental=true")
	}
	q.combine(only, q.filters(only.rows, legacy), func(c choice) {
		q.search(c, q.t.Pick(q.t.Newest(c.rows, legacy, false), ""))
		q.search(c.with("all=true"), q.t.Pick(q.t.Newest(c.rows, legacy, true), ""))
	})
}

// singles are searches with one parameter. Whose answer is that of another
// parameter's value is asked all the same: a cache may know one and not the other.
func (q *questions) singles() {
	all := q.t.AllSet()
	dimensions := append(q.filters(all, false)[1:], q.types(), q.agents())
	for _, c := range q.discoveries() {
		dimensions = append(dimensions, []choice{c})
	}
	known := q.answered
	for _, choices := range dimensions {
		q.answered = map[layout.Digest]bool{}
		for _, c := range distinctChoices(all, choices) {
			q.search(choice{param: "prerelease=true"}.with(c.param), q.t.Pick(q.t.Newest(c.rows, false, false), ""))
		}
		maps.Copy(known, q.answered)
	}
	q.answered = map[layout.Digest]bool{}
	for _, category := range q.t.CategoryValues()[1:] {
		q.search(choice{param: "prerelease=true&category=" + url.QueryEscape(category)}, q.t.Pick(q.t.Newest(all, false, false), category))
	}
	maps.Copy(known, q.answered)
	q.answered = map[layout.Digest]bool{}
	q.search(choice{param: "experimental=true"}, q.t.Pick(q.t.Newest(all, true, false), ""))
	q.search(choice{param: "prerelease=true&all=true"}, q.t.Pick(all, ""))
	maps.Copy(known, q.answered)
	q.answered = known
}

func (q *questions) types() []choice {
	var out []choice
	for _, name := range q.t.TypeValues() {
		c := choice{rows: q.t.TypeSet(name)}
		if name != "" {
			c.param = "type=" + url.QueryEscape(name)
		}
		out = append(out, c)
	}
	return out
}

func (q *questions) agents() []choice {
	return q.t.versionChoices("agent.version", q.t.AgentValues(nil), q.t.AgentSet)
}

// discoveries are the filters that just let a package's fields, or datasets, pass.
func (q *questions) discoveries() []choice {
	var out []choice
	for _, d := range q.t.Discoveries {
		if len(d.Fields) > 0 {
			out = append(out, q.discovery("fields:", d.Fields, DiscoveryFilter{Fields: d.Fields}))
		}
		if len(d.Datasets) > 0 {
			out = append(out, q.discovery("datasets:", d.Datasets, DiscoveryFilter{Datasets: d.Datasets}))
		}
	}
	return out
}

func (q *questions) discovery(kind string, values []string, f DiscoveryFilter) choice {
	return choice{"discovery=" + url.QueryEscape(kind+strings.Join(values, ",")), q.t.DiscoverySet([]DiscoveryFilter{f})}
}

// search asks for a selection unless it was asked for; one that is empty has an
// answer as well.
func (q *questions) search(c choice, s Selection) { q.ask("/search", c, q.t.Digest(s)) }

func (q *questions) count(c choice, legacy bool) {
	s := q.t.Pick(q.t.Newest(c.rows, legacy, false), "")
	for _, templates := range []bool{false, true} {
		if templates {
			c = c.with("include_policy_templates=true")
		}
		q.ask("/categories", c, layout.DigestOf(q.t.Count(s, templates)))
	}
}

func (q *questions) ask(path string, c choice, answer layout.Digest) {
	target := path
	if c.param != "" {
		target += "?" + c.param
	}
	if q.ended || q.answered[answer] || q.asked[target] {
		return
	}
	q.answered[answer], q.asked[target] = true, true
	q.ended = !q.yield(target)
}
