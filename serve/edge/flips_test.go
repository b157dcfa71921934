package edge_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// onlyCatalog renders no search ahead but that for every version, encoded: all
// others are put together.
var onlyCatalog = layout.Budget{Responses: 1, Bytes: 1 << 30}

// TestFlips rolls the pointer to and fro under load.
func TestFlips(t *testing.T) {
	bucket, dir, editions := demoEditions(t)
	flip(t, bucket, dir, editions, 50*time.Millisecond, 10)
}

// flip moves the pointer, which the worker keeps for a time, n times, and holds every answer to be of one snapshot.
func flip(t *testing.T, bucket *publish.Bucket, dir string, e edgetest.Editions, keep time.Duration, n int) *edgetest.Flips {
	t.Helper()
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
		Environment: e.Env, Origin: edgetest.ServeFolder(t, dir), Pointer: keep,
	}})
	f, err := edgetest.Flip(t.Context(), bucket, w.Client(e.Env), e, n, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d moves, %d requests, %d and %d answers of either snapshot, %d of neither; seen after %s (median), %s (longest); the pointer is kept %s",
		n, f.Requests, f.FromEach[0], f.FromEach[1], len(f.Wrong), f.Seen[len(f.Seen)/2], f.Seen[len(f.Seen)-1], keep)
	if len(f.Wrong) > 0 {
		t.Errorf("the first answer of neither: %s", f.Wrong[0])
	}
	if f.FromEach[0] == 0 || f.FromEach[1] == 0 {
		t.Error("one snapshot was never seen")
	}
	if log := w.Log(); log != "" {
		t.Errorf("the worker complains: %.2000s", log)
	}
	return f
}

// demoEditions publishes testdata/storage, and once more with another
// description in every package.
func demoEditions(t *testing.T) (*publish.Bucket, string, edgetest.Editions) {
	t.Helper()
	bucket, dir := edgetest.Publish(t, demoSource(t), onlyCatalog)
	storage := filepath.Join(t.TempDir(), "storage")
	if err := os.CopyFS(storage, os.DirFS(filepath.Join("..", "..", "testdata", "storage"))); err != nil {
		t.Fatal(err)
	}
	description := regexp.MustCompile(`(?m)^description: .*$`)
	err := filepath.WalkDir(storage, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "manifest.yml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, description.ReplaceAll(text, []byte("description: The second edition")), 0o666)
	})
	if err != nil {
		t.Fatal(err)
	}
	return bucket, dir, editionsOf(t, bucket, vectorsEnv, 300, func() map[string]string {
		return edgetest.Update(t, bucket, edgetest.Committed(t, storage), onlyCatalog)
	})
}

// editionsOf makes requests that get another answer once next has published
// another snapshot.
func editionsOf(t *testing.T, bucket *publish.Bucket, env string, n int, next func() map[string]string) edgetest.Editions {
	t.Helper()
	e := edgetest.Editions{Env: env}
	live, err := bucket.Pointer(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := edgetest.NewRequests(t.Context(), bucket, env, 4)
	if err != nil {
		t.Fatal(err)
	}
	var recorders [2]*edgetest.Recorder
	e.IDs[0] = live.Snapshot
	for i := range recorders {
		if i == 1 {
			e.IDs[1] = next()[env]
		}
		if recorders[i], err = edgetest.NewRecorder(t.Context(), bucket, env); err != nil {
			t.Fatal(err)
		}
		defer recorders[i].Close()
	}
	// The first is what the time until a move is seen is measured with.
	list := []edgetest.Case{{Method: "GET", Target: "/search?prerelease=true"}}
	for range n {
		list = append(list, requests.Next())
	}
	for _, c := range list {
		if err := e.Add(recorders, c); err != nil {
			t.Fatal(err)
		}
	}
	if len(e.Cases[0]) < n/10 || e.Cases[0][0].Target != list[0].Target {
		t.Fatalf("only %d of %d requests get another answer", len(e.Cases[0]), n)
	}
	return e
}
