package main

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/internal/testtools"
)

// The events of CI, and which environments each may change.
var ciEvents = []struct {
	name  string
	event ciEvent
	moves string
}{
	{"push to snapshot", ciEvent{name: "push", ref: "refs/heads/snapshot"}, "snapshot"},
	{"push to staging", ciEvent{name: "push", ref: "refs/heads/staging"}, "snapshot staging"},
	{"push to production", ciEvent{name: "push", ref: "refs/heads/production"}, "production snapshot staging"},
	{"push to another branch", ciEvent{name: "push", ref: "refs/heads/production-2"}, "other"},
	{"pull request", ciEvent{name: "pull_request", ref: "refs/pull/7/merge", action: "opened", pull: ciNumber, base: "production"}, ""},
	{"its target", ciEvent{name: "pull_request_target", ref: "refs/heads/production", action: "opened", pull: ciNumber, base: "production"}, "preview"},
	{"closed", ciEvent{name: "pull_request_target", ref: "refs/heads/production", action: "closed", pull: ciNumber, base: "production"}, "retire"},
	{"fork", ciEvent{name: "pull_request_target", ref: "refs/heads/production", action: "opened", pull: ciNumber, base: "production", fork: true}, ""},
	{"every night", ciEvent{name: "schedule", ref: "refs/heads/production"}, "prune"},
}

// ciSystem gives the jobs that an event starts.
type ciSystem func(t *testing.T, bucket, previews string, e ciEvent) []ciJob

// oneEvent are the systems that have one event for a pull request where GitHub has
// two, and clone by their files' own commands or by the settings of the job.
var oneEvent = map[string]ciSystem{"buildkite": buildkiteJobs, "gitlab": gitlabJobs, "jenkins": jenkinsJobs}

// Which jobs, and so which roles, an event starts.
func TestCITriggers(t *testing.T) {
	for _, c := range ciEvents {
		var github []string
		for _, job := range githubJobs(t, "b", "p", c.event) {
			if job.environment != "" {
				github = append(github, job.environment)
			}
			if job.checkout != "production" {
				t.Errorf("%s: GitHub's %s checks out %q", c.name, job.name, job.checkout)
			}
		}
		want := strings.Fields(strings.NewReplacer("retire", "preview", "other", "snapshot").Replace(c.moves))
		if c.moves == "other" {
			want = github // no event at all: the workflow's "on" has the three branches
		}
		if !slices.Equal(github, want) {
			t.Errorf("%s: GitHub gives the roles %q, want %q", c.name, github, want)
		}
		want = strings.Fields(strings.NewReplacer("retire", "preview", "other", "").Replace(c.moves))
		if c.event.name == "pull_request" {
			want = []string{"preview"}
		}
		for name, jobs := range oneEvent {
			var roles []string
			for _, job := range jobs(t, "b", "p", c.event) {
				if job.environment != "lint" {
					roles = append(roles, job.environment)
				}
			}
			slices.Sort(roles)
			if !slices.Equal(roles, want) {
				t.Errorf("%s: %s gives the roles %q, want %q", c.name, name, roles, want)
			}
		}
	}
}

// TestCIAttack runs the steps of the ready files against a repository whose branch
// snapshot, and a pull request, were changed by someone who wants production: other
// settings, a hook, other scripts, branches and tags called like the protected one.
// Nothing of theirs is run, and nothing that they did not have to move moves.
func TestCIAttack(t *testing.T) {
	systems := map[string]ciSystem{"github": githubJobs, "buildkite": buildkiteJobs}
	if testtools.Thorough {
		maps.Copy(systems, oneEvent)
	}
	for name, jobs := range systems {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newCIWorld(t)
			bucket, previews := "file://"+w.dir+"/bucket", "file://"+w.dir+"/previews"
			w.runAll(t, "refs/heads/production", jobs(t, bucket, previews, ciEvent{name: "push", ref: "refs/heads/production"}))
			before := w.pointers(t, "bucket")
			if len(before) != 3 {
				t.Fatalf("an honest push to production moved %v", before)
			}
			w.attack(t)
			for _, c := range ciEvents {
				head := c.event.ref
				if c.event.name == "push" && head != "refs/heads/snapshot" || c.event.fork {
					continue // the other branches have nothing new, and forks no jobs
				}
				if c.event.pull > 0 {
					head = fmt.Sprintf("refs/pull/%d/head", c.event.pull)
				}
				w.runAll(t, head, jobs(t, bucket, previews, c.event))
				after := w.pointers(t, "bucket")
				for _, env := range []string{"production", "staging"} {
					if after[env] != before[env] {
						t.Errorf("%s: %s moved from\n%s to\n%s", c.name, env, before[env], after[env])
					}
				}
				if len(after) != 3 {
					t.Errorf("%s: environments %v", c.name, after)
				}
			}
			if after := w.pointers(t, "bucket"); after["snapshot"] == before["snapshot"] {
				t.Error("the push to snapshot did not even move snapshot")
			}
			if _, err := os.Stat(filepath.Join(w.dir, "owned")); !os.IsNotExist(err) {
				t.Errorf("something of the attacker's was run: %v", err)
			}
			if _, err := os.Stat(filepath.Join(w.dir, "previews", "environments", "pr-7.json")); !os.IsNotExist(err) {
				t.Errorf("the preview was not retired: %v", err)
			}
			// What did it before: the settings of the branch that was pushed.
			w.clone(t, "refs/heads/snapshot", "old", false)
			w.run(t, "old", ciRun{"regsnap build --quiet --source git:. --env production --publish --config regsnap.yml || true",
				map[string]string{"REGSNAP_BUCKET": bucket}})
			if _, err := os.Stat(filepath.Join(w.dir, "owned")); err != nil {
				t.Errorf("the attack would have come to nothing anyway: %v", err)
			}
		})
	}
}

