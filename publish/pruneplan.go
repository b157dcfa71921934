package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// The order in which prune deletes: what says that others are complete before
// what it speaks of.
const (
	phaseTags      = iota // a tag names a snapshot that is kept
	phaseManifests        // a snapshot without a manifest is not a snapshot
	phaseContents         // a package revision without contents.json is not one
	phaseRest
	phases // how many there are
)

// maxUnknown is how many unknown objects a plan names.
const maxUnknown = 20

// planPrune decides which snapshots stay, marks what these refer to, and plans
// to delete the rest. If it cannot read a snapshot that stays it fails.
func (b *Bucket) planPrune(ctx context.Context, keep Retention, retire []string, now time.Time) (*PrunePlan, error) {
	p := &PrunePlan{Environments: []PruneEnvironment{}, retired: slices.Clone(retire)}
	stored, err := b.stored(ctx, "")
	if err != nil {
		return nil, err
	}
	tags, err := b.planTags(ctx, p, retire)
	if err != nil {
		return nil, err
	}
	environments, err := b.Environments(ctx)
	if err != nil {
		return nil, err
	}
	names := slices.Compact(slices.Sorted(slices.Values(slices.Concat(environments, slices.Collect(maps.Keys(stored)), slices.Collect(maps.Keys(tags))))))
	for _, env := range names {
		expired, err := b.expired(ctx, env, keep.Configured, now)
		if err != nil {
			return nil, err
		}
		if !expired.IsZero() || slices.Contains(retire, env) {
			p.Environments = append(p.Environments, PruneEnvironment{Name: env, Retired: true, Expired: expired, Keep: []PruneKept{}, Drop: stored[env]})
			if !slices.Contains(retire, env) {
				p.retired = append(p.retired, env)
			}
			continue
		}
		e, err := b.retain(ctx, env, stored[env], tags[env], keep, now)
		if err != nil {
			return nil, err
		}
		p.Environments = append(p.Environments, *e)
	}
	m, err := b.mark(ctx, p.Environments)
	if err != nil {
		return nil, err
	}
	for _, prefix := range []string{layout.SnapshotsPrefix, layout.PackagesPrefix, layout.ResponsesPrefix} {
		for o, err := range b.List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
			p.judge(m, o)
		}
	}
	if err := b.planIndexes(ctx, p, p.retired, now.Add(-keep.Grace)); err != nil {
		return nil, err
	}
	return p, b.planLeftovers(ctx, p, now)
}

// expired is when an environment ended as a preview; zero if it did not, or is not one.
// What regsnap.yml lists is not one, whatever its pointer says from before. A pointer that
// cannot be read is for those to report who need what it says.
func (b *Bucket) expired(ctx context.Context, env string, configured []string, now time.Time) (time.Time, error) {
	if slices.Contains(configured, env) {
		return time.Time{}, nil
	}
	p, err := b.Pointer(ctx, env)
	switch {
	case errors.Is(err, fs.ErrNotExist), err != nil && isFaulty(err):
		return time.Time{}, nil
	case !p.Preview.Expired(now) || p.Pinned != nil: // after an error too: there is no preview then
		return time.Time{}, err
	}
	return p.Preview.Until, nil
}

// keptIndexes is how many indexes of package storage v2 before the one that is read
// stay in any case: a registry may still be reading one.
const keptIndexes = 2

// planIndexes adds the indexes that no registry reads any more. Each is a folder of
// one object, so that readers never see a part of one.
func (b *Bucket) planIndexes(ctx context.Context, p *PrunePlan, retire []string, since time.Time) error {
	type found struct {
		store.ObjectInfo
		generation int64
	}
	all := map[string][]found{}
	for o, err := range b.List(ctx, layout.StoragePrefix) {
		if err != nil {
			return fmt.Errorf("list %s: %w", layout.StoragePrefix, err)
		}
		env, generation, err := layout.ParseStorageKey(o.Key)
		if err != nil {
			p.unknown(o.Key)
			continue
		}
		all[env] = append(all[env], found{o, generation})
	}
	for _, env := range slices.Sorted(maps.Keys(all)) {
		retired := slices.Contains(retire, env)
		at, _, err := b.Cursor(ctx, env)
		if err != nil && !isFaulty(err) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		list := all[env]
		slices.SortFunc(list, func(a, b found) int { return cmp.Compare(b.generation, a.generation) })
		older := 0
		for _, o := range list {
			if o.generation > 0 && o.generation < at {
				older++
			}
			switch {
			case retired && o.generation == 0:
				p.drop(&p.Indexes, o.ObjectInfo, phaseManifests)
			case retired, o.generation > 0 && older > keptIndexes && o.Modified.Before(since):
				p.drop(&p.Indexes, o.ObjectInfo, phaseRest)
			default:
				p.Kept.add(o.Size)
			}
		}
	}
	return nil
}

// planTags reads the tags that name snapshots, and adds those to the plan that name
// none any more. With one that cannot be read nobody knows what it keeps.
func (b *Bucket) planTags(ctx context.Context, p *PrunePlan, retire []string) (map[string][]NamedSnapshot, error) {
	all, err := b.tags(ctx, "")
	if err != nil {
		return nil, err
	}
	for env, list := range all {
		retired := slices.Contains(retire, env)
		all[env] = slices.DeleteFunc(list, func(t NamedSnapshot) bool {
			key, size := layout.TagKey(env, t.Name), int64(len(t.Encode()))
			switch {
			case retired, t.Fault == "" && t.Snapshot == "":
				p.drop(&p.Tags, store.ObjectInfo{Key: key, Size: size}, phaseTags)
				return true
			case t.Fault != "":
				err = errors.Join(err, fmt.Errorf("%w: nothing is deleted, because a tag cannot be read: %s; regsnap tag --delete %s --env %s removes it", ErrDamaged, t.Fault, t.Name, env))
			}
			p.Kept.add(size)
			return false
		})
		if len(all[env]) == 0 {
			delete(all, env)
		}
	}
	return all, err
}

