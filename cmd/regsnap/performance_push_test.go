//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestPerformancePush measures what one commit to the snapshot branch costs on a
// machine that has a clone and nothing else, and writes the table into
// docs/performance.md.
func TestPerformancePush(t *testing.T) {
	b := newBench(t)
	repo, next := b.beforePush()
	folders, buckets := b.TempDir(), memoryFolder(t)
	server := servers.StartS3In(t, buckets)
	populated := server.NewBucket(b)
	for _, bucket := range []string{"file://" + filepath.Join(folders, "before"), server.URL(populated)} {
		b.run(server.Env(), b.program, "build", "--json", "--publish", "--source", "git:"+repo, "--bucket", bucket)
	}
	b.run(nil, "git", "-C", repo, "update-ref", "refs/heads/snapshot", next)

	var w strings.Builder
	fmt.Fprintf(&w, "| one push to the snapshot environment | median | best | peak memory |\n| --- | --- | --- | --- |\n")
	row := func(what string, s []sample) {
		fmt.Fprintf(&w, "| %s | %.2f s | %.2f s | %d MiB |\n", what, median(s).Seconds(), best(s).Seconds(), peak(s)>>20)
	}
	var last built
	for _, store := range []struct {
		name, before, after, url string
	}{
		{"`file://`", filepath.Join(folders, "before"), filepath.Join(folders, "after"), "file://" + filepath.Join(folders, "after")},
		{"versitygw", filepath.Join(buckets, populated), filepath.Join(buckets, "after-push"), server.URL("after-push")},
	} {
		var pushed, lean, nothing []sample
		for i := range rounds {
			for _, clone := range []bool{false, true} {
				source := repo
				if clone {
					source = filepath.Join(folders, fmt.Sprintf("%s-%d.git", filepath.Base(store.after), i))
					b.run(nil, "git", "clone", "-q", "--bare", "--depth", "1", "--no-single-branch", "--filter=blob:none", "file://"+repo, source)
				}
				// What is in a bucket never changes, so links stand for copies.
				b.run(nil, "cp", "-al", store.before, store.after)
				args := []string{"build", "--json", "--publish", "--env", "snapshot", "--source", "git:" + source, "--bucket", store.url}
				s, out := b.run(server.Env(), b.program, args...)
				must(b.T, json.Unmarshal(out, &last))
				if clone {
					lean = append(lean, s)
				} else {
					pushed = append(pushed, s)
					s, _ = b.run(server.Env(), b.program, args...)
					nothing = append(nothing, s)
				}
				must(b.T, os.RemoveAll(store.after))
			}
		}
		row("one package changed, "+store.name, pushed)
		row("the same, from a new `clone --depth 1 --filter=blob:none`, "+store.name, lean)
		row("nothing changed, "+store.name, nothing)
	}
	fmt.Fprintf(&w, "\nEach push read %d package version(s), parsed %d YAML files, read %d contents, rendered %d responses, and stored %d objects, %s.\n",
		last.Stats.Packages, last.Stats.YAMLParsed, last.Stats.BlobsRead, last.Stats.ResponsesWritten, last.Stats.Objects, size(last.Stats.Bytes))
	b.section("push", rounds, w.String())
}

// beforePush is a repository as it was before a push of one package to the
// snapshot branch, and the commit of that push. It borrows the real objects.
func (b *bench) beforePush() (repo, next string) {
	repo = filepath.Join(b.TempDir(), "push.git")
	b.run(nil, "git", "init", "-q", "--bare", repo)
	for _, setting := range []string{"uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"} {
		b.run(nil, "git", "-C", repo, "config", setting, "true")
	}
	must(b.T, os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(filepath.Join(b.real, "objects")+"\n"), 0o644))
	_, out := b.run(nil, "git", "-C", b.real, "rev-parse", "production", "staging", "snapshot~2", "snapshot~1")
	tips := strings.Fields(string(out))
	for i, branch := range []string{"production", "staging", "snapshot"} {
		b.run(nil, "git", "-C", repo, "update-ref", "refs/heads/"+branch, tips[i])
	}
	return repo, tips[3]
}
