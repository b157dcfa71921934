package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// pages renders and stores the pages of package versions. Each depends on its
// revision alone, so what live snapshots have of a revision holds here too.
type pages struct {
	w        *writer
	renderer *catalog.Renderer
	// wanted are the revisions whose pages, or whose facts to compare others with,
	// nothing vouches for.
	wanted map[layout.Revision]bool
	// documents are those of the wanted revisions.
	documents map[layout.Revision][]byte

	mu sync.Mutex
	// known is what lists say of a revision, but for its branch and changes.
	known map[layout.Revision]layout.SiteVersion
	// changes are the differences of pairs of revisions, the older first.
	changes map[[2]layout.Revision]*layout.SiteChanges
	facts   map[layout.Revision]*catalog.Facts
}

// siteOf is a name of an environment, on its way to the catalogue.
type siteOf struct {
	name     string
	from, to int // its rows
	// same is set when a live snapshot has the same of it.
	same  *layout.SitePackage
	about layout.SiteEntry
}

func newPages(w *writer) *pages {
	return &pages{
		w: w, renderer: catalog.NewRenderer(), wanted: map[layout.Revision]bool{}, documents: map[layout.Revision][]byte{},
		known: map[layout.Revision]layout.SiteVersion{}, changes: map[[2]layout.Revision]*layout.SiteChanges{}, facts: map[layout.Revision]*catalog.Facts{},
	}
}

// sameCatalogue reports whether a live snapshot has the catalogue that this build
// would give it.
func sameCatalogue(m *layout.Manifest, env Environment) bool {
	if m.Catalogue == nil || !env.Catalogue {
		return m.Catalogue == nil && !env.Catalogue
	}
	return m.Catalogue.Render == catalog.Render()
}

// survey finds out which pages live snapshots vouch for, and asks for the packages
// that have to be read for the others. Without need nothing can be read: then what
// is not known is left out.
func (p *pages) survey(ctx context.Context, t *target, store Store, need *entrySet) error {
	if err := versionRows(t.rows); err != nil {
		return err
	}
	t.site = []siteOf{}
	for from, to := 0, 0; from < len(t.rows); from = to {
		name := t.rows[from].merged.Name
		for to = from; to < len(t.rows) && t.rows[to].merged.Name == name; {
			to++
		}
		s := siteOf{name: name, from: from, to: to}
		if err := p.consult(ctx, &s, t, store, need != nil); err != nil {
			return err
		}
		t.site = append(t.site, s)
		if s.same != nil || need == nil {
			continue
		}
		for i := from; i < to; i++ {
			rev := t.rows[i].revision
			if _, ok := p.known[rev]; !ok {
				p.wanted[rev] = true
			}
			if i == from {
				continue
			}
			before := t.rows[i-1].revision
			if _, ok := p.changes[[2]layout.Revision{before, rev}]; !ok {
				p.wanted[before], p.wanted[rev] = true, true
			}
		}
		for i := from; i < to; i++ {
			if p.wanted[t.rows[i].revision] {
				need.add(t.rows[i].merged.Entry)
			}
		}
	}
	return nil
}

// consult learns what live snapshots say of a name.
func (p *pages) consult(ctx context.Context, s *siteOf, t *target, store Store, share bool) error {
	for _, l := range p.w.live {
		if c := l.Manifest.Catalogue; c == nil || c.Render != catalog.Render() {
			continue
		}
		if err := l.readSite(ctx, store); err != nil {
			return err
		}
		listed, ok := l.site.Packages[s.name]
		if !ok {
			continue
		}
		from, to := l.table.Versioned(s.name)
		same := to-from == s.to-s.from
		for i := from; i < to; i++ {
			rev := l.Routes.Revision(i)
			if m := l.Manifest.Packages[i]; same {
				r := t.rows[s.from+i-from]
				same = rev == r.revision && m.Branch == r.merged.Branch
			}
			if _, ok := p.known[rev]; !ok {
				p.known[rev] = layout.SiteVersion{Page: l.Manifest.Packages[i].Page}
			}
		}
		if same && share {
			s.same, s.about = &listed, l.index.Packages[s.name]
			return nil
		}
		body, err := readPage(ctx, store, listed.List)
		if err != nil {
			return err
		}
		list, err := layout.DecodeSiteList(body)
		if err != nil {
			return fmt.Errorf("%s: %w", layout.PageKey(listed.List), err)
		}
		p.learn(list)
	}
	return nil
}

