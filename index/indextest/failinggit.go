package indextest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// FailingGit is a git of which one command fails, as where the disk is full. It counts
// those that were run.
type FailingGit struct {
	// Dir is where the program is.
	Dir string
	t   testing.TB
}

// NewFailingGit makes one, of which none fails yet.
func NewFailingGit(t testing.TB) *FailingGit {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	f := &FailingGit{t.TempDir(), t}
	script := fmt.Sprintf(`#!/bin/sh
n=0
read n < '%[1]s/count'
n=$((n+1))
echo $n > '%[1]s/count'
read at < '%[1]s/fail'
if [ $n = $at ]; then
	echo "$*" > '%[1]s/failed'
	echo "fatal: No space left on device" >&2
	exit 128
fi
exec '%[2]s' "$@"
`, f.Dir, git)
	if err := os.WriteFile(filepath.Join(f.Dir, "git"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	f.Fail(0)
	return f
}

// OnPath makes it the git of this process until the test ends.
func (f *FailingGit) OnPath(t *testing.T) {
	t.Setenv("PATH", f.Dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Fail has the n-th command from now on fail; with 0, none fails.
func (f *FailingGit) Fail(n int) {
	f.t.Helper()
	for name, value := range map[string]int{"count": 0, "fail": n} {
		if err := os.WriteFile(filepath.Join(f.Dir, name), []byte(strconv.Itoa(value)+"\n"), 0o666); err != nil {
			f.t.Fatal(err)
		}
	}
}

// Commands is how many were run since Fail was called.
func (f *FailingGit) Commands() int {
	f.t.Helper()
	n, err := strconv.Atoi(f.read("count"))
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// Failed is the command that failed last, with its arguments.
func (f *FailingGit) Failed() string {
	f.t.Helper()
	return f.read("failed")
}

func (f *FailingGit) read(name string) string {
	f.t.Helper()
	body, err := os.ReadFile(filepath.Join(f.Dir, name))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimSpace(string(body))
}
