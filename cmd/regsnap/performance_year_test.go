//go:build bench

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestPerformanceYear pushes every commit of the real branches, in the order of their
// dates, to a real S3 server, counts what is asked of it, and writes what operating costs
// into docs/performance.md.
func TestPerformanceYear(t *testing.T) {
	b := newBench(t)
	buckets := memoryFolder(t)
	server := servers.StartS3In(t, buckets)
	ledger := newLedger(t, server.Addr)
	name := server.NewBucket(b)
	url, env := server.Via(ledger.Addr()).URL(name), server.Env()
	repo, pushes := b.history()
	config := b.withLists()

	var each []account
	var operations strings.Builder
	fmt.Fprintf(&operations, "| at so many snapshots | command | time | peak memory | GET | LIST | read |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: |\n")
	built, milestones := 0, []int{50, 200, 400, 800}
	for i, p := range pushes {
		b.run(nil, "git", "-C", repo, "update-ref", "refs/heads/"+p.branch, p.commit)
		if !p.complete {
			continue
		}
		ledger.take()
		_, out := b.run(env, b.program, "build", "--json", "--publish", "--quiet", "--config", config, "--source", "git:"+repo, "--bucket", url)
		if built += fresh(t, out); built > 3 { // the first is a build from nothing
			each = append(each, ledger.take())
		}
		if len(milestones) > 0 && built >= milestones[0] || i == len(pushes)-1 {
			b.operations(&operations, env, ledger, url, built)
			if len(milestones) > 0 {
				milestones = milestones[1:]
			}
		}
	}
	objects, bytes := sizeOf(t, filepath.Join(buckets, name))
	ledger.take()
	s, out := b.run(env, b.program, "prune", "--json", "--keep-last", "3", "--keep-within", "0s", "--grace", "0s", "--bucket", url)
	pruned := ledger.take()
	var plan struct{ Objects int }
	must(t, json.Unmarshal(out, &plan))
	left, _ := sizeOf(t, filepath.Join(buckets, name))

	var w strings.Builder
	fmt.Fprintf(&w, "%d pushes made %d snapshots of three environments: %d objects, %s.\n\n", len(each)+1, built, objects, size(bytes))
	fmt.Fprintf(&w, "| a push | median | 95 of 100 | most |\n| --- | ---: | ---: | ---: |\n")
	for _, row := range []struct {
		what string
		of   func(account) int64
	}{
		{"PUT", func(a account) int64 { return a.puts() }},
		{"of them responses and their gzip variants", func(a account) int64 { return a.put["responses"] }},
		{"of them of packages", func(a account) int64 { return a.put["packages"] }},
		{"GET", func(a account) int64 { return a.get }},
		{"LIST", func(a account) int64 { return a.list }},
		{"DELETE", func(a account) int64 { return a.deleted }},
		{"kB written", func(a account) int64 { return a.written / 1000 }},
		{"kB read", func(a account) int64 { return a.read / 1000 }},
	} {
		fmt.Fprintf(&w, "| %s | %d | %d | %d |\n", row.what, quantile(each, row.of, 0.5), quantile(each, row.of, 0.95), quantile(each, row.of, 1))
	}
	fmt.Fprintf(&w, "\n%s\nA prune that keeps three snapshots of each deleted %d objects by %d requests in %.1f s and left %d.\n", &operations, plan.Objects, pruned.deleted+pruned.batches, s.wall.Seconds(), left)
	fmt.Fprintf(&w, "\n%s", monthly(each, ledger.prune, bytes))
	b.section("year", 1, w.String())
}

// fresh is how many snapshots a build made that were not live before, by what it says.
func fresh(t *testing.T, said []byte) (n int) {
	var built struct {
		Snapshots []struct{ Unchanged bool }
	}
	must(t, json.Unmarshal(said, &built))
	for _, s := range built.Snapshots {
		if !s.Unchanged {
			n++
		}
	}
	return n
}

// operations measures what reads a bucket with many snapshots.
func (b *bench) operations(w io.Writer, env []string, l *ledger, bucket string, snapshots int) {
	for _, command := range []string{
		"status", "history --env snapshot --limit 0", "diff --env snapshot live previous", "find --env snapshot nginx", "verify --env snapshot --sample 5%", "prune --dry-run --keep-within 720h",
	} {
		l.take()
		args := append(strings.Fields(command), "--bucket", bucket)
		s, _ := b.run(env, b.program, args...)
		a := l.take()
		if strings.HasPrefix(command, "prune") {
			l.prune = a
		}
		fmt.Fprintf(w, "| %d | `%s` | %.2f s | %d MiB | %d | %d | %s |\n", snapshots, command, s.wall.Seconds(), s.rss>>20, a.get, a.list, size(a.read))
	}
}

