package git

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

func openDir(t *testing.T, root string) *DirSource {
	t.Helper()
	s, err := OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func contents(t *testing.T, s index.Source, b *index.Branch) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, e := range b.Entries {
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		var ids []index.ID
		for _, f := range files {
			ids = append(ids, f.Blob)
		}
		at := 0
		err = s.Read(t.Context(), ids, func(id index.ID, content []byte) error {
			f := files[at]
			if int64(len(content)) != f.Size || id != f.Blob {
				t.Errorf("%s: %d bytes of %s, listed as %+v", f.Path, len(content), id, f)
			}
			all[e.Path+"/"+f.Path] = string(content)
			at++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestDirLikeGit: the same content has the same ids, order and sizes.
func TestDirLikeGit(t *testing.T) {
	const archive = twoBranches + `
-- production/packages/apache/1.0.0/link (symlink) --
a.b
-- production/packages/apache/1.0.0/same-as-link --
a.b
-- production/packages/apache/1.0.0/a0 --
sorts after a/ in git, and after a here
-- production/packages/apache/1.0.0/a-b/x --
sorts before a/ in git
`
	repo := indextest.NewRepoFrom(t, archive)
	root := indextest.Folders(t, archive)
	// What git does not know of.
	if err := os.MkdirAll(filepath.Join(root, "production/packages/apache/1.0.0/empty/emptier"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(root, "production/packages/apache/9.9.9"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "production/packages/.git"), []byte("gitdir: x"), 0o666); err != nil {
		t.Fatal(err)
	}
	g := openGit(t, repo.Dir)
	for _, d := range []*DirSource{
		openDir(t, root),
		OpenDirs(map[string]string{"production": filepath.Join(root, "production"), "staging": filepath.Join(root, "staging")}),
	} {
		for _, name := range []string{"production", "staging"} {
			fromGit, fromDir := branch(t, g, name), branch(t, d, name)
			if !slices.Equal(fromGit.Entries, fromDir.Entries) {
				t.Errorf("entries are %+v, in git %+v", fromDir.Entries, fromGit.Entries)
			}
			for _, e := range fromDir.Entries {
				a, err := g.List(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				b, err := d.List(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(a, b) {
					t.Errorf("files are %+v, in git %+v", b, a)
				}
			}
			if a, b := contents(t, g, fromGit), contents(t, d, fromDir); !maps.Equal(a, b) {
				t.Errorf("contents are %q, in git %q", b, a)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDirGitInPackage: what git leaves out of a package is refused, not lost, and
// is not read.
func TestDirGitInPackage(t *testing.T) {
	for _, at := range []string{".git", "docs/.git"} {
		for _, isDir := range []bool{false, true} {
			root := indextest.Folders(t, twoBranches)
			name := filepath.Join(root, "production/packages/apache/1.0.0", filepath.FromSlash(at))
			if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
				t.Fatal(err)
			}
			if isDir {
				if err := os.MkdirAll(filepath.Join(name, "objects"), 0o777); err != nil {
					t.Fatal(err)
				}
				name = filepath.Join(name, "HEAD")
			}
			if err := os.WriteFile(name, []byte("gitdir: x"), 0o666); err != nil {
				t.Fatal(err)
			}
			s := openDir(t, root)
			b := branch(t, s, "production")
			i := slices.IndexFunc(b.Entries, func(e index.Entry) bool { return e.Path == "packages/apache/1.0.0" })
			files, err := s.List(t.Context(), b.Entries[i])
			if err != nil {
				t.Fatal(err)
			}
			found := index.CheckFiles(files, index.Limits{}).Errors
			if !slices.ContainsFunc(found, func(p index.Problem) bool { return p.File == at && p.Rule == index.RulePathElement }) {
				t.Errorf("%s, a directory %v: %v", at, isDir, found)
			}
		}
	}
}

func TestDirCommit(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	root := t.TempDir()
	work := filepath.Join(root, "production")
	indextest.Git(t, root, "", "clone", "--quiet", "--branch=production", repo.Dir, work)
	s := openDir(t, root)

	b := branch(t, s, "production")
	if b.Commit == nil || b.Commit.Subject != "add production" || b.Commit.Hash != repo.Git("", "rev-parse", "production") {
		t.Errorf("commit is %+v", b.Commit)
	}
	if len(b.Found.Warnings) != 0 {
		t.Errorf("warnings: %v", b.Found.Warnings)
	}
	c, err := s.LastChange(t.Context(), "production", "packages/apache/1.0.0")
	if err != nil || c == nil || c.Subject != "add production" {
		t.Errorf("last change is %+v, %v", c, err)
	}
	if c, err := s.LastChange(t.Context(), "production", "packages/none"); c != nil || err != nil {
		t.Errorf("the last change of nothing is %+v, %v", c, err)
	}

	manifest := filepath.Join(work, "packages/apache/1.0.0/manifest.yml")
	if err := os.WriteFile(manifest, []byte("changed"), 0o666); err != nil {
		t.Fatal(err)
	}
	b = branch(t, s, "production")
	if b.Commit != nil || len(b.Found.Warnings) != 1 {
		t.Fatalf("of a changed work tree: commit %+v, warnings %v", b.Commit, b.Found.Warnings)
	}
	wantError(t, errors.New(b.Found.Warnings[0].String()), nil, "production: packages: ", work, "is not the content of a commit", "is not that of HEAD", "[not-committed]")
}

func TestDirOutsideGit(t *testing.T) {
	s := openDir(t, indextest.Folders(t, twoBranches))
	b := branch(t, s, "staging")
	if b.Commit != nil || len(b.Found.Warnings) != 1 || !strings.Contains(b.Found.Warnings[0].Detail, "it is not in a git work tree") {
		t.Errorf("commit %+v, warnings %v", b.Commit, b.Found.Warnings)
	}
	if c, err := s.LastChange(t.Context(), "staging", "packages"); c != nil || err != nil {
		t.Errorf("last change is %+v, %v", c, err)
	}
	t.Setenv("PATH", t.TempDir())
	if b := branch(t, s, "staging"); !strings.Contains(b.Found.Warnings[0].Detail, "install git") {
		t.Errorf("without git: %v", b.Found.Warnings)
	}
}

func TestDirFaults(t *testing.T) {
	root := indextest.Folders(t, twoBranches+"-- nothing/README.md --\n-- others/packages/README.md --\n-- file/packages --\n-- link/packages (symlink) --\n../staging/packages\n")
	s := openDir(t, root)
	for name, want := range map[string]string{
		"gone": "there is no directory", "": "has no folder", "../x": "has no folder", "/etc": "has no folder", "staging/../production": "has no folder",
	} {
		_, err := s.Branch(t.Context(), name)
		wantError(t, err, index.ErrNoBranch, want)
		_, err = s.LastChange(t.Context(), name, "packages")
		wantError(t, err, index.ErrNoBranch, want)
	}
	long := strings.Repeat("b", 256) // more than a name may have
	_, longErr := s.Branch(t.Context(), long)
	wantError(t, longErr, syscall.ENAMETOOLONG, "branch "+long)
	if errors.Is(longErr, index.ErrNoBranch) {
		t.Error("what cannot be looked at is taken for what is not there")
	}
	_, err := OpenDirs(map[string]string{"a": root}).Branch(t.Context(), "b")
	wantError(t, err, index.ErrNoBranch, `"b" has no folder`)
	for _, name := range []string{"nothing", "file", "link"} {
		_, err := s.Branch(t.Context(), name)
		wantError(t, err, index.ErrEmptyBranch, name, "has no directory packages/")
	}
	_, err = s.Branch(t.Context(), "others")
	wantError(t, err, index.ErrEmptyBranch, "branch others", "1 other files")
	for dir, want := range map[string]string{filepath.Join(root, "gone"): "no such file", filepath.Join(root, "nothing/README.md"): "is not a directory"} {
		_, err := OpenDir(dir)
		wantError(t, err, nil, "open folder of branches", want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Branch(ctx, "production")
	wantError(t, err, context.Canceled, "production")

	_, err = s.List(t.Context(), index.Entry{Branch: "production", Name: "p", Version: "1.0.0", Path: "packages/p/1.0.0", Tree: index.ID{1}})
	wantError(t, err, index.ErrNoObject, "p-1.0.0", "packages/p/1.0.0")
	_, err = s.List(t.Context(), index.Entry{Branch: "production", Archive: index.ID{1}, Path: "packages/p-1.0.0.zip"})
	wantError(t, err, nil, "is an archive")
	err = s.Read(t.Context(), []index.ID{{1}}, nil)
	wantError(t, err, index.ErrNoObject, index.ID{1}.String())
	for _, e := range branch(t, s, "staging").Entries {
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if size, err := s.Size(t.Context(), f.Blob); err != nil || size != f.Size {
				t.Errorf("%s: %d bytes, %v, want %d", f.Path, size, err, f.Size)
			}
		}
	}
	_, err = s.Size(t.Context(), index.ID{1})
	wantError(t, err, index.ErrNoObject, index.ID{1}.String())
}

// TestDirIrregular: a pipe is listed, and never opened, which would block.
func TestDirIrregular(t *testing.T) {
	root := indextest.Folders(t, twoBranches)
	dir := filepath.Join(root, "staging/packages/zoom/0.2.0")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "etc")); err != nil {
		t.Fatal(err)
	}
	s := openDir(t, root)
	files, err := s.List(t.Context(), branch(t, s, "staging").Entries[0])
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range index.CheckFiles(files, index.Limits{}).Errors {
		got = append(got, p.File+" "+string(p.Rule))
	}
	indextest.Compare(t, "findings", got, []string{"etc symlink", "pipe irregular-file"})
}

func TestDirChangesWhileRead(t *testing.T) {
	for name, change := range map[string]func(file string) error{
		"other content": func(file string) error { return os.WriteFile(file, []byte("name: ZOOM\n"), 0o666) },
		"longer":        func(file string) error { return os.WriteFile(file, []byte("name: zoom\nx"), 0o666) },
		"gone":          os.Remove,
		"a directory":   func(file string) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o777)) },
		"a pipe":        func(file string) error { return errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o666)) },
		"a link out": func(file string) error {
			outside := file + "/../../../../../outside"
			return errors.Join(os.WriteFile(filepath.Clean(outside), []byte("name: zoom\n"), 0o666), os.Remove(file), os.Symlink(filepath.Clean(outside), file))
		},
		"a directory that is a link out": func(file string) error {
			dir := filepath.Dir(file)
			outside := filepath.Join(dir, "../../../../outside")
			return errors.Join(os.Rename(dir, outside), os.Symlink(outside, dir))
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := indextest.Folders(t, twoBranches)
			s := openDir(t, root)
			files, err := s.List(t.Context(), branch(t, s, "staging").Entries[0])
			if err != nil {
				t.Fatal(err)
			}
			if err := change(filepath.Join(root, "staging/packages/zoom/0.2.0/manifest.yml")); err != nil {
				t.Fatal(err)
			}
			err = s.Read(t.Context(), []index.ID{files[0].Blob}, func(index.ID, []byte) error { return errors.New("fn was called") })
			wantError(t, err, nil, "staging/packages/zoom/0.2.0/manifest.yml")
			if strings.Contains(err.Error(), "fn was called") {
				t.Error(err)
			}
		})
	}
}

// TestDirNamesWhatItCannotRead: the error has the path in the folder, however
// deep the file is.
func TestDirNamesWhatItCannotRead(t *testing.T) {
	folder := filepath.Join(indextest.Folders(t, twoBranches), "staging")
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	info, err := root.Lstat("packages/zoom/0.2.0/manifest.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"gone", "packages/zoom/0.2.0/manifest.yml"} {
		if got, err := readDir(root, dir); err == nil || len(got) > 0 {
			t.Errorf("%s is listed as %v, %v", dir, got, err)
		}
	}
	s := newFolderScan(folder)
	counted := 0
	_, err = s.entry(t.Context(), root, "manifest.yml", "packages/zoom/0.2.0/manifest.yml", fs.FileInfoToDirEntry(info), &counted)
	wantError(t, err, fs.ErrNotExist, "packages/zoom/0.2.0/manifest.yml: ")
	counted = maxListed
	_, err = s.entry(t.Context(), root, "x", "packages/zoom/0.2.0/x", fs.FileInfoToDirEntry(info), &counted)
	wantError(t, err, nil, "packages/zoom/0.2.0/x: holds over 250000")
}
