package answer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/layout/answer/answertest"
)

// TestWalkStandsForEveryQuery: the classes stand for every combination of values, the same
// in the same order each time; with less work it is a beginning of that.
func TestWalkStandsForEveryQuery(t *testing.T) {
	walked := func(table *answer.Table, limit int) (targets []string, queries, all int) {
		w := answer.NewWalk(table, limit)
		var classes []answer.Class
		for c := range w.Classes {
			classes = append(classes, c)
			targets = append(targets, c.Query.Target())
		}
		for _, c := range classes {
			queries += c.Queries()
		}
		return targets, queries, w.Queries()
	}
	for seed := range uint64(testtools.Choose(1, 4)) {
		random := answertest.NewRandom(201 + seed)
		routes := routesOf(t, rowsOf(random.Packages(1+random.IntN(5)))...)
		routes.Categories = categoriesOf(answertest.Parents)
		table, err := answer.NewTable(routes)
		if err != nil {
			t.Fatal(err)
		}
		targets, queries, all := walked(table, 0)
		v := table.Values()
		kibana, prerelease := len(v.Kibana), 2
		current, legacy := len(v.Capabilities)*len(v.Specs)*kibana*prerelease, kibana
		// Each is asked of all packages with each category and without, of each package, of
		// both once more for all versions, and twice of the categories.
		want := (current+legacy)*len(v.Types)*(len(v.Categories)-1+2+2*len(table.Names)) + 2*(current+legacy)
		if queries != all || all != want {
			t.Errorf("%d queries in classes, %d in all, want %d", queries, all, want)
		}
		if again, _, _ := walked(table, 0); !slices.Equal(again, targets) {
			t.Error("the second walk is another")
		}
		before := 0
		for _, limit := range []int{1, 1_000, 5_000, 20_000, 1 << 40} {
			part, _, _ := walked(table, limit)
			if len(part) < before || !slices.Equal(part, targets[:len(part)]) {
				t.Errorf("with a limit of %d the walk has %d classes after %d", limit, len(part), before)
			}
			if before = len(part); limit == 1 && before > 1 || limit == 1<<40 && before != len(targets) {
				t.Errorf("with a limit of %d the walk has %d classes of %d", limit, before, len(targets))
			}
		}
		n := 0
		for range answer.NewWalk(table, 0).Classes {
			if n++; n == 2 {
				break
			}
		}
		if n != min(2, len(targets)) {
			t.Errorf("%d classes after the second", n)
		}
	}
}

// entriesOf are those of an answer, each with its content.
func entriesOf(t *testing.T, table *answer.Table, target string) map[string]string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	q, err := answer.ParseQuery(u.RawQuery, u.Path == "/categories")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	s := table.Select(q)
	if q.Counting {
		var list []struct {
			ID    string
			Count int
		}
		if err := json.Unmarshal(table.Count(s, q.IncludePolicyTemplates), &list); err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			out[c.ID] = fmt.Sprint(c.Count)
		}
		return out
	}
	for _, row := range s.Rows {
		kept, cut := s.Kept[row]
		out[table.Name(row)+"-"+table.Versions[row]] = fmt.Sprint(table.Summary(row), cut, kept)
	}
	return out
}

// changeOf is what an answer loses, gains and changes, one way after the other.
func changeOf(t *testing.T, old, new *answer.Table, target string) (removed, added, changed []string) {
	t.Helper()
	was, is := entriesOf(t, old, target), entriesOf(t, new, target)
	counting := strings.HasPrefix(target, "/categories")
	for id, content := range was {
		switch other, there := is[id]; {
		case counting && content != other:
			var a, b int
			fmt.Sscan(content, &a)
			fmt.Sscan(other, &b)
			changed = append(changed, fmt.Sprintf("%s %+d", id, b-a))
		case !there && !counting:
			removed = append(removed, id)
		case there && content != other:
			changed = append(changed, id)
		}
	}
	for id, content := range is {
		if _, there := was[id]; !there && counting {
			changed = append(changed, id+" +"+content)
		} else if !there {
			added = append(added, id)
		}
	}
	for _, list := range [][]string{removed, added, changed} {
		slices.Sort(list)
	}
	return removed, added, changed
}

