package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// graph is a random history: commit n comes from parents[n], and the last one from
// all others. The dates of commits are those of editions, which say nothing of this.
type graph struct{ parents [][]int }

func newGraph(r *rand.Rand) *graph {
	g := &graph{parents: make([][]int, 6+r.IntN(6))}
	tip := len(g.parents) - 1
	for n := 1; n < tip; n++ {
		g.parents[n] = []int{r.IntN(n)}
		if r.IntN(3) == 0 {
			g.parents[n] = append(g.parents[n], r.IntN(n))
		}
	}
	for n := range tip {
		g.parents[tip] = append(g.parents[tip], n)
	}
	return g
}

// comes is what the runs are judged by: whether commit a comes from b.
func (g *graph) comes(a, b int) bool {
	return slices.ContainsFunc(g.parents[a], func(p int) bool { return p == b || g.comes(p, b) })
}

// order is what publishers go by.
func (g *graph) order(allowDiverged bool) Order {
	node := func(commit string) int {
		n, err := strconv.ParseInt(commit, 16, 64)
		if err != nil {
			panic(err)
		}
		return int(n) - 1
	}
	return ByHistory(func(_ context.Context, _, live, next string) (Relation, error) {
		switch {
		case g.comes(node(next), node(live)):
			return Descendant, nil
		case g.comes(node(live), node(next)):
			return Ancestor, nil
		}
		return Diverged, nil
	}, allowDiverged)
}

// byDate is the mistake that runs must find: what is dated later counts as newer.
func byDate(_ context.Context, live, next *Ordered) ([]string, error) {
	if next.ID < live.ID {
		return nil, ErrOlder
	}
	return nil, nil
}

// graphRun is one run of publishers over a random history beside prune. Some of the
// publishers are processes that are stopped, go on after their leases count for
// nothing, or are killed; others sleep with their clocks standing still.
type graphRun struct {
	*storm
	*graph
	t             *testing.T
	r             *rand.Rand
	seed          uint64
	allowDiverged bool
	order         Order
	bucket        string
}

// graphOf makes a run from its seed alone, so that other processes make the same.
func graphOf(s *storm, seed uint64) *graphRun {
	r := rand.New(rand.NewPCG(seed, 13))
	g := &graphRun{storm: s, graph: newGraph(r), r: r, seed: seed, allowDiverged: r.IntN(2) == 0}
	g.order = g.graph.order(g.allowDiverged)
	return g
}

// publishAll publishes commits in turn; what must is tried until it is live.
func (g *graphRun) publishAll(b *Bucket, src *editions, queue []int, must int) error {
	for _, n := range queue {
		for try := 0; ; try++ {
			err := g.publishOne(b, src, n)
			refused := errors.Is(err, ErrOlder) || errors.Is(err, ErrDiverged)
			again := errors.Is(err, ErrPruned) || errors.Is(err, store.ErrConflict)
			if err != nil && !refused && !again || n == must && refused {
				return fmt.Errorf("commit %d: %w", n, err)
			}
			if n != must || err == nil || try == 200 {
				break
			}
		}
	}
	return nil
}

func (g *graphRun) publishOne(b *Bucket, src *editions, n int) (err error) {
	ctx := context.Background()
	id, lease, err := src.build(ctx, b, n)
	if err != nil {
		return err
	}
	if s, ok := b.store.(*stillClock); ok {
		s.lease.Store(lease)
	}
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	_, err = lease.Publish(ctx, testEnv, id, Note{By: "graph"}, g.order)
	return err
}

// run makes the run, and gives what must not be.
func (g *graphRun) run() (violations []string) {
	tip := len(g.parents) - 1
	publishers := 2 + g.r.IntN(3)
	queues := make([][]int, publishers)
	for i := range queues {
		for range 2 {
			queues[i] = append(queues[i], g.r.IntN(tip))
		}
	}
	queues[0] = slices.Insert(queues[0], g.r.IntN(3), tip)
	if g.server != nil {
		g.bucket = g.server.NewBucket(g.t)
	} else {
		g.bucket = servers.MemoryDir(g.t)
	}
	var mu sync.Mutex
	wrong := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		violations = append(violations, fmt.Sprintf(format, args...))
	}
	var all sync.WaitGroup
	for i, queue := range queues {
		if i > 0 && g.r.IntN(2) == 0 {
			all.Go(g.process(queue, g.r.Uint64(), wrong))
			continue
		}
		b := g.open(g.t, g.server, g.bucket)
		if g.r.IntN(2) == 0 {
			b.store = newStillClock(b.store, 5+g.r.IntN(60), g.times.stale*5/4)
		}
		all.Go(func() {
			if err := g.publishAll(b, g.sources, queue, tip); err != nil {
				wrong("publisher %d: %v", i, err)
			}
		})
	}
	ctx, done := context.WithCancel(context.Background())
	pruner := g.open(g.t, g.server, g.bucket)
	var pruning sync.WaitGroup
	pruning.Go(func() {
		for ctx.Err() == nil {
			if _, err := pruner.Prune(ctx, PruneOptions{}); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, errLost) && ctx.Err() == nil {
				wrong("prune: %v", err)
			}
			time.Sleep(g.pace)
		}
	})
	all.Wait()
	done()
	pruning.Wait()
	return append(violations, g.judge(tip)...)
}

