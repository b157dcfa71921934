package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
)

// unit is what is read as a whole: the directory of a package version, or a file
// beside packages.
type unit struct {
	folder, rel string // rel is below folder, which is absolute
	display     string
	dirent      fs.DirEntry
	// named: the manifest says what the package is called, as name and version.
	named         bool
	name, version string

	entry treeEntry
	trees map[index.ID][]treeEntry
	blobs map[index.ID]diskBlob
	err   error
}

// workDir is a directory of packages, as found.
type workDir struct {
	display string
	top     []*unit // files in it
	odd     []treeEntry
	names   []workName
	named   []*unit
}

// workName is a directory with the versions of a package.
type workName struct {
	name     string
	versions []*unit
	odd      []treeEntry
}

// workScan is one look at all packages.
type workScan struct {
	source  *WorkSource
	changed func(path string) bool
	units   map[string]*unit // by absolute path
	dirs    []workDir
	todo    []*unit
	gone    []index.Problem
}

// someTree stands for a directory that is passed over, and so never read.
var someTree = index.ID{1}

func hasPackages(dir string) bool {
	info, err := os.Lstat(filepath.Join(dir, packagesDir))
	return err == nil && info.IsDir()
}

func isFile(path string) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular()
}

// dropping reports whether a file is one that an editor or a system leaves for a
// moment, or for itself: it is not part of a package.
func dropping(name string) bool {
	return name == ".DS_Store" || name == "4913" || strings.HasSuffix(name, "~") || strings.HasPrefix(name, ".#") ||
		len(name) > 1 && strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") ||
		strings.HasPrefix(name, ".") && (strings.HasSuffix(name, ".swp") || strings.HasSuffix(name, ".swo") || strings.HasSuffix(name, ".swx"))
}

// list lists a directory; one that is not there is empty.
func (w *workScan) list(dir string) []fs.DirEntry {
	dirents, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.gone = append(w.gone, index.Problem{File: display(dir), Rule: index.RuleFileUnreadable, Detail: "the directory cannot be read: " + reason(err)})
	}
	out := dirents[:0]
	for _, d := range dirents {
		if d.Name() != gitDir && !dropping(d.Name()) {
			out = append(out, d)
		}
	}
	return out
}

