//go:build thorough

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestCloudflareGuide runs what regsnap does on a store with R2's API, and lets
// wrangler read what it is to deploy.
func TestCloudflareGuide(t *testing.T) {
	s := servers.StartS3(t)
	s.NamedBucket(t, "example-registry")
	address := child.Address(t)
	modules := testtools.Wrangler.Need(t)
	_, dir := runGuide(t, guide{
		file: "deploy-cloudflare.md",
		replace: [][2]string{
			{"https://ACCOUNT_ID.r2.cloudflarestorage.com&region=auto", "http://" + s.Addr + "&region=us-east-1"},
			{"https://epr.example.org", "http://" + address},
			{"export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…", "true"},
			{"npx wrangler deploy)", "wrangler deploy --dry-run)"},
		},
		cannot: [][2]string{
			{"npx wrangler login", "needs an account"},
			{"npx wrangler r2 bucket create", "needs an account"},
		},
		env: []string{"SERVER=" + address, "WRANGLER_SEND_METRICS=false", "CI=true"},
		before: "wrangler() { node " + filepath.Join(modules.Root, "node_modules/wrangler/bin/wrangler.js") + ` "$@"; }` + `
BUCKET="s3://example-registry?endpoint=http://` + s.Addr + `&region=us-east-1&use_path_style=true"` + publishTwice + serveProduction,
	})
	text, err := os.ReadFile(filepath.Join(dir, "worker", "wrangler.json"))
	if err != nil || !strings.Contains(string(text), `"bucket_name": "example-registry"`) {
		t.Errorf("the Worker is not bound to the bucket: %v\n%s", err, text)
	}
}
