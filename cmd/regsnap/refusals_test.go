package main

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/build/sign"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/index/searchindex"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/publish/spans"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve/check"
	"github.com/regsnap/regsnap/serve/export"
)

// asUsage stands for an error that commands turn into exit code 2: what was asked
// for is wrong, and the command says which flag or argument.
const asUsage = -1

// refusals are the reasons that packages give for an error, with the program's exit
// code. docs/commands.md says what each code means.
var refusals = map[string]struct {
	err  error
	code int
}{
	"build.ErrInvalid":        {build.ErrInvalid, 3},
	"promote.ErrRefused":      {promote.ErrRefused, 3},
	"upstream.ErrUnsigned":    {upstream.ErrUnsigned, 3},
	"publish.ErrOlder":        {publish.ErrOlder, 4},
	"image.ErrOlder":          {image.ErrOlder, 4},
	"publish.ErrPruned":       {publish.ErrPruned, 5},
	"store.ErrConflict":       {store.ErrConflict, 5},
	"promote.ErrConflict":     {promote.ErrConflict, 5},
	"publish.ErrBusy":         {publish.ErrBusy, 6},
	"layout.ErrDamaged":       {layout.ErrDamaged, 7},
	"publish.ErrHook":         {publish.ErrHook, 8},
	"publish.ErrDiverged":     {publish.ErrDiverged, 10},
	"publish.ErrUnordered":    {publish.ErrUnordered, 11},
	"layout.ErrNewer":         {layout.ErrNewer, 12},
	"layout.ErrOutdated":      {layout.ErrOutdated, 12},
	"check.ErrOptions":        {check.ErrOptions, asUsage},
	"export.ErrNoExport":      {export.ErrNoExport, asUsage},
	"export.ErrPath":          {export.ErrPath, asUsage},
	"image.ErrNotLayout":      {image.ErrNotLayout, asUsage},
	"image.ErrProgram":        {image.ErrProgram, asUsage},
	"index.ErrEmptyBranch":    {index.ErrEmptyBranch, asUsage},
	"index.ErrNoBranch":       {index.ErrNoBranch, asUsage},
	"lint.ErrNoCommon":        {lint.ErrNoCommon, asUsage},
	"promote.ErrCheckedOut":   {promote.ErrCheckedOut, asUsage},
	"promote.ErrFile":         {promote.ErrFile, asUsage},
	"promote.ErrNotThere":     {promote.ErrNotThere, asUsage},
	"publish.ErrAmbiguous":    {publish.ErrAmbiguous, asUsage},
	"publish.ErrNotName":      {publish.ErrNotName, asUsage},
	"publish.ErrNoTag":        {publish.ErrNoTag, asUsage},
	"publish.ErrTagTaken":     {publish.ErrTagTaken, asUsage},
	"sign.ErrPassphrase":      {sign.ErrPassphrase, asUsage},
	"store.ErrURL":            {store.ErrURL, asUsage},
	"upstream.ErrURL":         {upstream.ErrURL, asUsage},
	"git.ErrBadObject":        {git.ErrBadObject, 1},
	"git.ErrChanged":          {git.ErrChanged, 1},
	"index.ErrNoObject":       {index.ErrNoObject, 1},
	"pack.ErrSource":          {pack.ErrSource, 1},
	"publish.ErrNoSnapshot":   {publish.ErrNoSnapshot, 1},
	"publish.ErrNothingLive":  {publish.ErrNothingLive, 1},
	"publish.ErrNothingWhole": {publish.ErrNothingWhole, 1},
	"retry.ErrGaveUp":         {retry.ErrGaveUp, 1},
	"searchindex.ErrIndex":    {searchindex.ErrIndex, 1},
	"spans.ErrUnfit":          {spans.ErrUnfit, 1},
	"store.ErrUnsupported":    {store.ErrUnsupported, 1},
}

// TestRefusals: every reason that a package exports has a row, and the exit code of
// its row.
func TestRefusals(t *testing.T) {
	commands := programText(t)
	found := exportedErrors(t)
	for name := range found {
		if _, known := refusals[name]; !known {
			t.Errorf("%s has no row: which exit code does it end the program with?", name)
		}
	}
	for name, r := range refusals {
		if !found[name] {
			t.Errorf("%s is not there any more", name)
		}
		err := fmt.Errorf("what was done: %w", r.err)
		got := exitCode(context.Background(), err)
		if r.code != asUsage {
			if got != r.code {
				t.Errorf("%s ends with %d, want %d", name, got, r.code)
			}
			continue
		}
		if !strings.Contains(commands, name) {
			t.Errorf("no command turns %s into exit code 2", name)
		}
		if got := exitCode(context.Background(), usageError{err}); got != exitUsage {
			t.Errorf("%s as a mistake in the arguments ends with %d", name, got)
		}
	}
}

// programText is the sources of the program, without its tests.
func programText(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(text)
	}
	return b.String()
}

// exportedErrors are the variables Err… that packages make with errors.New or
// fmt.Errorf, as "package.Name".
func exportedErrors(t *testing.T) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	eachFile(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(name, "regsnap-spec") || strings.HasSuffix(filepath.Dir(name), "test") {
			return // no package that only tests use ends the program
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			vars, ok := decl.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				v := spec.(*ast.ValueSpec)
				for i, id := range v.Names {
					if !strings.HasPrefix(id.Name, "Err") || i >= len(v.Values) {
						continue
					}
					if _, made := v.Values[i].(*ast.CallExpr); made { // and not another package's under a second name
						out[file.Name.Name+"."+id.Name] = true
					}
				}
			}
		}
	})
	return out
}
