package answer

import (
	"fmt"
	"slices"
	"strings"
)

// Explain says why a row is not in the answer to a query; "" when it is.
func (t *Table) Explain(q Query, row int) string {
	if reason := t.filteredBy(q, row); reason != "" {
		return reason
	}
	passed := t.filter(q)
	newest := t.newest(passed, q.Experimental, q.All)
	if !newest.has(row) {
		if reason := t.yields(q, row, newest); reason != "" {
			return reason
		}
		from, to := t.Versioned(t.Name(row))
		for other := to - 1; other >= from; other-- {
			if newest.has(other) {
				return "version " + t.Versions[other] + " is newer"
			}
		}
		return "another version is newer"
	}
	if q.Category != "" && !slices.Contains(t.Pick(newest, q.Category).Rows, row) {
		return fmt.Sprintf("neither the package nor a policy template has category %q", q.Category)
	}
	return ""
}

// yields says why a row gives way under the legacy rules, if it does.
func (t *Table) yields(q Query, row int, chosen Set) string {
	from, to := t.Versioned(t.Name(row))
	yielding := t.yielding(q.All)
	if !q.Experimental || !yielding.has(row) || yielding.has(chosen.last(from, to)) {
		return ""
	}
	if q.All {
		return "a version that is neither a pre-release nor 0.x displaces those that are"
	}
	return "a released version beats a pre-release"
}

// filteredBy names the first filter that a row does not pass.
func (t *Table) filteredBy(q Query, row int) string {
	alone := Query{Prerelease: true, Experimental: q.Experimental}
	for _, f := range []struct {
		query  func(*Query)
		reason string
	}{
		{func(f *Query) { f.Package = q.Package }, "another package"},
		{func(f *Query) { f.Type = q.Type }, "its type is " + t.Types[t.Type[row]]},
		{func(f *Query) { f.Kibana = q.Kibana }, fmt.Sprintf("it accepts Kibana %s, not %s", t.Constraints[t.Kibana[row]], q.Kibana)},
		{func(f *Query) { f.Prerelease = q.Prerelease }, "it is a pre-release or experimental, and prerelease is not true"},
		{func(f *Query) { f.Agent = q.Agent }, fmt.Sprintf("it accepts agents %s, not %s", t.Constraints[t.Agent[row]], q.Agent)},
		{func(f *Query) { f.SpecMin, f.SpecMax = q.SpecMin, q.SpecMax }, fmt.Sprintf("its spec version %d.%d is out of bounds", t.Specs[t.Spec[row]].Major, t.Specs[t.Spec[row]].Minor)},
		{func(f *Query) { f.Capabilities = q.Capabilities }, "it requires the capabilities " + strings.Join(t.Capabilities[t.Capability[row]], ", ")},
		{func(f *Query) { f.Discovery = q.Discovery }, "its discovery fields and datasets do not match"},
	} {
		filter := alone
		if f.query(&filter); !t.filter(filter).has(row) {
			return f.reason
		}
	}
	return ""
}
