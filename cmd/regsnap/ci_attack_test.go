package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// ciEvent is what happened to a repository, in the terms of GitHub's contexts.
type ciEvent struct {
	name, ref, action string
	pull              int
	base              string
	fork              bool
}

// ciJob is a job that an event starts.
type ciJob struct {
	name, environment string
	checkout          string // the branch that is checked out; "" is what was pushed
	whole             bool   // the clone has all of the history
	runs              []ciRun
}

// ciRun is a command of a job, with its environment.
type ciRun struct {
	command string
	env     map[string]string
}

// githubFile is docs/ci/github/regsnap.yml, as far as the tests go by it.
type githubFile struct {
	On   map[string]any `yaml:"on"`
	Env  map[string]string
	Jobs map[string]struct {
		If, Environment string
		Env             map[string]string
		Steps           []struct {
			Uses, Run string
			With, Env map[string]string
		}
	}
}

const ciNumber = 7

// githubJobs are the jobs that an event starts, with their expressions filled in.
func githubJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/github/regsnap.yml")
	var file githubFile
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, triggers := file.On[e.name]; !triggers {
		return nil
	}
	head := "acme/storage"
	if e.fork {
		head = "mallory/storage"
	}
	values := map[string]string{
		"github.event_name": e.name, "github.ref": e.ref, "github.event.action": e.action, "github.base_ref": e.base,
		"github.event.number": fmt.Sprint(e.pull), "github.repository": "acme/storage", "github.event.pull_request.head.repo.full_name": head,
		"vars.REGSNAP_BUCKET": bucket, "vars.PREVIEW_BUCKET": previews, "vars.REGSNAP_VERSION": "v1.0.0",
		"vars.PREVIEW_URL": "https://*.preview.registry.example", "runner.temp": "out",
	}
	fill := func(envs ...map[string]string) map[string]string {
		out := map[string]string{}
		for _, env := range envs {
			for k, v := range env {
				out[k] = ciExpression.ReplaceAllStringFunc(v, func(x string) string {
					name := ciExpression.FindStringSubmatch(x)[1]
					value, known := values[name]
					if !known {
						t.Fatalf("nothing is known of %s", name)
					}
					return value
				})
			}
		}
		return out
	}
	var jobs []ciJob
	for name, job := range file.Jobs {
		if !ciCondition(t, job.If, values) {
			continue
		}
		j := ciJob{name: name, environment: job.Environment}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") {
				j.checkout = fill(step.With)["ref"]
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s runs %q: an expression in a command is a way in", name, step.Run)
			}
			if step.Run != "" && !strings.HasPrefix(step.Run, "go install ") {
				j.runs = append(j.runs, ciRun{step.Run, fill(file.Env, job.Env, step.Env)})
			}
		}
		jobs = append(jobs, j)
	}
	slices.SortFunc(jobs, func(a, b ciJob) int { return strings.Compare(a.name, b.name) })
	return jobs
}

var ciExpression = regexp.MustCompile(`\$\{\{\s*([\w.]+)\s*\}\}`)

