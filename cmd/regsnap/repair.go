package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

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
	options.Source = atCommits{src, known}
	if options.Sign, err = signer(c); err != nil {
		return nil, err
	}
	result, err := build.Build(c.Context, options)
	if err != nil {
		return nil, fmt.Errorf("render %s again: %w", v.Snapshot, err)
	}
	if got := result.Snapshots[0].ID; got != v.Snapshot {
		fmt.Fprintf(c.App.ErrWriter, "the source gives another snapshot now, %s: only what is the same in both can be repaired\n", got)
	}
	if !whole { // the manifest was faulty, so nothing else was looked at yet
		return p.bucket.Verify(c.Context, p.env, v.Snapshot, o)
	}
	return v, repairs.Check(c.Context, v)
}

// rebuildOptions are those that a snapshot was built with: by its manifest and
// routes, or as far as these cannot be read by the audit log and the configuration.
// whole reports that the manifest can be read, with all of its lists.
func rebuildOptions(ctx context.Context, p place, id string, repairs *publish.Repairs) (_ build.Options, known []layout.ManifestBranch, whole bool, err error) {
	e := p.cfg.Environments[p.env]
	env := build.Environment{Name: p.env, Branches: e.Branches, ServiceVersion: e.ServiceVersion, Cache: e.cachePolicy(), Catalogue: e.Catalog == catalogOn, Inline: e.inline()}
	o := build.Options{Regsnap: version(), Budget: p.cfg.budget(), Parallel: p.bucket.Parallel(), Store: repairs}
	m, err := p.bucket.Manifest(ctx, p.env, id)
	if whole = err == nil; !whole {
		m, err = p.bucket.Head(ctx, p.env, id)
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
		return o, nil, whole, fmt.Errorf("%s was rendered by regsnap %s (render version %d, this is %d): repair it with that version", id, m.Regsnap, m.Render, build.RenderVersion)
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