// judge looks at what has come of it, by the history alone.
func (g *graphRun) judge(tip int) (violations []string) {
	ctx := context.Background()
	b := g.open(g.t, g.server, g.bucket)
	p, err := b.Pointer(ctx, testEnv)
	if err != nil {
		return []string{fmt.Sprintf("nothing is live: %v", err)}
	}
	if got := editionOf(p.Snapshot); got != tip {
		violations = append(violations, fmt.Sprintf("commit %d is live, the newest is %d", got, tip))
	}
	v, err := b.Verify(ctx, testEnv, p.Snapshot, VerifyOptions{})
	if err != nil || !v.Sound() {
		violations = append(violations, fmt.Sprintf("what is live is not whole: %v, %+v", err, v))
	}
	moves := slices.Clone(p.Moves)
	slices.Reverse(moves) // the newest came first
	for i := 1; i < len(moves); i++ {
		before, after := editionOf(moves[i-1].Snapshot), editionOf(moves[i].Snapshot)
		if before < 0 || after < 0 || g.comes(before, after) || !g.allowDiverged && !g.comes(after, before) {
			violations = append(violations, fmt.Sprintf("commit %d took the place of %d", after, before))
		}
	}
	return violations
}

// The environment of a publisher that is a process.
const graphVictim = "REGSNAP_TEST_GRAPH" // kind, seed, bucket, sources, queue

// process is a publisher that is stopped for longer than leases count, or killed.
func (g *graphRun) process(queue []int, fate uint64, wrong func(string, ...any)) func() {
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestGraphVictim$")
	var out output
	out.first = make(chan struct{})
	cmd.Stdout, cmd.Stderr = &out, &out
	var nodes []string
	for _, n := range queue {
		nodes = append(nodes, strconv.Itoa(n))
	}
	url := g.url(g.server, g.bucket)
	cmd.Env = append(os.Environ(), graphVictim+"="+strings.Join([]string{g.kind, strconv.FormatUint(g.seed, 10), url, g.sources.dir, strings.Join(nodes, ",")}, "\n"))
	if g.server != nil {
		cmd.Env = append(cmd.Env, g.server.Env()...)
	}
	stdin, err := cmd.StdinPipe() // it ends when this process does
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = cmd.Process.Kill() })
	return func() {
		r := rand.New(rand.NewPCG(fate, 0))
		<-out.first
		time.Sleep(time.Duration(r.Int64N(int64(8 * g.pace))))
		killed := false
		switch r.IntN(3) {
		case 0:
			killed = cmd.Process.Kill() == nil
		case 1:
			_ = cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(g.times.stale * 5 / 4)
			_ = cmd.Process.Signal(syscall.SIGCONT)
		}
		err := cmd.Wait()
		_ = stdin.Close()
		if err != nil && !killed {
			wrong("a publisher: %v: %s", err, out.String())
		}
	}
}

// TestGraphVictim is what such a process runs. In any other run it has nothing to do.
func TestGraphVictim(t *testing.T) {
	task := strings.Split(os.Getenv(graphVictim), "\n")
	if len(task) != 5 {
		return
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) // until nobody is there who could write
		os.Exit(1)
	}()
	seed, err := strconv.ParseUint(task[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := newStorm(task[0], nil)
	g := graphOf(s, seed)
	b := openTest(t, task[2])
	b.lease = s.times
	fmt.Println("begun")
	for _, field := range strings.Split(task[4], ",") {
		n, err := strconv.Atoi(field)
		if err == nil {
			err = g.publishAll(b, &editions{dir: task[3]}, []int{n}, -1)
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			t.Error(err)
		}
	}
}

// TestGraph: whatever the history, the dates, the kills and the pauses, the newest by
// ancestry is live at the end, and whole.
func TestGraph(t *testing.T) {
	storms := graphStorms(t)
	var all sync.WaitGroup
	under := make(chan struct{}, 8)
	for i := range runs(runsPerStore) {
		for _, s := range storms {
			under <- struct{}{}
			all.Go(func() {
				defer func() { <-under }()
				g := graphOf(s, *soakSeed+uint64(i))
				g.t = t
				for _, v := range g.run() {
					t.Errorf("%s, seed %d: %s", s.kind, g.seed, v)
				}
			})
		}
	}
	all.Wait()
}

func graphStorms(t *testing.T) []*storm {
	sources := &editions{dir: servers.MemoryDir(t)}
	storms := []*storm{newStorm("file", nil), newStorm("s3", servers.StartS3In(t, servers.MemoryDir(t))), newStorm("gcs", servers.StartGCS(t))}
	for _, s := range storms {
		s.sources = sources
	}
	return storms
}

// TestGraphFindsDates: runs whose publishers compare dates do not pass.
func TestGraphFindsDates(t *testing.T) {
	s := newStorm("file", nil)
	s.sources = &editions{dir: servers.MemoryDir(t)}
	for seed := range uint64(20) {
		g := graphOf(s, seed)
		g.t, g.order = t, byDate
		if len(g.run()) > 0 {
			return
		}
	}
	t.Error("dates were compared, and nothing was found wrong")
}
