// Package find says in which snapshots a package version is, and since when and
// until when it was live. The audit log tells most of it: a manifest is only read
// where the log does not say what a move changed.
package find

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// Query is what is looked for.
type Query struct {
	Name string
	// Version is empty if every version of Name is meant.
	Version string
}

// ParseQuery reads NAME or NAME-VERSION. No name has a hyphen.
func ParseQuery(text string) (Query, bool) {
	name, version, versioned := strings.Cut(text, "-")
	return Query{name, version}, layout.ValidPackageName(name) && versioned == (version != "")
}

func (q Query) matches(name, version string) bool {
	return name == q.Name && (q.Version == "" || version == q.Version)
}

// Found is a package version in an environment.
type Found struct {
	Environment string `json:"environment"`
	Name        string `json:"package"`
	Version     string `json:"version"`
	Live        bool   `json:"live"`
	// Periods are when it was live, the newest first.
	Periods []Period `json:"periods"`
	// Snapshots are those in the bucket that have it, the newest first, and Tags
	// the names that some of them have.
	Snapshots []publish.Stored `json:"snapshots"`
	Tags      []string         `json:"tags,omitempty"`
}

// Period is a time in which a version was live with one content.
type Period struct {
	// Since is when it went live. Earlier: it was live before, but since when
	// is not on record.
	Since   time.Time `json:"since,omitzero"`
	Earlier bool      `json:"earlier,omitempty"`
	// Until is when it was live no longer; zero if it is live. Later: it may
	// have been live longer, which is not on record.
	Until time.Time `json:"until,omitzero"`
	Later bool      `json:"later,omitempty"`
	// First and Last are the snapshots with which it went live, and with which
	// it was live to the end.
	First string `json:"first_snapshot"`
	Last  string `json:"last_snapshot"`
	// Revision and Branch are empty where no manifest is left that says them.
	Revision string `json:"revision,omitempty"`
	Branch   string `json:"branch,omitempty"`
	// Origin is the state of that branch from which First was built.
	Origin *publish.Branch `json:"origin,omitempty"`
	// Change is the commit that made this content, where a source knows it.
	Change *index.Commit `json:"change,omitempty"`
	// Began and Ended are the moves that did it.
	Began *layout.Move `json:"began,omitempty"`
	Ended *layout.Move `json:"ended,omitempty"`
}

// Result is what Find found in an environment.
type Result struct {
	// Found are the versions, the highest first.
	Found []Found
	// Names are the package versions that are known by the way: by name, with
	// their versions. They are for suggestions.
	Names map[string][]string
	// Faults are manifests that could not be read; nil if there are none.
	Faults error
}

// Find looks for a package in an environment, whose snapshots stored are, the
// newest first.
func Find(ctx context.Context, b *publish.Bucket, env string, stored []publish.Stored, q Query) (*Result, error) {
	s := &search{b: b, env: env, q: q, stored: map[string]bool{}, states: map[string]state{}, read: map[string]*layout.Manifest{}, names: map[string]map[string]bool{}}
	for _, snapshot := range stored {
		s.stored[snapshot.ID] = true
	}
	reigns, err := reignsOf(ctx, b, env)
	if err == nil {
		err = s.follow(ctx, reigns)
	}
	if err == nil {
		err = s.readRest(ctx, stored)
	}
	if err != nil {
		return nil, err
	}
	tags, err := b.Tags(ctx, env)
	if err != nil {
		return nil, err
	}
	r := &Result{Names: map[string][]string{}}
	versions := map[string]bool{}
	for _, st := range s.states {
		for v := range st.has {
			versions[v] = true
		}
	}
	for _, v := range descending(slices.Collect(maps.Keys(versions))) {
		f := Found{Environment: env, Name: q.Name, Version: v, Periods: []Period{}, Snapshots: []publish.Stored{}}
		if f.Periods, err = s.periods(ctx, reigns, v); err != nil {
			return nil, err
		}
		f.Live = len(f.Periods) > 0 && f.Periods[0].Until.IsZero() && !f.Periods[0].Later
		for _, snapshot := range stored {
			if _, has := s.states[snapshot.ID].has[v]; has {
				f.Snapshots = append(f.Snapshots, snapshot)
				for _, t := range tags {
					if t.Snapshot == snapshot.ID {
						f.Tags = append(f.Tags, t.Name)
					}
				}
			}
		}
		r.Found = append(r.Found, f)
	}
	for name, versions := range s.names {
		r.Names[name] = descending(slices.Collect(maps.Keys(versions)))
	}
	r.Faults = errors.Join(s.faults...)
	return r, nil
}

// descending orders versions, the highest first.
func descending(versions []string) []string {
	slices.SortFunc(versions, Newer)
	return versions
}

// Newer compares two versions: below 0 if the first is the newer one.
func Newer(a, b string) int {
	x, err := semver.StrictNewVersion(a)
	y, err2 := semver.StrictNewVersion(b)
	if err != nil || err2 != nil {
		return strings.Compare(b, a)
	}
	if c := y.Compare(x); c != 0 {
		return c
	}
	return strings.Compare(b, a) // they differ in build metadata
}
