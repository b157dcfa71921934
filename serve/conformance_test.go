//go:build conformance

package serve_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/conformance"
)

// TestConformance builds the three environments of a real package storage,
// serves them, and sends again every request whose answer by the reference
// registry was recorded. REGSNAP_REAL names the folder with package-storage.git
// and the recordings production.zip, staging.zip and snapshot.zip.
func TestConformance(t *testing.T) {
	real := os.Getenv("REGSNAP_REAL")
	if real == "" {
		t.Fatal("REGSNAP_REAL is not set: it names the folder with package-storage.git and the recordings")
	}
	ctx := t.Context()
	bucket := buildReal(t, filepath.Join(real, "package-storage.git"))
	h, err := serve.New(ctx, serve.Options{Bucket: bucket, Environments: []serve.Environment{
		{Name: "production", Hostnames: []string{"epr.example.org"}},
		{Name: "staging", Hostnames: []string{"epr-staging.example.org"}},
		{Name: "snapshot", Hostnames: []string{"epr-snapshot.example.org"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if missing := h.Unready(); len(missing) > 0 {
		t.Fatalf("not live: %v", missing)
	}
	base := startServer(t, h)
	for env, host := range map[string]string{
		"production": "epr.example.org", "staging": "EPR-staging.example.org.:80", "snapshot": "epr-snapshot.example.org",
	} {
		recording, err := conformance.Open(filepath.Join(real, env+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		for _, gzip := range []bool{false, true} {
			report, err := conformance.Compare(ctx, recording, conformance.Options{BaseURL: base, Host: host, Gzip: gzip, Parallel: 4})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d requests, %d gzip-encoded answers, %d differences", env, report.Requests, report.Encoded, len(report.Differences))
			for i, d := range report.Differences {
				if i == 20 {
					t.Errorf("… and %d more", len(report.Differences)-i)
					break
				}
				t.Error(d)
			}
			if gzip && report.Encoded == 0 {
				t.Error("nothing was gzip-encoded")
			}
		}
		if err := recording.Close(); err != nil {
			t.Error(err)
		}
	}
}

// startServer runs a real server until the test ends.
func startServer(t *testing.T, h *serve.Handler) (base string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended, started := make(chan error, 1), make(chan string, 1)
	go func() {
		ended <- serve.Run(ctx, serve.ServerOptions{
			Handler: h, Listen: "127.0.0.1:0", Started: func(api, _ net.Addr) { started <- api.String() },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case addr := <-started:
		return "http://" + addr
	case err := <-ended:
		t.Fatal(err)
		return ""
	}
}

// buildReal builds and publishes into a bucket of its own.
func buildReal(t *testing.T, repository string) *publish.Bucket {
	t.Helper()
	ctx := t.Context()
	source, err := index.OpenGit(ctx, repository)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	bucket, err := publish.Create(ctx, "file://"+filepath.ToSlash(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bucket.Close() })
	branches := []string{"production", "staging", "snapshot"}
	var environments []build.Environment
	for i, name := range branches {
		environments = append(environments, build.Environment{
			Name: name, Branches: branches[:i+1], ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
		})
	}
	result, err := build.Build(ctx, build.Options{Source: source, Store: bucket, Environments: environments, Regsnap: "test"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range result.Snapshots {
		if _, err := bucket.Publish(ctx, s.Manifest.Environment, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	return bucket
}
