package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
)

// guide is a manual whose shell commands a test runs, in order, in one shell.
type guide struct {
	file string // below docs/
	// replace is what a reader changes too: addresses of the outside world.
	replace [][2]string
	// cannot says why commands that begin like this are not run here. Each must
	// occur; every command that is not named is run, and must succeed.
	cannot [][2]string
	// before is run first.
	before string
	env    []string
}

// guidePrelude stands in for what a reader does by hand: copying the id that a
// build printed, and leaving a server running in another terminal. Nobody waits for a
// server that is to be asked gently, or looks for what is live every few seconds.
const guidePrelude = `set -euo pipefail
servers=()
trap 'for s in ${servers[@]+"${servers[@]}"}; do kill "$s" 2>/dev/null && wait "$s" || :; done' EXIT
regsnap() {
  case $1 in
  build)
    local out
    out=$(command regsnap "$@") || return
    printf '%s\n' "$out"
    ID=$(printf '%s\n' "$out" | awk '$1 == "production" { print $2; exit }') ;;
  serve | dev)
    local soon=()
    if [[ $1 = serve && " $* " != *" --poll "* ]]; then soon=(--poll 100ms); fi
    command regsnap "$@" "${soon[@]}" &
    servers+=($!)
    until curl -fso /dev/null "http://$SERVER/health"; do kill -0 "${servers[-1]}"; sleep 0.1; done ;;
  check)
    local fast=()
    if [[ " $* " != *" --max-rate "* ]]; then fast=(--max-rate 1000); fi
    command regsnap "$@" "${fast[@]}" ;;
  *) command regsnap "$@" ;;
  esac
}
`

// runGuide runs a guide, and gives what it printed and the folder that it ran in.
func runGuide(t *testing.T, g guide) (output, dir string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + g.file)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	docs, err := filepath.Abs("../../docs")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(docs, filepath.Join(dir, "docs")); err != nil {
		t.Fatal(err)
	}
	script, ran, skipped := guideScript(t, g, string(text))
	cmd := exec.CommandContext(t.Context(), "bash", "-c", guidePrelude+g.before+"\n"+script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada Author", "GIT_COMMITTER_EMAIL=ada@example.com", "TEST_RELEASE=v1.2.3")
	cmd.Env = append(cmd.Env, g.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", g.file, err, out)
	}
	t.Logf("%s: ran %d commands; not run:\n%s", g.file, ran, strings.Join(skipped, "\n"))
	return string(out), dir
}

// guideScript is a guide's commands as one script, and what it leaves out.
func guideScript(t *testing.T, g guide, text string) (script string, ran int, skipped []string) {
	t.Helper()
	for _, r := range g.replace {
		if !strings.Contains(text, r[0]) {
			t.Errorf("%s does not have %q, which is to be replaced", g.file, r[0])
		}
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	used := make([]bool, len(g.cannot))
	for _, block := range codeBlock.FindAllStringSubmatch(text, -1) {
		if block[1] != "sh" || strings.HasPrefix(block[2], "#!") {
			continue
		}
		for _, command := range logicalLines(block[2]) {
			at := slices.IndexFunc(g.cannot, func(c [2]string) bool { return strings.HasPrefix(command, c[0]) })
			if at < 0 {
				if strings.TrimSpace(command) != "" && !strings.HasPrefix(command, "#") {
					ran++
				}
				script += command
				continue
			}
			used[at] = true
			skipped = append(skipped, fmt.Sprintf("  %s (%s)", g.cannot[at][0], g.cannot[at][1]))
		}
	}
	for i, c := range g.cannot {
		if !used[i] {
			t.Errorf("%s has no command that begins with %q", g.file, c[0])
		}
	}
	if ran == 0 {
		t.Errorf("%s has no commands", g.file)
	}
	return script, ran, skipped
}

var logicalLine = regexp.MustCompile(`(?:.*\\\n)*.*\n`)

// logicalLines splits a script at the line breaks that are not escaped.
func logicalLines(script string) []string { return logicalLine.FindAllString(script, -1) }

func TestLogicalLines(t *testing.T) {
	got := logicalLines("a\nb \\\n  c \\\n  d\n\ne\n")
	if want := []string{"a\n", "b \\\n  c \\\n  d\n", "\n", "e\n"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// guidePackages is a clone with two commits on production and staging, published
// one after the other: what a guide that publishes, checks and goes back needs.
const guidePackages = `
git init --quiet --initial-branch production .
printf '/docs\n*.log\naws/\nfunctions/\nworker/\n' > .git/info/exclude
newPackage() {
  mkdir -p "packages/$1/$2/docs"
  printf 'format_version: 1.0.0\nname: %s\ntitle: %s\nversion: %s\ndescription: A package.\nowner.github: example/%s\n' "$1" "$1" "$2" "$1" > "packages/$1/$2/manifest.yml"
  echo "# $1" > "packages/$1/$2/docs/README.md"
  git add packages && git commit --quiet --message "$1 $2"
}
newPackage web 1.0.0
git branch staging && git branch snapshot
`

// TestAuthorsGuide runs docs/authors.md as a reader does, in two terminals.
func TestAuthorsGuide(t *testing.T) {
	address := child.Address(t)
	out, _ := runGuide(t, guide{
		file:    "authors.md",
		replace: [][2]string{{"localhost:8080", address}},
		env:     []string{"SERVER=" + address},
		cannot: [][2]string{
			{"regsnap dev packages/hello --base 's3", "needs a bucket of the cloud"},
			{"regsnap dev packages/hello --base https", "needs a registry on the network"},
			{"regsnap dev --listen 0.0.0.0", "serves to the network"},
			{"regsnap preview ", "needs a bucket of the cloud"},
		},
	})
	for _, want := range []string{
		"xpack.fleet.registryUrl: http://localhost:", "hello-1.0.0 rebuilt in", "shown as before the change: hello-1.0.0", "all packages are valid",
		"1 package version; 0 errors", "with what is not committed; 0 errors", "snapshot", "Add tools-1.0.0",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q was not printed:\n%s", want, out)
		}
	}
}

// TestGettingStarted runs docs/getting-started.md as a reader does.
func TestGettingStarted(t *testing.T) {
	address := child.Address(t)
	out, _ := runGuide(t, guide{
		file:    "getting-started.md",
		replace: [][2]string{{"localhost:8080", address}},
		env:     []string{"SERVER=" + address},
		cannot: [][2]string{
			{"sha256sum ", "there is no release to download"},
			{"tar -xzf ", "there is no release to download"},
			{"sudo install ", "changes the machine"},
		},
	})
	for _, want := range []string{"regsnap v1.2.3", `"name": "hello"`, "no difference", "rollback"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q was not printed:\n%s", want, out)
		}
	}
}
