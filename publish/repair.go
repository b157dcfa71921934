package publish

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/layout"
)

// Repairs is the store into which a snapshot is rendered again to repair it. Of
// all that is put only the faulty objects are written, over what is there. It is
// safe for concurrent use.
type Repairs struct {
	lease   *Lease
	faulty  map[string]bool
	revised map[layout.Revision]bool // all of it is faulty

	mu      sync.Mutex
	written map[string]bool
}

// Repairs prepares the repair of what a verification has found. The lease keeps
// prune away meanwhile.
func (v *Verification) Repairs(l *Lease) *Repairs {
	r := &Repairs{lease: l, faulty: map[string]bool{}, revised: map[layout.Revision]bool{}, written: map[string]bool{}}
	for _, f := range v.Faults {
		r.faulty[f.Key] = true
		if _, _, file, _ := layout.ParseSnapshotKey(f.Key); file == "manifest.json" {
			// Without the manifest the routes were not looked at.
			r.faulty[layout.RoutesKey(v.Environment, v.Snapshot)] = true
		}
		if rev, what, _ := layout.RevisionOfKey(f.Key); what == layout.ContentsObject {
			// Without the list it is not known what else is wrong.
			r.revised[rev] = true
		}
	}
	return r
}

// Sound is a copy of a manifest without what is faulty: what a build need not
// render again.
func (r *Repairs) Sound(m *layout.Manifest) *layout.Manifest {
	revisions, responses := map[layout.Revision]bool{}, map[layout.Digest]bool{}
	for key := range r.faulty {
		if rev, _, err := layout.RevisionOfKey(key); err == nil {
			revisions[rev] = true
		} else if d, _, err := layout.ParseResponseKey(key); err == nil {
			responses[d] = true
		}
	}
	sound := *m
	sound.Packages = slices.DeleteFunc(slices.Clone(m.Packages), func(p layout.ManifestPackage) bool {
		return revisions[layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}]
	})
	faulty := func(x layout.ManifestResponse) bool { return responses[x.Digest] }
	sound.Responses = slices.DeleteFunc(slices.Clone(m.Responses), faulty)
	sound.Lists = slices.DeleteFunc(slices.Clone(m.Lists), faulty)
	return &sound
}

// Read returns an object, but of package revisions nothing: they are to be
// rendered again.
func (r *Repairs) Read(ctx context.Context, key string) ([]byte, error) {
	if strings.HasPrefix(key, layout.PackagesPrefix) {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return r.lease.b.Read(ctx, key)
}

// Sizes gives nothing: nothing is asked for that was not found before.
func (r *Repairs) Sizes(context.Context, layout.Revision) (map[string]int64, error) { return nil, nil }

// Put writes a faulty object again; any other it ignores.
func (r *Repairs) Put(ctx context.Context, o layout.Object) error {
	rev, _, err := layout.RevisionOfKey(o.Key)
	if !r.faulty[o.Key] && (err != nil || !r.revised[rev]) {
		return nil
	}
	if err := r.lease.hold(ctx); err != nil {
		return err
	}
	if err := r.lease.b.replaceLive(ctx, o); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.written[o.Key] = true
	return nil
}

// Check verifies what was written again, and notes in v which faults are gone.
func (r *Repairs) Check(ctx context.Context, v *Verification) error {
	again, err := r.lease.b.verifyUnits(ctx, v)
	if err != nil {
		return err
	}
	for i, f := range v.Faults {
		v.Faults[i].Repaired = r.written[f.Key] && !slices.ContainsFunc(again, func(x Fault) bool { return x.Key == f.Key })
	}
	known := v.Faults
	for _, f := range again {
		if !slices.ContainsFunc(known, func(k Fault) bool { return k.Key == f.Key }) {
			v.Faults = append(v.Faults, f)
		}
	}
	return nil
}

// verifyUnits checks only the units that have faults.
func (b *Bucket) verifyUnits(ctx context.Context, v *Verification) ([]Fault, error) {
	units := map[string]bool{}
	for _, f := range v.Faults {
		units[f.unit] = true
	}
	w := &verifier{b: b, state: newVerifyState(), result: &Verification{}}
	head := &unitCheck{v: w}
	m, err := head.manifest(ctx, v.Environment, v.Snapshot)
	if m == nil {
		return head.faults, err
	}
	faults := head.faults
	for _, u := range unitsOf(m) {
		if !units[u.name] {
			continue
		}
		c := &unitCheck{v: w, name: u.name}
		if err := u.check(ctx, c); err != nil {
			return nil, err
		}
		faults = append(faults, c.faults...)
	}
	return faults, nil
}
