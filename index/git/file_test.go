package git

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

// What decides what goes live is read from where it was said to be, whatever refs
// of likely names were pushed: branches, tags and refs called like others, like
// commits, like remotes.
func TestFileIsOfTheProtectedRef(t *testing.T) {
	repo := indextest.NewRepo(t)
	content := func(text string) string {
		return repo.Commit(text, text, fmt.Sprintf("-- settings/regsnap.yml --\n%s\n-- README --\nof %[1]s\n", text))
	}
	good, evil := content("good"), content("evil")
	repo.Git("", "config", "remote.origin.url", "nowhere")
	repo.Git("", "config", "remote.up/stream.url", "nowhere")
	set := func(refs ...string) {
		for _, ref := range refs {
			repo.Git("", "update-ref", ref, evil)
		}
	}
	repo.Git("", "update-ref", "refs/remotes/origin/production", good)
	repo.Git("", "update-ref", "refs/remotes/up/stream/production", good)
	set("refs/heads/origin/production", "refs/tags/origin/production", "refs/origin/production", "refs/tags/production",
		"refs/heads/refs/remotes/origin/production", "refs/remotes/origin/refs/remotes/origin/production",
		"refs/heads/up/stream/production", "refs/remotes/origin/up/stream/production", "refs/heads/snapshot",
		"refs/heads/refs/pull/1/head", "refs/remotes/origin/origin/gone", "refs/heads/origin/gone", "refs/tags/gone", "refs/heads/refs/remotes/origin/gone",
		"refs/heads/"+strings.Repeat("a", 39)+"b")
	s := openGit(t, repo.Dir)
	for _, at := range []string{"origin/production", "up/stream/production", "refs/remotes/origin/production", good} {
		got, ref, err := s.File(t.Context(), at, "settings/regsnap.yml")
		if err != nil || string(got) != "good\n" || ref.Commit.String() != good {
			t.Errorf("%s: %q at %v, %v", at, got, ref, err)
		}
	}
	if got, ref, err := s.File(t.Context(), "production", "settings/regsnap.yml"); err != nil || string(got) != "good\n" || ref.Name != "refs/remotes/origin/production" {
		t.Errorf("production: %q at %v, %v", got, ref, err)
	}
	for _, at := range []string{"origin/gone", "refs/remotes/origin/gone", "refs/pull/1/head", "gone", strings.Repeat("a", 39) + "b", "production:x", "HEAD", "production^0", "-production", ""} {
		got, _, err := s.File(t.Context(), at, "settings/regsnap.yml")
		if err == nil {
			t.Errorf("%q gives %q", at, got)
			continue
		}
		wantError(t, err, index.ErrNoBranch)
	}
	_, _, err := s.File(t.Context(), "refs/remotes/origin/gone", "settings/regsnap.yml")
	wantError(t, err, index.ErrNoBranch, "fetch --no-tags origin +refs/heads/gone:refs/remotes/origin/gone")
}

func TestFilePaths(t *testing.T) {
	repo := indextest.NewRepo(t)
	link := indextest.TreeEntry{Mode: "120000", Name: "link", ID: repo.Blob("a/b")}
	repo.CommitTree("main", repo.Tree(
		indextest.TreeEntry{Mode: "100644", Name: "plain", ID: repo.Blob("p")},
		indextest.TreeEntry{Mode: "100755", Name: "run", ID: repo.Blob("r")},
		indextest.TreeEntry{Mode: "100644", Name: "large", ID: repo.Blob(strings.Repeat("x", maxWholeFile+1))},
		indextest.TreeEntry{Mode: "040000", Name: "a", ID: repo.Tree(indextest.TreeEntry{Mode: "100644", Name: "b", ID: repo.Blob("ab")})},
		link), "files")
	s := openGit(t, repo.Dir)
	for name, want := range map[string]string{"plain": "p", "run": "r", "a/b": "ab"} {
		if got, _, err := s.File(t.Context(), "main", name); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, kind := range map[string]error{
		"none": fs.ErrNotExist, "a/none": fs.ErrNotExist, "plain/b": fs.ErrNotExist, "link/b": fs.ErrNotExist,
		"a": fs.ErrInvalid, "link": fs.ErrInvalid, "": fs.ErrInvalid, ".": fs.ErrInvalid, "/plain": fs.ErrInvalid,
		"../plain": fs.ErrInvalid, "./plain": fs.ErrInvalid, "a/": fs.ErrInvalid, "a/../plain": fs.ErrInvalid, "large": nil,
	} {
		got, _, err := s.File(t.Context(), "main", name)
		if err == nil {
			t.Errorf("%q gives %d bytes", name, len(got))
			continue
		}
		wantError(t, err, kind)
	}
}

// A partial clone fetches what it lacks of it.
func TestFileOfPartialClone(t *testing.T) {
	s := openGit(t, partialClone(t))
	b := branch(t, s, "production")
	files, err := s.List(t.Context(), b.Entries[0])
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	again := openGit(t, partialClone(t))
	if got, _, err := again.File(t.Context(), "production", b.Entries[0].Path+"/"+files[0].Path); err != nil || int64(len(got)) != files[0].Size {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
