package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

const (
	// maxFormer is how many snapshots that were live before are looked at.
	maxFormer = 4
	// formerWithin is how long ago those were live at most.
	formerWithin = 7 * 24 * time.Hour
)

// snapshots knows what is live in the bucket, and what was.
type snapshots struct {
	o Options

	mu      sync.Mutex
	pointer layout.Pointer
	read    time.Time
	loaded  map[string]*reference
	// seen are the snapshots that were live during the check, in order.
	seen []string
}

func newSnapshots(ctx context.Context, o Options) (*snapshots, error) {
	s := &snapshots{o: o, loaded: map[string]*reference{}}
	_, err := s.refresh(ctx, time.Now())
	return s, err
}

// refresh reads the pointer again unless that was done after a time, and gives
// the live snapshot.
func (s *snapshots) refresh(ctx context.Context, after time.Time) (*reference, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read.Before(after) {
		begin := time.Now()
		p, err := s.o.Bucket.Pointer(ctx, s.o.Environment)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("environment %s has no live snapshot in this bucket: %w", s.o.Environment, err)
		}
		if err != nil {
			return nil, err
		}
		s.pointer, s.read = p, begin
	}
	live, err := s.load(ctx, s.pointer.Snapshot)
	if err == nil && (len(s.seen) == 0 || s.seen[len(s.seen)-1] != live.id) {
		s.seen = append(s.seen, live.id)
	}
	return live, err
}

// live is the snapshot that was live when the pointer was last read.
func (s *snapshots) live(ctx context.Context) (*reference, error) {
	return s.refresh(ctx, time.Time{})
}

func (s *snapshots) load(ctx context.Context, id string) (*reference, error) {
	if r := s.loaded[id]; r != nil {
		return r, nil
	}
	r, err := newReference(ctx, s.o, id)
	if err == nil {
		s.loaded[id] = r
	}
	return r, err
}

// former is a snapshot that was live before, and until when.
type former struct {
	*reference
	until time.Time
}

// former lists snapshots that were live before, the last one first. Those that
// can no longer be loaded are left out: prune may have taken them.
func (s *snapshots) former(ctx context.Context) []former {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []former
	for _, id := range s.pointer.Lived(time.Now().Add(-formerWithin)) {
		if id == s.pointer.Snapshot || len(out) == maxFormer {
			continue
		}
		if r, err := s.load(ctx, id); err == nil {
			out = append(out, former{r, ended(s.pointer, id)})
		}
	}
	return out
}

// ended is when a snapshot was last replaced by another.
func ended(p layout.Pointer, id string) time.Time {
	i := slices.IndexFunc(p.Moves, func(m layout.Move) bool { return m.Snapshot == id })
	if i < 1 {
		return time.Time{}
	}
	return p.Moves[i-1].At
}

// allowed is how long caches may give an answer of a snapshot that is no longer
// live: what Cache-Control says, and a while for the edge to notice.
func (o Options) allowed(t *answer.Table, kind string) time.Duration {
	seconds := t.Cache.Content
	if kind == kindDocument || kind == kindIndex {
		seconds = t.Cache.Index
	}
	return time.Duration(seconds)*time.Second + o.Lag
}

// compare sends a request and gives what came, what the bucket says, and how
// they differ.
func (c *checker) compare(ctx context.Context, p probe, a ask) (got, want *reply, found []Difference, err error) {
	live, err := c.snapshots.live(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	if want, err = live.answer(ctx, a, c.o.prefix()); err != nil {
		return nil, nil, nil, err
	}
	c.remember(a, want)
	if got, err = c.remote.answer(ctx, a, want); errors.Is(err, errNoAnswer) {
		return nil, nil, c.silence(p, a, err), c.unreachable(err)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	c.silent.Store(0)
	if c.o.allowsWhole(a, got, want) {
		whole := a.without("Range", "If-None-Match", "If-Modified-Since")
		if want, err = live.answer(ctx, whole, c.o.prefix()); err != nil {
			return nil, nil, nil, err
		}
		if got.cut { // it was read as if a part or nothing were to come
			if got, err = c.remote.answer(ctx, a, want); errors.Is(err, errNoAnswer) {
				return nil, nil, c.silence(p, a, err), c.unreachable(err)
			}
			if err != nil {
				return nil, nil, nil, err
			}
		}
		a = whole
	}
	if found = c.o.differences(p, a, got, want); len(found) == 0 {
		return got, want, nil, nil
	}
	// The pointer may have moved between the two answers.
	now, err := c.snapshots.refresh(ctx, time.Now())
	if err != nil {
		return nil, nil, nil, err
	}
	if now != live {
		if want, err = now.answer(ctx, a, c.o.prefix()); err != nil {
			return nil, nil, nil, err
		}
		if found = c.o.differences(p, a, got, want); len(found) == 0 {
			return got, want, nil, nil
		}
	}
	for _, f := range c.snapshots.former(ctx) {
		was, err := f.answer(ctx, a, c.o.prefix())
		if err != nil {
			return nil, nil, nil, err
		}
		if len(c.o.differences(p, a, got, was)) > 0 {
			continue
		}
		if since := time.Since(f.until); since <= c.o.allowed(now.table, p.kind) {
			c.late.Add(1)
			return got, was, nil, nil
		}
		return got, was, []Difference{c.outdated(p, a, f, now)}, nil
	}
	return got, want, c.explained(ctx, p, a, now, got, want, found), nil
}

// allowsWhole reports whether all of an object came where a part of it was asked for, or
// nothing if it did not change: a registry of another make may send that (RFC 9110,
// sections 13.1.3 and 14.2).
func (o Options) allowsWhole(a ask, got, want *reply) bool {
	if o.Level != API || got.status != http.StatusOK {
		return false
	}
	switch want.status {
	case http.StatusPartialContent, http.StatusRequestedRangeNotSatisfiable:
		return a.header["Range"] != ""
	case http.StatusNotModified:
		return a.header["If-None-Match"] != "" || a.header["If-Modified-Since"] != ""
	}
	return false
}

func (c *checker) outdated(p probe, a ask, f former, now *reference) Difference {
	d := Difference{
		Kind: p.kind, Request: a.method + " " + a.target, Way: a.way,
		Problem: "the answer of an older snapshot", Got: f.id, Want: now.id,
	}
	if !f.until.IsZero() {
		d.Detail = fmt.Sprintf("not live since %s, and Cache-Control with --lag lets it be kept for %s", f.until.UTC().Format(time.RFC3339), c.o.allowed(now.table, p.kind))
	}
	return d
}

// without is a request without some headers; its name says how it was asked.
func (a ask) without(names ...string) ask {
	a.header, a.own = maps.Clone(a.header), maps.Clone(a.own)
	for _, name := range names {
		delete(a.header, name)
		delete(a.own, name)
	}
	return a
}

// silence is what is said of a request that nobody answers.
func (c *checker) silence(p probe, a ask, err error) []Difference {
	return []Difference{{Kind: p.kind, Request: a.method + " " + a.target, Way: a.way, Problem: errNoAnswer.Error(), Detail: shorten(err.Error())}}
}

// maxSilent is after how many requests in a row without an answer the check
// gives up.
const maxSilent = 20

// errUnreachable: the registry cannot be asked.
var errUnreachable = errors.New("the registry does not answer")

func (c *checker) unreachable(err error) error {
	if n := c.silent.Add(1); n >= maxSilent || c.answered.Load() == 0 {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return nil
}
