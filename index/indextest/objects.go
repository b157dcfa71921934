package indextest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// object stores an object, loose, as git does, and returns its id. It starts no git:
// a process for each file was most of the time that tests took.
func (r *Repo) object(kind, content string) string {
	r.t.Helper()
	data := fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content)
	sum := sha1.Sum(data)
	id := hex.EncodeToString(sum[:])
	name := r.objectPath(id)
	if _, err := os.Stat(name); err == nil {
		return id
	}
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, err := w.Write(data)
	err = errors.Join(err, w.Close(), os.MkdirAll(filepath.Dir(name), 0o777), r.put(name, b.Bytes(), 0o444))
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// put writes a file at once, for those who read the repository at the same time.
func (r *Repo) put(name string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(r.Dir, "new-")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Chmod(mode), f.Close(), os.Rename(f.Name(), name))
}

// folder is a folder that becomes a tree: its files, and the folders in it.
type folder struct {
	files   map[string]TreeEntry
	folders map[string]*folder
}

func newFolder() *folder { return &folder{map[string]TreeEntry{}, map[string]*folder{}} }

// add puts a file at a path.
func (f *folder) add(path, mode, id string) {
	first, rest, below := strings.Cut(path, "/")
	if !below {
		f.files[first] = TreeEntry{mode, first, id}
		return
	}
	if f.folders[first] == nil {
		f.folders[first] = newFolder()
	}
	f.folders[first].add(rest, mode, id)
}

// store stores a folder as trees, in git's order: as if names of folders ended in "/".
func (f *folder) store(r *Repo) string {
	r.t.Helper()
	entries := map[string]TreeEntry{}
	for name, e := range f.files {
		entries[name] = e
	}
	for name, below := range f.folders {
		entries[name+"/"] = TreeEntry{ModeTree, name, below.store(r)}
	}
	var names []string
	for name := range entries {
		names = append(names, name)
	}
	slices.Sort(names)
	var ordered []TreeEntry
	for _, name := range names {
		ordered = append(ordered, entries[name])
	}
	return r.Tree(ordered...)
}

// tip is the commit of a branch; "" if there is no such branch.
func (r *Repo) tip(branch string) string {
	r.t.Helper()
	id, err := os.ReadFile(r.refPath(branch))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(r.Dir, "packed-refs")); err != nil {
			return ""
		}
		return r.Git("", "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(id))
}

// setTip moves a branch.
func (r *Repo) setTip(branch, commit string) {
	r.t.Helper()
	name := r.refPath(branch)
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), r.put(name, []byte(commit+"\n"), 0o666)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *Repo) refPath(branch string) string {
	return filepath.Join(r.Dir, "refs", "heads", filepath.FromSlash(branch))
}
