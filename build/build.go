// Package build turns branches of a package storage into snapshots of a
// registry: it renders what a bucket lacks and writes one manifest and one
// table of routes for each environment. It moves no pointer.
//
// The same commits and the same version of regsnap give the same bytes: nothing
// that is written depends on the clock, the host, the order of work or the run.
package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// Environment is what a build needs to know of an environment.
type Environment struct {
	Name string
	// Branches in the order of precedence: the first that has a name and
	// version wins.
	Branches []string
	// ServiceVersion is what "/" reports.
	ServiceVersion string
	Cache          layout.CachePolicy
	// Catalogue: it has pages for people.
	Catalogue bool
	// Inline, if it is not 0, is up to how many bytes a manifest has in it what it lists.
	// A larger one keeps it in objects of their own, of which snapshots share most, and
	// which a regsnap before manifest format 4 cannot read.
	Inline int
}

// Options say what to build, from what, into what.
type Options struct {
	Source       index.Source
	Store        Store
	Environments []Environment
	// Regsnap is the version of this program, as the manifest records it.
	Regsnap string
	// Render, if it is not 0, is the render version to write: one of SamePackages, to
	// make a snapshot again that an earlier regsnap made.
	Render int
	Budget layout.Budget
	Limits index.Limits
	// Sign, if set, signs the archives that come without a signature.
	Sign Signer
	// Live are the snapshots that are live in the bucket: what they list is
	// there, and is not rendered again.
	Live []Live
	// Shard, if set, is the part of the package revisions that is stored. No snapshot
	// is made then: the build without it makes that of what it finds.
	Shard Shard
	// Parallel is how many objects are stored at once.
	Parallel int
	// Early, if set, is called for each environment that is built as soon as the store
	// has all that answers to clients need but archives and files: these are stored
	// afterwards, those that Urgent names before others. It makes the build slower, and
	// what it is given is no snapshot: no manifest vouches for it.
	Early  func(context.Context, Early) error
	Urgent <-chan layout.Revision
	// Progress, if set, is told how far the work is. It may be called from any
	// goroutine.
	Progress func(Progress)
	// Document, if set, is given each package document that was stored, which must not
	// be changed. It may be called from any goroutine.
	Document func(layout.Digest, []byte)
}

// Progress says how far one phase of a build is.
type Progress struct {
	Phase       string
	Done, Total int
	// Bytes is how much was stored so far, over all phases.
	Bytes int64
}

// ErrInvalid means that packages are broken; the Report says which and why.
// Nothing was written.
var ErrInvalid = errors.New("the package storage is not valid")

// Snapshot is one environment, built.
type Snapshot struct {
	ID       string
	Manifest *layout.Manifest
}

// Stats counts the work of a build.
type Stats struct {
	Packages         int   `json:"packages"`          // package versions that were read and checked
	RevisionsWritten int   `json:"revisions_written"` // package revisions that the bucket lacked
	RevisionsFound   int   `json:"revisions_found"`   // those that no live snapshot has, and an earlier build or a shard had stored
	ResponsesWritten int   `json:"responses_written"`
	Objects          int64 `json:"objects"` // objects stored
	Bytes            int64 `json:"bytes"`   // bytes stored
	BlobsRead        int   `json:"blobs_read"`
	YAMLParsed       int64 `json:"yaml_parsed"`
}

// Result is what a build did and found.
type Result struct {
	Snapshots []Snapshot
	// Sharded is how many package revisions belong to the shard.
	Sharded int
	Report  index.Findings
	Stats   Stats
}

// builder gathers: it reads branches until the rows of every environment are
// known. What it finds its writer stores.
type builder struct {
	Options
	*writer
	result   Result
	branches map[string]*index.Branch
	loader   *parse.Loader
	kept     *keptSource
	loaded   map[entryKey]*parse.Loaded
	ranges   rangesCache
	sharded  map[layout.Revision]bool
	blobs    atomic.Int64
}

// entryKey is what makes two entries the same package revision.
type entryKey struct {
	name, version            string
	tree, archive, signature index.ID
}

func keyOf(e index.Entry) entryKey {
	return entryKey{e.Name, e.Version, e.Tree, e.Archive, e.Signature}
}

// Build reads the branches, checks every package that is new, and only if all
// are valid writes what the store lacks. The result is never nil: with
// ErrInvalid its Report tells everything that was found.
func Build(ctx context.Context, o Options) (*Result, error) {
	if o.Budget == (layout.Budget{}) {
		o.Budget = DefaultBudget
	}
	if o.Render == 0 {
		o.Render = RenderVersion
	}
	b := &builder{
		Options: o, writer: newWriter(o.Store, o.Parallel, o.Progress),
		branches: map[string]*index.Branch{}, loaded: map[entryKey]*parse.Loaded{}, ranges: rangesCache{},
		sharded: map[layout.Revision]bool{},
	}
	b.budget, b.regsnap, b.render, b.sign, b.document = o.Budget, o.Regsnap, o.Render, o.Sign, o.Document
	b.Source = countingSource{o.Source, &b.blobs}
	b.kept = newKeptSource(b.Source)
	b.loader = &parse.Loader{Source: b.kept, Parser: parse.NewParser(), Limits: b.Limits,
		Progress: func(done, total int) { b.progress("read packages", done, total) }}
	defer b.put.close()
	err := b.run(ctx)
	b.result.Report.Sort()
	stats := b.loader.Parser.Stats()
	b.result.Stats.YAMLParsed = stats.Manifests + stats.DataStreams + stats.Fields + stats.Pipelines
	b.result.Stats.BlobsRead = int(b.blobs.Load())
	b.result.Stats.ResponsesWritten = b.rendered
	b.result.Sharded = len(b.sharded)
	b.result.Stats.Objects, b.result.Stats.Bytes = b.objects.Load(), b.bytes.Load()
	return &b.result, err
}

