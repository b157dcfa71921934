package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestPrefetch: one fetch gets what the entries need and nothing else: contents of
// directories, archives, their signatures. What the remote has no more either is left to
// List, which names branch and package.
func TestPrefetch(t *testing.T) {
	repo := indextest.NewRepo(t)
	blob := func(name, content string) indextest.TreeEntry {
		return indextest.TreeEntry{Mode: "100644", Name: name, ID: repo.Blob(content)}
	}
	tree := func(name string, entries ...indextest.TreeEntry) indextest.TreeEntry {
		return indextest.TreeEntry{Mode: "40000", Name: name, ID: repo.Tree(entries...)}
	}
	module := indextest.TreeEntry{Mode: "160000", Name: "module", ID: "1212121212121212121212121212121212121212"}
	repo.CommitTree("main", repo.Tree(blob("README.md", "of no package"), tree("packages",
		tree("p", tree("1.0.0", blob("manifest.yml", "p"), module), tree("1.1.0", blob("manifest.yml", "p"), blob("more", "more")), tree("2.0.0", blob("manifest.yml", "later"))),
		blob("q-1.0.0.zip", "signed"), blob("q-1.0.0.zip.sig", "signature"), blob("r-1.0.0.zip", "not signed"),
	)), "all")
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	repo.Git("", "config", "uploadpack.allowAnySHA1InWant", "true")
	clone := filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=blob:none", "file://"+repo.Dir, clone)
	entries := func(s *GitSource, versions ...string) (out []index.Entry) {
		for _, e := range branch(t, s, "main").Entries {
			for _, v := range versions {
				if e.Name+"-"+e.Version == v {
					out = append(out, e)
				}
			}
		}
		return out
	}
	t.Run("the remote has it no more", func(t *testing.T) {
		bare := filepath.Join(t.TempDir(), "clone")
		indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=tree:3", "file://"+repo.Dir, bare)
		s := openGit(t, bare)
		wanted := entries(s, "p-1.0.0")
		wrapGit(t, `case "$*" in *fetch*) exit 0;; esac`)
		if err := s.Prefetch(t.Context(), wanted); err != nil {
			t.Error(err)
		}
		_, err := s.List(t.Context(), wanted[0])
		wantError(t, err, index.ErrNoObject, "p-1.0.0 of branch main")
	})
	s := openGit(t, clone)
	for _, c := range []struct {
		of      string
		fetched int
	}{{"p-1.0.0", 1}, {"p-1.0.0", 1}, {"q-1.0.0", 3}, {"r-1.0.0", 4}, {"p-1.1.0", 5}, {"p-2.0.0", 6}} {
		if err := s.Prefetch(t.Context(), entries(s, c.of)); err != nil {
			t.Fatal(err)
		}
		if got := s.fetchedObjects(); got != c.fetched {
			t.Errorf("%d objects were fetched once %s was, want %d", got, c.of, c.fetched)
		}
	}
	runs := countGit(t)
	whole := openGit(t, repo.Dir)
	opened := runs()
	if err := whole.Prefetch(t.Context(), []index.Entry{{Tree: index.ID{1}, Path: "packages/gone"}, {Archive: index.ID{2}}}); err != nil || runs() != opened {
		t.Errorf("a whole clone: %v, git was run as:\n%s", err, runs())
	}
}

