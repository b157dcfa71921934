package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// verb is what fmt replaces in a text.
var verb = regexp.MustCompile(`%(\[\d+\])?[-+# 0-9.*]*[a-zA-Z%]`)

// TestMistakesAreTested: every text in which a command says that it was called wrongly is
// looked for by a script or a test. Texts that only pass another on have no words of their own.
func TestMistakesAreTested(t *testing.T) {
	var looked strings.Builder
	for _, pattern := range []string{"*_test.go", "testdata/script/*.txtar"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			looked.WriteString(strings.ReplaceAll(string(text), `\`, "")) // of patterns
		}
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if f, ok := call.Fun.(*ast.Ident); !ok || f.Name != "usagef" {
				return true
			}
			text, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			format, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if words := verb.Split(format, -1); !saysAny(looked.String(), words) {
				t.Errorf("%s: no script and no test looks for %q", fset.Position(call.Pos()), format)
			}
			return true
		})
	}
	if found < 100 {
		t.Errorf("%d texts were found", found)
	}
}

// window is how many bytes of a text must be looked for.
const window = 14

// saysAny reports whether a part of one of the words is in a text, or none is long enough.
func saysAny(text string, words []string) bool {
	long := false
	for _, w := range words {
		for i := 0; i+window <= len(w); i++ {
			if long = true; strings.Contains(text, w[i:i+window]) {
				return true
			}
		}
	}
	return !long
}
