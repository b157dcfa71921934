package answer

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// AnswerChange is a class of requests that another snapshot answers differently.
type AnswerChange struct {
	// URL is one request of the class, its parameters as Kibana orders them.
	URL string `json:"url"`
	// Queries is how many of the combinations that were looked at it stands for.
	Queries int `json:"queries"`
	// Removed, Added and Changed are entries of a search ("nginx-1.5.0") that
	// are no longer, are newly, or are still in the answer, with another
	// content. Of /categories Changed says by how much counts differ
	// ("security +1").
	Removed []string `json:"removed,omitempty"`
	Added   []string `json:"added,omitempty"`
	Changed []string `json:"changed,omitempty"`

	more []string // of the classes that were merged into this one
}

// CompareAnswers finds the searches and categories that two tables answer
// differently: every combination of the values that can make a difference, as
// the build combines them. It looks only at packages whose rows differ, because
// what a search says of one name does not depend on any other; so the work is in
// proportion to what changed.
func CompareAnswers(old, new *Table) []AnswerChange {
	c := comparison{old: old, new: new, at: map[string]int{}}
	names := changedNames(old, new)
	if len(names) == 0 {
		return nil
	}
	base := both{old: rowsOfNames(old, names), new: rowsOfNames(new, names), queries: 1}
	filtered := c.crossKibana([]both{base}, base)
	legacy := c.with(filtered, "experimental=true", func(b both) both { return b })
	filtered = c.crossSpec(filtered, base)
	filtered = c.crossCapabilities(filtered, base)
	filtered = c.crossPrerelease(filtered)
	categories := unionStrings(old.CategoryValues(), new.CategoryValues())
	for _, family := range []struct {
		rows   []both
		legacy bool
	}{{filtered, false}, {legacy, true}} {
		typed := c.crossType(family.rows)
		c.searches(typed, categories, family.legacy, false)
		c.packages(typed, names, family.legacy, false)
		c.counts(family.rows, family.legacy)
		c.packages(typed, names, family.legacy, true)
		c.searches(typed, []string{""}, family.legacy, true)
	}
	return c.changes
}

// comparison collects the changes of one CompareAnswers.
type comparison struct {
	old, new *Table
	changes  []AnswerChange
	at       map[string]int // class of answers → its change
}

// both are the rows that a class of queries selects on each side.
type both struct {
	old, new Set
	params   []string // as in a URL
	queries  int
}

func (b both) key() string { return b.old.Key() + "|" + b.new.Key() }

// and narrows both sides and adds a parameter; "" adds none.
func (b both) and(old, new Set, param string) both {
	out := both{old: b.old.Clone(), new: b.new.Clone(), params: b.params, queries: b.queries}
	out.old.And(old)
	out.new.And(new)
	if param != "" {
		out.params = append(slices.Clip(b.params), param)
	}
	return out
}

// merge keeps one of each class, that of the first sight.
func merge(in []both) []both {
	var out []both
	at := map[string]int{}
	for _, b := range in {
		k := b.key()
		if i, seen := at[k]; seen {
			out[i].queries += b.queries
			continue
		}
		at[k] = len(out)
		out = append(out, b)
	}
	return out
}

func (c *comparison) with(in []both, param string, change func(both) both) []both {
	out := make([]both, len(in))
	for i, b := range in {
		b = change(b)
		b.params = append(slices.Clip(b.params), param)
		out[i] = b
	}
	return out
}

func (c *comparison) crossKibana(in []both, base both) []both {
	versions := unionVersions(c.old.KibanaValues(base.old), c.new.KibanaValues(base.new))
	var out []both
	for _, v := range versions {
		param := ""
		if v != nil {
			param = "kibana.version=" + url.QueryEscape(v.String())
		}
		old, new := c.old.KibanaSet(v), c.new.KibanaSet(v)
		for _, b := range in {
			out = append(out, b.and(old, new, param))
		}
	}
	return merge(out)
}

func (c *comparison) crossSpec(in []both, base both) []both {
	bounds := c.old.SpecValues(base.old)
	for _, b := range c.new.SpecValues(base.new) {
		if !slices.ContainsFunc(bounds, b.equal) {
			bounds = append(bounds, b)
		}
	}
	var out []both
	for _, bound := range bounds {
		old, new := c.old.SpecSet(bound.Min, bound.Max), c.new.SpecSet(bound.Min, bound.Max)
		for _, b := range in {
			out = append(out, b.and(old, new, bound.params()))
		}
	}
	return merge(out)
}

func (b SpecBounds) equal(o SpecBounds) bool { return b.params() == o.params() }

// params writes the bounds as in a URL.
func (b SpecBounds) params() string {
	var parts []string
	for _, p := range []struct {
		name string
		v    *semver.Version
	}{{"spec.min", b.Min}, {"spec.max", b.Max}} {
		if p.v != nil {
			parts = append(parts, fmt.Sprintf("%s=%d.%d", p.name, p.v.Major(), p.v.Minor()))
		}
	}
	return strings.Join(parts, "&")
}

