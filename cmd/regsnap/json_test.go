package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/serve"
)

// demoRepo is a repository with the branches of testdata/storage, and one more,
// "proposal", in which a released version was overwritten and a new one is broken.
func demoRepo(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repo")
	git := func(args ...string) {
		t.Helper()
		if out, err := gitCommand(dir, args...).CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(dir, 0o777))
	git("init", "--quiet")
	for _, branch := range []string{"production", "staging", "snapshot"} {
		git("checkout", "--quiet", "--orphan", branch)
		check(os.RemoveAll(filepath.Join(dir, "packages")))
		check(os.CopyFS(dir, os.DirFS("../../testdata/storage/"+branch)))
		git("add", "--all", "--force")
		git("commit", "--quiet", "-m", "the "+branch+" packages")
	}
	git("checkout", "--quiet", "-b", "proposal", "production")
	check(os.WriteFile(filepath.Join(dir, "packages/web_server/1.0.0/docs/README.md"), []byte("# other\n"), 0o666))
	check(os.MkdirAll(filepath.Join(dir, "packages/broken/1.0.0"), 0o777))
	check(os.WriteFile(filepath.Join(dir, "packages/broken/1.0.0/manifest.yml"), []byte("name: other\n"), 0o666))
	git("add", "--all", "--force")
	git("commit", "--quiet", "-m", "overwrite a release")
	git("checkout", "--quiet", "--detach")
	return dir
}

// gitCommand is git in a repository, as Ada at one moment.
func gitCommand(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=Ada Author", "-c", "user.email=ada@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_DATE=2024-05-06T07:08:09Z", "GIT_COMMITTER_DATE=2024-05-06T07:08:09Z")
	return cmd
}

// spoken is what a command said, and how it ended.
type spoken struct {
	code        int
	out, errors string
}

func speak(t *testing.T, args ...string) spoken {
	t.Helper()
	var out, errors bytes.Buffer
	code := run(t.Context(), append([]string{"regsnap"}, args...), &out, &errors)
	return spoken{code, out.String(), errors.String()}
}

