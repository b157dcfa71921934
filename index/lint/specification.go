package lint

import (
	"context"
	"fmt"
	"path"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// Level is how far packages must obey the package specification.
type Level string

const (
	Off    Level = "off"    // it is not asked
	Warn   Level = "warn"   // all that it finds warns
	Error  Level = "error"  // its errors are errors, its warnings warn
	Strict Level = "strict" // all that it finds is an error
)

// Valid reports whether it is one of the levels.
func (l Level) Valid() bool { return l == Off || l == Warn || l == Error || l == Strict }

// A Checker holds packages to the package specification.
type Checker interface {
	Check(ctx context.Context, packages []Content) (*Specification, error)
}

// Content is a package to be checked.
type Content struct {
	// Dir is where it is in the branch, as if it were a directory there.
	Dir string
	// Each calls fn with each file: its path below Dir, and its content, which
	// is only valid during the call.
	Each func(ctx context.Context, fn func(path string, content []byte) error) error
}

// Specification is what a Checker found.
type Specification struct {
	Version  string        `json:"specification"`
	Findings []SpecFinding `json:"findings"`
}

// SpecFinding is one finding.
type SpecFinding struct {
	Package  string `json:"package"` // Content.Dir
	File     string `json:"file"`    // below it; may be empty
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
}

// specification has the packages checked that are valid otherwise.
func (l *linter) specification(ctx context.Context, loaded []*parse.Loaded) error {
	if l.Specification == Off || l.Specification == "" || l.Checker == nil {
		return nil
	}
	var contents []Content
	entries := map[string]index.Entry{}
	for _, p := range loaded {
		if p == nil {
			continue
		}
		c := l.content(p)
		contents = append(contents, c)
		entries[c.Dir] = p.Entry
	}
	if len(contents) == 0 {
		return nil
	}
	found, err := l.Checker.Check(ctx, contents)
	if err != nil {
		return fmt.Errorf("package specification: %w", err)
	}
	l.result.Specification = found.Version
	for _, f := range found.Findings {
		e, known := entries[f.Package]
		if !known {
			return fmt.Errorf("package specification: a finding is about %q, which was not asked", f.Package)
		}
		p := l.finding(ctx, e, index.RuleSpecification, "%s", f.detail())
		if f.File != "" && !e.IsArchive() {
			p.File = path.Join(e.Path, f.File)
		}
		if l.Specification == Strict || l.Specification == Error && f.Severity != "warning" {
			l.result.Report.Errors = append(l.result.Report.Errors, p)
		} else {
			l.warn(p)
		}
	}
	return nil
}

func (f SpecFinding) detail() string {
	if f.Code == "" {
		return f.Message
	}
	return f.Message + " (" + f.Code + ")"
}

// content gives the files of a package, of an archive as well.
func (l *linter) content(p *parse.Loaded) Content {
	e := p.Entry
	c := Content{Dir: "packages/" + e.Name + "/" + e.Version}
	if e.IsArchive() {
		c.Each = func(ctx context.Context, fn func(string, []byte) error) error {
			found, err := l.loader.UseArchive(ctx, e, p.Largest, func(a *parse.Archive) error {
				for _, f := range a.Files() {
					content, err := a.Read(f.Path)
					if err == nil {
						err = fn(f.Path, content)
					}
					if err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			if len(found.Errors) > 0 {
				return fmt.Errorf("%s: %s", e.Path, found.Errors[0].Detail)
			}
			return nil
		}
		return c
	}
	c.Each = func(ctx context.Context, fn func(string, []byte) error) error {
		ids := make([]index.ID, len(p.Files))
		for i, f := range p.Files {
			ids[i] = f.Blob
		}
		i := 0
		return l.source.Read(ctx, ids, func(_ index.ID, content []byte) error {
			i++
			return fn(p.Files[i-1].Path, content)
		})
	}
	return c
}
