package index

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Loaded is an entry of a branch that was read and parsed.
type Loaded struct {
	Entry   Entry
	Package *Package
	// Files are those of the directory; of a ready-made archive they are only
	// known once it is opened.
	Files []File
}

// Loader reads entries of branches and parses them into packages.
type Loader struct {
	Source Source
	Parser *Parser
	Limits Limits
	// Progress, if set, is called after each entry, from one goroutine at a time.
	Progress func(done, total int)
}

// Report is all that was found about the packages of a build.
type Report struct {
	// Errors make the build fail; they come with owner and last commit.
	Errors   []Problem `json:"errors"`
	Warnings []Problem `json:"warnings"`
}

// Sort orders the findings by branch, package, version, file and line.
func (r *Report) Sort() {
	for _, list := range [][]Problem{r.Errors, r.Warnings} {
		slices.SortStableFunc(list, func(a, b Problem) int {
			return cmp.Or(cmp.Compare(a.Branch, b.Branch), cmp.Compare(a.Package, b.Package),
				cmp.Compare(a.Version, b.Version), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
				cmp.Compare(a.Rule, b.Rule))
		})
	}
}

// Load reads every entry. What is wrong with packages goes into the report, all
// of it; the error is only about the source itself failing, or the context.
// The result is in the order of entries; a broken package is nil.
func (l *Loader) Load(ctx context.Context, entries []Entry, report *Report) ([]*Loaded, error) {
	out := make([]*Loaded, len(entries))
	var mu sync.Mutex
	done := 0
	seen := &claims{ids: map[ID]bool{}}
	if p, ok := l.Source.(Prefetcher); ok {
		if err := p.Prefetch(ctx, entries); err != nil {
			return nil, err
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0)) // half of them wait for the source
	for _, versions := range byName(entries) {
		g.Go(func() error {
			for _, i := range versions {
				e := entries[i]
				loaded, errs, warnings, err := l.load(ctx, e, seen)
				if err != nil {
					return err
				}
				if len(errs) > 0 {
					Blame(ctx, l.Source, e.Branch, e.Path, errs)
				}
				mu.Lock()
				report.Errors = append(report.Errors, errs...)
				report.Warnings = append(report.Warnings, warnings...)
				out[i] = loaded
				if done++; l.Progress != nil {
					l.Progress(done, len(entries))
				}
				mu.Unlock()
			}
			return nil
		})
	}
	return out, g.Wait()
}

// byName gives the places of the entries of each name, the name with the most
// first. Versions of one package share most of their files, each of which is
// parsed once: side by side they would only wait for each other.
func byName(entries []Entry) [][]int {
	var names [][]int
	at := map[string]int{}
	for i, e := range entries {
		n, known := at[e.Name]
		if !known {
			n = len(names)
			at[e.Name] = n
			names = append(names, nil)
		}
		names[n] = append(names[n], i)
	}
	slices.SortStableFunc(names, func(a, b []int) int { return cmp.Compare(len(b), len(a)) })
	return names
}

// claims remembers which contents some entry has already fetched for the
// parser, which remembers what it parsed.
type claims struct {
	mu  sync.Mutex
	ids map[ID]bool
}

// first keeps the ids that nobody asked for before.
func (c *claims) first(ids []ID) []ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(ids, func(id ID) bool {
		taken := c.ids[id]
		c.ids[id] = true
		return taken
	})
}

// brokenRule tells which rule a package breaks that cannot be listed or read; ""
// if it is the source that failed.
func brokenRule(err error) Rule {
	var u *unlistable
	switch {
	case errors.As(err, &u):
		return u.rule
	case errors.Is(err, ErrNoObject):
		return RuleObjectMissing
	case errors.Is(err, ErrBadObject):
		return RuleIrregularFile
	}
	return ""
}