// TestCompareAnswers: what changes between two tables is what each answer loses, gains and
// changes, and no change of a class of queries is left out.
func TestCompareAnswers(t *testing.T) {
	changes := 0
	for seed := range uint64(testtools.Choose(1, 4)) {
		random := answertest.NewRandom(303 + seed)
		packages := random.Packages(2)
		tableOf := func(packages []answertest.Package, mark int) *answer.Table {
			routes := routesOf(t, rowsOf(packages)...)
			routes.Categories = categoriesOf(answertest.Parents)
			if mark >= 0 { // another content
				at := mark * layout.DigestLen
				routes.Summaries = routes.Summaries[:at] + string(layout.DigestOf([]byte("other"))) + routes.Summaries[at+layout.DigestLen:]
			}
			table, err := answer.NewTable(routes)
			if err != nil {
				t.Fatal(err)
			}
			return table
		}
		gone := random.IntN(len(packages))
		fewer := slices.Delete(slices.Clone(packages), gone, gone+1)
		for _, pair := range [][2]*answer.Table{
			{tableOf(packages, -1), tableOf(fewer, -1)}, {tableOf(fewer, -1), tableOf(packages, -1)}, {tableOf(packages, -1), tableOf(packages, gone)},
			{tableOf(packages, -1), tableOf(packages, -1)}, {tableOf(nil, -1), tableOf(packages, -1)},
		} {
			old, new := pair[0], pair[1]
			told := map[string]bool{}
			for _, c := range answer.CompareAnswers(old, new) {
				urls := c.URLs()
				if c.URL != urls[0] || c.Queries < len(urls) {
					t.Errorf("%s stands for %d queries of %q", c.URL, c.Queries, urls)
				}
				for _, target := range slices.Compact([]string{urls[0], urls[len(urls)/2], urls[len(urls)-1]}) {
					removed, added, changed := changeOf(t, old, new, target)
					got := fmt.Sprint(sortedCopy(c.Removed), sortedCopy(c.Added), sortedCopy(c.Changed))
					if want := fmt.Sprint(removed, added, changed); got != want {
						t.Fatalf("seed %d: %s: %s, want %s", seed, target, got, want)
					}
				}
				key := fmt.Sprint(sortedCopy(c.Removed), sortedCopy(c.Added), sortedCopy(c.Changed), strings.HasPrefix(c.URL, "/categories"), strings.Contains(c.URL, "package="))
				if told[key] {
					t.Errorf("seed %d: %s comes twice", seed, key)
				}
				told[key] = true
				changes++
			}
			for _, table := range pair {
				n := 0
				for class := range answer.NewWalk(table, 0).Classes {
					if n++; n%37 != 0 {
						continue
					}
					target := class.Query.Target()
					removed, added, changed := changeOf(t, old, new, target)
					if len(removed)+len(added)+len(changed) == 0 {
						continue
					}
					if key := fmt.Sprint(removed, added, changed, strings.HasPrefix(target, "/categories"), strings.Contains(target, "package=")); !told[key] {
						t.Fatalf("seed %d: %s changes by %s, and that is not told", seed, target, key)
					}
				}
			}
		}
	}
	if changes < 20 {
		t.Errorf("only %d changes", changes)
	}
}

