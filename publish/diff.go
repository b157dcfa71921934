package publish

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// SnapshotRef names a snapshot of an environment.
type SnapshotRef struct {
	Environment string `json:"environment"`
	ID          string `json:"snapshot"`
}

func (r SnapshotRef) String() string { return r.Environment + " " + r.ID }

// Diff is what differs between two snapshots.
type Diff struct {
	Old      SnapshotRef    `json:"old"`
	New      SnapshotRef    `json:"new"`
	Packages PackageChanges `json:"changes"`
	// Answers are the classes of searches and categories that are answered
	// differently.
	Answers []answer.AnswerChange `json:"answers"`
	// Documents, Archives and Files are the paths of package documents, of
	// archives with signatures, and of files whose answer differs; "/" and
	// "/index.json" are in Documents when the service's version does.
	Documents []string `json:"documents"`
	Archives  []string `json:"archives"`
	Files     []string `json:"files"`
	// Pages are the paths of the catalogue for people whose answer differs.
	Pages []string `json:"pages"`
}

// URLs are requests whose answer differs: all paths, and of each class of
// searches and categories one request.
func (d *Diff) URLs() []string {
	out := slices.Concat(d.Documents, d.Archives, d.Files, d.Pages)
	for _, a := range d.Answers {
		out = append(out, a.URLs()...)
	}
	return out
}

// queryPaths are the paths that answer differently to some query: "/search",
// "/categories", or both.
func (d *Diff) queryPaths() []string {
	out := []string{}
	for _, a := range d.Answers {
		path, _, _ := strings.Cut(a.URL, "?")
		if !slices.Contains(out, path) {
			out = append(out, path)
		}
	}
	return out
}

// Diff compares two snapshots, also of two environments. Of the packages that
// differ it reads the lists of files; all else is in manifests and routes.
func (b *Bucket) Diff(ctx context.Context, old, new SnapshotRef) (*Diff, error) {
	oldManifest, oldTable, err := b.table(ctx, old)
	if err != nil {
		return nil, err
	}
	newManifest, newTable, err := b.table(ctx, new)
	if err != nil {
		return nil, err
	}
	d := &Diff{
		Old: old, New: new, Packages: comparePackages(oldManifest, newManifest),
		Answers: answer.CompareAnswers(oldTable, newTable), Documents: []string{}, Archives: []string{}, Files: []string{}, Pages: []string{},
	}
	if oldTable.ServiceVersion != newTable.ServiceVersion {
		d.Documents = append(d.Documents, "/", "/index.json")
	}
	if err := b.diffPages(ctx, d, oldManifest, newManifest); err != nil {
		return nil, err
	}
	return d, b.diffContents(ctx, d, listed{b, old, contentsOf(oldManifest)}, listed{b, new, contentsOf(newManifest)})
}

// listed reads the lists of files of a snapshot.
type listed struct {
	b    *Bucket
	of   SnapshotRef
	sums map[layout.Revision]string
}

func contentsOf(m *layout.Manifest) map[layout.Revision]string {
	sums := make(map[layout.Revision]string, len(m.Packages))
	for _, p := range m.Packages {
		sums[revisionOf(p)] = p.Contents
	}
	return sums
}

// contents reads the list of files of a revision; of none it is empty.
func (l listed) contents(ctx context.Context, rev *layout.Revision) (*layout.Contents, error) {
	if rev == nil {
		return &layout.Contents{}, nil
	}
	_, c, err := l.b.Contents(ctx, *rev, l.sums[*rev])
	return c, l.b.Explain(ctx, l.of.Environment, l.of.ID, err)
}

func (b *Bucket) table(ctx context.Context, s SnapshotRef) (*layout.Manifest, *answer.Table, error) {
	m, r, err := b.Snapshot(ctx, s.Environment, s.ID)
	if err != nil {
		return nil, nil, err
	}
	t, err := answer.NewTable(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", s, err)
	}
	return m, t, nil
}