// ciWorld is a folder with a repository, regsnap on a PATH and as a release, and two buckets.
type ciWorld struct{ dir, origin, path, releases string }

func newCIWorld(t *testing.T) *ciWorld {
	t.Helper()
	w := &ciWorld{dir: t.TempDir(), releases: newGithub(t).URL + "/releases"}
	w.origin, w.path = filepath.Join(w.dir, "origin"), filepath.Join(w.dir, "bin")
	program, err := os.Executable()
	if err == nil {
		err = os.Mkdir(w.path, 0o777)
	}
	if err == nil {
		err = os.Symlink(program, filepath.Join(w.path, "regsnap")) // TestMain goes by the name
	}
	if err != nil {
		t.Fatal(err)
	}
	w.git(t, "", "init", "--quiet", "--initial-branch=production", w.origin)
	for _, option := range []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "uploadpack.allowReachableSHA1InWant"} {
		w.git(t, w.origin, "config", option, "true")
	}
	if err := os.CopyFS(filepath.Join(w.origin, ".regsnap"), os.DirFS("../../docs/ci/scripts")); err != nil {
		t.Fatal(err)
	}
	w.write(t, "regsnap.yml", "environments:\n  production: {branches: [production]}\n  staging: {branches: [production, staging], overwrite: if-needed}\n  snapshot: {branches: [production, staging, snapshot], overwrite: always}\n")
	w.addPackage(t, "web", "1.0.0")
	w.commit(t)
	for i, branch := range []string{"staging", "snapshot"} {
		w.git(t, w.origin, "checkout", "--quiet", "-b", branch)
		w.addPackage(t, "web", fmt.Sprintf("1.%d.0", i+1))
		w.commit(t)
	}
	return w
}

// attack changes what anyone who may push to snapshot, or propose, can change.
func (w *ciWorld) attack(t *testing.T) {
	t.Helper()
	owned := filepath.Join(w.dir, "owned")
	mark := "#!/bin/sh\necho run: $0 >>" + owned + "\n"
	scripts, err := fs.Glob(os.DirFS(w.origin), ".regsnap/*.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%v, %v", scripts, err)
	}
	for _, script := range scripts {
		w.write(t, script, mark)
	}
	for _, hook := range []string{".buildkite/hooks/pre-command", "regsnap", "git", "sh"} {
		w.write(t, hook, mark)
	}
	w.write(t, "regsnap.yml", fmt.Sprintf("environments:\n"+
		"  production: {branches: [snapshot], diverged: allow, after_publish: [{command: [sh, -c, 'echo hook >>%s']}]}\n"+
		"  staging: {branches: [snapshot], diverged: allow}\n"+
		"  snapshot: {branches: [production, staging, snapshot], after_publish: [{command: [sh, -c, 'echo hook >>%s']}]}\n", owned, owned))
	w.addPackage(t, "evil", "6.6.6")
	w.commit(t)
	tip := w.git(t, w.origin, "rev-parse", "HEAD")
	for _, ref := range []string{"refs/heads/origin/production", "refs/tags/origin/production", "refs/tags/production", "refs/heads/refs/remotes/origin/production",
		"refs/heads/production-2", "refs/pull/7/head", "refs/merge-requests/7/head"} {
		w.git(t, w.origin, "update-ref", ref, tip)
	}
	merge := w.git(t, w.origin, "commit-tree", "-m", "merge", "-p", "refs/heads/production", "-p", tip, tip+"^{tree}")
	w.git(t, w.origin, "update-ref", "refs/pull/7/merge", merge)
}

