//go:build bench

package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/performance"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// networks are those of telephones. Latency is that of each request, in milliseconds.
var networks = []struct {
	Name    string `json:"-"`
	Latency int    `json:"latency"`
	Down    int    `json:"down"` // bytes a second
}{
	{"400 ms, 1.6 Mbit/s", 400, 1_600_000 / 8},
	{"563 ms, 1.44 Mbit/s: what Chromium's tools and Lighthouse call slow 4G", 563, 1_440_000 / 8},
}

// TestPerformanceCatalogue measures how soon a telephone shows the index of a catalogue
// of 2,000 packages, and writes the table into docs/performance.md.
func TestPerformanceCatalogue(t *testing.T) {
	const rounds = 5
	chromium, modules := testtools.Chromium.Need(t), testtools.BrowserModules.Need(t)
	dir := t.TempDir()
	for i, branch := range edgetest.Environments {
		largeStorage(t, filepath.Join(dir, branch, "packages"), []int{2000, 1, 1}[i]) // none may be empty
	}
	bucket, _ := edgetest.Publish(t, edgetest.Committed(t, dir), build.DefaultBudget)
	h := newHandler(t, serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: "production"}}, Default: "production", Poll: time.Hour})
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0"})

	said, err := json.Marshal(networks)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "catalogue", "paint.cjs"))
	cmd.Env = append(append(os.Environ(), chromium.Env...), "URL=http://"+server.api.String()+"/catalog/", "CHROMIUM="+chromium.Program,
		"MODULES="+filepath.Join(modules.Root, "node_modules"), "ROUNDS="+strconv.Itoa(rounds), "NETWORKS="+string(said))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "| 2,000 packages, processor four times as slow; latency of a request, bandwidth | first contentful paint | all is there | longest task | encoded |\n| --- | ---: | ---: | ---: | ---: |\n")
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if len(lines) != len(networks) {
		t.Fatalf("%d lines, want %d:\n%s", len(lines), len(networks), out)
	}
	for i, n := range networks {
		var m struct{ Paint, Ready, Longest, Encoded float64 }
		if err := json.Unmarshal(lines[i], &m); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&w, "| %s | **%.0f ms** | %.0f ms | %.0f ms | %.0f kB |\n", n.Name, m.Paint, m.Ready, m.Longest, m.Encoded/1000)
	}
	performance.Section(t, "../docs/performance.md", "catalogue", rounds, w.String())
}

// largeStorage makes packages, a version each, of which no two say the same.
func largeStorage(t *testing.T, dir string, packages int) {
	r := rand.New(rand.NewPCG(1, 2000))
	words := make([]string, 800)
	for i := range words {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteByte("bcdfglmnprst"[r.IntN(12)])
			b.WriteByte("aeiou"[r.IntN(5)])
		}
		words[i] = b.String()
	}
	text := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = words[r.IntN(len(words))]
		}
		return strings.Join(out, " ")
	}
	categories := []string{"security", "network", "web", "cloud", "containers", "datastore", "message_queue", "monitoring"}
	for i := range packages {
		name, version := fmt.Sprintf("%s_%d", text(1), i), fmt.Sprintf("%d.%d.%d", 1+r.IntN(4), r.IntN(30), r.IntN(10))
		manifest := fmt.Sprintf(`format_version: 2.3.0
name: %s
title: %q
version: %s
description: %q
type: integration
categories: [%s]
icons: [{src: /img/logo.svg, type: image/svg+xml}]
conditions.kibana.version: ^%d.%d.0
owner.github: example/%s
`, name, text(1+r.IntN(3)), version, text(5+r.IntN(9)), categories[r.IntN(len(categories))], 7+r.IntN(2), r.IntN(18), words[r.IntN(40)])
		for file, content := range map[string]string{
			"manifest.yml": manifest, "docs/README.md": "# " + name + "\n",
			"img/logo.svg":  fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><circle cx="20" cy="20" r="%d"/></svg>`, 5+i%15),
			"changelog.yml": fmt.Sprintf("- version: %s\n  changes:\n    - {description: First, type: enhancement, link: \"https://example.com\"}\n", version),
		} {
			writeFile(t, filepath.Join(dir, name, version, filepath.FromSlash(file)), []byte(content))
		}
	}
}
