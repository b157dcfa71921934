package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// unplain are phrases that read as if translated, and what to say instead.
var unplain = map[*regexp.Regexp]string{
	regexp.MustCompile(`(?i)\btells? whether\b`):        "reports whether",
	regexp.MustCompile(`(?i)\bis none\b`):               "there is no …, or is not a …",
	regexp.MustCompile(`(?i)\bsomebody\b`):              "someone, or the actor itself",
	regexp.MustCompile(`(?i)\bwhoever\b`):               "those who, anyone who",
	regexp.MustCompile(`(?i)\bbroken off\b`):            "interrupted",
	regexp.MustCompile(`(?i)\banew\b`):                  "again",
	regexp.MustCompile(`(?i)\bheld against\b`):          "compared with",
	regexp.MustCompile(`(?i)\btake along\b`):            "copy, portable",
	regexp.MustCompile(`(?i)\b(encoded|gzip) twins?\b`): "gzip variant",
}

// unplainComment are those of them that no comment has either.
var unplainComment = regexp.MustCompile(`(?i)\b(tells? whether|somebody|broken off)\b`)

// TestPlainEnglish: no manual, no message and no comment has these phrases.
func TestPlainEnglish(t *testing.T) {
	texts := 0
	eachFile(t, func(name string) {
		switch {
		case strings.HasSuffix(name, ".md"):
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				texts++
				checkPlain(t, name, i+1, line)
			}
		case strings.HasSuffix(name, ".go"):
			checkComments(t, name)
			if strings.HasSuffix(name, "_test.go") {
				return
			}
			for line, text := range literals(t, name) {
				texts++
				checkPlain(t, name, line, text)
			}
		}
	})
	if texts < 5000 {
		t.Errorf("only %d texts were read", texts)
	}
}

// eachFile visits the files of the repository, but not what is hidden, installed or
// made.
func eachFile(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir("../..", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := d.Name(); d.IsDir() && name != "../.." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "dist") {
			return fs.SkipDir
		}
		if !d.IsDir() {
			visit(name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func checkPlain(t *testing.T, name string, line int, text string) {
	t.Helper()
	for phrase, better := range unplain {
		if found := phrase.FindString(text); found != "" {
			t.Errorf("%s:%d says %q: say %q", name, line, found, better)
		}
	}
}

func checkComments(t *testing.T, name string) {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range f.Comments {
		if found := unplainComment.FindString(group.Text()); found != "" {
			t.Errorf("%s says %q in a comment", files.Position(group.Pos()), found)
		}
	}
}

// literals are the strings of a Go file, by line.
func literals(t *testing.T, name string) map[int]string {
	t.Helper()
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	out := map[int]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.BasicLit); ok && s.Kind == token.STRING {
			if text, err := strconv.Unquote(s.Value); err == nil {
				out[files.Position(s.Pos()).Line] += text + "\n"
			}
		}
		return true
	})
	return out
}
