package publish

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/storetest/servers"
)

var (
	soakRuns = flag.Int("soak", 0, "make this many randomised runs of each kind (default: a few, with fixed seeds)")
	soakSeed = flag.Uint64("soak-seed", 1, "seed of the first randomised run")
)

// runs is how many randomised runs a test makes.
func runs(few int) int {
	if *soakRuns > 0 {
		return *soakRuns
	}
	return few
}

// soakTimes leave a busy machine room between trust and stale.
var soakTimes = leaseTimes{renew: 30 * time.Millisecond, trust: time.Second, stale: 5 * time.Second, poll: 2 * time.Millisecond, linger: 1500 * time.Millisecond}

// tally counts what happened in randomised runs.
type tally struct {
	runs, published, held, older, pruned, busy, deleted, rolled, reads, lapsed, violations atomic.Int64
}

func (c *tally) String() string {
	return fmt.Sprintf("%d runs: %d publishes, %d held, %d older, %d told to run again; %d prunes kept away, %d objects pruned; %d rollbacks; %d reads, %d of snapshots that were over; %d violations",
		c.runs.Load(), c.published.Load(), c.held.Load(), c.older.Load(), c.pruned.Load(), c.busy.Load(), c.deleted.Load(),
		c.rolled.Load(), c.reads.Load(), c.lapsed.Load(), c.violations.Load())
}

// TestConcurrent lets publishers, prune, rollback, pin and readers loose on one
// bucket. Readers never miss an object of what is live, and in the end every
// snapshot that has a manifest is whole.
func TestConcurrent(t *testing.T) {
	src := newEditions(t)
	c := new(tally)
	for i := range runs(6) {
		seed := *soakSeed + uint64(i)
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			b, _ := fileBucket(t)
			b.lease = soakTimes
			concurrentRun(t, b, src, seed, c)
		})
	}
	t.Log(c)
	if c.violations.Load() > 0 {
		t.Errorf("%d violations", c.violations.Load())
	}
}

// TestFaultyStores is TestConcurrent on S3 and GCS, through a proxy that breaks
// requests: lost connections, errors, and answers that are late or lost after
// the store has done what was asked.
func TestFaultyStores(t *testing.T) {
	src := newEditions(t)
	for _, s := range []*servers.Server{servers.StartS3(t), servers.StartGCS(t)} {
		c := new(tally)
		faults := 0
		for i := range runs(1) {
			seed := *soakSeed + uint64(i)
			t.Run(fmt.Sprintf("%s/seed=%d", s.Kind(), seed), func(t *testing.T) {
				proxy := faultproxy.Start(t, faultproxy.Options{Target: s.Addr, RewriteHost: s.Kind() == "gcs", Rate: 0.04, Seed: seed, Delay: time.Second})
				name, via := s.NewBucket(t), s.Via(proxy.Addr)
				via.Setenv(t)
				b := openTest(t, via.URL(name))
				b.lease = soakTimes
				b.Hurry(700 * time.Millisecond)
				b.Attempts(12)
				s.Setenv(t)
				direct := openTest(t, s.URL(name))
				concurrentRun(t, b, src, seed, c)
				proxy.Settle()
				mustBeSound(t, direct)
				for _, n := range proxy.Counts() {
					faults += n
				}
			})
		}
		t.Logf("%s: %d faults injected; %v", s.Kind(), faults, c)
		if c.violations.Load() > 0 {
			t.Errorf("%d violations", c.violations.Load())
		}
	}
}

func concurrentRun(t *testing.T, b *Bucket, src *editions, seed uint64, c *tally) {
	c.runs.Add(1)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r := rand.New(rand.NewPCG(seed, 0))
	var writers, others sync.WaitGroup
	var next atomic.Int64
	for p := range 2 + r.IntN(3) {
		mine := rand.New(rand.NewPCG(seed, uint64(p)+1))
		writers.Go(func() {
			for range 4 {
				_ = sleep(ctx, time.Duration(mine.IntN(60))*time.Millisecond)
				// Mostly forward, sometimes a late build of older commits.
				n := int(next.Add(1))
				if mine.IntN(4) == 0 {
					n = mine.IntN(n)
				}
				c.publish(t, ctx, b, src, n)
			}
		})
	}
	writers.Go(func() { operate(t, ctx, b, rand.New(rand.NewPCG(seed, 100)), c) })
	for i := range 2 {
		mine := rand.New(rand.NewPCG(seed, 200+uint64(i)))
		others.Go(func() {
			for ctx.Err() == nil {
				c.read(t, ctx, b, mine)
			}
		})
	}
	others.Go(func() {
		for ctx.Err() == nil {
			c.prune(t, ctx, b, Retention{})
		}
	})
	writers.Wait()
	cancel()
	others.Wait()
	ctx = context.Background()
	// A run from scratch completes.
	if _, err := b.Unpin(ctx, testEnv, Note{}); err != nil {
		c.violation(t, "unpin: %v", err)
	}
	c.publish(t, ctx, b, src, int(next.Add(1)))
	mustBeSound(t, b)
	// A lease may have been written by a request that was late, after it had
	// been removed; nobody renews it.
	for busy := c.busy.Load(); ; busy = c.busy.Load() {
		if c.prune(t, ctx, b, Retention{}); c.busy.Load() == busy {
			break
		}
		_ = sleep(ctx, soakTimes.stale/10)
	}
	if got := mustBeSound(t, b); got > 2 {
		c.violation(t, "%d snapshots are left after prune", got)
	}
}

