//go:build conformance

package serve_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/conformance"
)

// realEnvironments are those of the recordings, in the order in which each
// adds a branch, and the Host that asks for them here.
var realEnvironments = []struct{ name, hostname, host string }{
	{"production", "epr.example.org", "epr.example.org"},
	{"staging", "epr-staging.example.org", "EPR-staging.example.org.:80"},
	{"snapshot", "epr-snapshot.example.org", "epr-snapshot.example.org:8080"},
}

// TestConformance builds the three environments of a real package storage,
// serves them, and sends again every request whose answer by the reference
// registry was recorded. REGSNAP_REAL names the folder with package-storage.git
// and the recordings production.zip, staging.zip and snapshot.zip. Every file of
// the packages is compared with what git has.
func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name   string
		budget layout.Budget
	}{
		{"rendered", build.DefaultBudget},
		// Every search and count has to be put together from the catalog.
		{"assembled", onlyCatalog},
	} {
		t.Run(c.name, func(t *testing.T) { conform(t, c.budget) })
	}
}

func conform(t *testing.T, budget layout.Budget) {
	folder := indextest.RealFolder(t)
	h := realHandler(t, folder, budget)
	server := run(t, serve.ServerOptions{Handler: h, Listen: "127.0.0.1:0"})
	compareRecordings(t, folder, server.api.String(), nil)
	if budget == build.DefaultBudget {
		compareFiles(t, folder, h)
	}
	server.stop()
	if err := <-server.ended; err != nil {
		t.Error(err)
	}
}

// compareRecordings asks a server for all that was recorded, plain and encoded.
func compareRecordings(t *testing.T, folder, address string, client *http.Client) {
	t.Helper()
	for _, env := range realEnvironments {
		recording, err := conformance.Open(filepath.Join(folder, env.name+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer recording.Close()
		for _, gzip := range []bool{false, true} {
			report, err := conformance.Compare(t.Context(), recording, conformance.Options{
				BaseURL: "http://" + address, Host: env.host, Gzip: gzip, Parallel: 4, Client: client,
			})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%s: %d requests, %d gzip-encoded answers, %d differences", env.name, report.Requests, report.Encoded, len(report.Differences))
			for _, line := range report.Lines(20) {
				t.Error(line)
			}
			if gzip != (report.Encoded > 0) {
				t.Errorf("gzip asked for: %t; %d answers are encoded", gzip, report.Encoded)
			}
		}
	}
}

// realHandler answers for the three environments of a real package storage.
func realHandler(t *testing.T, folder string, budget layout.Budget) *serve.Handler {
	t.Helper()
	o := serve.Options{Bucket: buildReal(t, indextest.RealStorage(t), budget)}
	for _, env := range realEnvironments {
		o.Environments = append(o.Environments, serve.Environment{Name: env.name, Hostnames: []string{env.hostname}})
	}
	h := newHandler(t, o)
	if missing := h.Unready(); len(missing) > 0 {
		t.Fatalf("not live: %v", missing)
	}
	return h
}

// buildReal builds and publishes into a bucket of its own.
func buildReal(t *testing.T, repository string, budget layout.Budget) *publish.Bucket {
	t.Helper()
	source, err := git.OpenGit(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	bucket := newBucket(t)
	o := build.Options{Source: source, Store: bucket, Regsnap: "test", Budget: budget}
	var branches []string
	for _, env := range realEnvironments {
		branches = append(branches, env.name)
		o.Environments = append(o.Environments, build.Environment{
			Name: env.name, Branches: slices.Clone(branches), ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy, Catalogue: true,
		})
	}
	result, err := build.Build(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for _, s := range result.Snapshots {
		ids[s.Manifest.Environment] = s.ID
	}
	published(t, bucket, ids)
	return bucket
}
