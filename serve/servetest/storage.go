// Package servetest makes small registries for tests, serves them, and compares
// what two of them answer.
package servetest

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// storage has versions for different Kibanas, a pre-release, a deprecated
// package and categories. EDITION is what changes with each commit.
const storage = `
-- web/1.0.0/manifest.yml --
{format_version: 1.0.0, name: web, title: Web, version: 1.0.0, description: Serves pages, type: integration, categories: [web], conditions: {kibana.version: ^7.16.0}}
-- web/1.0.0/docs/README.md --
# Web
-- web/2.0.0/manifest.yml --
format_version: 2.3.0
name: web
title: Web
version: 2.0.0
description: Serves pages
type: integration
categories: [web, custom]
conditions.kibana.version: ^7.17.0 || ^8.0.0
policy_templates:
  - {name: nginx, title: Nginx, description: d, categories: [web]}
  - {name: logs, title: Logs, description: d, categories: [security]}
-- web/2.0.0/docs/README.md --
# Web
-- web/2.1.0-beta.1/manifest.yml --
{format_version: 2.3.0, name: web, title: Web, version: 2.1.0-beta.1, description: Edition EDITION, type: integration, categories: [web], conditions: {kibana.version: ^8.5.0}}
-- web/2.1.0-beta.1/docs/README.md --
# Web, edition EDITION
-- store/1.0.0/manifest.yml --
{format_version: 3.0.0, name: store, title: Store, version: 1.0.0, description: Keeps things, type: input, categories: [datastore], conditions: {kibana.version: ">=8.1.0", elastic.capabilities: [security]}}
-- store/1.0.0/docs/README.md --
# Store
-- store/1.0.0/docs/a file (1) [x].md --
A name that needs escaping.
-- agent/1.0.0/manifest.yml --
{format_version: 1.0.0, name: agent, title: Agent, version: 1.0.0, description: Old, type: integration, categories: [custom]}
-- agent/1.0.0/docs/README.md --
# Agent
-- agent/1.1.0/manifest.yml --
{format_version: 1.0.0, name: agent, title: Agent, version: 1.1.0, description: Old, type: integration, categories: [custom], conditions: {kibana.version: ^9.0.0}, deprecated: {since: 1.1.0, description: Use web}}
-- agent/1.1.0/docs/README.md --
# Agent
`

// Env is the environment of the registries.
const Env = "production"

// largeFile is the size of a file that is too large to be copied in memory.
const largeFile = 3 << 20

// Edition is the source at the commit with that number: the storage, a large
// file, a signed archive, and many small packages.
func Edition(t testing.TB, n, extra int) index.Source {
	t.Helper()
	root := t.TempDir()
	file := func(name string, content []byte) {
		name = filepath.Join(root, "packages", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, content, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range txtar.Parse([]byte(strings.ReplaceAll(storage, "EDITION", fmt.Sprint(n)))).Files {
		file(f.Name, f.Data)
	}
	for i := range extra {
		name := fmt.Sprintf("extra_%02d", i)
		file(name+"/1.0.0/manifest.yml", fmt.Appendf(nil, "{format_version: 1.0.0, name: %[1]s, title: %[1]s, version: 1.0.0, description: d, type: integration}\n", name))
		file(name+"/1.0.0/docs/README.md", fmt.Appendf(nil, "# %s\n", name))
	}
	noise := make([]byte, largeFile)
	rand.NewChaCha8([32]byte{byte(n)}).Read(noise) // it never fails
	file("store/1.0.0/img/large.png", append([]byte("\x89PNG\r\n\x1a\n"), noise...))
	file("signed-1.0.0.zip", signedArchive(t))
	file("signed-1.0.0.zip.sig", []byte(indextest.Signature))
	hash := fmt.Sprintf("%040x", n+1)
	at := time.Date(2024, 1, 1, 0, n, 0, 0, time.UTC)
	return committed{git.OpenDirs(map[string]string{Env: root}), &index.Commit{Hash: hash, Author: "Ada", Time: at, Subject: fmt.Sprint("edition ", n)}}
}

func signedArchive(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, content := range map[string]string{
		"manifest.yml": "{format_version: 1.0.0, name: signed, title: Signed, version: 1.0.0, description: d, type: integration}",
	} {
		to, err := w.Create("signed-1.0.0/" + name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(to, content)
	}
	to, err := w.Create("signed-1.0.0/docs/README.md")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(to, "# Signed")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// committed is a folder that says it is the content of a commit.
type committed struct {
	index.Source
	commit *index.Commit
}

func (c committed) Branch(ctx context.Context, name string) (*index.Branch, error) {
	b, err := c.Source.Branch(ctx, name)
	if err == nil {
		b.Commit = c.commit
	}
	return b, err
}

// Publish builds an edition into a bucket and makes it live.
func Publish(t testing.TB, b *publish.Bucket, n, extra int) string {
	t.Helper()
	return PublishSource(t, b, Edition(t, n, extra), Env, nil)
}

// PublishSource builds a branch of a source and makes it live; change, if set,
// changes how. Its manifest has lists, as those of large registries do.
func PublishSource(t testing.TB, b *publish.Bucket, src index.Source, branch string, change func(*build.Options)) string {
	t.Helper()
	ctx := t.Context()
	o := build.Options{Source: src, Store: b, Regsnap: "test", Environments: []build.Environment{{
		Name: Env, Branches: []string{branch}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy, Catalogue: true, Inline: 1,
	}}}
	if change != nil {
		change(&o)
	}
	m, err := b.Live(ctx, Env)
	if err == nil {
		var r *layout.Routes
		if r, err = b.Routes(ctx, Env, m.ID()); err == nil {
			o.Live = []build.Live{{Manifest: m, Routes: r}}
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	result, err := build.Build(ctx, o)
	if err != nil {
		t.Fatal(err, result.Report)
	}
	id := result.Snapshots[0].ID
	if err := GoLive(ctx, b, Env, id); err != nil {
		t.Fatal(err)
	}
	return id
}

// GoLive makes a snapshot live, as the descendant of what is live.
func GoLive(ctx context.Context, b *publish.Bucket, env, id string) error {
	return GoLiveAs(ctx, b, env, id, nil)
}

// GoLiveAs is GoLive of a preview, or of none if it is nil.
func GoLiveAs(ctx context.Context, b *publish.Bucket, env, id string, preview *layout.Preview) (err error) {
	lease := b.Lease(publish.LeaseOptions{Purpose: "publish"})
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	_, err = lease.Publish(ctx, env, id, publish.Note{Preview: preview, Configured: preview == nil}, inTurn)
	return err
}

// inTurn orders what tests publish by when they do: each comes from the one before.
var inTurn = publish.ByHistory(func(context.Context, string, string, string) (publish.Relation, error) {
	return publish.Descendant, nil
}, true)

// Open opens a bucket, or makes it, until the test ends.
func Open(t testing.TB, url string) *publish.Bucket {
	t.Helper()
	b, err := publish.Create(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// FolderURL is the URL of an empty bucket.
func FolderURL(t testing.TB) string { return "file://" + filepath.ToSlash(servers.MemoryDir(t)) }

// MustBeSound verifies a snapshot in full.
func MustBeSound(t testing.TB, b *publish.Bucket, id string) {
	t.Helper()
	v, err := b.Verify(context.Background(), Env, id, publish.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range v.Faults {
		t.Errorf("%s: %s: %s", id, f.Key, f.Detail)
	}
}
