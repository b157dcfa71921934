package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// Stored is a snapshot that the bucket holds.
type Stored struct {
	ID string `json:"snapshot"`
	// Built is when its manifest was stored, by the store's clock.
	Built time.Time `json:"built"`
}

// Snapshots lists the snapshots of an environment, or with "" of all of them, by
// environment, the newest first; see newestFirst.
func (b *Bucket) Snapshots(ctx context.Context, env string) (map[string][]Stored, error) {
	out, err := b.stored(ctx, env)
	if err != nil {
		return nil, err
	}
	for name, list := range out {
		p, err := b.Pointer(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !isFaulty(err) {
			return nil, err
		}
		newestFirst(list, p)
	}
	return out, nil
}

// stored is Snapshots in no order.
func (b *Bucket) stored(ctx context.Context, env string) (map[string][]Stored, error) {
	prefix := layout.SnapshotsPrefix
	if env != "" {
		prefix += env + "/"
	}
	out := map[string][]Stored{}
	for o, err := range b.List(ctx, prefix) {
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		name, id, file, err := layout.ParseSnapshotKey(o.Key)
		if err != nil || file != "manifest.json" {
			continue
		}
		out[name] = append(out[name], Stored{ID: id, Built: o.Modified.UTC()})
	}
	return out, nil
}

// newestFirst orders the snapshots of an environment: those that the pointer
// knows to have been published by that, whoever compared them then; where the
// others are among them, by when they were stored. The dates of commits have no
// say, and neither do ids, which begin with one.
func newestFirst(list []Stored, p layout.Pointer) {
	slices.SortFunc(list, func(a, b Stored) int {
		return cmp.Or(b.Built.Compare(a.Built), strings.Compare(a.ID[len(layout.SnapshotTime):], b.ID[len(layout.SnapshotTime):]))
	})
	published := p.Published()
	var places []int
	var known []Stored
	for i, s := range list {
		if slices.Contains(published, s.ID) {
			places, known = append(places, i), append(known, s)
		}
	}
	slices.SortFunc(known, func(a, b Stored) int {
		return slices.Index(published, a.ID) - slices.Index(published, b.ID)
	})
	for i, place := range places {
		list[place] = known[i]
	}
}

// Event is one snapshot in the history of an environment.
type Event struct {
	Stored
	Live bool `json:"live"`
	// Previous tells that a rollback goes here.
	Previous bool     `json:"previous,omitempty"`
	Branches []Branch `json:"branches"`
	Regsnap  string   `json:"regsnap"`
	Total    int      `json:"packages"`
	// Changes are against the event before; nil for the oldest in the bucket.
	Changes *PackageChanges `json:"changes,omitempty"`
	// Tags are its names.
	Tags []string `json:"tags,omitempty"`
	// Moves are those that made it live, newest first.
	Moves []layout.Move `json:"moves,omitempty"`
	// Damaged says why its manifest cannot be read.
	Damaged string `json:"fault,omitempty"`
}

// History is what the bucket knows of an environment.
type History struct {
	Environment string `json:"environment"`
	// Pointer is nil when nothing was ever published.
	Pointer *layout.Pointer `json:"pointer,omitempty"`
	// Events are newest first.
	Events []Event `json:"snapshots"`
	// Moves are the newest first, of the audit log and of the pointer; as many as
	// snapshots were asked for.
	Moves []Recorded `json:"moves"`
	// More is how many older snapshots there are.
	More int `json:"more,omitempty"`

	faults []error
}

// Faults are why some of the events are Damaged; nil if none is.
func (h *History) Faults() error { return errors.Join(h.faults...) }

// historyReads is how many manifests are read at once; each is some 100 kB.
const historyReads = 8

// History tells about the newest snapshots of an environment, at most limit of
// them; 0 is all.
func (b *Bucket) History(ctx context.Context, env string, limit int) (*History, error) {
	h := &History{Environment: env, Events: []Event{}}
	p, err := b.Pointer(ctx, env)
	switch {
	case err == nil:
		h.Pointer = &p
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	all, err := b.stored(ctx, env)
	if err != nil {
		return nil, err
	}
	stored := all[env]
	newestFirst(stored, p)
	tags, err := b.Tags(ctx, env)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		if t.Fault != "" {
			h.faults = append(h.faults, fmt.Errorf("%w: %s", ErrDamaged, t.Fault))
		}
	}
	if h.Moves, err = b.newestMoves(ctx, env, limit); err != nil {
		return nil, err
	}
	if limit <= 0 || limit > len(stored) {
		limit = len(stored)
	}
	h.More = len(stored) - limit
	// A few manifests at a time: all of them would not fit into memory.
	var manifests []*layout.Manifest
	var faults []error
	first := 0 // the place of manifests[0]
	for i := range limit {
		if last := first + len(manifests) - 1; i >= last { // its own and the next one are wanted
			first = i
			if manifests, faults, err = b.manifests(ctx, env, stored[i:min(i+historyReads+1, len(stored))]); err != nil {
				return nil, err
			}
		}
		e := Event{Stored: stored[i], Branches: []Branch{}, Live: stored[i].ID == p.Snapshot, Previous: stored[i].ID == p.Previous, Tags: tagsOf(tags, stored[i].ID)}
		if err := faults[i-first]; err != nil {
			e.Damaged = err.Error()
			h.faults = append(h.faults, err)
		}
		if m := manifests[i-first]; m != nil {
			e.Branches, e.Regsnap, e.Total = branchesOf(m), m.Regsnap, len(m.Packages)
			if next := i - first + 1; next < len(manifests) && manifests[next] != nil {
				changes := comparePackages(manifests[next], m)
				e.Changes = &changes
			}
		}
		for _, m := range h.Moves {
			if m.Snapshot == e.ID && (m.Kind == layout.MovePublish || m.Kind == layout.MoveRollback || m.Kind == layout.MoveRecover) {
				e.Moves = append(e.Moves, m.Move)
			}
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}

// newestMoves are the newest moves of an environment, at most limit of them if that
// is above 0.
func (b *Bucket) newestMoves(ctx context.Context, env string, limit int) ([]Recorded, error) {
	out := []Recorded{}
	for m, err := range b.Moves(ctx, env) {
		if err != nil {
			return nil, err
		}
		if out = append(out, m); len(out) == limit {
			break
		}
	}
	return out, nil
}

// manifests reads those of some snapshots side by side; where one is faulty it is nil.
func (b *Bucket) manifests(ctx context.Context, env string, stored []Stored) ([]*layout.Manifest, []error, error) {
	manifests, faults := make([]*layout.Manifest, len(stored)), make([]error, len(stored))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(historyReads)
	for i, s := range stored {
		g.Go(func() error {
			m, err := b.Manifest(ctx, env, s.ID)
			if err != nil && isFaulty(err) {
				faults[i] = err
				return nil
			}
			manifests[i] = m
			return err
		})
	}
	return manifests, faults, g.Wait()
}
