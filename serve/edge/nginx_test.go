package edge_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// script is the committed file.
const script = "njs.js"

// TestNginxScript: the script for nginx is what its sources give.
func TestNginxScript(t *testing.T) {
	bundle, err := edge.NginxBundle()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "nginx/lower.js", edgetest.Modules(t))
	cmd.Stdin = bytes.NewReader(bundle)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	lowered, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	lowered, err = edge.Dense(lowered)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(script, lowered, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, lowered) {
		t.Errorf("%s is not what its sources give: run go test ./edge -run TestNginxScript -update", script)
	}
}

// TestNginxNames: the script finds the files of an export where package export
// puts them.
func TestNginxNames(t *testing.T) { t.Logf("%s", node(t, "test/names.js", "testdata/names.json")) }
