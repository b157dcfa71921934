package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The environment of the process that is to be killed.
const (
	killBucket = "REGSNAP_TEST_KILL_BUCKET"
	killSource = "REGSNAP_TEST_KILL_SOURCE"
	killFirst  = "REGSNAP_TEST_KILL_FIRST"
)

// killTimes let prune take the dead for dead soon.
var killTimes = leaseTimes{renew: 20 * time.Millisecond, trust: 300 * time.Millisecond, stale: time.Second, poll: 2 * time.Millisecond}

// TestKilledProcess is what TestKill runs as a process of its own: it publishes
// one edition after the other until it is killed. In any other run it has
// nothing to do.
func TestKilledProcess(t *testing.T) {
	url := os.Getenv(killBucket)
	if url == "" {
		return
	}
	b := openTest(t, url)
	b.lease = killTimes
	src := &editions{dir: os.Getenv(killSource)}
	first, err := strconv.Atoi(os.Getenv(killFirst))
	if err != nil {
		t.Fatal(err)
	}
	for n := first; ; n++ {
		switch _, err := src.publish(context.Background(), b, n, Note{By: "victim"}); {
		case errors.Is(err, ErrPruned), errors.Is(err, ErrOlder), errors.Is(err, ErrConflict), errors.Is(err, fs.ErrNotExist):
		case err != nil:
			t.Fatal(err)
		default:
			fmt.Println("published", n)
		}
	}
}

// TestKill kills publishers at random moments, also while prune runs. After each
// the bucket is sound, what is live is whole, and a new run completes.
func TestKill(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	src := newEditions(t)
	c := new(tally)
	kills, mid := 0, 0
	for i := range runs(3) {
		seed := *soakSeed + uint64(i)
		r := rand.New(rand.NewPCG(seed, 1))
		b, dir := fileBucket(t)
		b.lease = killTimes
		c.runs.Add(1)
		for round := range 4 {
			victims := make([]*exec.Cmd, 1+r.IntN(2))
			for v := range victims {
				cmd := exec.Command(self, "-test.run=^TestKilledProcess$")
				cmd.Env = append(os.Environ(), killBucket+"=file://"+dir, killSource+"="+src.dir,
					killFirst+"="+strconv.Itoa(round*1000+v*7))
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				victims[v] = cmd
				t.Cleanup(func() {
					if strings.Contains(out.String(), "FAIL") {
						t.Errorf("the publisher failed by itself: %s", out.String())
					}
				})
			}
			time.Sleep(time.Duration(60+r.IntN(250)) * time.Millisecond)
			if r.IntN(2) == 0 {
				c.prune(t, context.Background(), b, Retention{})
			}
			for _, cmd := range victims {
				kills++
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			}
			if leases, err := b.leases(context.Background()); err == nil && len(leases) > 0 {
				mid++ // killed at work
			}
			mustBeSound(t, b)
		}
		// Once the dead are known to be dead, prune clears up after them.
		time.Sleep(killTimes.stale + 50*time.Millisecond)
		c.prune(t, context.Background(), b, Retention{})
		mustBeSound(t, b)
		c.publish(t, context.Background(), b, src, 9000)
		if n := mustBeSound(t, b); n > 3 {
			c.violation(t, "%d snapshots are left", n)
		}
		if p, err := b.Pointer(context.Background(), testEnv); err != nil || p.Moves[0].By != "soak" {
			c.violation(t, "the run after the kills did not go live: %+v, %v", p, err)
		}
	}
	t.Logf("%d kills, %d of them at work; %v", kills, mid, c)
	if c.violations.Load() > 0 {
		t.Errorf("%d violations", c.violations.Load())
	}
}
