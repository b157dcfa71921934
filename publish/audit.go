package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// The audit log has an object for each move, under the generation of the pointer
// that the move wrote: compare-and-swap gives each generation to one writer. The
// entry is put right after the move. Should its writer die in between, the pointer
// still remembers the move, and the next writer puts the entry first.

// about are the snapshots of a move, for its entry; nil where they are not known.
type about struct{ before, after *layout.Manifest }

// record puts the entry of a move.
func (b *Bucket) record(ctx context.Context, before, after layout.Pointer, m layout.Move, of about) error {
	a := layout.Audit{Format: layout.AuditFormat, Environment: after.Environment, Generation: after.Generation, Move: m}
	if before.Snapshot != after.Snapshot {
		a.Before = before.Snapshot
	}
	if of.after != nil {
		describe(&a, of)
	}
	return b.Put(ctx, layout.AuditObject(a))
}

// describe says what a snapshot was built from, and in what it differs.
func describe(a *layout.Audit, of about) {
	a.Packages = len(of.after.Packages)
	for _, branch := range of.after.Branches {
		a.Branches = append(a.Branches, layout.AuditBranch{Name: branch.Name, Commit: branch.Commit})
	}
	if a.Before == "" || of.before == nil || of.before.Routes.SHA256 == "" { // nothing is known of its packages
		return
	}
	changes := comparePackages(of.before, of.after)
	left := layout.MaxAudited
	for _, list := range []struct {
		from []PackageChange
		to   *[]string
	}{{changes.Added, &a.Added}, {changes.Removed, &a.Removed}, {changes.Changed, &a.Changed}} {
		n := min(left, len(list.from))
		for _, c := range list.from[:n] {
			*list.to = append(*list.to, c.ID())
		}
		left -= n
		a.More += len(list.from) - n
	}
}

// recordLate puts the entries of moves that the pointer remembers and the log
// lacks: of writers that died, and of regsnap before it had a log.
func (b *Bucket) recordLate(ctx context.Context, p layout.Pointer) error {
	late, err := b.unrecorded(ctx, p)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(historyReads)
	for _, a := range late {
		g.Go(func() error { return b.Put(ctx, layout.AuditObject(a)) })
	}
	return g.Wait()
}

// nearby is how many generations are looked for one by one before all are listed.
const nearby = 16

// unrecorded are the moves that only the pointer has, the newest first. Prune gives
// a pointer a new generation too, so that the last move may be some before it.
func (b *Bucket) unrecorded(ctx context.Context, p layout.Pointer) ([]layout.Audit, error) {
	env := p.Environment
	if there, err := b.exists(ctx, layout.AuditKey(env, p.Generation)); err != nil || there || len(p.Moves) == 0 {
		return nil, err
	}
	generations, err := b.recordedGenerations(ctx, env)
	if err != nil {
		return nil, err
	}
	moves, last := p.Moves, int64(0)
	for _, g := range generations { // descending
		if g > p.Generation {
			continue
		}
		last = g
		if a, err := b.audited(ctx, env, g); err == nil {
			if i := slices.IndexFunc(moves, func(m layout.Move) bool { return a.Of(m) }); i >= 0 {
				moves = moves[:i]
			}
		} else if !isFaulty(err) {
			return nil, err
		}
		break
	}
	moves = moves[:min(int64(len(moves)), p.Generation-last)]
	out := make([]layout.Audit, len(moves))
	for i, m := range moves {
		out[i] = layout.Audit{Format: layout.AuditFormat, Environment: env, Move: m, Late: true,
			// As far back as they must be at least: between two there may be a prune.
			Generation: max(last, p.Generation-int64(len(moves))) + int64(len(moves)-i)}
		if i+1 < len(p.Moves) && p.Moves[i+1].Snapshot != m.Snapshot {
			out[i].Before = p.Moves[i+1].Snapshot
		}
	}
	return out, nil
}

// audited reads an entry; fs.ErrNotExist when it is missing.
func (b *Bucket) audited(ctx context.Context, env string, generation int64) (layout.Audit, error) {
	key := layout.AuditKey(env, generation)
	body, err := b.Read(ctx, key)
	if err != nil {
		return layout.Audit{}, err
	}
	a, err := layout.DecodeAudit(body, env, generation)
	if err != nil {
		return layout.Audit{}, fmt.Errorf("%s: %w", key, err)
	}
	return a, nil
}

// recordedGenerations lists the entries of an environment, the newest first.
func (b *Bucket) recordedGenerations(ctx context.Context, env string) ([]int64, error) {
	var out []int64
	for o, err := range b.List(ctx, layout.AuditPrefix+env+"/") {
		if err != nil {
			return nil, fmt.Errorf("list the audit log of %s: %w", env, err)
		}
		if _, g, err := layout.ParseAuditKey(o.Key); err == nil {
			out = append(out, g)
		}
	}
	slices.SortFunc(out, func(a, b int64) int { return int(b - a) })
	return out, nil
}

