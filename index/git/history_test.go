package git

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// steps are the changes of each step of a history, a line each.
func steps(t *testing.T, s *GitSource, branch string) (lines []string, h *History) {
	t.Helper()
	h, err := s.History(t.Context(), branch, func(step Step) error {
		line := fmt.Sprintf("%s (%d):", step.Commit.Subject, step.Parents)
		for _, c := range step.Changes {
			kind := "changed"
			switch {
			case c.Added():
				kind = "added"
			case c.Removed():
				kind = "removed"
			}
			line += fmt.Sprintf(" %s %s-%s", kind, c.Entry().Name, c.Entry().Version)
		}
		lines = append(lines, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines, h
}

// TestHistory: a branch's own line, the oldest first, with what each of its commits did
// to packages, whatever stood in the place of their directory in between.
func TestHistory(t *testing.T) {
	const one, other = "-- packages/a/1.0.0/manifest.yml --\none\n", "-- packages/a/1.0.0/manifest.yml --\nother\n"
	const archive = "-- packages/b-2.0.0.zip --\nPK\n"
	repo := indextest.NewRepo(t)
	repo.Commit("main", "begin", one)
	repo.Commit("main", "beside", one+"-- README.md --\nx\n")
	repo.Commit("main", "archive", one+archive)
	base := repo.Git("", "rev-parse", "main")
	repo.Commit("main", "sign", one+archive+"-- packages/b-2.0.0.zip.sig --\nsignature\n")
	repo.Commit("main", "overwrite", other+archive)
	side := repo.AddTo(base, "aside", "-- packages/c/3.0.0/manifest.yml --\nc\n")
	merge := repo.Git("", "commit-tree", "-m", "merge", "-p", repo.Git("", "rev-parse", "main"), "-p", side,
		repo.Git("", "rev-parse", repo.AddTo(repo.Git("", "rev-parse", "main"), "x", "-- packages/c/3.0.0/manifest.yml --\nc\n")+"^{tree}"))
	repo.Git("", "update-ref", "refs/heads/main", merge)
	repo.Commit("main", "a file", "-- packages --\nnot a directory\n")
	repo.Commit("main", "a link", "-- packages (symlink) --\n/etc\n")
	repo.Commit("main", "none", "-- README.md --\nx\n")
	repo.Commit("main", "again", one)
	want := []string{
		"begin (0): added a-1.0.0", "beside (1):", "archive (1): added b-2.0.0", "sign (1): changed b-2.0.0", "overwrite (1): changed a-1.0.0 changed b-2.0.0",
		"merge (2): added c-3.0.0", "a file (1): removed a-1.0.0 removed b-2.0.0 removed c-3.0.0", "a link (1):", "none (1):", "again (1): added a-1.0.0",
	}
	got, h := steps(t, openGit(t, repo.Dir), "main")
	indextest.Compare(t, "steps", got, want)
	if h.Shallow || h.Commits != len(want) {
		t.Errorf("%+v", h)
	}
	// A clone that begins later: its first commit seems to have added all.
	shallow := filepath.Join(t.TempDir(), "shallow")
	indextest.Git(t, repo.Dir, "", "clone", "--quiet", "--bare", "--depth=5", "--branch=main", "file://"+repo.Dir, shallow)
	got, h = steps(t, openGit(t, shallow), "main")
	indextest.Compare(t, "steps of a shallow clone", got, append([]string{"merge (0): added a-1.0.0 added b-2.0.0 added c-3.0.0"}, want[6:]...))
	if !h.Shallow || h.Commits != 5 {
		t.Errorf("of a shallow clone: %+v", h)
	}
	stop := errors.New("stop")
	n := 0
	_, err := openGit(t, repo.Dir).History(t.Context(), "main", func(Step) error { n++; return stop })
	wantError(t, err, stop)
	if n != 1 {
		t.Errorf("%d steps after one failed", n-1)
	}
	missing := repo.Git("", "rev-parse", "main:packages/a")
	repo.Remove(missing)
	_, err = openGit(t, repo.Dir).History(t.Context(), "main", func(Step) error { return nil })
	wantError(t, err, index.ErrNoObject, "history of branch main", "packages/a", missing)
}

// TestHistoryInChunks: the line goes on where a chunk ends.
func TestHistoryInChunks(t *testing.T) {
	repo := indextest.NewRepo(t)
	var want []string
	for i := range historyChunk + 2 {
		repo.Commit("main", fmt.Sprint(i), fmt.Sprintf("-- packages/a/1.0.0/manifest.yml --\n%d\n", i/2))
		line := fmt.Sprintf("%d (1):", i)
		if i%2 == 0 {
			line += " changed a-1.0.0"
		}
		want = append(want, line)
	}
	want[0] = "0 (0): added a-1.0.0"
	got, h := steps(t, openGit(t, repo.Dir), "main")
	indextest.Compare(t, "steps", got, want)
	if h.Commits != len(want) {
		t.Errorf("%+v", h)
	}
}

// TestChangedFiles: the files that differ between two states of a package version, by
// mode too, whatever they come in.
func TestChangedFiles(t *testing.T) {
	repo := indextest.NewRepo(t)
	const unchanged = "-- packages/a/1.0.0/same.yml --\nsame\n"
	repo.Commit("main", "before", unchanged+"-- packages/a/1.0.0/manifest.yml --\nold\n-- packages/a/1.0.0/docs/b.md --\nx\n-- packages/a/1.0.0/run --\nx\n"+
		"-- packages/z-1.0.0.zip --\nPK1\n-- packages/z-1.0.0.zip.sig --\ns1\n-- packages/gone-1.0.0.zip --\nPK\n")
	repo.Commit("main", "after", unchanged+"-- packages/a/1.0.0/manifest.yml --\nnew\n-- packages/a/1.0.0/docs.md --\nx\n-- packages/a/1.0.0/run (executable) --\nx\n"+
		"-- packages/z-1.0.0.zip --\nPK2\n-- packages/new-1.0.0.zip --\nPK\n-- packages/new-1.0.0.zip.sig --\ns\n")
	s := openGit(t, repo.Dir)
	before, after, err := s.Compare(t.Context(), "main", mustID(t, repo.Git("", "rev-parse", "main^")), mustID(t, repo.Git("", "rev-parse", "main")))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range index.Changes(before, after) {
		files, err := s.ChangedFiles(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			got = append(got, f.Kind+" "+strings.TrimPrefix(f.Path, "packages/"))
		}
	}
	indextest.Compare(t, "files", got, []string{
		"removed a/1.0.0/docs/b.md", "added a/1.0.0/docs.md", "changed a/1.0.0/manifest.yml", "changed a/1.0.0/run",
		"removed gone-1.0.0.zip", "added new-1.0.0.zip", "added new-1.0.0.zip.sig", "changed z-1.0.0.zip", "removed z-1.0.0.zip.sig",
	})
	// What cannot be listed counts as one file, what is missing is an error.
	odd := repo.Tree(indextest.TreeEntry{Mode: "100644", Name: "x", ID: repo.Blob("x")})
	deep := odd
	for range maxListPath/200 + 2 {
		deep = repo.Tree(indextest.TreeEntry{Mode: "40000", Name: strings.Repeat("d", 200), ID: deep})
	}
	entry := func(tree string) index.Entry {
		return index.Entry{Branch: "main", Name: "d", Version: "1.0.0", Path: "packages/d/1.0.0", Tree: mustID(t, tree)}
	}
	files, err := s.ChangedFiles(t.Context(), index.Change{Old: entry(odd), New: entry(deep)})
	if want := "[{packages/d/1.0.0 added} {packages/d/1.0.0/x removed}]"; err != nil || fmt.Sprint(files) != want {
		t.Errorf("%v, %v, want %s", files, err, want)
	}
	missing := strings.Repeat("12", 20)
	for _, c := range []index.Change{{Old: entry(missing)}, {New: entry(missing)}} {
		_, err = s.ChangedFiles(t.Context(), c)
		wantError(t, err, index.ErrNoObject, "list packages/d/1.0.0", missing)
	}
}

// TestHistoryOfWhatIsNotThere: an object that history needs and that is not there is an
// error that names the branch, whichever it is.
func TestHistoryOfWhatIsNotThere(t *testing.T) {
	for _, name := range []string{"main^^{commit}", "main^{tree}", "main:packages", "main:packages/p"} {
		repo := indextest.NewRepo(t)
		repo.Commit("main", "1", "-- packages/p/1.0.0/manifest.yml --\none\n")
		repo.Commit("main", "2", "-- packages/p/1.0.0/manifest.yml --\ntwo\n")
		id := repo.Git("", "rev-parse", name)
		repo.Remove(id)
		_, err := openGit(t, repo.Dir).History(t.Context(), "main", func(Step) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "history of branch main") || !strings.Contains(err.Error(), id) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHistoryEnds: with the error of the function that gets its steps.
func TestHistoryEnds(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("main", "1", "-- packages/p/1.0.0/manifest.yml --\none\n")
	repo.Commit("main", "2", "-- packages/p/1.0.0/manifest.yml --\ntwo\n")
	stop, steps := errors.New("stop"), 0
	_, err := openGit(t, repo.Dir).History(t.Context(), "main", func(Step) error { steps++; return stop })
	if !errors.Is(err, stop) || steps != 1 {
		t.Errorf("%d steps, %v", steps, err)
	}
}
