package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestStatusOfPackages: what status says of a package is what other commands say: find
// of where it is live, and promote of what is missing to move on, finding by finding.
func TestStatusOfPackages(t *testing.T) {
	repo := demoRepo(t)
	work := t.TempDir()
	// Versions without an owner, which only a branch that gets them now refuses.
	addToBranch(t, repo, work, "staging", map[string]string{
		"packages/nobodys/1.0.0/manifest.yml":   "format_version: 1.0.0\nname: nobodys\ntitle: N\nversion: 1.0.0\ndescription: N\n",
		"packages/nobodys/1.0.0/docs/README.md": "# N\n",
	})
	addToBranch(t, repo, work, "snapshot", map[string]string{
		"packages/older/1.0.0/manifest.yml":      "format_version: 1.0.0\nname: older\ntitle: O\nversion: 1.0.0\ndescription: O\nowner:\n  github: demo/o\n",
		"packages/older/1.0.0/docs/README.md":    "# O\n",
		"packages/lonesome/2.0.0/manifest.yml":   "format_version: 1.0.0\nname: lonesome\ntitle: L\nversion: 2.0.0\ndescription: L\n",
		"packages/lonesome/2.0.0/docs/README.md": "# L\n",
	})
	bucket := "file://" + filepath.ToSlash(t.TempDir())
	if said := speak(t, "build", "--quiet", "--source", "git:"+repo, "--bucket", bucket, "--publish"); said.code != 0 {
		t.Fatal(said.errors)
	}
	waiting, withErrors := 0, 0
	for _, name := range []string{"web_server", "trace_kit", "tcp_listener", "nobodys", "older", "lonesome", "sealed"} {
		said := speak(t, "status", "--bucket", bucket, "--source", "git:"+repo, name, "--json")
		var got packageStatus
		if err := json.Unmarshal([]byte(said.out), &got); err != nil || said.code != 0 {
			t.Fatalf("%s: %v, %s", name, err, said.errors)
		}
		said = speak(t, "find", "--bucket", bucket, name, "--json")
		var found foundResult
		if err := json.Unmarshal([]byte(said.out), &found); err != nil {
			t.Fatalf("%s: %v, %s", name, err, said.errors)
		}
		var want, have []string
		for _, f := range found.Found {
			if f.Live {
				want = append(want, f.Version+" "+f.Environment+" "+f.Periods[0].First)
			}
		}
		for _, v := range got.Versions {
			for _, l := range v.LiveIn {
				have = append(have, v.Version+" "+l.Environment+" "+l.First)
			}
		}
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(want, have) {
			t.Errorf("%s is live as %q, find says %q", name, have, want)
		}
		for _, v := range got.Versions {
			if v.Next == nil {
				continue
			}
			waiting++
			command := strings.Fields(strings.ReplaceAll(v.Next.Command, "'", ""))
			said := speak(t, append(command[1:], "--dry-run", "--json")...)
			var moved promoted
			if err := json.Unmarshal([]byte(said.out), &moved); err != nil {
				t.Fatalf("%s: %v, %s", v.Next.Command, err, said.errors)
			}
			rules := func(list []finding) string {
				var out []string
				for _, f := range list {
					out = append(out, fmt.Sprint(f.Branch, f.Package, f.Version, f.Rule, f.Detail))
				}
				slices.Sort(out)
				return strings.Join(out, "\n")
			}
			if rules(moved.Errors) != rules(v.Next.Errors) || !v.Next.Checked {
				t.Errorf("%s-%s: status says\n%s\npromote says\n%s", name, v.Version, rules(v.Next.Errors), rules(moved.Errors))
			}
			if len(moved.Errors) > 0 {
				withErrors++
			}
			if asks := moved.Result.PullRequest != nil; asks != v.Next.ByPullRequest && len(moved.Errors) == 0 {
				t.Errorf("%s-%s: by pull request: %t, status says %t", name, v.Version, asks, v.Next.ByPullRequest)
			}
		}
	}
	if waiting < 5 || withErrors < 1 {
		t.Errorf("%d versions wait, %d with errors", waiting, withErrors)
	}
}

// addToBranch commits files to a branch of a repository.
func addToBranch(t *testing.T, repo, work, branch string, files map[string]string) {
	t.Helper()
	tree := filepath.Join(work, branch)
	git := func(args ...string) {
		t.Helper()
		if out, err := gitCommand(repo, args...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	git("worktree", "add", "--quiet", tree, branch)
	for name, content := range files {
		file := filepath.Join(tree, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git("-C", tree, "add", "--all", "--force")
	git("-C", tree, "commit", "--quiet", "-m", "more of "+branch)
	git("worktree", "remove", "--force", tree)
}