// retain sorts the snapshots of an environment into what stays and what goes.
func (b *Bucket) retain(ctx context.Context, env string, stored []Stored, tags []NamedSnapshot, keep Retention, now time.Time) (*PruneEnvironment, error) {
	e := &PruneEnvironment{Name: env, Keep: []PruneKept{}, Drop: []Stored{}}
	var pointer *layout.Pointer
	var lived []string
	live, err := b.Pointer(ctx, env)
	switch {
	case err == nil:
		pointer = &live
		if lived, err = b.lived(ctx, live, now.Add(-keep.Grace)); err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(stored, func(s Stored) bool { return s.ID == live.Snapshot }) {
			return nil, fmt.Errorf("%w: the manifest of %s, which is live in %s, is missing: nothing is deleted from a bucket that is damaged; regsnap verify --repair or %s", ErrDamaged, live.Snapshot, env, recovers(env))
		}
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	for _, t := range tags {
		if !slices.ContainsFunc(stored, func(s Stored) bool { return s.ID == t.Snapshot }) {
			return nil, fmt.Errorf("%w: the manifest of %s, which has the tag %s in %s, is missing: nothing is deleted from a bucket that is damaged; regsnap tag --delete %[3]s --env %s lets it go", ErrDamaged, t.Snapshot, t.Name, env, env)
		}
	}
	newestFirst(stored, live)
	for i, s := range stored {
		why := keep.why(pointer, lived, stored, i, now)
		if names := tagsOf(tags, s.ID); len(names) > 0 && why != "live" && why != "live and pinned" {
			why = "tagged " + strings.Join(names, ", ")
		}
		if why != "" {
			e.Keep = append(e.Keep, PruneKept{Stored: s, Why: why})
		} else {
			e.Drop = append(e.Drop, s)
		}
	}
	return e, nil
}

// marked is what the snapshots that stay refer to.
type marked struct {
	snapshots map[string]bool // "environment/id"
	revisions map[layout.Revision]bool
	responses map[layout.Digest]bool
}

// mark reads the manifests of the snapshots that stay, and each of their lists once.
func (b *Bucket) mark(ctx context.Context, environments []PruneEnvironment) (*marked, error) {
	m := &marked{snapshots: map[string]bool{}, revisions: map[layout.Revision]bool{}, responses: map[layout.Digest]bool{}}
	heads := map[layout.ManifestResponse]string{} // lists, and a snapshot that has each
	var mu sync.Mutex
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(historyReads)
	for _, e := range environments {
		for _, kept := range e.Keep {
			m.snapshots[e.Name+"/"+kept.ID] = true
			g.Go(func() error {
				head, _, err := b.head(gctx, e.Name, kept.ID)
				if err != nil {
					return unread(err)
				}
				mu.Lock()
				defer mu.Unlock()
				m.list(head.Packages, head.Responses)
				for _, r := range head.Lists {
					m.responses[r.Digest] = true
					heads[r] = layout.ManifestKey(e.Name, kept.ID)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	g, gctx = errgroup.WithContext(ctx)
	g.SetLimit(b.Parallel())
	for r, of := range heads {
		g.Go(func() error {
			l, err := b.readList(gctx, r)
			if err != nil {
				return unread(fmt.Errorf("%s: %w", of, err))
			}
			mu.Lock()
			defer mu.Unlock()
			m.list(l.Packages, l.Responses)
			return nil
		})
	}
	return m, g.Wait()
}

func unread(err error) error {
	return fmt.Errorf("nothing is deleted, because a snapshot that stays cannot be read: %w", err)
}

// list adds what a manifest lists, or a list of it.
func (m *marked) list(packages []layout.ManifestPackage, responses []layout.ManifestResponse) {
	for _, p := range packages {
		m.revisions[layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}] = true
	}
	for _, r := range responses {
		m.responses[r.Digest] = true
	}
}

// judge decides about one object.
func (p *PrunePlan) judge(m *marked, o store.ObjectInfo) {
	drop := func(c *PruneCount, phase int) { p.drop(c, o, phase) }
	if env, id, file, err := layout.ParseSnapshotKey(o.Key); err == nil {
		switch {
		case m.snapshots[env+"/"+id]:
			p.Kept.add(o.Size)
		case file == "manifest.json":
			drop(&p.Snapshots, phaseManifests)
		default:
			drop(&p.Snapshots, phaseRest)
		}
		return
	}
	if rev, what, err := layout.RevisionOfKey(o.Key); err == nil {
		switch {
		case m.revisions[rev]:
			p.Kept.add(o.Size)
		case what == layout.ContentsObject:
			drop(&p.Packages, phaseContents)
		default:
			drop(&p.Packages, phaseRest)
		}
		return
	}
	if d, _, err := layout.ParseResponseKey(o.Key); err == nil {
		if m.responses[d] {
			p.Kept.add(o.Size)
		} else {
			drop(&p.Responses, phaseRest)
		}
		return
	}
	p.unknown(o.Key)
}

func (p *PrunePlan) drop(c *PruneCount, o store.ObjectInfo, phase int) {
	c.add(o.Size)
	p.Objects++
	p.Bytes += o.Size
	p.phases[phase] = append(p.phases[phase], o.Key)
}

func (p *PrunePlan) unknown(key string) {
	p.Unknown++
	if p.Unknown <= maxUnknown {
		p.UnknownNames = append(p.UnknownNames, key)
	}
}
