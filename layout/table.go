package layout

import (
	"fmt"
	"slices"
	"sync"

	"github.com/Masterminds/semver/v3"
)

// Table is Routes made ready for queries: for each value of each column the set
// of rows that have it, so that a query is a few intersections. It is immutable
// and safe for concurrent use.
type Table struct {
	*Routes
	versions []*semver.Version
	ranges   []rangeTest
	// parents maps a category to the categories below it.
	children map[string][]string
	titles   map[string]Category

	all        Set
	prerelease Set // a pre-release part in the version
	unstable   Set // that, or 0.x: what the legacy rules call pre-release
	experiment Set
	kibana     []Set // by constraint
	agent      []Set
	spec       []Set
	types      []Set
	capability []Set
	discovery  []Set
	byCategory sync.Map // category → categorySets
	offsets    []int64  // of the rows' summaries in the catalog
}

// NewTable prepares routes. They must have passed DecodeRoutes, or have been
// made by the builder.
func NewTable(r *Routes) (*Table, error) {
	n := r.Rows()
	t := &Table{
		Routes: r, versions: make([]*semver.Version, n), ranges: make([]rangeTest, len(r.Constraints)),
		children: map[string][]string{}, titles: map[string]Category{},
		all: NewSet(n), prerelease: NewSet(n), unstable: NewSet(n), experiment: NewSet(n),
		offsets: make([]int64, n),
	}
	for i, c := range r.Constraints {
		var err error
		if t.ranges[i], err = newRangeTest(c); err != nil {
			return nil, fmt.Errorf("routes: constraint %d: %w", i, err)
		}
	}
	for _, c := range r.Categories {
		t.titles[c.ID] = c
		if c.Parent != "" {
			t.children[c.Parent] = append(t.children[c.Parent], c.ID)
		}
	}
	at := int64(len(catalogOpen))
	for row := range n {
		v, err := semver.StrictNewVersion(r.Versions[row])
		if err != nil {
			return nil, fmt.Errorf("routes: version %q: %w", r.Versions[row], err)
		}
		t.versions[row] = v
		t.all.Add(row)
		if v.Prerelease() != "" {
			t.prerelease.Add(row)
		}
		if v.Prerelease() != "" || v.Major() == 0 {
			t.unstable.Add(row)
		}
		if r.Flags[row]&Experimental != 0 {
			t.experiment.Add(row)
		}
		t.offsets[row] = at
		at += int64(r.Sizes[row]) + int64(len(catalogSeparator))
	}
	t.kibana = column(r.Kibana, len(r.Constraints))
	t.agent = column(r.Agent, len(r.Constraints))
	t.spec = column(r.Spec, len(r.Specs))
	t.types = column(r.Type, len(r.Types))
	t.capability = column(r.Capability, len(r.Capabilities))
	t.discovery = column(r.Discover, len(r.Discoveries))
	return t, nil
}

// column gives the set of rows for each value.
func column(col []int, values int) []Set {
	sets := make([]Set, values)
	for i := range sets {
		sets[i] = NewSet(len(col))
	}
	for row, v := range col {
		sets[v].Add(row)
	}
	return sets
}

// pick is the union of the sets whose value passes.
func (t *Table) pick(sets []Set, pass func(i int) bool) Set {
	out := NewSet(t.Rows())
	for i, s := range sets {
		if pass(i) {
			out.Or(s)
		}
	}
	return out
}

// KibanaSet is the rows that a Kibana version may use; nil is any version.
func (t *Table) KibanaSet(v *semver.Version) Set { return t.accepting(t.kibana, v) }

// AgentSet is the rows that an agent version may use; nil is any version.
func (t *Table) AgentSet(v *semver.Version) Set { return t.accepting(t.agent, v) }

func (t *Table) accepting(sets []Set, v *semver.Version) Set {
	if v == nil {
		return t.all.Clone()
	}
	return t.pick(sets, func(i int) bool { return i == 0 || t.ranges[i].accepts(v) })
}

// SpecSet is the rows whose spec version lies within the bounds, both included;
// nil is no bound.
func (t *Table) SpecSet(least, most *semver.Version) Set {
	return t.pick(t.spec, func(i int) bool {
		v := semver.New(t.Specs[i].Major, t.Specs[i].Minor, 0, "", "")
		return (least == nil || v.Compare(least) >= 0) && (most == nil || v.Compare(most) <= 0)
	})
}

// CapabilitySet is the rows all of whose required capabilities are among those
// given; nil is every row.
func (t *Table) CapabilitySet(given []string) Set {
	if given == nil {
		return t.all.Clone()
	}
	return t.pick(t.capability, func(i int) bool {
		for _, c := range t.Capabilities[i] {
			if !slices.Contains(given, c) {
				return false
			}
		}
		return true
	})
}

// TypeSet is the rows of a package type; "" is every row.
func (t *Table) TypeSet(name string) Set {
	if name == "" {
		return t.all.Clone()
	}
	return t.pick(t.types, func(i int) bool { return t.Types[i] == name })
}

// NameSet is the rows of a package; "" is every row.
func (t *Table) NameSet(name string) Set {
	if name == "" {
		return t.all.Clone()
	}
	out := NewSet(t.Rows())
	from, to := t.Versioned(name)
	for row := from; row < to; row++ {
		out.Add(row)
	}
	return out
}

// DiscoverySet is the rows that pass every filter.
func (t *Table) DiscoverySet(filters []DiscoveryFilter) Set {
	out := t.all.Clone()
	for _, f := range filters {
		out.And(t.pick(t.discovery, func(i int) bool { return f.matches(t.Discoveries[i]) }))
	}
	return out
}

func (f DiscoveryFilter) matches(d Discovery) bool {
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

// StableSet is the rows that a search without prerelease=true may show.
func (t *Table) StableSet() Set {
	out := t.all.Clone()
	out.AndNot(t.prerelease)
	out.AndNot(t.experiment)
	return out
}

// AllSet is every row.
func (t *Table) AllSet() Set { return t.all.Clone() }
