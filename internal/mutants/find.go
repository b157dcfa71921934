package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// mutant is one small fault.
type mutant struct {
	id   int // from 1
	file string
	line int
	name string // says what it is, and stays the same when lines move; see marks.go
	// edits put it into the source, beside the others.
	edits []edit
}

// edit inserts a text at an offset, in place of length bytes.
type edit struct {
	at, length int
	text       string
	closes     bool // belongs to what ends here, so it goes before what begins here
}

// finder collects the mutants of a file.
type finder struct {
	fset    *token.FileSet
	file    string
	source  []byte
	fn      *ast.FuncType // the innermost one
	in      string        // the name of the declared one
	mutants []mutant
}

// find returns the mutants of a file. Each keeps the file valid together with
// all others, but for types: it does not know them.
func find(name string, source []byte) ([]mutant, error) {
	f := &finder{fset: token.NewFileSet(), file: name, source: source}
	file, err := parser.ParseFile(f.fset, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
			f.in = fn.Name.Name
			f.function(fn.Type, fn.Body)
		}
	}
	return f.mutants, nil
}

func (f *finder) function(kind *ast.FuncType, body *ast.BlockStmt) {
	outer := f.fn
	f.fn = kind
	ast.Inspect(body, f.visit)
	f.fn = outer
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncLit:
		f.function(n.Type, n.Body)
		return false
	case *ast.GenDecl:
		return n.Tok == token.VAR // constants and types cannot depend on what runs
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.CommClause:
		f.statements(n.Body)
	case *ast.IfStmt:
		f.condition(n.Cond)
	case *ast.BinaryExpr:
		f.binary(n)
	case *ast.ReturnStmt:
		f.returned(n)
	}
	return true
}

// add adds a mutant; %d in the edits is its number.
func (f *finder) add(at ast.Node, what string, edits ...edit) {
	text := strings.Join(strings.Fields(f.text(at)), " ")
	if runes := []rune(text); len(runes) > 90 {
		text = string(runes[:89]) + "…"
	}
	f.mutants = append(f.mutants, mutant{
		file: f.file, line: f.fset.Position(at.Pos()).Line, name: fmt.Sprintf("%s: %s: %s: %s", f.file, f.in, what, text), edits: edits,
	})
}

func (f *finder) text(n ast.Node) string { return string(f.source[f.at(n.Pos()):f.at(n.End())]) }

func (f *finder) at(p token.Pos) int { return f.fset.Position(p).Offset }

// around puts texts before and behind a node.
func (f *finder) around(n ast.Node, before, behind string) []edit {
	return []edit{{at: f.at(n.Pos()), text: before}, {at: f.at(n.End()), text: behind, closes: true}}
}

// condition turns one round that is no comparison: those have mutants of their own.
func (f *finder) condition(e ast.Expr) {
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && b.Op != token.LAND && b.Op != token.LOR {
		return
	}
	f.add(e, "turned round", f.around(e, "mutant(%d) != (", ")")...)
}

var ordered = map[token.Token]string{token.LSS: "Less", token.LEQ: "AtMost", token.GTR: "More", token.GEQ: "AtLeast"}

func (f *finder) binary(b *ast.BinaryExpr) {
	switch name, isOrdered := ordered[b.Op]; {
	case isOrdered:
		op := edit{at: f.at(b.OpPos), length: len(b.Op.String()), text: ","}
		f.add(b, "one more or less", append(f.around(b, "mutant"+name+"(%d, ", ")"), op)...)
	case (b.Op == token.EQL || b.Op == token.NEQ) && !isErr(b.X):
		f.add(b, "turned round", f.around(b, "(mutant(%d) != (", "))")...)
	case b.Op == token.LAND:
		f.add(b.X, "always true", f.around(b.X, "(mutant(%d) || (", "))")...)
		f.add(b.Y, "always true", f.around(b.Y, "(mutant(%d) || (", "))")...)
	case b.Op == token.LOR:
		f.add(b.X, "never true", f.around(b.X, "(!mutant(%d) && (", "))")...)
		f.add(b.Y, "never true", f.around(b.Y, "(!mutant(%d) && (", "))")...)
	case b.Op == token.ADD || b.Op == token.SUB:
		if literal, ok := b.Y.(*ast.BasicLit); ok && literal.Kind == token.INT {
			f.add(b, "one larger", f.around(literal, "mutantLarger(%d, ", ")")...)
		}
	}
}

// isErr reports whether an expression is an error by its name: whether there is
// one is tried where it is returned.
func isErr(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return ok && (id.Name == "err" || strings.HasSuffix(id.Name, "Err"))
}

// returned leaves out an error that a function returns.
func (f *finder) returned(r *ast.ReturnStmt) {
	results := f.fn.Results
	if results == nil || len(r.Results) == 0 || len(r.Results) != results.NumFields() {
		return
	}
	if kind, ok := results.List[len(results.List)-1].Type.(*ast.Ident); !ok || kind.Name != "error" {
		return
	}
	last := r.Results[len(r.Results)-1]
	if id, ok := last.(*ast.Ident); ok && id.Name == "nil" {
		return
	}
	f.add(r, "error left out", f.around(last, "mutantNoError(%d, ", ")")...)
}

// statements changes the order of two statements of a block, and leaves some
// out: in this order, because the edits of what is found first go around.
func (f *finder) statements(list []ast.Stmt) {
	for i := 0; i+1 < len(list); i++ {
		a, b := list[i], list[i+1]
		if !movable(a) || !movable(b) {
			continue
		}
		edits := slices.Concat(f.around(a, "for mutantTurn := range 2 { if (mutantTurn == 0) != mutant(%d) { ", " } else {"), f.around(b, "", " } }"))
		f.add(a, "after what follows", edits...)
		i++ // pairs do not overlap
	}
	for _, s := range list {
		if removable(s) {
			f.add(s, "left out", f.around(s, "if !mutant(%d) { ", " }")...)
		}
	}
}

// removable statements declare nothing.
func removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt, *ast.IncDecStmt:
		return true
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.BranchStmt:
		return s.Label == nil && s.Tok != token.FALLTHROUGH
	}
	return false
}

// movable statements call something, and neither declare anything nor leave a loop.
func movable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.ExprStmt:
	case *ast.AssignStmt:
		if s.Tok == token.DEFINE {
			return false
		}
	case *ast.IfStmt:
		if s.Else != nil || len(s.Body.List) != 1 {
			return false
		}
		if _, returns := s.Body.List[0].(*ast.ReturnStmt); !returns {
			return false
		}
	default:
		return false
	}
	calls := false
	ast.Inspect(s, func(n ast.Node) bool {
		_, call := n.(*ast.CallExpr)
		calls = calls || call
		return true
	})
	return calls
}
