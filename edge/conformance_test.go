//go:build conformance

package edge_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/edge/edgetest"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/conformance"
)

// randomVectors is how many random requests are made up for each environment,
// beside those that were recorded.
const randomVectors = 7000

// realFolder has package-storage.git and the recordings of the reference
// registry.
func realFolder(t *testing.T) string {
	t.Helper()
	folder := os.Getenv("REGSNAP_REAL")
	if folder == "" {
		t.Fatal("REGSNAP_REAL is not set: it names the folder with package-storage.git and the recordings")
	}
	return folder
}

func publishReal(t *testing.T, budget layout.Budget) (*publish.Bucket, string) {
	t.Helper()
	source, err := index.OpenGit(t.Context(), filepath.Join(realFolder(t), "package-storage.git"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	return edgetest.Publish(t, source, budget)
}

// TestConformanceVectors makes vectors of the real package storage, all that was
// recorded and random requests, and gives them to the router.
func TestConformanceVectors(t *testing.T) {
	bucket, dir := publishReal(t, build.DefaultBudget)
	for i, env := range edgetest.Environments {
		file := filepath.Join(t.TempDir(), "vectors.jsonl")
		if err := os.WriteFile(file, edgetest.Encode(realVectors(t, bucket, env, uint64(i))), 0o666); err != nil {
			t.Fatal(err)
		}
		node(t, "test/vectors.js", file, dir, env)
	}
}

// realVectors are the recorded requests and random ones, with what the Go edge
// answers.
func realVectors(t *testing.T, bucket *publish.Bucket, env string, seed uint64) []edgetest.Case {
	t.Helper()
	recording, err := conformance.Open(filepath.Join(realFolder(t), env+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	cases := record(t, bucket, env, seed, randomVectors)
	for i, a := range recording.Answers {
		c := edgetest.Case{Method: a.Method, Target: a.Path}
		if i%2 == 0 {
			c.Headers = map[string]string{"Accept-Encoding": "gzip"}
		}
		recorded, err := recorder.Record(c)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, recorded...)
	}
	return cases
}
