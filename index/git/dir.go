package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// DirSource reads branches from folders, a folder for each branch, with the
// packages in <folder>/packages/. Files and directories get the ids that git
// would give them, so the same content makes the same snapshot as from a git
// repository. Empty directories, and what is called ".git" above the packages, do
// not exist, as in git; in a package it is listed and not read. Symbolic links are never
// followed, and nothing outside of the folder is read.
//
// The first thing that is asked of a branch must be Branch: it reads all of it.
type DirSource struct {
	folder func(branch string) (string, bool)

	mu    sync.RWMutex
	trees map[index.ID][]treeEntry
	blobs map[index.ID]diskBlob
	// changes are by folder, commits those that they led to.
	changes map[string]*lastChanges
	commits map[index.ID]*index.Commit
}

// diskBlob is where a content was found.
type diskBlob struct {
	folder, path string
	size         int64
	link         bool // the target of a symbolic link
}

var _ index.Source = (*DirSource)(nil)

// OpenDir opens a folder that holds one folder for each branch, by its name.
func OpenDir(root string) (*DirSource, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("open folder of branches: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("open folder of branches: %s is not a directory", root)
	}
	return newDirSource(func(branch string) (string, bool) {
		name := filepath.FromSlash(branch)
		return filepath.Join(root, name), validRef(branch) && filepath.IsLocal(name)
	}), nil
}

// OpenDirs opens folders given by the name of the branch that each holds.
func OpenDirs(folders map[string]string) *DirSource {
	folders = maps.Clone(folders)
	return newDirSource(func(branch string) (string, bool) {
		folder, ok := folders[branch]
		return folder, ok
	})
}

func newDirSource(folder func(string) (string, bool)) *DirSource {
	return &DirSource{folder: folder, trees: make(map[index.ID][]treeEntry), blobs: make(map[index.ID]diskBlob),
		changes: map[string]*lastChanges{}, commits: map[index.ID]*index.Commit{}}
}

// find is the folder of a branch.
func (s *DirSource) find(branch string) (string, error) {
	folder, ok := s.folder(branch)
	if !ok {
		return "", fmt.Errorf("%w: %q has no folder", index.ErrNoBranch, branch)
	}
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return "", fmt.Errorf("%w: %s: there is no directory %s", index.ErrNoBranch, branch, folder)
	case err != nil:
		return "", fmt.Errorf("branch %s: %w", branch, err)
	}
	return folder, nil
}

// Branch reads and hashes the folder of a branch; see Source. Branch.Commit is
// the HEAD of the git work tree that the folder is in, if that commit holds the
// same packages; else nil, and a warning of RuleNotCommitted says why.
func (s *DirSource) Branch(ctx context.Context, name string) (*index.Branch, error) {
	folder, err := s.find(name)
	if err != nil {
		return nil, err
	}
	scan, err := scanFolder(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", name, err)
	}
	commit, why, err := headOf(ctx, folder, scan.id)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", name, err)
	}
	b, err := listBranch(name, commit, scan.packages, scan.names)
	if err != nil {
		return nil, err
	}
	if commit == nil {
		b.Found.Warnings = append(b.Found.Warnings, index.Problem{
			Branch: name, File: packagesDir, Rule: index.RuleNotCommitted,
			Detail: fmt.Sprintf("%s is not the content of a commit, so no commit will be named as its origin: %s", folder, why),
		})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.changes, folder) // HEAD may be another by now
	maps.Copy(s.trees, scan.trees)
	for id, blob := range scan.blobs {
		// What is a file somewhere can be read as one.
		if old, ok := s.blobs[id]; !ok || old.link || !blob.link {
			s.blobs[id] = blob
		}
	}
	return b, nil
}

// List gives the files of an entry as Branch met them; see Source.
func (s *DirSource) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	if e.IsArchive() {
		return nil, fmt.Errorf("list %s of branch %s: it is an archive, which is read as a whole", e.Path, e.Branch)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	files, err := walkTree(ctx, e.Tree, e.Path, s.readTrees)
	if err != nil {
		return nil, fmt.Errorf("list %s-%s of branch %s: %w", e.Name, e.Version, e.Branch, err)
	}
	for i := range files {
		if files[i].Mode == index.Irregular {
			continue
		}
		files[i].Size = -1
		if blob, ok := s.blobs[files[i].Blob]; ok {
			files[i].Size = blob.size
		}
	}
	return files, nil
}

// readTrees is a treeReader.
func (s *DirSource) readTrees(ctx context.Context, refs []treeRef) ([][]treeEntry, error) {
	got := make([][]treeEntry, len(refs))
	for i, ref := range refs {
		entries, ok := s.trees[ref.id]
		if !ok {
			return nil, fmt.Errorf("directory %s: tree %s: %w: no branch that was read has it", ref.path, ref.id, index.ErrNoObject)
		}
		got[i] = entries
	}
	return got, ctx.Err()
}

