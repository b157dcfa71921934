package build

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// planned is what a snapshot will hold, before any of it is written.
type planned struct {
	table  *answer.Table
	plan   *plan
	blocks []block // of the catalog, one a name
}

// plan makes an environment's table, and finds the responses that it needs.
func (w *writer) plan(ctx context.Context, t *target) (*planned, error) {
	routes := newRoutes(t.env, t.rows)
	blocks, err := w.blocks(ctx, t, routes)
	if err != nil {
		return nil, err
	}
	setCatalog(routes, blocks)
	table, err := answer.NewTable(routes)
	if err != nil {
		return nil, err
	}
	first := 0
	for i, p := range routes.Catalog {
		routes.Catalog[i].Digest = table.PartDigest(first, p.Names)
		first += p.Names
	}
	routes.Every = table.EveryDigest()
	return &planned{table, planResponses(table, w.budget), blocks}, nil
}

// snapshot renders one environment: documents and responses that the bucket
// lacks, then routes and manifest.
func (w *writer) snapshot(ctx context.Context, t *target, p *planned) (*Snapshot, error) {
	responses, err := w.writeResponses(ctx, t, p)
	if err != nil {
		return nil, err
	}
	catalogue, pages, err := w.pages.write(ctx, t)
	if err != nil {
		return nil, err
	}
	responses = append(responses, pages...)
	slices.SortFunc(responses, func(a, b layout.ManifestResponse) int { return cmp.Compare(a.Digest, b.Digest) })
	if catalogue != nil {
		p.table.Site = catalogue.Site
	}
	encoded := p.table.Encode()
	m := w.manifest(t, p, encoded, responses)
	m.Catalogue = catalogue
	if err := w.writeLists(ctx, t.env, m); err != nil {
		return nil, err
	}
	manifest := m.Encode()
	s := &Snapshot{ID: m.IDOf(manifest), Manifest: m}
	// Routes before the manifest: a snapshot whose manifest is there is whole.
	for _, o := range []layout.Object{
		layout.RoutesObject(t.env.Name, s.ID).With(encoded),
		layout.ManifestObject(t.env.Name, s.ID).With(manifest),
	} {
		if err := w.put.now(ctx, o); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// manifest lists what a snapshot has but for its catalogue.
func (w *writer) manifest(t *target, p *planned, routes []byte, responses []layout.ManifestResponse) *layout.Manifest {
	m := &layout.Manifest{
		Format: layout.WholeManifest, Environment: t.env.Name, Regsnap: w.regsnap, Render: w.render, Budget: w.budget,
		Branches: t.branches, Slice: t.slice, Routes: digestOf(routes), Responses: responses, Coverage: p.plan.coverage,
	}
	for _, r := range t.rows {
		m.Packages = append(m.Packages, w.manifestPackage(t, r))
	}
	return m
}

// job is a response that is to be in the bucket.
type job struct {
	digest layout.Digest
	class  layout.CacheClass
	body   func() ([]byte, error)
	// size of the body in bytes, or nearly.
	size int64
	// query: it answers one, and is kept encoded only if it has a gzip variant. Documents
	// are kept plain too, for those who read them out of the bucket.
	query bool
	// part: it is a part of the catalog, which edges read as it is.
	part bool
	// page: it is a page of the catalogue for people.
	page bool
	// encoded: it is kept encoded only, whatever its size.
	encoded bool
	// stored, if set, is called once the response is in the bucket.
	stored func()
}

// encodedOnly is the size from which the answer to a query is kept only gzip-encoded.
// Plain they would be a third of the objects that a push stores and most of its bytes, and
// hardly a client asks for them plain.
func (w *writer) encodedOnly() int {
	if w.render < 4 {
		return 256 << 10
	}
	return layout.MinGzip
}

// writeResponses stores documents, planned responses and the catalog, and lists
// them all.
func (w *writer) writeResponses(ctx context.Context, t *target, p *planned) ([]layout.ManifestResponse, error) {
	responses, catalog := p.plan.responses, p.table.Catalog
	out := make([]layout.ManifestResponse, 0, len(t.rows)+len(responses)+len(catalog))
	var todo []job
	asked := map[layout.Digest]bool{}
	want := func(d layout.Digest, newJob func() job) {
		if r, there := w.responses[d]; there {
			out = append(out, r)
		} else if !asked[d] {
			asked[d] = true
			todo = append(todo, newJob())
		}
	}
	for i := range t.rows {
		r := &t.rows[i]
		want(r.facts.document, func() job { return w.documentJob(r) })
	}
	blocks := p.blocks
	for _, part := range catalog {
		want(part.Digest, func() job { return partJob(part.Digest, blocks[:part.Names]) })
		blocks = blocks[part.Names:]
	}
	for _, r := range responses {
		want(r.digest, func() job {
			return job{digest: r.digest, class: layout.CacheContent, body: func() ([]byte, error) { return t.body(p.table, r.query) }, size: r.size, query: true}
		})
	}
	if len(todo) > 0 {
		written, err := w.writeJobs(ctx, t, p.blocks, todo)
		if err != nil {
			return nil, err
		}
		out = append(out, written...)
	}
	slices.SortFunc(out, func(a, b layout.ManifestResponse) int { return cmp.Compare(a.Digest, b.Digest) })
	return slices.CompactFunc(out, func(a, b layout.ManifestResponse) bool { return a.Digest == b.Digest }), nil
}

// documentJob stores a package document, which is of use to no other
// environment then.
func (w *writer) documentJob(r *row) job {
	return job{
		digest: r.facts.document, class: layout.CacheIndex, size: int64(len(r.rendering.document)),
		body: func() ([]byte, error) { return r.rendering.document, nil },
		stored: func() {
			if w.document != nil {
				w.document(r.facts.document, r.rendering.document)
			}
			r.rendering.document = nil
		},
	}
}

// body is the answer to a query.
func (t *target) body(table *answer.Table, q answer.Query) ([]byte, error) {
	s := table.Select(q)
	if q.Counting {
		return table.Count(s, q.IncludePolicyTemplates), nil
	}
	return table.Assemble(s, func(dst []byte, i int) ([]byte, error) { return t.rows[i].summary(dst) })
}

// writeJobs stores responses side by side.
func (w *writer) writeJobs(ctx context.Context, t *target, blocks []block, jobs []job) ([]layout.ManifestResponse, error) {
	if err := w.readCatalogs(ctx, t.rows, blocks); err != nil {
		return nil, err
	}
	out := make([]layout.ManifestResponse, len(jobs))
	// In the cloud each response waits for the network; on disk for a core.
	g, inGroup := errgroup.WithContext(ctx)
	g.SetLimit(min(w.put.parallel, maxRendering))
	room := semaphore.NewWeighted(renderingBytes)
	var done atomic.Int64
	for i, j := range jobs {
		size := min(j.size, renderingBytes)
		if err := room.Acquire(inGroup, size); err != nil {
			break // ctx or the group knows why
		}
		g.Go(func() error {
			defer room.Release(size)
			r, err := w.writeResponse(inGroup, j)
			if err != nil {
				return err
			}
			out[i] = r
			if j.stored != nil {
				j.stored()
			}
			w.progress("render "+t.env.Name, int(done.Add(1)), len(jobs))
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, ctx.Err()
}

// maxRendering and renderingBytes bound the responses that are in memory at
// once. Every version of a large registry is more; then it is alone.
const (
	maxRendering   = 64
	renderingBytes = 64 << 20
)

// writeResponse stores one response, and its gzip variant, and notes that it is there.
func (w *writer) writeResponse(ctx context.Context, j job) (layout.ManifestResponse, error) {
	r, err := w.storeResponse(ctx, j)
	if err == nil {
		w.wrote(r)
	}
	return r, err
}

// wrote notes that a response is in the bucket by now.
func (w *writer) wrote(r layout.ManifestResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.responses[r.Digest] = r
	w.rendered++
}

func (w *writer) storeResponse(ctx context.Context, j job) (layout.ManifestResponse, error) {
	body, err := j.body()
	if err != nil {
		return layout.ManifestResponse{}, fmt.Errorf("render response %s: %w", j.digest, err)
	}
	d := digestOf(body)
	r := layout.ManifestResponse{Digest: j.digest, Size: d.Size, SHA256: d.SHA256, EncodedOnly: j.encoded || j.query && len(body) >= w.encodedOnly(), Part: j.part, Page: j.page}
	plain := r.Object(j.class).With(body).Summed(d.SHA256)
	if !r.EncodedOnly {
		if err := w.put.now(ctx, plain); err != nil {
			return r, err
		}
	}
	if r.EncodedOnly || len(body) >= layout.MinGzip && !j.part {
		encoded, err := gzipEncode(body)
		if err != nil {
			return r, err
		}
		if err := w.put.now(ctx, plain.Encoded().With(encoded)); err != nil {
			return r, err
		}
		r.Gzip = int64(len(encoded))
	}
	return r, nil
}

func (w *writer) manifestPackage(t *target, r row) layout.ManifestPackage {
	source := r.merged.Tree
	if r.merged.IsArchive() {
		source = r.merged.Archive
	}
	p := layout.ManifestPackage{
		Name: r.revision.Name, Version: r.revision.Version, Revision: r.revision.ID,
		Branch: r.merged.Branch, Source: source.String(), Hides: r.merged.Hides,
		Contents: w.contents[r.revision], Document: r.facts.document, Deprecated: r.facts.deprecated,
	}
	if t.site != nil {
		p.Page = w.pages.known[r.revision].Page
	}
	switch {
	case !r.merged.Signature.IsZero():
		p.Signature = r.merged.Signature.String()
	case r.live != nil:
		p.SignedBy = r.live.Manifest.Packages[r.liveRow].SignedBy
	case w.sign != nil:
		p.SignedBy = w.sign.Fingerprint()
	}
	return p
}
