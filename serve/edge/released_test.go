package edge_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/released"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// The edges in JavaScript answer from what each released regsnap has left as the Go
// edge does: whichever of edges and builders is upgraded first, clients notice nothing.
func TestReleasedFormats(t *testing.T) {
	for i, format := range released.Formats(t) {
		t.Run(format, func(t *testing.T) {
			dir := released.Bucket(t, format)
			bucket, err := publish.Open(t.Context(), "file://"+filepath.ToSlash(dir))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = bucket.Close() }) // it was only read
			origin := edgetest.ServeFolder(t, dir)
			cases := map[string][]edgetest.Case{}
			var workers []edgetest.Worker
			for _, env := range []string{"production", "staging"} {
				cases[env] = record(t, bucket, env, uint64(i), releasedVectors)
				workers = append(workers, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: env, Origin: origin, Pointer: time.Minute}})
			}
			w := edgetest.StartWorkerd(t, workers...)
			for env, list := range cases {
				good := 0
				for _, c := range list {
					if c.Want.Status == 200 {
						good++
					}
				}
				if good < len(list)/10 {
					t.Errorf("%s: the Go edge answers %d of %d requests", env, good, len(list))
				}
				file := filepath.Join(t.TempDir(), "vectors.jsonl")
				if err := os.WriteFile(file, edgetest.Encode(list), 0o666); err != nil {
					t.Fatal(err)
				}
				t.Logf("router: %s", node(t, "test/vectors.js", file, dir, env))
				passes(t, w.Client(env), env, list)
				behindCloudFront(t, edge.CloudFrontOptions{Environment: env, Origin: origin, Pointer: time.Minute}, list)
			}
			if log := w.Log(); log != "" {
				t.Errorf("a worker complains: %.2000s", log)
			}
		})
	}
}

// releasedVectors is how many requests are made up for each environment of each format.
var releasedVectors = testtools.Choose(100, 300)
