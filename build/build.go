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
	"io/fs"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
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
}

// Options say what to build, from what, into what.
type Options struct {
	Source       index.Source
	Store        Store
	Environments []Environment
	// Regsnap is the version of this program, as the manifest records it.
	Regsnap string
	Budget  Budget
	Limits  index.Limits
	// Live are manifests that the bucket vouches for: what they list is there
	// and need not be looked for.
	Live []*layout.Manifest
	// Parallel is how many objects are stored at once.
	Parallel int
	// Progress, if set, is told how far the work is. It may be called from any
	// goroutine.
	Progress func(Progress)
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
	Packages         int   `json:"packages"`          // entries of the branches that were looked at
	RevisionsWritten int   `json:"revisions_written"` // package revisions that the bucket lacked
	ResponsesWritten int   `json:"responses_written"`
	Objects          int64 `json:"objects"` // objects stored
	Bytes            int64 `json:"bytes"`   // bytes stored
	BlobsRead        int   `json:"blobs_read"`
	YAMLParsed       int64 `json:"yaml_parsed"`
}

// Result is what a build did and found.
type Result struct {
	Snapshots []Snapshot
	Report    index.Report
	Stats     Stats
}

// builder is one run of Build.
type builder struct {
	Options
	result   Result
	branches map[string]*index.Branch
	loaded   map[entryKey]*index.Loaded
	loader   *index.Loader
	put      *putter

	objects, bytes atomic.Int64
	// contents is the SHA-256 of contents.json by revision; a revision that is
	// in it is in the bucket.
	contents map[layout.Revision]string
	// responses are those that are in the bucket.
	mu        sync.Mutex
	responses map[layout.Digest]layout.ManifestResponse
}

// entryKey is what makes two entries the same package revision.
type entryKey struct {
	name, version            string
	tree, archive, signature index.ID
}

func keyOf(e index.Entry) entryKey {
	return entryKey{e.Name, e.Version, e.Tree, e.Archive, e.Signature}
}

// Build reads the branches, checks every package, and only if all are valid
// writes what the store lacks. The result is never nil: with ErrInvalid its
// Report tells everything that was found.
func Build(ctx context.Context, o Options) (*Result, error) {
	b := &builder{
		Options: o, branches: map[string]*index.Branch{}, loaded: map[entryKey]*index.Loaded{},
		contents: map[layout.Revision]string{}, responses: map[layout.Digest]layout.ManifestResponse{},
	}
	if b.Budget == (Budget{}) {
		b.Budget = DefaultBudget
	}
	if b.Parallel <= 0 {
		b.Parallel = 4 * runtime.GOMAXPROCS(0)
	}
	b.put = newPutter(o.Store, b.Parallel, func(n int) {
		b.objects.Add(1)
		b.bytes.Add(int64(n))
	})
	for _, m := range o.Live {
		b.vouch(m)
	}
	err := b.run(ctx)
	b.result.Report.Sort()
	b.result.Stats.Objects, b.result.Stats.Bytes = b.objects.Load(), b.bytes.Load()
	return &b.result, err
}

func (b *builder) run(ctx context.Context) error {
	if err := b.read(ctx); err != nil {
		return err
	}
	sets := make([][]index.Merged, len(b.Environments))
	for i, env := range b.Environments {
		sets[i] = b.merge(env)
	}
	if err := b.writeRevisions(ctx, sets); err != nil {
		return err
	}
	for i, env := range b.Environments {
		s, err := b.snapshot(ctx, env, sets[i])
		if err != nil {
			return fmt.Errorf("environment %s: %w", env.Name, err)
		}
		b.result.Snapshots = append(b.result.Snapshots, *s)
	}
	return nil
}

// vouch notes what a live manifest lists.
func (b *builder) vouch(m *layout.Manifest) {
	for _, p := range m.Packages {
		b.contents[layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}] = p.Contents
	}
	for _, r := range m.Responses {
		b.responses[r.Digest] = r
	}
}