// TestWhereHeadIs: a HEAD that is on no branch, and commits without a common one, are
// answers and not errors; what git cannot say is an error.
func TestWhereHeadIs(t *testing.T) {
	repo := indextest.NewRepo(t)
	one := repo.Commit("main", "one", "-- packages/p/1.0.0/manifest.yml --\n")
	two := repo.Commit("main", "two", "-- packages/p/1.0.0/manifest.yml --\ntwo\n")
	other := repo.Commit("other", "other", "-- packages/q/1.0.0/manifest.yml --\n")
	s := openGit(t, repo.Dir)
	for _, c := range []struct{ a, b, want string }{{one, two, one}, {two, one, one}, {two, two, two}, {two, other, index.ID{}.String()}} {
		if got, err := s.MergeBase(t.Context(), mustID(t, c.a), mustID(t, c.b)); err != nil || got.String() != c.want {
			t.Errorf("of %s and %s it is %s, %v, want %s", c.a, c.b, got, err, c.want)
		}
	}
	if got, err := s.MergeBase(t.Context(), mustID(t, one), index.ID{1}); err == nil {
		t.Errorf("with a commit that is not there it is %s", got)
	}
	repo.Git("", "update-ref", "--no-deref", "HEAD", one)
	if name, err := s.HeadBranch(t.Context()); err != nil || name != "" {
		t.Errorf("HEAD is on %q, %v", name, err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err := s.HeadBranch(t.Context())
	wantError(t, err, exec.ErrNotFound)
	_, err = s.MergeBase(t.Context(), mustID(t, one), mustID(t, two))
	wantError(t, err, exec.ErrNotFound)
	id, err := s.Revision(t.Context(), "main")
	wantError(t, err, exec.ErrNotFound)
	if !id.IsZero() || errors.Is(err, index.ErrNoBranch) {
		t.Errorf("without git main is %s, %v", id, err)
	}
}

// TestLastChangeFrom: of what a merge brought along it is who did it, as seen from the
// commit that is given.
func TestLastChangeFrom(t *testing.T) {
	repo := indextest.NewRepo(t)
	base := repo.Commit("main", "base", "-- packages/p/1.0.0/manifest.yml --\n")
	repo.Git("", "update-ref", "refs/heads/side", base)
	side := repo.Commit("side", "side", "-- packages/p/1.0.0/manifest.yml --\nside\n")
	merge := repo.Git("", "commit-tree", "-m", "merge", "-p", base, "-p", side, side+"^{tree}")
	s := openGit(t, repo.Dir)
	for from, want := range map[string]string{base: "base", side: "side", merge: "side"} {
		if c, err := s.LastChangeFrom(t.Context(), mustID(t, from), "packages/p/1.0.0"); err != nil || c == nil || c.Subject != want {
			t.Errorf("from %s: %+v, %v, want %s", from, c, err, want)
		}
	}
	if c, err := s.LastChangeFrom(t.Context(), mustID(t, merge), "packages/none"); c != nil || err != nil {
		t.Errorf("of nothing: %+v, %v", c, err)
	}
	if c, err := s.LastChangeFrom(t.Context(), index.ID{1}, "packages/p/1.0.0"); c != nil || err == nil {
		t.Errorf("from a commit that is not there: %+v, %v", c, err)
	}
}

// TestPoolIsClosedWhileItReads: who reads then reads on, and the process ends when it is
// given back.
func TestPoolIsClosedWhileItReads(t *testing.T) {
	repo := indextest.NewRepo(t)
	id := mustID(t, repo.Blob("good"))
	p := newCatFilePool(repo.Dir, gitEnv("GIT_DIR="+repo.Dir), true, 1)
	nothing := func(object) error { return nil }
	if err := p.read(t.Context(), []index.ID{id}, nothing); err != nil {
		t.Fatal(err)
	}
	process := p.idle[0].cmd
	read := 0
	err := p.read(t.Context(), []index.ID{id, id}, func(object) error {
		read++
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.read(ended, []index.ID{id}, nothing); !errors.Is(err, context.Canceled) {
			t.Errorf("who waits for a process with an ended context: %v", err)
		}
		return p.close()
	})
	if err != nil || read != 2 || process.ProcessState == nil || len(p.idle) != 0 {
		t.Errorf("%d answers, %v, ended %t, %d idle", read, err, process.ProcessState != nil, len(p.idle))
	}
}

// TestGitGoesAway: a git that is there when a repository is opened and not when it is
// read is named.
func TestGitGoesAway(t *testing.T) {
	repo := indextest.NewRepo(t)
	id := mustID(t, repo.Blob("good"))
	s := openGit(t, repo.Dir)
	t.Setenv("PATH", t.TempDir())
	wantError(t, s.Read(t.Context(), []index.ID{id}, nil), exec.ErrNotFound, "git cat-file", "install git")
	_, err := s.Size(t.Context(), id)
	wantError(t, err, exec.ErrNotFound, "git cat-file", "install git")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = runGit(ctx, repo.Dir, gitEnv(), "version")
	wantError(t, err, context.Canceled, "git version")
}

// TestQuarantine: within a hook what was pushed is read from where git keeps it until the
// push is accepted, and from nowhere else (git-receive-pack(1)).
func TestQuarantine(t *testing.T) {
	for name, folder := range map[string]string{"plain": "plain", "with what divides a list of paths": `a:"b`} {
		repo := filepath.Join(t.TempDir(), folder, "repository")
		objects := filepath.Join(repo, "objects")
		inside, outside, deeper := filepath.Join(objects, "incoming"), filepath.Join(t.TempDir(), "incoming"), filepath.Join(objects, "incoming", "more")
		for _, dir := range []string{deeper, outside} {
			if err := os.MkdirAll(dir, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			common, quarantine, objects string
			want                        bool
		}{
			{repo, inside, inside, true},
			{repo, "", "", false},
			{repo, inside, "", false},
			{repo, inside, outside, false},
			{repo, outside, outside, false},
			{repo, deeper, deeper, false},
			{repo, filepath.Join(objects, "gone"), filepath.Join(objects, "gone"), false},
			{filepath.Join(repo, "gone"), inside, inside, false},
		} {
			t.Setenv("GIT_QUARANTINE_PATH", c.quarantine)
			t.Setenv("GIT_OBJECT_DIRECTORY", c.objects)
			got := quarantine(c.common)
			want := "[]"
			if c.want {
				alternate := objects
				if folder != "plain" {
					alternate = `"` + filepath.Dir(filepath.Dir(filepath.Dir(repo))) + `/` + filepath.Base(filepath.Dir(filepath.Dir(repo))) + `/a:\"b/repository/objects"`
				}
				want = fmt.Sprint([]string{"GIT_QUARANTINE_PATH=" + inside, "GIT_OBJECT_DIRECTORY=" + inside, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + alternate})
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%s: %+v: %v, want %v", name, c, got, want)
			}
		}
	}
	// Git itself takes such a path apart as it was put together.
	dir := filepath.Join(t.TempDir(), `a:"b`)
	if err := os.Rename(workTree(t), dir); err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"packages/apache/1.0.0/manifest.yml": "name: changed\n"})
	s := openGit(t, dir)
	id, err := s.WorkTree(t.Context())
	if err != nil || id.IsZero() {
		t.Fatalf("%s, %v", id, err)
	}
	if body, err := s.FileAt(t.Context(), id, "packages/apache/1.0.0/manifest.yml"); err != nil || string(body) != "name: changed\n" {
		t.Errorf("%q, %v", body, err)
	}
}

// TestGitSaysSomethingElse: where a commit should be and is not, that is an error.
func TestGitSaysSomethingElse(t *testing.T) {
	dir := workTree(t)
	write(t, dir, map[string]string{"packages/apache/1.0.0/manifest.yml": "changed\n"})
	head := mustID(t, indextest.Git(t, dir, "", "rev-parse", "HEAD"))
	ctx := t.Context()
	for name, c := range map[string]struct {
		command, answer string
		run             func(s *GitSource) error
	}{
		"a branch":     {"for-each-ref", "refs/heads/production none", func(s *GitSource) error { _, err := s.Branch(ctx, "production"); return err }},
		"a revision":   {"rev-parse", "none", func(s *GitSource) error { _, err := s.Revision(ctx, "production"); return err }},
		"a merge base": {"merge-base", "none", func(s *GitSource) error { _, err := s.MergeBase(ctx, head, head); return err }},
		"the history": {"rev-list", "none", func(s *GitSource) error {
			_, err := s.History(ctx, "production", func(Step) error { return nil })
			return err
		}},
		"a change":          {"rev-list", "none", func(s *GitSource) error { _, err := s.LastChange(ctx, "production", "packages/apache"); return err }},
		"the commits since": {"rev-list", "none", func(s *GitSource) error { _, err := s.CommitsSince(ctx, "production", head.String()); return err }},
		"a changed tree":    {"commit-tree", "none", func(s *GitSource) error { _, err := s.WorkTree(ctx); return err }},
		"all changes": {"log", `\001none`, func(s *GitSource) (err error) {
			for range singleWalks + 1 {
				_, err = s.LastChange(ctx, "production", "packages/apache/1.0.0")
			}
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openGit(t, dir)
			wrapGit(t, `case "$1" in `+c.command+`) printf '`+c.answer+`\n'; exit;; esac`)
			wantError(t, c.run(s), nil, "none")
		})
	}
}

// TestSomeTreesAreLacking: of the directories of one level a partial clone fetches those that
// it lacks, and takes the others as they are.
func TestSomeTreesAreLacking(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("main", "all", "-- packages/a/1.0.0/manifest.yml --\na\n-- packages/b/1.0.0/manifest.yml --\nb\n-- packages/c/1.0.0/manifest.yml --\nc\n-- packages/d/1.0.0/manifest.yml --\nd\n")
	repo.Git("", "config", "uploadpack.allowFilter", "true")
	repo.Git("", "config", "uploadpack.allowAnySHA1InWant", "true")
	clone := filepath.Join(t.TempDir(), "clone")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--filter=tree:0", "file://"+repo.Dir, clone)
	for _, name := range []string{"", "packages", "packages/a", "packages/c"} {
		indextest.Git(t, clone, "", "fetch", "--quiet", "--filter=tree:1", "origin", repo.Git("", "rev-parse", "main:"+name))
	}
	s := openGit(t, clone)
	var got []string
	for _, e := range branch(t, s, "main").Entries {
		got = append(got, e.Path+" "+e.Tree.String())
	}
	var want []string
	for _, e := range branch(t, openGit(t, repo.Dir), "main").Entries {
		want = append(want, e.Path+" "+e.Tree.String())
	}
	indextest.Compare(t, "entries", got, want)
	if n := s.fetchedObjects(); n != 2 {
		t.Errorf("%d directories were fetched, want those of b and d", n)
	}
}

// TestOrderOfRemotes: the one that promised what a clone lacks comes first, then origin,
// then the others as git lists them.
func TestOrderOfRemotes(t *testing.T) {
	repo := indextest.NewRepo(t)
	for _, name := range []string{"z", "b", "origin", "a"} {
		repo.Git("", "remote", "add", name, "/none")
	}
	for promisor, want := range map[string]string{"": "[origin a b z]", "z": "[z origin a b]", "origin": "[origin a b z]", "b": "[b origin a z]"} {
		s := openGit(t, repo.Dir)
		s.promisor = promisor
		for range 2 { // the second time from memory
			if got, err := s.remotes(t.Context()); err != nil || fmt.Sprint(got) != want {
				t.Errorf("with promisor %q: %v, %v, want %s", promisor, got, err, want)
			}
		}
	}
}

// TestLastChangesFail: no git to ask, no limits of a shallow clone to read.
func TestLastChangesFail(t *testing.T) {
	dir := workTree(t)
	head := indextest.Git(t, dir, "", "rev-parse", "HEAD")
	common := t.TempDir()
	if err := os.Mkdir(filepath.Join(common, "shallow"), 0o777); err != nil {
		t.Fatal(err)
	}
	l := func() *lastChanges {
		return &lastChanges{dir: dir, env: gitEnv(), common: common, from: head}
	}
	for _, asked := range []int{0, singleWalks} {
		changes := l()
		changes.asked = asked
		if id, err := changes.find(t.Context(), "packages/apache/1.0.0"); !errors.Is(err, syscall.EISDIR) || !id.IsZero() {
			t.Errorf("what is shallow cannot be read, after %d: %s, %v", asked, id, err)
		}
	}
	t.Setenv("PATH", t.TempDir())
	for _, asked := range []int{0, singleWalks} {
		changes := l()
		changes.asked = asked
		for range 2 { // and is not known the second time either
			id, err := changes.find(t.Context(), "packages/apache/1.0.0")
			wantError(t, err, exec.ErrNotFound, "install git")
			if !id.IsZero() {
				t.Errorf("after %d: %s", asked, id)
			}
		}
	}
}