// Read gives the contents of files; see Source. A file whose content is no
// longer what Branch met is an error that names it.
func (s *DirSource) Read(ctx context.Context, ids []index.ID, fn func(id index.ID, content []byte) error) error {
	r := diskReader{roots: make(map[string]*os.Root)}
	defer r.close()
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		s.mu.RLock()
		blob, ok := s.blobs[id]
		s.mu.RUnlock()
		if !ok {
			return fmt.Errorf("blob %s: %w: no branch that was read has it", id, index.ErrNoObject)
		}
		content, err := r.read(blob)
		if err == nil && ObjectID(BlobObject, content) != id {
			err = ErrChanged
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(blob.folder, blob.path), err)
		}
		if err := fn(id, content); err != nil {
			return err
		}
	}
	return nil
}

// LastChange finds the newest commit before HEAD of the folder's git work tree
// that touched path; see Source. It does not know of changes that are not committed.
func (s *DirSource) LastChange(ctx context.Context, branch, path string) (*index.Commit, error) {
	folder, err := s.find(branch)
	if err != nil {
		return nil, err
	}
	l, err := s.lastChangesOf(ctx, folder)
	if err != nil {
		return nil, ctx.Err() // no work tree, or no git: not known
	}
	id, err := l.find(ctx, path)
	if err == nil && id.IsZero() {
		return nil, nil
	}
	var commit *index.Commit
	if err == nil {
		commit, err = s.commitOf(ctx, folder, id)
	}
	if err != nil {
		return nil, fmt.Errorf("last change of %s in %s: %w", path, folder, err)
	}
	return commit, nil
}

// lastChangesOf are those seen from the HEAD of a folder's work tree, as it was
// when Branch read the folder.
func (s *DirSource) lastChangesOf(ctx context.Context, folder string) (*lastChanges, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.changes[folder]; l != nil {
		return l, nil
	}
	out, err := runGit(ctx, folder, gitEnv(), "rev-parse", "HEAD^{commit}", "--git-common-dir")
	if err != nil {
		return nil, err
	}
	head, common, _ := strings.Cut(strings.TrimSuffix(out, "\n"), "\n")
	if !filepath.IsAbs(common) {
		common = filepath.Join(folder, common)
	}
	l := &lastChanges{dir: folder, env: gitEnv(), common: common, from: head}
	s.changes[folder] = l
	return l, nil
}

// commitOf reads a commit of a folder's repository, once.
func (s *DirSource) commitOf(ctx context.Context, folder string, id index.ID) (*index.Commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.commits[id]; c != nil {
		return c, nil
	}
	c, err := readCommit(ctx, folder, id)
	if err == nil {
		s.commits[id] = c
	}
	return c, err
}

// Close does nothing: no process or file stays open.
func (s *DirSource) Close() error { return nil }

// headOf finds the commit whose packages are those of the tree id; without one
// it tells why.
func headOf(ctx context.Context, folder string, packages index.ID) (commit *index.Commit, why string, err error) {
	// "./" makes the path relative to the folder, which may be below the
	// top of the work tree (gitrevisions(7)).
	out, err := runGit(ctx, folder, gitEnv(), "rev-parse", "HEAD^{commit}", "HEAD:./"+packagesDir)
	if err != nil {
		var exit *exec.ExitError
		switch {
		case ctx.Err() != nil:
			return nil, "", ctx.Err()
		case errors.As(err, &exit):
			return nil, "it is not in a git work tree whose HEAD has " + packagesDir + "/", nil
		}
		return nil, err.Error(), nil
	}
	lines := strings.Fields(out)
	if len(lines) != 2 {
		return nil, fmt.Sprintf("git rev-parse printed %.100q", out), nil
	}
	if lines[1] != packages.String() {
		return nil, fmt.Sprintf("its %s/ (tree %.12s) is not that of HEAD (%.12s): commit, stash or remove what differs; "+
			"files that git ignores or converts differ too", packagesDir, packages, lines[1]), nil
	}
	id, err := index.ParseID(lines[0])
	if err == nil {
		commit, err = readCommit(ctx, folder, id)
	}
	return commit, "", err
}

func readCommit(ctx context.Context, folder string, id index.ID) (*index.Commit, error) {
	out, err := runGit(ctx, folder, gitEnv(), "cat-file", "commit", id.String())
	if err != nil {
		return nil, err
	}
	commit, _, err := parseCommit(id, []byte(out))
	return commit, err
}
