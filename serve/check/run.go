package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// checker is one check at work.
type checker struct {
	o         Options
	remote    *remote
	snapshots *snapshots
	state     *state

	late     atomic.Int64
	silent   atomic.Int64 // requests without an answer, in a row
	answered atomic.Int64 // probes that had one

	mu     sync.Mutex
	report *Report
	done   int
	// answers tells whose body one is.
	answers map[[sha256.Size]byte]string
}

// Run compares a registry with a bucket. Differences are in the report; the
// error is about asking either side. A check that was interrupted gives a report
// too, of what it had found until then.
func Run(ctx context.Context, o Options) (*Report, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &checker{o: o, remote: newRemote(o), answers: map[[sha256.Size]byte]string{}}
	if c.snapshots, err = newSnapshots(ctx, o); err != nil {
		return nil, err
	}
	live, err := c.snapshots.live(ctx)
	if err != nil {
		return nil, err
	}
	plan, err := newPlan(ctx, live, o)
	if err != nil {
		return nil, err
	}
	if c.state, err = openState(o, live.id); err != nil {
		return nil, err
	}
	c.report = &Report{
		Against: withoutPassword(o.URL), Host: o.Host, Environment: o.Environment, Level: o.Level, Seed: o.Seed,
		Planned: plan.chosen, Possible: plan.all, Groups: []Group{},
	}
	err = c.all(ctx, plan.probes)
	err = errors.Join(err, c.state.close())
	return c.finish(ctx, err), err
}

// all runs the probes, the first before the others: when that has no answer
// there is no use in asking more.
func (c *checker) all(ctx context.Context, probes []probe) error {
	if len(probes) == 0 {
		return nil
	}
	if err := c.one(ctx, probes[0], len(probes)); err != nil {
		return err
	}
	g, working := errgroup.WithContext(ctx)
	g.SetLimit(c.o.Parallel)
	for _, p := range probes[1:] {
		if working.Err() != nil {
			break
		}
		g.Go(func() error { return c.one(working, p, len(probes)) })
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

// one runs a probe unless it was found alike before.
func (c *checker) one(ctx context.Context, p probe, total int) error {
	known := c.state.done[p.id()]
	var found []Difference
	if !known {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var err error
		if found, err = c.run(ctx, p); err != nil {
			return err
		}
		if len(found) == 0 {
			if err := c.state.add(p.id()); err != nil {
				return err
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done++
	if known {
		c.report.Skipped++
	} else {
		c.report.Addresses++
		c.answered.Add(1)
	}
	c.report.add(found)
	if c.o.Progress != nil {
		c.o.Progress(c.done, total)
	}
	return nil
}

// finish completes the report.
func (c *checker) finish(ctx context.Context, err error) *Report {
	// One that moved only now has no bearing on what was compared, but on what
	// the report can be taken for.
	_, _ = c.snapshots.refresh(ctx, time.Now())
	r := c.report
	r.Snapshots = slices.Clone(c.snapshots.seen)
	r.Requests, r.Bytes, r.Late = c.remote.sent.Load(), c.remote.bytes.Load(), c.late.Load()
	r.Complete = err == nil
	r.sort()
	return r
}
