package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// soakRun is one randomised run in a bucket of its own. What must hold:
//
//   - readers never miss an object of what is live, nor get one that is not of
//     the snapshot they read;
//   - every move that someone was told he had made is on record, no two were the
//     same, and no publish went back to older commits;
//   - afterwards every snapshot that has a manifest is whole, what was broken
//     off can be run again and completes, and the newest goes live;
//   - once the dead count as dead, prune leaves nothing but what is live and
//     what a rollback goes to.
type soakRun struct {
	*storm
	t      *testing.T
	c      *tally
	r      *rand.Rand
	seed   uint64
	bucket string // its name, or the folder
	direct *Bucket
	via    *servers.Server // the way through the faults; nil for file://

	proxies []*faultproxy.Proxy
	victims []*victim

	next       atomic.Int64 // the edition that is published next
	publishing atomic.Int64 // how many are under way in this process
	live       atomic.Bool  // something was live
	mu         sync.Mutex
	told       []told
}

// told is what someone was told that a move has come to.
type told struct {
	by         string
	kind       layout.MoveKind
	snapshot   string
	generation int64
}

// readerAttempts are more than anybody else makes: an edge that cannot reach the
// store for long has a reason for an error, but a storm is not.
const readerAttempts = 30

// rerunEdition is newer than any that a storm publishes.
const rerunEdition = editionDates - 1

func (s *storm) run(t *testing.T, seed uint64) {
	r := &soakRun{storm: s, t: t, c: s.tally, seed: seed, r: rand.New(rand.NewPCG(seed, uint64(len(s.kind))))}
	r.working(func() {
		r.prepare()
		r.letLoose()
	})
	r.awaitDeadPrune()
	r.working(r.again)
	time.Sleep(s.times.stale)
	r.working(r.tidy)
	s.tally.add(ranThrough, 1)
}

// working holds one of the slots for runs that do more than wait.
func (r *soakRun) working(f func()) {
	r.work <- struct{}{}
	defer func() { <-r.work }()
	f()
}

func (r *soakRun) prepare() {
	if r.server == nil {
		r.bucket = servers.MemoryDir(r.t)
	} else {
		r.bucket = r.server.NamedBucket(r.t, fmt.Sprint("soak-", r.seed))
		r.via = r.server.Via(r.proxy(nil).Addr)
	}
	r.direct = r.open(r.t, r.server, r.bucket)
	if r.r.IntN(4) > 0 {
		r.editions("before").mustPublish(r.t, r.direct, 0)
		r.live.Store(true)
	}
}

// proxy puts faults in the way.
func (r *soakRun) proxy(watch func(n int, done bool)) *faultproxy.Proxy {
	p := faultproxy.Start(r.t, faultproxy.Options{
		Target: r.server.Addr, RewriteHost: r.kind == "gcs", Seed: r.seed, Delay: r.lateness(),
		Rate: 0.01 + 0.06*r.r.Float64(), Watch: watch,
	})
	r.proxies = append(r.proxies, p)
	return p
}

// editions are those that someone builds.
func (r *soakRun) editions(by string) *editions {
	return &editions{dir: r.sources.dir, by: by, inline: 1, waiting: func(layout.Lease) { r.c.add(waitedForPrune, 1) }}
}

// random is the source of one actor.
func (r *soakRun) random(actor int) *rand.Rand {
	return rand.New(rand.NewPCG(r.seed, 1000+uint64(actor)))
}

// letLoose is everybody at once, until the publishers are done and the victims dead.
func (r *soakRun) letLoose() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	publishers := 2 + r.r.IntN(3)
	r.c.add(twoPublishers+ingredient(publishers-2), 1)
	killPruner := r.r.IntN(2) == 0
	killed := 1 + r.r.IntN(publishers-1)%2
	for v := range killed {
		r.startVictim(v, "publish")
	}
	if killPruner {
		r.startVictim(killed, "prune")
	}
	var writers, others sync.WaitGroup
	for p := range publishers - killed {
		b, mine := r.open(r.t, r.via, r.bucket), r.random(p)
		writers.Go(func() { r.publishSome(ctx, b, p, mine) })
	}
	shared := r.open(r.t, r.via, r.bucket)
	operator, pruner := r.random(100), r.random(101)
	others.Go(func() { r.operate(ctx, shared, operator) })
	patient := r.retries()
	patient.Attempts = readerAttempts
	far := r.openRetrying(r.t, r.via, r.bucket, patient)
	for i := range 2 {
		mine := r.random(200 + i)
		others.Go(func() {
			for ctx.Err() == nil {
				r.read(ctx, far, mine)
				_ = retry.Sleep(ctx, time.Duration(mine.IntN(25))*time.Millisecond)
			}
		})
	}
	if !killPruner {
		others.Go(func() {
			for ctx.Err() == nil {
				r.prune(ctx, shared)
				_ = retry.Sleep(ctx, time.Duration(pruner.Int64N(int64(r.pace))))
			}
		})
	}
	writers.Wait()
	for _, v := range r.victims {
		v.await(r)
	}
	cancel()
	others.Wait()
	for _, p := range r.proxies {
		p.Settle()
		r.c.addFaults(p.Counts())
	}
	r.countLeases()
	r.sound()
}

