//go:build conformance

package build_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/publish"
)

// TestConformanceFolders builds the real package storage from its git
// repository, from clean work trees, and from the same folders without git. The
// first two must give the same snapshots; the third knows no commits, and must
// give the same revisions, responses and routes.
func TestConformanceFolders(t *testing.T) {
	repo := indextest.RealStorage(t)
	bucket, err := publish.Create(t.Context(), "file://"+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	root := t.TempDir()
	for _, branch := range realBranches {
		runGit(t, root, "clone", "-q", "--shared", "--branch", branch, repo, branch)
	}
	fromGit := buildState(t, repo, bucket, realEnvironments(realBranches...), nil)
	clean := buildFolders(t, root, bucket)
	for _, branch := range realBranches {
		if err := os.RemoveAll(filepath.Join(root, branch, ".git")); err != nil {
			t.Fatal(err)
		}
	}
	plain := buildFolders(t, root, bucket)
	for i, s := range fromGit.Snapshots {
		env := s.Manifest.Environment
		if got := clean.Snapshots[i].ID; got != s.ID {
			t.Errorf("%s: %s from clean work trees, %s from git", env, got, s.ID)
		}
		m := plain.Snapshots[i].Manifest
		if m.Routes != s.Manifest.Routes {
			t.Errorf("%s: other routes from plain folders", env)
		}
		if !reflect.DeepEqual(m.Packages, s.Manifest.Packages) {
			t.Errorf("%s: other package revisions from plain folders", env)
		}
		if !reflect.DeepEqual(m.Responses, s.Manifest.Responses) {
			t.Errorf("%s: other responses from plain folders", env)
		}
		fmt.Printf("%s: %s from git and from clean work trees, %s from plain folders: %d revisions, %d responses and the routes are the same\n",
			env, s.ID, plain.Snapshots[i].ID, len(m.Packages), len(m.Responses))
	}
}

func buildFolders(t *testing.T, root string, bucket *publish.Bucket) *build.Result {
	t.Helper()
	source, err := git.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	r, err := build.Build(t.Context(), build.Options{
		Source: source, Store: bucket, Environments: realEnvironments(realBranches...), Regsnap: "main",
	})
	if err != nil {
		t.Fatalf("%v: %v", err, r.Report.Errors)
	}
	return r
}
