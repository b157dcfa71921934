package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regsnap/regsnap/publish"
)

// followPlan is what tells the snapshots of an environment apart.
type followPlan struct {
	live, previous string
	// candidates are the snapshots whose answers are looked for; the live one first.
	candidates []string
	// targets are requests that live and previous answer differently.
	targets []string
	// detail is set where there are none.
	detail string
}

// usual are asked for where nothing tells two snapshots apart: that an edge answers
// these as the live snapshot does is all that can be known then.
var usual = []string{"/search?prerelease=true", "/categories?prerelease=true"}

// plan is what to ask the edges of an environment now. It stays the same until the
// pointer moves.
func (f *Follower) plan(ctx context.Context, e followed) (*followPlan, error) {
	p, err := f.o.Bucket.Pointer(ctx, e.Environment)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("nothing is live in this environment of the bucket: %w", err)
	}
	if err != nil {
		return nil, err
	}
	ids := candidates(p, time.Now())
	if known := f.plans[e.Environment]; known != nil && known.live == ids[0] {
		return known, nil
	}
	if _, err := f.load(ctx, e, ids[0]); err != nil {
		return nil, err
	}
	plan := &followPlan{live: ids[0], candidates: ids, targets: usual}
	var unread error
	for _, id := range ids[1:] {
		_, err := f.load(ctx, e, id)
		if err == nil {
			plan.previous = id
			break
		}
		if !errors.Is(err, publish.ErrNoSnapshot) { // prune takes snapshots
			unread = err
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case plan.previous == "" && unread != nil:
		plan.detail = shorten("the previous snapshot cannot be compared: " + unread.Error())
	case plan.previous == "":
		plan.detail = "no snapshot before it is in the bucket to compare with"
	default:
		targets, err := f.telling(ctx, e, plan)
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err != nil:
			plan.detail = shorten("the previous snapshot cannot be compared: " + err.Error())
		case len(targets) == 0:
			plan.detail = "the previous snapshot answers alike"
		default:
			plan.targets = targets
		}
	}
	f.plans[e.Environment] = plan
	f.forget(e.Environment, ids)
	return plan, nil
}

// telling are requests that the live snapshot and the one before answer differently, one
// of each kind: caches keep kinds for different times.
func (f *Follower) telling(ctx context.Context, e followed, plan *followPlan) ([]string, error) {
	d, err := f.o.Bucket.Diff(ctx, publish.SnapshotRef{Environment: e.Environment, ID: plan.previous}, publish.SnapshotRef{Environment: e.Environment, ID: plan.live})
	if err != nil {
		return nil, err
	}
	var searches, categories []string
	for _, a := range d.Answers {
		if strings.HasPrefix(a.URL, "/search") {
			searches = append(searches, a.URL)
		} else {
			categories = append(categories, a.URL)
		}
	}
	var out []string
	// Pages name the address that they are at, so that those of an edge are not known here
	// to the letter.
	for _, kind := range [][]string{searches, categories, d.Documents, d.Archives, d.Files} {
		// What the two answer alike after all tells nothing.
		at := slices.IndexFunc(kind[:min(len(kind), maxTried)], func(target string) bool {
			was, is, e := f.both(ctx, e, plan, target)
			err = errors.Join(err, e)
			return e == nil && !sameBody(was, is)
		})
		if at >= 0 {
			out = append(out, kind[at])
		}
		if err != nil {
			return nil, err
		}
		if len(out) >= maxTargets {
			break
		}
	}
	return out, nil
}

const (
	// maxTargets is how many requests tell two snapshots apart.
	maxTargets = 4
	// maxTried is how many requests of a kind are looked at to find one.
	maxTried = 10
)

func (f *Follower) both(ctx context.Context, e followed, plan *followPlan, target string) (was, is *reply, err error) {
	if was, err = f.own(ctx, e, plan.previous, target); err != nil {
		return nil, nil, err
	}
	is, err = f.own(ctx, e, plan.live, target)
	return was, is, err
}

// loaded is a snapshot, or why it cannot be loaded.
type loaded struct {
	*reference
	err error
}

// load is the bucket's side of a snapshot.
func (f *Follower) load(ctx context.Context, e followed, id string) (*reference, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := loadedKey{e.Environment, id, e.options.prefix()}
	l, known := f.loaded[key]
	if !known {
		l.reference, l.err = newReference(ctx, e.options, id)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.loaded[key] = l
	}
	return l.reference, l.err
}

// forget lets go of the snapshots of an environment that are looked for no more.
func (f *Follower) forget(environment string, still []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.loaded, func(key loadedKey, _ loaded) bool {
		return key.environment == environment && !slices.Contains(still, key.id)
	})
}
