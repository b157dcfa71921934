package git

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

func TestGitIgnoresTheMachine(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	original := repo.Git("", "rev-parse", "staging:packages/zoom/0.2.0/manifest.yml")
	repo.Git("", "replace", original, repo.Blob("replaced"))

	// What a hook sets, and a user's configuration that breaks git.
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte("[broken\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("GIT_DIR", filepath.Join(home, "elsewhere"))
	t.Setenv("GIT_INDEX_FILE", "elsewhere")
	t.Setenv("GIT_OBJECT_DIRECTORY", "elsewhere")
	t.Setenv("LC_ALL", "de_DE.UTF-8")

	s := openGit(t, repo.Dir)
	branch(t, s, "staging")
	var content string
	err := s.Read(t.Context(), []index.ID{mustID(t, original)}, func(_ index.ID, c []byte) error { content = string(c); return nil })
	if err != nil || content != "name: zoom\n" {
		t.Errorf("content is %q, %v", content, err)
	}
}

// TestGitForeignOwner has git believe that the repository is someone else's, by
// the variable that git's own tests use.
func TestGitForeignOwner(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	wrapGit(t, "export GIT_TEST_ASSUME_DIFFERENT_OWNER=1")
	if out, err := exec.Command("git", "-C", repo.Dir, "rev-parse", "HEAD").CombinedOutput(); err == nil || !strings.Contains(string(out), "dubious ownership") {
		t.Fatalf("git accepts the repository without being told to: %s", out)
	}
	branch(t, openGit(t, repo.Dir), "staging")
}

// wrapGit puts a git on the PATH that runs a line of shell first.
func wrapGit(t *testing.T, line string) {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := "#!/bin/sh\n" + line + "\nexec '" + git + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestGitWithoutGit(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	t.Setenv("PATH", t.TempDir())
	_, err := OpenGit(t.Context(), repo.Dir)
	wantError(t, err, exec.ErrNotFound, "install git")
}

// TestGitPartialClone lists one entry of a clone without blobs: its contents are
// fetched, and those of no other entry.
func TestGitPartialClone(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("main", "two packages",
		"-- packages/p/1.0.0/manifest.yml --\nname: p\n-- packages/p/1.0.0/docs/README.md --\n# p\n-- packages/q/1.0.0/manifest.yml --\nname: q\n")
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	repo.Git("", "config", "uploadpack.allowAnySHA1InWant", "true")
	clone := filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--depth", "1", "--filter=blob:none", "file://"+repo.Dir, clone)
	s := openGit(t, clone)
	entries := branch(t, s, "main").Entries
	if got := s.fetchedObjects(); got != 0 {
		t.Errorf("%d objects were fetched to list a branch, want none", got)
	}
	files, err := s.List(t.Context(), entries[0])
	if err != nil {
		t.Fatal(err)
	}
	var contents []string
	ids := []index.ID{files[0].Blob, files[1].Blob}
	err = s.Read(t.Context(), ids, func(_ index.ID, content []byte) error {
		contents = append(contents, string(content))
		return nil
	})
	if want := []string{"# p\n", "name: p\n"}; err != nil || !slices.Equal(contents, want) {
		t.Errorf("contents are %q, %v, want %q", contents, err, want)
	}
	if got := s.fetchedObjects(); got != 2 {
		t.Errorf("%d objects were fetched, want the two of the package", got)
	}
	if err := s.Prefetch(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	if got := s.fetchedObjects(); got != 3 {
		t.Errorf("%d objects were fetched after asking for every entry, want 3", got)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.temp); s.temp == "" || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%q is left behind: %v", s.temp, err)
	}
}

// TestGitWithoutTrees: a clone that has commits alone fetches the directories that are read.
func TestGitWithoutTrees(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	repo.Git("", "config", "uploadpack.allowAnySHA1InWant", "true")
	clone := filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=tree:0", "file://"+repo.Dir, clone)
	whole, s := openGit(t, repo.Dir), openGit(t, clone)
	want, got := branch(t, whole, "production"), branch(t, s, "production")
	if !slices.Equal(got.Entries, want.Entries) {
		t.Errorf("%+v, want %+v", got.Entries, want.Entries)
	}
	if a, b := contents(t, whole, want), contents(t, s, got); !maps.Equal(a, b) {
		t.Errorf("%q, want %q", b, a)
	}
}

// TestGitPartialCloneAlone reads a clone without blobs whose remote is gone.
func TestGitPartialCloneAlone(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	clone := filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+repo.Dir, clone)
	indextest.Git(t, clone, "", "remote", "set-url", "origin", "file://"+filepath.Join(t.TempDir(), "gone"))
	s := openGit(t, clone)
	_, err := s.List(t.Context(), branch(t, s, "staging").Entries[0])
	if err == nil || !strings.Contains(err.Error(), "fetch 1 objects that the partial clone lacks from origin") {
		t.Errorf("listing without the remote: %v", err)
	}
}

func TestGitLastChange(t *testing.T) {
	repo := indextest.NewRepo(t)
	one := repo.Commit("main", "add p\n\nwith a body", "-- packages/p/1.0.0/manifest.yml --\nversion: 1\n")
	repo.Commit("main", "add q", "-- packages/p/1.0.0/manifest.yml --\nversion: 1\n-- packages/q/1.0.0/manifest.yml --\n")
	three := repo.Commit("main", "remove q", "-- packages/p/1.0.0/manifest.yml --\nversion: 1\n")
	for _, known := range []bool{false, true} { // before Branch and after
		s := openGit(t, repo.Dir)
		if known {
			branch(t, s, "main")
		}
		for path, want := range map[string]string{
			"packages/p/1.0.0": one, "packages/q/1.0.0": three, "packages": three,
			"packages/none": "", "packages/*": "", ":(top)packages": "",
		} {
			c, err := s.LastChange(t.Context(), "main", path)
			switch {
			case err != nil:
				t.Error(err)
			case want == "" && c != nil, want != "" && (c == nil || c.Hash != want):
				t.Errorf("the last change of %s is %+v, want %s", path, c, want)
			case path == "packages/p/1.0.0" && (c.Subject != "add p" || !c.Time.Equal(time.Date(2022, 11, 22, 0, 1, 0, 0, time.UTC))):
				t.Errorf("commit is %+v", c)
			}
		}
		_, err := s.LastChange(t.Context(), "gone", "packages")
		wantError(t, err, index.ErrNoBranch, "gone")
	}

	shallow := filepath.Join(t.TempDir(), "shallow")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--depth=1", "--branch=main", "file://"+repo.Dir, shallow)
	s := openGit(t, shallow)
	branch(t, s, "main")
	if c, err := s.LastChange(t.Context(), "main", "packages/p/1.0.0"); c != nil || err != nil {
		t.Errorf("in a shallow clone: %+v, %v", c, err)
	}
}

// TestBranchMoves: Branch reads what the ref names now.
func TestBranchMoves(t *testing.T) {
	repo := indextest.NewRepo(t)
	s := openGit(t, repo.Dir)
	for _, version := range []string{"1.0.0", "2.0.0"} {
		repo.Commit("main", version, "-- packages/p/"+version+"/manifest.yml --\n")
		if got := entryPaths(branch(t, s, "main")); got != "p/"+version {
			t.Errorf("entries are %s", got)
		}
	}
}
