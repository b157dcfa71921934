package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// GitSource reads branches from the object store of a git repository. Nothing
// is checked out, and the work is proportional to what is asked: Branch reads
// one tree for each package name, List the trees of one package version.
//
// Contents come from "git cat-file" processes, which know every form that a
// repository can have (packs, loose objects, alternates, linked work trees).
// They do not hash what they read, so this does: each object that is read is the
// one that its id names.
type GitSource struct {
	dir     string // the git directory, absolute
	common  string // where linked work trees keep what they share
	env     []string
	objects *catFilePool // contents
	infos   *catFilePool // types and sizes
	trees   treeCache
	temp    string // to be removed by Close; empty if there is none
	work    string // the same, of WorkTree
	path    string // as it was opened, absolute
	// objectsEnv is the environment of what reads objects.
	objectsEnv []string
	// promisor is the remote that has what a partial clone lacks; empty when
	// the clone is whole.
	promisor string
	top      string // the top of the work tree, or the git directory of a bare one
	commits  commitStore
	// configured is what the clone is asked for once, and not for each branch.
	configured struct {
		mu      sync.Mutex
		remotes []string
	}

	mu       sync.Mutex
	resolved map[string]index.ID // the commit that Branch read last, by branch
	refs     map[string]Ref      // what that was found by
	blobs    map[index.ID]blobInfo
	changes  map[index.ID]*lastChanges // by the commit that they are seen from
	fetched  int
}

// blobInfo is what the store knows of what a tree calls a file.
type blobInfo struct {
	size int64 // -1: missing
	blob bool
}

// cachedSizes bounds GitSource.blobs: about 30 MB.
const cachedSizes = 500_000

// maxProcesses bounds the git processes of a kind. Inflating is all that they
// do, and their caller does something with what they give.
const maxProcesses = 4

var _ index.Source = (*GitSource)(nil)

// OpenGit opens the repository at path: a bare one, a work tree, or its .git.
// The git command must be on the PATH. ctx only bounds the opening. The
// configuration of the user and the machine is not looked at, a repository may
// belong to someone else. What a partial clone lacks of an entry is fetched when
// it is listed, directories that it lacks when they are read. Within a hook that
// may refuse a push, what was pushed is seen as well.
func OpenGit(ctx context.Context, path string) (*GitSource, error) {
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return nil, fmt.Errorf("open git repository: %w", err)
	}
	if info, err := os.Stat(abs); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("open git repository: %s is not a directory", path)
	}
	// Without the ceiling git would go up to a repository around path.
	out, err := runGit(ctx, abs, gitEnv("GIT_CEILING_DIRECTORIES="+filepath.Dir(abs)),
		"rev-parse", "--absolute-git-dir", "--git-common-dir", "--show-object-format")
	if err != nil {
		return nil, fmt.Errorf("open git repository %s: %w", path, err)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 3 {
		return nil, fmt.Errorf("open git repository %s: git rev-parse printed %q: its path holds a line break, or git is older than 2.31", path, out)
	}
	if format := lines[2]; format != "sha1" {
		return nil, fmt.Errorf("open git repository %s: its object format is %s: only sha1 is supported", path, format)
	}
	dir, common := lines[0], lines[1]
	if !filepath.IsAbs(common) {
		common = filepath.Join(abs, common)
	}
	s := &GitSource{
		dir:      dir,
		common:   common,
		path:     abs,
		env:      gitEnv(append(quarantine(common), "GIT_DIR="+dir)...),
		resolved: make(map[string]index.ID),
		refs:     make(map[string]Ref),
		blobs:    make(map[index.ID]blobInfo),
		changes:  make(map[index.ID]*lastChanges),
		top:      dir,
		commits:  commitStore{parents: make(map[index.ID][]index.ID)},
	}
	if filepath.Base(dir) == ".git" {
		s.top = filepath.Dir(dir)
	}
	if s.objectsEnv, err = s.objectEnv(ctx); err != nil {
		return nil, fmt.Errorf("open git repository %s: %w", path, err)
	}
	s.startReading()
	return s, nil
}

func (s *GitSource) startReading() {
	processes := min(runtime.GOMAXPROCS(0), maxProcesses)
	s.objects = newCatFilePool(s.dir, s.objectsEnv, true, processes)
	s.infos = newCatFilePool(s.dir, s.objectsEnv, false, processes)
}