func (c *tally) violation(t *testing.T, format string, args ...any) {
	c.violations.Add(1)
	t.Errorf("violation: "+format, args...)
}

// publish builds and publishes an edition. What may come in its way are newer
// commits and prune.
func (c *tally) publish(t *testing.T, ctx context.Context, b *Bucket, src *editions, n int) {
	m, err := src.publish(ctx, b, n, Note{By: "soak"})
	switch {
	case errors.Is(err, ErrOlder):
		c.older.Add(1)
	case errors.Is(err, ErrPruned), errors.Is(err, ErrConflict):
		c.pruned.Add(1)
	case errors.Is(err, fs.ErrNotExist):
		// The live snapshot that the build began from was over before it had
		// read all of it.
		c.pruned.Add(1)
	case err != nil:
		c.violation(t, "publish %d: %v", n, err)
	case m.Held:
		c.held.Add(1)
	default:
		c.published.Add(1)
	}
}

func (c *tally) prune(t *testing.T, ctx context.Context, b *Bucket, keep Retention) {
	p, err := b.Prune(ctx, PruneOptions{Keep: keep, By: "soak"})
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, errLost):
		c.busy.Add(1)
	case ctx.Err() != nil:
	case err != nil:
		c.violation(t, "prune: %v", err)
	default:
		c.deleted.Add(int64(p.Objects))
	}
}

// operate is somebody who rolls back and pins while all that goes on.
func operate(t *testing.T, ctx context.Context, b *Bucket, r *rand.Rand, c *tally) {
	for range 8 {
		_ = sleep(ctx, time.Duration(r.IntN(60))*time.Millisecond)
		var err error
		switch r.IntN(4) {
		case 0:
			_, err = b.Pin(ctx, testEnv, Note{By: "ops"})
		case 1:
			_, err = b.Unpin(ctx, testEnv, Note{By: "ops"})
		default:
			l := b.Lease(LeaseOptions{Purpose: "rollback"})
			var way *Rollback
			if way, err = l.PrepareRollback(ctx, testEnv, ""); err == nil {
				_, err = way.Do(ctx, Note{By: "ops"}, false)
			}
			if err == nil {
				c.rolled.Add(1)
			}
			err = errors.Join(err, l.Release(ctx))
		}
		switch {
		case err == nil, errors.Is(err, ErrNothingLive), errors.Is(err, ErrNoPrevious), errors.Is(err, ErrConflict), errors.Is(err, ErrPruned):
		case errors.Is(err, ErrNoSnapshot):
			// It was pruned since it was live before.
		default:
			c.violation(t, "operate: %v", err)
		}
	}
}

// read answers as an edge does: pointer, routes, then a few objects. An object
// may only be missing when the snapshot is neither live nor the one before.
func (c *tally) read(t *testing.T, ctx context.Context, b *Bucket, r *rand.Rand) {
	p, err := b.Pointer(ctx, testEnv)
	if errors.Is(err, fs.ErrNotExist) || ctx.Err() != nil {
		_ = sleep(ctx, time.Millisecond)
		return
	}
	if err != nil {
		c.violation(t, "read the pointer: %v", err)
		return
	}
	c.reads.Add(1)
	missing := func(err error) bool {
		if err == nil || ctx.Err() != nil {
			return false
		}
		now, e := b.Pointer(ctx, testEnv)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, fs.ErrNotExist) && e == nil && now.Snapshot != p.Snapshot && now.Previous != p.Snapshot:
			c.lapsed.Add(1)
		default:
			c.violation(t, "read %s, live now is %s: %v", p.Snapshot, now.Snapshot, err)
		}
		return true
	}
	m, err := b.Manifest(ctx, testEnv, p.Snapshot)
	if missing(err) || err != nil {
		return
	}
	routes, err := b.Routes(ctx, testEnv, p.Snapshot)
	if missing(err) || err != nil {
		return
	}
	if routes.Rows() != len(m.Packages) {
		c.violation(t, "routes and manifest of %s are not of one snapshot", p.Snapshot)
	}
	for range 4 {
		rev := routes.Revision(r.IntN(routes.Rows()))
		response := m.Responses[r.IntN(len(m.Responses))]
		for _, key := range append(response.Keys(), rev.ArchiveKey(), rev.ContentsKey(), rev.FileKey("docs/README.md")) {
			if _, err := b.Read(ctx, key); missing(err) || err != nil {
				return
			}
		}
	}
}
