package publish

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"slices"

	"github.com/regsnap/regsnap/layout"
)

// VerifyAll verifies every snapshot of the bucket, environment by environment, what
// is live first. What several share is read once, and a fault of it is in the first
// that has it. Each is called with what was found in one snapshot, or in the pointer
// of an environment: then Snapshot is empty.
func (b *Bucket) VerifyAll(ctx context.Context, o VerifyOptions, each func(*Verification) error) (err error) {
	stored, err := b.stored(ctx, "")
	if err != nil {
		return err
	}
	environments, err := b.Environments(ctx)
	if err != nil {
		return err
	}
	state, err := openVerifyState(o.State, "every", "snapshot")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.close()) }()
	all := everything{b: b, o: o, state: state}
	names := slices.Sorted(maps.Keys(stored))
	for _, env := range environments {
		if !slices.Contains(names, env) {
			names = append(names, env)
		}
	}
	for _, env := range names {
		if err := all.environment(ctx, env, stored[env], each); err != nil {
			return err
		}
	}
	return nil
}

// everything is one run of VerifyAll.
type everything struct {
	b     *Bucket
	o     VerifyOptions
	state *verifyState
}

func (a everything) environment(ctx context.Context, env string, stored []Stored, each func(*Verification) error) error {
	p, err := a.b.Pointer(ctx, env)
	switch {
	case err == nil:
	case isFaulty(err) && !errors.Is(err, layout.ErrNewer):
		key := layout.PointerKey(env)
		v := &Verification{Environment: env, Faults: []Fault{{Key: key, Detail: faultText(key, err)}}}
		if err := each(v); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	newestFirst(stored, p)
	ids := make([]string, 0, len(stored)+1)
	if p.Snapshot != "" {
		ids = append(ids, p.Snapshot)
	}
	for _, s := range stored {
		if s.ID != p.Snapshot {
			ids = append(ids, s.ID)
		}
	}
	for _, id := range ids {
		v, err := a.b.verify(ctx, env, id, a.o, a.state, byName(a.o))
		if errors.Is(err, ErrNoSnapshot) && id != p.Snapshot {
			continue // it was pruned meanwhile
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", env, id, err)
		}
		if err := each(v); err != nil {
			return err
		}
	}
	return nil
}

// byName chooses a sample in which a unit is or is not, whichever snapshot has it.
func byName(o VerifyOptions) func([]unit) []unit {
	return func(units []unit) []unit {
		if o.Sample <= 0 {
			return units
		}
		return slices.DeleteFunc(units, func(u unit) bool {
			h := fnv.New64a()
			fmt.Fprintf(h, "%d %s", o.Seed, u.name)
			return float64(h.Sum64()>>11)/(1<<53) >= o.Sample
		})
	}
}
