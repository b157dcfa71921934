package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
)

// action is action.yml, as far as a runner acts on it.
type action struct {
	Inputs map[string]struct {
		Required bool
		Default  string
	}
	Runs struct {
		Using string
		Steps []struct {
			Name, If, Shell, Run string
			Env                  map[string]string
		}
	}
}

// runner runs the steps of action.yml as GitHub does: expressions are filled in,
// each step is a script, and what steps add to the PATH is there for the next.
type runner struct {
	t      *testing.T
	action action
	github map[string]string // github.* of expressions
	dir    string            // the clone
	temp   string
	env    []string
}

var expression = regexp.MustCompile(`\$\{\{ ([a-z_.-]+) \}\}`)

func newRunner(t *testing.T, clone string, hub *githubServer) *runner {
	t.Helper()
	text, err := os.ReadFile("../../action.yml")
	if err != nil {
		t.Fatal(err)
	}
	r := &runner{t: t, dir: clone, temp: t.TempDir(), github: map[string]string{"github.event.number": "8", "github.base_ref": "production", "github.token": "secret-token"}}
	if err := yaml.UnmarshalWithOptions(text, &r.action); err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r.env = append(os.Environ(), "GITHUB_ACTION_PATH="+root, "RUNNER_TEMP="+r.temp, "GITHUB_PATH="+filepath.Join(r.temp, "path"),
		"GITHUB_API_URL="+hub.URL, "GITHUB_REPOSITORY=example/package-storage", "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	return r
}

// run runs the action with inputs, and gives its output and whether it succeeded.
func (r *runner) run(inputs map[string]string) (output string, ok bool) {
	r.t.Helper()
	values := map[string]string{}
	for name, value := range r.github {
		values[name] = value
	}
	for name, in := range r.action.Inputs {
		value, given := inputs[name]
		if !given {
			value = r.fill(in.Default, values)
		}
		if in.Required && value == "" {
			r.t.Fatalf("the input %s is required", name)
		}
		values["inputs."+name] = value
	}
	ok = true
	for _, step := range r.action.Runs.Steps {
		if !ok && !strings.Contains(step.If, "!cancelled()") || strings.Contains(step.If, "inputs.pull-request != ''") && values["inputs.pull-request"] == "" {
			continue
		}
		if step.Shell != "bash" {
			r.t.Fatalf("%s: shell %q", step.Name, step.Shell)
		}
		path, err := os.ReadFile(filepath.Join(r.temp, "path"))
		if err != nil && !os.IsNotExist(err) {
			r.t.Fatal(err)
		}
		cmd := exec.CommandContext(r.t.Context(), "bash", "-e", "-o", "pipefail", "-c", step.Run)
		cmd.Dir = r.dir
		cmd.Env = append(r.env, "PATH="+strings.Join(append(strings.Fields(string(path)), os.Getenv("PATH")), ":"))
		for name, value := range step.Env {
			cmd.Env = append(cmd.Env, name+"="+r.fill(value, values))
		}
		out, err := cmd.CombinedOutput()
		output += string(out)
		ok = ok && err == nil
	}
	return output, ok
}

func (r *runner) fill(text string, values map[string]string) string {
	return expression.ReplaceAllStringFunc(text, func(e string) string {
		value, known := values[expression.FindStringSubmatch(e)[1]]
		if !known {
			r.t.Errorf("action.yml has %s, which no runner knows", e)
		}
		return value
	})
}

// githubServer has a release, and the comments of a pull request.
type githubServer struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex // guards what follows: the action's own processes ask the server
	files    map[string][]byte
	comments []comment
}

// commented returns the comments of the pull request, as they are now.
func (g *githubServer) commented() []comment {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.comments)
}

// release puts a file of the release in place of what is there.
func (g *githubServer) release(name string, content []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.files[name] = content
}

type comment struct {
	ID   int    `json:"id"`
	Body string `json:"body"`
	User struct {
		Type string `json:"type"`
	} `json:"user"`
}

func newGithub(t *testing.T) *githubServer {
	t.Helper()
	g := &githubServer{t: t, files: map[string][]byte{}}
	// The release is this very program, by way of a script.
	program, err := exec.LookPath("regsnap")
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("regsnap_1.2.3_%s_%s", runtime.GOOS, runtime.GOARCH)
	g.files[name+".tar.gz"] = tarball(t, name+"/regsnap", "#!/bin/sh\nTEST_RELEASE=v1.2.3 exec "+program+" \"$@\"\n")
	g.files["SHA256SUMS"] = fmt.Appendf(nil, "%x  %s.tar.gz\n", sha256.Sum256(g.files[name+".tar.gz"]), name)
	// Of others, who may write what they like.
	g.comments = []comment{{ID: 1, Body: "<!-- regsnap lint --> not the action's"}}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func tarball(t *testing.T, name, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (g *githubServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if name, ok := strings.CutPrefix(r.URL.Path, "/releases/v1.2.3/"); ok {
		content, there := g.files[name]
		if !there {
			http.NotFound(w, r)
		}
		_, _ = w.Write(content)
		return
	}
	if r.Header.Get("Authorization") != "Bearer secret-token" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	var c comment
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
			g.t.Error(err)
		}
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/repos/example/package-storage/issues/8/comments":
		if err := json.NewEncoder(w).Encode(g.comments); err != nil {
			g.t.Error(err)
		}
	case r.Method == http.MethodPost && r.URL.Path == "/repos/example/package-storage/issues/8/comments":
		c.ID, c.User.Type = len(g.comments)+1, "Bot"
		g.comments = append(g.comments, c)
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodPatch:
		id, err := strconv.Atoi(filepath.Base(r.URL.Path))
		if err != nil || id < 1 || id > len(g.comments) {
			g.t.Errorf("PATCH %s: %v", r.URL.Path, err)
			return
		}
		g.comments[id-1].Body = c.Body
	default:
		http.NotFound(w, r)
	}
}

