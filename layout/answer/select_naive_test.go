package answer_test

import (
	"encoding/json"
	"net/url"
	"slices"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/layout/answer/answertest"
)

// TestAnswersAreThoseOfTheOracle compares searches and counts with the text of
// the registry API, on random packages.
func TestAnswersAreThoseOfTheOracle(t *testing.T) {
	for seed := range uint64(20) {
		random := answertest.NewRandom(seed)
		oracle := answertest.Oracle{Packages: random.Packages(1 + random.IntN(30)), Parents: answertest.Parents}
		routes := routesOf(t, rowsOf(oracle.Packages)...)
		routes.Categories = categoriesOf(answertest.Parents)
		table, err := answer.NewTable(routes)
		if err != nil {
			t.Fatal(err)
		}
		for range 500 {
			target := random.Target()
			u, err := url.Parse(target)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := answered(t, table, u), expected(t, &oracle, u); got != want {
				t.Fatalf("seed %d: %.500s answers\n%s\nwant\n%s", seed, target, got, want)
			}
		}
	}
}

// expected is what the oracle answers, as text; "400" where it refuses.
func expected(t *testing.T, o *answertest.Oracle, u *url.URL) string {
	t.Helper()
	values, _ := url.ParseQuery(u.RawQuery) // what cannot be decoded does not count
	var out any
	var err error
	if u.Path == "/search" {
		out, err = o.Search(values)
	} else {
		out, err = o.Categories(values)
	}
	if err != nil {
		return "400"
	}
	return text(t, out)
}

// answered is what the table answers, in the same form.
func answered(t *testing.T, table *answer.Table, u *url.URL) string {
	t.Helper()
	counting := u.Path == "/categories"
	q, err := answer.ParseQuery(u.RawQuery, counting)
	if err != nil {
		return "400"
	}
	s := table.Select(q)
	if counting {
		var list []struct {
			ID    string
			Count int
		}
		if err := json.Unmarshal(table.Count(s, q.IncludePolicyTemplates), &list); err != nil {
			t.Fatal(err)
		}
		counts := map[string]int{}
		for _, c := range list {
			counts[c.ID] = c.Count
		}
		return text(t, counts)
	}
	var out []answertest.Entry
	for _, row := range s.Rows {
		e := answertest.Entry{Name: table.Name(row), Version: table.Versions[row]}
		kept, cut := s.Kept[row]
		for i := range table.Templates[table.Template[row]] {
			if !cut || slices.Contains(kept, i) {
				e.Templates = append(e.Templates, answertest.TemplateName(i))
			}
		}
		out = append(out, e)
		why := table.Explain(q, row)
		if why != "" {
			t.Fatalf("%s: %v is listed, and explained as left out: %s", u.RawQuery, e, why)
		}
	}
	return text(t, out)
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// rowsOf turns packages, which are sorted, into rows.
func rowsOf(packages []answertest.Package) []row {
	var out []row
	for _, p := range packages {
		format := semver.MustParse(p.FormatVersion)
		r := row{
			name: p.Name, version: p.Version, kind: p.Type, spec: layout.Spec{Major: format.Major(), Minor: format.Minor()},
			kibana: p.Conditions.Kibana.Version, agent: p.Conditions.Agent.Version,
			capabilities: p.Conditions.Elastic.Capabilities, categories: p.Categories,
		}
		if p.Release == "experimental" {
			r.flags = layout.Experimental
		}
		for _, template := range p.Templates {
			r.templates = append(r.templates, layout.Template{Categories: template.Categories})
		}
		for _, f := range p.Discovery.Fields {
			r.discovery.Fields = append(r.discovery.Fields, f.Name)
		}
		for _, d := range p.Discovery.Datasets {
			r.discovery.Datasets = append(r.discovery.Datasets, d.Name)
		}
		out = append(out, r)
	}
	return out
}

func categoriesOf(parents map[string]string) []layout.Category {
	known := map[string]layout.Category{}
	for id, parent := range parents {
		known[id] = layout.Category{ID: id, Title: id, Parent: parent}
		if known[parent].ID == "" {
			known[parent] = layout.Category{ID: parent, Title: parent}
		}
	}
	var out []layout.Category
	for _, c := range known {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b layout.Category) int {
		if a.ID < b.ID {
			return -1
		}
		return 1
	})
	return out
}
