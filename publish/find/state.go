package find

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// held is a version in a snapshot; its fields are empty where only the log says
// that it was there.
type held struct{ revision, branch string }

// state is which versions of the package a snapshot has. It is nil where that is
// not known.
type state struct{ has map[string]held }

// search is the work of Find.
type search struct {
	b   *publish.Bucket
	env string
	q   Query
	// stored are the snapshots in the bucket, and read their manifests, without
	// the lists of packages and responses; nil where one cannot be read.
	stored map[string]bool
	read   map[string]*layout.Manifest
	states map[string]state
	names  map[string]map[string]bool
	faults []error
	mu     sync.Mutex
}

// follow finds the states of the snapshots that were live: back from the live one,
// by what the log says of each move, and forth again where that did not help.
func (s *search) follow(ctx context.Context, reigns []reign) error {
	for i := len(reigns) - 1; i >= 0; i-- {
		id := reigns[i].snapshot
		if id == "" || s.states[id].has != nil {
			continue
		}
		if i+1 < len(reigns) && reigns[i+1].tells() {
			if after := s.states[reigns[i+1].snapshot]; after.has != nil {
				s.states[id] = s.undo(after, reigns[i+1].move)
			}
		}
		if st := s.states[id]; st.has == nil || st.vague() {
			if err := s.readManifest(ctx, id); err != nil {
				return err
			}
		}
	}
	for i := 1; i < len(reigns); i++ {
		id, before := reigns[i].snapshot, s.states[reigns[i-1].snapshot]
		if id != "" && s.states[id].has == nil && before.has != nil && reigns[i].tells() {
			s.states[id] = s.redo(before, reigns[i].move)
		}
	}
	return nil
}

// vague reports whether it is not known which content a version has.
func (st state) vague() bool {
	for _, h := range st.has {
		if h.revision == "" {
			return true
		}
	}
	return false
}

// undo is the state before a move.
func (s *search) undo(after state, m *layout.Audit) state {
	return s.step(after, m.Added, m.Removed, m.Changed)
}

// redo is the state after a move.
func (s *search) redo(before state, m *layout.Audit) state {
	return s.step(before, m.Removed, m.Added, m.Changed)
}

func (s *search) step(from state, gone, come, changed []string) state {
	to := state{maps.Clone(from.has)}
	for _, v := range changes(gone, s.q) {
		delete(to.has, v)
	}
	for _, v := range append(changes(come, s.q), changes(changed, s.q)...) {
		to.has[v] = held{}
	}
	return to
}

// readManifest sets the state of a snapshot by its manifest, if the bucket has it
// whole.
func (s *search) readManifest(ctx context.Context, id string) error {
	s.mu.Lock()
	_, done := s.read[id]
	s.mu.Unlock()
	if done || !s.stored[id] {
		return nil
	}
	m, err := s.b.Manifest(ctx, s.env, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, publish.ErrNoSnapshot): // it was pruned meanwhile
	case errors.Is(err, publish.ErrDamaged), errors.Is(err, layout.ErrNewer), errors.Is(err, layout.ErrOutdated):
		s.faults = append(s.faults, err)
	case err != nil:
		return err
	}
	if s.read[id] = m; m == nil {
		return nil
	}
	st := state{map[string]held{}}
	for _, p := range m.Packages {
		if s.q.matches(p.Name, p.Version) {
			st.has[p.Version] = held{p.Revision, p.Branch}
		}
		if s.names[p.Name] == nil {
			s.names[p.Name] = map[string]bool{}
		}
		s.names[p.Name][p.Version] = true
	}
	s.states[id] = st
	m.Packages, m.Responses = nil, nil
	return nil
}

// reads is how many manifests are read at once.
const reads = 8

// readRest reads the manifests of the snapshots of which the log says nothing:
// those that were never live.
func (s *search) readRest(ctx context.Context, stored []publish.Stored) error {
	unknown := slices.DeleteFunc(slices.Clone(stored), func(snapshot publish.Stored) bool { return s.states[snapshot.ID].has != nil })
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(reads)
	for _, snapshot := range unknown {
		g.Go(func() error { return s.readManifest(ctx, snapshot.ID) })
	}
	return g.Wait()
}
