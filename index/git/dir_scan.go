package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
)

// gitDir is what git keeps in a work tree for itself: a directory, or a file
// that names one.
const gitDir = ".git"

// readBuffer is what a file is hashed through, in bytes. Nearly all files fit.
const readBuffer = 128 << 10

// ErrChanged: a file is not what it was when its folder was listed.
var ErrChanged = errors.New("changed while it was read: build again when nothing writes to the folder")

// folderScan is what a folder holds, hashed.
type folderScan struct {
	folder   string
	id       index.ID    // the tree id of packages/
	packages []treeEntry // its entries, and those of the directories in it
	names    []directory
	// leaveOut, if set, says what is passed over below a package's directory.
	leaveOut func(fs.DirEntry) bool

	buffers sync.Pool
	mu      sync.Mutex
	trees   map[index.ID][]treeEntry
	blobs   map[index.ID]diskBlob
}

func newFolderScan(folder string) *folderScan {
	return &folderScan{
		folder:  folder,
		buffers: sync.Pool{New: func() any { return new([readBuffer]byte) }},
		trees:   make(map[index.ID][]treeEntry),
		blobs:   make(map[index.ID]diskBlob),
	}
}

// scanFolder reads and hashes packages/ of a folder, on all cores.
func scanFolder(ctx context.Context, folder string) (*folderScan, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	s := newFolderScan(folder)
	info, err := root.Lstat(packagesDir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("%w: %s has no directory %s/", index.ErrEmptyBranch, folder, packagesDir)
	}
	if err != nil {
		return nil, err
	}
	if err := s.scan(ctx, root); err != nil {
		return nil, fmt.Errorf("read folder %s: %w", folder, err)
	}
	return s, nil
}

