//go:build mutants

package edge_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

var sampled = flag.Int("sample", 0, "at most this many mutants of the router, spread over it; 0 is all")

// TestMutants lists the small faults of the router that neither its units, nor the
// committed vectors, nor more of them notice.
func TestMutants(t *testing.T) {
	bucket, dir := demo(t)
	cases := append(record(t, bucket, vectorsEnv, 1, committed), record(t, bucket, vectorsEnv, 2, 3*committed)...)
	file := filepath.Join(t.TempDir(), "vectors.jsonl")
	if err := os.WriteFile(file, edgetest.Encode(cases), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "test/mutants.js", edgetest.Modules(t), file, dir, vectorsEnv, strconv.Itoa(*sampled))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("vectors do not notice the mutants above: make one that does, or mark it with a reason in testdata/mutants.txt (%v)", err)
	}
}
