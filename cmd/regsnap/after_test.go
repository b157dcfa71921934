package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestPreviewIsConfigured: a preview that becomes an environment of the settings stays, though
// its time is over, and stops to be one once it is published.
func TestPreviewIsConfigured(t *testing.T) {
	w := newTwoBuilds(t)
	dir := t.TempDir()
	before, after := filepath.Join(dir, "before.yml"), filepath.Join(dir, "after.yml")
	for name, text := range map[string]string{before: "previews: {ttl: 1h}\n", after: "environments:\n  pr-7: {branches: [production], overwrite: always}\n"} {
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	stores := map[string]store.Store{"gs://b": memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))}
	says := func(has, not, line string) {
		t.Helper()
		got := inStores(t, stores, strings.Fields(line+" --bucket gs://b")...)
		if text := got.out + got.errors; got.code != 0 || !strings.Contains(text, has) || not != "" && strings.Contains(text, not) {
			t.Errorf("%s: exit code %d, want %q and not %q\n%s", line, got.code, has, not, text)
		}
	}
	says("", "", "build --quiet --publish --config "+before+" --source git:"+w.repo+" --env pr-7 --branches production")
	says("preview, 59 min left", "", "status --env pr-7")
	body, token, err := stores["gs://b"].Load(t.Context(), layout.PointerKey("pr-7"))
	if err != nil {
		t.Fatal(err)
	}
	over := regexp.MustCompile(`"until": *"\d{4}`).ReplaceAllString(string(body), `"until": "2001`)
	if err := stores["gs://b"].Swap(t.Context(), layout.PointerKey("pr-7"), []byte(over), token); err != nil || over == string(body) {
		t.Fatal(err, over)
	}
	says("preview, over: prune ends it", "", "status --env pr-7")
	says("pr-7: 0 kept, 1 deleted, retired: as a preview it ended at 2001-", "", "prune --dry-run --config "+before)
	says("pr-7: 1 kept, 0 deleted\n", "retired", "prune --dry-run --config "+after)
	says("was live already", "", "publish --env pr-7 --config "+before+" --source git:"+w.repo+" live")
	says("preview, over", "", "status --env pr-7")
	says("was live already", "", "publish --env pr-7 --config "+after+" --source git:"+w.repo+" live")
	says("publish by ", "preview", "status --env pr-7")
	says("", "", "build --quiet --publish --config "+before+" --source git:"+w.repo+" --env pr-8 --branches production")
	says("preview, 59 min left", "", "status --env pr-8")
	if err := os.WriteFile(after, []byte("environments:\n  pr-8: {branches: [production], overwrite: always}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	says("", "", "build --quiet --publish --config "+after+" --source git:"+w.repo+" --env pr-8")
	says("publish by ", "preview", "status --env pr-8")
	// Of one that is not configured it is said what is wrong with it.
	for _, c := range []struct {
		env  string
		code int
	}{{"pr-7", 7}, {"pr-9", 2}, {"pr-8", 0}} {
		if c.code == 7 {
			damageIn(t, stores["gs://b"], layout.PointerKey(c.env))
		}
		if got := inStores(t, stores, "history", "--bucket", "gs://b", "--env", c.env); got.code != c.code {
			t.Errorf("%s: %+v, want %d", c.env, got, c.code)
		}
	}
}

// TestAfterPublish: what is said of a move, and what comes of a command of after_publish that
// fails: the snapshot is live, and the exit code is 8.
func TestAfterPublish(t *testing.T) {
	w := newTwoBuilds(t)
	dir := t.TempDir()
	told := filepath.Join(dir, "told")
	other := indextest.Folders(t, `
-- production/packages/other/1.0.0/manifest.yml --
{format_version: 1.0.0, name: other, title: O, version: 1.0.0, description: d, type: integration, owner: {github: acme/other}}
-- production/packages/other/1.0.0/docs/README.md --
# O
`)
	configs := map[string]string{"good": `["sh", "-c", "cat >> ` + told + `"]`, "bad": `["false"]`}
	for name, command := range configs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("environments:\n  production:\n    branches: [production]\n    after_publish:\n      - command: "+command+"\n        timeout: 10m\n"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	const in = " --bucket gs://b --env production "
	for _, c := range []struct {
		command string
		moves   bool
	}{
		{"rollback" + in, true}, {"rollback --json" + in, true}, {"rollback --dry-run" + in, false}, {"rollback" + in + "live", false}, {"publish --source git:$S" + in + "live", false}, {"publish --source git:$S --json" + in + "live", false},
		{"publish --allow-older --source git:$S" + in + "previous", true}, {"publish --allow-older --json --source git:$S" + in + "previous", true}, {"publish --dry-run --allow-older --source git:$S" + in + "previous", false}, {"build --quiet --publish --source git:$S" + in, false}, {"pin" + in, false},
		{"build --quiet --publish --allow-older --source dir:$D" + in, true}, {"build --json --publish --allow-older --source dir:$D" + in, true},
	} {
		for name := range configs {
			s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
			if err := os.WriteFile(told, nil, 0o666); err != nil {
				t.Fatal(err)
			}
			got := inStores(t, map[string]store.Store{"gs://b": s}, append(strings.Fields(strings.NewReplacer("$S", w.repo, "$D", other).Replace(c.command)), "--config", filepath.Join(dir, name))...)
			want := 0
			if c.moves && name == "bad" {
				want = 8
			}
			body, _, err := s.Load(t.Context(), layout.PointerKey("production"))
			moved := err == nil && !strings.Contains(string(body), `"snapshot": "`+w.second+`",
 "generation"`) && !strings.Contains(string(body), `"snapshot": "`+w.second+`",
 "previous"`)
			text, err := os.ReadFile(told)
			if err != nil {
				t.Fatal(err)
			}
			if got.code != want || moved != c.moves || strings.Contains(string(text), w.second) != (c.moves && name == "good") {
				t.Errorf("%s, %s: exit code %d, want %d; moved %v; told %q\n%s%s", c.command, name, got.code, want, moved, text, got.out, got.errors)
			}
		}
	}
}

// TestRollbackVerifies: with --verify every byte of a snapshot is read before it goes live.
func TestRollbackVerifies(t *testing.T) {
	w := newTwoBuilds(t)
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	for o, err := range s.List(t.Context(), layout.PackagesPrefix+"web/1.0.0/") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(o.Key, ".zip") {
			continue
		}
		body, token, err := s.Load(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		body[len(body)/2] ^= 1
		if err := s.Swap(t.Context(), o.Key, body, token); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		flags, has string
		code       int
	}{
		{"--verify --dry-run", "1 fault", 7}, {"--verify", "is not whole; regsnap verify --env production --repair " + w.first, 7}, {"--verify --json --quiet", `"kind": "damaged"`, 7}, {"--dry-run", "nothing was changed", 0}, {"", "production " + w.first + " is live (was " + w.second + ")", 0},
	} {
		got := inStores(t, map[string]store.Store{"gs://b": s}, strings.Fields("rollback --bucket gs://b --env production "+c.flags)...)
		if got.code != c.code || !strings.Contains(got.out+got.errors, c.has) || strings.Contains(got.errors, "verify            ") != (c.flags == "--verify --dry-run" || c.flags == "--verify") {
			t.Errorf("%s: %+v", c.flags, got)
		}
	}
}

// TestPruneKeeps: what each of prune's flags keeps beside what is live and what a rollback goes
// to, of three snapshots that were built, and live, just now.
func TestPruneKeeps(t *testing.T) {
	w := newTwoBuilds(t)
	s := memoryStore(t, strings.TrimPrefix(w.bucket, "file://"))
	w.add("web", "1.2.0", "2024-05-08T07:08:09Z")
	stores := map[string]store.Store{"gs://b": s}
	if got := inStores(t, stores, "build", "--quiet", "--publish", "--source", "git:"+w.repo, "--bucket", "gs://b", "--env", "production"); got.code != 0 {
		t.Fatal(got)
	}
	for flags, kept := range map[string]string{
		"": "3 kept, 0 deleted",
		"--keep-last 0 --keep-within 0s --grace 0s":                  "2 kept, 1 deleted",
		"--keep-last 2 --keep-within 0s --grace 0s":                  "2 kept, 1 deleted",
		"--keep-last 3 --keep-within 0s --grace 0s":                  "3 kept, 0 deleted",
		"--keep-last 0 --keep-within 1d --grace 0s":                  "3 kept, 0 deleted",
		"--keep-last 0 --keep-within 0s --grace 1d":                  "3 kept, 0 deleted",
		"--keep-last 0 --keep-within 0s --grace 0s --keep-daily 1":   "2 kept, 1 deleted",
		"--keep-last 0 --keep-within 0s --grace 0s --keep-weekly 1":  "2 kept, 1 deleted",
		"--keep-last 0 --keep-within 0s --grace 0s --keep-monthly 1": "2 kept, 1 deleted",
	} {
		if got := inStores(t, stores, strings.Fields("prune --dry-run --bucket gs://b "+flags)...); got.code != 0 || !strings.Contains(got.out, "production: "+kept+"\n") {
			t.Errorf("%s: %+v, want %s", flags, got, kept)
		}
	}
	// What is deleted is counted, in the plan and at the end.
	got := inStores(t, stores, strings.Fields("prune --bucket gs://b --keep-last 0 --keep-within 0s --grace 0s")...)
	if got.code != 0 || !strings.Contains(got.out, "  delete  "+w.first) || !strings.HasSuffix(got.out, " objects deleted\n") || strings.HasSuffix(got.out, "\n0 objects deleted\n") || !strings.Contains(got.errors, "delete  ") {
		t.Errorf("%+v", got)
	}
}
