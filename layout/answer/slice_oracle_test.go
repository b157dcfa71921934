package answer_test

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/layout/answer/answertest"
)

// seen are the package versions that clients of a query see, by itself and by every query
// that says more: one search after the other, by the text of the registry API.
func seen(t *testing.T, o *answertest.Oracle, query url.Values, versions int) []string {
	t.Helper()
	with := func(q url.Values, pairs ...string) url.Values {
		q = maps.Clone(q)
		for i := 0; i < len(pairs); i += 2 {
			if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
				q.Del(pairs[i])
			}
		}
		return q
	}
	ask := func(q url.Values) (out []string) {
		list, err := o.Search(q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			out = append(out, e.Name+"-"+e.Version)
		}
		return out
	}
	searches := []url.Values{query}
	if query.Get("prerelease") == "true" && query.Get("experimental") != "true" {
		searches = append(searches, with(query, "prerelease", ""))
		if !slices.ContainsFunc([]string{"spec.min", "spec.max", "agent.version", "capabilities", "discovery"}, query.Has) {
			searches = append(searches, with(query, "experimental", "true"))
		}
	}
	able := []string{"", "nothing"}
	names := []string{"security", "observability", "apm", "uptime"}
	for mask := 1; mask < 1<<len(names); mask++ {
		var given []string
		for i, name := range names {
			if mask&(1<<i) != 0 {
				given = append(given, name)
			}
		}
		able = append(able, strings.Join(given, ","))
	}
	ids := map[string]bool{}
	for _, q := range searches {
		legacy := q.Get("experimental") == "true"
		kinds, abilities := []string{"", "integration", "input", "content"}, able
		if q.Has("type") {
			kinds = []string{q.Get("type")}
		}
		if q.Has("capabilities") || legacy {
			abilities = []string{q.Get("capabilities")}
		}
		for _, kind := range kinds {
			for _, can := range abilities {
				narrow := with(q, "type", kind, "capabilities", can)
				if versions < 2 {
					for _, id := range ask(narrow) {
						ids[id] = true
					}
					continue
				}
				if legacy { // what passes its filters, pre-releases included
					narrow = url.Values{"prerelease": {"true"}, "category": q["category"], "package": q["package"], "kibana.version": q["kibana.version"]}
					narrow = with(narrow, "type", kind)
				}
				byName := map[string][]string{}
				for _, id := range ask(with(narrow, "all", "true", "category", "")) {
					name, _, _ := strings.Cut(id, "-")
					byName[name] = append(byName[name], id)
				}
				of := ask(with(narrow, "all", "true"))
				for _, list := range byName {
					for _, id := range list[max(0, len(list)-versions):] {
						if slices.Contains(of, id) {
							ids[id] = true
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// taken are the package versions of a slice of one query.
func taken(t *testing.T, table *answer.Table, query string, versions int) []string {
	t.Helper()
	rows, err := table.SliceRows(layout.Slice{Queries: []layout.SliceQuery{{Query: query, Versions: versions}}})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for row := range rows.All {
		out = append(out, table.Name(row)+"-"+table.Versions[row])
	}
	slices.Sort(out)
	return out
}

// TestSliceIsWhatClientsSee: a slice has what the clients of its query see, whatever they
// add to it, and nothing else.
func TestSliceIsWhatClientsSee(t *testing.T) {
	narrowed := 0
	for seed := range uint64(testtools.Choose(4, 12)) {
		random := answertest.NewRandom(100 + seed)
		oracle := answertest.Oracle{Packages: random.Packages(1 + random.IntN(4)), Parents: answertest.Parents}
		routes := routesOf(t, rowsOf(oracle.Packages)...)
		routes.Categories = categoriesOf(answertest.Parents)
		table, err := answer.NewTable(routes)
		if err != nil {
			t.Fatal(err)
		}
		pick := func(list ...string) string { return list[random.IntN(len(list))] }
		for range 12 {
			values := url.Values{}
			all := map[string]string{
				"prerelease": "true", "all": "true", "experimental": pick("true", "false", "false"), "type": pick("integration", "input", "content", "other"), "category": pick("security", "observability", "aws", "custom"),
				"kibana.version": pick("8.5.0", "7.17.2", "9.0.0"), "capabilities": pick("apm", "security,uptime"), "spec.min": "2.3", "spec.max": "3.0", "package": pick("pkg_00", "pkg_01"), "agent.version": "8.4.1", "discovery": "fields:host.ip,process.pid,data_stream.dataset",
			}
			for _, name := range slices.Sorted(maps.Keys(all)) { // the same for the same seed
				often := map[string]int{"prerelease": 2, "all": 4, "experimental": 4, "discovery": 12, "agent.version": 8}[name]
				if random.IntN(max(often, 5)) < 1 || name == "prerelease" && random.IntN(2) == 0 {
					values.Set(name, all[name])
				}
			}
			versions := []int{0, 0, 1, 2, 3}[random.IntN(5)]
			asked := maps.Clone(values)
			if versions == 1 {
				asked.Del("all")
			}
			want := seen(t, &oracle, asked, versions)
			if got := taken(t, table, values.Encode(), versions); !slices.Equal(got, want) {
				t.Errorf("seed %d: %s, %d versions: %q\nwant %q", seed, values.Encode(), versions, got, want)
			}
			if alone, err := oracle.Search(asked); err == nil && versions < 2 && len(alone) < len(want) {
				narrowed++
			}
		}
	}
	if narrowed < testtools.Choose(4, 20) {
		t.Errorf("only %d slices have more than one search lists", narrowed)
	}
}

// TestSliceByHand: each way in which clients ask for more, by itself.
func TestSliceByHand(t *testing.T) {
	table := tableOf(t,
		row{name: "gives", version: "0.9.0", kind: "input"}, row{name: "gives", version: "1.0.0", kind: "integration"},
		row{name: "kinds", version: "1.0.0", kind: "integration"}, row{name: "kinds", version: "2.0.0", kind: "input"},
		row{name: "needs", version: "1.0.0"}, row{name: "needs", version: "2.0.0", capabilities: []string{"apm"}}, row{name: "needs", version: "3.0.0", capabilities: []string{"uptime"}},
		row{name: "rules", version: "1.4.0"}, row{name: "rules", version: "1.5.0", flags: layout.Experimental}, row{name: "rules", version: "2.0.0-beta.1"},
	)
	for _, c := range []struct {
		query    string
		versions int
		want     string
	}{
		{"package=kinds", 0, "kinds-1.0.0 kinds-2.0.0"}, {"package=kinds&type=integration", 0, "kinds-1.0.0"}, {"package=kinds&type=input", 0, "kinds-2.0.0"}, {"package=kinds&type=content", 0, ""},
		{"package=kinds", 1, "kinds-1.0.0 kinds-2.0.0"}, {"package=kinds&all=true", 0, "kinds-1.0.0 kinds-2.0.0"}, {"package=kinds&all=true&type=input", 0, "kinds-2.0.0"},
		{"package=needs", 0, "needs-1.0.0 needs-2.0.0 needs-3.0.0"}, {"package=needs&capabilities=apm", 0, "needs-2.0.0"}, {"package=needs&capabilities=none", 0, "needs-1.0.0"},
		{"package=needs&experimental=true", 0, "needs-3.0.0"}, {"package=needs&capabilities=apm,uptime", 2, "needs-2.0.0 needs-3.0.0"}, {"package=needs&all=true", 2, "needs-1.0.0 needs-2.0.0 needs-3.0.0"},
		{"package=rules", 0, "rules-1.4.0"}, {"package=rules&prerelease=true", 0, "rules-1.4.0 rules-1.5.0 rules-2.0.0-beta.1"}, {"package=rules&prerelease=true&spec.min=0.0", 0, "rules-1.4.0 rules-2.0.0-beta.1"},
		// By the legacy rules a version that gives way to others is seen where a type leaves those out.
		{"package=gives&experimental=true&all=true", 0, "gives-0.9.0 gives-1.0.0"}, {"package=gives&experimental=true&all=true&type=integration", 0, "gives-1.0.0"}, {"package=gives&prerelease=true&all=true", 0, "gives-0.9.0 gives-1.0.0"},
		{"package=rules&experimental=true", 0, "rules-1.5.0"}, {"package=rules&experimental=true&prerelease=true", 0, "rules-1.5.0"}, {"package=rules&prerelease=true&spec.max=9.0", 0, "rules-1.4.0 rules-2.0.0-beta.1"},
		{"package=rules&prerelease=true&agent.version=8.0.0", 0, "rules-1.4.0 rules-2.0.0-beta.1"}, {"package=rules&prerelease=true&capabilities=apm", 0, "rules-1.4.0 rules-2.0.0-beta.1"},
	} {
		if got := strings.Join(taken(t, table, c.query, c.versions), " "); got != c.want {
			t.Errorf("%s, %d versions: %s, want %s", c.query, c.versions, got, c.want)
		}
	}
	for missing, want := range map[string]string{
		"none": `package "none" is not in the snapshot`, "kinds-3.0.0": `package "kinds-3.0.0" is not in the snapshot`,
		"none kinds none-1.0.0": `2 packages are not in the snapshot: "none", "none-1.0.0"`,
	} {
		if rows, err := table.SliceRows(layout.Slice{Packages: strings.Fields(missing)}); err == nil || err.Error() != want || rows != nil {
			t.Errorf("%s: %v", missing, err)
		}
	}
	rows, err := table.SliceRows(layout.Slice{Packages: []string{"needs-2.0.0", "kinds"}})
	if got := fmt.Sprint(slices.Collect(rows.All)); err != nil || got != "[2 3 5]" {
		t.Errorf("%s, %v", got, err)
	}
	if rows, err := table.SliceRows(layout.Slice{Packages: []string{"Bad"}}); err == nil || rows != nil {
		t.Errorf("%v", rows)
	}
}