// learn notes what a list says.
func (p *pages) learn(l *layout.SiteList) {
	var before layout.Revision
	for _, v := range l.Versions {
		rev := layout.Revision{Name: l.Name, Version: v.Version, ID: v.Revision}
		if v.Changes != nil {
			p.changes[[2]layout.Revision{before, rev}] = v.Changes
		}
		v.Changes, v.Branch = nil, ""
		p.known[rev] = v
		before = rev
	}
}

// readSite reads the list of a live snapshot's pages.
func (s *liveSnapshot) readSite(ctx context.Context, store Store) error {
	if s.site != nil {
		return nil
	}
	d := s.Manifest.Catalogue.Site
	body, err := readPage(ctx, store, d)
	if err != nil {
		return err
	}
	if s.site, err = layout.DecodeSite(body); err != nil {
		return fmt.Errorf("%s: %w", layout.PageKey(d), err)
	}
	d = s.site.Pages[layout.IndexPath]
	if body, err = readPage(ctx, store, d); err != nil {
		return err
	}
	if s.index, err = layout.DecodeSiteIndex(body); err != nil {
		return fmt.Errorf("%s: %w", layout.PageKey(d), err)
	}
	return nil
}

// readPage reads a page, which is named by what it says.
func readPage(ctx context.Context, store Store, d layout.Digest) ([]byte, error) {
	body, err := store.Read(ctx, layout.PageKey(d))
	if err == nil && layout.DigestOf(body) != d {
		err = fmt.Errorf("%s: its digest is %s: the object is damaged", layout.PageKey(d), layout.DigestOf(body))
	}
	return body, err
}

// takeDocuments keeps what the pages of the wanted revisions are made of.
func (p *pages) takeDocuments(targets []*target, document func(index.Entry) []byte) {
	for _, t := range targets {
		if t.site == nil {
			continue
		}
		for _, r := range t.rows {
			if !p.wanted[r.revision] || p.documents[r.revision] != nil {
				continue
			}
			if r.rendering != nil {
				p.documents[r.revision] = r.rendering.document
				continue
			}
			p.documents[r.revision] = document(r.merged.Entry)
		}
	}
}

// render stores the page of a revision, if it is wanted. The files are those of the
// package, the list of them is complete.
func (p *pages) render(ctx context.Context, rev layout.Revision, c *layout.Contents, files []catalog.File) error {
	if !p.wanted[rev] {
		return nil
	}
	in := catalog.Input{Document: p.documents[rev], Archive: c.Archive, Signed: c.Signature != nil, Files: files}
	v, err := p.renderer.Version(in)
	if err != nil {
		return err
	}
	d, err := p.putPage(ctx, v.Page)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known[rev] = layout.SiteVersion{SiteAbout: v.About, Revision: rev.ID, Page: d, Log: v.Log}
	p.facts[rev] = v.Facts
	return nil
}

// learned reports whether lists of live snapshots say all that lists show of a revision.
func (p *pages) learned(rev layout.Revision) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[rev].Revision != ""
}

