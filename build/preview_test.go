//go:build conformance

package build_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// TestConformancePreview builds the preview of a pull request that adds one
// package version, the last one that was really added to snapshot, beside the
// three environments as they were before.
func TestConformancePreview(t *testing.T) {
	repo := replayRepository(t, indextest.RealStorage(t))
	for _, b := range realBranches {
		runGit(t, repo, "update-ref", "refs/heads/"+b, "refs/real/"+b)
	}
	source, err := git.OpenGit(t.Context(), repo)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	var added git.Step
	if _, err := source.History(t.Context(), "snapshot", func(s git.Step) error {
		if len(s.Changes) == 1 && s.Changes[0].Added() && s.Parents == 1 {
			added = s
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const pull = "refs/pull/123/head"
	runGit(t, repo, "update-ref", pull, added.Commit.Hash)
	runGit(t, repo, "update-ref", "refs/heads/snapshot", added.Commit.Hash+"^")
	bucket, err := publish.Create(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	for _, s := range buildState(t, repo, bucket, realEnvironments(realBranches...), nil).Snapshots {
		if err := servetest.GoLive(t.Context(), bucket, s.Manifest.Environment, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	started := time.Now()
	preview := build.Environment{
		Name: "pr-123", Branches: append(append([]string{}, realBranches...), pull), ServiceVersion: "1.40.1",
		Cache: layout.CachePolicy{Index: 0, Content: 5},
	}
	r, err := build.Build(t.Context(), build.Options{
		Source: source, Store: bucket, Environments: []build.Environment{preview}, Regsnap: "main", Live: liveOf(t, bucket),
	})
	if err != nil {
		t.Fatalf("%v: %v", err, r.Report.Errors)
	}
	if err := servetest.GoLive(t.Context(), bucket, "pr-123", r.Snapshots[0].ID); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("preview: one changed package (%s) of %d: %d packages read, %d revision and %d responses written; %d objects, %.1f MB uploaded; built and live in %.2f s\n",
		added.Commit.Subject, len(r.Snapshots[0].Manifest.Packages), r.Stats.Packages, r.Stats.RevisionsWritten, r.Stats.ResponsesWritten,
		r.Stats.Objects, float64(r.Stats.Bytes)/1e6, time.Since(started).Seconds())
	if r.Stats.Packages != 1 || r.Stats.RevisionsWritten != 1 {
		t.Errorf("%+v: want one package read and one revision written", r.Stats)
	}
}