// read lists the branches and parses every package that an environment shows.
// A package that a more important branch hides is not looked at: nobody sees it.
func (b *builder) read(ctx context.Context) error {
	var branchErrs []error
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
				branchErrs = append(branchErrs, fmt.Errorf("environment %s: branch %s: %w", env.Name, name, err))
				continue
			}
			b.branches[name] = branch
			for i, p := range branch.Problems {
				index.Blame(ctx, b.Source, name, p.File, branch.Problems[i:i+1])
			}
			b.result.Report.Errors = append(b.result.Report.Errors, branch.Problems...)
			b.result.Report.Warnings = append(b.result.Report.Warnings, branch.Warnings...)
		}
	}
	if err := errors.Join(branchErrs...); err != nil {
		return err
	}
	var entries []index.Entry
	seen := map[entryKey]bool{}
	for _, env := range b.Environments {
		for _, m := range b.merge(env) {
			if k := keyOf(m.Entry); !seen[k] {
				seen[k] = true
				entries = append(entries, m.Entry)
			}
		}
	}
	b.result.Stats.Packages = len(entries)
	b.loader = &index.Loader{Source: b.Source, Parser: index.NewParser(), Limits: b.Limits,
		Progress: func(done, total int) { b.progress("read packages", done, total) }}
	list, err := b.loader.Load(ctx, entries, &b.result.Report)
	if err != nil {
		return err
	}
	for i, l := range list {
		b.loaded[keyOf(entries[i])] = l
	}
	stats := b.loader.Parser.Stats()
	b.result.Stats.YAMLParsed = stats.Manifests + stats.DataStreams + stats.Fields + stats.Pipelines
	if n := len(b.result.Report.Errors); n > 0 {
		return ErrInvalid
	}
	return nil
}

func (b *builder) merge(env Environment) []index.Merged {
	var branches []*index.Branch
	for _, name := range env.Branches {
		branches = append(branches, b.branches[name])
	}
	return index.Merge(branches)
}

// idleBlobs is how much content is kept because a later version of the package
// may hold it too, in bytes.
const idleBlobs = 96 << 20

// writeRevisions renders the package revisions that the bucket lacks.
func (b *builder) writeRevisions(ctx context.Context, sets [][]index.Merged) error {
	var missing []*index.Loaded
	seen := map[layout.Revision]bool{}
	for _, set := range sets {
		for _, m := range set {
			rev := revisionOf(m.Entry)
			if _, there := b.contents[rev]; there || seen[rev] {
				continue
			}
			seen[rev] = true
			missing = append(missing, b.loaded[keyOf(m.Entry)])
		}
	}
	w := &revisionWriter{loader: b.loader, blobs: newBlobCache(b.Source, idleBlobs), put: b.put}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	var done, written atomic.Int64
	for _, l := range missing {
		g.Go(func() error {
			rev := revisionOf(l.Entry)
			sum, found, err := b.completed(ctx, rev)
			if err == nil && !found {
				written.Add(1)
				sum, err = w.write(ctx, l)
			}
			if err != nil {
				return err
			}
			b.mu.Lock()
			b.contents[rev] = sum
			b.mu.Unlock()
			b.progress("write packages", int(done.Add(1)), len(missing))
			return nil
		})
	}
	err := g.Wait()
	b.result.Stats.RevisionsWritten = int(written.Load())
	b.result.Stats.BlobsRead = w.blobs.reads
	return err
}

// completed looks for a revision that an earlier build, one that was never
// published or whose snapshot is no longer live, has written.
func (b *builder) completed(ctx context.Context, rev layout.Revision) (sum string, found bool, err error) {
	body, err := b.Store.Read(ctx, rev.ContentsKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	if _, err := layout.DecodeContents(body); err != nil {
		return "", false, fmt.Errorf("%s: %w", rev.ContentsKey(), err)
	}
	return sha256Hex(body), true, nil
}

func (b *builder) progress(phase string, done, total int) {
	if b.Progress != nil {
		b.Progress(Progress{Phase: phase, Done: done, Total: total, Bytes: b.bytes.Load()})
	}
}