// Branch lists a branch: what refs/heads/<name> and refs/remotes/<remote>/<name>
// name. The 40 digits of a commit and a whole ref ("refs/pull/1/head") are just that. Where several refs of a branch differ, the one
// that contains the others is read; if none does it is an error. See Source for errors;
// a tree or commit that is missing is ErrNoObject, damaged ErrBadObject.
func (s *GitSource) Branch(ctx context.Context, name string) (*index.Branch, error) {
	ref, err := s.ref(ctx, name)
	if err != nil {
		return nil, err
	}
	commit, root, err := s.commit(ctx, ref.Commit)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", name, err)
	}
	s.mu.Lock()
	s.resolved[name] = commit.ID
	ref.Commit = commit.ID
	s.refs[name] = ref
	s.mu.Unlock()

	b, err := s.list(ctx, name, commit, root)
	if err != nil {
		return nil, fmt.Errorf("branch %s at commit %.12s: %w", name, commit.Hash, err)
	}
	return b, nil
}

func (s *GitSource) list(ctx context.Context, name string, commit *index.Commit, root index.ID) (*index.Branch, error) {
	packages, err := s.packagesOf(ctx, root)
	if err != nil {
		return nil, err
	}
	if packages == nil {
		return nil, fmt.Errorf("%w: it has no directory %s/", index.ErrEmptyBranch, packagesDir)
	}
	b, err := s.sortOut(ctx, name, commit, packages)
	if err != nil {
		return nil, err
	}
	return b, checkEmpty(b, packages)
}

// packagesOf gives what the directory of packages holds; nil when a commit has
// none.
func (s *GitSource) packagesOf(ctx context.Context, root index.ID) ([]treeEntry, error) {
	top, err := s.readTrees(ctx, []treeRef{{root, "/"}})
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(top[0], func(e treeEntry) bool { return e.name == packagesDir })
	if at < 0 || !top[0][at].isTree() {
		return nil, nil
	}
	packages, err := s.readTrees(ctx, []treeRef{{top[0][at].id, packagesDir}})
	if err != nil {
		return nil, err
	}
	return append([]treeEntry{}, packages[0]...), nil
}

// sortOut makes the Branch of entries of packages/.
func (s *GitSource) sortOut(ctx context.Context, name string, commit *index.Commit, packages []treeEntry) (*index.Branch, error) {
	var refs []treeRef
	var names []directory
	for _, e := range packages {
		if e.isTree() && ValidName(e.name) {
			refs = append(refs, treeRef{e.id, packagesDir + "/" + e.name})
			names = append(names, directory{name: e.name})
		}
	}
	trees, err := s.readTrees(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i := range names {
		names[i].entries = trees[i]
	}
	return sortOut(name, commit, packages, names), nil
}

// List gives the files of an entry; see Source. A directory whose tree object
// is missing is ErrNoObject, naming branch, path and id.
func (s *GitSource) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	if e.IsArchive() {
		return nil, fmt.Errorf("list %s of branch %s: it is an archive, which is read as a whole", e.Path, e.Branch)
	}
	files, err := walkTree(ctx, e.Tree, e.Path, s.readTrees)
	if err == nil {
		err = s.setSizes(ctx, files)
	}
	if err != nil {
		return nil, fmt.Errorf("list %s-%s of branch %s: %w", e.Name, e.Version, e.Branch, err)
	}
	return files, nil
}

// readTrees is a treeReader.
func (s *GitSource) readTrees(ctx context.Context, refs []treeRef) ([][]treeEntry, error) {
	got := make([][]treeEntry, len(refs))
	var ids []index.ID
	var where []int // the index in refs of each of ids
	for i, ref := range refs {
		entries, ok := s.trees.get(ref.id)
		if !ok {
			ids, where = append(ids, ref.id), append(where, i)
		}
		got[i] = entries
	}
	lacking, err := s.readTreesInto(ctx, refs, ids, where, got, s.promisor != "")
	if err != nil || len(lacking) == 0 {
		return got, err
	}
	ids = make([]index.ID, len(lacking))
	for i, at := range lacking {
		ids[i] = refs[at].id
	}
	if err := s.fetch(ctx, ids); err != nil {
		return nil, fmt.Errorf("directory %s: %w", refs[lacking[0]].path, err)
	}
	_, err = s.readTreesInto(ctx, refs, ids, lacking, got, false)
	return got, err
}

