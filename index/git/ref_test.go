package git

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// TestTracking: of the refs that remotes have of a branch, the one that contains the others;
// the local branch does not count.
func TestTracking(t *testing.T) {
	repo := indextest.NewRepo(t)
	commit := func(text string) string {
		return repo.Commit("line", text, "-- packages/p/1.0.0/manifest.yml --\n"+text+"\n")
	}
	old, middle, newest := commit("1"), commit("2"), commit("3")
	repo.Commit("side", "aside", "-- packages/p/1.0.0/manifest.yml --\naside\n")
	aside := repo.Git("", "rev-parse", "side")
	repo.Git("", "remote", "add", "one", "/none")
	repo.Git("", "remote", "add", "two", "/none")
	for ref, id := range map[string]string{
		"heads/main": newest, "remotes/one/main": old, "remotes/two/main": middle, "remotes/three/main": newest, "remotes/origin/left": old,
		"heads/local": old, "remotes/one/split": aside, "remotes/two/split": middle,
	} {
		repo.Git("", "update-ref", "refs/"+ref, id)
	}
	s := openGit(t, repo.Dir)
	for name, want := range map[string]Ref{
		"main": {Name: "refs/remotes/two/main", Commit: mustID(t, middle), Behind: []string{"refs/remotes/one/main"}},
		// A remote that is no longer configured leaves its refs.
		"left": {Name: "refs/remotes/origin/left", Commit: mustID(t, old)}, "local": {}, "gone": {},
	} {
		if got, err := s.Tracking(t.Context(), name); err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, %v, want %+v", name, got, err, want)
		}
	}
	_, err := s.Tracking(t.Context(), "split")
	wantError(t, err, nil, "branch split", "neither contains the other", "refs/remotes/one/split", "update-ref")
	_, err = s.Tracking(t.Context(), "--all")
	wantError(t, err, index.ErrNoBranch, "cannot be the name of a branch")
	if got, err := s.Tip(t.Context(), "main"); err != nil || got.Name != "refs/heads/main" || strings.Join(got.Behind, " ") != "refs/remotes/one/main refs/remotes/two/main" {
		t.Errorf("%+v, %v", got, err)
	}
	if r, ok := s.Known("main"); ok {
		t.Errorf("known before it was read: %+v", r)
	}
	branch(t, s, "main")
	if r, ok := s.Known("main"); !ok || r.Name != "refs/heads/main" || r.Commit.String() != newest {
		t.Errorf("%+v, %t", r, ok)
	}
}

// TestRefsOfTags: a ref may be of an annotated tag; what counts is the commit.
func TestRefsOfTags(t *testing.T) {
	repo := indextest.NewRepo(t)
	old := repo.Commit("line", "1", "-- packages/p/1.0.0/manifest.yml --\n")
	newest := repo.Commit("line", "2", "-- packages/p/2.0.0/manifest.yml --\n")
	tag := func(name, of string) string {
		repo.Git("", "tag", "-a", "-m", "x", name, of)
		return repo.Git("", "rev-parse", name)
	}
	repo.Git("", "update-ref", "refs/heads/tagged", old) // git itself lets no branch be a tag
	repo.Git("", "update-ref", "refs/remotes/origin/tagged", tag("new", newest))
	s := openGit(t, repo.Dir)
	if r, err := s.Tip(t.Context(), "tagged"); err != nil || r.Commit.String() != newest || fmt.Sprint(r.Behind) != "[refs/heads/tagged]" {
		t.Errorf("%+v, %v", r, err)
	}
	if got := entryPaths(branch(t, s, "tagged")); got != "p/2.0.0" {
		t.Error(got)
	}
	last := newest
	for i := range 9 {
		if _, err := s.Branch(t.Context(), "refs/tags/new"); err != nil {
			t.Fatal(err)
		}
		last = tag(fmt.Sprintf("t%d", i), last)
		_, err := s.Branch(t.Context(), fmt.Sprintf("refs/tags/t%d", i))
		if i < 7 && err != nil {
			t.Errorf("a tag of %d tags: %v", i, err)
		}
		if i == 7 || i == 8 {
			wantError(t, err, ErrBadObject, "it is a tag of a tag, over 8 times")
		}
	}
}

// TestNamesOfRefs: what git-check-ref-format(1) allows, and nothing else.
func TestNamesOfRefs(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a/b": true, "a.b": true, "a-b": true, "ä": true, "@": true, "a@b": true, "a{b": true, "!": true, "a.lockx": true, "lock": true,
		"": false, "-a": false, "a..b": false, "a@{b": false, "a b": false, "a\x1fb": false, "a\x7fb": false, "a~": false, "a^": false, "a:b": false, "a?": false, "a*": false, "a[": false, `a\b`: false,
		"/a": false, "a/": false, "a//b": false, ".a": false, "a/.b": false, "a.": false, "a./b": false, "a.lock": false, "a.lock/b": false,
	} {
		if got := validRef(name); got != want {
			t.Errorf("%q: %t, want %t", name, got, want)
		}
	}
}

