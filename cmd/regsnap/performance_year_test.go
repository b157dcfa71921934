//go:build bench

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// yearPushes are the real ones and as many made-up ones as are needed for that many.
const yearPushes = 1000

// milestones are the numbers of snapshots at which commands are measured.
var milestones = []int{50, 200, 1000}

// A night is after so many pushes. What it keeps is what docs/deploy.md recommends, but by
// number alone: all pushes are of the same hour.
const (
	pushesOfDay = 100
	nightly     = "prune --json --keep-last 20 --keep-within 0s --grace 0s"
)

// TestPerformanceYear pushes every commit of the real branches, in the order of their
// dates, and then made-up ones, to a real S3 server, counts what is asked of it, and writes what operating costs
// into docs/performance.md. One bucket keeps every snapshot until there are a thousand;
// another, a copy of it after the real commits, is pruned each night.
func TestPerformanceYear(t *testing.T) {
	b := newBench(t)
	buckets := memoryFolder(t)
	server := servers.StartS3In(t, buckets)
	ledger := newLedger(t, server.Addr)
	repo, pushes := b.history()
	y := &year{bench: b, env: server.Env(), ledger: ledger, repo: repo, config: b.withLists()}
	bucket := func() (url, dir string) {
		name := server.NewBucket(b)
		return server.Via(ledger.Addr()).URL(name), filepath.Join(buckets, name)
	}
	whole, wholeDir := bucket()

	operations, measured, built := operationsHead, 0, 0
	keep := func() (account, bool) {
		n, a := y.push(whole)
		if built += n; measured < len(milestones) && built >= milestones[measured] {
			operations += y.operations(whole, built)
			measured++
		}
		return a, n > 0 && built > n // the first is a build from nothing
	}
	for _, p := range pushes {
		if y.move(p); !p.complete {
			continue
		}
		if a, counts := keep(); counts {
			y.each = append(y.each, a)
		}
	}
	real := len(y.each)
	pruned, prunedDir := bucket()
	b.run(nil, "cp", "-a", wholeDir+"/.", prunedDir)
	nights := nightsHead
	for _, p := range b.generated(repo, pushes, yearPushes) {
		y.move(p)
		if measured < len(milestones) {
			keep()
		}
		n, a := y.push(pruned)
		if n == 0 {
			continue
		}
		if y.each = append(y.each, a); len(y.each)%pushesOfDay == 0 {
			nights += y.night(pruned, prunedDir)
		}
		if len(y.each) == yearPushes {
			break
		}
	}
	objects, bytes := sizeOf(t, wholeDir)
	ledger.take()
	s, out := b.run(y.env, b.program, "prune", "--json", "--keep-last", "3", "--keep-within", "0s", "--grace", "0s", "--bucket", whole)
	last := ledger.take()
	left, _ := sizeOf(t, wholeDir)

	var w strings.Builder
	fmt.Fprintf(&w, "%d pushes, %d of them the real ones.\n\n| a push | median | 95 of 100 | most |\n| --- | ---: | ---: | ---: |\n", len(y.each), real)
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
		fmt.Fprintf(&w, "| %s | %d | %d | %d |\n", row.what, quantile(y.each, row.of, 0.5), quantile(y.each, row.of, 0.95), quantile(y.each, row.of, 1))
	}
	fmt.Fprintf(&w, "\nThe bucket that keeps every snapshot has %d objects at %d of them, %s. Prune down to three of each environment deleted %d by %d requests in %.1f s and left %d.\n\n%s",
		objects, built, size(bytes), deletedBy(t, out), last.deleted+last.batches, s.wall.Seconds(), left, operations)
	_, bytes = sizeOf(t, prunedDir)
	fmt.Fprintf(&w, "\nThe same pushes, and `prune --keep-last 20` each night, after %d of them:\n\n%s\n%s", pushesOfDay, nights, monthly(y.each, y.prune, bytes))
	b.section("year", 1, w.String())
}

// year is a history that is pushed.
type year struct {
	*bench
	env          []string
	ledger       *ledger
	repo, config string
	each         []account // what each push asked for
	prune        account   // what the last night asked for
}

// move brings a branch to where a push leaves it.
func (y *year) move(p yearPush) {
	y.run(nil, "git", "-C", y.repo, "update-ref", "refs/heads/"+p.branch, p.commit)
}

// push builds what has changed: how many snapshots that makes, and what it asks for.
func (y *year) push(bucket string) (int, account) {
	y.ledger.take()
	_, out := y.run(y.env, y.program, "build", "--json", "--publish", "--quiet", "--config", y.config, "--source", "git:"+y.repo, "--bucket", bucket)
	return fresh(y.T, out), y.ledger.take()
}

const nightsHead = "| after pushes | deleted | objects left | of | time | peak memory | GET | LIST | DELETE | read |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"

// night is the line of a prune.
func (y *year) night(bucket, dir string) string {
	y.ledger.take()
	s, out := y.run(y.env, y.program, append(strings.Fields(nightly), "--bucket", bucket)...)
	a := y.ledger.take()
	y.prune = a
	objects, bytes := sizeOf(y.T, dir)
	return fmt.Sprintf("| %d | %d | %d | %s | %.2f s | %d MiB | %d | %d | %d | %s |\n",
		len(y.each), deletedBy(y.T, out), objects, size(bytes), s.wall.Seconds(), s.rss>>20, a.get, a.list, a.deleted+a.batches, size(a.read))
}

// deletedBy is how many objects a prune deleted, by what it says.
func deletedBy(t *testing.T, said []byte) int {
	var plan struct{ Objects int }
	must(t, json.Unmarshal(said, &plan))
	return plan.Objects
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

const operationsHead = "| at so many snapshots | command | time | peak memory | GET | LIST | read |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: |\n"

// operations measures what reads a bucket with many snapshots.
func (y *year) operations(bucket string, snapshots int) (lines string) {
	for _, command := range []string{
		"status", "history --env snapshot --limit 0", "diff --env snapshot live previous", "find --env snapshot nginx", "verify --env snapshot --sample 5%", "prune --dry-run --keep-within 720h",
	} {
		y.ledger.take()
		s, _ := y.run(y.env, y.program, append(strings.Fields(command), "--bucket", bucket)...)
		a := y.ledger.take()
		lines += fmt.Sprintf("| %d | `%s` | %.2f s | %d MiB | %d | %d | %s |\n", snapshots, command, s.wall.Seconds(), s.rss>>20, a.get, a.list, size(a.read))
	}
	return lines
}

// The list prices of S3 in us-east-1 in US dollars, for the table of a month.
const (
	priceWrite   = 0.005 / 1000 // PUT, LIST
	priceRead    = 0.0004 / 1000
	priceStorage = 0.023 / 1e9 // a byte and month
	priceTraffic = 0.09 / 1e9  // a byte, to readers outside of the cloud
)

// monthly is what a month costs: 100 pushes a day, a prune a night, and what is stored
// after it.
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
