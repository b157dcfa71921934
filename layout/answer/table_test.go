package answer_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// row is a package version for a table that is made by hand.
type row struct {
	name, version string
	flags         layout.Flags
	kibana, agent string // constraints
	spec          layout.Spec
	kind          string
	capabilities  []string
	categories    []string
	templates     []layout.Template
	discovery     layout.Discovery
}

// categories are those that the hand-made tables know.
var categories = []layout.Category{
	{ID: "apache", Title: "Apache", Parent: "web"},
	{ID: "nginx", Title: "Nginx", Parent: "web"},
	{ID: "security", Title: "Security"},
	{ID: "web", Title: "Web"},
}

// routesOf writes rows, which must be sorted, as routes.
func routesOf(t testing.TB, rows ...row) *layout.Routes {
	t.Helper()
	r := &layout.Routes{
		Format: layout.RoutesFormat, Environment: "production", ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
		Catalog: []layout.Part{}, Every: layout.DigestOf(nil), Categories: categories,
		Constraints: []layout.Ranges{{}}, Capabilities: [][]string{nil}, Types: []string{""}, Labels: [][]string{nil},
		Templates: [][]layout.Template{nil}, Discoveries: []layout.Discovery{{}},
		Names: []string{}, Starts: []int{}, Blocks: []int{},
	}
	constraint := func(text string) int {
		if text == "" {
			return 0
		}
		ranges, err := layout.RangesOf(text)
		if err != nil {
			t.Fatal(err)
		}
		r.Constraints = append(r.Constraints, ranges)
		return len(r.Constraints) - 1
	}
	for i, row := range rows {
		if i == 0 || row.name != rows[i-1].name {
			r.Names, r.Starts, r.Blocks = append(r.Names, row.name), append(r.Starts, i), append(r.Blocks, 200+i)
		}
		r.Capabilities = append(r.Capabilities, row.capabilities)
		r.Types = append(r.Types, row.kind)
		r.Specs = append(r.Specs, row.spec)
		r.Labels = append(r.Labels, row.categories)
		r.Templates = append(r.Templates, row.templates)
		r.Discoveries = append(r.Discoveries, row.discovery)
		r.Versions = append(r.Versions, row.version)
		r.Flags = append(r.Flags, row.flags)
		r.Kibana = append(r.Kibana, constraint(row.kibana))
		r.Agent = append(r.Agent, constraint(row.agent))
		r.Spec = append(r.Spec, i)
		for _, column := range []*[]int{&r.Type, &r.Capability, &r.Label, &r.Template, &r.Discover} {
			*column = append(*column, i+1)
		}
		r.Sizes = append(r.Sizes, 100+i)
		digest := string(layout.DigestOf([]byte(row.name + "-" + row.version)))
		r.Revisions += digest[:20]
		r.Documents += digest
		r.Summaries += digest
	}
	if len(rows) > 0 {
		r.Catalog = append(r.Catalog, layout.Part{Digest: layout.DigestOf(nil), Names: len(r.Names)})
	}
	return r
}

func tableOf(t testing.TB, rows ...row) *answer.Table {
	t.Helper()
	table, err := answer.NewTable(routesOf(t, rows...))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// search gives the answer to a query as "name-version", with the policy
// templates that are kept, if not all are, after it.
func search(t testing.TB, table *answer.Table, query string) string {
	t.Helper()
	q, err := answer.ParseQuery(query, false)
	if err != nil {
		t.Fatal(err)
	}
	s := table.Select(q)
	var out []string
	for _, row := range s.Rows {
		entry := table.Name(row) + "-" + table.Versions[row]
		if kept, cut := s.Kept[row]; cut {
			entry += "["
			for _, k := range kept {
				entry += string(rune('0' + k))
			}
			entry += "]"
		}
		out = append(out, entry)
	}
	return strings.Join(out, " ")
}

func reply(table *answer.Table, method, target string) answer.Answer {
	path, query, _ := strings.Cut(target, "?")
	return table.Answer(method, &url.URL{Path: path, RawQuery: query})
}