// buildkiteJobs are the steps of docs/ci/buildkite/pipeline.yml that an event starts.
func buildkiteJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/buildkite/pipeline.yml")
	var file struct {
		Env   map[string]string
		Steps []struct {
			Label, If string
			Agents    struct{ Queue string }
			Command   []string
		}
	}
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"build.branch": strings.TrimPrefix(e.ref, "refs/heads/"), "build.source": "webhook", "build.pull_request.repository.fork": fmt.Sprint(e.fork)}
	env := map[string]string{"BUILDKITE_BRANCH": values["build.branch"], "REGSNAP_BUCKET": bucket, "PREVIEW_URL": "https://*.preview.registry.example"}
	switch {
	case e.name == "schedule":
		values["build.source"], values["build.branch"] = "schedule", "production"
	case e.action == "closed":
		values[`build.env("CLOSED_PULL_REQUEST")`] = fmt.Sprint(e.pull)
		env["CLOSED_PULL_REQUEST"] = fmt.Sprint(e.pull)
	case e.pull > 0:
		values["build.pull_request.id"] = fmt.Sprint(e.pull)
		env["BUILDKITE_PULL_REQUEST"], env["BUILDKITE_PULL_REQUEST_BASE_BRANCH"] = fmt.Sprint(e.pull), e.base
	}
	scripts, err := filepath.Abs("../../docs/ci/scripts")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []ciJob
	for _, step := range file.Steps {
		if !ciCondition(t, step.If, values) {
			continue
		}
		// Buildkite's agents clone, and check out what was pushed.
		j := ciJob{name: step.Label, environment: strings.TrimPrefix(step.Agents.Queue, "regsnap-"), whole: true}
		mine := map[string]string{}
		for _, from := range []map[string]string{env, file.Env} {
			for k, v := range from {
				mine[k] = v
			}
		}
		if j.environment == "preview" {
			mine["REGSNAP_BUCKET"] = previews
		}
		for _, command := range step.Command {
			j.runs = append(j.runs, ciRun{strings.NewReplacer("$$", "$", "/opt/regsnap/ci", scripts).Replace(command), mine})
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// ciCondition judges the conditions that the files use: comparisons with == and !=,
// negations, and, or, parentheses.
func ciCondition(t *testing.T, text string, values map[string]string) bool {
	t.Helper()
	tokens := ciToken.FindAllString(text, -1)
	if strings.Join(tokens, "") != strings.Join(strings.Fields(text), "") && !strings.ContainsAny(text, `'"`) {
		t.Fatalf("condition %q: this test does not understand it", text)
	}
	value := func(token string) string {
		switch {
		case token == "null":
			return ""
		case token[0] == '\'' || token[0] == '"':
			return token[1 : len(token)-1]
		}
		return values[token]
	}
	var either func() bool
	next := func() string {
		if len(tokens) == 0 {
			t.Fatalf("condition %q ends too early", text)
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token
	}
	var one func() bool
	one = func() bool {
		token := next()
		switch token {
		case "!":
			return !one()
		case "(":
			got := either()
			if next() != ")" {
				t.Fatalf("condition %q: want )", text)
			}
			return got
		}
		if len(tokens) > 0 && (tokens[0] == "==" || tokens[0] == "!=") {
			equal := next() == "=="
			return (value(token) == value(next())) == equal
		}
		return value(token) != "" && value(token) != "false"
	}
	both := func() bool {
		got := one()
		for len(tokens) > 0 && tokens[0] == "&&" {
			next()
			also := one()
			got = got && also
		}
		return got
	}
	either = func() bool {
		got := both()
		for len(tokens) > 0 && tokens[0] == "||" {
			next()
			other := both()
			got = got || other
		}
		return got
	}
	got := either()
	if len(tokens) > 0 {
		t.Fatalf("condition %q: %q is left", text, tokens)
	}
	return got
}

var ciToken = regexp.MustCompile(`&&|\|\||==|!=|!|\(|\)|'[^']*'|build\.env\("\w+"\)|"[^"]*"|[\w.]+`)

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
		var queues []string
		for _, job := range buildkiteJobs(t, "b", "p", c.event) {
			if job.environment != "lint" {
				queues = append(queues, job.environment)
			}
		}
		want = strings.Fields(strings.NewReplacer("retire", "preview", "other", "").Replace(c.moves))
		if c.event.name == "pull_request" { // Buildkite has one event for both
			want = []string{"preview"}
		}
		slices.Sort(queues)
		if !slices.Equal(queues, want) {
			t.Errorf("%s: Buildkite runs in the queues %q, want %q", c.name, queues, want)
		}
	}
}

// TestCIAttack runs the steps of the ready files against a repository whose branch
// snapshot, and a pull request, were changed by someone who wants production: other
// settings, a hook, other scripts, branches and tags called like the protected one.
// Nothing of theirs is run, and nothing that they did not have to move moves.
func TestCIAttack(t *testing.T) {
	for _, system := range []struct {
		name string
		jobs func(*testing.T, string, string, ciEvent) []ciJob
	}{{"github", githubJobs}, {"buildkite", buildkiteJobs}} {
		t.Run(system.name, func(t *testing.T) {
			w := newCIWorld(t)
			bucket, previews := "file://"+w.dir+"/bucket", "file://"+w.dir+"/previews"
			w.runAll(t, "refs/heads/production", system.jobs(t, bucket, previews, ciEvent{name: "push", ref: "refs/heads/production"}))
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
				w.runAll(t, head, system.jobs(t, bucket, previews, c.event))
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

// ciWorld is a folder with a repository, regsnap on a PATH, and two buckets.
type ciWorld struct{ dir, origin, path string }

func newCIWorld(t *testing.T) *ciWorld {
	t.Helper()
	w := &ciWorld{dir: t.TempDir()}
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
		"refs/heads/production-2", "refs/pull/7/head"} {
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
		w.clone(t, checkout, folder, job.whole)
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
	cmd.Env = append(w.env(), "PATH="+w.path+string(os.PathListSeparator)+os.Getenv("PATH"))
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
