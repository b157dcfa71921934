package index

import (
	"cmp"
	"fmt"
	"slices"
)

// Findings are what was found about packages.
type Findings struct {
	// Errors make a build fail; they come with owner and last commit.
	Errors   []Problem `json:"errors"`
	Warnings []Problem `json:"warnings"`
}

// MaxFindings is how many errors, and how many warnings, Error, Fail and Warning keep of one
// package: no reader gets through more, and a hostile one could have as many as it has
// values. One more says that there are others.
const MaxFindings = 1000

// Error adds an error about one package. Its File is relative to the package, and Place
// says whose it is.
func (f *Findings) Error(p Problem) { f.Errors = bounded(f.Errors, p) }

// Fail is Error with a text to be formatted.
func (f *Findings) Fail(file string, rule Rule, format string, args ...any) {
	f.Error(Problem{File: file, Rule: rule, Detail: fmt.Sprintf(format, args...)})
}

// Warning adds a warning about one package, as Error does.
func (f *Findings) Warning(p Problem) { f.Warnings = bounded(f.Warnings, p) }

func bounded(list []Problem, p Problem) []Problem {
	switch {
	case len(list) < MaxFindings:
		p.File = Clip(p.File)
		return append(list, p)
	case len(list) == MaxFindings:
		return append(list, Problem{Rule: p.Rule, Detail: "there are more findings, which are not listed"})
	default:
		return list
	}
}

// Add adds all that was found elsewhere.
func (f *Findings) Add(more Findings) {
	f.Errors = append(f.Errors, more.Errors...)
	f.Warnings = append(f.Warnings, more.Warnings...)
}

// lists are both, for what is done to every finding.
func (f *Findings) lists() [2][]Problem { return [2][]Problem{f.Errors, f.Warnings} }

// Own says who owns the package.
func (f *Findings) Own(owner string) {
	for _, list := range f.lists() {
		for i := range list {
			list[i].Owner = owner
		}
	}
}

// Place says whose findings they are.
func (f *Findings) Place(e Entry) {
	for _, list := range f.lists() {
		for i := range list {
			p := &list[i]
			p.Branch, p.Package, p.Version = e.Branch, e.Name, e.Version
			switch {
			case p.File == "":
				p.File = e.Path
			case e.IsArchive():
				p.File = e.Path + "!" + p.File
			default:
				// Not path.Join: a hostile name is to be shown as it is.
				p.File = e.Path + "/" + p.File
			}
		}
	}
}

// Sort orders the findings by branch, package, version, file and line.
func (f *Findings) Sort() {
	for _, list := range f.lists() {
		slices.SortStableFunc(list, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Branch, b.Branch), cmp.Compare(a.Package, b.Package),
				cmp.Compare(a.Version, b.Version), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
				cmp.Compare(a.Rule, b.Rule))
		})
	}
}
