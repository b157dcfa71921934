package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// TestAssemble writes responses out of summaries.
func TestAssemble(t *testing.T) {
	summaries := []string{"  {\n    \"name\": \"a\"\n  }", "  {\n    \"name\": \"bb\"\n  }", "  {\n    \"name\": \"c\"\n  }"}
	routes := routesOf(t, row{name: "a", version: "1.0.0"}, row{name: "bb", version: "1.0.0"}, row{name: "c", version: "1.0.0"})
	for i, s := range summaries {
		routes.Sizes[i] = len(s)
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	summary := func(dst []byte, row int) ([]byte, error) { return append(dst, summaries[row]...), nil }
	for _, c := range []struct {
		rows []int
		want string
	}{
		{[]int{0, 1, 2}, "[\n  {\n    \"name\": \"a\"\n  },\n  {\n    \"name\": \"bb\"\n  },\n  {\n    \"name\": \"c\"\n  }\n]\n"},
		{[]int{1}, "[\n  {\n    \"name\": \"bb\"\n  }\n]\n"},
		{nil, "[]"},
	} {
		if got, err := table.Assemble(answer.Selection{Rows: c.rows}, summary); err != nil || string(got) != c.want {
			t.Errorf("rows %v: %q, %v", c.rows, got, err)
		}
	}
	routes.Sizes[1]++
	if _, err := table.Assemble(answer.Selection{Rows: []int{0, 1}}, summary); err == nil || !strings.Contains(err.Error(), "bb-1.0.0 has 24 bytes, want 25") {
		t.Errorf("a summary of another length: %v", err)
	}
}

// TestAssembleKept: a summary stands there with the policy templates that are kept.
func TestAssembleKept(t *testing.T) {
	whole := "  {\n    \"name\": \"a\",\n    \"policy_templates\": [\n      {\n        \"name\": \"x\"\n      },\n      {\n        \"name\": \"y\"\n      }\n    ],\n    \"group\": \"g\"\n  }"
	routes := routesOf(t, row{name: "a", version: "1.0.0"}, row{name: "b", version: "1.0.0"})
	routes.Sizes[0], routes.Sizes[1] = len(whole), len(whole)
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	got, err := table.Assemble(answer.Selection{Rows: []int{0, 1}, Kept: map[int][]int{0: {1}}}, func(dst []byte, _ int) ([]byte, error) { return append(dst, whole...), nil })
	want := "[\n" + strings.Replace(whole, "      {\n        \"name\": \"x\"\n      },\n", "", 1) + ",\n" + whole + "\n]\n"
	if err != nil || string(got) != want {
		t.Errorf("%s\n%v; want\n%s", got, err, want)
	}
}

// TestCheckSearch: a search is what the table names, to its last byte.
func TestCheckSearch(t *testing.T) {
	summaries := []string{"  {\n    \"name\": \"a\"\n  }", "  {\n    \"name\": \"bb\"\n  }"}
	routes := routesOf(t, row{name: "a", version: "1.0.0"}, row{name: "bb", version: "1.0.0"})
	routes.Summaries = ""
	for i, s := range summaries {
		routes.Sizes[i] = len(s)
		routes.Summaries += string(layout.DigestOf([]byte(s)))
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	both := "[\n" + summaries[0] + ",\n" + summaries[1] + "\n]\n"
	for _, c := range []struct {
		rows []int
		body string
		ok   bool
	}{
		{[]int{0, 1}, both, true}, {[]int{1}, "[\n" + summaries[1] + "\n]\n", true}, {nil, "[]", true},
		{[]int{0, 1}, both + "\n", false}, {nil, "[]\n", false}, {nil, "[", false}, {nil, "{}", false},
		{[]int{0, 1}, both[:len(both)-1], false}, {[]int{0}, both, false}, {[]int{1, 0}, both, false},
		{[]int{0, 1}, strings.Replace(both, "bb", "bc", 1), false}, {[]int{0, 1}, strings.Replace(both, ",\n", "\n,", 1), false},
	} {
		if err := table.CheckSearch(answer.Selection{Rows: c.rows}, strings.NewReader(c.body)); (err == nil) != c.ok {
			t.Errorf("%v, %q: %v", c.rows, c.body, err)
		}
	}
	if err := table.CheckSearch(answer.Selection{Rows: []int{0}, Kept: map[int][]int{0: {0}}}, strings.NewReader(both)); err == nil {
		t.Error("entries that are cut were checked")
	}
}

// TestDigest: an answer is named by its summaries and the policy templates that
// they keep, and by nothing else.
func TestDigest(t *testing.T) {
	table := tableOf(t, row{name: "a", version: "1.0.0"}, row{name: "b", version: "1.0.0"}, row{name: "c", version: "1.0.0"})
	fewer := tableOf(t, row{name: "a", version: "1.0.0", kibana: "^8.0.0"}, row{name: "c", version: "1.0.0"})
	if table.Digest(answer.Selection{Rows: []int{0, 2}}) != fewer.Digest(answer.Selection{Rows: []int{0, 1}}) {
		t.Error("the same summaries in another snapshot have another name")
	}
	seen := map[layout.Digest]string{}
	for _, s := range []answer.Selection{
		{Rows: []int{0}}, {Rows: []int{1}}, {Rows: []int{0, 1}}, {Rows: []int{0, 1, 2}},
		{Rows: []int{0}, Kept: map[int][]int{0: {}}}, {Rows: []int{0}, Kept: map[int][]int{0: {0}}}, {Rows: []int{0}, Kept: map[int][]int{0: {1}}},
		{Rows: []int{0}, Kept: map[int][]int{0: {0, 1}}}, {Rows: []int{0}, Kept: map[int][]int{0: {11}}}, {Rows: []int{0}, Kept: map[int][]int{0: {1, 1}}},
	} {
		d, text := table.Digest(s), fmt.Sprint(s)
		if other, taken := seen[d]; taken {
			t.Errorf("%s has the name of %s", text, other)
		}
		seen[d] = text
	}
}

// TestExplain: a row is explained exactly when it is not in the answer.
func TestExplain(t *testing.T) {
	table := fuzzTable(t)
	for _, query := range []string{
		"", "prerelease=true", "all=true", "kibana.version=7.17.0", "kibana.version=8.5.0&prerelease=true", "agent.version=8.5.0", "spec.min=3.0&prerelease=true",
		"capabilities=y&prerelease=true", "type=input&prerelease=true", "category=web", "category=nginx", "category=none", "discovery=fields:f", "package=a", "experimental=true", "experimental=true&all=true",
	} {
		q, err := answer.ParseQuery(query, false)
		if err != nil {
			t.Fatal(err)
		}
		shown := table.Select(q).Rows
		for row := range table.Rows() {
			if why := table.Explain(q, row); (why == "") != slices.Contains(shown, row) {
				t.Errorf("%s: %s-%s: shown %t, explained %q", query, table.Name(row), table.Versions[row], slices.Contains(shown, row), why)
			}
		}
	}
}

// TestWhyARowIsLeftOut: the explanation is the first reason, which shows a person what to change.
func TestWhyARowIsLeftOut(t *testing.T) {
	table := tableOf(t,
		row{name: "all", version: "1.0.0", kind: "input", kibana: "^8.0.0", agent: "^9.1.0", spec: layout.Spec{Major: 2, Minor: 3}, capabilities: []string{"x", "y"}, discovery: layout.Discovery{Fields: []string{"f"}}},
		row{name: "early", version: "1.0.0-rc.1"}, row{name: "early", version: "1.0.0-rc.2"},
		row{name: "lab", version: "1.0.0", flags: layout.Experimental}, row{name: "lab", version: "1.0.1", flags: layout.Experimental},
		row{name: "mixed", version: "0.9.0"}, row{name: "mixed", version: "1.0.0"}, row{name: "mixed", version: "2.0.0-rc.1"},
		row{name: "zero", version: "0.1.0"}, row{name: "zero", version: "0.2.0-rc.1"},
	)
	const pre = "it is a pre-release or experimental, and prerelease is not true"
	for _, c := range []struct {
		query string
		row   int
		want  string
	}{
		{"", 0, ""}, {"package=early", 0, "another package"}, {"type=content", 0, "its type is input"}, {"kibana.version=9.0.0", 0, "it accepts Kibana 8.0.0 to before 9.0.0, not 9.0.0"},
		{"agent.version=8.0.0", 0, "it accepts agents "}, {"spec.min=2.4", 0, "its spec version 2.3 is out of bounds"}, {"spec.max=2.2", 0, "its spec version 2.3 is out of bounds"},
		{"capabilities=x", 0, "it requires the capabilities x, y"}, {"discovery=fields:g", 0, "its discovery fields and datasets do not match"}, {"category=web", 0, `neither the package nor a policy template has category "web"`},
		{"", 1, pre}, {"", 2, pre}, {"", 3, pre}, {"", 4, pre}, {"prerelease=true", 1, "version 1.0.0-rc.2 is newer"}, {"prerelease=true", 2, ""}, {"prerelease=true", 3, "version 1.0.1 is newer"},
		{"experimental=true", 1, "version 1.0.0-rc.2 is newer"}, {"experimental=true", 2, ""}, {"experimental=true", 3, "version 1.0.1 is newer"},
		{"", 5, "version 1.0.0 is newer"}, {"prerelease=true", 6, "version 2.0.0-rc.1 is newer"}, {"experimental=true", 5, "version 1.0.0 is newer"}, {"experimental=true", 7, "a released version beats a pre-release"},
		{"experimental=true&all=true", 5, "a version that is neither a pre-release nor 0.x displaces those that are"}, {"experimental=true&all=true", 7, "a version that is neither a pre-release nor 0.x displaces those that are"},
		{"experimental=true&all=true", 6, ""}, {"experimental=true&all=true", 8, ""}, {"experimental=true&all=true", 9, ""}, {"experimental=true", 9, "a released version beats a pre-release"}, {"experimental=true", 8, ""},
		{"prerelease=true&all=true", 5, ""}, {"all=true", 7, pre},
	} {
		q, err := answer.ParseQuery(c.query, false)
		if err != nil {
			t.Fatal(err)
		}
		got := table.Explain(q, c.row)
		if c.want == "it accepts agents " && strings.HasPrefix(got, c.want) && strings.HasSuffix(got, ", not 8.0.0") {
			continue
		}
		if got != c.want {
			t.Errorf("%s: %s-%s: %q, want %q", c.query, table.Name(c.row), table.Versions[c.row], got, c.want)
		}
	}
}
