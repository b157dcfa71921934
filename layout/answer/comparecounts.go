package answer

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/Masterminds/semver/v3"
)

// counts notes the classes of requests to /categories whose answer differs.
// Counts add up package by package, so those of the packages that differ tell.
func (c *comparison) counts(in []both, legacy bool) {
	for _, b := range c.newest(in, legacy, false) {
		for _, templates := range []bool{true, false} {
			params := b.params
			if templates {
				params = append(slices.Clip(params), "include_policy_templates=true")
			}
			was := countsOf(c.old, c.old.Pick(b.old, ""), templates)
			is := countsOf(c.new, c.new.Pick(b.new, ""), templates)
			change := AnswerChange{URL: address("/categories", params), Queries: b.queries}
			for _, id := range slices.Sorted(maps.Keys(was)) {
				if is[id] != was[id] {
					change.Changed = append(change.Changed, fmt.Sprintf("%s %+d", id, is[id]-was[id]))
				}
			}
			for _, id := range slices.Sorted(maps.Keys(is)) {
				if _, there := was[id]; !there {
					change.Changed = append(change.Changed, fmt.Sprintf("%s %+d", id, is[id]))
				}
			}
			c.note(change)
		}
	}
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
	var out []string
	for _, name := range unionStrings(old.Names, new.Names) {
		if !slices.Equal(rowTexts(old, name), rowTexts(new, name)) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
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

func rowsOfNames(t *Table, names []string) Set {
	out := NewSet(t.Rows())
	for _, name := range names {
		out.Or(t.NameSet(name))
	}
	return out
}

// unionStrings keeps the order of a, then of what only b has.
func unionStrings(a, b []string) []string {
	seen := make(map[string]bool, len(a))
	out := slices.Clone(a)
	for _, s := range a {
		seen[s] = true
	}
	for _, s := range b {
		if !seen[s] {
			out = append(out, s)
		}
	}
	return out
}

// unionVersions keeps none, which is nil, first and then the newest first.
func unionVersions(a, b []*semver.Version) []*semver.Version {
	var out []*semver.Version
	for _, v := range append(slices.Clone(a), b...) {
		if v != nil && !slices.ContainsFunc(out, v.Equal) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(x, y *semver.Version) int { return y.Compare(x) })
	return append([]*semver.Version{nil}, out...)
}