// diffContents finds the paths that differ, package version by package version.
func (b *Bucket) diffContents(ctx context.Context, d *Diff, old, new listed) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(b.Parallel())
	for _, c := range slices.Concat(d.Packages.Added, d.Packages.Removed, d.Packages.Changed) {
		g.Go(func() error {
			was, is, err := bothContents(ctx, c, old, new)
			if err != nil {
				return err
			}
			archives, files := diffPaths(c, was, is)
			mu.Lock()
			defer mu.Unlock()
			if c.Document {
				d.Documents = append(d.Documents, urlPath("/package/"+c.Name+"/"+c.Version+"/"))
			}
			d.Archives = append(d.Archives, archives...)
			d.Files = append(d.Files, files...)
			return nil
		})
	}
	err := g.Wait()
	for _, list := range []*[]string{&d.Documents, &d.Archives, &d.Files} {
		slices.Sort(*list)
	}
	return err
}

// bothContents reads the lists of files of both sides; where there is none, or
// they are the same, it is empty.
func bothContents(ctx context.Context, c PackageChange, old, new listed) (was, is *layout.Contents, err error) {
	if c.OldRevision == c.NewRevision {
		return &layout.Contents{}, &layout.Contents{}, nil
	}
	oldRevision, newRevision := c.revisions()
	if was, err = old.contents(ctx, oldRevision); err != nil {
		return nil, nil, err
	}
	is, err = new.contents(ctx, newRevision)
	return was, is, err
}

// diffPaths are the paths of archive, signature and files that differ.
func diffPaths(c PackageChange, old, new *layout.Contents) (archives, files []string) {
	// Each has a second address, that of package storage v2.
	archive := func(suffix string) {
		archives = append(archives, urlPath("/epr/"+c.Name+"/"+c.ID()+suffix), urlPath("/artifacts/packages/"+c.ID()+suffix))
	}
	if old.Archive != new.Archive {
		archive(".zip")
	}
	if !sameSignature(old.Signature, new.Signature) {
		archive(".zip.sig")
	}
	file := func(name string) {
		files = append(files, urlPath("/package/"+c.Name+"/"+c.Version+"/"+name), urlPath("/artifacts/static/"+c.ID()+"/"+name))
	}
	for _, f := range old.Files {
		if now := new.Find(f.Path); now == nil || now.SHA256 != f.SHA256 || now.Type != f.Type {
			file(f.Path)
		}
	}
	for _, f := range new.Files {
		if old.Find(f.Path) == nil {
			file(f.Path)
		}
	}
	return archives, files
}

func sameSignature(a, b *layout.ObjectDigest) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}

// urlPath escapes a path as it stands in a request.
func urlPath(p string) string { return (&url.URL{Path: p}).EscapedPath() }

// pagesOf are the addresses of a snapshot's catalogue, each with what is sent there;
// none if it has no catalogue.
func (b *Bucket) pagesOf(ctx context.Context, of SnapshotRef, m *layout.Manifest) (map[string]string, error) {
	out := map[string]string{}
	if m.Catalogue == nil {
		return out, nil
	}
	key := layout.PageKey(m.Catalogue.Site)
	body, err := b.Read(ctx, key)
	if err == nil && layout.DigestOf(body) != m.Catalogue.Site {
		err = fmt.Errorf("%w: %s: its digest is %s", ErrDamaged, key, layout.DigestOf(body))
	}
	if err != nil {
		return nil, b.Explain(ctx, of.Environment, of.ID, err)
	}
	site, err := layout.DecodeSite(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	// The headers of every page name script and style.
	add := func(path string, page layout.Digest) {
		out[urlPath("/catalog/"+path)] = string(page) + site.Script + site.Style()
	}
	for path, page := range site.Pages {
		if path == "" || path[0] == '-' { // the others have no address
			add(path, page)
		}
	}
	for name, p := range site.Packages {
		add(name+"/"+layout.ListPath, p.List)
		for path, page := range p.Pages {
			add(name+"/"+path, page)
		}
	}
	for _, p := range m.Packages {
		add(p.Name+"/"+p.Version+"/", p.Page)
	}
	return out, nil
}

// diffPages lists the addresses of the catalogue that are answered differently.
func (b *Bucket) diffPages(ctx context.Context, d *Diff, old, new *layout.Manifest) error {
	was, err := b.pagesOf(ctx, d.Old, old)
	if err != nil {
		return err
	}
	is, err := b.pagesOf(ctx, d.New, new)
	if err != nil {
		return err
	}
	for path, page := range was {
		if is[path] == page {
			delete(is, path)
		} else {
			is[path] = page
		}
	}
	d.Pages = append(d.Pages, slices.Sorted(maps.Keys(is))...)
	return nil
}
