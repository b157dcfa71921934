//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestPerformanceShards renders the real package storage by several processes at
// once, each a shard, into an empty bucket of a real S3 server, makes the snapshots
// of what they left there, and writes the table into docs/performance.md.
func TestPerformanceShards(t *testing.T) {
	b := newBench(t)
	server := servers.StartS3In(t, memoryFolder(t))
	var w strings.Builder
	fmt.Fprintf(&w, "| processes | shards rendered after | memory of the largest | objects they stored | the build after them | objects it stored | together | requests |\n"+
		"| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	var ids string
	for _, n := range []int{0, 1, 2, 4} {
		requests := newCounter(t, server.Addr)
		via := server.Via(strings.TrimPrefix(requests.URL, "http://"))
		args := []string{"build", "--json", "--source", "git:" + b.real, "--bucket", via.URL(server.NewBucket(b))}
		shards := make([]sample, n)
		stored := make([]built, n)
		var all sync.WaitGroup
		started := time.Now()
		for i := range n {
			all.Go(func() {
				var out []byte
				shards[i], out = b.run(via.Env(), b.program, append(args, "--shard", fmt.Sprintf("%d/%d", i+1, n))...)
				must(t, json.Unmarshal(out, &stored[i]))
			})
		}
		all.Wait()
		rendered := time.Since(started)
		after, out := b.run(via.Env(), b.program, append(args, "--publish")...)
		var last built
		must(t, json.Unmarshal(out, &last))
		made := ""
		for _, s := range last.Snapshots {
			made += s.ID + " "
		}
		if ids == "" {
			ids = made
		}
		if made != ids {
			t.Fatalf("%d shards made %s, one build alone %s", n, made, ids)
		}
		objects, memory := int64(0), int64(0)
		for i, s := range stored {
			objects, memory = objects+s.Stats.Objects, max(memory, shards[i].rss)
		}
		parts := fmt.Sprintf("%d | %.2f s | %d MiB | %d", n, rendered.Seconds(), memory>>20, objects)
		if n == 0 {
			parts, rendered = "no shards | – | – | –", 0
		}
		fmt.Fprintf(&w, "| %s | %.2f s | %d | %.2f s | %d |\n", parts, after.wall.Seconds(), last.Stats.Objects, (rendered + after.wall).Seconds(), requests.requests.Load())
	}
	w.WriteString("\nThe ids of the snapshots are the same in each row.\n")
	b.section("shards", 1, w.String())
}
