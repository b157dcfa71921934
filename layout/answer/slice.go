package answer

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// NormalSlice is a slice in the form in which manifests have it: each query in
// order of parameters, all sorted, nothing twice. It is an error if a query is
// one that the registry would refuse, or has a parameter that does not narrow a
// search: a misspelt parameter would take everything along. A version may be given as
// "name@version" too.
func NormalSlice(s layout.Slice) (layout.Slice, error) {
	var out layout.Slice
	for _, q := range s.Queries {
		values, err := url.ParseQuery(q.Query)
		if err != nil {
			return layout.Slice{}, fmt.Errorf("query %q: %w", q.Query, err)
		}
		for name := range values {
			if !slices.Contains(searchParameters, name) {
				return layout.Slice{}, fmt.Errorf("query %q: there is no parameter %q: want some of %s", q.Query, name, strings.Join(searchParameters, ", "))
			}
		}
		if _, err := ParseQuery(q.Query, false); err != nil {
			return layout.Slice{}, fmt.Errorf("query %q: %w", q.Query, err)
		}
		switch v := values[Exact]; {
		case len(v) == 1 && v[0] == "false":
			values.Del(Exact)
		case len(v) > 0 && (len(v) > 1 || v[0] != "true"):
			return layout.Slice{}, fmt.Errorf("query %q: %s: want true or false", q.Query, Exact)
		}
		if q.Versions < 0 {
			return layout.Slice{}, fmt.Errorf("query %q: %d versions: want 0 or more", q.Query, q.Versions)
		}
		if q.Versions == 1 { // as without all=true
			q.Versions = 0
			values.Del("all")
		}
		out.Queries = append(out.Queries, layout.SliceQuery{Query: values.Encode(), Versions: q.Versions})
	}
	for _, p := range s.Packages {
		given := p
		if name, version, pinned := strings.Cut(p, "@"); pinned {
			if version == "" || strings.Contains(name, "-") {
				return layout.Slice{}, fmt.Errorf("package %q: want a name before @ and a version after it", p)
			}
			p = name + "-" + version
		}
		name, version, _ := strings.Cut(p, "-")
		if !layout.ValidPackageName(name) {
			return layout.Slice{}, fmt.Errorf("package %q: want a name, or a name and a version as in nginx-1.2.3 or nginx@1.2.3", given)
		}
		if _, err := semver.StrictNewVersion(version); err != nil && version != "" || strings.HasSuffix(p, "-") {
			return layout.Slice{}, fmt.Errorf("package %q: %q is not a version", p, version)
		}
		out.Packages = append(out.Packages, p)
	}
	slices.SortFunc(out.Queries, func(a, b layout.SliceQuery) int {
		if c := strings.Compare(a.Query, b.Query); c != 0 {
			return c
		}
		return a.Versions - b.Versions
	})
	out.Queries = slices.Compact(out.Queries)
	slices.Sort(out.Packages)
	out.Packages = slices.Compact(out.Packages)
	return out, nil
}

// Exact is the parameter of a slice's query that takes what the search lists and no more,
// as a list of archives is made by it. No registry knows it.
const Exact = "exact"

// searchParameters are what a slice's query may have.
var searchParameters = []string{
	"agent.version", "all", "capabilities", "category", "discovery", Exact, "experimental", "kibana.version", "package",
	"prerelease", "spec.max", "spec.min", "type",
}

