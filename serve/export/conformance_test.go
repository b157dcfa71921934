//go:build conformance

package export_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve/conformance"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
	"github.com/regsnap/regsnap/serve/export"
)

// randomReal is how many random requests are sent beside those that were recorded.
const randomReal = 2000

// TestConformanceExport exports the environments of a real package storage, and
// sends nginx, with nothing else running, all recorded requests, plain and
// gzip-encoded, and random ones: once with what a build renders ahead, and once
// with every search put together by the script.
func TestConformanceExport(t *testing.T) {
	folder := indextest.RealFolder(t)
	for _, c := range []struct {
		name   string
		budget layout.Budget
		envs   []string
	}{
		{"rendered", build.DefaultBudget, edgetest.Environments},
		{"assembled", onlyCatalog, []string{env}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
			if err != nil {
				t.Fatal(err)
			}
			defer source.Close()
			bucket, _ := edgetest.Publish(t, source, c.budget)
			for i, env := range c.envs {
				dir := t.TempDir()
				start := time.Now()
				r := exported(t, bucket, dir, func(o *export.Options) { o.Environment = env })
				t.Logf("%s: %d files, %d of them links, %.1f MB written in %.1f s", env, r.Files, r.Linked, float64(r.Bytes)/1e6, time.Since(start).Seconds())
				address := served(t, dir)
				recorded(t, filepath.Join(folder, env+".zip"), address)
				same(t, address, requests(t, bucket, env, uint64(i), randomReal))
			}
		})
	}
}

// TestConformanceExportPeer is TestConformanceExport with packages that use what
// the real ones do not.
func TestConformanceExportPeer(t *testing.T) {
	folder := indextest.PeerFolder(t)
	for _, set := range []struct{ repository, recording string }{{"storage.git", "production.zip"}, {"made-up.git", "made-up.zip"}} {
		t.Run(set.repository, func(t *testing.T) {
			bucket, _ := edgetest.PublishProduction(t, filepath.Join(folder, set.repository), build.DefaultBudget)
			dir := t.TempDir()
			exported(t, bucket, dir, nil)
			address := served(t, dir)
			recorded(t, filepath.Join(folder, set.recording), address)
		})
	}
}

// recorded compares nginx with what the reference registry answered.
func recorded(t *testing.T, file, address string) {
	t.Helper()
	recording, err := conformance.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	for _, gzip := range []bool{false, true} {
		report, err := conformance.Compare(t.Context(), recording, conformance.Options{BaseURL: "http://" + address, Gzip: gzip, Parallel: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d recorded requests, %d gzip-encoded answers, %d differences", filepath.Base(file), report.Requests, report.Encoded, len(report.Differences))
		for i, d := range report.Differences {
			if i == 20 {
				t.Fatalf("… and %d more", len(report.Differences)-i)
			}
			t.Error(d)
		}
		if gzip != (report.Encoded > 0) || report.Requests < 1000 {
			t.Errorf("gzip asked for: %t; %d of %d answers are encoded", gzip, report.Encoded, report.Requests)
		}
	}
}
