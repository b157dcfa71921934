package git

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// Bounds on what listing one package may cost. Tree objects name each other, so
// a few of them can spell out more files than there are atoms; what is past
// these is an error whatever Limits say.
const (
	maxListed   = 250_000 // files and directories
	maxListPath = 4_096   // bytes
)

// treeRef is a tree to read and the path where it was met, for errors.
type treeRef struct {
	id   index.ID
	path string
}

// treeReader gives the entries of trees, in the order of refs.
type treeReader func(ctx context.Context, refs []treeRef) ([][]treeEntry, error)

// walkTree lists the files below a tree in the order of Source.List, their
// sizes not yet set. root is only for errors.
func walkTree(ctx context.Context, id index.ID, root string, read treeReader) ([]index.File, error) {
	trees, err := readLevels(ctx, id, root, read)
	if err != nil {
		return nil, err
	}
	w := walker{trees: trees, root: root}
	if err := w.walk("", id); err != nil {
		return nil, err
	}
	return w.files, nil
}

// readLevels reads all trees below a tree, a level at a time: each is asked for
// in one go, so that a source need not wait for one before it asks for the next.
func readLevels(ctx context.Context, id index.ID, root string, read treeReader) (map[index.ID][]treeEntry, error) {
	trees := make(map[index.ID][]treeEntry)
	level := []treeRef{{id, root}}
	count := 0
	for len(level) > 0 {
		got, err := read(ctx, level)
		if err != nil {
			return nil, err
		}
		var next []treeRef
		for i, ref := range level {
			trees[ref.id] = got[i]
		}
		asked := make(map[index.ID]bool)
		for i, ref := range level {
			if count += len(got[i]); count > maxListed {
				return nil, tooMany(root)
			}
			if len(ref.path) > maxListPath {
				return nil, tooDeep(ref.path)
			}
			for _, e := range got[i] {
				if _, known := trees[e.id]; e.isTree() && !known && !asked[e.id] {
					asked[e.id] = true
					next = append(next, treeRef{e.id, ref.path + "/" + e.name})
				}
			}
		}
		level = next
	}
	return trees, nil
}

// unlistable is what is wrong with a package that cannot even be listed.
type Unlistable struct {
	Rule   index.Rule
	detail string
}

func (e *Unlistable) Error() string { return e.detail }

func tooMany(root string) error {
	return &Unlistable{index.RuleFileCount, fmt.Sprintf("%s: holds over %d files and directories", root, maxListed)}
}

func tooDeep(path string) error {
	return &Unlistable{index.RulePathLength, fmt.Sprintf("%s…: the path has over %d bytes: directories are nested too deeply", path[:100], maxListPath)}
}

type walker struct {
	trees map[index.ID][]treeEntry
	root  string
	files []index.File
	count int
}

func (w *walker) walk(prefix string, id index.ID) error {
	if len(prefix) > maxListPath {
		return tooDeep(w.root + "/" + prefix)
	}
	for _, e := range w.trees[id] {
		if w.count++; w.count > maxListed {
			return tooMany(w.root)
		}
		if e.isTree() {
			if err := w.walk(prefix+e.name+"/", e.id); err != nil {
				return err
			}
			continue
		}
		w.files = append(w.files, index.File{Path: prefix + e.name, Mode: e.kind(), Blob: e.id})
	}
	return nil
}

// ComparePaths orders slash-separated paths as a lexical walk meets them: by
// their elements, not by their bytes ("a/b" before "a.b").
func ComparePaths(a, b string) int {
	for {
		x, restA, moreA := strings.Cut(a, "/")
		y, restB, moreB := strings.Cut(b, "/")
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		if !moreA || !moreB {
			return compareBool(moreA, moreB)
		}
		a, b = restA, restB
	}
}

// treeCache remembers parsed trees; the versions of a package share most of
// theirs. It is safe for concurrent use.
type treeCache struct {
	mu      sync.Mutex
	trees   map[index.ID][]treeEntry
	entries int
}

// cachedEntries bounds a treeCache: about 30 MB. A whole real package storage
// has a tenth of it.
const cachedEntries = 400_000

func (c *treeCache) get(id index.ID) ([]treeEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entries, ok := c.trees[id]
	return entries, ok
}

func (c *treeCache) put(id index.ID, entries []treeEntry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	// An entry more for the tree itself: empty ones take memory too.
	if c.entries += len(entries) + 1; c.trees == nil || c.entries > cachedEntries {
		c.trees, c.entries = make(map[index.ID][]treeEntry), len(entries)+1
	}
	c.trees[id] = entries
}
