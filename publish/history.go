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
	ID string `json:"id"`
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
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
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
	Previous bool                    `json:"previous,omitempty"`
	Branches []layout.ManifestBranch `json:"branches"`
	Regsnap  string                  `json:"regsnap"`
	Total    int                     `json:"packages"`
	// Changes are against the event before; nil for the oldest in the bucket.
	Changes *PackageChanges `json:"changes,omitempty"`
	// Moves are those that made it live, newest first.
	Moves []layout.Move `json:"moves,omitempty"`
	// Damaged says why its manifest cannot be read.
	Damaged string `json:"damaged,omitempty"`
}

// History is what the bucket knows of an environment.
type History struct {
	Environment string `json:"environment"`
	// Pointer is nil when nothing was ever published.
	Pointer *layout.Pointer `json:"pointer,omitempty"`
	// Events are newest first.
	Events []Event `json:"snapshots"`
	// More is how many older snapshots there are.
	More int `json:"more,omitempty"`
}

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
	if limit <= 0 || limit > len(stored) {
		limit = len(stored)
	}
	h.More = len(stored) - limit
	// One more than is shown: the last one's changes are against it.
	manifests := make([]*layout.Manifest, min(limit+1, len(stored)))
	damaged := make([]string, len(manifests))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(historyReads)
	for i := range manifests {
		g.Go(func() error {
			m, err := b.Manifest(gctx, env, stored[i].ID)
			if err != nil {
				damaged[i] = err.Error()
				return gctx.Err()
			}
			manifests[i] = m
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i := range limit {
		e := Event{Stored: stored[i], Live: stored[i].ID == p.Snapshot, Previous: stored[i].ID == p.Previous, Damaged: damaged[i]}
		if m := manifests[i]; m != nil {
			e.Branches, e.Regsnap, e.Total = m.Branches, m.Regsnap, len(m.Packages)
			if i+1 < len(manifests) && manifests[i+1] != nil {
				changes := comparePackages(manifests[i+1], m)
				e.Changes = &changes
			}
		}
		for _, m := range p.Moves {
			if m.Snapshot == e.ID && (m.Kind == layout.MovePublish || m.Kind == layout.MoveRollback) {
				e.Moves = append(e.Moves, m)
			}
		}
		h.Events = append(h.Events, e)
	}
	return h, nil
}