// SliceRows are the rows that belong to a slice. So that its clients get the
// answers that the whole snapshot gives them, what a query does not fix counts in
// all its values: a query without a type or capabilities takes what it sees with
// any, and one with prerelease=true also what it sees without, and by the legacy
// rules. With all=true the answers to every narrower query are the same, but for those
// by the legacy rules that add a type; else those to every query that adds a category, a
// package, a type or capabilities. A query
// with exact=true takes what it lists and no more. The error names all packages that are
// missing.
func (t *Table) SliceRows(s layout.Slice) (Set, error) {
	s, err := NormalSlice(s)
	if err != nil {
		return nil, err
	}
	rows := newSet(t.Rows())
	narrow := t.narrowings()
	for _, q := range s.Queries {
		parsed, err := ParseQuery(q.Query, false)
		if err != nil {
			return nil, fmt.Errorf("query %q: %w", q.Query, err)
		}
		if values, err := url.ParseQuery(q.Query); err == nil && values.Has(Exact) {
			t.addNewest(rows, t.filter(parsed), parsed, q.Versions)
			continue
		}
		for _, variant := range variants(parsed) {
			t.addSlice(rows, variant, q.Versions, narrow)
		}
	}
	var missing []string
	for _, p := range s.Packages {
		name, version, one := strings.Cut(p, "-")
		from, to := t.Versioned(name)
		if one {
			if from = t.Find(name, version); from >= 0 {
				to = from + 1
			}
		}
		if from < 0 || from == to {
			missing = append(missing, p)
			continue
		}
		for row := from; row < to; row++ {
			rows.add(row)
		}
	}
	if len(missing) > 0 {
		return nil, MissingError(missing)
	}
	return rows, nil
}

// MissingError is what a slice asks for and the snapshot does not have: NAME, or
// NAME-VERSION.
type MissingError []string

func (e MissingError) Error() string {
	if len(e) == 1 {
		return fmt.Sprintf("package %q is not in the snapshot", e[0])
	}
	quoted := make([]string, len(e))
	for i, p := range e {
		quoted[i] = strconv.Quote(p)
	}
	return fmt.Sprintf("%d packages are not in the snapshot: %s", len(e), strings.Join(quoted, ", "))
}

// addNewest adds what a search lists of the rows that its filters let through.
func (t *Table) addNewest(rows, in Set, q Query, versions int) {
	if versions > 1 {
		in = t.newestVersions(in, versions)
	} else {
		in = t.newest(in, q.Experimental, q.All)
	}
	for _, row := range t.Pick(in, q.Category).Rows {
		rows.add(row)
	}
}

// variants are the searches that clients of a query make too.
func variants(q Query) []Query {
	out := []Query{q}
	if q.Prerelease && !q.Experimental {
		stable := q
		stable.Prerelease = false
		out = append(out, stable)
		// The legacy rules know none of the newer parameters.
		if q.SpecMin == nil && q.SpecMax == nil && q.Agent == nil && q.Capabilities == nil && len(q.Discovery) == 0 {
			legacy := q
			legacy.Experimental = true
			out = append(out, legacy)
		}
	}
	return out
}

// narrowing is what clients may add to a query.
type narrowing struct{ types, capabilities []class }

func (t *Table) narrowings() narrowing {
	ts, v := tables{{t, t.all}}, t.Values()
	return narrowing{newDimension(ts, v.Types, setType).classes, newDimension(ts, v.Capabilities, setCapabilities).classes}
}

// addSlice adds what one search sees, by itself and narrowed.
func (t *Table) addSlice(rows Set, q Query, versions int, n narrowing) {
	base := t.filter(q)
	types, capabilities := n.types, n.capabilities
	// Then nothing narrower sees more; but by the legacy rules a type can leave out the
	// versions to which others give way.
	everything := q.All && !q.Experimental && versions == 0
	if q.Type != "" || everything {
		types = types[:1]
	}
	if q.Capabilities != nil || q.Experimental || everything {
		capabilities = capabilities[:1]
	}
	for _, c := range capabilities {
		for _, k := range types {
			in := base.clone()
			in.and(c.rows)
			in.and(k.rows)
			t.addNewest(rows, in, q, versions)
		}
	}
}

// newestVersions are the newest rows of each name, at most that many.
func (t *Table) newestVersions(in Set, most int) Set {
	out := newSet(t.Rows())
	for i := range t.Names {
		from, to := t.NameRows(i)
		for row, n := to-1, 0; row >= from && n < most; row-- {
			if in.has(row) {
				out.add(row)
				n++
			}
		}
	}
	return out
}
