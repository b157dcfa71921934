package build

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// write stores the pages of an environment's catalogue that the bucket lacks, and
// lists them all. The pages of its versions are there.
func (p *pages) write(ctx context.Context, t *target) (*layout.ManifestCatalogue, []layout.ManifestResponse, error) {
	if t.site == nil {
		return nil, nil, nil
	}
	w := &siteWriter{p: p, ctx: ctx, listed: map[layout.Digest]bool{}}
	site := &layout.Site{Format: layout.SiteFormat, Script: catalog.Script(), Pages: map[string]layout.Digest{}, Packages: map[string]layout.SitePackage{}}
	about := &layout.SiteIndex{Format: layout.SiteFormat, Packages: map[string]layout.SiteEntry{}}
	for _, r := range t.rows {
		w.listed[p.known[r.revision].Page] = true
	}
	for _, s := range t.site {
		if s.same == nil {
			w.pkg(&s, p.list(t, s))
		}
		site.Packages[s.name], about.Packages[s.name] = *s.same, s.about
		w.listed[s.same.List] = true
		for _, d := range s.same.Pages {
			w.listed[d] = true
		}
	}
	e := p.environment(t, about)
	for path, content := range catalog.Assets() {
		site.Pages[path] = w.put(content)
	}
	site.Pages[layout.IndexPath] = w.putPlain(layout.Encode(about, ""))
	site.Pages[""] = w.put(e.Index())
	site.Pages["-/environment/"] = w.put(e.About())
	site.Pages["-/feed.xml"] = w.put(e.Feed())
	for depth := range layout.MissingDepths {
		site.Pages[layout.MissingPage(depth)] = w.put(e.NotFound(depth))
	}
	root := w.putPlain(layout.Encode(site, ""))
	if w.err != nil {
		return nil, nil, w.err
	}
	var out []layout.ManifestResponse
	for _, d := range slices.Sorted(maps.Keys(w.listed)) {
		r, ok := p.w.responses[d]
		if !ok {
			return nil, nil, fmt.Errorf("page %s of the catalogue is listed and was not rendered", d)
		}
		out = append(out, r)
	}
	return &layout.ManifestCatalogue{Render: catalog.Render(), Site: root}, out, nil
}

// siteWriter stores pages one after the other, until one fails.
type siteWriter struct {
	p      *pages
	ctx    context.Context
	listed map[layout.Digest]bool
	err    error
}

func (w *siteWriter) put(page []byte) layout.Digest      { return w.store(page, encodedPage) }
func (w *siteWriter) putPlain(page []byte) layout.Digest { return w.store(page, plainPage) }

func (w *siteWriter) store(page []byte, encoded bool) layout.Digest {
	if w.err != nil {
		return ""
	}
	d, err := w.p.put(w.ctx, page, encoded)
	w.err = err
	w.listed[d] = true
	return d
}

// pkg stores the pages of a package.
func (w *siteWriter) pkg(s *siteOf, l *layout.SiteList) {
	s.about = layout.SiteEntry{Versions: len(l.Versions), SiteAbout: l.Versions[catalog.Newest(l.Versions)].SiteAbout}
	s.same = &layout.SitePackage{
		List:  w.putPlain(layout.Encode(l, "")),
		Pages: map[string]layout.Digest{"": w.put(catalog.PackagePage(l)), "feed.xml": w.put(catalog.PackageFeed(l))},
	}
}

// environment is what the pages of a snapshot say.
func (p *pages) environment(t *target, about *layout.SiteIndex) catalog.Environment {
	e := catalog.Environment{
		Name: t.env.Name, Regsnap: p.w.regsnap, Branches: t.branches, Versions: len(t.rows), Category: categoryTitle, Slice: t.slice != nil,
	}
	for _, s := range t.site {
		e.Packages = append(e.Packages, catalog.Package{Name: s.name, SiteEntry: about.Packages[s.name]})
	}
	for i := 1; i < len(t.branches); i++ {
		w := catalog.Waiting{Branch: t.branches[i].Name}
		for _, r := range t.rows {
			if r.merged.Branch == w.Branch {
				w.Versions = append(w.Versions, catalog.NamedVersion{Name: r.merged.Name, Version: r.merged.Version})
			}
		}
		if len(w.Versions) > 0 {
			e.Waiting = append(e.Waiting, w)
		}
	}
	return e
}

func categoryTitle(id string) string {
	for _, c := range parse.Categories() {
		if c.ID == id {
			return c.Title
		}
	}
	return id
}
