package index_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// ruleConstants are the values of the constants of type Rule, by the source.
func ruleConstants(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var rules []string
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "Rule" && len(spec.Values) == 1 {
				id, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				rules = append(rules, id)
			}
			return true
		})
	}
	slices.Sort(rules)
	return rules
}

// docs/rules.md explains every rule, and no other: a heading, what it means, an
// example that ends with the rule's id, and how to mend it.
func TestRulesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	for section := range strings.SplitSeq(string(text), "\n### ") {
		section, _, _ = strings.Cut(section, "\n## ")
		id, body, _ := strings.Cut(section, "\n")
		if strings.HasPrefix(id, "# ") {
			continue // what stands before the first rule
		}
		documented = append(documented, id)
		part := strings.Split(body, "```")
		if len(part) != 3 || !strings.HasSuffix(part[1], "["+id+"]\n") || len(strings.TrimSpace(part[0])) < 10 || len(strings.TrimSpace(part[2])) < 5 {
			t.Errorf("docs/rules.md: %s: want the meaning, an example that ends with [%s], and how to mend it", id, id)
		}
	}
	slices.Sort(documented)
	rules := ruleConstants(t)
	if len(rules) < 40 {
		t.Fatalf("only %d rules found in the source: %q", len(rules), rules)
	}
	for _, id := range rules {
		if !slices.Contains(documented, id) {
			t.Errorf("docs/rules.md does not explain %s", id)
		}
	}
	for i, id := range documented {
		if !slices.Contains(rules, id) || i > 0 && documented[i-1] == id {
			t.Errorf("docs/rules.md explains %s, which is no rule, or does so twice", id)
		}
	}
}
