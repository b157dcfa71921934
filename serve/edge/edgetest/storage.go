package edgetest

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// Environments are those of a package storage, in the order in which each adds
// a branch.
var Environments = []string{"production", "staging", "snapshot"}

// Publish builds the environments of a source into an empty file:// bucket and
// makes them live. It returns the bucket and its folder.
func Publish(t testing.TB, source index.Source, budget layout.Budget) (*publish.Bucket, string) {
	t.Helper()
	dir := servers.MemoryDir(t)
	return PublishTo(t, "file://"+filepath.ToSlash(dir), source, budget), dir
}

// PublishTo is Publish into the bucket at a URL.
func PublishTo(t testing.TB, url string, source index.Source, budget layout.Budget) *publish.Bucket {
	t.Helper()
	bucket, err := publish.Create(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() }) // what it wrote is written
	Update(t, bucket, source, budget)
	return bucket
}

// Update builds the environments of a source into a bucket and makes them live.
// It returns the snapshots' ids by environment.
func Update(t testing.TB, bucket *publish.Bucket, source index.Source, budget layout.Budget) map[string]string {
	t.Helper()
	return update(t, bucket, source, budget, Environments)
}

// PublishProduction is Publish of the production branch of a repository, which
// may have no other.
func PublishProduction(t testing.TB, repository string, budget layout.Budget) (*publish.Bucket, string) {
	t.Helper()
	source, err := git.OpenGit(t.Context(), repository)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	dir := t.TempDir()
	bucket, err := publish.Create(context.Background(), "file://"+filepath.ToSlash(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bucket.Close() }) // what it wrote is written
	update(t, bucket, source, budget, Environments[:1])
	return bucket, dir
}

func update(t testing.TB, bucket *publish.Bucket, source index.Source, budget layout.Budget, environments []string) map[string]string {
	t.Helper()
	ctx := context.Background()
	o := build.Options{Source: source, Store: bucket, Regsnap: "test", Budget: budget}
	var branches []string
	for _, env := range environments {
		branches = append(branches, env)
		o.Environments = append(o.Environments, build.Environment{
			Name: env, Branches: slices.Clone(branches), ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy, Catalogue: true,
		})
	}
	result, err := build.Build(ctx, o)
	if err != nil {
		t.Fatal(err, result.Report.Errors)
	}
	ids := map[string]string{}
	for _, s := range result.Snapshots {
		env := s.Manifest.Environment
		ids[env] = s.ID
		if err := servetest.GoLive(ctx, bucket, env, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

// Committed is a folder with a folder for each branch, as a git repository of its
// own, whose commits have the same times on every machine.
func Committed(t testing.TB, storage string) index.Source {
	t.Helper()
	repo := indextest.NewRepo(t)
	for _, branch := range Environments { // each has a branch of its name
		repo.Git("", "--work-tree="+filepath.Join(storage, branch), "add", "--force", "--all")
		repo.CommitTree(branch, repo.Git("", "write-tree"), "add "+branch)
	}
	source, err := git.OpenGit(t.Context(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) // it was only read
	return source
}
