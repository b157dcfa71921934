package build

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// randomTable is a small registry in which every filter matters to some row.
func randomTable(t *testing.T, rng *rand.Rand) *answer.Table {
	t.Helper()
	one := func(values ...string) string { return values[rng.IntN(len(values))] }
	some := func(values ...string) []string {
		var out []string
		for _, v := range values {
			if rng.IntN(3) == 0 {
				out = append(out, v)
			}
		}
		return out
	}
	var rows []row
	ranges := rangesCache{}
	for n := range 1 + rng.IntN(5) {
		for v := range 1 + rng.IntN(8) {
			name, version := fmt.Sprintf("p%d", n), fmt.Sprintf("%d.%d.0%s", rng.IntN(3), v, one("", "", "-rc1", "+b1"))
			if version[:4] == "0.0." {
				version = "0.0.1"
			}
			r := row{merged: &index.Merged{Entry: index.Entry{Name: name, Version: version, Tree: index.ID{byte(len(rows)), 1}}}, version: semver.MustParse(version)}
			r.facts = &facts{
				spec: layout.Spec{Major: uint64(1 + rng.IntN(2)), Minor: uint64(rng.IntN(2))}, packageType: one("integration", "integration", "input"),
				capabilities: some("apm", "security"), labels: some("security", "web", "nginx", "cloud"),
			}
			for range rng.IntN(3) {
				r.facts.templates = append(r.facts.templates, layout.Template{Categories: some("security", "web", "nginx")})
			}
			var err error
			if r.facts.kibana, err = ranges.of(one("", "^7.16.0", "^8.0.0", "^8.5.0", ">=8.5.0-SNAPSHOT", "^7.14.0 || ^8.0.0")); err != nil {
				t.Fatal(err)
			}
			if rng.IntN(8) == 0 {
				r.facts.flags = layout.Experimental
			}
			r.revision = revisionOf(r.merged.Entry, nil)
			setSummary(&r)
			rows = append(rows, r)
		}
	}
	sortRows(rows)
	table, err := answer.NewTable(newRoutes(Environment{Name: "test", ServiceVersion: "1.0.0"}, rows))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// everyQuery calls visit for each combination that the planner speaks of, one
// by one.
func everyQuery(t *answer.Table, visit func(answer.Query)) {
	v := t.Values()
	families := func(q answer.Query) {
		for _, category := range v.Categories {
			q.Category = category
			visit(q)
		}
		q.Category = ""
		all := q
		all.All = true
		visit(all)
		for _, name := range t.Names {
			q.Package, all.Package = name, name
			visit(q)
			visit(all)
		}
		if q.Type == "" {
			q.Package, q.Counting = "", true
			visit(q)
			q.IncludePolicyTemplates = true
			visit(q)
		}
	}
	for _, kibana := range v.Kibana {
		for _, kind := range v.Types {
			families(answer.Query{Experimental: true, Kibana: kibana, Type: kind})
			for _, prerelease := range []bool{true, false} {
				for _, spec := range v.Specs {
					for _, given := range v.Capabilities {
						families(answer.Query{Kibana: kibana, Type: kind, Prerelease: prerelease, SpecMin: spec.Min, SpecMax: spec.Max, Capabilities: given})
					}
				}
			}
		}
	}
}

// naiveDigest evaluates one query by itself; "" is the empty list.
func naiveDigest(t *answer.Table, q answer.Query) layout.Digest {
	s := t.Select(q)
	if q.Counting {
		return layout.DigestOf(t.Count(s, q.IncludePolicyTemplates))
	}
	if len(s.Rows) == 0 {
		return ""
	}
	return t.Digest(s)
}

// TestPlanIsNaive holds the plan to the evaluation of every query by itself, on
// random registries, with and without a budget that cuts it off.
func TestPlanIsNaive(t *testing.T) {
	for seed := range uint64(12) {
		rng := rand.New(rand.NewPCG(seed, 1))
		table := randomTable(t, rng)
		answers := map[layout.Digest]int{} // how many queries have it
		queries := 0
		everyQuery(table, func(q answer.Query) {
			queries++
			if d := naiveDigest(table, q); d != "" {
				answers[d]++
			}
		})
		whole := planResponses(table, DefaultBudget)
		if want := (layout.Coverage{Queries: queries, Distinct: len(answers), Rendered: len(answers)}); whole.coverage != want {
			t.Errorf("seed %d: coverage %+v, evaluating each query gives %+v", seed, whole.coverage, want)
		}
		for _, r := range whole.responses[1:] {
			if answers[r.digest] == 0 {
				t.Errorf("seed %d: %s is planned and answers nothing", seed, r.digest)
			}
			if d := naiveDigest(table, r.query); d != r.digest {
				t.Errorf("seed %d: %+v is planned as %s, its answer is %s", seed, r.query, r.digest, d)
			}
		}
		for range 3 {
			budget := layout.Budget{Responses: rng.IntN(len(answers) + 2), Bytes: rng.Int64N(2 * whole.bytes)}
			p := planResponses(table, budget)
			bytes := int64(0)
			for i, r := range p.responses {
				if r.digest != whole.responses[i].digest {
					t.Fatalf("seed %d, %+v: response %d is not the one that comes next in importance", seed, budget, i)
				}
				if i > 0 {
					bytes += r.size
				}
			}
			assembled := 0
			for d, n := range answers {
				if !p.planned[d] {
					assembled += n
				}
			}
			// What was not looked at may have an answer that is there.
			if c := p.coverage; c.Assembled < assembled || c.Assembled > queries || (c.Assembled == 0) != (assembled == 0) {
				t.Errorf("seed %d, %+v: %d queries are said to be left to assembly, %d are", seed, budget, c.Assembled, assembled)
			}
			if len(p.responses)-1 > budget.Responses || bytes > budget.Bytes {
				t.Errorf("seed %d, %+v: %d responses of %d bytes", seed, budget, len(p.responses)-1, bytes)
			}
		}
	}
}
