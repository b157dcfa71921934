package build

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// row is one package version of an environment with its rendered documents.
type row struct {
	merged   index.Merged
	pkg      *index.Package
	revision layout.Revision
	document []byte
	summary  []byte
}

// renderRows renders document and summary of every package version, sorted as
// Routes are: by name, then by precedence of version, then by its text.
func renderRows(set []index.Merged, loaded func(index.Entry) *index.Loaded) []row {
	rows := make([]row, len(set))
	for i, m := range set {
		rows[i] = row{merged: m, pkg: loaded(m.Entry).Package, revision: revisionOf(m.Entry)}
	}
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(strings.Compare(a.pkg.Name, b.pkg.Name), a.pkg.SemVer.Compare(b.pkg.SemVer), strings.Compare(a.pkg.Version, b.pkg.Version))
	})
	notices := deprecations(rows)
	parallel(len(rows), func(i int) {
		r := &rows[i]
		v := View{Deprecated: notices[r.pkg.Name], Signed: !r.merged.Signature.IsZero()}
		r.document, r.summary = Document(r.pkg, v), Summary(r.pkg, v)
	})
	return rows
}

// deprecations are, by name, the notice of the newest version that has one. It
// is shown on every version of that name.
func deprecations(rows []row) map[string]*index.Deprecated {
	out := map[string]*index.Deprecated{}
	for _, r := range rows { // ascending: the newest comes last
		if r.pkg.Deprecated != nil {
			out[r.pkg.Name] = r.pkg.Deprecated
		}
	}
	return out
}

// newRoutes makes the edge's table of the rows.
func newRoutes(env Environment, rows []row) (*layout.Routes, error) {
	r := &layout.Routes{
		Format: layout.RoutesFormat, Environment: env.Name, ServiceVersion: env.ServiceVersion, Cache: env.Cache,
		Categories: categoryTable(),
		Names:      []string{}, Starts: []int{},
	}
	constraints := newTable(layout.Ranges{})
	capabilities, labels := newTable[[]string](nil), newTable[[]string](nil)
	types, templates := newTable(""), newTable[[]layout.Template](nil)
	discoveries := newTable(layout.Discovery{})
	specs := &table[layout.Spec]{at: map[string]int{}}
	var revisions, documents, summaries strings.Builder
	// A constraint is written in few ways; each is turned into intervals once.
	ranges := map[string]int{"": 0}
	rangesOf := func(constraint string) (int, error) {
		if i, seen := ranges[constraint]; seen {
			return i, nil
		}
		parsed, err := layout.RangesOf(constraint)
		if err != nil {
			return 0, err
		}
		i := constraints.add(parsed)
		ranges[constraint] = i
		return i, nil
	}
	for i, row := range rows {
		p := row.pkg
		if i == 0 || p.Name != rows[i-1].pkg.Name {
			r.Names = append(r.Names, p.Name)
			r.Starts = append(r.Starts, i)
		}
		kibana, err := rangesOf(p.KibanaConstraint)
		if err != nil {
			return nil, fmt.Errorf("%s-%s: conditions.kibana.version: %w", p.Name, p.Version, err)
		}
		agent, err := rangesOf(p.AgentConstraint)
		if err != nil {
			return nil, fmt.Errorf("%s-%s: conditions.agent.version: %w", p.Name, p.Version, err)
		}
		r.Versions = append(r.Versions, p.Version)
		r.Flags = append(r.Flags, flagsOf(row))
		r.Kibana = append(r.Kibana, kibana)
		r.Agent = append(r.Agent, agent)
		r.Spec = append(r.Spec, specs.add(layout.Spec{Major: p.SpecMajor, Minor: p.SpecMinor}))
		r.Type = append(r.Type, types.add(p.Type))
		r.Capability = append(r.Capability, capabilities.add(p.Capabilities))
		r.Label = append(r.Label, labels.add(p.Categories))
		r.Template = append(r.Template, templates.add(templatesOf(p)))
		r.Discover = append(r.Discover, discoveries.add(discoveryOf(p)))
		r.Sizes = append(r.Sizes, len(row.summary))
		revisions.WriteString(row.revision.ID)
		documents.WriteString(string(layout.DigestOf(row.document)))
		summaries.WriteString(string(layout.DigestOf(row.summary)))
	}
	r.Constraints, r.Capabilities, r.Types, r.Specs = constraints.values, capabilities.values, types.values, specs.values
	r.Labels, r.Templates, r.Discoveries = labels.values, templates.values, discoveries.values
	r.Revisions, r.Documents, r.Summaries = revisions.String(), documents.String(), summaries.String()
	return r, nil
}

func flagsOf(r row) layout.Flags {
	var f layout.Flags
	if r.pkg.Release == "experimental" {
		f |= layout.Experimental
	}
	if !r.merged.Signature.IsZero() {
		f |= layout.Signed
	}
	return f
}

func templatesOf(p *index.Package) []layout.Template {
	var out []layout.Template
	for _, t := range p.PolicyTemplates {
		out = append(out, layout.Template{Categories: t.Categories})
	}
	return out
}

func discoveryOf(p *index.Package) layout.Discovery {
	var d layout.Discovery
	if p.Discovery == nil {
		return d
	}
	for _, f := range p.Discovery.Fields {
		d.Fields = append(d.Fields, f.Name)
	}
	for _, f := range p.Discovery.Datasets {
		d.Datasets = append(d.Datasets, f.Name)
	}
	return d
}

func categoryTable() []layout.Category {
	var out []layout.Category
	for _, c := range index.Categories() {
		out = append(out, layout.Category{ID: c.ID, Title: c.Title, Parent: c.Parent})
	}
	return out
}

// table numbers distinct values in the order of first sight.
type table[T any] struct {
	values []T
	at     map[string]int
}

// newTable has its empty entry at 0.
func newTable[T any](empty T) *table[T] {
	t := &table[T]{at: map[string]int{}}
	t.add(empty)
	return t
}

func (t *table[T]) add(v T) int {
	k, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("build: %T as JSON: %v", v, err))
	}
	if i, seen := t.at[string(k)]; seen {
		return i
	}
	t.values = append(t.values, v)
	t.at[string(k)] = len(t.values) - 1
	return len(t.values) - 1
}
