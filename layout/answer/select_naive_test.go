package answer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// naiveRows answers a query as the registry API tells it, a row at a time.
func naiveRows(t *testing.T, rows []row, q answer.Query) []int {
	t.Helper()
	accepts := func(constraint string, v *semver.Version) bool {
		if constraint == "" || v == nil {
			return true
		}
		c, err := semver.NewConstraint(constraint)
		if err != nil {
			t.Fatal(err)
		}
		return c.Check(v)
	}
	version := func(i int) *semver.Version { return semver.MustParse(rows[i].version) }
	unreleased := func(i int) bool { return version(i).Major() == 0 || version(i).Prerelease() != "" }
	byName := map[string][]int{}
	for i, r := range rows {
		spec := semver.New(r.spec.Major, r.spec.Minor, 0, "", "")
		passes := (q.Package == "" || q.Package == r.name) && (q.Type == "" || q.Type == r.kind) && accepts(r.kibana, q.Kibana)
		if !q.Experimental {
			passes = passes && accepts(r.agent, q.Agent) &&
				(q.Prerelease || version(i).Prerelease() == "" && r.flags&layout.Experimental == 0) &&
				(q.SpecMin == nil || !spec.LessThan(q.SpecMin)) && (q.SpecMax == nil || !spec.GreaterThan(q.SpecMax)) &&
				(q.Capabilities == nil || !slices.ContainsFunc(r.capabilities, func(c string) bool { return !slices.Contains(q.Capabilities, c) }))
		}
		if passes {
			byName[r.name] = append(byName[r.name], i)
		}
	}
	var out []int
	for _, of := range byName {
		if released := slices.DeleteFunc(slices.Clone(of), unreleased); q.Experimental && len(released) > 0 {
			of = released
		}
		if !q.All {
			newest := of[0]
			for _, i := range of {
				if version(i).GreaterThan(version(newest)) {
					newest = i
				}
			}
			of = []int{newest}
		}
		out = append(out, of...)
	}
	slices.Sort(out)
	return out
}

// TestSelectIsNaive holds searches to their definition, on random rows: some
// names have none that pass, others over 64.
func TestSelectIsNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	one := func(values ...string) string { return values[rng.IntN(len(values))] }
	constraints := []string{"", "^7.16.0", "^8.0.0", "^8.5.0", ">=8.5.0-SNAPSHOT"}
	versions := []*semver.Version{nil, semver.MustParse("7.17.0"), semver.MustParse("8.4.0"), semver.MustParse("8.6.0-SNAPSHOT"), semver.MustParse("9.0.0")}
	specs := []*semver.Version{nil, semver.MustParse("1.0.0"), semver.MustParse("2.1.0")}
	for range 20 {
		var rows []row
		for n := range 1 + rng.IntN(6) {
			seen := map[string]bool{}
			var of []row
			for range 1 + rng.IntN(1+rng.IntN(150)) {
				r := row{name: fmt.Sprintf("p%d", n), version: fmt.Sprintf("%d.%d.%d%s", rng.IntN(3), rng.IntN(4), rng.IntN(9), one("", "", "-rc1", "+b1", "+b2")),
					kibana: one(constraints...), agent: one(constraints...), kind: one("input", "integration"),
					spec: layout.Spec{Major: uint64(1 + rng.IntN(2)), Minor: uint64(rng.IntN(2))}}
				if rng.IntN(5) == 0 {
					r.capabilities = []string{"apm"}
				}
				if rng.IntN(5) == 0 {
					r.flags = layout.Experimental
				}
				if !seen[r.version] {
					seen[r.version] = true
					of = append(of, r)
				}
			}
			slices.SortFunc(of, func(a, b row) int {
				if c := semver.MustParse(a.version).Compare(semver.MustParse(b.version)); c != 0 {
					return c
				}
				return map[bool]int{true: -1, false: 1}[a.version < b.version]
			})
			rows = append(rows, of...)
		}
		table := tableOf(t, rows...)
		for range 200 {
			q := answer.Query{
				All: rng.IntN(2) == 0, Prerelease: rng.IntN(2) == 0, Experimental: rng.IntN(3) == 0, Package: one("", "p0", "p3", "none"), Type: one("", "input"),
				Kibana: versions[rng.IntN(5)], Agent: versions[rng.IntN(5)], SpecMin: specs[rng.IntN(3)], SpecMax: specs[rng.IntN(3)],
				Capabilities: [][]string{nil, {}, {"apm"}}[rng.IntN(3)],
			}
			if got, want := table.Select(q).Rows, naiveRows(t, rows, q); !slices.Equal(got, want) {
				t.Fatalf("%+v selects rows %v, want %v", q, got, want)
			}
		}
	}
}
