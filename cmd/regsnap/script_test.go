package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/testtools"
)

var update = flag.Bool("update", false, "rewrite docs/commands.md")

func TestMain(m *testing.M) {
	// Git has no settings of the user, who may have none, not even a name. The program, which is started elsewhere, inherits this.
	if at, err := filepath.Abs("testdata/gitconfig"); err == nil {
		if _, err := os.Stat(at); err == nil {
			os.Setenv("GIT_CONFIG_GLOBAL", at)
			os.Setenv("GIT_CONFIG_NOSYSTEM", "1")
		}
	}
	testscript.Main(testsInMemory{m}, map[string]func(){
		"regsnap": func() {
			release = os.Getenv("TEST_RELEASE") // as the linker would
			os.Exit(run(context.Background(), os.Args, os.Stdout, os.Stderr))
		},
	})
}

// testsInMemory runs tests with their temporary files in memory.
type testsInMemory struct{ *testing.M }

func (m testsInMemory) Run() int { return testtools.RunInMemory(m.M) }

// TestScripts runs the program as users do. testdata/script/README.md lists the
// commands that the scripts have beside those of testscript.
func TestScripts(t *testing.T) { testscript.Run(t, scriptParams(t, "testdata/script")) }

// scriptParams are what all scripts have.
func scriptParams(t *testing.T, dir string) testscript.Params {
	t.Helper()
	demo, err := filepath.Abs("../../testdata")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := filepath.Abs("../../build/sign/testdata")
	if err != nil {
		t.Fatal(err)
	}
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars,
				"DEMO="+demo, "CI="+filepath.Join(demo, "..", "docs", "ci"), "KEYS="+keys, "BUCKET=file://"+filepath.ToSlash(env.WorkDir)+"/bucket",
				"GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GOGC="+os.Getenv("GOGC"),
				"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.com",
				"GIT_COMMITTER_NAME=Carl Committer", "GIT_COMMITTER_EMAIL=carl@example.com",
				// The folder of the tests may lie in a work tree.
				"GIT_CEILING_DIRECTORIES="+env.WorkDir,
				"DATE=2024-05-06T07:08:09Z")
			for _, name := range []string{"REGSNAP_MUTANT", "REGSNAP_MUTANTS_REACHED"} { // of internal/mutants
				if v := os.Getenv(name); v != "" {
					env.Vars = append(env.Vars, name+"="+v)
				}
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   scriptExits,
			"demo":    scriptDemo,
			"package": scriptPackage,
			"commit":  scriptCommit,
			"splice":  scriptSplice,
			"forget":  scriptForget,
			"makezip": scriptMakeZip,
			"zeros":   scriptZeros,
			"cmptree": scriptCompareTrees,
			"nofiles": scriptNoFiles,
			"setenv":  scriptSetenv,
			"address": scriptAddress,
			"await":   scriptAwait,
			"elf":     scriptELF,
			"hub":     scriptHub,
			"unpack":  scriptUnpack,
		},
	}
}

// exits CODE PROGRAM ARG…
func scriptExits(ts *testscript.TestScript, _ bool, args []string) {
	want := number(ts, args[0])
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// demo DIR
func scriptDemo(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.CopyFS(ts.MkAbs(args[0]), os.DirFS(filepath.Join(ts.Getenv("DEMO"), "storage"))))
}

// package FOLDER NAME VERSION
func scriptPackage(ts *testscript.TestScript, _ bool, args []string) {
	dir := filepath.Join(ts.MkAbs(args[0]), "packages", args[1], args[2])
	ts.Check(os.MkdirAll(filepath.Join(dir, "docs"), 0o777))
	ts.Check(os.WriteFile(filepath.Join(dir, "docs/README.md"), []byte("# "+args[1]+"\n"), 0o666))
	manifest := fmt.Sprintf("format_version: 1.0.0\nname: %[1]s\ntitle: %[1]s\nversion: %[2]s\ndescription: %[1]s\nowner.github: acme/%[1]s\n", args[1], args[2])
	ts.Check(os.WriteFile(filepath.Join(dir, "manifest.yml"), []byte(manifest), 0o666))
}

// commit REPO BRANCH FOLDER SUBJECT
func scriptCommit(ts *testscript.TestScript, _ bool, args []string) {
	repo, branch, folder, message := ts.MkAbs(args[0]), args[1], ts.MkAbs(args[2]), args[3]
	if _, err := os.Stat(repo); errors.Is(err, fs.ErrNotExist) {
		gitIn(ts, "", "", "init", "--quiet", "--bare", repo)
	}
	ts.Check(errors.Join(os.RemoveAll(filepath.Join(repo, "index")), os.MkdirAll(folder, 0o777)))
	gitIn(ts, repo, "", "--work-tree="+folder, "add", "--force", "--all")
	commitTree(ts, repo, branch, gitIn(ts, repo, "", "write-tree"), message)
}

// commitTree makes a tree the content of a branch. COMMIT becomes the first 8
// digits of the commit.
func commitTree(ts *testscript.TestScript, repo, branch, tree, message string) {
	args := []string{"commit-tree", "-m", message, tree}
	if parent := gitIn(ts, repo, "", "for-each-ref", "--format=%(objectname)", "refs/heads/"+branch); parent != "" {
		args = append(args, "-p", parent)
	}
	commit := gitIn(ts, repo, "", args...)
	gitIn(ts, repo, "", "update-ref", "refs/heads/"+branch, commit)
	ts.Setenv("COMMIT", commit[:8])
}

