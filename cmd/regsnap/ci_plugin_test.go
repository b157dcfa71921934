package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestCIPlugin runs the hook of the Buildkite plugin on a pull request that breaks a
// package, then mends it, and its settings are those of plugin.yml.
func TestCIPlugin(t *testing.T) {
	text, err := os.ReadFile("../../docs/ci/plugin.yml")
	var plugin struct {
		Configuration struct {
			Properties map[string]struct{ Enum []string }
			Required   []string
		}
	}
	if err == nil {
		err = yaml.Unmarshal(text, &plugin)
	}
	if err != nil {
		t.Fatal(err)
	}
	hook, err := filepath.Abs("../../docs/ci/hooks/command")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(hook)
	if err != nil {
		t.Fatal(err)
	}
	var takes, has []string
	for _, m := range regexp.MustCompile(`(?m)^setting (\w+)|BUILDKITE_PLUGIN_REGSNAP_(COMMAND)`).FindAllStringSubmatch(string(source), -1) {
		takes = append(takes, strings.ReplaceAll(strings.ToLower(m[1]+m[2]), "_", "-"))
	}
	for name := range plugin.Configuration.Properties {
		has = append(has, name)
	}
	slices.Sort(takes)
	slices.Sort(has)
	if !slices.Equal(takes, has) {
		t.Errorf("the hook takes %q, plugin.yml has %q", takes, has)
	}

	origin, agent := t.TempDir(), t.TempDir()
	shell(t, origin, guidePackages+`
git checkout --quiet -b change
newPackage web 1.1.0
rm packages/web/1.1.0/docs/README.md && git add --all && git commit --quiet --message 'no README'
git update-ref refs/pull/8/head HEAD
git checkout --quiet production
git config uploadpack.allowFilter true && git config uploadpack.allowAnySHA1InWant true
`)
	shell(t, agent, "git clone --quiet file://"+origin+" .")
	settings := filepath.Join(t.TempDir(), "regsnap.yml")
	if err := os.WriteFile(settings, []byte("environments:\n  production:\n    branches: [production]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hub := newGithub(t)
	run := func(command string, more ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), hook)
		cmd.Dir = agent
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1", "BUILDKITE_PULL_REQUEST=8", "BUILDKITE_PULL_REQUEST_BASE_BRANCH=production",
			"BUILDKITE_PLUGIN_REGSNAP_COMMAND="+command, "BUILDKITE_PLUGIN_REGSNAP_VERSION=v1.2.3", "BUILDKITE_PLUGIN_REGSNAP_RELEASES="+hub.URL+"/releases",
			"BUILDKITE_PLUGIN_REGSNAP_CONFIG="+settings, "BUILDKITE_PLUGIN_REGSNAP_BUCKET=file://"+filepath.Join(origin, "bucket"),
			"BUILDKITE_PLUGIN_REGSNAP_PREVIEW_URL=https://*.preview.example", "BUILDKITE_PLUGIN_REGSNAP_BRANCHES=production")
		cmd.Env = append(cmd.Env, more...)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	want := func(said string, out string, err error, code int) {
		t.Helper()
		got := 0
		if exit := (&exec.ExitError{}); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if got != code || !strings.Contains(out, said) {
			t.Errorf("exit code %d, want %d and %q in:\n%s", got, code, said, out)
		}
	}
	out, err := run("lint")
	want("README", out, err, exitInvalid)
	shell(t, origin, `
git checkout --quiet change
mkdir -p packages/web/1.1.0/docs && echo '# web' > packages/web/1.1.0/docs/README.md
git add --all && git commit --quiet --message README && git update-ref refs/pull/8/head HEAD
git checkout --quiet production
`)
	out, err = run("lint")
	want("1 version added", out, err, 0)
	out, err = run("publish", "BUILDKITE_PULL_REQUEST=false", "BUILDKITE_PLUGIN_REGSNAP_ENVIRONMENT=production")
	want(" live", out, err, 0)
	out, err = run("preview")
	want("https://pr-8.preview.example/search", out, err, 0)
	out, err = run("prune")
	want("pr-8: 0 kept, 1 deleted, retired", out, err, 0)
	for _, wrong := range []string{"deploy", "../scripts/prune", "lint;id"} {
		out, err = run(wrong)
		want("want lint, preview, publish or prune", out, err, 2)
	}
	out, err = run("preview", "BUILDKITE_PULL_REQUEST=8/../9")
	want("wants a pull request", out, err, 2)
}

// TestCIRole: the token of a job becomes the credentials of its role, is in no
// environment of what runs then, and leaves no file.
func TestCIRole(t *testing.T) {
	s3 := servers.StartS3(t)
	bucket := s3.URL(s3.NewBucket(t))
	script, err := filepath.Abs("../../docs/ci/scripts/role.sh")
	if err != nil {
		t.Fatal(err)
	}
	access, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	var asked atomic.Int32
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("WebIdentityToken") != "a-token" || r.FormValue("RoleArn") != "arn:aws:iam::1:role/production" {
			http.Error(w, "who are you?", http.StatusForbidden)
			return
		}
		asked.Add(1)
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>`+
			`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken></SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>`+
			`</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, access, secret)
	}))
	defer sts.Close()
	temp := t.TempDir()
	run := func(command string, env ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", ". "+script+"\n"+command)
		cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + temp, "TMPDIR=" + temp, "AWS_ENDPOINT_URL_STS=" + sts.URL, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true"}, env...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", command, err, out)
		}
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("%s left %v, %v", command, left, err)
		}
		return string(out)
	}
	run("regsnap status --bucket '"+bucket+"'", "REGSNAP_TOKEN=a-token", "AWS_ROLE_ARN=arn:aws:iam::1:role/production")
	if asked.Load() == 0 {
		t.Error("no role was taken")
	}
	if out := run("env; cat $AWS_WEB_IDENTITY_TOKEN_FILE", "REGSNAP_TOKEN=a-token", "AWS_ROLE_ARN=arn:aws:iam::1:role/production"); strings.Count(out, "a-token") != 1 {
		t.Errorf("the token is not in the file alone:\n%s", out)
	}
	if out := run("env"); strings.Contains(out, "WEB_IDENTITY") || strings.Contains(out, "GOOGLE") {
		t.Errorf("without a token:\n%s", out)
	}
	for account, as := range map[string]string{"": "", "ci@p.iam.gserviceaccount.com": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/ci@p.iam.gserviceaccount.com:generateAccessToken"} {
		var google struct {
			Type, Audience string
			As             string                `json:"service_account_impersonation_url"`
			From           struct{ File string } `json:"credential_source"`
		}
		out := run(`cat "$GOOGLE_APPLICATION_CREDENTIALS"`, "REGSNAP_TOKEN=a-token", "GOOGLE_PROVIDER=projects/1/locations/global/workloadIdentityPools/ci/providers/gitlab", "GOOGLE_SERVICE_ACCOUNT="+account)
		if err := json.Unmarshal([]byte(out), &google); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if google.Type != "external_account" || google.Audience != "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/ci/providers/gitlab" ||
			google.As != as || filepath.Base(google.From.File) != "token" {
			t.Errorf("account %q: %+v", account, google)
		}
	}
}