func sortedCopy(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// TestValuesOfCapabilities: of few names every subset, of more those alone and all of them;
// what a client has that can do nothing is the name of none.
func TestValuesOfCapabilities(t *testing.T) {
	for n, want := range map[int]int{0: 2, 1: 3, 3: 9, 8: 257, 9: 12, 64: 67, 65: 67} {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprintf("c%02d", i))
		}
		got := tableOf(t, row{name: "a", version: "1.0.0", capabilities: names}).Values().Capabilities
		if len(got) != want || got[0] != nil || len(got[1]) != 1 || got[1][0] != "none" || n > 0 && !slices.Equal(got[len(got)-1], names) {
			t.Errorf("of %d names: %d lists", n, len(got))
		}
		seen := map[string]bool{}
		for _, list := range got[2:] {
			if key := strings.Join(list, ","); seen[key] || key == "" || n > 8 && len(list) != 1 && len(list) != n {
				t.Errorf("of %d names: %q", n, list)
			} else {
				seen[key] = true
			}
		}
	}
	if got := tableOf(t, row{name: "a", version: "1.0.0", capabilities: []string{"none", "none_"}}).Values().Capabilities[1]; !slices.Equal(got, []string{"none__"}) {
		t.Errorf("nothing is called %q", got)
	}
}

// TestCheckPart: the bytes of a part give the summaries that the table names, and no part
// gives those of another.
func TestCheckPart(t *testing.T) {
	rows := []row{{name: "a", version: "1.0.0"}, {name: "a", version: "1.1.0"}, {name: "b", version: "1.0.0"}, {name: "c", version: "2.0.0"}}
	routes := routesOf(t, rows...)
	summary := func(i int) []byte {
		return fmt.Appendf(nil, "  {\n    \"name\": %q,\n    \"version\": %q\n  }", rows[i].name, rows[i].version)
	}
	blocks := []answer.Block{
		answer.NewBlock([]string{"1.0.0", "1.1.0"}, [][]byte{summary(0), summary(1)}),
		answer.NewBlock([]string{"1.0.0"}, [][]byte{summary(2)}), answer.NewBlock([]string{"2.0.0"}, [][]byte{summary(3)}),
	}
	routes.Summaries = ""
	for i := range rows {
		routes.Summaries += string(layout.DigestOf(summary(i)))
		routes.Sizes[i] = len(summary(i))
	}
	for i, b := range blocks {
		routes.Blocks[i] = len(b)
	}
	d := layout.DigestOf(nil)
	routes.Catalog = []layout.Part{{Digest: d, Names: 1}, {Digest: d, Names: 2}}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	parts := [][]byte{blocks[0], slices.Concat(blocks[1], blocks[2])}
	for part, content := range parts {
		if err := table.CheckPart(part, content); err != nil {
			t.Errorf("part %d: %v", part, err)
		}
		for length, text := range map[int]string{len(content) - 1: "it has", len(content) + 1: "it has", 0: "it has"} {
			if err := table.CheckPart(part, make([]byte, length)); err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("part %d with %d bytes: %v", part, length, err)
			}
		}
		for i := range content { // one byte is another
			damaged := slices.Clone(content)
			damaged[i] ^= 1
			if err := table.CheckPart(part, damaged); err == nil {
				unread := i == 0 || damaged[i] == 0 // a number that no summary is made by
				t.Errorf("part %d: byte %d of %d may be anything (%t)", part, i, len(content), unread)
			}
		}
	}
	if err := table.CheckPart(1, slices.Concat(blocks[2], blocks[1])); err == nil {
		t.Error("the blocks are in another order")
	}
}

