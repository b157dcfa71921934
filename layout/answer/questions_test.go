package answer_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// questionsTable has rows that every parameter tells apart.
func questionsTable(t *testing.T) *answer.Table {
	return tableOf(t,
		row{name: "apm", version: "1.0.0", kibana: "^7.0.0", spec: layout.Spec{Major: 1}},
		row{name: "apm", version: "2.0.0", kibana: "^8.0.0", spec: layout.Spec{Major: 2, Minor: 3}, categories: []string{"web"}},
		row{name: "apm", version: "2.1.0-rc1", kibana: "^8.4.0", spec: layout.Spec{Major: 3}},
		row{name: "db", version: "1.0.0", agent: "^8.2.0", capabilities: []string{"a", "b"}, kind: "input", spec: layout.Spec{Major: 2},
			discovery: layout.Discovery{Fields: []string{"x", "y"}, Datasets: []string{"l", "m"}}},
		row{name: "lab", version: "0.1.0", spec: layout.Spec{Major: 1}},
		row{name: "lab", version: "1.2.0", kibana: ">=8.1.0", spec: layout.Spec{Major: 1}},
		row{name: "test", version: "1.0.0", flags: layout.Experimental, spec: layout.Spec{Major: 1}},
	)
}

// answerOf names the answer to a request.
func answerOf(t *testing.T, table *answer.Table, target string) layout.Digest {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	a := table.Answer(http.MethodGet, u)
	if a.Status != http.StatusOK {
		t.Fatalf("%s: %d %s", target, a.Status, a.Body)
	}
	if a.Kind == answer.Direct {
		return layout.DigestOf(a.Body)
	}
	return a.Digest
}

// TestQuestions asks everything that can be combined of a few values of each
// parameter, and finds every answer among those of the questions; most have one
// of their own.
func TestQuestions(t *testing.T) {
	table := questionsTable(t)
	asked := slices.Collect(table.Questions)
	answers := map[layout.Digest]string{}
	for i, target := range asked {
		if slices.Contains(asked[:i], target) {
			t.Errorf("%s is asked twice", target)
		}
		answers[answerOf(t, table, target)] = target
	}
	if len(answers) < len(asked)*2/3 {
		t.Errorf("%d questions have %d answers", len(asked), len(answers))
	}
	for _, parameter := range []string{"kibana.version", "spec.min", "spec.max", "capabilities", "type", "agent.version", "discovery=fields", "discovery=datasets", "package", "all", "experimental", "category"} {
		if !slices.ContainsFunc(asked, func(target string) bool { return strings.Contains(target, parameter) }) {
			t.Errorf("%s is not in any question", parameter)
		}
	}
	queries := []string{""}
	for _, parameter := range [][]string{
		{"", "prerelease=true", "experimental=true"}, {"", "all=true"}, {"", "package=apm", "package=db", "package=lab"}, {"", "type=input", "type=integration"},
		{"", "kibana.version=7.17.0", "kibana.version=8.0.5", "kibana.version=8.3.0", "kibana.version=9.1.0"},
		{"", "spec.min=1.5", "spec.max=1.9", "spec.min=2.0&spec.max=2.9"}, {"", "capabilities=a", "capabilities=a,b", "capabilities=none"},
	} {
		var next []string
		for _, q := range queries {
			for _, p := range parameter {
				next = append(next, strings.Trim(q+"&"+p, "&"))
			}
		}
		queries = next
	}
	queries = append(queries, "prerelease=true&agent.version=8.1.0", "prerelease=true&agent.version=8.9.0", "prerelease=true&discovery=fields:x,y", "prerelease=true&discovery=datasets:l,m")
	for _, q := range queries {
		targets := []string{"/search?" + q}
		if !strings.Contains(q, "package=") && !strings.Contains(q, "type=") && !strings.Contains(q, "all=") {
			targets = append(targets, "/categories?"+q, "/categories?include_policy_templates=true&"+q)
		}
		for _, target := range targets {
			if _, ok := answers[answerOf(t, table, target)]; !ok {
				t.Errorf("%s has an answer that no question has", target)
			}
		}
	}
	if len(asked) < 20 || len(queries) < 1000 {
		t.Errorf("%d questions, %d queries", len(asked), len(queries))
	}
	if again := slices.Collect(table.Questions); !slices.Equal(asked, again) {
		t.Error("the same table has other questions the second time")
	}
}

// TestQuestionsEnd: who wants no more gets no more.
func TestQuestionsEnd(t *testing.T) {
	n := 0
	for range questionsTable(t).Questions {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("%d questions", n)
	}
	empty := slices.Collect(tableOf(t).Questions)
	// All of a registry without packages is "no packages" and "no categories".
	if want := []string{"/search?prerelease=true", "/search?experimental=true", "/categories?prerelease=true"}; !slices.Equal(empty, want) {
		t.Errorf("no packages: %q, want %q", empty, want)
	}
}
