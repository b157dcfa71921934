package edgetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regsnap/regsnap/publish"
)

// Editions are two snapshots of an environment, the second published after the
// first, and requests that get another answer from each.
type Editions struct {
	Env string
	IDs [2]string
	// Cases are the same requests, with what each snapshot answers.
	Cases [2][]Case
}

// Add takes a request in if the two snapshots answer it differently.
func (e *Editions) Add(recorders [2]*Recorder, c Case) error {
	first, err := recorders[0].Complete(c)
	if err != nil {
		return err
	}
	second, err := recorders[1].Complete(c)
	if err != nil {
		return err
	}
	if first.Want.SHA256 != second.Want.SHA256 && c.Method == "GET" {
		e.Cases[0], e.Cases[1] = append(e.Cases[0], first), append(e.Cases[1], second)
	}
	return nil
}

// Flips is what came of moving a pointer to and fro under load.
type Flips struct {
	// Requests were answered, FromEach by either snapshot.
	Requests int64
	FromEach [2]int64
	// Wrong are answers of neither snapshot, or of none.
	Wrong []string
	// Seen is how long after each move the first answer came of what was live
	// then, in ascending order.
	Seen []time.Duration
}

// Flip moves the pointer n times between two snapshots, the second of which is
// live, while clients ask all the time.
func Flip(ctx context.Context, b *publish.Bucket, to Client, e Editions, n, clients int) (*Flips, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f := &Flips{}
	var mu sync.Mutex
	var load sync.WaitGroup
	var stop atomic.Bool
	for i := range clients {
		load.Go(func() {
			client := Client{Addr: to.Addr, Host: to.Host, Proxy: to.Proxy}
			defer client.Close()
			for at := i; !stop.Load() && ctx.Err() == nil; at++ {
				at %= len(e.Cases[0])
				edition, wrong, err := e.ask(&client, at)
				if err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				f.Requests++
				if wrong != "" {
					f.Wrong = append(f.Wrong, wrong)
				} else {
					f.FromEach[edition]++
				}
				mu.Unlock()
			}
		})
	}
	probe := Client{Addr: to.Addr, Host: to.Host, Proxy: to.Proxy}
	defer probe.Close()
	for move := range n {
		edition := move % 2 // from the second to the first, and back
		if err := rollback(ctx, b, e.Env, e.IDs[edition]); err != nil {
			cancel(err)
			break
		}
		moved := time.Now()
		for ctx.Err() == nil {
			got, _, err := e.ask(&probe, 0)
			if err != nil {
				cancel(err)
			} else if got == edition {
				break
			}
		}
		f.Seen = append(f.Seen, time.Since(moved))
	}
	stop.Store(true)
	load.Wait()
	slices.Sort(f.Seen)
	return f, context.Cause(ctx)
}

// ask sends a request and tells which snapshot its answer is of, all of it;
// wrong says what it is if it is of neither.
func (e *Editions) ask(c *Client, at int) (edition int, wrong string, err error) {
	reply, err := c.Do(e.Cases[0][at])
	if err != nil {
		return -1, "", err
	}
	for edition := range e.Cases {
		if len(e.Cases[edition][at].Want.Differences(reply)) == 0 {
			return edition, "", nil
		}
	}
	return -1, fmt.Sprintf("%s: neither %v nor %v", e.Cases[0][at], e.Cases[0][at].Want.Differences(reply), e.Cases[1][at].Want.Differences(reply)), nil
}

// rollback goes to a snapshot, older or newer.
func rollback(ctx context.Context, b *publish.Bucket, env, id string) error {
	lease := b.Lease(publish.LeaseOptions{})
	way, err := lease.PrepareRollback(ctx, env, id)
	if err == nil {
		_, err = way.Do(ctx, publish.Note{By: "test", Reason: "drill"}, false)
	}
	if e := lease.Release(context.WithoutCancel(ctx)); err == nil {
		err = e
	}
	return err
}
