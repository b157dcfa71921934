package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/regsnap/regsnap/"

// ladder is the order of the rooms, the lowest first. A room knows those below
// it and nothing above: data goes one way.
var ladder = []string{"layout", "index", "build", "publish", "serve", "cmd"}

// narrower says of packages what they may import of ours, where that is less
// than the ladder allows. A package that is not named may import what lies in
// its own room or below.
var narrower = map[string][]string{
	"layout":            {},
	"layout/answer":     {"layout"},
	"index":             {},
	"index/git":         {"index", "internal/redact"},
	"index/parse":       {"index", "index/git"},
	"build/sign":        {},
	"publish":           {"internal/retry", "layout", "layout/answer", "publish/spans", "publish/store"},
	"publish/store":     {"internal/durable", "internal/folderlock", "internal/retry", "layout"},
	"publish/pack":      {"internal/durable", "layout", "layout/answer"},
	"publish/spans":     {"layout"},
	"serve":             {"layout", "layout/answer"},
	"serve/edge":        {},
	"index/lint":        {"index", "index/git", "index/parse"},
	"index/searchindex": {},
	"index/upstream":    {"index", "index/git", "index/parse", "index/searchindex", "internal/durable", "internal/folderlock", "internal/redact", "internal/retry", "internal/suggest", "layout", "layout/answer"},
}

// TestBoundaries holds every folder to the ladder.
func TestBoundaries(t *testing.T) {
	found := imports(t)
	for folder := range narrower {
		if found[folder] == nil {
			t.Errorf("%s has no Go files", folder)
		}
	}
	for folder, paths := range found {
		room, _, _ := strings.Cut(folder, "/")
		level := slices.Index(ladder, room)
		// docs may hold files for programs to embed; it imports nothing of ours.
		if level < 0 && room != "internal" && room != "docs" {
			t.Errorf("%s is in no room: want one of %v, internal or docs", folder, ladder)
			continue
		}
		for _, p := range paths {
			other, ours := strings.CutPrefix(p, module)
			if !ours {
				continue
			}
			above, _, _ := strings.Cut(other, "/")
			if slices.Index(ladder, above) > level {
				t.Errorf("%s imports %s, which is above it", folder, other)
			}
			if may, named := narrower[folder]; named && !slices.Contains(may, other) {
				t.Errorf("%s imports %s; it may only import %v", folder, other, may)
			}
		}
	}
}

// TestLayoutIsPure keeps I/O, time-keeping and concurrency out of the contract
// that every edge shares.
func TestLayoutIsPure(t *testing.T) {
	found := imports(t)
	for _, folder := range []string{"layout", "layout/answer"} {
		for _, p := range found[folder] {
			switch p {
			case "os", "net", "io/fs", "os/exec", "syscall", "context", "math/rand", "math/rand/v2", "log", "log/slog":
				t.Errorf("%s imports %s", folder, p)
			}
		}
	}
}

// imports lists what the files of each folder import, without those of tests and
// of the packages that only tests use.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if name != root && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "regsnap-spec" || strings.HasSuffix(base, "test")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		folder := path.Clean(filepath.ToSlash(rel))
		out[folder] = append(out[folder], "")
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			out[folder] = append(out[folder], p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
