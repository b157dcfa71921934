package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
)

// The environment of a process that is to be killed.
const (
	victimStore  = "REGSNAP_TEST_VICTIM_STORE" // "file", "s3" or "gcs"
	victimBucket = "REGSNAP_TEST_VICTIM_BUCKET"
	victimSource = "REGSNAP_TEST_VICTIM_SOURCE"
	victimTask   = "REGSNAP_TEST_VICTIM_TASK" // "publish" or "prune"
	victimSeed   = "REGSNAP_TEST_VICTIM_SEED"
)

// victimName is who a victim says it is.
const victimName = "victim"

// victim is a process that is killed while it works.
type victim struct {
	cmd  *exec.Cmd
	out  output
	dead chan struct{} // closed when it was killed
}

// output is what a victim has printed.
type output struct {
	mu    sync.Mutex
	text  strings.Builder
	first chan struct{} // closed when there is something
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.text.Len() == 0 {
		close(o.first)
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// startVictim starts a process and sees to its death: on disk some time after it
// has begun to work, or to delete, in the cloud with one of its requests, before
// or after the store has carried that out.
func (r *soakRun) startVictim(number int, task string) {
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	mine := r.random(300 + number)
	v := &victim{out: output{first: make(chan struct{})}, dead: make(chan struct{})}
	v.cmd = exec.Command(self, "-test.run=^TestVictim$")
	v.cmd.Stdout, v.cmd.Stderr = &v.out, &v.out
	v.cmd.Env = append(os.Environ(), victimStore+"="+r.kind, victimBucket+"="+r.url(r.via, r.bucket), victimSource+"="+r.sources.dir,
		victimTask+"="+task, fmt.Sprint(victimSeed, "=", r.seed*10+uint64(number)))
	started := make(chan struct{})
	die := sync.OnceFunc(func() {
		<-started
		_ = v.cmd.Process.Kill() // it is there until it is waited for
		close(v.dead)
	})
	if r.server != nil {
		// Some 40 requests are a publish, and half as many a prune.
		last, done := 1+mine.IntN(120), mine.IntN(2) == 0
		proxy := r.proxy(func(n int, carriedOut bool) {
			if n > last || n == last && carriedOut == done {
				die()
			}
		})
		via := r.server.Via(proxy.Addr)
		v.cmd.Env = append(append(v.cmd.Env, via.Env()...), victimBucket+"="+r.url(via, r.bucket))
	} else {
		longest := 60 * time.Millisecond
		if task == "prune" {
			longest = 6 * time.Millisecond
		}
		after := time.Duration(mine.Int64N(int64(longest)))
		go func() {
			select {
			case <-v.out.first:
				time.Sleep(after)
				die()
			case <-v.dead:
			}
		}()
	}
	// It ends when its input does, should this process be gone before.
	if _, err := v.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	close(started)
	r.victims = append(r.victims, v)
	r.t.Cleanup(die)
	// Waiting for a lock of the dead, it may not come to its last request soon.
	time.AfterFunc(victimLife, die)
}

// victimLife is how long a victim lives at most.
const victimLife = 20 * time.Second

// await returns when the victim is dead.
func (v *victim) await(r *soakRun) {
	<-v.dead
	_ = v.cmd.Wait() // it was killed
	r.c.add(kills, 1)
	if text := v.out.String(); strings.Contains(text, "FAIL") {
		r.c.violation(r.t, "the victim failed by itself: %s", text)
	}
}

// begun is the edition that it was about when it was killed, if any.
func (v *victim) begun() (editions []int) {
	lines := strings.Split(v.out.String(), "\n")
	for _, line := range lines[:len(lines)-1] {
		if n, err := strconv.Atoi(strings.TrimPrefix(line, "edition ")); err == nil {
			editions = []int{n}
		}
	}
	return editions
}

// TestVictim is what a victim runs: it does the same over and over until it is
// killed. In any other run it has nothing to do.
func TestVictim(t *testing.T) {
	kind := os.Getenv(victimStore)
	if kind == "" {
		return
	}
	go func() {
		io.Copy(io.Discard, os.Stdin) // until nobody is there who could write
		os.Exit(1)
	}()
	seed, err := strconv.ParseUint(os.Getenv(victimSeed), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := newStorm(kind, nil)
	b := openRetrying(t, os.Getenv(victimBucket), s.retries())
	b.lease = s.times
	ctx, r := context.Background(), rand.New(rand.NewPCG(seed, 0))
	// It is slow, so that there is time to kill it while it deletes.
	slowPrune := PruneOptions{
		By:       victimName,
		Planned:  func(p *PrunePlan) { fmt.Println("deleting", p.Objects) },
		Progress: func(int, int) { time.Sleep(time.Millisecond) },
	}
	if os.Getenv(victimTask) == "prune" {
		for {
			if _, err := b.Prune(ctx, slowPrune); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, errLost) && !errors.Is(err, retry.ErrGaveUp) {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(r.IntN(1000)) * time.Microsecond)
		}
	}
	src := &editions{dir: os.Getenv(victimSource), by: victimName, inline: 1}
	for n := 1 + r.IntN(4); ; n = n%40 + 1 {
		fmt.Println("edition", n)
		if m, err := src.publish(ctx, b, n, Note{By: victimName}); err != nil {
			if _, ok := outcome(m, err); !ok {
				t.Fatal(err)
			}
		}
	}
}
