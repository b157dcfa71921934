package publish

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

var (
	soakRuns = flag.Int("soak", 0, "make this many randomised runs of each kind (default: a fixed set)")
	soakSeed = flag.Uint64("soak-seed", 1, "seed of the first randomised run")
)

// runs is how many randomised runs a test makes.
func runs(few int) int {
	if *soakRuns > 0 {
		return *soakRuns
	}
	return few
}

// runsPerStore is how many runs are made on each store: enough to see that they
// still run. `make test` and `make soak` ask for more.
var runsPerStore = testtools.Choose(1, 2)

// storm is a kind of store that randomised runs are made on.
type storm struct {
	kind    string
	server  *servers.Server // nil: file://
	hurry   time.Duration   // the time for an attempt
	pace    time.Duration   // the longest pause between two things that someone does
	times   leaseTimes
	sources *editions
	tally   *tally
	work    chan struct{} // one slot for each run that is not just waiting
}

// newStorm chooses times that fit together as the real ones do: a holder of a
// lease that is no longer trusted has made its last attempt at a request before
// others take it for dead, and prune outlives a late request.
func newStorm(kind string, s *servers.Server) *storm {
	out := &storm{kind: kind, server: s, tally: newTally(kind), pace: 40 * time.Millisecond}
	out.times = leaseTimes{renew: 40 * time.Millisecond, trust: 500 * time.Millisecond, stale: 3 * time.Second, poll: 10 * time.Millisecond}
	if kind != "file" {
		out.hurry, out.pace = 400*time.Millisecond, 300*time.Millisecond
		out.times = leaseTimes{renew: 80 * time.Millisecond, trust: 800 * time.Millisecond, stale: 5 * time.Second, poll: 40 * time.Millisecond, linger: 900 * time.Millisecond}
	}
	if raceEnabled {
		t := &out.times
		for _, d := range []*time.Duration{&out.hurry, &out.pace, &t.renew, &t.trust, &t.stale, &t.poll, &t.linger} {
			*d *= 2
		}
	}
	return out
}

// stormAttempts is how often a request is made in a storm. Together they take
// less than stale leaves after trust.
const stormAttempts = 8

// lateness is how long a late request takes to reach the store: longer than the
// client waits, shorter than prune lingers.
func (s *storm) lateness() time.Duration { return s.hurry * 3 / 2 }

// TestRandomised lets publishers, prune, rollback, pins and readers loose on a
// bucket, with faults on the way to it, and kills some of the processes. What
// must hold then is in soakRun. At the end a tally says what has happened: if
// some ingredient never did, the test has shown less than it says, and fails.
func TestRandomised(t *testing.T) {
	sources := &editions{dir: servers.MemoryDir(t), inline: 1}
	storms := []*storm{newStorm("file", nil), newStorm("s3", servers.StartS3In(t, servers.MemoryDir(t))), newStorm("gcs", servers.StartGCS(t))}
	work := make(chan struct{}, 8*runtime.GOMAXPROCS(0))
	for _, s := range storms {
		s.work, s.sources = work, sources
	}
	// A run waits most of its time: for late answers, and for the dead to count
	// as dead. So many are under way at once.
	var all sync.WaitGroup
	under := make(chan struct{}, 30*runtime.GOMAXPROCS(0))
	for i := range runs(runsPerStore) {
		for _, s := range storms {
			seed := *soakSeed + uint64(i)
			under <- struct{}{}
			all.Go(func() {
				defer func() { <-under }()
				t.Run(fmt.Sprintf("%s/seed=%d", s.kind, seed), func(t *testing.T) { s.run(t, seed) })
			})
		}
	}
	all.Wait()
	total := newTally("total")
	for _, s := range storms {
		total.addAll(s.tally)
		s.tally.report(t)
	}
	total.report(t)
	if n := total.of(violations); n > 0 {
		t.Errorf("%d violations", n)
	}
}

// opening keeps the environment as it is while a bucket is opened: for GCS it
// says where the server is.
var opening sync.Mutex

// open opens a bucket of a server, or of a way to it, with the times of a storm.
func (s *storm) open(t testing.TB, via *servers.Server, bucket string) *Bucket {
	t.Helper()
	policy := store.RetryPolicy{}
	if via != s.server {
		policy = s.retries()
	}
	return s.openRetrying(t, via, bucket, policy)
}

// openRetrying is open with other retries.
func (s *storm) openRetrying(t testing.TB, via *servers.Server, bucket string, p store.RetryPolicy) *Bucket {
	t.Helper()
	if via != nil {
		opening.Lock()
		defer opening.Unlock()
		for _, v := range via.Env() {
			setenv(t, v)
		}
	}
	b := openRetrying(t, s.url(via, bucket), p)
	b.lease = s.times
	return b
}

// url is the URL of a bucket of a server, or of a folder.
func (s *storm) url(via *servers.Server, bucket string) string {
	if via == nil {
		return "file://" + filepath.ToSlash(bucket)
	}
	return via.URL(bucket)
}

// retries fit a way with faults.
func (s *storm) retries() store.RetryPolicy {
	return store.RetryPolicy{Attempts: stormAttempts, Pause: s.hurry / 20, MaxPause: s.hurry / 10, Answer: s.hurry}
}

// setenv sets NAME=VALUE. The variables are those that the server has set for
// the whole test, which also restores them.
func setenv(t testing.TB, v string) {
	t.Helper()
	for i := range v {
		if v[i] == '=' {
			if err := os.Setenv(v[:i], v[i+1:]); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
}
