package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// Selection is the answer to a search before it is written down: rows in order,
// and for a few of them which policy templates the entry keeps.
type Selection struct {
	Rows []int
	// Kept has the policy templates that remain, by position, for the rows
	// whose entry is cut; a row that is not in it is shown whole.
	Kept map[int][]int
}

// Select evaluates a query. For a Counting query it gives what is counted.
// Source: the registry API, "How a search is answered".
func (t *Table) Select(q Query) Selection {
	return t.Pick(t.Newest(t.Filter(q), q.Experimental, q.All), q.Category)
}

// Filter is step 1: the rows that pass every filter but the category.
func (t *Table) Filter(q Query) Set {
	in := t.KibanaSet(q.Kibana)
	in.And(t.NameSet(q.Package))
	in.And(t.TypeSet(q.Type))
	if q.Experimental {
		return in
	}
	if !q.Prerelease {
		in.And(t.StableSet())
	}
	if q.Agent != nil {
		in.And(t.AgentSet(q.Agent))
	}
	if q.SpecMin != nil || q.SpecMax != nil {
		in.And(t.SpecSet(q.SpecMin, q.SpecMax))
	}
	if q.Capabilities != nil {
		in.And(t.CapabilitySet(q.Capabilities))
	}
	if len(q.Discovery) > 0 {
		in.And(t.DiscoverySet(q.Discovery))
	}
	return in
}

// Newest is step 2: of each name, the newest of the rows that passed, or all of
// them. Under the legacy rules a released version beats any that is a
// pre-release or 0.x, and drives those out where all versions are asked for.
func (t *Table) Newest(in Set, legacy, all bool) Set {
	if all && !legacy {
		return in
	}
	out := NewSet(t.Rows())
	flush := func(rows []int) {
		if len(rows) == 0 {
			return
		}
		best := rows
		if legacy {
			if released := t.released(rows); len(released) > 0 {
				best = released
			}
		}
		if all {
			for _, row := range best {
				out.Add(row)
			}
			return
		}
		out.Add(t.newest(best))
	}
	var rows []int
	name, end := -1, 0
	for row := range in.All {
		if row >= end {
			flush(rows)
			rows = rows[:0]
			for row >= end {
				name++
				_, end = t.nameRows(name)
			}
		}
		rows = append(rows, row)
	}
	flush(rows)
	return out
}

func (t *Table) released(rows []int) []int {
	var out []int
	for _, row := range rows {
		if !t.unstable.Has(row) {
			out = append(out, row)
		}
	}
	return out
}

// newest is the last row; of versions that differ only in build metadata, which
// has no precedence, the first.
func (t *Table) newest(rows []int) int {
	i := len(rows) - 1
	for i > 0 && t.versions[rows[i-1]].Equal(t.versions[rows[i]]) {
		i--
	}
	return rows[i]
}

// categorySets is where a category is found.
type categorySets struct {
	// own: the package itself has it, or one below it.
	own Set
	// templates: one of its policy templates has it, or one below it.
	templates Set
}

// Pick is step 3: only the rows that have the category; "" is no filter.
func (t *Table) Pick(in Set, category string) Selection {
	if category == "" {
		return Selection{Rows: slices.AppendSeq(make([]int, 0, in.Len()), in.All)}
	}
	sets := t.categorySets(category)
	s := Selection{}
	for row := range in.All {
		if sets.own.Has(row) {
			s.Rows = append(s.Rows, row)
			continue
		}
		if !sets.templates.Has(row) {
			continue
		}
		s.Rows = append(s.Rows, row)
		// A policy template counts here only with exactly this category.
		keep := []int{}
		templates := t.Templates[t.Template[row]]
		for i, template := range templates {
			if slices.Contains(template.Categories, category) {
				keep = append(keep, i)
			}
		}
		if len(keep) == len(templates) {
			continue
		}
		if s.Kept == nil {
			s.Kept = map[int][]int{}
		}
		s.Kept[row] = keep
	}
	return s
}

func (t *Table) categorySets(category string) categorySets {
	if s, ok := t.byCategory.Load(category); ok {
		return s.(categorySets)
	}
	s := categorySets{own: NewSet(t.Rows()), templates: NewSet(t.Rows())}
	labels := make([]bool, len(t.Labels))
	for i, set := range t.Labels {
		labels[i] = t.hasCategory(set, category)
	}
	templates := make([]bool, len(t.Templates))
	for i, list := range t.Templates {
		templates[i] = slices.ContainsFunc(list, func(p Template) bool { return t.hasCategory(p.Categories, category) })
	}
	for row := range t.Rows() {
		if labels[t.Label[row]] {
			s.own.Add(row)
		}
		if templates[t.Template[row]] {
			s.templates.Add(row)
		}
	}
	// Only a category that something has is worth remembering; a query can name any.
	if _, known := t.titles[category]; known {
		t.byCategory.Store(category, s)
	}
	return s
}

// hasCategory tells whether set has the category, or one below it.
func (t *Table) hasCategory(set []string, category string) bool {
	if slices.Contains(set, category) {
		return true
	}
	return slices.ContainsFunc(t.children[category], func(c string) bool { return slices.Contains(set, c) })
}

// Digest names the response of a search by its selection: for each row the
// digest of its summary, and the policy templates that it keeps. The same
// answer in another snapshot, of any environment, has the same name.
func (t *Table) Digest(s Selection) Digest { return t.digest("search 1\n", s) }

// CatalogDigest names the catalog, which holds every row's summary. It is an
// object of its own, also where a search has the same answer: edges read parts
// of it, so it is always kept plain.
func (t *Table) CatalogDigest() Digest {
	return t.digest("catalog 1\n", t.Pick(t.all, ""))
}

func (t *Table) digest(kind string, s Selection) Digest {
	h := sha256.New()
	var line strings.Builder
	line.WriteString(kind)
	for _, row := range s.Rows {
		line.WriteString(t.Summaries[row*DigestLen:][:DigestLen])
		if keep, cut := s.Kept[row]; cut {
			line.WriteByte(':')
			for i, k := range keep {
				if i > 0 {
					line.WriteByte(',')
				}
				line.WriteString(strconv.Itoa(k))
			}
		}
		line.WriteByte('\n')
		if line.Len() > 8<<10 {
			h.Write([]byte(line.String()))
			line.Reset()
		}
	}
	h.Write([]byte(line.String()))
	return Digest(hex.EncodeToString(h.Sum(nil)[:DigestLen/2]))
}
