package main

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestBoundaries holds the folders to who may know whom: data goes one way.
func TestBoundaries(t *testing.T) {
	const module = "github.com/regsnap/regsnap/"
	for folder, may := range map[string][]string{
		"layout":   {},
		"index":    {},
		"build":    {"index", "layout"},
		"publish":  {"layout"},
		"serve":    {"layout"},
		"edge":     {},
		"check":    {"layout", "serve"},
		"lint":     {"index"},
		"promote":  {"index", "lint"},
		"sign":     {},
		"upstream": {"index", "layout"},
		"carry":    {"build", "layout", "publish"},
		"export":   {"build", "carry", "edge", "internal/folderlock", "layout", "publish"},
		"pack":     {"layout"},
		"image":    {"build", "carry", "internal/commit", "internal/folderlock", "layout", "pack", "publish"},
	} {
		for _, path := range imports(t, folder) {
			if other, ours := strings.CutPrefix(path, module); ours && !slices.Contains(may, other) {
				t.Errorf("%s imports %s; it may only import %v", folder, other, may)
			}
		}
	}
}

// TestLayoutIsPure keeps I/O, time-keeping and concurrency out of the contract
// that every edge shares.
func TestLayoutIsPure(t *testing.T) {
	for _, path := range imports(t, "layout") {
		switch path {
		case "os", "net", "io/fs", "os/exec", "syscall", "context", "math/rand", "math/rand/v2", "log", "log/slog":
			t.Errorf("layout imports %s", path)
		}
	}
}

// imports lists what the files of a folder import, without those of its tests.
func imports(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files in %s: %v", folder, err)
	}
	var out []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, path)
		}
	}
	return out
}