// compared finds out what another version is compared with, of one that has its page:
// which files it has stands in the bucket, whose contents.json has the digest sum.
func (b *builder) compared(ctx context.Context, rev layout.Revision, sum string, l *parse.Loaded) error {
	body, err := b.store.Read(ctx, rev.ContentsKey())
	if err != nil {
		return err
	}
	if sha256Hex(body) != sum {
		return fmt.Errorf("%s: its SHA-256 is not %s: the object is damaged", rev.ContentsKey(), sum)
	}
	c, err := layout.DecodeContents(body, rev)
	if err != nil {
		return fmt.Errorf("%s: %w", rev.ContentsKey(), err)
	}
	blobs := map[string]index.ID{}
	contents := map[index.ID][]byte{}
	for _, f := range l.Files {
		if catalog.IsFields(f.Path) {
			blobs[f.Path], contents[f.Blob] = f.Blob, nil
		}
	}
	if err := b.kept.Read(ctx, slices.Collect(maps.Keys(contents)), func(id index.ID, content []byte) error {
		contents[id] = bytes.Clone(content)
		return nil
	}); err != nil {
		return err
	}
	files := make([]catalog.File, len(c.Files))
	for i, f := range c.Files {
		files[i] = catalog.File{Path: f.Path, Size: f.Size, SHA256: f.SHA256, Content: contents[blobs[f.Path]]}
	}
	facts, err := b.pages.renderer.Facts(b.pages.documents[rev], files)
	if err != nil {
		return fmt.Errorf("%s-%s: %w", rev.Name, rev.Version, err)
	}
	b.pages.mu.Lock()
	defer b.pages.mu.Unlock()
	b.pages.facts[rev] = facts
	return nil
}

// How a page is stored. Those for people are kept encoded only: plain they would be
// most of what a push uploads, and nearly every client takes them encoded. Those that
// edges and builds read are kept plain.
const (
	encodedPage = true
	plainPage   = false
)

// put stores a page unless the bucket has it.
func (p *pages) put(ctx context.Context, page []byte, encoded bool) (layout.Digest, error) {
	d := layout.DigestOf(page)
	p.w.mu.Lock()
	_, there := p.w.responses[d]
	p.w.mu.Unlock()
	if there {
		return d, nil
	}
	_, err := p.w.writeResponse(ctx, job{digest: d, body: func() ([]byte, error) { return page, nil }, page: true, encoded: encoded})
	return d, err
}

// putPage stores the page of a version, for people, unless the bucket has it.
func (p *pages) putPage(ctx context.Context, page *catalog.Page) (layout.Digest, error) {
	sum := page.Sum()
	d := layout.Digest(sum.SHA256[:layout.DigestLen])
	p.w.mu.Lock()
	_, there := p.w.responses[d]
	p.w.mu.Unlock()
	if there {
		return d, nil
	}
	encoded := page.Gzip()
	r := layout.ManifestResponse{Digest: d, Size: sum.Size, SHA256: sum.SHA256, Gzip: int64(len(encoded)), EncodedOnly: true, Page: true}
	if err := p.w.put.now(ctx, r.Object(layout.CacheContent).Encoded().With(encoded)); err != nil {
		return d, err
	}
	p.w.wrote(r)
	return d, nil
}

// reading is a writer that writes no object of a revision: it reads what there is to
// be read for its page.
func (w *revisionWriter) reading() *revisionWriter {
	out := *w
	out.put = newPutter(nowhere{}, 1, nil)
	return &out
}

// nowhere is a store of what is there already.
type nowhere struct{}

func (nowhere) Read(context.Context, string) ([]byte, error) { return nil, io.EOF }
func (nowhere) Put(context.Context, layout.Object) error     { return nil }
func (nowhere) Sizes(context.Context, layout.Revision) (map[string]int64, error) {
	return nil, nil
}

// between is how two neighbours differ; nil if that is not known.
func (p *pages) between(before, after layout.Revision) *layout.SiteChanges {
	k := [2]layout.Revision{before, after}
	if c, ok := p.changes[k]; ok {
		return c
	}
	a, b := p.facts[before], p.facts[after]
	if a == nil || b == nil {
		return nil
	}
	c := catalog.Compare(a, b, before.ID)
	p.changes[k] = c
	return c
}

// list is the list of a name's versions.
func (p *pages) list(t *target, s siteOf) *layout.SiteList {
	l := &layout.SiteList{Format: layout.SiteFormat, Name: s.name}
	deprecated := slices.ContainsFunc(t.rows[s.from:s.to], func(r row) bool { return r.facts.deprecated })
	for i := s.from; i < s.to; i++ {
		r := t.rows[i]
		v := p.known[r.revision]
		v.Branch, v.Deprecated = r.merged.Branch, deprecated
		if i > s.from {
			v.Changes = p.between(t.rows[i-1].revision, r.revision)
		}
		l.Versions = append(l.Versions, v)
	}
	return l
}
