package build

import (
	"fmt"
	"net/url"
	"slices"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// planTable is a small registry with something for every filter.
func planTable(t *testing.T) *answer.Table {
	t.Helper()
	var rows []row
	ranges := rangesCache{}
	for _, p := range []struct {
		name, version, kibana, release string
		f                              facts
	}{
		{"aws", "1.0.0", "^7.16.0 || ^8.0.0", "", facts{spec: layout.Spec{Major: 1}, packageType: "integration", labels: []string{"cloud"},
			templates: []layout.Template{{Categories: []string{"security", "network_security"}}, {Categories: []string{"web"}}, {}}}},
		{"aws", "2.0.0", "^8.5.0", "", facts{spec: layout.Spec{Major: 2, Minor: 3}, packageType: "integration", labels: []string{"cloud", "observability"},
			templates: []layout.Template{{Categories: []string{"security"}}}}},
		{"boards", "0.9.0", "", "", facts{spec: layout.Spec{Major: 3}, packageType: "content", labels: []string{"web"}}},
		{"guard", "1.0.0", ">=8.5.0-SNAPSHOT", "", facts{spec: layout.Spec{Major: 2, Minor: 3}, packageType: "integration", labels: []string{"edr_xdr"}, capabilities: []string{"security"}}},
		{"guard", "1.1.0-rc1", "^8.6.0", "", facts{spec: layout.Spec{Major: 3}, packageType: "integration", labels: []string{"edr_xdr"}, capabilities: []string{"observability", "security"}}},
		{"lab", "1.0.0", "^8.0.0", "experimental", facts{spec: layout.Spec{Major: 1}, packageType: "input", labels: []string{"custom"}}},
	} {
		r := row{merged: &index.Merged{Entry: index.Entry{Name: p.name, Version: p.version, Tree: index.ID{byte(len(rows) + 1)}}}, version: semver.MustParse(p.version), facts: &p.f}
		var err error
		if r.facts.kibana, err = ranges.of(p.kibana); err != nil {
			t.Fatal(err)
		}
		if p.release == "experimental" {
			r.facts.flags = layout.Experimental
		}
		r.revision = revisionOf(r.merged.Entry, nil)
		setSummary(&r)
		rows = append(rows, r)
	}
	sortRows(rows)
	table, err := answer.NewTable(newRoutes(Environment{Name: "test", ServiceVersion: "1.0.0"}, rows))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// clientQueries are the queries that are to be rendered ahead, with a value of
// every kind for each parameter, written as clients send them.
func clientQueries(t *answer.Table) (searches, counts []string) {
	kibana := []string{"", "7.15.0", "7.17.29", "8.0.0", "8.4.3", "8.5.0-SNAPSHOT", "8.5.0", "8.6.0-rc1", "8.6.0", "9.0.0"}
	specs := []string{"", "spec.min=2.3", "spec.min=3.0", "spec.max=1.0", "spec.max=2.3", "spec.min=1.0&spec.max=2.3", "spec.min=2.3&spec.max=3.0", "spec.min=2.3&spec.max=2.3", "spec.min=4.0"}
	capabilities := []string{"", "none", "security", "observability", "security,observability,uptime"}
	types := []string{"", "integration", "content", "input", "other"}
	categories := []string{"", "cloud", "security", "network_security", "web", "observability", "edr_xdr", "custom"}
	each := func(base string) {
		counts = append(counts, base, base+"&include_policy_templates=true")
		for _, category := range categories {
			searches = append(searches, base+"&category="+category)
		}
		searches = append(searches, base+"&all=true")
		for _, name := range append([]string{"nowhere"}, t.Names...) {
			searches = append(searches, base+"&package="+name, base+"&all=true&package="+name)
		}
	}
	for _, k := range kibana {
		for _, typ := range types {
			narrow := "kibana.version=" + k + "&type=" + typ
			each("experimental=true&" + narrow)
			for _, spec := range specs {
				for _, c := range capabilities {
					each(narrow + "&" + spec + "&capabilities=" + c)
					each("prerelease=true&" + narrow + "&" + spec + "&capabilities=" + c)
				}
			}
		}
	}
	return searches, counts
}

// answerOf is the digest of the response to a query, as an edge finds it; ""
// when the answer is the empty list.
func answerOf(t *testing.T, table *answer.Table, path, query string) layout.Digest {
	t.Helper()
	a := table.Answer("GET", &url.URL{Path: path, RawQuery: query})
	if a.Status != 200 {
		t.Fatalf("%s?%s: status %d: %s", path, query, a.Status, a.Body)
	}
	return a.Digest
}

// Whatever clients ask was rendered ahead, and nothing that nobody asks.
func TestPlanCoversQueries(t *testing.T) {
	table := planTable(t)
	p := planResponses(table, DefaultBudget)
	unasked := map[layout.Digest]bool{}
	for _, r := range p.responses {
		if unasked[r.digest] {
			t.Errorf("response %s is planned twice", r.digest)
		}
		unasked[r.digest] = true
	}
	planned := len(unasked)
	answers := map[layout.Digest]bool{}
	searches, counts := clientQueries(table)
	ask := func(path, query string) {
		d := answerOf(t, table, path, query)
		if d == "" {
			return
		}
		if !p.planned[d] {
			t.Fatalf("%s?%s has the answer %s, which is not planned", path, query, d)
		}
		answers[d] = true
		delete(unasked, d)
	}
	for _, q := range searches {
		ask("/search", q)
	}
	for _, q := range counts {
		ask("/categories", q)
	}
	t.Logf("%d searches and %d counts have %d answers, %d are planned", len(searches), len(counts), len(answers), planned)
	for _, r := range p.responses {
		if unasked[r.digest] {
			t.Errorf("%+v: rendered, but none of the queries asks for it", r.query)
		}
	}
}

func TestPlanBudget(t *testing.T) {
	table := planTable(t)
	whole := planResponses(table, DefaultBudget)
	if c := whole.coverage; c.Rendered != c.Distinct || c.Assembled != 0 || c.Distinct < 20 {
		t.Fatalf("within budget: %+v", c)
	}
	every := whole.responses[0]
	if every.digest != table.EveryDigest() || len(table.Select(every.query).Rows) != table.Rows() {
		t.Errorf("the first response is not every version: %+v", every)
	}
	last := whole.coverage.Queries + 1
	for _, budget := range []layout.Budget{
		{Responses: 0, Bytes: 1 << 30}, {Responses: 1, Bytes: 1 << 30}, {Responses: 2, Bytes: 1 << 30}, {Responses: 10, Bytes: 1 << 30},
		{Responses: 1000, Bytes: 1 << 30},
	} {
		p := planResponses(table, budget)
		c := p.coverage
		if c.Queries != whole.coverage.Queries {
			t.Errorf("%+v: of %d queries, without a bound of %d", budget, c.Queries, whole.coverage.Queries)
		}
		// Every version is rendered whatever the budget is.
		if want := max(1, min(budget.Responses, whole.coverage.Distinct)); c.Rendered != len(p.responses) || c.Rendered != want {
			t.Errorf("%+v: %d rendered, %d planned, want %d", budget, c.Rendered, len(p.responses), want)
		}
		if c.Assembled > last || (c.Assembled == 0) != (c.Rendered == c.Distinct) {
			t.Errorf("%+v: %d queries assembled, with less room %d", budget, c.Assembled, last)
		}
		last = c.Assembled
		// What is rendered is what comes first without a bound.
		if !slices.EqualFunc(p.responses, whole.responses[:len(p.responses)], func(a, b response) bool { return a.digest == b.digest }) {
			t.Errorf("%+v: renders others than the most important ones", budget)
		}
	}
	// What just fits is rendered.
	sum := int64(0)
	for i, r := range whole.responses[1:6] {
		sum += r.size
		for budget, want := range map[int64]int{sum: i + 2, sum - 1: i + 1} {
			if got := len(planResponses(table, layout.Budget{Responses: 1000, Bytes: budget}).responses); got != want {
				t.Errorf("%d bytes: %d responses, want %d", budget, got, want)
			}
		}
	}
	const bytes = 300
	small := planResponses(table, layout.Budget{Responses: 1000, Bytes: bytes})
	total := int64(0)
	for _, r := range small.responses[1:] {
		total += r.size
	}
	if total > bytes || small.coverage.Rendered == 0 || small.coverage.Rendered == small.coverage.Distinct {
		t.Errorf("%d bytes rendered of %d, %+v", total, bytes, small.coverage)
	}
}

// The sizes that the budget counts are those of the bodies.
func TestPlanSizes(t *testing.T) {
	table := planTable(t)
	for _, r := range planResponses(table, DefaultBudget).responses {
		if d := r.size - int64(len(bodyOf(t, table, r.query))); d < -8 || d > 8 {
			t.Errorf("%+v: counted as %d bytes, the body has %d", r.query, r.size, r.size-d)
		}
	}
}

// bodyOf is the answer to a query on a table whose summaries say name and version.
func bodyOf(t *testing.T, table *answer.Table, q answer.Query) []byte {
	t.Helper()
	if q.Counting {
		return table.Count(table.Select(q), q.IncludePolicyTemplates)
	}
	body, err := table.Assemble(table.Select(q), func(dst []byte, row int) ([]byte, error) {
		return append(dst, shortSummary(table.Name(row), table.Versions[row])...), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// shortSummary stands for a real one.
func shortSummary(name, version string) []byte {
	return fmt.Appendf(nil, `  {"name": %q, "version": %q}`, name, version)
}

func setSummary(r *row) {
	s := shortSummary(r.merged.Name, r.merged.Version)
	r.facts.size, r.facts.summary, r.facts.document = len(s), layout.DigestOf(s), layout.DigestOf(s)
}
