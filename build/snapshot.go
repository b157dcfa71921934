package build

import (
	"cmp"
	"context"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// snapshot renders one environment: documents and responses that the bucket
// lacks, then routes and manifest.
func (b *builder) snapshot(ctx context.Context, t *target) (*Snapshot, error) {
	if t.done != nil {
		return &Snapshot{ID: t.done.Manifest.ID(), Manifest: t.done.Manifest}, nil
	}
	routes := newRoutes(t.env, t.rows)
	table, err := layout.NewTable(routes)
	if err != nil {
		return nil, err
	}
	plan := planResponses(table, b.Budget)
	routes.Catalog = plan.responses[0].digest
	responses, err := b.writeResponses(ctx, t, table, plan)
	if err != nil {
		return nil, err
	}
	encoded := routes.Encode()
	m := &layout.Manifest{
		Format: layout.ManifestFormat, Environment: t.env.Name, Regsnap: b.Regsnap, Render: RenderVersion, Budget: b.Budget,
		Branches: t.branches, Routes: digestOf(encoded), Responses: responses, Coverage: plan.coverage,
	}
	for _, r := range t.rows {
		m.Packages = append(m.Packages, b.manifestPackage(r))
	}
	manifest := m.Encode()
	s := &Snapshot{ID: m.IDOf(manifest), Manifest: m}
	// Routes before the manifest: a snapshot whose manifest is there is whole.
	for _, o := range []layout.Object{
		{Key: layout.RoutesKey(t.env.Name, s.ID), Body: encoded, ContentType: "application/json", CacheControl: immutable},
		{Key: layout.ManifestKey(t.env.Name, s.ID), Body: manifest, ContentType: "application/json", CacheControl: immutable},
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
	// large: it may be kept encoded only. The catalog may not, since edges
	// read parts of it, and documents have no other way to be made.
	large bool
}

// minGzip is the size from which an encoded twin is worth an object of its own:
// below, it saves no packet.
const minGzip = 1 << 10

// encodedOnly is the size from which only the encoded twin is kept. Lists of
// every version are over a megabyte each and differ little; plain they would be
// most of what a push uploads, and hardly a client asks for them plain.
const encodedOnly = 256 << 10

// writeResponses stores documents and planned responses, and lists them all.
func (b *builder) writeResponses(ctx context.Context, t *target, table *layout.Table, p *plan) ([]layout.ManifestResponse, error) {
	var jobs []job
	for _, r := range t.rows {
		jobs = append(jobs, job{r.facts.document, layout.CacheIndex, func() []byte { return r.rendering.document }, false})
	}
	for i, r := range p.responses {
		jobs = append(jobs, job{r.digest, layout.CacheContent, func() []byte {
			if r.query.Counting {
				return table.Count(table.Select(r.query), r.query.IncludePolicyTemplates)
			}
			return table.Assemble(table.Select(r.query), func(i int) []byte { return t.rows[i].fragment() })
		}, i > 0})
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.digest, b.digest) })
	jobs = slices.CompactFunc(jobs, func(a, b job) bool { return a.digest == b.digest })
	out := make([]layout.ManifestResponse, len(jobs))
	var todo []int
	for i, j := range jobs {
		r, there := b.responses[j.digest]
		if out[i] = r; !there {
			todo = append(todo, i)
		}
	}
	if len(todo) == 0 {
		return out, nil
	}
	for _, r := range t.rows {
		if r.live != nil {
			if err := r.live.readCatalog(ctx, b.Store); err != nil {
				return nil, err
			}
		}
	}
	// In the cloud each response waits for the network; on disk for a core.
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(b.put.parallel, maxRendering))
	var done atomic.Int64
	for _, i := range todo {
		g.Go(func() error {
			r, err := b.writeResponse(ctx, jobs[i])
			out[i] = r
			b.progress("render "+t.env.Name, int(done.Add(1)), len(todo))
			return err
		})
	}
	return out, g.Wait()
}

// maxRendering bounds the responses that are in memory at once: the largest are
// a megabyte or two.
const maxRendering = 64

// writeResponse stores one response, and its encoded twin.
func (b *builder) writeResponse(ctx context.Context, j job) (layout.ManifestResponse, error) {
	body := j.body()
	d := digestOf(body)
	r := layout.ManifestResponse{Digest: j.digest, Size: d.Size, SHA256: d.SHA256, EncodedOnly: j.large && len(body) >= encodedOnly}
	plain := layout.Object{Key: layout.ResponseKey(j.digest), Body: body, ContentType: "application/json", CacheControl: cacheControl(j.class), SHA256: d.SHA256}
	if !r.EncodedOnly {
		if err := b.put.now(ctx, plain); err != nil {
			return r, err
		}
	}
	if len(body) >= minGzip {
		encoded, err := gzipEncode(body)
		if err != nil {
			return r, err
		}
		twin := plain
		twin.Key, twin.Body, twin.ContentEncoding, twin.SHA256 = plain.Key+layout.GzipSuffix, encoded, "gzip", ""
		if err := b.put.now(ctx, twin); err != nil {
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
		Contents: b.contents[r.revision], Document: r.facts.document, Deprecated: r.facts.deprecated,
	}
	if !r.merged.Signature.IsZero() {
		p.Signature = r.merged.Signature.String()
	}
	return p
}
