package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Step is one commit of a branch's own line: the commits that its pushes and
// merges put there, without those that a merge brought along.
type Step struct {
	Commit *index.Commit
	// Parents is how many parents the commit has; 0 for the first one.
	Parents int
	// Changes are those since the commit before it on the line. The first one
	// added all that it holds.
	Changes []index.Change
}

// History is the line of a branch, first parent by first parent.
type History struct {
	// Shallow: the clone does not go back to the beginning, so that the oldest
	// commit did not add all that it seems to.
	Shallow bool
	// Commits is how many there are.
	Commits int
}

// historyChunk is how many commits are read in one go.
const historyChunk = 256

// History calls fn with each commit of a branch's own line, the oldest first.
// What did not change is not read: the work is in proportion to the changes.
func (s *GitSource) History(ctx context.Context, branch string, fn func(Step) error) (*History, error) {
	head, err := s.resolve(ctx, branch)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.resolved[branch] = head
	s.mu.Unlock()
	out, err := runGit(ctx, s.dir, s.env, "rev-list", "--first-parent", "--reverse", "--parents", head.String())
	if err != nil {
		return nil, fmt.Errorf("history of branch %s: %w", branch, err)
	}
	shallow, err := os.ReadFile(filepath.Join(s.common, "shallow"))
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	w := historyWalk{s: s, branch: branch}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	h := &History{Commits: len(lines)}
	first, _, _ := strings.Cut(lines[0], " ")
	h.Shallow = slices.Contains(strings.Fields(string(shallow)), first)
	for chunk := range slices.Chunk(lines, historyChunk) {
		if err := w.chunk(ctx, chunk, fn); err != nil {
			return nil, fmt.Errorf("history of branch %s: %w", branch, err)
		}
	}
	return h, nil
}

// historyWalk remembers what packages/ held at the commit before.
type historyWalk struct {
	s        *GitSource
	branch   string
	packages []treeEntry
}

// chunk reads the commits of lines of "git rev-list --parents", a level of
// objects at a time, and hands them on.
func (w *historyWalk) chunk(ctx context.Context, lines []string, fn func(Step) error) error {
	steps := make([]Step, len(lines))
	roots := make([]treeRef, len(lines))
	var ids []index.ID
	for i, line := range lines {
		fields := strings.Fields(line)
		id, err := index.ParseID(fields[0])
		if err != nil {
			return fmt.Errorf("git rev-list: %w", err)
		}
		ids, steps[i].Parents = append(ids, id), len(fields)-1
	}
	i := 0
	err := w.s.objects.read(ctx, ids, func(obj object) (err error) {
		if err = obj.check(commitObject); err == nil {
			steps[i].Commit, roots[i].id, err = parseCommit(obj.id, obj.content)
			roots[i].path = "/"
			i++
		}
		return err
	})
	if err != nil {
		return err
	}
	tops, err := w.s.readTrees(ctx, roots)
	if err != nil {
		return err
	}
	var refs []treeRef
	var of []int // the index in steps of each of refs
	for i, top := range tops {
		for _, e := range top {
			if e.name == packagesDir && e.isTree() {
				refs, of = append(refs, treeRef{e.id, packagesDir}), append(of, i)
			}
		}
	}
	listed, err := w.s.readTrees(ctx, refs)
	if err != nil {
		return err
	}
	packages := make([][]treeEntry, len(lines))
	for i, at := range of {
		packages[at] = listed[i]
	}
	for i := range steps {
		if err := w.step(ctx, &steps[i], packages[i]); err != nil {
			return fmt.Errorf("commit %.12s: %w", steps[i].Commit.Hash, err)
		}
		if err := fn(steps[i]); err != nil {
			return err
		}
	}
	return nil
}

func (w *historyWalk) step(ctx context.Context, step *Step, packages []treeEntry) error {
	before, after := differing(w.packages, packages)
	w.packages = packages
	old, err := w.s.sortOut(ctx, w.branch, nil, before)
	if err != nil {
		return err
	}
	now, err := w.s.sortOut(ctx, w.branch, step.Commit, after)
	if err != nil {
		return err
	}
	step.Changes = index.Changes(old, now)
	return nil
}

// LastChangeFrom is LastChange as seen from any commit: of what a merge brought
// along it finds who did it, not who merged.
func (s *GitSource) LastChangeFrom(ctx context.Context, from index.ID, path string) (*index.Commit, error) {
	id, err := s.lastChangesFrom(from).find(ctx, path)
	if err != nil || id.IsZero() {
		return nil, err
	}
	commit, _, err := s.commit(ctx, id)
	return commit, err
}

// FileChange is what became of one file.
type FileChange struct {
	// Path is that in the branch.
	Path string `json:"path"`
	Kind string `json:"kind"` // "added", "changed" or "removed"
}

// ChangedFiles lists the files that differ between the two sides of a change, in
// the order of a lexical walk. No content is read.
func (s *GitSource) ChangedFiles(ctx context.Context, c index.Change) ([]FileChange, error) {
	before, err := s.paths(ctx, c.Old)
	if err != nil {
		return nil, err
	}
	after, err := s.paths(ctx, c.New)
	if err != nil {
		return nil, err
	}
	var out []FileChange
	for path, f := range before {
		switch g, ok := after[path]; {
		case !ok:
			out = append(out, FileChange{path, "removed"})
		case f != g:
			out = append(out, FileChange{path, "changed"})
		}
	}
	for path := range after {
		if _, ok := before[path]; !ok {
			out = append(out, FileChange{path, "added"})
		}
	}
	slices.SortFunc(out, func(a, b FileChange) int { return ComparePaths(a.Path, b.Path) })
	return out, nil
}

// fileState is what makes a file the same: mode and content.
type fileState struct {
	mode index.Mode
	blob index.ID
}

// paths are the files of an entry by their path in the branch.
func (s *GitSource) paths(ctx context.Context, e index.Entry) (map[string]fileState, error) {
	out := map[string]fileState{}
	switch {
	case e.Name == "":
		return out, nil
	case e.IsArchive():
		out[e.Path] = fileState{blob: e.Archive}
		if !e.Signature.IsZero() {
			out[e.Path+signatureSuffix] = fileState{blob: e.Signature}
		}
		return out, nil
	}
	files, err := walkTree(ctx, e.Tree, e.Path, s.readTrees)
	var broken *Unlistable
	if errors.As(err, &broken) { // history is as it is
		out[e.Path] = fileState{blob: e.Tree}
		return out, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", e.Path, err)
	}
	for _, f := range files {
		out[e.Path+"/"+f.Path] = fileState{f.Mode, f.Blob}
	}
	return out, nil
}