// runAll runs jobs as a CI system does: each in a fresh, shallow clone without contents.
func (w *ciWorld) runAll(t *testing.T, head string, jobs []ciJob) {
	t.Helper()
	for _, job := range jobs {
		folder := strings.ReplaceAll(job.name, " ", "-")
		checkout := "refs/heads/" + job.checkout
		if job.checkout == "" {
			checkout = head
		}
		if job.empty {
			if err := os.Mkdir(filepath.Join(w.dir, folder), 0o777); err != nil {
				t.Fatal(err)
			}
		} else {
			w.clone(t, checkout, folder, job.whole)
		}
		for _, run := range job.runs {
			w.run(t, folder, run)
		}
		if err := os.RemoveAll(filepath.Join(w.dir, folder)); err != nil {
			t.Fatal(err)
		}
	}
}

// clone does what actions/checkout does with filter: blob:none, or an agent of Buildkite.
func (w *ciWorld) clone(t *testing.T, ref, folder string, whole bool) {
	t.Helper()
	at := filepath.Join(w.dir, folder)
	w.git(t, "", "init", "--quiet", at)
	w.git(t, at, "remote", "add", "origin", "file://"+w.origin)
	w.git(t, at, "config", "remote.origin.promisor", "true")
	w.git(t, at, "config", "remote.origin.partialclonefilter", "blob:none")
	branch, isBranch := strings.CutPrefix(ref, "refs/heads/")
	to := "refs/remotes/pull/head"
	if isBranch {
		to = "refs/remotes/origin/" + branch
	}
	fetch := []string{"fetch", "--quiet", "--no-tags", "--filter=blob:none", "origin", "+" + ref + ":" + to}
	if whole {
		fetch = append(fetch, "+refs/heads/*:refs/remotes/origin/*")
	} else {
		fetch = append(fetch, "--depth=1")
	}
	w.git(t, at, fetch...)
	if isBranch {
		w.git(t, at, "checkout", "--quiet", "-B", branch, to)
		return
	}
	w.git(t, at, "checkout", "--quiet", "--detach", to)
}

// run runs a command. That lint finds fault with the attack is no failure.
func (w *ciWorld) run(t *testing.T, folder string, r ciRun) {
	t.Helper()
	cmd := exec.Command("sh", "-e", "-c", r.command)
	cmd.Dir = filepath.Join(w.dir, folder)
	cmd.Env = append(w.env(), "PATH="+w.path+string(os.PathListSeparator)+os.Getenv("PATH"), "REGSNAP_VERSION=v1.2.3", "RELEASES="+w.releases,
		"RUNNER_TEMP="+filepath.Join(w.dir, "temp"), "WORKSPACE_TMP="+filepath.Join(w.dir, "temp"), "CI_PROJECT_DIR="+cmd.Dir, "CI_REPOSITORY_URL=file://"+w.origin)
	for k, v := range r.env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	out, err := cmd.CombinedOutput()
	if err != nil && !strings.Contains(r.command, "lint.sh") {
		t.Errorf("%s: %v\n%s", r.command, err, out)
	}
	if strings.Contains(r.command, "lint.sh") && !strings.Contains(string(out), "[settings-differ]") {
		t.Errorf("lint does not warn of other settings: %s", out)
	}
}

func (w *ciWorld) env() []string {
	return append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "REGSNAP_") || strings.HasPrefix(kv, "GITHUB_") }),
		"HOME="+w.dir, "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Carl Committer", "GIT_COMMITTER_EMAIL=carl@example.com")
}

func (w *ciWorld) git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, w.env()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *ciWorld) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(w.origin, filepath.FromSlash(name))
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (w *ciWorld) addPackage(t *testing.T, name, version string) {
	t.Helper()
	dir := "packages/" + name + "/" + version + "/"
	w.write(t, dir+"docs/README.md", "# "+name+"\n")
	w.write(t, dir+"manifest.yml", fmt.Sprintf("format_version: 1.0.0\nname: %[1]s\ntitle: %[1]s\nversion: %[2]s\ndescription: %[1]s\nowner.github: acme/%[1]s\n", name, version))
}

func (w *ciWorld) commit(t *testing.T) {
	t.Helper()
	w.git(t, w.origin, "add", "--all")
	w.git(t, w.origin, "commit", "--quiet", "-m", "change")
}

// pointers are the live snapshots of a bucket, by environment.
func (w *ciWorld) pointers(t *testing.T, bucket string) map[string]string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.dir, bucket, "environments", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, path := range found {
		text, err := os.ReadFile(path)
		var p struct{ Snapshot string }
		if err == nil {
			err = yaml.Unmarshal(text, &p)
		}
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".json")] = p.Snapshot
	}
	return out
}
