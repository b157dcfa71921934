package answer

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// Table is Routes made ready for queries. A filter goes once through its column,
// a row at a time: with few values or with as many as rows it takes the same
// time and no memory. Table is immutable and safe for concurrent use.
type Table struct {
	*layout.Routes
	ranges []layout.RangeTest
	// parents maps a category to the categories below it.
	children map[string][]string
	titles   map[string]layout.Category

	all        Set
	stable     Set            // neither a pre-release part in the version nor experimental
	prerelease Set            // a pre-release part in the version
	unstable   Set            // that, or 0.x
	tied       Set            // of the same precedence as the row before: only build metadata differs
	byCategory sync.Map       // category → categorySets
	blocks     []layout.Place // of the names' blocks in the catalog
}

// NewTable prepares routes. They must have passed DecodeRoutes, or have been
// made by the builder.
func NewTable(r *layout.Routes) (*Table, error) {
	n := r.Rows()
	t := &Table{
		Routes: r, ranges: make([]layout.RangeTest, len(r.Constraints)),
		children: map[string][]string{}, titles: map[string]layout.Category{},
		all: newSet(n), stable: newSet(n), prerelease: newSet(n), unstable: newSet(n), tied: newSet(n),
		blocks: r.BlockPlaces(),
	}
	for i, c := range r.Constraints {
		var err error
		if t.ranges[i], err = layout.NewRangeTest(c); err != nil {
			return nil, fmt.Errorf("routes: constraint %d: %w", i, err)
		}
	}
	for _, c := range r.Categories {
		t.titles[c.ID] = c
		if c.Parent != "" {
			t.children[c.Parent] = append(t.children[c.Parent], c.ID)
		}
	}
	for i := range r.Names {
		before := ""
		for row, to := r.NameRows(i); row < to; row++ {
			before = t.setVersion(row, before)
		}
	}
	return t, nil
}

// setVersion notes what queries need of a row's version; before is that of the
// row before, of the same name, as setVersion returned it.
// Versions are strict semantic versions, so their text tells (semver.org, 2, 9-11).
func (t *Table) setVersion(row int, before string) string {
	precedence, _, _ := strings.Cut(t.Versions[row], "+")
	prerelease := strings.Contains(precedence, "-")
	t.all.add(row)
	if !prerelease && t.Flags[row]&layout.Experimental == 0 {
		t.stable.add(row)
	}
	if prerelease {
		t.prerelease.add(row)
	}
	if prerelease || strings.HasPrefix(precedence, "0.") {
		t.unstable.add(row)
	}
	if precedence == before {
		t.tied.add(row)
	}
	return precedence
}

// span is the rows from <= row < to.
type span struct{ from, to int }

func (t *Table) everything() span { return span{0, t.Rows()} }

// keep removes from a set, which lies within a span, the rows whose value in a
// column does not pass. There are as many values as that.
func (s span) keep(in Set, column []int, values int, pass func(value int) bool) {
	if s.to-s.from < values {
		for row := s.from; row < s.to; row++ {
			if in.has(row) && !pass(column[row]) {
				in.remove(row)
			}
		}
		return
	}
	passes := make([]uint64, values)
	for i := range passes {
		if pass(i) {
			passes[i] = 1
		}
	}
	for w := s.from / 64; w*64 < s.to; w++ {
		if in[w] == 0 {
			continue
		}
		var mask uint64
		for i, value := range column[w*64 : min(w*64+64, len(column))] {
			mask |= passes[value] << i
		}
		in[w] &= mask
	}
}

func (t *Table) keepVersion(in Set, s span, column []int, v *semver.Version) {
	if v != nil {
		s.keep(in, column, len(t.Constraints), func(i int) bool { return i == 0 || t.ranges[i].Accepts(v) })
	}
}

func (t *Table) keepSpec(in Set, s span, least, most *semver.Version) {
	if least == nil && most == nil {
		return
	}
	s.keep(in, t.Spec, len(t.Specs), func(i int) bool {
		v := semver.New(t.Specs[i].Major, t.Specs[i].Minor, 0, "", "")
		return (least == nil || v.Compare(least) >= 0) && (most == nil || v.Compare(most) <= 0)
	})
}

func (t *Table) keepCapabilities(in Set, s span, given []string) {
	if given == nil {
		return
	}
	s.keep(in, t.Capability, len(t.Capabilities), func(i int) bool {
		for _, c := range t.Capabilities[i] {
			if !slices.Contains(given, c) {
				return false
			}
		}
		return true
	})
}

func (t *Table) keepType(in Set, s span, name string) {
	if name != "" {
		s.keep(in, t.Type, len(t.Types), func(i int) bool { return t.Types[i] == name })
	}
}

// nameSet is the rows of a package; "" is every row.
func (t *Table) nameSet(name string) Set {
	if name == "" {
		return t.all.clone()
	}
	out := newSet(t.Rows())
	from, to := t.Versioned(name)
	for row := from; row < to; row++ {
		out.add(row)
	}
	return out
}

func (t *Table) keepDiscovery(in Set, s span, filters []DiscoveryFilter) {
	for _, f := range filters {
		s.keep(in, t.Discover, len(t.Discoveries), func(i int) bool { return f.matches(t.Discoveries[i]) })
	}
}

func (f DiscoveryFilter) matches(d layout.Discovery) bool {
	if len(f.Fields) > 0 {
		if len(d.Fields) == 0 {
			return false
		}
		for _, field := range d.Fields {
			if !slices.Contains(f.Fields, field) {
				return false
			}
		}
	}
	if len(f.Datasets) > 0 {
		return slices.ContainsFunc(d.Datasets, func(s string) bool { return slices.Contains(f.Datasets, s) })
	}
	return true
}
