//go:build thorough

package main

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestExported fails for an exported name that only its own package uses, its
// tests included: a type, function, method, constant or variable (not a field).
// These count as used elsewhere:
//   - what another package names, or an Example of its own package shows;
//   - a type that belongs to such a name: of a parameter, result or field;
//   - a constant or variable whose group has one that is used: an enumeration, or
//     a table of tools, is one thing;
//   - a method that some interface asks for, or a template of the package calls.
func TestExported(t *testing.T) {
	c := newChecker(t)
	for _, p := range c.own {
		c.check(t, p)
	}
	c.nested(t, filepath.Join("..", "regsnap-spec"))
	c.spread()
	for _, name := range c.unused() {
		t.Errorf("%s: only its own package uses it", name)
	}
	packages := map[string]int{}
	for _, o := range c.declared {
		packages[o.Pkg().Path()]++
	}
	for _, path := range slices.Sorted(maps.Keys(packages)) {
		t.Logf("%4d exported names: %s", packages[path], strings.TrimPrefix(path, module))
	}
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Export            string
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// checker reads the module's packages with their types.
type checker struct {
	fset *token.FileSet
	own  []*listed
	// plain are the packages without their tests, by path.
	plain   map[string]*types.Package
	sources map[string]*listed
	gc      types.Importer
	// declared are the exported names by where they are declared: a package has
	// other objects for them when it is read with its tests.
	declared map[string]types.Object
	used     map[string]bool
	// groups are the constants and variables that are declared together.
	groups [][]string
	// interfaces by the names of their methods.
	interfaces map[string][]*types.Interface
	// templates are the texts that lie in a package's folder.
	templates map[string]string
}

func goList(t *testing.T, args ...string) []*listed {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", append([]string{"list", "-tags", "bench,conformance"}, args...)...)
	cmd.Dir = filepath.Join("..", "..")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var list []*listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, &p)
	}
}

func newChecker(t *testing.T) *checker {
	c := &checker{
		fset: token.NewFileSet(), plain: map[string]*types.Package{}, sources: map[string]*listed{},
		declared: map[string]types.Object{}, used: map[string]bool{},
		interfaces: map[string][]*types.Interface{}, templates: map[string]string{},
	}
	c.own = goList(t, "-json=ImportPath,Dir,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	for _, p := range c.own {
		c.sources[p.ImportPath] = p
	}
	var others []string
	for _, p := range goList(t, "-deps", "-test", "-json=ImportPath", "./...") {
		if !strings.HasPrefix(p.ImportPath+"/", module) && !strings.Contains(p.ImportPath, " ") && !strings.HasSuffix(p.ImportPath, ".test") {
			others = append(others, p.ImportPath)
		}
	}
	exports := map[string]string{}
	for _, p := range goList(t, append([]string{"-export", "-json=ImportPath,Export"}, others...)...) {
		exports[p.ImportPath] = p.Export
	}
	c.gc = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	return c
}

// Import finds a package without its tests.
func (c *checker) Import(path string) (*types.Package, error) {
	p, ours := c.sources[path]
	if !ours {
		return c.gc.Import(path)
	}
	if c.plain[path] == nil {
		files, err := c.parse(p, p.GoFiles)
		if err != nil {
			return nil, err
		}
		c.plain[path] = c.read(path, files, c)
		c.declare(c.plain[path], files)
	}
	return c.plain[path], nil
}

func (c *checker) parse(p *listed, names ...[]string) ([]*ast.File, error) {
	var files []*ast.File
	for _, name := range slices.Concat(names...) {
		f, err := parser.ParseFile(c.fset, filepath.Join(p.Dir, name), nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// read notes what the files use of other packages.
func (c *checker) read(path string, files []*ast.File, from types.Importer) *types.Package {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	// Tests see a package once with its tests and once, through others, without:
	// what follows from that is no error of theirs. The compiler finds real ones.
	config := types.Config{Importer: from, Error: func(error) {}, FakeImportC: true}
	p, _ := config.Check(path, c.fset, files, info)
	for id, o := range info.Uses {
		if o.Pkg() != nil && o.Exported() && (o.Pkg().Path() != strings.TrimSuffix(path, "_test") || c.inExample(files, id.Pos())) {
			c.used[c.place(o)] = true
		}
	}
	for _, tv := range info.Types {
		c.noteInterface(tv.Type)
	}
	return p
}

// inExample reports whether a position lies in a runnable example.
func (c *checker) inExample(files []*ast.File, at token.Pos) bool {
	if !strings.HasSuffix(c.fset.Position(at).Filename, "_test.go") {
		return false
	}
	for _, f := range files {
		if at < f.Pos() || at > f.End() {
			continue
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && d.Pos() <= at && at <= d.End() {
				return fn.Recv == nil && strings.HasPrefix(fn.Name.Name, "Example")
			}
		}
	}
	return false
}

func (c *checker) place(o types.Object) string {
	if f, ok := o.(*types.Func); ok {
		o = f.Origin()
	}
	return c.fset.Position(o.Pos()).String()
}

// declare notes the exported names of a package.
func (c *checker) declare(p *types.Package, files []*ast.File) {
	note := func(o types.Object) {
		if o.Exported() && p.Name() != "main" {
			c.declared[c.place(o)] = o
		}
	}
	for _, name := range p.Scope().Names() {
		o := p.Scope().Lookup(name)
		note(o)
		if named, ok := o.Type().(*types.Named); ok && isType(o) {
			for m := range named.Methods() {
				if o.Exported() {
					note(m)
				}
			}
		}
	}
	for _, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST && g.Tok != token.VAR {
				continue
			}
			var group []string
			for _, s := range g.Specs {
				for _, id := range s.(*ast.ValueSpec).Names {
					group = append(group, c.fset.Position(id.Pos()).String())
				}
			}
			c.groups = append(c.groups, group)
		}
	}
}

// isType reports whether a name is that of a type of its own.
func isType(o types.Object) bool {
	n, ok := o.(*types.TypeName)
	return ok && !n.IsAlias()
}

func (c *checker) noteInterface(t types.Type) {
	i, ok := types.Unalias(t).Underlying().(*types.Interface)
	if !ok {
		return
	}
	for m := range i.Methods() {
		if !slices.Contains(c.interfaces[m.Name()], i) {
			c.interfaces[m.Name()] = append(c.interfaces[m.Name()], i)
		}
	}
}

// check reads a package with its tests.
func (c *checker) check(t *testing.T, p *listed) {
	if _, err := c.Import(p.ImportPath); err != nil {
		t.Fatal(err)
	}
	whole, err := c.parse(p, p.GoFiles, p.TestGoFiles)
	if err != nil {
		t.Fatal(err)
	}
	outside, err := c.parse(p, p.XTestGoFiles)
	if err != nil {
		t.Fatal(err)
	}
	with := c.read(p.ImportPath, whole, c)
	if len(outside) > 0 {
		c.read(p.ImportPath+"_test", outside, variant{c, p.ImportPath, with})
	}
	for _, pattern := range []string{"*.html", "*/*.html", "*.tmpl", "*/*.tmpl"} {
		names, _ := filepath.Glob(filepath.Join(p.Dir, pattern)) // no pattern is malformed
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c.templates[p.ImportPath] += string(text)
		}
	}
}

