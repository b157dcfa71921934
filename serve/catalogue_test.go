package serve_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
	"github.com/regsnap/regsnap/serve/servetest/nginx"
)

// hostileManifest says what a package may say that means harm.
const hostileManifest = `format_version: 2.3.0
name: hostile
title: "Hostile <script>ran=50</script>"
version: 1.0.0
description: "A hostile <img src=x onerror=ran=51> description"
type: integration
categories: [web]
icons: [{src: /img/evil.svg, title: "\" onerror=\"ran=52", type: image/svg+xml}]
screenshots: [{src: /img/evil.svg, title: "<script>ran=53</script>", size: "1\" onerror=\"ran=54x2", type: image/svg+xml}]
conditions.kibana.version: ^8.0.0
owner.github: "a/b\"><script>ran=55</script>"
`

// hostileFiles are the files of a package that means harm.
func hostileFiles(t *testing.T) map[string]string {
	readme, err := os.ReadFile(filepath.Join("testdata", "catalogue", "hostile.md"))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		"manifest.yml":   hostileManifest,
		"docs/README.md": string(readme) + deep(),
		"docs/other.md":  "# Other\n\n[back](README.md) [x](javascript:ran=60)\n",
		"img/evil.svg":   `<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10" onload="ran=61"><title>picture</title><script>ran=62; document.title="ran"</script></svg>`,
		"changelog.yml": `- version: 1.0.0
  changes:
    - {description: "<script>ran=63</script>", type: bugfix, link: "javascript:ran=64"}
    - {description: "[x](javascript:ran=65)", type: "\"><script>ran=66</script>", link: "https://evil.example/\" onclick=\"ran=67"}
`,
	}
}

// deep is Markdown that nests as deep as a reader may bear, and words that no line holds.
func deep() string {
	return "\n" + strings.Repeat("> ", 200) + "quoted\n\n" +
		strings.Repeat("- ", 100) + "listed\n\n" +
		strings.Repeat("[", 2000) + "bracketed" + strings.Repeat("](x)", 2000) + "\n\n" +
		strings.Repeat("*", 500) + "emphasised" + strings.Repeat("*", 500) + "\n\n" +
		strings.Repeat("<div>", 500) + "\n\n" +
		strings.Repeat("word", 1000) + "\n\n## " + strings.Repeat("heading", 200) + "\n\n[" + strings.Repeat("link", 500) + "](https://example.com/" + strings.Repeat("x", 1000) + ")\n"
}

// TestCatalogue looks at the catalogue of the demo and of a package that means harm
// in a real browser. PICTURES names a folder for pictures of the pages.
func TestCatalogue(t *testing.T) {
	chromium, modules := testtools.Chromium.Need(t), testtools.BrowserModules.Need(t)
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "testdata", "storage"))); err != nil {
		t.Fatal(err)
	}
	bucket, _ := edgetest.Publish(t, edgetest.Committed(t, dir), build.DefaultBudget)
	for name, content := range hostileFiles(t) {
		writeFile(t, filepath.Join(dir, "snapshot", "packages", "hostile", "1.0.0", filepath.FromSlash(name)), []byte(content))
	}
	edgetest.Update(t, bucket, edgetest.Committed(t, dir), build.DefaultBudget)
	if _, err := bucket.Pin(t.Context(), "snapshot", publish.Note{By: "Ada <script>ran=70</script>", Reason: "<img src=x onerror=ran=71> is looked at"}); err != nil {
		t.Fatal(err)
	}
	h := newHandler(t, serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: "snapshot"}}, Default: "snapshot", Poll: time.Hour})
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0"})

	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "catalogue", "check.cjs"))
	cmd.Env = append(append(os.Environ(), chromium.Env...), "BASE=http://"+server.api.String(), "EXPORT=http://"+exported(t, bucket), "CHROMIUM="+chromium.Program, "MODULES="+filepath.Join(modules.Root, "node_modules"))
	if testtools.Thorough {
		cmd.Env = append(cmd.Env, "WHOLE=1")
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Log(strings.TrimSpace(string(out)))
}

// exported has nginx serve an export of the snapshot environment, which follows no pointer.
func exported(t *testing.T, bucket *publish.Bucket) (address string) {
	t.Helper()
	dir := t.TempDir()
	if _, err := export.Export(t.Context(), export.Options{From: bucket, Environment: "snapshot", Regsnap: "test", Dir: dir}); err != nil {
		t.Fatal(err)
	}
	site, err := os.ReadFile(filepath.Join(dir, "current", "nginx", "site.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return nginx.Start(t, string(site))
}
