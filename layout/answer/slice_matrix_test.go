package answer_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/layout/answer/answertest"
	"github.com/regsnap/regsnap/publish/carry"
)

// configuration is one of the registry's download tool, and what it means: the searches
// of every entry of the matrix with every query, and the pinned packages.
type configuration struct {
	matrix, queries []map[string]string
	pins            [][2]string
}

// yaml is the file.
func (c configuration) yaml() string {
	var b strings.Builder
	list := func(key string, entries []map[string]string) {
		if len(entries) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s:\n", key)
		for _, e := range entries {
			var fields []string
			for _, name := range slices.Sorted(maps.Keys(e)) {
				fields = append(fields, name+": "+e[name])
			}
			fmt.Fprintf(&b, "  - {%s}\n", strings.Join(fields, ", "))
		}
	}
	b.WriteString("address: \"https://registry.example\"\n")
	list("matrix", c.matrix)
	list("queries", c.queries)
	if len(c.pins) > 0 {
		b.WriteString("packages:\n")
		for _, p := range c.pins {
			fmt.Fprintf(&b, "  - name: %s\n    version: %s\n", p[0], p[1])
		}
	}
	b.WriteString("actions:\n  - print:\n  - download:\n      destination: ./build\n")
	return b.String()
}

// expected are the package versions that the tool takes from a registry, and the pins that
// it does not find.
func (c configuration) expected(t *testing.T, o *answertest.Oracle) (found, missing []string) {
	t.Helper()
	ids := map[string]bool{}
	matrix := c.matrix
	if len(matrix) == 0 {
		matrix = []map[string]string{{}}
	}
	for _, m := range matrix {
		for _, q := range c.queries {
			values := url.Values{}
			for _, from := range []map[string]string{m, q} {
				for name, v := range from {
					if v != "false" { // as if it was not there: the other's stays
						values.Set(name, v)
					}
				}
			}
			list, err := o.Search(values)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range list {
				ids[e.Name+"-"+e.Version] = true
			}
		}
	}
	for _, p := range c.pins {
		if slices.ContainsFunc(o.Packages, func(q answertest.Package) bool { return q.Name == p[0] && q.Version == p[1] }) {
			ids[p[0]+"-"+p[1]] = true
		} else if id := p[0] + "-" + p[1]; !slices.Contains(missing, id) {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	return slices.Sorted(maps.Keys(ids)), missing
}

// randomConfiguration is one for a registry with those packages.
func randomConfiguration(r *answertest.Random, packages []answertest.Package) configuration {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	query := func() map[string]string {
		all := map[string]string{
			"package": packages[r.IntN(len(packages))].Name, "all": pick("true", "false"), "prerelease": pick("true", "true", "false"),
			"type":           pick("integration", "input", "content"),
			"kibana.version": pick("8.5.0", "7.17.2", "9.0.0", "8.6.0-SNAPSHOT"), "spec.min": pick("1.0", "2.3", "3.0"), "spec.max": pick("1.1", "3.0", "3.5", "10.2"),
		}
		for name := range all {
			if r.IntN(3) > 0 {
				delete(all, name)
			}
		}
		return all
	}
	var c configuration
	for range r.IntN(4) {
		c.matrix = append(c.matrix, query())
	}
	for range r.IntN(4) {
		c.queries = append(c.queries, query())
	}
	for range r.IntN(3) {
		p := packages[r.IntN(len(packages))]
		c.pins = append(c.pins, [2]string{p.Name, p.Version})
	}
	if r.IntN(8) == 0 {
		c.pins = append(c.pins, [2]string{"pkg_00", "99.0.0"}, [2]string{"nothing", "1.0.0-rc.1"})
	}
	if len(c.queries)+len(c.pins) == 0 {
		c.queries = append(c.queries, map[string]string{})
	}
	return c
}

// TestConfigurationsOfTheDownloadTool: a configuration takes what the tool would take from
// the registry whose snapshot it is, and what is missing is named, all of it.
func TestConfigurationsOfTheDownloadTool(t *testing.T) {
	taken, refused := 0, 0
	for seed := range uint64(10) {
		random := answertest.NewRandom(seed)
		oracle := answertest.Oracle{Packages: random.Packages(1 + random.IntN(20)), Parents: answertest.Parents}
		routes := routesOf(t, rowsOf(oracle.Packages)...)
		routes.Categories = categoriesOf(answertest.Parents)
		table, err := answer.NewTable(routes)
		if err != nil {
			t.Fatal(err)
		}
		for range 30 {
			c := randomConfiguration(random, oracle.Packages)
			m, err := carry.ParseMatrix([]byte(c.yaml()))
			if err != nil {
				t.Fatalf("%s%v", c.yaml(), err)
			}
			want, missing := c.expected(t, &oracle)
			rows, err := table.SliceRows(m.Slice())
			if len(missing) > 0 {
				refused++
				for _, id := range missing {
					if err == nil || !strings.Contains(err.Error(), `"`+id+`"`) {
						t.Fatalf("%sthe error does not name %s: %v", c.yaml(), id, err)
					}
				}
				continue
			}
			if err != nil {
				t.Fatalf("%s%v", c.yaml(), err)
			}
			var got []string
			for row := range rows.All {
				got = append(got, table.Name(row)+"-"+table.Versions[row])
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("seed %d: %stakes %v\nwant  %v", seed, c.yaml(), got, want)
			}
			taken += len(got)
			// As clients see it, a slice has that and what they ask besides.
			s := m.Slice()
			for i := range s.Queries {
				s.Queries[i].Query = strings.Replace(s.Queries[i].Query, "exact=true", "exact=false", 1)
			}
			more, err := table.SliceRows(s)
			if err != nil {
				t.Fatal(err)
			}
			all := slices.Collect(more.All)
			for row := range rows.All {
				if !slices.Contains(all, row) {
					t.Fatalf("%swithout exact=true %s is left out", c.yaml(), table.Name(row))
				}
			}
		}
	}
	if taken < 300 || refused < 8 {
		t.Errorf("only %d package versions were taken, %d configurations refused", taken, refused)
	}
}

// TestPins: each way to write a package version is the same, and anything else is refused.
func TestPins(t *testing.T) {
	a, err := answer.NormalSlice(layout.Slice{Packages: []string{"nginx@1.2.3", "nginx-1.2.3", "apache", "redis@1.0.0-rc.1+x"}})
	if err != nil || strings.Join(a.Packages, " ") != "apache nginx-1.2.3 redis-1.0.0-rc.1+x" {
		t.Errorf("%v, %v", a.Packages, err)
	}
	for _, wrong := range []string{"nginx@", "@1.2.3", "nginx@1", "nginx@latest", "nginx@1.2.3@1.2.3", "nginx-", "nginx-1.2.3@1.2.3", "../x@1.0.0"} {
		if s, err := answer.NormalSlice(layout.Slice{Packages: []string{wrong}}); err == nil {
			t.Errorf("%s: %v", wrong, s.Packages)
		}
	}
	for wrong, say := range map[string]string{"No-1": "want a name, or a name and a version", "no-1": `"1" is not a version`} {
		if _, err := answer.NormalSlice(layout.Slice{Packages: []string{wrong}}); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	for query, ok := range map[string]bool{"exact=true": true, "exact=false": true, "exact": false, "exact=1": false, "exact=true&exact=true": false} {
		if _, err := answer.NormalSlice(layout.Slice{Queries: []layout.SliceQuery{{Query: query}}}); (err == nil) != ok {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// TestNormalSlice: a slice has one form, whatever order it is written in; a query that is
// not one is refused, with what is wrong.
func TestNormalSlice(t *testing.T) {
	one := func(query string, versions int) []layout.SliceQuery {
		return []layout.SliceQuery{{Query: query, Versions: versions}}
	}
	for _, c := range []struct {
		in, want []layout.SliceQuery
		packages string
	}{
		{one("prerelease=true&category=web", 0), one("category=web&prerelease=true", 0), ""},
		{one("all=true", 1), one("", 0), ""}, {one("all=true", 2), one("all=true", 2), ""}, {one("exact=false&package=a", 0), one("package=a", 0), ""},
		{append(one("type=input", 2), append(one("package=b", 3), append(one("package=b", 2), append(one("package=b", 3), one("type=input", 2)...)...)...)...),
			append(one("package=b", 2), append(one("package=b", 3), one("type=input", 2)...)...), ""},
		{nil, nil, "b a b-1.0.0 b@1.0.0 a"},
	} {
		got, err := answer.NormalSlice(layout.Slice{Queries: c.in, Packages: strings.Fields(c.packages)})
		if err != nil || !slices.Equal(got.Queries, c.want) {
			t.Errorf("%v: %v, %v, want %v", c.in, got.Queries, err, c.want)
		}
		if c.packages != "" && strings.Join(got.Packages, " ") != "a b b-1.0.0" {
			t.Errorf("%s: %v", c.packages, got.Packages)
		}
		if again, err := answer.NormalSlice(got); err != nil || !slices.Equal(again.Queries, got.Queries) || !slices.Equal(again.Packages, got.Packages) {
			t.Errorf("again: %v, %v, want %v", again, err, got)
		}
	}
	for query, want := range map[string]string{
		"a=%zz": `query "a=%zz": invalid URL escape`, "catgory=web": `there is no parameter "catgory": want some of agent.version, all,`, "kibana.version=x": `query "kibana.version=x": `,
		"prerelease=maybe": `query "prerelease=maybe": `, "exact=maybe": "exact: want true or false",
	} {
		if got, err := answer.NormalSlice(layout.Slice{Queries: one(query, 0)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v, want %s", query, got, err, want)
		}
	}
	if _, err := answer.NormalSlice(layout.Slice{Queries: one("", -1)}); err == nil || !strings.Contains(err.Error(), "-1 versions: want 0 or more") {
		t.Error(err)
	}
}