// countLeases tells what the dead were about.
func (r *soakRun) countLeases() {
	leases, err := r.direct.leases(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for key := range leases {
		if l := r.direct.readLease(r.t.Context(), key); l.By == victimName {
			if l.Purpose == "prune" {
				r.c.add(killsPruning, 1)
			} else {
				r.c.add(killsWriting, 1)
			}
		}
	}
}

// sound checks every snapshot in the bucket: what has a manifest is whole.
func (r *soakRun) sound() (snapshots int) {
	before := r.t.Failed()
	n := mustBeSound(r.t, r.direct)
	if r.t.Failed() && !before {
		r.c.add(violations, 1)
	}
	r.c.add(verified, n)
	return n
}

// awaitDeadPrune lets a dead prune become stale, so that no slot is held
// meanwhile.
func (r *soakRun) awaitDeadPrune() {
	there, err := r.direct.exists(r.t.Context(), layout.PruneLockKey)
	if err != nil {
		r.t.Fatal(err)
	}
	if there {
		time.Sleep(r.times.stale)
	}
}

// again runs again what was interrupted, and then the newest of all.
func (r *soakRun) again() {
	ctx := context.Background()
	if _, err := r.direct.Unpin(ctx, testEnv, Note{By: "again"}); err != nil && !errors.Is(err, ErrNothingLive) {
		r.c.violation(r.t, "unpin: %v", err)
	}
	src := r.editions("again")
	for _, v := range r.victims {
		for _, n := range v.begun() {
			m, err := src.publish(ctx, r.direct, n, Note{By: "again"})
			if what, _ := outcome(m, err); what != published && what != olderThanLive {
				r.c.violation(r.t, "edition %d, run again: %v", n, err)
			}
			r.c.add(reruns, 1)
		}
	}
	m, err := src.publish(ctx, r.direct, rerunEdition, Note{By: "again"})
	if err != nil || !m.Changed || m.Held {
		r.c.violation(r.t, "the newest edition: %+v, %v", m, err)
		return
	}
	r.c.add(reruns, 1)
	p, err := r.direct.Pointer(ctx, testEnv)
	if err != nil || p.Snapshot != m.Snapshot || p.Moves[0].By != "again" {
		r.c.violation(r.t, "%s is not live: %+v, %v", m.Snapshot, p, err)
		return
	}
	r.checkMoves(p)
	v, err := r.direct.Verify(ctx, testEnv, p.Snapshot, VerifyOptions{})
	if err != nil || !v.Sound() {
		r.c.violation(r.t, "the live snapshot: %+v, %v", v, err)
	}
	r.c.add(verified, 1)
}

// checkMoves compares the record of moves with what everybody was told.
func (r *soakRun) checkMoves(p layout.Pointer) {
	for i, m := range p.Moves {
		if m.Kind == layout.MovePublish && i+1 < len(p.Moves) && editionOf(m.Snapshot) < editionOf(p.Moves[i+1].Snapshot) {
			r.c.violation(r.t, "%s published %s over %s, which comes from it", m.By, m.Snapshot, p.Moves[i+1].Snapshot)
		}
	}
	generations := map[int64]told{}
	for _, x := range r.told {
		if other, taken := generations[x.generation]; taken {
			r.c.violation(r.t, "both made generation %d: %+v and %+v", x.generation, x, other)
		}
		generations[x.generation] = x
		onRecord := slices.ContainsFunc(p.Moves, func(m layout.Move) bool {
			return m.By == x.by && m.Kind == x.kind && m.Snapshot == x.snapshot
		})
		if len(p.Moves) < layout.MaxMoves && !onRecord {
			r.c.violation(r.t, "this move is not on record: %+v", x)
		}
	}
}

// tidy prunes once the dead count as dead.
func (r *soakRun) tidy() {
	ctx := context.Background()
	for tries := 0; ; tries++ {
		p, err := r.direct.Prune(ctx, PruneOptions{By: "again"})
		if err == nil {
			r.c.add(prunes, 1)
			r.c.add(objectsPruned, p.Objects)
			r.c.add(leftoversSwept, p.Leftovers.Objects)
			break
		}
		if !errors.Is(err, ErrBusy) && !errors.Is(err, errLost) || tries == 50 {
			r.c.violation(r.t, "prune after all is over: %v", err)
			return
		}
		// A lease may have been written by a request that was late, after it
		// had been removed; nobody renews it.
		time.Sleep(r.times.stale / 10)
	}
	if n := r.sound(); n > 2 {
		r.c.violation(r.t, "%d snapshots are left after prune", n)
	}
	p, err := r.direct.PlanPrune(ctx, Retention{})
	if err != nil || p.Objects > 0 || p.Unknown > 0 || p.Leftovers.Objects > 0 {
		r.c.violation(r.t, "after prune there is more to prune: %+v, %v", p, err)
	}
	if r.server == nil {
		r.noEmptyFolders()
	}
	leases, err := r.direct.leases(ctx)
	if err != nil || len(leases) > 0 {
		r.c.violation(r.t, "leases are left: %v, %v", leases, err)
	}
}

// noEmptyFolders looks for what prune should have removed from a folder.
func (r *soakRun) noEmptyFolders() {
	top := filepath.Join(r.bucket, "packages")
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || name == top {
			return err
		}
		entries, err := os.ReadDir(name)
		if err == nil && len(entries) == 0 {
			r.c.violation(r.t, "%s is empty", name)
		}
		return err
	})
	if err != nil {
		r.c.violation(r.t, "%v", err)
	}
}
