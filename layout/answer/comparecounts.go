package answer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// counts says by how much the answers to a class of requests to /categories
// differ. Counts add up package by package, so those of the packages that differ
// tell.
func (c *comparison) counts(class Class) []string {
	was := countsOf(c.old, c.old.Pick(class.Rows[0], ""), class.Query.IncludePolicyTemplates)
	is := countsOf(c.new, c.new.Pick(class.Rows[1], ""), class.Query.IncludePolicyTemplates)
	var out []string
	for _, id := range slices.Sorted(maps.Keys(was)) {
		if is[id] != was[id] {
			out = append(out, fmt.Sprintf("%s %+d", id, is[id]-was[id]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(is)) {
		if _, counted := was[id]; !counted {
			out = append(out, fmt.Sprintf("%s %+d", id, is[id]))
		}
	}
	return out
}

func countsOf(t *Table, s Selection, templates bool) map[string]int {
	var list []categoryCount
	if err := json.Unmarshal(t.Count(s, templates), &list); err != nil {
		panic(fmt.Sprintf("layout: categories that Count wrote: %v", err))
	}
	out := make(map[string]int, len(list))
	for _, c := range list {
		out[c.ID] = c.Count
	}
	return out
}

// changedNames are the packages of which the tables do not say the same, sorted.
func changedNames(old, new *Table) []string {
	names := slices.Concat(old.Names, new.Names)
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool {
		return slices.Equal(rowTexts(old, name), rowTexts(new, name))
	})
}

// rowTexts is what a table says of a package: of each version the revision,
// which everything the queries look at follows from, and the summary.
func rowTexts(t *Table, name string) []string {
	var out []string
	from, to := t.Versioned(name)
	for row := from; row < to; row++ {
		out = append(out, t.Versions[row]+" "+t.Revision(row).ID+" "+string(t.Summary(row)))
	}
	return out
}

// part are the rows of some packages.
func (t *Table) part(names []string) part {
	rows := newSet(t.Rows())
	for _, name := range names {
		rows.or(t.nameSet(name))
	}
	return part{t, rows}
}
