package git

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// forest is trees in memory.
type forest map[index.ID][]treeEntry

func (f forest) read(_ context.Context, refs []treeRef) (out [][]treeEntry, err error) {
	for _, ref := range refs {
		out = append(out, f[ref.id])
	}
	return out, nil
}

// tree adds a tree that has n files and the directories named.
func (f forest) tree(files int, dirs map[string]index.ID) index.ID {
	id := ObjectID(treeObject, fmt.Append(nil, len(f)))
	for i := range files {
		f[id] = append(f[id], treeEntry{name: fmt.Sprintf("f%06d", i), mode: modeFile | 0o644})
	}
	for name, dir := range dirs {
		f[id] = append(f[id], treeEntry{name: name, mode: modeTree, id: dir})
	}
	return id
}

// TestListingIsBounded: 250,000 files and directories and paths of 4,096 bytes can be
// listed, and no more, whether they are many or spelt out by few trees.
func TestListingIsBounded(t *testing.T) {
	const root = "packages/p/1.0.0"
	for name, c := range map[string]struct {
		make func(f forest) index.ID
		want int // files; -1: too many, -2: too deep
	}{
		"files":              {func(f forest) index.ID { return f.tree(250_000, nil) }, 250_000},
		"a file more":        {func(f forest) index.ID { return f.tree(250_001, nil) }, -1},
		"with a directory":   {func(f forest) index.ID { return f.tree(249_998, map[string]index.ID{"d": f.tree(1, nil)}) }, 249_999},
		"one more, below it": {func(f forest) index.ID { return f.tree(249_998, map[string]index.ID{"d": f.tree(2, nil)}) }, -1},
		"shared":             {func(f forest) index.ID { return f.tree(1, repeated(499, f.tree(500, nil))) }, 1 + 499*500},
		"shared, one more":   {func(f forest) index.ID { return f.tree(2, repeated(499, f.tree(500, nil))) }, -1},
		"a long path":        {func(f forest) index.ID { return nested(f, 4096-len(root), f.tree(1, nil)) }, 1},
		"a byte longer":      {func(f forest) index.ID { return nested(f, 4097-len(root), f.tree(1, nil)) }, -2},
		// The same directory is met at a short path first, and so is not read again.
		"a long path to what is known": {func(f forest) index.ID {
			known := f.tree(0, map[string]index.ID{"d": f.tree(1, nil)})
			return f.tree(0, map[string]index.ID{"short": known, "n": nested(f, 4096-len("n")-len("/d/"), known)})
		}, 2},
		"a byte longer to what is known": {func(f forest) index.ID {
			known := f.tree(0, map[string]index.ID{"d": f.tree(1, nil)})
			return f.tree(0, map[string]index.ID{"short": known, "n": nested(f, 4097-len("n")-len("/d/"), known)})
		}, -2},
	} {
		f := forest{}
		files, err := walkTree(t.Context(), c.make(f), root, f.read)
		var listed *Unlistable
		switch {
		case c.want >= 0:
			if err != nil || len(files) != c.want {
				t.Errorf("%s: %d files, %v, want %d", name, len(files), err, c.want)
			}
		case !errors.As(err, &listed):
			t.Errorf("%s: %d files, %v", name, len(files), err)
		case c.want == -1 && (listed.Rule != index.RuleFileCount || err.Error() != root+": holds over 250000 files and directories"):
			t.Errorf("%s: %v (%s)", name, err, listed.Rule)
		case c.want == -2 && (listed.Rule != index.RulePathLength || !strings.HasPrefix(err.Error(), root+"/") || !strings.HasSuffix(err.Error(), "…: the path has over 4096 bytes: directories are nested too deeply")):
			t.Errorf("%s: %v (%s)", name, err, listed.Rule)
		}
	}
	failure := errors.New("broken")
	if files, err := walkTree(t.Context(), index.ID{1}, root, func(context.Context, []treeRef) ([][]treeEntry, error) { return nil, failure }); !errors.Is(err, failure) || files != nil {
		t.Errorf("%v, %v", files, err)
	}
}

// repeated is one tree under n names.
func repeated(n int, tree index.ID) map[string]index.ID {
	out := map[string]index.ID{}
	for i := range n {
		out[fmt.Sprintf("d%03d", i)] = tree
	}
	return out
}

// nested is a tree that has another at a path of so many bytes, the slash before it
// counted, of few elements.
func nested(f forest, bytes int, tree index.ID) index.ID {
	for bytes > 0 {
		n := min(bytes, 256)
		if rest := bytes - n; rest == 1 {
			n-- // an element has a letter beside its slash
		}
		tree = f.tree(0, map[string]index.ID{strings.Repeat("n", n-1): tree})
		bytes -= n
	}
	return tree
}
