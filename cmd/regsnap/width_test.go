package main

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestWidth: no line of any command that shows something is wider than the screen,
// at 80 columns and at 140. Lines to paste into a shell stay whole, and so does a
// single word, such as a path, that has no room anywhere.
func TestWidth(t *testing.T) {
	dir := t.TempDir()
	bucket, repo := "file://"+filepath.ToSlash(dir)+"/bucket", demoRepo(t)
	if said := speak(t, "build", "--source", "git:"+repo, "--bucket", bucket, "--publish", "--by", "ada", "--reason", "a reason that is long enough to need more room than there is on a screen"); said.code != 0 {
		t.Fatal(said.errors)
	}
	if said := speak(t, "tag", "--bucket", bucket, "--env", "production", "a-name-that-is-as-long-as-people-give-them", "--reason", "a reason that is long enough to need more room than there is on a screen"); said.code != 0 {
		t.Fatal(said.errors)
	}
	at := strings.NewReplacer("BUCKET", bucket, "REPO", repo)
	for _, width := range []int{80, 140} {
		t.Setenv("COLUMNS", strconv.Itoa(width))
		lines := 0
		for _, call := range []string{
			"status --bucket BUCKET --source git:REPO", "history --bucket BUCKET --env production", "find --bucket BUCKET --source git:REPO web_server", "find --bucket BUCKET tcp_listener-1.0.0",
			"find --bucket BUCKET web_sever", "status --bucket BUCKET --source git:REPO web_server", "status --bucket BUCKET trace_kit", "find --bucket BUCKET web_server-2.0.0", "tag --bucket BUCKET", "tag --bucket BUCKET --env production other --dry-run", "diff --bucket BUCKET production snapshot", "diff --all --bucket BUCKET snapshot production", "inspect --bucket BUCKET --env production --packages",
			"inspect --bucket BUCKET --env production --why web_server /search?kibana.version=8.5.0", "verify --bucket BUCKET", "prune --bucket BUCKET --dry-run", "doctor --bucket BUCKET --env production",
			"recover --bucket BUCKET --env production", "lint --source git:REPO --branch production --base production --head proposal", "audit --source git:REPO --branch proposal --overwrite never",
			"board --source git:REPO", "promote --source git:REPO --from snapshot --to staging --dry-run trace_kit-0.1.0-SNAPSHOT", "pin --bucket BUCKET --env production --dry-run",
			"build --source git:REPO --bucket BUCKET --dry-run", "build --source git:REPO --bucket BUCKET --env pr-1 --branches production,proposal", "rollback --bucket BUCKET --env production", "version",
			"--help", "help exit-codes", "help environment", "help queries", "build --help", "nothing",
		} {
			lines += fits(t, width, call, speak(t, strings.Fields(at.Replace(call))...))
		}
		if lines < 400 {
			t.Errorf("only %d lines were looked at", lines)
		}
	}
}

// fits reports what is wider than the screen in what a command said, and returns how many
// lines it looked at.
func fits(t *testing.T, width int, call string, said spoken) (lines int) {
	t.Helper()
	for line := range strings.Lines(said.out + said.errors) {
		line = strings.TrimSuffix(line, "\n")
		text := strings.TrimLeft(line, " ")
		words := strings.Fields(text)
		whole := len(words) <= 1 || text != line && slices.ContainsFunc(pasted, func(p string) bool { return strings.HasPrefix(text, p) })
		if lines++; columns(line) > width && !whole {
			t.Errorf("%s: %d columns of %d: %q", call, columns(line), width, line)
		}
	}
	return lines
}
