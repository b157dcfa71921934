package promote

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// treeEdit is what becomes of one path: a new entry, or none.
type treeEdit struct {
	mode   string // "040000" or "100644"; empty removes
	object index.ID
}

func (e treeEdit) line(name string) string {
	kind := "blob"
	if e.mode == modeTree {
		kind = "tree"
	}
	return fmt.Sprintf("%s %s %s\t%s", e.mode, kind, e.object, name)
}

const (
	modeTree = "040000"
	modeFile = "100644"
)

// editTree writes a tree with some paths changed, and the trees on the way to
// them. A directory that becomes empty goes. Entries that stay are taken over as
// they are, whatever they are. It returns a zero id when nothing is left.
func (r *repo) editTree(ctx context.Context, tree index.ID, edits map[string]treeEdit) (index.ID, error) {
	lines := map[string]string{} // by name: as ls-tree prints and mktree reads
	if !tree.IsZero() {
		out, err := r.git(ctx, "", "ls-tree", "-z", tree.String())
		if err != nil {
			return index.ID{}, err
		}
		for line := range strings.SplitSeq(strings.TrimSuffix(out, "\x00"), "\x00") {
			if _, name, ok := strings.Cut(line, "\t"); ok {
				lines[name] = line
			}
		}
	}
	below := map[string]map[string]treeEdit{}
	for path, e := range edits {
		name, rest, deeper := strings.Cut(path, "/")
		switch {
		case deeper:
			if below[name] == nil {
				below[name] = map[string]treeEdit{}
			}
			below[name][rest] = e
		case e.mode == "":
			delete(lines, name)
		default:
			lines[name] = e.line(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(below)) {
		var sub index.ID
		if f := strings.Fields(lines[name]); len(f) > 2 {
			if f[1] != "tree" {
				return index.ID{}, fmt.Errorf("%s is a %s: a directory is needed in its place", name, f[1])
			}
			var err error
			if sub, err = index.ParseID(f[2]); err != nil {
				return index.ID{}, err
			}
		}
		edited, err := r.editTree(ctx, sub, below[name])
		if err != nil {
			return index.ID{}, fmt.Errorf("%s/%w", name, err)
		}
		if edited.IsZero() {
			delete(lines, name)
		} else {
			lines[name] = treeEdit{modeTree, edited}.line(name)
		}
	}
	if len(lines) == 0 {
		return index.ID{}, nil
	}
	// A partial clone lacks contents that stay as they are: --missing.
	return r.id(ctx, strings.Join(slices.Collect(maps.Values(lines)), "\x00")+"\x00", "mktree", "-z", "--missing")
}

// editOf is what an entry of a branch consists of.
func editsOf(e index.Entry) map[string]treeEdit {
	if !e.IsArchive() {
		return map[string]treeEdit{e.Path: {modeTree, e.Tree}}
	}
	edits := map[string]treeEdit{e.Path: {modeFile, e.Archive}}
	if !e.Signature.IsZero() {
		edits[e.Path+".sig"] = treeEdit{modeFile, e.Signature}
	}
	return edits
}

// change makes a commit on top of a branch in which some packages are put and
// others removed. Of a branch that loses its last package an empty packages/
// stays, which git can only keep with a file in it.
func (r *repo) change(ctx context.Context, tip *state, put, remove []index.Entry, message string) (index.ID, error) {
	edits := map[string]treeEdit{}
	left := len(tip.branch.Entries) + len(tip.branch.Found.Errors) - len(remove)
	for _, e := range remove {
		for path := range editsOf(e) {
			edits[path] = treeEdit{}
		}
	}
	for _, e := range put {
		maps.Copy(edits, editsOf(e))
	}
	keep := "packages/" + git.KeepFile
	switch {
	case len(put) > 0:
		edits[keep] = treeEdit{}
	case left == 0:
		empty, err := r.id(ctx, "", "hash-object", "-w", "--stdin")
		if err != nil {
			return index.ID{}, err
		}
		edits[keep] = treeEdit{modeFile, empty}
	}
	root, err := r.id(ctx, "", "rev-parse", tip.id.String()+"^{tree}")
	if err != nil {
		return index.ID{}, err
	}
	tree, err := r.editTree(ctx, root, edits)
	if err != nil {
		return index.ID{}, fmt.Errorf("branch %s: %w", tip.branch.Name, err)
	}
	return r.id(ctx, message, "commit-tree", "-p", tip.id.String(), "-F", "-", tree.String())
}