// The list prices of S3 in us-east-1 in US dollars, for the table of a month.
const (
	priceWrite   = 0.005 / 1000 // PUT, LIST
	priceRead    = 0.0004 / 1000
	priceStorage = 0.023 / 1e9 // a byte and month
	priceTraffic = 0.09 / 1e9  // a byte, to readers outside of the cloud
)

// monthly is what a month costs: 100 pushes a day, a prune a night over the snapshots that
// the simulation left, and a day's share of what it stored for each.
func monthly(each []account, prune account, stored int64) string {
	const pushes, nights = 3000, 30
	var put, get, list, read int64
	for _, a := range each {
		put, get, list, read = put+a.puts(), get+a.get, list+a.list, read+a.read
	}
	n := float64(len(each))
	var w strings.Builder
	fmt.Fprintf(&w, "| a month of 100 pushes a day, at S3's list prices | $ |\n| --- | ---: |\n")
	row := func(what string, price float64) { fmt.Fprintf(&w, "| %s | %.2f |\n", what, price) }
	row("PUT and LIST of builds", pushes*float64(put+list)/n*priceWrite)
	row("GET of builds", pushes*float64(get)/n*priceRead)
	row("nightly prune, requests", nights*(float64(prune.get)*priceRead+float64(prune.list)*priceWrite))
	row("nightly prune, what it reads, if it runs outside of the cloud", nights*float64(prune.read)*priceTraffic)
	row("storage of "+size(stored), float64(stored)*priceStorage)
	return w.String()
}

func quantile(each []account, of func(account) int64, q float64) int64 {
	var values []int64
	for _, a := range each {
		values = append(values, of(a))
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1))]
}

func sizeOf(t *testing.T, dir string) (objects int, bytes int64) {
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(path, ".sgwtmp") {
			return err
		}
		info, err := d.Info()
		objects, bytes = objects+1, bytes+info.Size()
		return err
	}))
	return objects, bytes
}

// yearPush is a push of one commit to a branch. complete is false until all three branches
// have one.
type yearPush struct {
	at             int64
	branch, commit string
	complete       bool
}

// history is a repository without branches that borrows the real objects, and every
// commit of the real branches.
func (b *bench) history() (repo string, pushes []yearPush) {
	repo = filepath.Join(b.TempDir(), "year.git")
	b.run(nil, "git", "init", "-q", "--bare", repo)
	must(b.T, os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(filepath.Join(b.real, "objects")+"\n"), 0o644))
	for _, branch := range []string{"production", "staging", "snapshot"} {
		_, out := b.run(nil, "git", "-C", b.real, "log", "--first-parent", "--format=%ct %H", branch)
		for line := range strings.Lines(string(out)) {
			at, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
			seconds, err := strconv.ParseInt(at, 10, 64)
			must(b.T, err)
			pushes = append(pushes, yearPush{at: seconds, branch: branch, commit: hash})
		}
	}
	slices.SortStableFunc(pushes, func(a, b yearPush) int { return cmp.Compare(a.at, b.at) })
	seen := map[string]bool{}
	for i := range pushes {
		seen[pushes[i].branch] = true
		pushes[i].complete = len(seen) == 3
	}
	return repo, pushes
}

// account is what was asked of a store.
type account struct {
	put              map[string]int64 // by the first element of the key
	get, list        int64
	deleted, batches int64 // requests that delete one object, and several
	written, read    int64 // bytes
}

func (a account) puts() (n int64) {
	for _, v := range a.put {
		n += v
	}
	return n
}

// ledger is a proxy before S3 that keeps account.
type ledger struct {
	server *httptest.Server
	prune  account

	mu  sync.Mutex
	now account
}

func newLedger(t *testing.T, addr string) *ledger {
	proxy := proxyTo(addr)
	l := &ledger{now: account{put: map[string]int64{}}}
	l.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.count(r)
		proxy.ServeHTTP(&tellingWriter{w, l}, r)
	}))
	t.Cleanup(l.server.Close)
	return l
}

// Addr is the host and port to talk to.
func (l *ledger) Addr() string { return strings.TrimPrefix(l.server.URL, "http://") }

func (l *ledger) count(r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	first, _, _ := strings.Cut(key, "/")
	switch {
	case r.Method == http.MethodPut:
		l.now.put[first]++
		l.now.written += r.ContentLength
	case r.Method == http.MethodDelete:
		l.now.deleted++
	case r.Method == http.MethodPost:
		l.now.batches++
	case key == "":
		l.now.list++
	default:
		l.now.get++
	}
}

// take is what was asked since the last call.
func (l *ledger) take() account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.now
	l.now = account{put: map[string]int64{}}
	return a
}

// tellingWriter counts what is answered.
type tellingWriter struct {
	http.ResponseWriter
	l *ledger
}

func (w *tellingWriter) Write(p []byte) (int, error) {
	w.l.mu.Lock()
	w.l.now.read += int64(len(p))
	w.l.mu.Unlock()
	return w.ResponseWriter.Write(p)
}

// Unwrap lets the proxy flush.
func (w *tellingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