// variant imports one package as its tests see it.
type variant struct {
	*checker
	path string
	with *types.Package
}

func (v variant) Import(path string) (*types.Package, error) {
	if path == v.path {
		return v.with, nil
	}
	return v.checker.Import(path)
}

// nested counts what a module in a folder names, by its spelling alone: its
// dependencies may not be at hand.
func (c *checker) nested(t *testing.T, dir string) {
	names := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files: %v", dir, err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(c.fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				names[s.Sel.Name] = true
			}
			return true
		})
	}
	for at, o := range c.declared {
		if names[o.Name()] && strings.HasPrefix(o.Pkg().Path(), module+"index") {
			c.used[at] = true
		}
	}
}

// spread counts as used what belongs to what is used.
func (c *checker) spread() {
	for _, group := range c.groups {
		if slices.ContainsFunc(group, func(at string) bool { return c.used[at] }) {
			for _, at := range group {
				c.used[at] = true
			}
		}
	}
	seen := map[types.Type]bool{}
	var visit func(types.Type)
	visit = func(t types.Type) {
		if t == nil || seen[t] {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Alias:
			c.used[c.place(t.Obj())] = true
			visit(t.Rhs())
		case *types.Named:
			c.used[c.place(t.Obj())] = true
			for arg := range t.TypeArgs().Types() {
				visit(arg)
			}
			visit(t.Underlying())
		case *types.Signature:
			visit(t.Params())
			visit(t.Results())
		case *types.Tuple:
			for v := range t.Variables() {
				visit(v.Type())
			}
		case *types.Struct:
			for f := range t.Fields() {
				if f.Exported() {
					visit(f.Type())
				}
			}
		case *types.Interface:
			for m := range t.Methods() {
				visit(m.Type())
			}
		case *types.Map:
			visit(t.Key())
			visit(t.Elem())
		case interface{ Elem() types.Type }:
			visit(t.Elem())
		}
	}
	for at, o := range c.declared {
		if c.used[at] {
			visit(o.Type())
		}
	}
}

// unused lists the names that are left.
func (c *checker) unused() []string {
	seen := map[*types.Package]bool{}
	var scan func(*types.Package)
	scan = func(p *types.Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, name := range p.Scope().Names() {
			if o, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
				c.noteInterface(o.Type())
			}
		}
		for _, i := range p.Imports() {
			scan(i)
		}
	}
	for _, p := range c.plain {
		scan(p)
	}
	c.noteInterface(types.Universe.Lookup("error").Type())
	var out []string
	for at, o := range c.declared {
		if f, ok := o.(*types.Func); c.used[at] || ok && c.required(f) {
			continue
		}
		name := o.Name()
		if f, ok := o.(*types.Func); ok && f.Signature().Recv() != nil {
			name = types.TypeString(f.Signature().Recv().Type(), func(*types.Package) string { return "" }) + "." + name
		}
		out = append(out, strings.TrimPrefix(o.Pkg().Path(), module)+"."+strings.TrimPrefix(name, "*")+" at "+filepath.Base(at))
	}
	slices.Sort(out)
	return out
}

// required reports whether something else than Go code of ours calls a method:
// through an interface, by reflection, or from a template.
func (c *checker) required(f *types.Func) bool {
	recv := f.Signature().Recv()
	if recv == nil {
		return false
	}
	switch f.Name() {
	case "Unwrap", "Is", "As": // package errors asks for them without naming an interface
		return true
	}
	if strings.Contains(c.templates[f.Pkg().Path()], "."+f.Name()) {
		return true
	}
	t := recv.Type()
	if _, pointer := t.(*types.Pointer); !pointer {
		t = types.NewPointer(t)
	}
	return slices.ContainsFunc(c.interfaces[f.Name()], func(i *types.Interface) bool { return types.Implements(t, i) })
}