// TestFaultsWhileReading: a body that cannot be read is not what the table names, wherever
// it breaks, and the error is kept.
func TestFaultsWhileReading(t *testing.T) {
	summary := "  {\n    \"name\": \"a\"\n  }"
	routes := routesOf(t, row{name: "a", version: "1.0.0"})
	routes.Sizes[0], routes.Summaries = len(summary), string(layout.DigestOf([]byte(summary)))
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	body, broken := "[\n"+summary+"\n]\n", errors.New("the line is dead")
	for n := range len(body) + 1 {
		r := io.MultiReader(strings.NewReader(body[:n]), iotest.ErrReader(broken))
		if err := table.CheckSearch(answer.Selection{Rows: []int{0}}, r); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if out, err := table.Assemble(answer.Selection{Rows: []int{0}}, func([]byte, int) ([]byte, error) { return nil, broken }); err != broken || out != nil {
		t.Errorf("a summary that cannot be read: %q, %v", out, err)
	}
}

// TestPagesOfAllKinds: what a page is by its address, the policies that browsers keep to,
// and where the pointer is asked for.
func TestPagesOfAllKinds(t *testing.T) {
	table := tableOf(t, row{name: "nginx", version: "1.0.0"})
	table.Site = layout.DigestOf([]byte("site"))
	for path, want := range map[string]string{
		"-/a.js": "text/javascript; charset=utf-8", "-/a.json": "application/json", "-/a.css": "text/css; charset=utf-8", "-/a.xml": "application/atom+xml", "-/a.svg": "text/html; charset=utf-8",
		layout.ListPath: "application/json", "feed.xml": "application/atom+xml", "nginx/feed.xml": "application/atom+xml", "nginx/": "text/html; charset=utf-8",
	} {
		a := reply(table, "GET", "/catalog/"+path)
		if a.Kind != answer.Page || a.Status != 200 || a.ContentType != want || a.Path != path || a.Digest != table.Site || a.Cache != layout.CacheIndex {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := reply(table, "GET", "/catalog/"+layout.LivePath); a.Kind != answer.Live || a.Status != 200 || a.ContentType != "application/json" || a.Cache != layout.CacheError {
		t.Errorf("%+v", a)
	}
	for _, path := range []string{"-/a", "a.js", "nginx/x.css"} {
		if a := reply(table, "GET", "/catalog/"+path); a.Status != 301 || a.Location != "/catalog/"+path+"/" {
			t.Errorf("%s: %+v", path, a)
		}
	}
	if a := answer.NoPage(); a.Status != 404 || string(a.Body) != "404 page not found\n" || a.Cache != layout.CacheError {
		t.Errorf("%+v", a)
	}
	const begin, end = "default-src 'none'; img-src 'self'; style-src 'self'", "; script-src 'sha256-x'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
	for style, want := range map[string]string{"": begin + end, "sha256-y": begin + " 'sha256-y'" + end} {
		if got := answer.PagePolicy("sha256-x", style); got != want {
			t.Errorf("%q: %s", style, got)
		}
	}
}

// TestValuesInOrder: the newest come first, should time or room run out; categories come
// with those above them.
func TestValuesInOrder(t *testing.T) {
	v := tableOf(t,
		row{name: "a", version: "1.0.0", kibana: "^7.1.0", agent: ">=8.2.0", spec: layout.Spec{Major: 1}, kind: "input", categories: []string{"nginx"}},
		row{name: "b", version: "1.0.0", kibana: ">=8.5.0-SNAPSHOT", spec: layout.Spec{Major: 2, Minor: 10}, kind: "integration", templates: templates([]string{"security"})},
		row{name: "c", version: "1.0.0", spec: layout.Spec{Major: 2, Minor: 9}, kind: "input"},
	).Values()
	show := func(v *semver.Version) string {
		if v == nil {
			return "-"
		}
		return v.String()
	}
	var kibana, agent, specs []string
	for _, k := range v.Kibana {
		kibana = append(kibana, show(k))
	}
	for _, a := range v.Agent {
		agent = append(agent, show(a))
	}
	for _, s := range v.Specs {
		specs = append(specs, show(s.Min)+" "+show(s.Max))
	}
	for _, c := range []struct{ what, got, want string }{
		{"kibana", strings.Join(kibana, " "), "- 8.5.0 8.5.0-SNAPSHOT 8.0.0 7.1.0 0.0.0"},
		{"agent", strings.Join(agent, " "), "- 8.2.0 0.0.0"},
		{"specs", strings.Join(specs, ", "), "- -, 1.0.0 -, 2.9.0 -, 2.10.0 -, - 2.10.0, 1.0.0 2.10.0, 2.9.0 2.10.0, 2.10.0 2.10.0, - 2.9.0, 1.0.0 2.9.0, 2.9.0 2.9.0, - 1.0.0, 1.0.0 1.0.0"},
		{"types", strings.Join(v.Types, " "), " input integration"},
		{"categories", strings.Join(v.Categories, " "), " nginx security web"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
}
