package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

// publishTwice makes two snapshots of production live, so that there is one to go
// back to, and serves them as the edge of a guide would.
const publishTwice = guidePackages + `
(
  regsnap build --quiet --source git:. --bucket "$BUCKET" --publish
  newPackage web 1.1.0
  regsnap build --quiet --source git:. --bucket "$BUCKET" --publish
) > before.log
`

const serveProduction = `regsnap serve --bucket "$BUCKET" --env production --listen "$SERVER" 2> serve.log
`

// TestDeployGuide runs the common part, on a folder.
func TestDeployGuide(t *testing.T) {
	address := child.Address(t)
	runGuide(t, guide{
		file: "deploy.md",
		replace: [][2]string{
			{"https://d111111abcdef8.cloudfront.net", "http://" + address}, {"https://old-registry.example.org", "http://" + address},
			{"--against https://epr.example.org", "--against http://" + address},
			{"--max-rate 20", "--max-rate 1000"},
		},
		env:    []string{"SERVER=" + address, "BUCKET=file://" + t.TempDir()},
		before: publishTwice + serveProduction,
	})
}

// TestNginxGuide runs the guide of nginx, with the nginx of Debian and the
// configuration of the guide.
func TestNginxGuide(t *testing.T) {
	bucket, address := t.TempDir(), child.Address(t)
	conf, err := os.ReadFile("../../docs/nginx/regsnap.conf")
	if err != nil {
		t.Fatal(err)
	}
	front := nginx.Start(t, string(conf), nginx.Replacement{Old: "127.0.0.1:8080", New: address}, nginx.Replacement{Old: "/var/cache/nginx", New: "DIR"})
	runGuide(t, guide{
		file: "deploy-nginx.md",
		replace: [][2]string{
			{"sudo -u registry regsnap", "regsnap"}, {"git:/srv/package-storage", "git:."}, {"file:///srv/registry", "file://" + bucket},
			{"http://127.0.0.1 ", "http://" + front + " "}, {"127.0.0.1:8080", address},
		},
		cannot: [][2]string{
			{"adduser ", "changes the machine's users"},
			{"install -d -o ", "needs those users"},
			{"apt-get install nginx", "changes the machine; the test runs Debian's nginx from the cache of tools"},
			{"cp docs/nginx/regsnap.conf ", "changes the machine; the test gives nginx the same file"},
			{"nginx -t ", "there is no system service; the test starts nginx with the file"},
			{"find /var/cache/nginx", "the cache is in a folder of the test"},
		},
		env:    []string{"SERVER=" + address, "BUCKET=file://" + bucket},
		before: publishTwice + serveProduction,
	})
}

// TestGoogleGuide runs what regsnap does on Google Cloud Storage, on a local server.
func TestGoogleGuide(t *testing.T) {
	s := servers.StartGCS(t)
	s.NamedBucket(t, "example-registry")
	address := child.Address(t)
	runGuide(t, guide{
		file:    "deploy-google.md",
		replace: [][2]string{{"https://epr.example.org", "http://" + address}, {"regsnap serve --config /etc/regsnap.yml", "regsnap serve --env production"}, {"--listen :8080", "--listen " + address}},
		cannot: [][2]string{
			{"gcloud ", "needs an account"},
			{"docker ", "needs the account's registry of images"},
		},
		env:    []string{"SERVER=" + address, "BUCKET=gs://example-registry"},
		before: publishTwice,
	})
}

// TestTerraform holds the modules to the form and the syntax of Terraform's
// language. What the providers say of them needs an account.
func TestTerraform(t *testing.T) {
	modules, err := filepath.Glob("../../docs/terraform/*/*.tf")
	if err != nil || len(modules) < 3 {
		t.Fatalf("%d files: %v", len(modules), err)
	}
	args := append([]string{"tool", "-modfile=../../.ci/tools/go.mod", "hclfmt", "-check", "-require-no-change"}, modules...)
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil {
		t.Errorf("hclfmt: %v\n%s", err, out)
	}
}
