package git

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// workTree is a clone with a work tree of production of twoBranches.
func workTree(t *testing.T) (dir string) {
	t.Helper()
	repo := indextest.NewRepoFrom(t, twoBranches)
	dir = filepath.Join(t.TempDir(), "work")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=production", repo.Dir, dir)
	return dir
}

func write(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		at := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o777), os.WriteFile(at, []byte(content), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
}

// everything is what a folder holds, by path.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWorkTree: what would be committed is a commit that this source alone knows, with
// what was added, changed and removed, and without what git ignores.
func TestWorkTree(t *testing.T) {
	dir := workTree(t)
	head := indextest.Git(t, dir, "", "rev-parse", "HEAD")
	if id, err := openGit(t, dir).WorkTree(t.Context()); err != nil || !id.IsZero() {
		t.Errorf("nothing has changed: %s, %v", id, err)
	}
	write(t, dir, map[string]string{"README.md": "beside packages\n", ".gitignore": "*.tmp\n"})
	if id, err := openGit(t, dir).WorkTree(t.Context()); err != nil || !id.IsZero() {
		t.Errorf("nothing in packages has changed: %s, %v", id, err)
	}
	write(t, dir, map[string]string{
		"packages/apache/1.0.0/manifest.yml": "name: changed\n", "packages/new/1.0.0/manifest.yml": "name: new\n", "packages/new/1.0.0/x.tmp": "ignored\n",
	})
	if err := os.RemoveAll(filepath.Join(dir, "packages/zoom")); err != nil {
		t.Fatal(err)
	}
	indextest.Git(t, dir, "", "add", "packages/new")
	before := everything(t, dir)
	s := openGit(t, dir)
	id, err := s.WorkTree(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	base, work, err := s.Compare(t.Context(), "production", mustID(t, head), id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range index.Changes(base, work) {
		files, err := s.ChangedFiles(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			got = append(got, f.Kind+" "+f.Path)
		}
	}
	indextest.Compare(t, "changes", got, []string{
		"changed packages/apache/1.0.0/manifest.yml", "added packages/new/1.0.0/manifest.yml", "removed packages/zoom/0.1.0+build/manifest.yml",
	})
	if body, err := s.FileAt(t.Context(), id, "packages/apache/1.0.0/manifest.yml"); err != nil || string(body) != "name: changed\n" {
		t.Errorf("%q, %v", body, err)
	}
	if body, err := s.FileAt(t.Context(), id, "README.md"); err != nil || string(body) != "not a package\n" {
		t.Errorf("beside packages: %q, %v", body, err)
	}
	if c := work.Commit; c.Author != "uncommitted" || c.Email != "" || c.Subject != "changes that are not committed" {
		t.Errorf("%+v", c)
	}
	if r, err := s.Relation(t.Context(), "production", head, id.String()); err != nil || r != index.Descendant {
		t.Errorf("its parent is not HEAD: %v, %v", r, err)
	}
	if !maps.Equal(everything(t, dir), before) {
		t.Error("something was written to the work tree or its repository")
	}
	temp := s.work
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(temp); temp == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is left behind in %q: %v", temp, err)
	}
	_, err = openGit(t, dir).FileAt(t.Context(), id, "README.md")
	wantError(t, err, index.ErrNoObject, id.String())
	// A new repository without a first commit has none to build on.
	empty := t.TempDir()
	indextest.Git(t, empty, "", "init", "--quiet")
	write(t, empty, map[string]string{"packages/new/1.0.0/manifest.yml": "name: new\n"})
	_, err = openGit(t, empty).WorkTree(t.Context())
	wantError(t, err, nil, "read the work tree of "+empty)
}

// TestNoWorkTree: where there is no work tree to read, or git refuses, it is as if nothing
// had changed.
func TestNoWorkTree(t *testing.T) {
	dir := workTree(t)
	write(t, dir, map[string]string{"packages/apache/1.0.0/manifest.yml": "name: changed\n"})
	bare := filepath.Join(t.TempDir(), "bare")
	indextest.Git(t, dir, "", "clone", "--quiet", "--bare", dir, bare)
	if id, err := openGit(t, bare).WorkTree(t.Context()); err != nil || !id.IsZero() {
		t.Errorf("a bare repository: %s, %v", id, err)
	}
	// A hook that judges a push: what is pushed is in a folder of its own.
	t.Run("in a hook", func(t *testing.T) {
		incoming := filepath.Join(dir, ".git", "objects", "incoming-1")
		if err := os.Mkdir(incoming, 0o777); err != nil {
			t.Fatal(err)
		}
		t.Setenv("GIT_QUARANTINE_PATH", incoming)
		t.Setenv("GIT_OBJECT_DIRECTORY", incoming)
		if id, err := openGit(t, dir).WorkTree(t.Context()); err != nil || !id.IsZero() {
			t.Errorf("%s, %v", id, err)
		}
	})
	wrapGit(t, `case "$1" in status) echo 'fatal: detected dubious ownership' >&2; exit 128;; esac`)
	if id, err := openGit(t, dir).WorkTree(t.Context()); err != nil || !id.IsZero() {
		t.Errorf("git does not take it for the user's own: %s, %v", id, err)
	}
}
