package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// errOtherRender: this regsnap does not write what a snapshot has.
var errOtherRender = errors.New("rendered by another version")

// repair renders what is faulty from the source again.
func repair(c *cli.Context, p place, v *publish.Verification, o publish.VerifyOptions) (_ *publish.Verification, err error) {
	src, err := p.cfg.openSource(c.Context)
	if err != nil {
		return nil, err
	}
	defer closing(&err, "source", src)
	lease := p.bucket.Lease(leaseOptions(c, "repair"))
	defer releasing(c, &err, lease)
	repairs := v.Repairs(lease)
	options, known, whole, err := rebuildOptions(c.Context, p, v.Snapshot, repairs)
	if err != nil {
		return nil, err
	}
	ways := []build.Options{options}
	if options.Render == 0 { // the manifest is lost
		ways = append(ways, alike(c.Context, p, options)...)
	}
	sign, err := signer(c)
	if err != nil {
		return nil, err
	}
	got := ""
	for _, way := range ways {
		way.Source, way.Sign = atCommits{src, known}, sign
		result, err := build.Build(c.Context, way)
		if err != nil {
			return nil, fmt.Errorf("render %s again: %w", v.Snapshot, err)
		}
		if id := result.Snapshots[0].ID; got == "" || id == v.Snapshot {
			got = id
		}
		if got == v.Snapshot {
			break
		}
	}
	if got != v.Snapshot {
		fmt.Fprintf(c.App.ErrWriter, "the source gives another snapshot now, %s: only what is the same in both can be repaired\n", got)
		if options.Render == 0 {
			fmt.Fprintf(c.App.ErrWriter, "the manifest of %s is lost, and with it which regsnap made it and how: repair it with that version and its configuration; %s\n", v.Snapshot, instead(p.env))
		}
	}
	if !whole { // the manifest was faulty, so nothing else was looked at yet
		return p.bucket.Verify(c.Context, p.env, v.Snapshot, o)
	}
	return v, repairs.Check(c.Context, v)
}

// instead is what helps where a snapshot cannot be made again.
func instead(env string) string {
	return fmt.Sprintf("or publish a snapshot of this one (regsnap build --publish --allow-render; after regsnap recover --env %s if what is live cannot be read), and repair that", env)
}

// Of the snapshots that tell how one whose manifest is lost may have been built, so many
// are looked at in each environment, and so many ways are tried: each is a build.
const (
	mostAlike = 20
	mostWays  = 6
)

// alike are other ways in which a snapshot may have been built whose manifest is lost: as
// others of the bucket were, of its own environment first. What cannot be read tells
// nothing.
func alike(ctx context.Context, p place, o build.Options) (ways []build.Options) {
	type way struct {
		regsnap, service string
		render, inline   int
		catalogue        bool
		budget           layout.Budget
		cache            layout.CachePolicy
	}
	wayOf := func(o build.Options) way {
		e := o.Environments[0]
		return way{o.Regsnap, e.ServiceVersion, o.Render, e.Inline, e.Catalogue, o.Budget, e.Cache}
	}
	o.Render = build.RenderVersion
	tried := map[way]bool{wayOf(o): true}
	stored, err := p.bucket.Snapshots(ctx, "")
	if err != nil {
		return nil
	}
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(stored)), func(env string) bool { return env == p.env })
	for _, env := range append([]string{p.env}, others...) {
		for _, s := range stored[env][:min(mostAlike, len(stored[env]))] {
			m, err := p.bucket.Head(ctx, env, s.ID)
			if err != nil || !build.SamePackages(m.Render) {
				continue
			}
			as, e := o, o.Environments[0]
			as.Regsnap, as.Render = m.Regsnap, m.Render
			if env == p.env {
				as.Budget, e.Catalogue, e.Inline = m.Budget, m.Catalogue != nil, 0
				if len(m.Lists) > 0 {
					e.Inline = 1
				}
				if r, err := p.bucket.Routes(ctx, env, s.ID); err == nil {
					e.ServiceVersion, e.Cache = r.ServiceVersion, r.Cache
				}
			}
			as.Environments = []build.Environment{e}
			if w := wayOf(as); !tried[w] {
				tried[w] = true
				ways = append(ways, as)
			}
			if len(ways) == mostWays {
				return ways
			}
		}
	}
	return ways
}