// TestAction runs action.yml on a pull request that breaks a package, then mends it.
func TestAction(t *testing.T) {
	origin, clone := t.TempDir(), t.TempDir()
	shell(t, origin, guidePackages+`
git checkout --quiet -b change
newPackage web 1.1.0
rm packages/web/1.1.0/docs/README.md && git add --all && git commit --quiet --message 'no README'
git update-ref refs/pull/8/head HEAD
git checkout --quiet production && git merge --quiet --no-ff -m merge change && git update-ref refs/pull/8/merge HEAD && git reset --quiet --hard HEAD^
git config uploadpack.allowFilter true && git config uploadpack.allowAnySHA1InWant true
`)
	shell(t, clone, "git clone --quiet --branch production file://"+origin+" .\ngit config user.name A")
	hub := newGithub(t)
	r := newRunner(t, clone, hub)
	settings := filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(settings, []byte("environments:\n  production:\n    branches: [production]\n  snapshot:\n    branches: [production, staging, snapshot]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs := func(more ...string) map[string]string {
		in := map[string]string{"version": "v1.2.3", "releases": hub.URL + "/releases", "config": settings, "bucket": "file://" + filepath.Join(origin, "bucket")}
		for i := 0; i < len(more); i += 2 {
			in[more[i]] = more[i+1]
		}
		return in
	}

	out, ok := r.run(inputs("command", "lint"))
	if ok || len(hub.commented()) != 2 || !strings.Contains(hub.commented()[1].Body, "packages break the rules") || !strings.Contains(hub.commented()[1].Body, "README") {
		t.Errorf("lint of a broken package: %v, comments %+v\n%s", ok, hub.commented(), out)
	}
	shell(t, origin, `
git checkout --quiet change
mkdir -p packages/web/1.1.0/docs && printf '# web\n~~~~~~\n' > packages/web/1.1.0/docs/README.md
git add --all && git commit --quiet --message README && git update-ref refs/pull/8/head HEAD
git checkout --quiet production && git merge --quiet --no-ff -m merge change && git update-ref refs/pull/8/merge HEAD && git reset --quiet --hard HEAD^
`)
	if out, ok = r.run(inputs("command", "lint")); !ok || len(hub.commented()) != 2 || !strings.Contains(hub.commented()[1].Body, "**regsnap lint**: done") {
		t.Errorf("lint of a good one: %v, comments %+v\n%s", ok, hub.commented(), out)
	}
	if hub.commented()[0].Body != "<!-- regsnap lint --> not the action's" {
		t.Error("the comment of a person was replaced")
	}
	if out, ok = r.run(inputs("command", "publish", "environment", "snapshot", "pull-request", "")); !ok {
		t.Errorf("publish:\n%s", out)
	}
	out, ok = r.run(inputs("command", "preview", "preview-url", "https://*.preview.example"))
	if !ok || len(hub.commented()) != 3 || !strings.Contains(hub.commented()[2].Body, "https://pr-8.preview.example/search") || !strings.Contains(hub.commented()[2].Body, "+ web-1.1.0") {
		t.Errorf("preview: %v, comments %+v\n%s", ok, hub.commented(), out)
	}
	if strings.Contains(out, "secret-token") {
		t.Error("the token was printed")
	}
}

// TestActionInstalls: nothing is run whose checksum is not what it should be.
func TestActionInstalls(t *testing.T) {
	hub := newGithub(t)
	sums := fmt.Sprintf("%x", sha256.Sum256(hub.files["SHA256SUMS"]))
	good := hub.files["SHA256SUMS"]
	archive := string(bytes.Fields(good)[1])
	install := func(more ...string) (string, bool) {
		r := newRunner(t, t.TempDir(), hub)
		r.action.Runs.Steps = r.action.Runs.Steps[:1]
		in := map[string]string{"command": "lint", "version": "v1.2.3", "releases": hub.URL + "/releases"}
		for i := 0; i < len(more); i += 2 {
			in[more[i]] = more[i+1]
		}
		return r.run(in)
	}
	if out, ok := install("checksum", sums); !ok || !strings.Contains(out, "regsnap v1.2.3") {
		t.Errorf("a good release: %s", out)
	}
	for _, version := range []string{"main", "v1.2", "v1.2.3/../x", "v1.2.3;id"} {
		if out, ok := install("version", version); ok || !strings.Contains(out, "want a release") {
			t.Errorf("version %s: %s", version, out)
		}
	}
	if out, ok := install("checksum", strings.Repeat("0", 64)); ok {
		t.Errorf("another SHA256SUMS than is pinned: %s", out)
	}
	hub.release(archive, append(slices.Clone(hub.files[archive]), 0))
	if out, ok := install(); ok || strings.Contains(out, "regsnap v1.2.3") {
		t.Errorf("another archive than SHA256SUMS says: %s", out)
	}
	hub.release("SHA256SUMS", []byte(strings.ReplaceAll(string(good), archive, "other.tar.gz")))
	if out, ok := install(); ok || !strings.Contains(out, "does not list") {
		t.Errorf("an archive that is not listed: %s", out)
	}
}

// shell runs a script in a folder.
func shell(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada Author", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada Author", "GIT_COMMITTER_EMAIL=ada@example.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