// Recorded is a move, or an entry of the audit log that cannot be read.
type Recorded struct {
	layout.Audit
	Damaged string `json:"fault,omitempty"`
}

// Moves goes through all moves of an environment, the newest first, and holds only
// a few of them at once. After an error it ends.
func (b *Bucket) Moves(ctx context.Context, env string) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		p, err := b.Pointer(ctx, env)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !isFaulty(err) {
			yield(Recorded{}, err)
			return
		}
		var late []layout.Audit
		if err == nil {
			if late, err = b.unrecorded(ctx, p); err != nil {
				yield(Recorded{}, err)
				return
			}
		}
		for _, a := range late {
			if !yield(Recorded{Audit: a}, nil) {
				return
			}
		}
		for r, err := range b.recorded(ctx, env, p.Generation) {
			if !yield(r, err) {
				return
			}
		}
	}
}

// recorded goes through the entries up to a generation, 0 for all. It asks for one
// after the other and, where some are missing, lists which ones there are.
func (b *Bucket) recorded(ctx context.Context, env string, from int64) iter.Seq2[Recorded, error] {
	return func(yield func(Recorded, error) bool) {
		var next []int64
		for g := from; g > 0 && g > from-nearby; g-- {
			next = append(next, g)
		}
		listed := false
		for {
			if len(next) == 0 {
				if listed || from == 1 {
					return
				}
				all, err := b.recordedGenerations(ctx, env)
				if err != nil {
					yield(Recorded{}, err)
					return
				}
				for _, g := range all {
					if from == 0 || g <= from-nearby {
						next = append(next, g)
					}
				}
				listed = true
				continue
			}
			n := min(len(next), historyReads)
			entries, err := b.auditedAll(ctx, env, next[:n])
			if err != nil {
				yield(Recorded{}, err)
				return
			}
			next = next[n:]
			for _, r := range entries {
				if !yield(r, nil) {
					return
				}
			}
		}
	}
}

// auditedAll reads some entries side by side, and leaves out those that are not entries.
func (b *Bucket) auditedAll(ctx context.Context, env string, generations []int64) ([]Recorded, error) {
	found := make([]Recorded, len(generations))
	g, ctx := errgroup.WithContext(ctx)
	for i, generation := range generations {
		g.Go(func() error {
			a, err := b.audited(ctx, env, generation)
			switch {
			case err == nil:
				found[i] = Recorded{Audit: a}
			case errors.Is(err, fs.ErrNotExist):
			case isFaulty(err):
				found[i] = Recorded{Audit: layout.Audit{Environment: env, Generation: generation}, Damaged: err.Error()}
			default:
				return err
			}
			return nil
		})
	}
	err := g.Wait()
	return slices.DeleteFunc(found, func(r Recorded) bool { return r.Generation == 0 }), err
}

// lived are the snapshots that were live at some time after t.
func (b *Bucket) lived(ctx context.Context, p layout.Pointer, t time.Time) ([]string, error) {
	out := []string{p.Snapshot}
	ended := time.Now() // when the one that is looked at was live no longer
	for r, err := range b.Moves(ctx, p.Environment) {
		if err != nil {
			return nil, err
		}
		if !ended.After(t) {
			break
		}
		if r.Damaged != "" {
			continue
		}
		if !slices.Contains(out, r.Snapshot) {
			out = append(out, r.Snapshot)
		}
		if r.Before != "" && r.At.After(t) && !slices.Contains(out, r.Before) {
			out = append(out, r.Before)
		}
		ended = r.At
	}
	return out, nil
}

// recordRetired puts the last entry of an environment: that it has no pointer is
// meant, and no loss. One without a log needs none.
func (b *Bucket) recordRetired(ctx context.Context, env, by string) error {
	generations, err := b.recordedGenerations(ctx, env)
	if err != nil || len(generations) == 0 {
		return err
	}
	last, err := b.audited(ctx, env, generations[0])
	if err != nil && !isFaulty(err) || err == nil && last.Kind == layout.MoveRetire {
		return err
	}
	snapshot := last.Snapshot
	if err != nil { // an entry names one
		snapshot = noSnapshot
	}
	return b.Put(ctx, layout.AuditObject(layout.Audit{
		Format: layout.AuditFormat, Environment: env, Generation: generations[0] + 1,
		Move: layout.Move{Snapshot: snapshot, Kind: layout.MoveRetire, At: time.Now().UTC().Truncate(time.Second), By: shortened(by, layout.MaxBy)},
	}))
}

// noSnapshot stands where it is not known what was live.
const noSnapshot = "00000000T000000Z-000000000000"