// reason is an error without the path, which stands beside it.
func reason(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// find finds the packages at a path.
func (w *workScan) find(p string) {
	parent, base := filepath.Dir(p), filepath.Base(p)
	info, err := os.Stat(p)
	if err != nil {
		w.gone = append(w.gone, index.Problem{File: display(p), Rule: index.RuleFileUnreadable, Detail: "cannot be read: " + reason(err)})
		return
	}
	alone := func(dir, name string) *unit {
		return w.unit(dir, name, fs.FileInfoToDirEntry(info), false)
	}
	switch d := (workDir{display: display(parent)}); {
	case !info.IsDir():
		d.top = kept(alone(parent, base))
		if sig, err := os.Lstat(p + signatureSuffix); err == nil {
			d.top = append(d.top, kept(w.unit(parent, base+signatureSuffix, fs.FileInfoToDirEntry(sig), false))...)
		}
		w.dirs = append(w.dirs, d)
	case validVersion(base) && ValidName(filepath.Base(parent)):
		name := filepath.Base(parent)
		d.display = display(filepath.Dir(parent))
		d.names = []workName{{name: name, versions: kept(alone(filepath.Dir(parent), filepath.Join(name, base)))}}
		w.dirs = append(w.dirs, d)
	case hasPackages(p):
		w.packages(filepath.Join(p, packagesDir))
	case w.holdsVersions(p) && ValidName(base):
		d.names = []workName{w.versions(parent, base)}
		w.dirs = append(w.dirs, d)
	case isFile(filepath.Join(p, "manifest.yml")):
		d.named = kept(w.unit(parent, base, fs.FileInfoToDirEntry(info), true))
		w.dirs = append(w.dirs, d)
	default:
		w.packages(p)
	}
}

// holdsVersions reports whether a directory holds others that are called as versions.
func (w *workScan) holdsVersions(dir string) bool {
	dirents, _ := os.ReadDir(dir)
	for _, d := range dirents {
		if d.IsDir() && validVersion(d.Name()) {
			return true
		}
	}
	return false
}

// packages finds what a directory of packages holds.
func (w *workScan) packages(dir string) {
	d := workDir{display: display(dir)}
	for _, e := range w.list(dir) {
		at := filepath.Join(dir, e.Name())
		switch {
		case !e.IsDir():
			d.top = append(d.top, kept(w.unit(dir, e.Name(), e, false))...)
		case strings.HasPrefix(e.Name(), "."):
		case !w.holdsVersions(at) && isFile(filepath.Join(at, "manifest.yml")):
			d.named = append(d.named, kept(w.unit(dir, e.Name(), e, true))...)
		default:
			n := w.versions(dir, e.Name())
			if len(n.versions)+len(n.odd) == 0 {
				continue // git does not know of empty directories
			}
			d.odd = append(d.odd, treeEntry{name: e.Name(), mode: modeTree, id: someTree})
			d.names = append(d.names, n)
		}
	}
	w.dirs = append(w.dirs, d)
}

// versions finds what the directory of a package holds.
func (w *workScan) versions(dir, name string) workName {
	n := workName{name: name}
	for _, e := range w.list(filepath.Join(dir, name)) {
		if e.IsDir() && !validVersion(e.Name()) {
			n.odd = append(n.odd, treeEntry{name: e.Name(), mode: modeTree, id: someTree})
			continue
		}
		n.versions = append(n.versions, kept(w.unit(dir, filepath.Join(name, e.Name()), e, false))...)
	}
	return n
}

// unit is what was read before, if it has not changed, else what is to be read; nil
// if another path led there already.
func (w *workScan) unit(folder, rel string, d fs.DirEntry, named bool) *unit {
	abs := filepath.Join(folder, rel)
	if w.units[abs] != nil {
		return nil
	}
	old := w.source.units[abs]
	if old != nil && old.err == nil && old.named == named && old.dirent.Type() == d.Type() && !w.changed(abs) {
		w.units[abs] = old
		return old
	}
	u := &unit{folder: folder, rel: rel, display: display(abs), dirent: d, named: named}
	if old != nil {
		u.name, u.version = old.name, old.version // should the manifest not say it for a while
	}
	w.units[abs] = u
	w.todo = append(w.todo, u)
	return u
}

func kept(u *unit) []*unit {
	if u == nil {
		return nil
	}
	return []*unit{u}
}

// read hashes what has to be read, and reports whether there was any.
func (w *workScan) read(ctx context.Context) (fresh bool, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, u := range w.todo {
		g.Go(func() error {
			u.err = u.scan(ctx, w.source.identify)
			return ctx.Err()
		})
	}
	err = g.Wait()
	return len(w.todo) > 0, err
}

// scan hashes a unit.
func (u *unit) scan(ctx context.Context, identify func([]byte) (string, string)) error {
	root, err := os.OpenRoot(u.folder)
	if err != nil {
		return err
	}
	defer root.Close()
	s := newFolderScan(u.folder)
	s.leaveOut = func(d fs.DirEntry) bool {
		return dropping(d.Name()) || u.named && d.IsDir() && d.Name() == "_dev"
	}
	counted, rel := 0, filepath.ToSlash(u.rel)
	if u.entry, err = s.entry(ctx, root, rel, rel, u.dirent, &counted); err != nil {
		return err
	}
	u.trees, u.blobs = s.trees, s.blobs
	if !u.named || u.entry.id.IsZero() {
		return nil
	}
	f, _, err := openRegular(root, path.Join(rel, "manifest.yml"))
	if err != nil {
		return err
	}
	defer f.Close()
	manifest, err := io.ReadAll(io.LimitReader(f, maxManifest))
	if err != nil {
		return err
	}
	if name, version := identify(manifest); ValidName(name) && validVersion(version) {
		u.name, u.version = name, version
	}
	if u.name == "" { // what is wrong with the manifest is for the parser to say
		u.name, u.version = path.Base(rel), "0.0.0"
		if !ValidName(u.name) {
			u.name = "unnamed"
		}
	}
	return nil
}

// maxManifest is how much of a manifest is looked at for its name, in bytes.
const maxManifest = 1 << 20

// branch makes the Branch of what was found and read.
func (w *workScan) branch() *index.Branch {
	l := &listing{branch: WorkBranch}
	for _, p := range w.gone {
		p.Branch = WorkBranch
		l.found.Errors = append(l.found.Errors, p)
	}
	for _, d := range w.dirs {
		l.dir = d.display
		top, names := d.odd, []directory(nil)
		for _, u := range d.top {
			top = append(top, l.read(u)...)
		}
		for _, n := range d.names {
			dir := directory{name: n.name, entries: n.odd}
			for _, u := range n.versions {
				dir.entries = append(dir.entries, l.read(u)...)
			}
			names = append(names, dir)
		}
		l.sort(top, names)
		for _, u := range d.named {
			for _, e := range l.read(u) {
				l.add(index.Entry{Name: u.name, Version: u.version, Path: u.display, Tree: e.id})
			}
		}
	}
	return l.finish(nil)
}

// read is the entry of a unit, none if git would not know of it or it cannot be read.
func (l *listing) read(u *unit) []treeEntry {
	if u.err == nil {
		if u.entry.isTree() && u.entry.id.IsZero() {
			return nil
		}
		e := u.entry
		e.name = path.Base(filepath.ToSlash(u.rel))
		return []treeEntry{e}
	}
	name, version := u.name, u.version
	if dir, base := filepath.Split(u.rel); !u.named && validVersion(base) {
		name, version = filepath.Base(dir), base
	}
	rule := index.RuleFileUnreadable
	var listed *Unlistable
	if errors.As(u.err, &listed) {
		rule = listed.Rule
	}
	l.problem(name, version, u.display, rule, "%s", fmt.Sprintf("cannot be read: %v", u.err))
	return nil
}