// rebuildOptions are those that a snapshot was built with: by its manifest and
// routes, or as far as these cannot be read by the audit log and the configuration.
// whole reports that the manifest can be read, with all of its lists; without any of it
// the render version is 0.
func rebuildOptions(ctx context.Context, p place, id string, repairs *publish.Repairs) (_ build.Options, known []layout.ManifestBranch, whole bool, err error) {
	e := p.cfg.Environments[p.env]
	env := build.Environment{Name: p.env, Branches: e.Branches, ServiceVersion: e.ServiceVersion, Cache: e.cachePolicy(), Catalogue: e.Catalog == catalogOn, Inline: e.inline()}
	o := build.Options{Regsnap: version(), Budget: p.cfg.budget(), Parallel: p.bucket.Parallel(), Store: repairs}
	m, err := p.bucket.Manifest(ctx, p.env, id)
	if whole = err == nil; !whole && !unread(err) {
		m, err = p.bucket.Head(ctx, p.env, id)
	}
	if unread(err) {
		return o, nil, false, err
	}
	if err != nil {
		if known, err = auditedBranches(ctx, p, id); err != nil {
			return o, nil, false, err
		}
		if known != nil {
			env.Branches = nil
		}
		for _, b := range known {
			env.Branches = append(env.Branches, b.Name)
		}
		o.Environments = []build.Environment{env}
		return o, known, false, nil
	}
	if !build.SamePackages(m.Render) {
		return o, nil, whole, fmt.Errorf("%w: %s was made by regsnap %s (render version %d, this is %d): repair it with that version; %s", errOtherRender, id, m.Regsnap, m.Render, build.RenderVersion, instead(p.env))
	}
	env.Branches, env.Catalogue, env.Inline = nil, m.Catalogue != nil, 0
	if len(m.Lists) > 0 {
		env.Inline = 1 // as it was: in lists, however small
	}
	for _, b := range m.Branches {
		env.Branches = append(env.Branches, b.Name)
	}
	if r, err := p.bucket.Routes(ctx, p.env, id); err == nil {
		env.ServiceVersion, env.Cache = r.ServiceVersion, r.Cache
	} else if unread(err) {
		return o, nil, whole, err
	}
	o.Environments, o.Regsnap, o.Budget, o.Render = []build.Environment{env}, m.Regsnap, m.Budget, m.Render
	if !whole {
		return o, m.Branches, false, nil
	}
	// Only that the rest is there is taken from the manifest: what it says is
	// rendered again, because the catalog may be among what is faulty.
	o.Live = []build.Live{{Manifest: repairs.Sound(m)}}
	return o, m.Branches, true, nil
}

// unread reports that it was the store that failed: what a snapshot has may be sound.
func unread(err error) bool {
	return err != nil && !slices.ContainsFunc([]error{publish.ErrDamaged, publish.ErrNoSnapshot, fs.ErrNotExist, layout.ErrNewer, layout.ErrOutdated}, func(is error) bool { return errors.Is(err, is) })
}

// auditedBranches are the commits that a snapshot was built from, by the audit log;
// nil if that does not know it.
func auditedBranches(ctx context.Context, p place, id string) ([]layout.ManifestBranch, error) {
	for m, err := range p.bucket.Moves(ctx, p.env) {
		if err != nil {
			return nil, err
		}
		if m.Snapshot != id || len(m.Branches) == 0 {
			continue
		}
		var known []layout.ManifestBranch
		for _, b := range m.Branches {
			known = append(known, layout.ManifestBranch{Name: b.Name, Commit: b.Commit})
		}
		return known, nil
	}
	return nil, nil
}

// atCommits is a source whose branches are where they were when a snapshot was
// built, as far as the source still has those commits.
type atCommits struct {
	index.Source
	branches []layout.ManifestBranch
}

func (s atCommits) commit(name string) string {
	i := slices.IndexFunc(s.branches, func(b layout.ManifestBranch) bool { return b.Name == name })
	if i < 0 {
		return ""
	}
	return s.branches[i].Commit
}

// Branch lists the branch as it was; else as it is.
func (s atCommits) Branch(ctx context.Context, name string) (*index.Branch, error) {
	commit := s.commit(name)
	if commit == "" {
		return s.Source.Branch(ctx, name)
	}
	b, err := s.Source.Branch(ctx, commit)
	if errors.Is(err, index.ErrNoBranch) {
		return s.Source.Branch(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	was := *b
	was.Name, was.Entries = name, slices.Clone(b.Entries)
	for i := range was.Entries {
		was.Entries[i].Branch = name
	}
	return &was, nil
}
