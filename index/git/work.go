package git

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// WorkBranch is what the one branch of a WorkSource is called.
const WorkBranch = "work"

// WorkSource reads packages where their authors have them: the work tree of a
// package storage or of an integrations repository, a folder of packages, a single
// package, ready-made archives. They have the ids that git would give them.
//
// What it has read it keeps, until Changed says that it is no longer so: then
// Branch reads the packages again that have changed, and no others.
type WorkSource struct {
	*DirSource
	paths    []string // absolute, links resolved
	identify func(manifest []byte) (name, version string)

	scanning sync.Mutex // guards all below; held by Branch
	units    map[string]*unit

	changing sync.Mutex
	changed  map[string]bool // absolute paths
	all      bool
}

var _ index.Source = (*WorkSource)(nil)

// OpenWork opens the packages at paths. identify finds in a manifest what a package
// is called, where its directories do not say so.
func OpenWork(paths []string, identify func(manifest []byte) (name, version string)) (*WorkSource, error) {
	s := &WorkSource{DirSource: newDirSource(nil), identify: identify, units: map[string]*unit{}, changed: map[string]bool{}}
	for _, p := range paths {
		abs, err := filepath.Abs(p)
		if err == nil {
			abs, err = filepath.EvalSymlinks(abs)
		}
		if err != nil {
			return nil, fmt.Errorf("open packages: %w", err)
		}
		s.paths = append(s.paths, abs)
	}
	return s, nil
}

// Changed notes that files or directories have changed, or that anything may have
// when no path is given.
func (s *WorkSource) Changed(paths ...string) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if len(paths) == 0 {
		s.all = true
	}
	for _, p := range paths {
		s.changed[p] = true
	}
}

// mostChanges is how many changes are looked at one by one: beyond, reading
// everything again is not slower.
const mostChanges = 512

// takeChanges returns what changed since the last call.
func (s *WorkSource) takeChanges() func(path string) bool {
	s.changing.Lock()
	defer s.changing.Unlock()
	changed, all := s.changed, s.all || len(s.changed) > mostChanges
	s.changed, s.all = map[string]bool{}, false
	return func(path string) bool {
		if all {
			return true
		}
		for c := range changed {
			if c == path || strings.HasPrefix(c, path+string(filepath.Separator)) || strings.HasPrefix(path, c+string(filepath.Separator)) {
				return true
			}
		}
		return false
	}
}

// Branch reads what has changed; see Source. There is no commit, and a package that
// cannot be read is a problem.
func (s *WorkSource) Branch(ctx context.Context, name string) (*index.Branch, error) {
	if name != WorkBranch {
		return nil, fmt.Errorf("%w: %q", index.ErrNoBranch, name)
	}
	s.scanning.Lock()
	defer s.scanning.Unlock()
	w := &workScan{source: s, changed: s.takeChanges(), units: map[string]*unit{}}
	for _, p := range s.paths {
		w.find(p)
	}
	fresh, err := w.read(ctx)
	if err != nil {
		s.Changed()
		return nil, err
	}
	if fresh || len(w.units) != len(s.units) {
		s.remember(w.units)
	}
	s.units = w.units
	return w.branch(), nil
}

// remember makes the contents of units the ones that List and Read know.
func (s *WorkSource) remember(units map[string]*unit) {
	trees, blobs := map[index.ID][]treeEntry{}, map[index.ID]diskBlob{}
	for _, u := range units {
		maps.Copy(trees, u.trees)
		for id, blob := range u.blobs {
			if old, ok := blobs[id]; !ok || old.link && !blob.link {
				blobs[id] = blob
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trees, s.blobs = trees, blobs
}

// LastChange finds the newest commit before HEAD that touched a package, if it is in
// a git work tree; see Source.
func (s *WorkSource) LastChange(ctx context.Context, _, path string) (*index.Commit, error) {
	s.scanning.Lock()
	folder, below := "", ""
	for _, u := range s.units {
		if u.display == path {
			folder, below = u.folder, u.rel
		}
	}
	s.scanning.Unlock()
	if folder == "" {
		return nil, nil
	}
	return OpenDirs(map[string]string{WorkBranch: folder}).LastChange(ctx, WorkBranch, filepath.ToSlash(below))
}

// Watched is a directory whose changes matter.
type Watched struct {
	Dir string
	// Deep: so do those of all that is below.
	Deep bool
}

// Watched lists the directories whose changes matter. They may not exist yet.
func (s *WorkSource) Watched() []Watched {
	var out []Watched
	for _, p := range s.paths {
		info, err := os.Stat(p)
		out = append(out, Watched{Dir: filepath.Dir(p)})
		switch {
		case err == nil && !info.IsDir():
		case hasPackages(p):
			out = append(out, Watched{Dir: p}, Watched{filepath.Join(p, packagesDir), true})
		default:
			out = append(out, Watched{p, true})
		}
	}
	return out
}

// display is a path as a person reads it: relative where that is shorter.
func display(abs string) string {
	here, err := os.Getwd()
	if err == nil {
		here, err = filepath.EvalSymlinks(here)
	}
	if err != nil {
		return filepath.ToSlash(abs)
	}
	rel, err := filepath.Rel(here, abs)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.ToSlash(abs)
	}
	return filepath.ToSlash(rel)
}
