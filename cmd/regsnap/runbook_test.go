package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/released"
)

// drill is an entry of the runbook: what makes the damage, and what mends it.
var drill = regexp.MustCompile("(?ms)^##+ ([^\n]*)\n[^#]*?^```drill\n(.*?)^```\n\n*```sh\n(.*?)^```$")

// TestRunbook makes the damage of each entry of docs/runbook.md, and mends it with
// the very commands that stand there.
func TestRunbook(t *testing.T) {
	storage, home := released.Storage(t), t.TempDir()
	config := filepath.Join(home, "regsnap.yml")
	if err := os.WriteFile(config, []byte(releasedConfig), 0o666); err != nil {
		t.Fatal(err)
	}
	regsnap := func(t *testing.T, args ...string) (int, string) {
		t.Helper()
		var out bytes.Buffer
		code := run(t.Context(), append([]string{"regsnap"}, args...), &out, &out)
		return code, out.String()
	}
	whole, mirror := filepath.Join(home, "whole"), filepath.Join(home, "mirror")
	tip := strings.TrimSpace(gitOutput(t, storage, "rev-parse", "production"))
	for _, commit := range []string{tip + "~1", tip} {
		gitOutput(t, storage, "update-ref", "refs/heads/production", strings.TrimSpace(gitOutput(t, storage, "rev-parse", commit)))
		if code, text := regsnap(t, "build", "--quiet", "--publish", "--config", config, "--source", "git:"+storage, "--bucket", "file://"+whole); code != 0 {
			t.Fatal(text)
		}
	}
	if code, text := regsnap(t, "mirror", "--quiet", "file://"+whole, "file://"+mirror); code != 0 {
		t.Fatal(text)
	}
	was := liveOf(t, whole, "production")
	entries := drill.FindAllStringSubmatch(manuals(t)["../../docs/runbook.md"], -1)
	if len(entries) < 15 {
		t.Fatalf("%d drills were found", len(entries))
	}
	for _, e := range entries {
		t.Run(e[1], func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "drill")
			bucket := filepath.Join(dir, "bucket")
			if err := os.CopyFS(bucket, os.DirFS(whole)); err != nil {
				t.Fatal(err)
			}
			vars := map[string]string{"BUCKET": "file://" + bucket, "MIRROR": "file://" + mirror, "SOURCE": storage, "LIVE": was.Snapshot, "PREVIOUS": was.Previous}
			make := exec.Command("sh", "-e", "-c", e[2])
			make.Dir = dir
			for name, value := range vars {
				make.Env = append(make.Environ(), name+"="+value)
			}
			if out, err := make.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, args := range commandLines(e[3]) {
				for i, arg := range args {
					args[i] = strings.Replace(os.Expand(arg, func(name string) string { return vars[name] }), "regsnap.yml", config, 1)
				}
				if code, text := regsnap(t, args...); code != 0 {
					t.Fatalf("regsnap %s: exit code %d: %s", strings.Join(args, " "), code, text)
				}
			}
			verifyLive(t, bucket)
			now := liveOf(t, bucket, "production").Snapshot
			if goesBack := strings.Contains(e[1], "not there"); now != was.Snapshot && (!goesBack || now != was.Previous) {
				t.Errorf("%s is live, was %s", now, was.Snapshot)
			}
			for _, args := range [][]string{{"status"}, {"history", "--env", "production"}, {"prune"}} {
				if code, text := regsnap(t, append(args, "--bucket", "file://"+bucket)...); code != 0 {
					t.Errorf("%s: exit code %d: %s", args[0], code, text)
				}
			}
		})
	}
}

func gitOutput(t *testing.T, repo string, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", repo}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