// splice REPO BRANCH FOLDER NAME FILE|commit
func scriptSplice(ts *testscript.TestScript, _ bool, args []string) {
	repo, branch, folder := ts.MkAbs(args[0]), args[1], args[2]
	name, err := strconv.Unquote(`"` + args[3] + `"`)
	ts.Check(err)
	entry := "160000 " + name + "\x00" + strings.Repeat("\xc0", 20)
	if args[4] != "commit" {
		blob := gitIn(ts, repo, ts.ReadFile(args[4]), "hash-object", "-w", "--stdin")
		entry = "100644 " + name + "\x00" + unhex(ts, blob)
	}
	tree := gitIn(ts, repo, "", "rev-parse", branch+"^{tree}")
	commitTree(ts, repo, branch, spliced(ts, repo, tree, strings.Split(folder, "/"), entry), "splice "+strconv.Quote(name))
}

// spliced writes a tree, and those on the way down to a folder, with one more
// entry in the folder: raw, because git itself writes no hostile names.
func spliced(ts *testscript.TestScript, repo, tree string, path []string, entry string) string {
	var entries []string
	for line := range strings.SplitSeq(strings.TrimSuffix(gitIn(ts, repo, "", "ls-tree", "-z", tree), "\x00"), "\x00") {
		info, name, _ := strings.Cut(line, "\t")
		f := strings.Fields(info) // mode, type, id
		if len(path) > 0 && name == path[0] {
			f[2] = spliced(ts, repo, f[2], path[1:], entry)
		}
		entries = append(entries, strings.TrimPrefix(f[0], "0")+" "+name+"\x00"+unhex(ts, f[2]))
	}
	if len(path) == 0 {
		entries = append(entries, entry)
	}
	return gitIn(ts, repo, strings.Join(entries, ""), "hash-object", "-w", "--stdin", "--literally", "-t", "tree")
}

// forget REPO BRANCH:PATH
func scriptForget(ts *testscript.TestScript, _ bool, args []string) {
	id := gitIn(ts, ts.MkAbs(args[0]), "", "rev-parse", args[1])
	ts.Check(os.Remove(filepath.Join(ts.MkAbs(args[0]), "objects", id[:2], id[2:])))
	ts.Setenv("OBJECT", id)
}

// gitIn runs git in a repository, at the DATE of the script.
func gitIn(ts *testscript.TestScript, repo, stdin string, args ...string) string {
	cmd := exec.Command("git", args...)
	cmd.Stdin = strings.NewReader(stdin)
	date := ts.Getenv("DATE")
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date)
	for _, key := range []string{"GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
		cmd.Env = append(cmd.Env, key+"="+ts.Getenv(key))
	}
	if repo != "" {
		cmd.Env = append(cmd.Env, "GIT_DIR="+repo)
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		ts.Fatalf("git %s: %v: %s", strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

// makezip OUT ENTRY=FILE…
func scriptMakeZip(ts *testscript.TestScript, _ bool, args []string) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, pair := range args[1:] {
		name, file, _ := strings.Cut(pair, "=")
		to, err := w.Create(name)
		ts.Check(err)
		_, err = to.Write([]byte(ts.ReadFile(file)))
		ts.Check(err)
	}
	ts.Check(w.Close())
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o777))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o666))
}

// zeros FILE BYTES
func scriptZeros(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(args[0])
	ts.Check(os.WriteFile(name, nil, 0o666))
	ts.Check(os.Truncate(name, int64(number(ts, args[1])))) // sparse: takes no room
}

// cmptree DIR DIR
func scriptCompareTrees(ts *testscript.TestScript, _ bool, args []string) {
	a, b := files(ts, args[0]), files(ts, args[1])
	if !slices.Equal(a, b) {
		ts.Fatalf("%d files in %s, %d in %s, or other names", len(a), args[0], len(b), args[1])
	}
	for _, name := range a {
		if ts.ReadFile(filepath.Join(args[0], name)) != ts.ReadFile(filepath.Join(args[1], name)) {
			ts.Fatalf("%s differs", name)
		}
	}
}

// nofiles DIR
func scriptNoFiles(ts *testscript.TestScript, _ bool, args []string) {
	if found := files(ts, args[0]); len(found) > 0 {
		ts.Fatalf("%s holds %d files: %s, …", args[0], len(found), found[0])
	}
}

// files lists the files below a folder, in order; none when it is not there.
func files(ts *testscript.TestScript, dir string) (found []string) {
	root := ts.MkAbs(dir)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		found = append(found, name)
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		ts.Check(err)
	}
	return found
}

// setenv NAME PREFIX: the rest of the line of stdout that begins like this.
func scriptSetenv(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile("stdout")) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), args[1]); ok {
			ts.Setenv(args[0], strings.Trim(rest, ` ",`))
			return
		}
	}
	ts.Fatalf("no line of stdout begins with %q", args[1])
}

// address NAME: a free address of the loopback interface.
func scriptAddress(ts *testscript.TestScript, _ bool, args []string) {
	address, err := child.FreeAddress()
	ts.Check(err)
	ts.Setenv(args[0], address)
}

// await URL: until a server that the script has started answers.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	var err error
	for range 1000 {
		var resp *http.Response
		if resp, err = http.Get(args[0]); err == nil {
			ts.Check(resp.Body.Close())
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	ts.Fatalf("%v", err)
}

func number(ts *testscript.TestScript, s string) int {
	n, err := strconv.Atoi(s)
	ts.Check(err)
	return n
}

func unhex(ts *testscript.TestScript, id string) string {
	b, err := hex.DecodeString(id)
	if err != nil {
		ts.Fatalf("%v", fmt.Errorf("object id %q: %w", id, err))
	}
	return string(b)
}
