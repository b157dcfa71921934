package publish

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/regsnap/regsnap/layout"
)

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
		err = fmt.Errorf("%s: its digest is %s: the object is damaged", key, layout.DigestOf(body))
	}
	if err != nil {
		return nil, b.Explain(ctx, of.Environment, of.ID, err)
	}
	site, err := layout.DecodeSite(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	// The headers of every page name the script.
	add := func(path string, page layout.Digest) {
		out[urlPath("/catalog/"+path)] = string(page) + site.Script
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