// registryOf answers for an environment of a bucket.
func registryOf(t *testing.T, bucket, env string) string {
	t.Helper()
	b, err := publish.Open(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	h, err := serve.New(t.Context(), serve.Options{Bucket: b, Environments: []serve.Environment{{Name: env}}, Default: env})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		server.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return server.URL
}

// jsonCall is a command with --json: of which result its output is, "" if it has
// none, and its exit code.
type jsonCall struct {
	result string
	code   int
	args   string
}

// jsonCalls are calls of every command that has --json, in an order in which they
// work. REPO, BUCKET, REGISTRY, DIR, LIVE and COPY stand for what a test has.
var jsonCalls = []jsonCall{
	{"version", 0, "version"},
	{"build", 0, "build --source git:REPO --bucket BUCKET --env production --publish --by ada --reason first"},
	{"build", 0, "build --source git:REPO --bucket BUCKET --publish"},
	{"status-watch", 0, "status --watch --bucket BUCKET --env production --edge REGISTRY"},
	{"build", 0, "build --source git:REPO --bucket BUCKET --env pr-2 --branches production,snapshot --publish"},
	{"build", 0, "build --source git:REPO --bucket BUCKET --dry-run"},
	{"build", 3, "build --source git:REPO --bucket BUCKET --env pr-1 --branches production,proposal"},
	{"status", 0, "status --bucket BUCKET --source git:REPO"},
	{"history", 0, "history --bucket BUCKET --env pr-2"},
	{"pin", 0, "pin --bucket BUCKET --env pr-2 --by ben --reason hold"},
	{"pin", 0, "pin --bucket BUCKET --env pr-2 --dry-run"},
	{"build", 0, "build --source git:REPO --bucket BUCKET --env pr-2 --branches production,staging --publish"},
	{"unpin", 0, "unpin --bucket BUCKET --env pr-2"},
	{"publish", 0, "publish --bucket BUCKET --env pr-2 --dry-run --allow-older OTHER"},
	{"publish", 0, "publish --bucket BUCKET --env staging live"},
	{"rollback", 0, "rollback --bucket BUCKET --env pr-2 --snapshot @{0} --yes"},
	{"rollback", 0, "rollback --bucket BUCKET --env pr-2 OTHER --dry-run"},
	{"rollback", 0, "rollback --bucket BUCKET --env pr-2 OTHER --yes --pin --by ben"},
	{"history", 0, "history --bucket BUCKET --env pr-2 --limit 1"},
	{"status", 0, "status --bucket BUCKET"},
	{"diff", 0, "diff --bucket BUCKET production staging"},
	{"find", 0, "find --bucket BUCKET --source git:REPO tcp_listener"},
	{"status-package", 0, "status --bucket BUCKET --source git:REPO web_server"},
	{"status-package", 0, "status --bucket BUCKET trace_kit"},
	{"", 2, "status --bucket BUCKET --source git:REPO web_server-7.7.7"},
	{"", 2, "find --bucket BUCKET tcp_listner"},
	{"tag", 0, "tag --bucket BUCKET --env production release-8.5 --by ada --reason shipped"},
	{"tag", 0, "tag --bucket BUCKET --env production --dry-run release-8.6 live"},
	{"tag", 0, "tag --bucket BUCKET --env pr-2 going OTHER --force"},
	{"tag-list", 0, "tag --bucket BUCKET"},
	{"status", 0, "status --bucket BUCKET"},
	{"history", 0, "history --bucket BUCKET --env pr-2"},
	{"find", 0, "find --bucket BUCKET web_server-2.0.0"},
	{"tag", 0, "tag --bucket BUCKET --env pr-2 --delete going"},
	{"", 2, "tag --bucket BUCKET --env pr-2 --delete going"},
	{"inspect", 0, "inspect --bucket BUCKET --env production"},
	{"inspect-request", 0, "inspect --bucket BUCKET --env production --why web_server /search?kibana.version=8.5.0"},
	{"inspect-request", 0, "inspect --bucket BUCKET --env production /package/web_server/9.9.9/"},
	{"inspect-request", 0, "inspect --bucket BUCKET --env production /package/web_server/2.0.0/data_stream/access/elasticsearch/ingest_pipeline/split.json"},
	{"verify", 0, "verify --bucket BUCKET --env production"},
	{"verify", 0, "verify --bucket BUCKET"},
	{"verify", 0, "verify --bucket BUCKET --env production --deep --source git:REPO"},
	{"doctor", 0, "doctor --bucket BUCKET --env production"},
	{"recover", 0, "recover --bucket BUCKET --env production"},
	{"lint", 0, "lint --source git:REPO --branch production --base production --head production"},
	{"lint", 3, "lint --source git:REPO --branch production --base production --head proposal"},
	{"audit", 0, "audit --source git:REPO --branch production"},
	{"audit", 3, "audit --source git:REPO --branch proposal --overwrite never"},
	{"board", 0, "board --source git:REPO"},
	{"promote", 0, "promote --source git:REPO --from snapshot --to staging --dry-run trace_kit-0.1.0-SNAPSHOT"},
	{"promote", 0, "promote --source git:REPO --from staging --to production web_server-2.1.0-beta.1"},
	{"add", 0, "add ../../testdata/storage/production/packages/sealed/sealed-1.0.0.zip --source git:REPO --to snapshot --spec off --dry-run"},
	{"preview", 0, "preview pr-9 --path ../../testdata/storage/production/packages/web_server/2.0.0 --bucket BUCKET"},
	{"mirror", 0, "mirror BUCKET COPY --env production --by ada"},
	{"mirror", 0, "mirror BUCKET COPY --dry-run"},
	{"export", 0, "export --bucket BUCKET --env production --dry-run DIR/www"},
	{"export", 0, "export --bucket BUCKET --env production DIR/www"},
	{"image", 0, "image --bucket BUCKET --env production --binary linux/amd64=DIR/program --tarball DIR/registry.tar"},
	{"edge", 0, "edge cloudflare --env production --r2 packages --out DIR/edge"},
	{"import", 0, "import --registry REGISTRY --env production --bucket COPY --cache DIR/cache --max-rate 1000"},
	{"check", 0, "check --bucket BUCKET --env production --against REGISTRY --max-rate 5000 --sample 2%"},
	{"prune", 0, "prune --bucket BUCKET --dry-run"},
	{"prune", 0, "prune --bucket BUCKET --keep-last 0 --keep-within 0 --grace 0 --yes"},
	{"init", 0, "init --dir DIR/new --dry-run --bucket BUCKET --domain example.org --ci none"},
	{"", 2, "status --bucket nowhere://"},
	{"", 1, "rollback --bucket BUCKET --env production"},
}

// TestJSON runs every command with --json on testdata and holds what it prints to
// docs/json.schema.json: the result on standard output, an error on standard error.
func TestJSON(t *testing.T) {
	defs := loadSchema(t)
	dir := t.TempDir()
	bucket := "file://" + filepath.ToSlash(dir) + "/bucket"
	words := []string{"REPO", demoRepo(t), "BUCKET", bucket, "COPY", "file://" + filepath.ToSlash(dir) + "/copy", "DIR", dir}
	t.Setenv("USER", "ada")
	set := map[string]bool{}
	hold := func(call, what, text string) {
		t.Helper()
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v in %q", call, err, text)
			return
		}
		for _, problem := range violations(defs, map[string]any{"$ref": "#/$defs/" + what}, v, what) {
			t.Errorf("%s: %s", call, problem)
		}
		noteSet(defs, what, v, set)
	}
	if err := os.WriteFile(filepath.Join(dir, "program"), imagetest.ELF(imagetest.AMD64, ""), 0o755); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, c := range jsonCalls {
		if i == 2 {
			words = append(words, "REGISTRY", registryOf(t, bucket, "production"))
		}
		args := strings.NewReplacer(words...).Replace(c.args)
		if before, after, found := strings.Cut(args, "OTHER"); found {
			args = before + otherSnapshot(t, bucket) + after
		}
		said := speak(t, append(strings.Fields(args), "--json")...)
		seen[strings.Fields(args)[0]] = true
		if said.code != c.code {
			t.Errorf("%s: exit code %d, want %d: %s", c.args, said.code, c.code, said.errors)
		}
		if c.result != "" {
			hold(c.args, c.result, said.out)
		} else if said.out != "" {
			t.Errorf("%s prints %q", c.args, said.out)
		}
		if c.code != 0 {
			hold(c.args, "failure", said.errors)
		}
	}
	var lacking []string
	for _, l := range leaves(newApp(nil, nil).Commands, nil) {
		if hasFlag(l.command, "json") && !seen[l.path[0]] {
			lacking = append(lacking, fmt.Sprint(l.path))
		}
	}
	moreJSON(t, hold)
	for name, def := range defs {
		for property := range def.(map[string]any)["properties"].(map[string]any) {
			if at := name + "." + property; set[at] == slices.Contains(strings.Fields(unsaid), at) {
				t.Errorf("%s has a value: %v; is it to be on the list of what has none here?", at, set[at])
			}
		}
	}
	slices.Sort(lacking)
	if len(lacking) > 0 {
		t.Errorf("not called: %s", strings.Join(lacking, ", "))
	}
}