// scan lists the two upper levels, has their members read in parallel (most of
// them are package versions, far more than cores), and puts all together.
func (s *folderScan) scan(ctx context.Context, root *os.Root) error {
	top, err := readDir(root, packagesDir)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	member := func(p string, d fs.DirEntry, to *treeEntry) {
		g.Go(func() (err error) {
			counted := 0
			*to, err = s.entry(ctx, root, p, p, d, &counted)
			return err
		})
	}
	s.packages = make([]treeEntry, len(top))
	below := make([][]treeEntry, len(top))
	for i, d := range top {
		name := packagesDir + "/" + d.Name()
		if !d.IsDir() {
			member(name, d, &s.packages[i])
			continue
		}
		dirents, err := readDir(root, name)
		if err != nil {
			return errors.Join(err, g.Wait())
		}
		below[i] = make([]treeEntry, len(dirents))
		for j, d := range dirents {
			member(name+"/"+d.Name(), d, &below[i][j])
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, d := range top {
		if d.IsDir() {
			entries, id := s.addTree(below[i])
			s.packages[i] = treeEntry{name: d.Name(), mode: modeTree, id: id}
			s.names = append(s.names, directory{name: d.Name(), entries: entries})
		}
	}
	s.packages, s.id = s.addTree(s.packages)
	return nil
}

// addTree remembers a directory and gives its tree id, zero if git would not
// know of it. It returns its entries without empty directories, in order of name.
func (s *folderScan) addTree(entries []treeEntry) ([]treeEntry, index.ID) {
	entries = slices.DeleteFunc(entries, func(e treeEntry) bool { return e.isTree() && e.id.IsZero() })
	if len(entries) == 0 {
		return nil, index.ID{}
	}
	id := ObjectID(treeObject, formatTree(entries))
	slices.SortFunc(entries, func(a, b treeEntry) int { return cmp.Compare(a.name, b.name) })
	s.mu.Lock()
	s.trees[id] = entries
	s.mu.Unlock()
	return entries, id
}

// readDir lists a directory above the packages, without what belongs to git.
func readDir(root *os.Root, name string) ([]fs.DirEntry, error) {
	dirents, err := readAll(root, name)
	return slices.DeleteFunc(dirents, func(d fs.DirEntry) bool { return d.Name() == gitDir }), err
}

func readAll(root *os.Root, name string) ([]fs.DirEntry, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.ReadDir(-1)
}

// entry hashes one member of a directory: name in root, full in the folder.
// counted is the number of entries met so far in the package.
func (s *folderScan) entry(ctx context.Context, root *os.Root, name, full string, d fs.DirEntry, counted *int) (treeEntry, error) {
	e := treeEntry{name: path.Base(full)}
	if err := ctx.Err(); err != nil {
		return e, err
	}
	if *counted++; *counted > maxListed {
		return e, tooMany(full)
	}
	var err error
	switch d.Type() {
	case fs.ModeDir:
		e.mode = modeTree
		e.id, err = s.dir(ctx, root, name, full, counted)
	case fs.ModeSymlink:
		var target string
		target, err = root.Readlink(name)
		e.mode, e.id = modeSymlink, ObjectID(BlobObject, []byte(target))
		s.addBlob(e.id, diskBlob{path: full, size: int64(len(target)), link: true})
	case 0:
		var info fs.FileInfo
		e.id, info, err = s.hashFile(root, name)
		if err == nil {
			e.mode = modeFile | 0o644
			if info.Mode()&modeExec != 0 {
				e.mode = modeFile | 0o755
			}
			s.addBlob(e.id, diskBlob{path: full, size: info.Size()})
		}
		// Git passes over devices, sockets and pipes. Here they are listed
		// with no mode, for CheckFiles; they are never opened, which could block.
	}
	if err != nil {
		return e, inFolder(full, err)
	}
	return e, nil
}

// inFolder names a file in an error by its path in the folder, where the error
// itself only knows the last element.
func inFolder(full string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) && pathErr.Path != full {
		return fmt.Errorf("%s: %w", full, pathErr.Err)
	}
	return err
}

// dir hashes a directory and what is below.
func (s *folderScan) dir(ctx context.Context, root *os.Root, name, full string, counted *int) (index.ID, error) {
	if len(full) > maxListPath {
		return index.ID{}, tooDeep(full)
	}
	sub, err := root.OpenRoot(name)
	if err != nil {
		return index.ID{}, err
	}
	defer sub.Close()
	dirents, err := readAll(sub, ".")
	if err != nil {
		return index.ID{}, err
	}
	if s.leaveOut != nil {
		dirents = slices.DeleteFunc(dirents, s.leaveOut)
	}
	entries := make([]treeEntry, len(dirents))
	for i, d := range dirents {
		if d.Name() == gitDir {
			// Listed for CheckFiles, which refuses the name, and not read: it can
			// be a whole repository.
			entries[i] = treeEntry{name: gitDir}
			continue
		}
		if entries[i], err = s.entry(ctx, sub, d.Name(), full+"/"+d.Name(), d, counted); err != nil {
			return index.ID{}, err
		}
	}
	_, id := s.addTree(entries)
	return id, nil
}

func (s *folderScan) addBlob(id index.ID, b diskBlob) {
	b.folder = s.folder
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.blobs[id]; !ok || old.link {
		s.blobs[id] = b
	}
}

// hashFile is the blob id of a file, and what kind of file was open then.
func (s *folderScan) hashFile(root *os.Root, name string) (index.ID, fs.FileInfo, error) {
	f, info, err := openRegular(root, name)
	if err != nil {
		return index.ID{}, nil, err
	}
	defer f.Close()
	buf := s.buffers.Get().(*[readBuffer]byte)
	defer s.buffers.Put(buf)
	h := newObjectHash(BlobObject, info.Size())
	for at := int64(0); ; {
		n, err := f.Read(buf[:])
		h.Write(buf[:n])
		at += int64(n)
		switch {
		case err != nil && err != io.EOF:
			return index.ID{}, nil, err
		case at > info.Size(), err == io.EOF && at != info.Size():
			return index.ID{}, nil, &fs.PathError{Op: "read", Path: name, Err: ErrChanged}
		case err == io.EOF:
			return index.ID(h.Sum(nil)), info, nil
		}
	}
}

// openRegular opens a file, and nothing but a file: should it have become a
// pipe since it was listed, opening it without O_NONBLOCK would wait for ever.
func openRegular(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: ErrChanged}
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// diskReader reads files of folders. What it returns is valid until the next read.
type diskReader struct {
	roots map[string]*os.Root
	// dir is the directory of the last file: the next is often beside it,
	// and opening a long path in a Root opens each directory on the way.
	dir     *os.Root
	dirPath string
	buf     []byte
}

func (r *diskReader) close() {
	length := cap(r.buf)
	r.buf = nil
	giveBack(length)
	if r.dir != nil {
		r.dir.Close()
	}
	for _, root := range r.roots {
		root.Close()
	}
}

// enter makes dir the directory of a file.
func (r *diskReader) enter(b diskBlob) error {
	dirPath := filepath.Join(b.folder, path.Dir(b.path))
	if r.dir != nil && r.dirPath == dirPath {
		return nil
	}
	root, ok := r.roots[b.folder]
	if !ok {
		var err error
		if root, err = os.OpenRoot(b.folder); err != nil {
			return err
		}
		r.roots[b.folder] = root
	}
	dir, err := root.OpenRoot(path.Dir(b.path))
	if err != nil {
		return err
	}
	if r.dir != nil {
		r.dir.Close()
	}
	r.dir, r.dirPath = dir, dirPath
	return nil
}

func (r *diskReader) read(b diskBlob) ([]byte, error) {
	if err := r.enter(b); err != nil {
		return nil, err
	}
	if b.link {
		target, err := r.dir.Readlink(path.Base(b.path))
		return []byte(target), err
	}
	f, info, err := openRegular(r.dir, path.Base(b.path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if b.size > maxObject {
		return nil, fmt.Errorf("it has %d bytes: files over %d bytes are not read", b.size, maxObject)
	}
	if info.Size() != b.size {
		return nil, ErrChanged
	}
	if int64(cap(r.buf)) < b.size {
		r.buf = nil // before another takes its place
		r.buf = make([]byte, b.size+min(b.size/4, keepBuffer))
	}
	content := r.buf[:b.size:b.size]
	if _, err := io.ReadFull(f, content); err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrChanged, err)
	}
	return content, nil
}