// TestObjectsThatCannotBeRead: each time, and not only the first.
func TestObjectsThatCannotBeRead(t *testing.T) {
	repo := indextest.NewRepo(t)
	good := repo.Commit("good", "good", "-- packages/p/1.0.0/manifest.yml --\n")
	write := func(kind, content string) string {
		return repo.Git(content, "hash-object", "-t", kind, "-w", "--literally", "--stdin")
	}
	bad := write("commit", "tree 12\n\n")
	parent := write("commit", "tree "+repo.Git("", "rev-parse", "good^{tree}")+"\nparent 12\nauthor A <> 1 +0000\ncommitter A <> 1 +0000\n\n")
	tag := write("tag", "object 12\n")
	tree := repo.RawTree("not a tree")
	packages := repo.Tree(indextest.TreeEntry{Mode: "40000", Name: "packages", ID: repo.Tree(indextest.TreeEntry{Mode: "40000", Name: "p", ID: tree})})
	broken := write("commit", "tree "+packages+"\nauthor A <> 1 +0000\ncommitter A <> 1 +0000\n\n")
	none := write("commit", "tree "+repo.Tree(indextest.TreeEntry{Mode: "40000", Name: "packages", ID: tree})+"\nauthor A <> 1 +0000\ncommitter A <> 1 +0000\n\n")
	s := openGit(t, repo.Dir)
	for range 2 {
		for id, want := range map[string]string{bad: "its tree", broken: "directory packages/p", none: "directory packages: tree " + tree} {
			_, err := s.BranchPart(t.Context(), "b", mustID(t, id), nil)
			wantError(t, err, ErrBadObject, "branch b", want)
		}
		if b, err := s.BranchPart(t.Context(), "b", mustID(t, broken), map[string]bool{"other": true}); err != nil || len(b.Entries) > 0 {
			t.Errorf("a part without it: %+v, %v", b, err)
		}
		for id, want := range map[string]string{none: "directory packages: tree " + tree, bad: "its tree", tag: "names no object", broken: "directory packages/p", repo.Blob("x"): "is a blob, but is used as a commit"} {
			_, err := s.Branch(t.Context(), id)
			wantError(t, err, ErrBadObject, "branch "+id, want)
		}
		_, err := s.Relation(t.Context(), "b", good, parent)
		wantError(t, err, ErrBadObject, "history", parent, "a parent")
		_, err = s.Relation(t.Context(), "b", good, repo.Blob("x"))
		wantError(t, err, ErrBadObject, "history", "is a blob, but is used as a commit")
		_, _, err = s.Compare(t.Context(), "b", mustID(t, good), mustID(t, broken))
		wantError(t, err, ErrBadObject, "branch b at commit "+broken[:12], "directory packages/p")
		_, _, err = s.Compare(t.Context(), "b", mustID(t, broken), mustID(t, good))
		wantError(t, err, ErrBadObject, "branch b at commit "+broken[:12], "directory packages/p")
		_, _, err = s.Compare(t.Context(), "b", mustID(t, bad), mustID(t, good))
		wantError(t, err, ErrBadObject, "branch b at commit "+bad[:12], "its tree")
	}
}

// TestBare: whether there is a work tree.
func TestBare(t *testing.T) {
	work := workTree(t)
	bare := filepath.Join(t.TempDir(), "bare")
	indextest.Git(t, work, "", "clone", "--quiet", "--bare", work, bare)
	for dir, want := range map[string]bool{work: false, bare: true} {
		if got, err := openGit(t, dir).Bare(t.Context()); err != nil || got != want {
			t.Errorf("%s: %t, %v", dir, got, err)
		}
	}
}

// TestSignatureOfADuplicate: the archive that is not shown, since its directory is, still
// has its signature beside it.
func TestSignatureOfADuplicate(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("main", "both", "-- packages/p/1.0.0/manifest.yml --\n-- packages/p-1.0.0.zip --\nPK\n-- packages/p-1.0.0.zip.sig --\ns\n")
	b := branch(t, openGit(t, repo.Dir), "main")
	if len(b.Entries) != 1 || b.Entries[0].IsArchive() || len(b.Found.Warnings) != 0 || len(b.Found.Errors) != 1 || b.Found.Errors[0].Rule != index.RulePackageDuplicate || b.Found.Errors[0].File != "packages/p-1.0.0.zip" {
		t.Errorf("%+v", b)
	}
}

// TestLastChangeOfAFolderFails: what git said is the error, and not that nothing is known.
func TestLastChangeOfAFolderFails(t *testing.T) {
	dir := workTree(t)
	s := OpenDirs(map[string]string{"main": dir})
	wrapGit(t, `case "$1" in rev-list) echo 'fatal: bad tree' >&2; exit 128;; esac`)
	_, err := s.LastChange(t.Context(), "main", "packages/apache/1.0.0")
	wantError(t, err, nil, "last change of packages/apache/1.0.0 in "+dir, "fatal: bad tree")
}