// load reads one entry. A package that cannot be listed or read because of what
// the repository holds of it is a broken package, not a broken source.
func (l *Loader) load(ctx context.Context, e Entry, seen *claims) (*Loaded, []Problem, []Problem, error) {
	broken := func(err error) ([]Problem, error) {
		rule := brokenRule(err)
		if ctx.Err() != nil || rule == "" {
			return nil, fmt.Errorf("branch %s: %s: %w", e.Branch, e.Path, err)
		}
		return e.place([]Problem{{Rule: rule, Detail: printable(err.Error())}}), nil
	}
	tree, files, problems, err := l.open(ctx, e, seen)
	if err != nil {
		errs, err := broken(err)
		return nil, errs, nil, err
	}
	if len(problems) > 0 {
		l.findOwner(ctx, files, problems)
		return nil, e.place(problems), nil, nil
	}
	pkg, errs, warnings := l.Parser.Parse(e.Name, e.Version, tree)
	if t, ok := tree.(*sourceTree); ok && t.err != nil {
		errs, err := broken(t.err)
		return nil, errs, nil, err
	}
	if len(errs) > 0 {
		return nil, e.place(errs), e.place(warnings), nil
	}
	return &Loaded{Entry: e, Package: pkg, Files: files}, nil, e.place(warnings), nil
}

// open gives the content of an entry for parsing.
func (l *Loader) open(ctx context.Context, e Entry, seen *claims) (Tree, []File, []Problem, error) {
	if e.IsArchive() {
		tree, problems, err := l.OpenArchive(ctx, e)
		return tree, nil, problems, err
	}
	files, err := l.Source.List(ctx, e)
	if err != nil {
		return nil, nil, nil, err
	}
	if problems := CheckFiles(files, l.Limits); len(problems) > 0 {
		return nil, files, problems, nil
	}
	t := &sourceTree{ctx: ctx, source: l.Source, files: files, content: map[ID][]byte{}, ids: make(map[string]ID, len(files))}
	var wanted []ID
	for _, f := range files {
		t.ids[f.Path] = f.Blob
		if Needed(f) && f.Size <= MaxParsedBytes {
			wanted = append(wanted, f.Blob)
		}
	}
	err = l.Source.Read(ctx, seen.first(wanted), func(id ID, content []byte) error {
		t.content[id] = slices.Clone(content)
		return nil
	})
	return t, files, nil, err
}

// findOwner adds whom the manifest names as owner to findings about files. Not
// to know it must not hide the findings.
func (l *Loader) findOwner(ctx context.Context, files []File, problems []Problem) {
	i := slices.IndexFunc(files, func(f File) bool { return f.Path == manifestName })
	if i < 0 || files[i].Mode > Executable || files[i].Size < 0 || files[i].Size > MaxParsedBytes {
		return
	}
	_ = l.Source.Read(ctx, []ID{files[i].Blob}, func(_ ID, content []byte) error {
		for j := range problems {
			problems[j].Owner = printable(peekOwner(content).Github)
		}
		return nil
	})
}

// OpenArchive reads and checks a ready-made archive.
func (l *Loader) OpenArchive(ctx context.Context, e Entry) (Tree, []Problem, error) {
	var tree Tree
	var problems []Problem
	err := l.Source.Read(ctx, []ID{e.Archive}, func(_ ID, content []byte) error {
		tree, problems = OpenArchive(e.Name, e.Version, slices.Clone(content), l.Limits)
		return nil
	})
	if err != nil || len(problems) > 0 {
		return nil, problems, err
	}
	return tree, nil, nil
}

// place says whose findings they are.
func (e Entry) place(problems []Problem) []Problem {
	for i := range problems {
		p := &problems[i]
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
	return problems
}

// blameTime is how long a source may look for a commit. Git walks all of a tree
// that spells out millions of empty directories.
const blameTime = 5 * time.Second

// Blame adds to findings of a branch the commit that last touched path. Not to
// know it must not hide the findings.
func Blame(ctx context.Context, s Source, branch, path string, problems []Problem) {
	ctx, cancel := context.WithTimeout(ctx, blameTime)
	defer cancel()
	commit, err := s.LastChange(ctx, branch, path)
	if err != nil {
		return
	}
	for i := range problems {
		problems[i].Commit = commit
	}
}

// sourceTree is a directory of a source as the parser sees it.
type sourceTree struct {
	ctx     context.Context
	source  Source
	files   []File
	ids     map[string]ID
	content map[ID][]byte
	err     error // the first failure of the source
}

func (t *sourceTree) Files() []File { return t.files }

func (t *sourceTree) Read(name string) ([]byte, error) {
	id, ok := t.ids[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if content, ok := t.content[id]; ok {
		return content, nil
	}
	var out []byte
	err := t.source.Read(t.ctx, []ID{id}, func(_ ID, content []byte) error {
		out = slices.Clone(content)
		return nil
	})
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", name, err)
	}
	return out, err
}
