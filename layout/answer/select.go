package answer

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"slices"
	"strconv"

	"github.com/regsnap/regsnap/layout"
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
	return t.Pick(t.newest(t.filter(q), q.Experimental, q.All), q.Category)
}

// filter is step 1: the rows that pass every filter but the category.
func (t *Table) filter(q Query) Set {
	s := t.everything()
	var in Set
	if q.Package != "" {
		s.from, s.to = t.Versioned(q.Package)
		in = t.nameSet(q.Package)
	} else {
		in = t.all.clone()
	}
	t.keepVersion(in, s, t.Kibana, q.Kibana)
	t.keepType(in, s, q.Type)
	if q.Experimental {
		return in
	}
	if !q.Prerelease {
		in.and(t.stable)
	}
	t.keepVersion(in, s, t.Agent, q.Agent)
	t.keepSpec(in, s, q.SpecMin, q.SpecMax)
	t.keepCapabilities(in, s, q.Capabilities)
	t.keepDiscovery(in, s, q.Discovery)
	return in
}

// newest is step 2: of each name, the newest of the rows that passed, or all of
// them. Under the legacy rules some versions give way to any other: the
// pre-releases, and where all versions are asked for the 0.x ones as well.
func (t *Table) newest(in Set, legacy, all bool) Set {
	if all && !legacy {
		return in
	}
	best := in
	if legacy {
		best = in.clone()
		best.andNot(t.yielding(all))
	}
	out := newSet(t.Rows())
	name := len(t.Names) - 1
	for row := in.last(0, t.Rows()); row >= 0; row = in.last(0, t.Starts[name]) {
		for t.Starts[name] > row {
			name--
		}
		from, to := t.NameRows(name)
		of := best
		if legacy && best.last(from, to) < 0 {
			of = in
		}
		if !all {
			out.add(t.newestRow(of, from, to))
			continue
		}
		for row := of.last(from, to); row >= 0; row = of.last(from, row) {
			out.add(row)
		}
	}
	return out
}

// yielding is the rows that give way to all others of their name under the
// legacy rules.
func (t *Table) yielding(all bool) Set {
	if all {
		return t.unstable
	}
	return t.prerelease
}

// newestRow is the last row of a set between from and to, where it has one; of
// versions that differ only in build metadata, which has no precedence, the first.
func (t *Table) newestRow(in Set, from, to int) int {
	newest := in.last(from, to)
	for row := newest; row > from && t.tied.has(row); {
		if row--; in.has(row) {
			newest = row
		}
	}
	return newest
}

// categorySets is where a category is found.
type categorySets struct {
	// own: the package itself has it, or one below it.
	own Set
	// templates: one of its policy templates has it, or one below it.
	templates Set
	// either of them.
	either Set
}

// Pick is step 3: only the rows that have the category; "" is no filter.
func (t *Table) Pick(in Set, category string) Selection {
	if category == "" {
		return Selection{Rows: slices.AppendSeq(make([]int, 0, in.Len()), in.All)}
	}
	sets := t.categorySets(category)
	in = in.clone()
	in.and(sets.either)
	s := Selection{Rows: slices.AppendSeq(make([]int, 0, in.Len()), in.All)}
	for _, row := range s.Rows {
		if sets.own.has(row) {
			continue
		}
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
	s := categorySets{own: newSet(t.Rows()), templates: newSet(t.Rows())}
	labels := make([]bool, len(t.Labels))
	for i, set := range t.Labels {
		labels[i] = t.hasCategory(set, category)
	}
	templates := make([]bool, len(t.Templates))
	for i, list := range t.Templates {
		templates[i] = slices.ContainsFunc(list, func(p layout.Template) bool { return t.hasCategory(p.Categories, category) })
	}
	for row := range t.Rows() {
		if labels[t.Label[row]] {
			s.own.add(row)
		}
		if templates[t.Template[row]] {
			s.templates.add(row)
		}
	}
	s.either = s.own.clone()
	s.either.or(s.templates)
	// Only a category that something has is worth remembering; a query can name any.
	if _, known := t.titles[category]; known {
		t.byCategory.Store(category, s)
	}
	return s
}

// hasCategory reports whether set has the category, or one below it.
func (t *Table) hasCategory(set []string, category string) bool {
	if slices.Contains(set, category) {
		return true
	}
	return slices.ContainsFunc(t.children[category], func(c string) bool { return slices.Contains(set, c) })
}

// Digest names the response of a search by its selection: for each row the
// digest of its summary, and the policy templates that it keeps. The same
// answer in another snapshot, of any environment, has the same name.
func (t *Table) Digest(s Selection) layout.Digest { return t.digest("search 2\n", s) }

// EveryDigest names the response that shows every version.
func (t *Table) EveryDigest() layout.Digest { return t.Digest(t.Pick(t.all, "")) }

// digest hashes a line that says what is named, the digests of the summaries one
// after the other, so that those of neighbouring rows are hashed where they lie,
// and a line for each entry that is cut: its place in the answer, and what it keeps.
func (t *Table) digest(kind string, s Selection) layout.Digest {
	h := sha256.New()
	io.WriteString(h, kind)
	var cuts []byte
	for i := 0; i < len(s.Rows); {
		from := s.Rows[i]
		to := from
		for ; i < len(s.Rows) && s.Rows[i] == to; i++ {
			if keep, cut := s.Kept[to]; cut {
				cuts = appendCut(cuts, i, keep)
			}
			to++
		}
		io.WriteString(h, t.Summaries[from*layout.DigestLen:to*layout.DigestLen])
	}
	h.Write(cuts)
	return layout.Digest(hex.EncodeToString(h.Sum(nil)[:layout.DigestLen/2]))
}

func appendCut(b []byte, i int, keep []int) []byte {
	b = append(b, '\n')
	b = strconv.AppendInt(b, int64(i), 10)
	for k, position := range keep {
		b = append(b, ":,"[min(k, 1)])
		b = strconv.AppendInt(b, int64(position), 10)
	}
	return b
}