// target is one environment on its way to a snapshot.
type target struct {
	env      Environment
	branches []layout.ManifestBranch
	rows     []row
	// built is the snapshot: the live one, when building would give the same, else
	// what the writer makes.
	built *Snapshot
	// slice is set when only a part of a snapshot is being made.
	slice *layout.SliceOf
	// site is what the catalogue says of each name; nil without a catalogue.
	site []siteOf
}

func (b *builder) run(ctx context.Context) error {
	for _, l := range b.Live {
		b.vouch(l.Manifest)
		if !l.speaks() {
			continue
		}
		s, err := newLive(l)
		if err != nil {
			return err
		}
		b.live = append(b.live, s)
	}
	if err := b.list(ctx); err != nil {
		return err
	}
	targets := make([]*target, len(b.Environments))
	for i, env := range b.Environments {
		targets[i] = b.target(env)
		if len(targets[i].rows) == 0 && len(b.result.Report.Errors) == 0 {
			return fmt.Errorf("environment %s: %w: all of its branches are empty", env.Name, index.ErrEmptyBranch)
		}
	}
	if b.Shard != (Shard{}) {
		return b.writeShard(ctx, targets)
	}
	if err := b.write(ctx, slices.DeleteFunc(slices.Clone(targets), func(t *target) bool { return t.built != nil })); err != nil {
		return err
	}
	for _, t := range targets {
		b.result.Snapshots = append(b.result.Snapshots, *t.built)
	}
	return nil
}

// write makes the snapshots that are not live already.
func (b *builder) write(ctx context.Context, targets []*target) error {
	if err := b.resolve(ctx, targets); err != nil {
		return err
	}
	// Writing waits for the store, planning for nobody.
	plans := make([]*planned, len(targets))
	if b.Early != nil {
		for i, t := range targets {
			var err error
			if plans[i], err = b.early(ctx, t); err != nil {
				return fmt.Errorf("environment %s: %w", t.env.Name, err)
			}
		}
	}
	g, writing := errgroup.WithContext(ctx)
	g.Go(func() error { return b.writeRevisions(writing, targets) })
	g.Go(func() (err error) {
		for i, t := range targets {
			if plans[i] != nil {
				continue
			}
			if plans[i], err = b.plan(writing, t); err != nil {
				return fmt.Errorf("environment %s: %w", t.env.Name, err)
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}
	b.loaded = nil // the files of a hundred thousand packages are room for responses
	for i, t := range targets {
		var err error
		if t.built, err = b.snapshot(ctx, t, plans[i]); err != nil {
			return fmt.Errorf("environment %s: %w", t.env.Name, err)
		}
	}
	return nil
}

// list reads what the branches hold.
func (b *builder) list(ctx context.Context) error {
	var failed []error
	for _, env := range b.Environments {
		for _, name := range env.Branches {
			if b.branches[name] != nil {
				continue
			}
			branch, err := b.Source.Branch(ctx, name)
			if err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				failed = append(failed, fmt.Errorf("environment %s: %w", env.Name, err))
				continue
			}
			b.branches[name] = branch
			for i, p := range branch.Found.Errors {
				index.Blame(ctx, b.Source, name, p.File, branch.Found.Errors[i:i+1])
			}
			b.result.Report.Add(branch.Found)
		}
	}
	return errors.Join(failed...)
}

// target merges an environment's package set. A package that a more important
// branch hides is not looked at further: nobody sees it.
func (b *builder) target(env Environment) *target {
	var branches []*index.Branch
	for _, name := range env.Branches {
		branches = append(branches, b.branches[name])
	}
	set := index.Merge(branches)
	t := &target{env: env, rows: make([]row, len(set))}
	parallel(len(set), func(i int) {
		t.rows[i] = row{merged: &set[i], revision: revisionOf(set[i].Entry, b.Sign)}
	})
	for _, name := range env.Branches {
		t.branches = append(t.branches, b.manifestBranch(name, set))
	}
	for _, s := range b.live {
		if s.same(env, b.Options, t.branches, t.rows) {
			t.built = &Snapshot{ID: s.Manifest.ID(), Manifest: s.Manifest}
		}
	}
	return t
}

func (b *builder) manifestBranch(name string, set []index.Merged) layout.ManifestBranch {
	branch := b.branches[name]
	m := layout.ManifestBranch{Name: name, Packages: len(branch.Entries)}
	if c := branch.Commit; c != nil {
		m.Commit, m.Time, m.Author, m.Subject = c.Hash, c.Time.UTC(), c.Author, c.Subject
	}
	for _, e := range set {
		if slices.Contains(e.Hides, name) {
			m.Hidden++
		}
	}
	return m
}
