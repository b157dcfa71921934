// Package indextest makes branches of package storages for tests: git
// repositories and folders, from txtar archives.
//
// A file of an archive is called <branch>/<path>, and may be followed by
// " (executable)" or " (symlink)"; the content of a symlink is its target,
// without the last line break:
//
//	-- production/packages/nginx/1.0.0/manifest.yml --
//	name: nginx
//	-- production/packages/nginx/1.0.0/run.sh (executable) --
package indextest

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Modes of the entries of a git tree, for Repo.Tree.
const (
	ModeFile       = "100644"
	ModeExecutable = "100755"
	ModeSymlink    = "120000"
	ModeTree       = "40000"
	ModeSubmodule  = "160000"
)

// Repo is a bare git repository that a test owns. What its methods cannot do
// ends the test.
type Repo struct {
	Dir string

	t     testing.TB
	clock int // seconds after the first commit
}

// NewRepo makes an empty repository.
func NewRepo(t testing.TB) *Repo {
	t.Helper()
	r := &Repo{Dir: filepath.Join(t.TempDir(), "storage.git"), t: t}
	Git(t, filepath.Dir(r.Dir), "", "init", "--quiet", "--bare", "--initial-branch=main", r.Dir)
	return r
}

// NewRepoFrom makes a repository with one commit for each branch of an archive.
func NewRepoFrom(t testing.TB, archive string) *Repo {
	t.Helper()
	r := NewRepo(t)
	branches := split(t, archive)
	for _, branch := range slices.Sorted(maps.Keys(branches)) {
		r.CommitTree(branch, r.write(branches[branch]), "add "+branch)
	}
	return r
}

// Git runs git in the repository and returns what it printed, trimmed.
func (r *Repo) Git(stdin string, args ...string) string {
	r.t.Helper()
	return Git(r.t, r.Dir, stdin, args...)
}

// Commit makes the files of an archive, named without a branch, the whole
// content of a branch, and returns the id of the commit.
func (r *Repo) Commit(branch, subject, archive string) string {
	r.t.Helper()
	var files []file
	for _, f := range txtar.Parse([]byte(archive)).Files {
		files = append(files, newFile(f.Name, f.Data))
	}
	return r.CommitTree(branch, r.write(files), subject)
}

// CommitTree makes a tree the whole content of a branch, and returns the id of
// the commit. Each commit is a minute after the one before.
func (r *Repo) CommitTree(branch, tree, subject string) string {
	r.t.Helper()
	parent := r.tip(branch)
	if parent != "" {
		parent = "parent " + parent + "\n"
	}
	if len(tree) != 40 {
		tree = r.Git("", "rev-parse", tree)
	}
	r.clock += 60
	at := fmt.Sprintf("%d +0200", start+r.clock)
	commit := r.object("commit", fmt.Sprintf("tree %s\n%sauthor Ada Author <ada@example.com> %s\ncommitter Carl Committer <carl@example.com> %[3]s\n\n%[4]s\n", tree, parent, at, subject))
	r.setTip(branch, commit)
	return commit
}

// Blob stores a file's content and returns its id.
func (r *Repo) Blob(content string) string {
	r.t.Helper()
	return r.object("blob", content)
}

// TreeEntry is one line of a tree.
type TreeEntry struct{ Mode, Name, ID string }

// Tree stores a tree object with entries that git itself would refuse, in the
// order given, and returns its id.
func (r *Repo) Tree(entries ...TreeEntry) string {
	r.t.Helper()
	var b strings.Builder
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s\x00", e.Mode, e.Name)
		id, err := hex.DecodeString(e.ID)
		if err != nil {
			r.t.Fatalf("id %q: %v", e.ID, err)
		}
		b.Write(id)
	}
	return r.RawTree(b.String())
}

// RawTree stores any bytes as a tree object.
func (r *Repo) RawTree(content string) string {
	r.t.Helper()
	return r.object("tree", content)
}

// Remove deletes a loose object.
func (r *Repo) Remove(id string) {
	r.t.Helper()
	if err := os.Remove(r.objectPath(id)); err != nil {
		r.t.Fatal(err)
	}
}

