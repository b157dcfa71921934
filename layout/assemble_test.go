package layout_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestAssemble writes responses out of summaries, and finds each summary again
// at its place in the catalog.
func TestAssemble(t *testing.T) {
	summaries := [][]byte{[]byte("  {\n    \"name\": \"a\"\n  }"), []byte("  {\n    \"name\": \"bb\"\n  }"), []byte("  {\n    \"name\": \"c\"\n  }")}
	routes := routesOf(t, row{name: "a", version: "1.0.0"}, row{name: "bb", version: "1.0.0"}, row{name: "c", version: "1.0.0"})
	for i, s := range summaries {
		routes.Sizes[i] = len(s)
	}
	table, err := layout.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	summary := func(row int) []byte { return summaries[row] }
	catalog := table.Assemble(layout.Selection{Rows: []int{0, 1, 2}}, summary)
	const want = "[\n  {\n    \"name\": \"a\"\n  },\n  {\n    \"name\": \"bb\"\n  },\n  {\n    \"name\": \"c\"\n  }\n]\n"
	if string(catalog) != want || table.CatalogSize() != int64(len(want)) {
		t.Errorf("%q of %d bytes, want %q", catalog, table.CatalogSize(), want)
	}
	for row := range summaries {
		if offset, size := table.Span(row); string(catalog[offset:offset+size]) != string(summaries[row]) {
			t.Errorf("row %d: at %d there is %q", row, offset, catalog[offset:offset+size])
		}
	}
	if got := string(table.Assemble(layout.Selection{Rows: []int{1}}, summary)); got != "[\n  {\n    \"name\": \"bb\"\n  }\n]\n" {
		t.Errorf("one row: %q", got)
	}
	if got := string(table.Assemble(layout.Selection{}, summary)); got != "[]" {
		t.Errorf("no row: %q", got)
	}
	if got := tableOf(t).CatalogSize(); got != 2 {
		t.Errorf("the catalog of no rows has %d bytes", got)
	}
}

// TestDigest: an answer is named by its summaries and the policy templates that
// they keep, and by nothing else.
func TestDigest(t *testing.T) {
	table := tableOf(t, row{name: "a", version: "1.0.0"}, row{name: "b", version: "1.0.0"}, row{name: "c", version: "1.0.0"})
	fewer := tableOf(t, row{name: "a", version: "1.0.0", kibana: "^8.0.0"}, row{name: "c", version: "1.0.0"})
	if table.Digest(layout.Selection{Rows: []int{0, 2}}) != fewer.Digest(layout.Selection{Rows: []int{0, 1}}) {
		t.Error("the same summaries in another snapshot have another name")
	}
	seen := map[layout.Digest]string{}
	for _, s := range []layout.Selection{
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
		q, err := layout.ParseQuery(query, false)
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
