package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTypos: what was mistyped, wherever it stands, gets a suggestion, and exit
// code 2.
func TestTypos(t *testing.T) {
	dir := t.TempDir()
	bucket, repo := "file://"+filepath.ToSlash(dir)+"/bucket", demoRepo(t)
	if said := speak(t, "build", "--quiet", "--source", "git:"+repo, "--bucket", bucket, "--publish"); said.code != 0 {
		t.Fatal(said.errors)
	}
	if said := speak(t, "tag", "--bucket", bucket, "--env", "production", "release-8.5"); said.code != 0 {
		t.Fatal(said.errors)
	}
	at := strings.NewReplacer("BUCKET", bucket, "REPO", repo, "DIR", dir)
	for typed, want := range map[string]string{
		"staus":                    "status",
		"histroy":                  "history",
		"promot":                   "promote",
		"rollbak --env production": "rollback",
		"help invironment":         "environment",
		"help verfy":               "verify",
		"status --bukcet x":        "--bucket",
		"build --publsih":          "--publish",
		"prune --keep-lst 3":       "--keep-last",
		"history --bucket BUCKET --env prodcution":                                   "production",
		"status --bucket BUCKET --env stagging":                                      "staging",
		"build --source git:REPO --bucket BUCKET --env snapshto":                     "snapshot",
		"find --bucket BUCKET web_sever":                                             "web_server",
		"status --bucket BUCKET web_sever":                                           "web_server",
		"status --bucket BUCKET --source git:REPO tcp_listner":                       "tcp_listener",
		"find --bucket BUCKET web_server-1.1.2":                                      "1.1.0",
		"board --source git:REPO tcp_listner":                                        "tcp_listener",
		"promote --source git:REPO --from snapshot --to staging trace_kit-0.1.0":     "trace_kit-0.1.0-SNAPSHOT",
		"promote --source git:REPO --from snapshot --to staging --latest trase_kit":  "trace_kit",
		"inspect --bucket BUCKET --env production --why web_srever /search":          "web_server",
		"inspect --bucket BUCKET --env production --snapshot lvie":                   "live",
		"rollback --bucket BUCKET --env production previuos":                         "previous",
		"rollback --bucket BUCKET --env production relaese-8.5":                      "release-8.5",
		"tag --bucket BUCKET --env production --delete release-8.6":                  "release-8.5",
		"status --config bukcet:_x":                                                  "bucket",
		"status --config environments:_{production:_{branchs:_[production]}}":        "branches",
		"status --config environments:_{a:_{branches:_[a],_overwirte:_never}}":       "overwrite",
		"status --config environments:_{a:_{branches:_[a],_cache:_{contents:_10m}}}": "content",
	} {
		args := strings.Fields(at.Replace(typed))
		if len(args) > 1 && args[len(args)-2] == "--config" { // the text of the file, with _ for spaces
			file := filepath.Join(dir, "regsnap.yml")
			if err := os.WriteFile(file, []byte(strings.ReplaceAll(args[len(args)-1], "_", " ")), 0o666); err != nil {
				t.Fatal(err)
			}
			args[len(args)-1] = file
		}
		if said := speak(t, args...); said.code != exitUsage || !strings.Contains(said.errors, "(did you mean "+want+"?)") {
			t.Errorf("%s: exit code %d: %s", typed, said.code, said.errors)
		}
	}
}