// Damage overwrites the middle of a loose object.
func (r *Repo) Damage(id string) {
	r.t.Helper()
	name := r.objectPath(id)
	content, err := os.ReadFile(name)
	if err == nil {
		copy(content[len(content)/2:], "damage")
		err = os.Chmod(name, 0o600)
	}
	if err == nil {
		err = os.WriteFile(name, content, 0o600)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *Repo) objectPath(id string) string {
	return filepath.Join(r.Dir, "objects", id[:2], id[2:])
}

// write stores files and returns the tree of their root.
func (r *Repo) write(files []file) string {
	r.t.Helper()
	root := newFolder()
	for _, f := range files {
		root.add(f.path, f.mode, r.Blob(f.content))
	}
	return root.store(r)
}

// Package is the smallest valid package, whose readme says text, as files of an archive
// without a branch.
func Package(name, version, text string) string {
	return fmt.Sprintf(`-- packages/%[1]s/%[2]s/manifest.yml --
format_version: 1.0.0
name: %[1]s
title: %[1]s
version: %[2]s
description: %[1]s
owner.github: acme/%[1]s
-- packages/%[1]s/%[2]s/docs/README.md --
# %[3]s
`, name, version, text)
}

// Folders writes the branches of an archive as folders and returns the folder
// that holds them.
func Folders(t testing.TB, archive string) string {
	t.Helper()
	root := t.TempDir()
	for branch, files := range split(t, archive) {
		for _, f := range files {
			f.write(t, filepath.Join(root, branch))
		}
	}
	return root
}

// Git runs git in a directory, without the configuration of the user, and
// returns what it printed, trimmed.
func Git(t testing.TB, dir, stdin string, args ...string) string {
	t.Helper()
	return gitAt(t, dir, 0, stdin, args...)
}

func gitAt(t testing.TB, dir string, clock int, stdin string, args ...string) string {
	t.Helper()
	return run(t, dir, env(clock), stdin, args...)
}

func run(t testing.TB, dir string, env []string, stdin string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, env, strings.NewReader(stdin)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSpace(string(out))
}

// start is the time of the first commit, 2022-11-22 00:00 UTC.
const start = 1669075200

func env(clock int) []string {
	env := slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "GIT_") })
	date := fmt.Sprintf("%d +0200", start+clock)
	return append(env, "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_CONFIG_GLOBAL="+os.DevNull,
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.file.allow", "GIT_CONFIG_VALUE_0=always",
		"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_AUTHOR_DATE="+date,
		"GIT_COMMITTER_NAME=Carl Committer", "GIT_COMMITTER_EMAIL=carl@example.com", "GIT_COMMITTER_DATE="+date)
}

// file is one file of an archive.
type file struct{ path, mode, content string }

func newFile(name string, data []byte) file {
	f := file{path: name, mode: ModeFile, content: string(data)}
	if path, ok := strings.CutSuffix(name, " (executable)"); ok {
		f.path, f.mode = path, ModeExecutable
	}
	if path, ok := strings.CutSuffix(name, " (symlink)"); ok {
		f.path, f.mode, f.content = path, ModeSymlink, strings.TrimSuffix(f.content, "\n")
	}
	return f
}

func split(t testing.TB, archive string) map[string][]file {
	t.Helper()
	branches := make(map[string][]file)
	for _, f := range txtar.Parse([]byte(archive)).Files {
		branch, rest, ok := strings.Cut(f.Name, "/")
		if !ok {
			t.Fatalf("fixture %s: it is in no branch", f.Name)
		}
		branches[branch] = append(branches[branch], newFile(rest, f.Data))
	}
	return branches
}

func (f file) write(t testing.TB, root string) {
	t.Helper()
	name := filepath.Join(root, filepath.FromSlash(f.path))
	err := os.MkdirAll(filepath.Dir(name), 0o777)
	if err == nil {
		switch f.mode {
		case ModeSymlink:
			err = os.Symlink(f.content, name)
		case ModeExecutable:
			err = os.WriteFile(name, []byte(f.content), 0o755)
		default:
			err = os.WriteFile(name, []byte(f.content), 0o644)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// AddTo makes a commit that adds the files of an archive to what another holds,
// and moves no branch.
func (r *Repo) AddTo(commit, subject, archive string) string {
	r.t.Helper()
	index := filepath.Join(r.t.TempDir(), "index")
	withIndex := func(stdin string, args ...string) string {
		return run(r.t, r.Dir, append(env(r.clock), "GIT_INDEX_FILE="+index), stdin, args...)
	}
	withIndex("", "read-tree", commit)
	var lines strings.Builder
	for _, f := range txtar.Parse([]byte(archive)).Files {
		file := newFile(f.Name, f.Data)
		fmt.Fprintf(&lines, "%s %s\t%s\n", file.mode, r.Blob(file.content), file.path)
	}
	withIndex(lines.String(), "update-index", "--add", "--index-info")
	return withIndex("", "commit-tree", "-m", subject, "-p", commit, withIndex("", "write-tree"))
}

// Move moves a ref if it still is at old, and reports whether it was.
func (r *Repo) Move(ref, id, old string) bool {
	r.t.Helper()
	cmd := exec.Command("git", "update-ref", ref, id, old)
	cmd.Dir, cmd.Env = r.Dir, env(0)
	return cmd.Run() == nil
}
