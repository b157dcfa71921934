package upstream_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/serve/servetest"
)

// fetchOnce fetches, and lets others use the folder.
func fetchOnce(t *testing.T, o upstream.Options) upstream.Stats {
	t.Helper()
	src, stats, err := upstream.Fetch(t.Context(), o)
	if err == nil {
		err = src.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return stats
}

// TestFolderInTheWay: what stands in the place of a file or a folder of an import is an
// error that names it; without it the import goes on where it was.
func TestFolderInTheWay(t *testing.T) {
	_, site := registry(t)
	o := options(t, site)
	stats := fetchOnce(t, o)
	for _, c := range []struct {
		path    string
		folder  bool // with something in it; else a file
		fetched int
	}{
		{"incoming", false, 0}, {"branch", false, stats.Fetched}, {"branch/packages", false, stats.Fetched}, {"fetched.jsonl", true, stats.Fetched}, {"lock", true, 0},
		{"branch/packages/web-1.0.0.zip", true, 1}, {"branch/packages/web-1.0.0.zip.sig", true, 1},
	} {
		at := filepath.Join(o.Dir, filepath.FromSlash(c.path))
		err := os.RemoveAll(at)
		if c.folder {
			err = errors.Join(err, os.MkdirAll(filepath.Join(at, "x"), 0o777))
		} else {
			err = errors.Join(err, os.WriteFile(at, nil, 0o666))
		}
		if err != nil {
			t.Fatal(err)
		}
		src, _, err := upstream.Fetch(t.Context(), o)
		if src != nil || err == nil || !strings.Contains(err.Error(), at) {
			t.Errorf("%s: %v", c.path, err)
		}
		if err := os.RemoveAll(at); err != nil {
			t.Fatal(err)
		}
		if c.path == "fetched.jsonl" { // without it the folder is not one of an import
			if err := os.WriteFile(at, nil, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if again := fetchOnce(t, o); again.Fetched != c.fetched || again.Fetched+again.Unchanged != stats.Fetched {
			t.Errorf("%s: afterwards %+v, want %d fetched", c.path, again, c.fetched)
		}
	}
	o.Dir = filepath.Join(o.Dir, "fetched.jsonl")
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), o.Dir) {
		t.Errorf("a file for a folder: %v", err)
	}
}

// TestSignatureThatIsGone: where the registry has none any more, none stays; and what
// cannot be removed is an error.
func TestSignatureThatIsGone(t *testing.T) {
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.PublishSource(t, b, servetest.Edition(t, 0, 0), servetest.Env, nil)
	o := options(t, servetest.Site(t, b))
	stats := fetchOnce(t, o)
	signature := filepath.Join(o.Dir, "branch", "packages", "web-1.0.0.zip.sig")
	if err := os.WriteFile(signature, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	if again := fetchOnce(t, o); again.Unchanged != stats.Fetched || again.Signed != stats.Signed {
		t.Errorf("%+v", again)
	}
	if _, err := os.Stat(signature); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the signature stays: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(signature, "x"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, _, err := upstream.Fetch(t.Context(), o); err == nil || !strings.Contains(err.Error(), signature) {
		t.Errorf("it cannot be removed: %v", err)
	}
}

// TestProgressOfAnImport counts the packages, and Size bounds the bytes of all of them.
func TestProgressOfAnImport(t *testing.T) {
	_, site := registry(t)
	o := options(t, site)
	var steps []int
	o.Progress = func(what string, done, total int, bytes int64) {
		if what == "fetch" {
			if total != 7 || bytes <= 0 {
				t.Errorf("%d of %d with %d bytes", done, total, bytes)
			}
			steps = append(steps, done)
		}
	}
	src, stats := fetch(t, o)
	if !slices.Equal(steps, []int{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("steps %v", steps)
	}
	for size, ok := range map[int64]bool{stats.Bytes: true, stats.Bytes - 1: false} {
		o := options(t, site)
		o.Size, o.Parallel = size, 1
		src, _, err := upstream.Fetch(t.Context(), o)
		if ok != (err == nil) || !ok && !strings.Contains(err.Error(), "bytes in all") {
			t.Errorf("%d bytes of %d may come: %v", size, stats.Bytes, err)
		}
		if src != nil {
			src.Close()
		}
	}
	// What is wrong with the folder is said, but not that it is no commit.
	if err := os.WriteFile(filepath.Join(o.Dir, "branch", "packages", "notes.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	b, err := src.Branch(t.Context(), upstream.BranchName)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Found.Warnings) != 1 || b.Found.Warnings[0].Rule != index.RuleUnexpectedFile || len(b.Entries) != 7 {
		t.Errorf("%+v", b.Found)
	}
}
