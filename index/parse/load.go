package parse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// Loaded is an entry of a branch that was read and parsed.
type Loaded struct {
	Entry   index.Entry
	Package *Package
	// Files are those of the directory; of a ready-made archive they are only
	// known once it is opened.
	Files []index.File
	// Largest is the length of the largest file of a ready-made archive.
	Largest int64
}

// Loader reads entries of branches and parses them into packages.
type Loader struct {
	Source index.Source
	Parser *Parser
	Limits index.Limits
	// Progress, if set, is called after each entry, from one goroutine at a time.
	Progress func(done, total int)

	room room
}

// Load reads every entry. What is wrong with packages goes into found, all
// of it; the error is only about the source itself failing, or the context.
// The result is in the order of entries; a broken package is nil.
func (l *Loader) Load(ctx context.Context, entries []index.Entry, found *index.Findings) ([]*Loaded, error) {
	out := make([]*Loaded, len(entries))
	var mu sync.Mutex
	done := 0
	seen := &claims{ids: map[index.ID]bool{}}
	if p, ok := l.Source.(index.Prefetcher); ok {
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
				loaded, of, err := l.load(ctx, e, seen)
				if err != nil {
					return err
				}
				if len(of.Errors) > 0 {
					index.Blame(ctx, l.Source, e.Branch, e.Path, of.Errors)
				}
				mu.Lock()
				found.Add(of)
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
func byName(entries []index.Entry) [][]int {
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
	ids map[index.ID]bool
}

// first keeps the ids that nobody asked for before.
func (c *claims) first(ids []index.ID) []index.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(ids, func(id index.ID) bool {
		taken := c.ids[id]
		c.ids[id] = true
		return taken
	})
}

// brokenRule tells which rule a package breaks that cannot be listed or read; ""
// if it is the source that failed.
func brokenRule(err error) index.Rule {
	var u *git.Unlistable
	switch {
	case errors.As(err, &u):
		return u.Rule
	case errors.Is(err, index.ErrNoObject):
		return index.RuleObjectMissing
	case errors.Is(err, git.ErrBadObject):
		return index.RuleIrregularFile
	}
	return ""
}

// load reads one entry. A package that cannot be listed or read because of what
// the repository holds of it is a broken package, not a broken source.
func (l *Loader) load(ctx context.Context, e index.Entry, seen *claims) (*Loaded, index.Findings, error) {
	out, err := l.read(ctx, e, seen)
	if err != nil {
		rule := brokenRule(err)
		if ctx.Err() != nil || rule == "" {
			return nil, index.Findings{}, fmt.Errorf("branch %s: %s: %w", e.Branch, e.Path, err)
		}
		out = parsed{}
		out.found.Fail("", rule, "%s", printable(err.Error()))
	}
	out.found.Place(e)
	return out.loaded, out.found, nil
}

// read reads and parses one entry.
func (l *Loader) read(ctx context.Context, e index.Entry, seen *claims) (out parsed, err error) {
	if e.IsArchive() {
		return l.loadArchive(ctx, e)
	}
	files, err := l.Source.List(ctx, e)
	if err != nil {
		return out, err
	}
	if out.found = index.CheckFiles(files, l.Limits); len(out.found.Errors) > 0 {
		l.findOwner(ctx, files, &out.found)
		return out, nil
	}
	t, wanted, size := l.tree(ctx, files, seen)
	release, err := l.Reserve(ctx, size)
	if err != nil {
		return out, err
	}
	defer release()
	err = l.Source.Read(ctx, wanted, func(id index.ID, content []byte) error {
		t.content[id] = slices.Clone(content)
		return nil
	})
	if err != nil {
		return out, err
	}
	if out.found = l.Parser.checkPointers(t); len(out.found.Errors) > 0 || t.err != nil {
		l.findOwner(ctx, files, &out.found)
		return out, t.err
	}
	out.loaded = &Loaded{Entry: e, Files: files}
	out.loaded.Package, out.found = l.Parser.Parse(e.Name, e.Version, t)
	out.found.Add(index.CheckNames(files))
	if len(out.found.Errors) > 0 {
		out.loaded = nil
	}
	return out, t.err
}

// tree is a directory as the parser sees it, and what to read of it ahead.
func (l *Loader) tree(ctx context.Context, files []index.File, seen *claims) (t *sourceTree, wanted []index.ID, size int64) {
	t = &sourceTree{ctx: ctx, source: l.Source, files: files, content: map[index.ID][]byte{}, ids: make(map[string]index.ID, len(files))}
	for _, f := range files {
		t.ids[f.Path] = f.Blob
		if (needed(f) || maybeLFSPointer(f.Size)) && f.Size <= MaxParsedBytes && size+f.Size <= prefetchBytes {
			wanted = append(wanted, f.Blob)
			size += f.Size
		}
	}
	return t, seen.first(wanted), size
}

// findOwner adds whom the manifest names as owner to findings about files. Not
// to know it must not hide the findings.
func (l *Loader) findOwner(ctx context.Context, files []index.File, found *index.Findings) {
	i := slices.IndexFunc(files, func(f index.File) bool { return f.Path == manifestName })
	if i < 0 || files[i].Mode > index.Executable || files[i].Size < 0 || files[i].Size > MaxParsedBytes {
		return
	}
	_ = l.Source.Read(ctx, []index.ID{files[i].Blob}, func(_ index.ID, content []byte) error {
		found.Own(printable(peekOwner(content).Github))
		return nil
	})
}

// sourceTree is a directory of a source as the parser sees it.
type sourceTree struct {
	ctx     context.Context
	source  index.Source
	files   []index.File
	ids     map[string]index.ID
	content map[index.ID][]byte
	err     error // the first failure of the source
}

func (t *sourceTree) Files() []index.File { return t.files }

func (t *sourceTree) Read(name string) ([]byte, error) {
	id, ok := t.ids[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if content, ok := t.content[id]; ok {
		return content, nil
	}
	var out []byte
	err := t.source.Read(t.ctx, []index.ID{id}, func(_ index.ID, content []byte) error {
		out = slices.Clone(content)
		return nil
	})
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s: %w", name, err)
	}
	return out, err
}
