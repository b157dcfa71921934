//go:build conformance

package edge_test

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/conformance"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// randomVectors is how many random requests are made up for each environment,
// beside those that were recorded.
const randomVectors = 7000

func publishReal(t *testing.T, budget layout.Budget) (*publish.Bucket, string) {
	t.Helper()
	source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
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
		t.Logf("%s", node(t, "test/vectors.js", file, dir, env))
	}
}

// TestConformanceWorker sends the recorded requests of each environment, and the
// vectors, to its bundle in the runtime of Workers: with every answer rendered
// ahead, and with every search put together from the catalog.
func TestConformanceWorker(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget layout.Budget
	}{
		{"rendered", build.DefaultBudget},
		{"assembled", onlyCatalog},
	} {
		t.Run(c.name, func(t *testing.T) {
			bucket, dir := publishReal(t, c.budget)
			var workers []edgetest.Worker
			origin := edgetest.ServeFolder(t, dir)
			for _, env := range edgetest.Environments {
				workers = append(workers, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: env, Origin: origin, Pointer: time.Minute}})
			}
			w := edgetest.StartWorkerd(t, workers...)
			for i, env := range edgetest.Environments {
				conform(t, w, env, filepath.Join(indextest.RealFolder(t), env+".zip"))
				passes(t, w.Client(env), env, realVectors(t, bucket, env, uint64(i)))
			}
			if log := w.Log(); log != "" {
				t.Errorf("a worker complains: %.2000s", log)
			}
		})
	}
}

// TestConformanceCloudFront gives the vectors of each environment to the
// functions of Lambda@Edge.
func TestConformanceCloudFront(t *testing.T) {
	bucket, dir := publishReal(t, build.DefaultBudget)
	origin := edgetest.ServeFolder(t, dir)
	for i, env := range edgetest.Environments {
		behindCloudFront(t, edge.CloudFrontOptions{Environment: env, Origin: origin, Pointer: time.Minute}, realVectors(t, bucket, env, uint64(i)))
	}
}

// TestConformanceFlips rolls the pointer of a real environment to and fro 100
// times under load: between its live snapshot and the one before its last push.
func TestConformanceFlips(t *testing.T) {
	repository := indextest.RealStorage(t)
	bucket, dir := edgetest.Publish(t, before(t, repository, "snapshot"), onlyCatalog)
	editions := editionsOf(t, bucket, "snapshot", 400, func() map[string]string {
		source, err := git.OpenGit(t.Context(), repository)
		if err != nil {
			t.Fatal(err)
		}
		defer source.Close()
		return edgetest.Update(t, bucket, source, onlyCatalog)
	})
	flip(t, bucket, dir, editions, 100*time.Millisecond, 100)
}

// before is a source whose branches are those of a repository, but for one that
// is as it was before its last pushes.
func before(t *testing.T, repository, branch string) index.Source {
	t.Helper()
	repo := indextest.NewRepo(t)
	repo.Git("", "fetch", "--quiet", "--no-tags", repository, "+refs/heads/*:refs/heads/*")
	repo.Git("", "update-ref", "refs/heads/"+branch, "refs/heads/"+branch+"~40")
	source, err := git.OpenGit(t.Context(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) // it was only read
	return source
}

// conform compares a worker with what the reference registry answered.
func conform(t *testing.T, w *edgetest.Workerd, env, file string) {
	t.Helper()
	to := w.Client(env)
	proxy := &url.URL{Scheme: "http", Host: to.Addr}
	compared(t, file, conformance.Options{
		BaseURL: "http://" + to.Host, OneLine: true,
		Client: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}},
	})
}

// compared sends all that was recorded, plain and gzip-encoded.
func compared(t *testing.T, file string, o conformance.Options) {
	t.Helper()
	recording, err := conformance.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	o.Parallel = 4
	for _, gzip := range []bool{false, true} {
		o.Gzip = gzip
		report, err := conformance.Compare(t.Context(), recording, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d recorded requests, %d gzip-encoded answers, %d differences", filepath.Base(file), report.Requests, report.Encoded, len(report.Differences))
		for _, line := range report.Lines(20) {
			t.Error(line)
		}
		if gzip != (report.Encoded > 0) {
			t.Errorf("gzip asked for: %t; %d answers are encoded", gzip, report.Encoded)
		}
	}
}

// realVectors are the recorded requests and random ones, with what the Go edge
// answers.
func realVectors(t *testing.T, bucket *publish.Bucket, env string, seed uint64) []edgetest.Case {
	t.Helper()
	return recordedVectors(t, bucket, env, filepath.Join(indextest.RealFolder(t), env+".zip"), seed)
}

func recordedVectors(t *testing.T, bucket *publish.Bucket, env, file string, seed uint64) []edgetest.Case {
	t.Helper()
	recording, err := conformance.Open(file)
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
