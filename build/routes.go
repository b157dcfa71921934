package build

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// newRoutes makes the edge's table of the rows. It depends on nothing but the
// facts, in order: rows that were parsed and rows that were taken from a live
// snapshot give the same table.
func newRoutes(env Environment, rows []row) *layout.Routes {
	r := &layout.Routes{
		Format: layout.RoutesFormat, Environment: env.Name, ServiceVersion: env.ServiceVersion, Cache: env.Cache,
		Categories: categoryTable(),
		Names:      []string{}, Starts: []int{}, Blocks: []int{}, Catalog: []layout.Part{},
	}
	constraints := newTable(layout.Ranges{})
	capabilities, labels := newTable[[]string](nil), newTable[[]string](nil)
	types, templates := newTable(""), newTable[[]layout.Template](nil)
	discoveries := newTable(layout.Discovery{})
	specs := &table[layout.Spec]{at: map[string]int{}}
	var revisions, documents, summaries strings.Builder
	for i, row := range rows {
		f := row.facts
		if name := row.merged.Name; i == 0 || name != rows[i-1].merged.Name {
			r.Names = append(r.Names, name)
			r.Starts = append(r.Starts, i)
		}
		r.Versions = append(r.Versions, row.merged.Version)
		r.Flags = append(r.Flags, f.flags)
		r.Kibana = append(r.Kibana, constraints.add(f.kibana))
		r.Agent = append(r.Agent, constraints.add(f.agent))
		r.Spec = append(r.Spec, specs.add(f.spec))
		r.Type = append(r.Type, types.add(f.packageType))
		r.Capability = append(r.Capability, capabilities.add(f.capabilities))
		r.Label = append(r.Label, labels.add(f.labels))
		r.Template = append(r.Template, templates.add(f.templates))
		r.Discover = append(r.Discover, discoveries.add(f.discovery))
		r.Sizes = append(r.Sizes, f.size)
		revisions.WriteString(row.revision.ID)
		documents.WriteString(string(f.document))
		summaries.WriteString(string(f.summary))
	}
	r.Constraints, r.Capabilities, r.Types, r.Specs = constraints.values, capabilities.values, types.values, specs.values
	r.Labels, r.Templates, r.Discoveries = labels.values, templates.values, discoveries.values
	r.Revisions, r.Documents, r.Summaries = revisions.String(), documents.String(), summaries.String()
	return r
}

func categoryTable() []layout.Category {
	var out []layout.Category
	for _, c := range parse.Categories() {
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