func (c *comparison) crossCapabilities(in []both, base both) []both {
	lists := c.old.CapabilityValues(base.old)
	for _, l := range c.new.CapabilityValues(base.new) {
		if !slices.ContainsFunc(lists, func(o []string) bool { return slices.Equal(l, o) && (l == nil) == (o == nil) }) {
			lists = append(lists, l)
		}
	}
	var out []both
	for _, given := range lists {
		param := ""
		if given != nil {
			// An empty parameter counts as none; a name that no package
			// requires is how a client says that it has nothing to offer.
			param = "capabilities=" + url.QueryEscape(strings.Join(given, ","))
			if len(given) == 0 {
				param = "capabilities=none"
			}
		}
		old, new := c.old.CapabilitySet(given), c.new.CapabilitySet(given)
		for _, b := range in {
			out = append(out, b.and(old, new, param))
		}
	}
	return merge(out)
}

func (c *comparison) crossPrerelease(in []both) []both {
	var out []both
	for _, b := range in {
		out = append(out, b.and(c.old.AllSet(), c.new.AllSet(), "prerelease=true"))
	}
	for _, b := range in {
		out = append(out, b.and(c.old.StableSet(), c.new.StableSet(), ""))
	}
	return merge(out)
}

func (c *comparison) crossType(in []both) []both {
	var out []both
	for _, name := range unionStrings(c.old.TypeValues(), c.new.TypeValues()) {
		param := ""
		if name != "" {
			param = "type=" + url.QueryEscape(name)
		}
		for _, b := range in {
			out = append(out, b.and(c.old.TypeSet(name), c.new.TypeSet(name), param))
		}
	}
	return merge(out)
}

// newest applies step 2 of a search to both sides.
func (c *comparison) newest(in []both, legacy, all bool) []both {
	out := make([]both, len(in))
	for i, b := range in {
		out[i] = both{old: c.old.Newest(b.old, legacy, all), new: c.new.Newest(b.new, legacy, all), params: b.params, queries: b.queries}
		if all {
			out[i].params = append(slices.Clip(b.params), "all=true")
		}
	}
	return merge(out)
}

func (c *comparison) searches(in []both, categories []string, legacy, all bool) {
	newest := c.newest(in, legacy, all)
	for _, category := range categories {
		for _, b := range newest {
			params := b.params
			if category != "" {
				params = append(slices.Clip(params), "category="+url.QueryEscape(category))
			}
			c.search(b, category, params)
		}
	}
}

func (c *comparison) packages(in []both, names []string, legacy, all bool) {
	for _, name := range names {
		var only []both
		for _, b := range in {
			only = append(only, b.and(c.old.NameSet(name), c.new.NameSet(name), ""))
		}
		for _, b := range c.newest(merge(only), legacy, all) {
			c.search(b, "", append([]string{"package=" + url.QueryEscape(name)}, b.params...))
		}
	}
}

// search notes a class of searches if its answer differs.
func (c *comparison) search(b both, category string, params []string) {
	was, is := entries(c.old, c.old.Pick(b.old, category)), entries(c.new, c.new.Pick(b.new, category))
	change := AnswerChange{URL: address("/search", params), Queries: b.queries}
	for _, e := range was {
		i := slices.IndexFunc(is, func(o entry) bool { return o.id == e.id })
		switch {
		case i < 0:
			change.Removed = append(change.Removed, e.id)
		case is[i].content != e.content:
			change.Changed = append(change.Changed, e.id)
		}
	}
	for _, e := range is {
		if !slices.ContainsFunc(was, func(o entry) bool { return o.id == e.id }) {
			change.Added = append(change.Added, e.id)
		}
	}
	c.note(change)
}

// entry is one entry of a search's answer.
type entry struct{ id, content string }

func entries(t *Table, s Selection) []entry {
	out := make([]entry, len(s.Rows))
	for i, row := range s.Rows {
		content := string(t.Summary(row))
		for _, k := range s.Kept[row] {
			content += "," + strconv.Itoa(k)
		}
		if keep, cut := s.Kept[row]; cut && len(keep) == 0 {
			content += ",none"
		}
		out[i] = entry{t.Name(row) + "-" + t.Versions[row], content}
	}
	return out
}

// note keeps a change; classes whose answers change in the same way, on the
// same path, become one with the first as the example.
func (c *comparison) note(change AnswerChange) {
	if len(change.Removed)+len(change.Added)+len(change.Changed) == 0 {
		return
	}
	path, query, _ := strings.Cut(change.URL, "?")
	if strings.Contains(query, "package=") {
		path += "?package="
	}
	k := path + "\n" + strings.Join(change.Removed, "\n") + "\n\n" + strings.Join(change.Added, "\n") + "\n\n" + strings.Join(change.Changed, "\n")
	if i, seen := c.at[k]; seen {
		c.changes[i].Queries += change.Queries
		c.changes[i].more = append(c.changes[i].more, change.URL)
		return
	}
	c.at[k] = len(c.changes)
	c.changes = append(c.changes, change)
}

// URLs are a request of every class of queries that was merged into this one.
func (a AnswerChange) URLs() []string { return append([]string{a.URL}, a.more...) }

func address(path string, params []string) string {
	if len(params) == 0 {
		return path
	}
	return path + "?" + strings.Join(params, "&")
}
