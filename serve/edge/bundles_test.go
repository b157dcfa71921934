package edge_test

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// bundled lists the bundles, and the modules that they start from. What the
// program knows, it writes before the module as the constant configuration.
var bundled = []struct{ name, entry string }{
	{"cloudflare", `import { worker } from "./cloudflare/worker.js"; export default worker(configuration);`},
	{"cloudfront-request", `import { originRequest } from "./cloudfront/origin_request.js"; export const handler = originRequest(configuration);`},
	{"cloudfront-response", `export { originResponse as handler } from "./cloudfront/origin_response.js";`},
}

// TestBundles: the committed bundles are what their sources give.
func TestBundles(t *testing.T) {
	for _, b := range bundled {
		held(t, b.name, esbuild(t, []byte(b.entry), "--bundle", "--format=esm", "--target=es2022", "--external:node:*"))
	}
}

// TestNginxScript: the script for nginx is what its sources give.
func TestNginxScript(t *testing.T) {
	module := esbuild(t, []byte(`import crypto from "crypto";
import fs from "fs";
import { registry } from "./nginx/registry.js";
export default registry({ fs, crypto });
`), "--bundle", "--format=esm", "--target=es2022", "--external:crypto", "--external:fs", "--inject:./nginx/polyfill.js")
	lowered := output(t, module, "node", "nginx/lower.js", edgetest.Modules(t))
	// Without the white space that people need: nginx parses it for each worker.
	held(t, "nginx", esbuild(t, lowered, "--minify-whitespace", "--minify-syntax", "--target=es5", "--line-limit=120"))
}

// TestBundlesComplete: nothing else lies among the bundles, which all become
// part of the program.
func TestBundlesComplete(t *testing.T) {
	var want, have []string
	for _, b := range bundled {
		want = append(want, b.name+".js")
	}
	want = append(want, "nginx.js")
	entries, err := os.ReadDir("bundles")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		have = append(have, e.Name())
	}
	if strings.Join(have, " ") != strings.Join(want, " ") {
		t.Errorf("bundles/ has %v, want %v", have, want)
	}
}

// generated marks a bundle as made, not written.
const generated = "// Code generated from the sources of the edge; DO NOT EDIT.\n"

// esbuild gives a script to the bundler.
func esbuild(t *testing.T, script []byte, args ...string) []byte {
	t.Helper()
	return output(t, script, testtools.ESBuild.Need(t).Program, append(args, "--charset=utf8", "--log-level=warning")...)
}

// output is what a program prints when it is given input.
func output(t *testing.T, input []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", program, err, stderr.Bytes())
	}
	return out
}

// held compares a bundle with the committed file, or writes it with -update.
func held(t *testing.T, name string, want []byte) {
	t.Helper()
	file := "bundles/" + name + ".js"
	want = slices.Concat([]byte(generated), want)
	if *update {
		if err := os.WriteFile(file, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(have, want) {
		t.Errorf("%s is not what its sources give (%v): run go test ./serve/edge -run 'TestBundles|TestNginxScript' -update", file, err)
	}
}

// TestNginxNames: the script finds the files of an export where package export
// puts them.
func TestNginxNames(t *testing.T) { t.Logf("%s", node(t, "test/names.js", "testdata/names.json")) }