// noteSet notes which properties of a result, and of what is in it, say something: no 0,
// no empty text, not false.
func noteSet(defs map[string]any, name string, v any, set map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			noteSet(defs, name, one, set)
		}
	case map[string]any:
		def, _ := defs[name].(map[string]any)
		properties, _ := def["properties"].(map[string]any)
		for property, value := range v {
			set[name+"."+property] = set[name+"."+property] || says(value)
			rule, _ := properties[property].(map[string]any)
			if items, isList := rule["items"].(map[string]any); isList {
				rule = items
			}
			if more, isMap := rule["additionalProperties"].(map[string]any); isMap {
				rule = more
				values, _ := value.(map[string]any)
				value = list(values)
			}
			if ref, isRef := rule["$ref"].(string); isRef {
				noteSet(defs, strings.TrimPrefix(ref, "#/$defs/"), value, set)
			}
		}
	}
}

func list(values map[string]any) (out []any) {
	for _, v := range values {
		out = append(out, v)
	}
	return out
}

func says(v any) bool {
	switch v := v.(type) {
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return v != nil && v != false && v != "" && v != 0.0
}

// otherSnapshot is one of pr-2 that is not live.
func otherSnapshot(t *testing.T, bucket string) string {
	t.Helper()
	b, err := publish.Open(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	p, err := b.Pointer(t.Context(), "pr-2")
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.Snapshots(t.Context(), "pr-2")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all["pr-2"] {
		if s.ID != p.Snapshot {
			return s.ID
		}
	}
	t.Fatal("pr-2 has one snapshot")
	return ""
}

// TestOneShape holds the schema to one vocabulary: a word means one thing, of one
// type, in every result, and what has a word of its own has no other.
func TestOneShape(t *testing.T) {
	words := map[string]any{
		"environment": "string", "snapshot": "string", "live": "boolean", "live_snapshot": "string", "package": "string", "version": "string", "branch": "string", "commit": "string",
		"rule": "string", "file": "string", "detail": "string", "reason": "string", "by": "string", "at": "string", "since": "string", "revision": "string", "fault": "string",
		"dry_run": "boolean", "held": "boolean", "sound": "boolean", "slice_of": "string",
		"error": "#/$defs/error", "pinned": "#/$defs/pinned", "changes": "#/$defs/package-changes", "last_change": "#/$defs/commit", "change": "#/$defs/commit",
		"errors": "#/$defs/finding", "warnings": "#/$defs/finding", "faults": "#/$defs/fault",
	}
	// What the bucket holds is shown as it is there.
	stored := []string{"manifest", "manifest-branch", "manifest-package", "recorded", "pointer", "audit-branch", "move"}
	never := []string{"id", "name", "env", "pin", "damaged", "published", "findings"}
	for name, def := range loadSchema(t) {
		rule := def.(map[string]any)
		if rule["type"] != "object" {
			t.Errorf("%s is no object", name)
		}
		if slices.Contains(stored, name) {
			continue
		}
		for property, v := range rule["properties"].(map[string]any) {
			p := v.(map[string]any)
			if items, isList := p["items"].(map[string]any); isList {
				p = items
			}
			is := p["type"]
			if ref, ok := p["$ref"]; ok {
				is = ref
			}
			if want, known := words[property]; known && is != want {
				t.Errorf("%s.%s is %v, elsewhere it is %v", name, property, is, want)
			}
			if slices.Contains(never, property) {
				t.Errorf("%s.%s: that has another name", name, property)
			}
		}
	}
	defs := newSchema(t).Defs
	for _, l := range leaves(newApp(nil, nil).Commands, nil) {
		if def, ok := defs[l.path[0]].(map[string]any); ok && hasFlag(l.command, "dry-run") {
			if _, there := def["properties"].(map[string]any)["dry_run"]; !there {
				t.Errorf("%s has --dry-run, and its result does not say so", l.path[0])
			}
		}
	}
}
