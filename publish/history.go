package publish

import (
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
// environment: those of newer commits first, and of the same commits those that
// were built later.
func (b *Bucket) Snapshots(ctx context.Context, env string) (map[string][]Stored, error) {
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
	for _, list := range out {
		slices.SortFunc(list, newestFirst)
	}
	return out, nil
}

// newestFirst orders by the time in the id, then by when it was built.
func newestFirst(a, b Stored) int {
	stamp := len(layout.SnapshotTime)
	if c := strings.Compare(b.ID[:stamp], a.ID[:stamp]); c != 0 {
		return c
	}
	if c := b.Built.Compare(a.Built); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
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
	all, err := b.Snapshots(ctx, env)
	if err != nil {
		return nil, err
	}
	stored := all[env]
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
				changes := ComparePackages(manifests[i+1], m)
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
