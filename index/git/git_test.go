package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

const twoBranches = `
-- production/README.md --
not a package
-- production/packages/apache/1.0.0/manifest.yml --
name: apache
-- production/packages/apache/1.0.0/a.b --
dot
-- production/packages/apache/1.0.0/a/b --
slash
-- production/packages/apache/1.0.0/a/run.sh (executable) --
#!/bin/sh
-- production/packages/apache/1.1.0-rc1/manifest.yml --
name: apache
-- production/packages/zoom/0.1.0+build/manifest.yml --
name: zoom
-- staging/packages/zoom/0.2.0/manifest.yml --
name: zoom
`

func openGit(t *testing.T, dir string) *GitSource {
	t.Helper()
	s, err := OpenGit(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func branch(t *testing.T, s index.Source, name string) *index.Branch {
	t.Helper()
	b, err := s.Branch(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wantError checks that an error is of a kind and says all of the texts.
func wantError(t *testing.T, err, kind error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("the error is not %q: %v", kind, err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
}

func entryPaths(b *index.Branch) string {
	var paths []string
	for _, e := range b.Entries {
		paths = append(paths, strings.TrimPrefix(e.Path, "packages/"))
	}
	return strings.Join(paths, " ")
}

func TestGitBranch(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	b := branch(t, openGit(t, repo.Dir), "production")
	if got, want := entryPaths(b), "apache/1.0.0 apache/1.1.0-rc1 zoom/0.1.0+build"; got != want {
		t.Errorf("entries are %s, want %s", got, want)
	}
	for _, e := range b.Entries {
		tree := repo.Git("", "rev-parse", "production:"+e.Path)
		if want := (index.Entry{Branch: "production", Name: e.Name, Version: e.Version, Path: "packages/" + e.Name + "/" + e.Version, Tree: mustID(t, tree)}); e != want {
			t.Errorf("entry is %+v, want %+v", e, want)
		}
	}
	id := repo.Git("", "rev-parse", "production")
	want := index.Commit{ID: mustID(t, id), Hash: id, Author: "Ada Author", Email: "ada@example.com", Time: time.Date(2022, 11, 22, 0, 1, 0, 0, time.UTC), Subject: "add production"}
	if *b.Commit != want {
		t.Errorf("commit is %+v, want %+v", *b.Commit, want)
	}
}

func mustID(t *testing.T, s string) index.ID {
	t.Helper()
	id, err := index.ParseID(s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestGitBranchNames(t *testing.T) {
	repo := indextest.NewRepo(t)
	tip := func(version string) string {
		return repo.Commit("scratch", version, "-- packages/p/"+version+"/manifest.yml --\n")
	}
	local, remote, pull, tagged := tip("1.0.0"), tip("2.0.0"), tip("3.0.0"), tip("4.0.0")
	repo.Git("", "update-ref", "refs/heads/both", local)
	repo.Git("", "update-ref", "refs/remotes/origin/both", remote)
	repo.Git("", "update-ref", "refs/remotes/origin/remote", remote)
	repo.Git("", "update-ref", "refs/pull/1/head", pull)
	repo.Git("", "update-ref", "refs/heads/group/member", local)
	repo.Git("", "update-ref", "refs/heads/"+pull, local)
	repo.Git("", "tag", "-a", "-m", "inner", "inner", tagged)
	repo.Git("", "tag", "-a", "-m", "outer", "outer", "inner")
	blob := repo.Blob("not a commit")
	repo.Git("", "tag", "blob", blob)
	s := openGit(t, repo.Dir)
	for name, want := range map[string]string{
		"both": "2.0.0", "remote": "2.0.0", "refs/pull/1/head": "3.0.0", "group/member": "1.0.0",
		"refs/remotes/origin/both": "2.0.0", "refs/tags/outer": "4.0.0", remote: "2.0.0",
		pull: "3.0.0", // whatever branch has such a name
	} {
		if got := entryPaths(branch(t, s, name)); got != "p/"+want {
			t.Errorf("%s is %s, want version %s", name, got, want)
		}
	}
	for name, want := range map[string]string{
		"gone":                   "there is no refs/heads/gone, no refs/remotes/origin/gone",
		"group":                  "there is no refs/heads/group",
		"refs/pull/2/head":       "no refs/pull/2/head",
		strings.Repeat("ab", 20): "there is no such commit",
		"":                       "cannot be the name of a branch",
		"--all":                  "cannot be the name of a branch",
		"bo*":                    "cannot be the name of a branch",
		"both:packages":          "cannot be the name of a branch",
		"both^":                  "cannot be the name of a branch",
		"both\nremote":           "cannot be the name of a branch",
		"../heads/both":          "cannot be the name of a branch",
		"both@{1}":               "cannot be the name of a branch",
		"a//b":                   "cannot be the name of a branch",
		"a.lock":                 "cannot be the name of a branch",
	} {
		_, err := s.Branch(t.Context(), name)
		wantError(t, err, index.ErrNoBranch, want)
	}
	_, err := s.Branch(t.Context(), "refs/tags/blob")
	wantError(t, err, ErrBadObject, "refs/tags/blob", "is a blob, but is used as a commit")
}

func TestOpenGitPlaces(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	work := filepath.Join(t.TempDir(), "work")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=production", repo.Dir, work)
	linked := filepath.Join(t.TempDir(), "linked")
	indextest.Git(t, work, "", "worktree", "add", "--quiet", linked, "origin/staging")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(work, link); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{repo.Dir, work, filepath.Join(work, ".git"), linked, link} {
		s := openGit(t, dir)
		if got := entryPaths(branch(t, s, "staging")); got != "zoom/0.2.0" {
			t.Errorf("%s: staging is %s", dir, got)
		}
		if c, err := s.LastChange(t.Context(), "staging", "packages/zoom/0.2.0"); err != nil || c == nil || c.Subject != "add staging" {
			t.Errorf("%s: the last change is %+v, %v", dir, c, err)
		}
	}
	file := filepath.Join(work, "README.md")
	sha256 := t.TempDir()
	indextest.Git(t, sha256, "", "init", "--quiet", "--object-format=sha256", ".")
	broken := filepath.Join(t.TempDir(), "line\nbreak")
	indextest.Git(t, work, "", "init", "--quiet", broken)
	for dir, want := range map[string]string{
		broken:                          "its path holds a line break",
		filepath.Join(work, "packages"): "not a git repository", // but inside of one
		filepath.Join(work, "gone"):     "no such file",
		t.TempDir():                     "not a git repository",
		file:                            "is not a directory",
		sha256:                          "its object format is sha256: only sha1 is supported",
	} {
		_, err := OpenGit(t.Context(), dir)
		wantError(t, err, nil, "open git repository", want)
	}
}

func TestGitEmptyBranch(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("none", "no packages", "-- README.md --\n")
	repo.Commit("file", "packages is a file", "-- packages --\n")
	repo.Commit("link", "packages is a link", "-- packages (symlink) --\n/etc\n")
	repo.Commit("hidden", "only a hidden file", "-- packages/.keep --\n")
	s := openGit(t, repo.Dir)
	repo.Commit("kept-directory", "a directory of that name", "-- packages/.gitkeep/x --\n")
	repo.Commit("kept-link", "a link of that name", "-- packages/.gitkeep (symlink) --\nx\n")
	for _, name := range []string{"none", "file", "link", "hidden", "kept-directory", "kept-link"} {
		_, err := s.Branch(t.Context(), name)
		wantError(t, err, index.ErrEmptyBranch, name, "packages/")
	}
	repo.Commit("keep", "meant to be empty", "-- packages/.gitkeep --\n")
	if b := branch(t, s, "keep"); len(b.Entries)+len(b.Found.Warnings)+len(b.Found.Errors) != 0 {
		t.Errorf("a branch that is meant to be empty is listed as %+v", b)
	}
}

func TestGitBranchFaults(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	name := repo.Git("", "rev-parse", "production:packages/zoom")
	repo.Remove(name)
	s := openGit(t, repo.Dir)
	_, err := s.Branch(t.Context(), "production")
	wantError(t, err, index.ErrNoObject, "branch production at commit", "packages/zoom", name)

	// What no package can be in is not read.
	repo.Commit("odd", "an odd name", "-- packages/Odd/1.0.0/manifest.yml --\n-- packages/p/2.0.0/manifest.yml --\n")
	repo.Remove(repo.Git("", "rev-parse", "odd:packages/Odd"))
	if b := branch(t, s, "odd"); len(b.Entries) != 1 || len(b.Found.Errors) != 1 || b.Found.Errors[0].Rule != index.RulePackageName {
		t.Errorf("%+v", b)
	}

	commit := repo.Git("", "rev-parse", "staging")
	repo.Remove(commit)
	_, err = s.Branch(t.Context(), "staging")
	wantError(t, err, index.ErrNoObject, "branch staging", commit)
	_, err = s.List(t.Context(), index.Entry{Archive: index.ID{1}, Path: "packages/a-1.0.0.zip", Branch: "production"})
	wantError(t, err, nil, "packages/a-1.0.0.zip of branch production", "is an archive")
}

// TestGitReadWhileReading reads with several goroutines, each far more than a
// pipe takes in either direction.
func TestGitReadWhileReading(t *testing.T) {
	repo := indextest.NewRepo(t)
	want := make(map[index.ID]string)
	var ids []index.ID
	for i := range 8 {
		content := strings.Repeat(fmt.Sprint(i), i*5_000)
		id := mustID(t, repo.Blob(content))
		want[id] = content
		ids = append(ids, id)
	}
	for len(ids) < 4_000 {
		ids = append(ids, ids[:4]...)
	}
	s := openGit(t, repo.Dir)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			at := 0
			err := s.Read(t.Context(), ids, func(id index.ID, content []byte) error {
				if id != ids[at] || string(content) != want[id] {
					return fmt.Errorf("answer %d is %s with %d bytes", at, id, len(content))
				}
				at++
				return nil
			})
			if err != nil || at != len(ids) {
				t.Errorf("after %d of %d: %v", at, len(ids), err)
			}
		})
	}
	wg.Wait()
}

func TestGitReadFaults(t *testing.T) {
	repo := indextest.NewRepo(t)
	good, damaged := repo.Blob("good"), repo.Blob(strings.Repeat("a", 100))
	tree := repo.Tree()
	repo.Damage(damaged)
	missing := strings.Repeat("12", 20)
	s := openGit(t, repo.Dir)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancel(t.Context())
	for _, test := range []struct {
		ids  []string
		fn   func() error
		kind error
		want string
	}{
		{[]string{good, missing, good}, nil, index.ErrNoObject, missing},
		{[]string{good, tree}, nil, ErrBadObject, "is a tree, but is used as a blob"},
		{[]string{good, damaged}, nil, nil, damaged},
		{slices.Repeat([]string{good}, 10_000), func() error { return stop }, stop, "stop"},
		{slices.Repeat([]string{good}, 10_000), func() error { cancel(); return nil }, context.Canceled, ""},
	} {
		var ids []index.ID
		for _, id := range test.ids {
			ids = append(ids, mustID(t, id))
		}
		err := s.Read(ctx, ids, func(index.ID, []byte) error {
			if test.fn != nil {
				return test.fn()
			}
			return nil
		})
		wantError(t, err, test.kind, test.want)
		// What went wrong must not spoil what comes after.
		n := 0
		if err := s.Read(t.Context(), []index.ID{ids[0], ids[0]}, func(_ index.ID, content []byte) error { n += len(content); return nil }); err != nil || n != 8 {
			t.Errorf("after %v: read %d bytes, %v", test.want, n, err)
		}
	}
	if err := s.Read(ctx, []index.ID{mustID(t, good)}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Read(t.Context(), []index.ID{mustID(t, good)}, nil); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
