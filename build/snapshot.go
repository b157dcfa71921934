package build

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// snapshot renders one environment: documents and responses that the bucket
// lacks, then manifest and routes.
func (b *builder) snapshot(ctx context.Context, env Environment, set []index.Merged) (*Snapshot, error) {
	rows := renderRows(set, func(e index.Entry) *index.Loaded { return b.loaded[keyOf(e)] })
	routes, err := newRoutes(env, rows)
	if err != nil {
		return nil, err
	}
	table, err := layout.NewTable(routes)
	if err != nil {
		return nil, err
	}
	plan := planResponses(table, b.Budget)
	routes.Catalog = plan.responses[0].digest
	responses, err := b.writeResponses(ctx, env, table, rows, plan)
	if err != nil {
		return nil, err
	}
	encoded := routes.Encode()
	m := &layout.Manifest{
		Format: layout.ManifestFormat, Environment: env.Name, Regsnap: b.Regsnap,
		Routes: digestOf(encoded), Responses: responses, Coverage: plan.coverage,
	}
	for _, name := range env.Branches {
		m.Branches = append(m.Branches, b.manifestBranch(name, set))
	}
	for _, r := range rows {
		m.Packages = append(m.Packages, b.manifestPackage(r))
	}
	s := &Snapshot{ID: m.ID(), Manifest: m}
	// Routes before the manifest: a snapshot whose manifest is there is whole.
	for _, o := range []layout.Object{
		{Key: layout.RoutesKey(env.Name, s.ID), Body: encoded, ContentType: "application/json", CacheControl: immutable},
		{Key: layout.ManifestKey(env.Name, s.ID), Body: m.Encode(), ContentType: "application/json", CacheControl: immutable},
	} {
		if err := b.put.now(ctx, o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// job is a response that is to be in the bucket.
type job struct {
	digest layout.Digest
	class  layout.CacheClass
	body   func() []byte
}

// minGzip is the size from which an encoded twin is worth an object of its own:
// below, it saves no packet.
const minGzip = 1 << 10

// writeResponses stores documents and planned responses, and lists them all.
func (b *builder) writeResponses(ctx context.Context, env Environment, t *layout.Table, rows []row, p *plan) ([]layout.ManifestResponse, error) {
	var jobs []job
	for i, r := range rows {
		jobs = append(jobs, job{t.Document(i), layout.CacheIndex, func() []byte { return r.document }})
	}
	for _, r := range p.responses {
		jobs = append(jobs, job{r.digest, layout.CacheContent, func() []byte {
			if r.body != nil {
				return r.body
			}
			return t.Assemble(r.selection, func(row int) []byte { return rows[row].summary })
		}})
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.digest, b.digest) })
	jobs = slices.CompactFunc(jobs, func(a, b job) bool { return a.digest == b.digest })
	out := make([]layout.ManifestResponse, len(jobs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	var done atomic.Int64
	for i, j := range jobs {
		g.Go(func() error {
			r, err := b.writeResponse(ctx, j)
			out[i] = r
			b.progress("render "+env.Name, int(done.Add(1)), len(jobs))
			return err
		})
	}
	return out, g.Wait()
}

// writeResponse stores one response, unless the bucket is known to have it.
func (b *builder) writeResponse(ctx context.Context, j job) (layout.ManifestResponse, error) {
	b.mu.Lock()
	r, there := b.responses[j.digest]
	b.mu.Unlock()
	if there {
		return r, nil
	}
	body := j.body()
	d := digestOf(body)
	r = layout.ManifestResponse{Digest: j.digest, Size: d.Size, SHA256: d.SHA256}
	o := layout.Object{Key: layout.ResponseKey(j.digest), Body: body, ContentType: "application/json", CacheControl: cacheControl(j.class)}
	if err := b.put.now(ctx, o); err != nil {
		return r, err
	}
	if len(body) >= minGzip {
		encoded, err := gzip(body)
		if err != nil {
			return r, err
		}
		o.Key, o.Body, o.ContentEncoding = o.Key+layout.GzipSuffix, encoded, "gzip"
		if err := b.put.now(ctx, o); err != nil {
			return r, err
		}
		r.Gzip = int64(len(encoded))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.responses[j.digest] = r
	b.result.Stats.ResponsesWritten++
	return r, nil
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

func (b *builder) manifestPackage(r row) layout.ManifestPackage {
	source := r.merged.Tree
	if r.merged.IsArchive() {
		source = r.merged.Archive
	}
	p := layout.ManifestPackage{
		Name: r.revision.Name, Version: r.revision.Version, Revision: r.revision.ID,
		Branch: r.merged.Branch, Source: source.String(), Hides: r.merged.Hides,
		Contents: b.contents[r.revision], Document: layout.DigestOf(r.document),
	}
	if !r.merged.Signature.IsZero() {
		p.Signature = r.merged.Signature.String()
	}
	return p
}
