package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

func TestGitList(t *testing.T) {
	repo := indextest.NewRepoFrom(t, twoBranches)
	s := openGit(t, repo.Dir)
	e := branch(t, s, "production").Entries[0]
	for range 2 { // the second time from caches
		files, err := s.List(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, fmt.Sprintf("%s %d %d %s", f.Path, f.Mode, f.Size, repo.Git("", "cat-file", "blob", f.Blob.String())))
		}
		want := []string{"a/b 0 6 slash", "a/run.sh 1 10 #!/bin/sh", "a.b 0 4 dot", "manifest.yml 0 13 name: apache"}
		if !slices.Equal(got, want) {
			t.Errorf("files are %q, want %q", got, want)
		}
	}
}

// hostile makes a branch with a package p 1.0.0 of the tree.
func hostile(t *testing.T, repo *indextest.Repo, tree string) (*GitSource, index.Entry) {
	t.Helper()
	top := tree
	for _, name := range []string{"1.0.0", "p", "packages"} {
		top = repo.Tree(indextest.TreeEntry{Mode: indextest.ModeTree, Name: name, ID: top})
	}
	repo.CommitTree("hostile", top, "hostile")
	s := openGit(t, repo.Dir)
	return s, branch(t, s, "hostile").Entries[0]
}

func TestGitListHostile(t *testing.T) {
	repo := indextest.NewRepo(t)
	blob := repo.Blob("content")
	dir := repo.Tree(indextest.TreeEntry{Mode: indextest.ModeFile, Name: "passwd", ID: blob})
	missing := strings.Repeat("12", 20)
	s, e := hostile(t, repo, repo.Tree(
		indextest.TreeEntry{Mode: indextest.ModeTree, Name: "..", ID: dir},
		indextest.TreeEntry{Mode: indextest.ModeTree, Name: ".git", ID: dir},
		indextest.TreeEntry{Mode: indextest.ModeTree, Name: "", ID: dir},
		indextest.TreeEntry{Mode: indextest.ModeFile, Name: "a\nb\xff", ID: blob},
		indextest.TreeEntry{Mode: "100664", Name: "group", ID: blob},
		indextest.TreeEntry{Mode: "120000", Name: "link", ID: blob},
		indextest.TreeEntry{Mode: "160000", Name: "module", ID: missing},
		indextest.TreeEntry{Mode: "100644", Name: "tree", ID: dir},
		indextest.TreeEntry{Mode: "10644", Name: "pipe", ID: blob},
		indextest.TreeEntry{Mode: "100644", Name: "gone", ID: missing},
		indextest.TreeEntry{Mode: "100644", Name: "twice", ID: blob},
		indextest.TreeEntry{Mode: "40000", Name: "twice", ID: dir},
	))
	files, err := s.List(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		got = append(got, fmt.Sprintf("%q %d %d", f.Path, f.Mode, f.Size))
	}
	want := []string{
		`"/passwd" 0 7`, `"../passwd" 0 7`, `".git/passwd" 0 7`, `"a\nb\xff" 0 7`, `"gone" 0 -1`, `"group" 0 7`, `"link" 2 7`,
		`"module" 3 0`, `"pipe" 4 7`, `"tree" 4 34`, `"twice" 0 7`, `"twice/passwd" 0 7`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("files are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	var rules []string
	for _, p := range index.CheckFiles(files, index.Limits{}).Errors {
		rules = append(rules, fmt.Sprintf("%s %s", p.File, p.Rule))
	}
	wantRules := []string{
		"/passwd path-element", "../passwd path-element", ".git/passwd path-element", "a\ufffdb\ufffd path-character", "gone object-missing",
		"link symlink", "module submodule", "pipe irregular-file", "tree irregular-file", "twice path-duplicate",
	}
	if !slices.Equal(rules, wantRules) {
		t.Errorf("findings are\n%s\nwant\n%s", strings.Join(rules, "\n"), strings.Join(wantRules, "\n"))
	}
}

func TestGitListFaults(t *testing.T) {
	missing := strings.Repeat("12", 20)
	tests := map[string]struct {
		tree func(*indextest.Repo) string
		kind error
		want []string
	}{
		"missing tree": {
			func(r *indextest.Repo) string {
				return r.Tree(indextest.TreeEntry{Mode: "40000", Name: "docs", ID: missing})
			}, index.ErrNoObject, []string{"p-1.0.0", "branch hostile", "packages/p/1.0.0/docs", missing, "git fsck"},
		},
		"directory twice": {
			func(r *indextest.Repo) string {
				docs := func(file string) indextest.TreeEntry {
					return indextest.TreeEntry{Mode: "40000", Name: "docs", ID: r.Tree(indextest.TreeEntry{Mode: "100644", Name: file, ID: r.Blob("x")})}
				}
				return r.Tree(docs("a"), docs("b"))
			}, ErrBadObject, []string{"packages/p/1.0.0", `the directory "docs" twice`},
		},
		"blob used as a tree": {
			func(r *indextest.Repo) string {
				return r.Tree(indextest.TreeEntry{Mode: "40000", Name: "docs", ID: r.Blob("x")})
			}, ErrBadObject, []string{"packages/p/1.0.0/docs", "is a blob, but is used as a tree"},
		},
		"slash in a name": {
			func(r *indextest.Repo) string {
				return r.Tree(indextest.TreeEntry{Mode: "100644", Name: "a/b", ID: r.Blob("x")})
			}, ErrBadObject, []string{"packages/p/1.0.0", `a name with a slash, "a/b"`},
		},
		"cut off": {
			func(r *indextest.Repo) string { return r.RawTree("100644 name\x00short") }, ErrBadObject, []string{"is cut off in the entry at byte 0"},
		},
		"no mode": {
			func(r *indextest.Repo) string { return r.RawTree("x") }, ErrBadObject, []string{"is cut off in a mode"},
		},
		"bad mode": {
			func(r *indextest.Repo) string { return r.RawTree("98 name\x00" + strings.Repeat("i", 20)) }, ErrBadObject, []string{`has mode "98"`},
		},
		"bomb": {treeBomb, nil, []string{"packages/p/1.0.0: holds over 250000 files and directories"}},
		"nesting": {
			func(r *indextest.Repo) string {
				tree := r.Tree()
				for range 25 {
					tree = r.Tree(indextest.TreeEntry{Mode: "40000", Name: strings.Repeat("d", 200), ID: tree})
				}
				return tree
			}, nil, []string{"packages/p/1.0.0/ddd", "nested too deeply"},
		},
		"damaged": {
			func(r *indextest.Repo) string {
				docs := r.Tree(indextest.TreeEntry{Mode: "100644", Name: strings.Repeat("n", 100), ID: r.Blob("x")})
				r.Damage(docs)
				return r.Tree(indextest.TreeEntry{Mode: "40000", Name: "docs", ID: docs})
			}, nil, []string{"p-1.0.0", "git cat-file", "git fsck"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			repo := indextest.NewRepo(t)
			s, e := hostile(t, repo, test.tree(repo))
			_, err := s.List(t.Context(), e)
			wantError(t, err, test.kind, test.want...)
		})
	}
}

// treeBomb is eight trees that spell out 10^8 empty directories.
func treeBomb(r *indextest.Repo) string {
	tree := r.Tree()
	for range 8 {
		var entries []indextest.TreeEntry
		for i := range 10 {
			entries = append(entries, indextest.TreeEntry{Mode: "40000", Name: fmt.Sprint(i), ID: tree})
		}
		tree = r.Tree(entries...)
	}
	return tree
}