// readTreesInto reads the trees ids, which are those of refs at the indexes where.
// With skip it gives the indexes of those that are missing, which else are an error.
func (s *GitSource) readTreesInto(ctx context.Context, refs []treeRef, ids []index.ID, where []int, got [][]treeEntry, skip bool) (lacking []int, err error) {
	err = s.objects.read(ctx, ids, func(obj object) error {
		at := where[0]
		where = where[1:]
		path := refs[at].path
		if obj.missing && skip {
			lacking = append(lacking, at)
			return nil
		}
		if err := obj.check(treeObject); err != nil {
			return fmt.Errorf("directory %s: %w", path, err)
		}
		entries, err := parseTree(obj.content)
		if err != nil {
			return fmt.Errorf("directory %s: tree %s: %w", path, obj.id, err)
		}
		s.trees.put(obj.id, entries)
		got[at] = entries
		return nil
	})
	return lacking, err
}

// check reports whether an object is there and of the type that it should be.
func (o object) check(want objectType) error {
	switch {
	case o.missing:
		return fmt.Errorf("%s %s: %w: the clone may be partial or damaged; fetch all of it, or run git fsck", want, o.id, index.ErrNoObject)
	case o.typ != want:
		return fmt.Errorf("%s: %w: it is a %s, but is used as a %s", o.id, ErrBadObject, o.typ, want)
	}
	return nil
}

// setSizes sets the size of files from the headers of their objects. A file
// that is no blob, whatever the tree says, becomes Irregular.
func (s *GitSource) setSizes(ctx context.Context, files []index.File) error {
	infos := make(map[index.ID]blobInfo)
	var ask []index.ID
	s.mu.Lock()
	for _, f := range files {
		info, ok := s.blobs[f.Blob]
		if _, asked := infos[f.Blob]; !ok && !asked && f.Mode != index.Submodule {
			ask = append(ask, f.Blob)
		}
		infos[f.Blob] = info
	}
	s.mu.Unlock()
	var missing []index.ID
	note := func(obj object) error {
		info := blobInfo{size: obj.size, blob: obj.typ == BlobObject}
		if obj.missing {
			info = blobInfo{size: -1, blob: true}
			missing = append(missing, obj.id)
		}
		infos[obj.id] = info
		return nil
	}
	if err := s.infos.read(ctx, ask, note); err != nil {
		return err
	}
	if len(missing) > 0 && s.promisor != "" {
		if err := s.fetch(ctx, missing); err != nil {
			return err
		}
		if err := s.infos.read(ctx, missing, note); err != nil {
			return err
		}
	}
	s.mu.Lock()
	if len(s.blobs)+len(ask) > cachedSizes {
		clear(s.blobs)
	}
	for _, id := range ask {
		if infos[id].size >= 0 { // what is missing may be fetched yet
			s.blobs[id] = infos[id]
		}
	}
	s.mu.Unlock()
	for i := range files {
		if files[i].Mode == index.Submodule {
			continue // a commit of another repository
		}
		info := infos[files[i].Blob]
		files[i].Size = info.size
		if !info.blob {
			files[i].Mode = index.Irregular
		}
	}
	return nil
}

// Read gives the contents of blobs; see Source. Several goroutines read side by
// side from up to maxProcesses processes; fn must not call Read.
// Paths in order, package by package, are the best order: git keeps the bases
// of deltas that it met lately.
func (s *GitSource) Read(ctx context.Context, ids []index.ID, fn func(id index.ID, content []byte) error) error {
	return s.objects.read(ctx, ids, func(obj object) error {
		if err := obj.check(BlobObject); err != nil {
			return err
		}
		return fn(obj.id, obj.content)
	})
}

// Close ends the git processes.
func (s *GitSource) Close() error {
	errs := []error{s.objects.close(), s.infos.close(), s.commits.close()}
	for _, dir := range []string{s.temp, s.work} {
		if dir != "" {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
