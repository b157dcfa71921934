package edge_test

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

var update = flag.Bool("update", false, "write testdata/vectors.jsonl from what the Go edge answers, and bundles/ from its sources")

// vectors is the committed file: requests to the snapshot environment of
// testdata/storage.
const (
	vectors    = "testdata/vectors.jsonl"
	vectorsEnv = "snapshot"
	committed  = 500
)

// demoSource is testdata/storage as a git repository of its own, whose commits
// have the same times on every machine.
func demoSource(t testing.TB) index.Source {
	t.Helper()
	storage, err := filepath.Abs(filepath.Join("..", "..", "testdata", "storage"))
	if err != nil {
		t.Fatal(err)
	}
	return edgetest.Committed(t, storage)
}

// demo publishes testdata/storage.
func demo(t testing.TB) (*publish.Bucket, string) {
	t.Helper()
	return edgetest.Publish(t, demoSource(t), build.DefaultBudget)
}

// record makes random vectors of an environment.
func record(t testing.TB, bucket *publish.Bucket, env string, seed uint64, n int) []edgetest.Case {
	t.Helper()
	cases, err := edgetest.RandomCases(t.Context(), bucket, env, seed, n)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// TestVectors: the committed vectors are what the Go edge answers, and the
// router answers the same.
func TestVectors(t *testing.T) {
	bucket, dir := demo(t)
	cases := edgetest.Encode(record(t, bucket, vectorsEnv, 1, committed))
	if *update {
		if err := os.WriteFile(vectors, cases, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(vectors)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, cases) {
		t.Errorf("%s is not what the Go edge answers: if that was to change, run: go test ./serve/edge -run TestVectors -update", vectors)
	}
	t.Logf("%s", node(t, "test/vectors.js", vectors, dir, vectorsEnv))
}

// TestUnits checks what few requests reach, against Node and the specifications.
func TestUnits(t *testing.T) { t.Logf("%s", node(t, "test/units.js")) }

// node runs a script of this folder to its end, and returns what it printed.
func node(t testing.TB, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %v: %v\n%s%s", args, err, stderr.Bytes(), out)
	}
	return out
}
