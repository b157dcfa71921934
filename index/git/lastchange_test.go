package git

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestLastChangeOfMany: however many paths are asked for, each gets the commit
// that git rev-list names for it, and git runs a few times only: in a repository,
// in a shallow clone and in a work tree.
func TestLastChangeOfMany(t *testing.T) {
	repo := indextest.NewRepo(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	files := map[string]string{}
	for n := range 60 {
		for range 1 + rnd.IntN(3) {
			path := fmt.Sprintf("packages/p%d/1.%d.0/%s", rnd.IntN(6), rnd.IntN(3), []string{"manifest.yml", "a/b.yml", "ä \"x\".md"}[rnd.IntN(3)])
			if _, there := files[path]; there && rnd.IntN(4) == 0 {
				delete(files, path)
			} else {
				files[path] = fmt.Sprint(n, rnd.Uint64())
			}
		}
		var archive strings.Builder
		for path, text := range files {
			fmt.Fprintf(&archive, "-- %s --\n%s\n", path, text)
		}
		repo.Commit("main", fmt.Sprint("commit ", n), archive.String())
	}
	shallow, tree, shallowTree := filepath.Join(t.TempDir(), "shallow"), t.TempDir(), t.TempDir()
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--depth=20", "--branch=main", "file://"+repo.Dir, shallow)
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--branch=main", repo.Dir, tree)
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--depth=20", "--branch=main", "file://"+repo.Dir, shallowTree)
	cut := indextest.Git(t, shallow, "", "rev-list", "--max-parents=0", "main")
	var paths []string
	for p := range 7 {
		paths = append(paths, fmt.Sprintf("packages/p%d", p))
		for v := range 4 {
			paths = append(paths, fmt.Sprintf("packages/p%d/1.%d.0", p, v))
		}
	}
	for name, c := range map[string]struct {
		dir  string
		open func() index.Source
	}{
		"repository":        {repo.Dir, func() index.Source { return openGit(t, repo.Dir) }},
		"shallow":           {shallow, func() index.Source { return openGit(t, shallow) }},
		"shallow work tree": {shallowTree, func() index.Source { return OpenDirs(map[string]string{"main": shallowTree}) }},
		"work tree":         {tree, func() index.Source { return OpenDirs(map[string]string{"main": tree}) }},
	} {
		s := c.open()
		runs := countGit(t)
		for _, path := range paths {
			want := indextest.Git(t, c.dir, "", "rev-list", "-1", "main", "--", path)
			if strings.HasPrefix(name, "shallow") && want == cut {
				want = ""
			}
			commit, err := s.LastChange(t.Context(), "main", path)
			switch {
			case err != nil:
				t.Errorf("%s: %s: %v", name, path, err)
			case commit == nil && want != "", commit != nil && commit.Hash != want:
				t.Errorf("%s: the last change of %s is %+v, want %s", name, path, commit, want)
			}
		}
		if walks := strings.Count(runs(), "rev-list -1") + strings.Count(runs(), "log ") - len(paths); walks > 10 {
			t.Errorf("%s: git walked history %d times for %d paths:\n%s", name, walks, len(paths), runs())
		}
	}
}

// TestLastChangeWalkFails: the walk for many paths is not tried again, and the paths that
// are looked up by themselves still have theirs.
func TestLastChangeWalkFails(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	wrapGit(t, `case "$1" in log) printf '\001none\000'; exit;; esac`)
	runs := countGit(t)
	s := openGit(t, repo.Dir)
	for i := range singleWalks + 3 {
		c, err := s.LastChange(t.Context(), "production", "packages/apache/1.0.0")
		if i < singleWalks {
			if err != nil || c == nil || c.Subject != "add production" {
				t.Errorf("%+v, %v", c, err)
			}
			continue
		}
		wantError(t, err, nil, "last change of packages/apache/1.0.0 in branch production", "git log", "40 hexadecimal digits")
	}
	if c, err := s.LastChange(t.Context(), "production", "packages/apache/1.0.0/a/b"); err != nil || c == nil {
		t.Errorf("a file: %+v, %v", c, err)
	}
	if n := strings.Count(runs(), "log "); n != 1 {
		t.Errorf("git log was run %d times:\n%s", n, runs())
	}
}

// TestSplitNUL: words end with a zero byte, or with the end.
func TestSplitNUL(t *testing.T) {
	for text, want := range map[string][]string{"": nil, "a\x00b\x00": {"a", "b"}, "a\x00b": {"a", "b"}, "\x00a": {"", "a"}, "\x00\x00": {"", ""}} {
		// The end comes after the last bytes, or with them.
		for _, r := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text))} {
			s := bufio.NewScanner(r)
			s.Split(splitNUL)
			var got []string
			for s.Scan() {
				got = append(got, s.Text())
			}
			if s.Err() != nil || !slices.Equal(got, want) {
				t.Errorf("%q: %q, %v, want %q", text, got, s.Err(), want)
			}
		}
	}
}

// countGit puts a git on the PATH that notes how it is called; what it returns
// gives the notes, a line a call.
func countGit(t *testing.T) func() string {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	notes := filepath.Join(dir, "notes")
	script := "#!/bin/sh\necho \"$*\" >> '" + notes + "'\nexec '" + program + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() string {
		b, err := os.ReadFile(notes)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
}
