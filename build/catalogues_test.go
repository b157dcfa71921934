package build_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// siteIn reads the list of pages of a snapshot.
func siteIn(t *testing.T, s *fragileStore, m *layout.Manifest) *layout.Site {
	t.Helper()
	site, err := layout.DecodeSite(s.objects[layout.PageKey(m.Catalogue.Site)])
	if err != nil {
		t.Fatal(err)
	}
	return site
}

// pageIn is a page for people.
func pageIn(t *testing.T, s *fragileStore, d layout.Digest) string {
	t.Helper()
	key := layout.PageKey(d) + layout.GzipSuffix
	return string(plain(t, key, s.objects[key]))
}

// TestCatalogue: every page that a catalogue has is listed and there, and says what the
// branches and versions are.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	storage := aPackage("a", "1.0.0", "") + aPackage("a", "1.1.0", ", deprecated: {since: 1.1.0, description: old}") + aPackage("b", "1.0.0", ", categories: [web]") +
		packageOf("staging", "b", "2.0.0", ", categories: [web]") + packageOf("staging", "a", "1.0.0", "") + packageOf("snapshot", "a", "1.0.0", "")
	r, err := buildIn(t.Context(), s, sealed(t, storage), nil, func(o *build.Options) {
		o.Environments[0].Branches = []string{"production", "staging", "snapshot"}
	})
	if err != nil {
		t.Fatal(err, r.Report)
	}
	m := r.Snapshots[0].Manifest
	site := siteIn(t, s, m)
	if routes := liveIn(t, s, r.Snapshots[0]).Routes; routes.Site != m.Catalogue.Site {
		t.Errorf("edges look for the pages in %s, they are in %s", routes.Site, m.Catalogue.Site)
	}
	pages := map[layout.Digest]bool{m.Catalogue.Site: true}
	for path, d := range site.Pages {
		pages[d] = true
		if page := layout.PageKey(d); path == layout.IndexPath != (s.objects[page] != nil) || path == layout.IndexPath == (s.objects[page+layout.GzipSuffix] != nil) {
			t.Errorf("page %q is kept in another form", path)
		}
	}
	for path, content := range catalog.Assets() {
		if pageIn(t, s, site.Pages[path]) != string(content) {
			t.Errorf("%s is another", path)
		}
	}
	for path, want := range map[string][]string{
		"":               {"Packages of production", "Web Server"},
		"-/environment/": {"Only on staging", "b 2.0.0"},
		"-/feed.xml":     {"<feed"},
	} {
		for _, text := range want {
			if !strings.Contains(pageIn(t, s, site.Pages[path]), text) {
				t.Errorf("page %q does not say %q", path, text)
			}
		}
	}
	if about := pageIn(t, s, site.Pages["-/environment/"]); strings.Contains(about, "Only on production") || strings.Contains(about, "Only on snapshot") || strings.Contains(about, "a 1.0.0") {
		t.Errorf("what no branch waits for: %s", about)
	}
	for depth := range layout.MissingDepths {
		if site.Pages[layout.MissingPage(depth)] == "" {
			t.Errorf("there is no page for what is missing at depth %d", depth)
		}
	}
	about, err := layout.DecodeSiteIndex(s.objects[layout.PageKey(site.Pages[layout.IndexPath])])
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{"a": {"1.0.0 production", "1.1.0 production"}, "b": {"1.0.0 production", "2.0.0 staging"}, "sealed": {"1.0.0 production"}} {
		pages[site.Packages[name].List], pages[site.Packages[name].Pages[""]], pages[site.Packages[name].Pages["feed.xml"]] = true, true, true
		list, err := layout.DecodeSiteList(s.objects[layout.PageKey(site.Packages[name].List)])
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, v := range list.Versions {
			got = append(got, v.Version+" "+v.Branch)
			pages[v.Page] = true
			if (v.Changes != nil) != (i > 0) || v.Deprecated != (name == "a") || i > 0 && v.Changes.Since != list.Versions[i-1].Revision {
				t.Errorf("%s-%s: %+v", name, v.Version, v)
			}
			if i > 0 && (len(v.Changes.Fields.Added.Names) != 1 || v.Changes.Fields.Added.Names[0] != "log: of."+v.Version) {
				t.Errorf("%s-%s has the new fields %+v", name, v.Version, v.Changes.Fields.Added)
			}
		}
		if !slices.Equal(got, want) || about.Packages[name].Versions != len(want) || list.Name != name {
			t.Errorf("%s: %v, %+v; want %v", name, got, about.Packages[name], want)
		}
		if !strings.Contains(pageIn(t, s, site.Packages[name].Pages[""]), name) || !strings.Contains(pageIn(t, s, site.Packages[name].Pages["feed.xml"]), name) {
			t.Errorf("the pages of %s do not name it", name)
		}
	}
	listed := map[layout.Digest]bool{}
	for _, r := range m.Responses {
		if r.Page {
			listed[r.Digest] = true
		}
	}
	if !maps.Equal(pages, listed) || len(site.Packages) != 3 {
		t.Errorf("%d pages are listed, want %d", len(listed), len(pages))
	}
}

// TestCatalogueOfLive: what a live catalogue has is held to its digest, and that of
// another version of regsnap is neither read nor used.
func TestCatalogueOfLive(t *testing.T) {
	t.Parallel()
	before, after := editions(t)
	garbage := []byte("garbage")
	flip := func(s *fragileStore, key string) {
		s.objects[key] = bytes.Clone(s.objects[key])
		s.objects[key][len(s.objects[key])/2] ^= 1
	}
	// instead stores a page that is no list, and says where.
	instead := func(s *fragileStore) layout.Digest {
		d := layout.DigestOf(garbage)
		s.objects[layout.PageKey(d)] = garbage
		return d
	}
	rewrite := func(s *fragileStore, m *layout.Manifest, change func(*layout.Site)) {
		site := siteIn(t, s, m)
		change(site)
		body := layout.Encode(site, "")
		m.Catalogue.Site = layout.DigestOf(body)
		s.objects[layout.PageKey(m.Catalogue.Site)] = body
	}
	for what, c := range map[string]struct {
		spoil func(*fragileStore, *layout.Manifest)
		want  string
	}{
		"another site": {func(s *fragileStore, m *layout.Manifest) { flip(s, layout.PageKey(m.Catalogue.Site)) }, "the object is damaged"},
		"another index": {func(s *fragileStore, m *layout.Manifest) {
			flip(s, layout.PageKey(siteIn(t, s, m).Pages[layout.IndexPath]))
		}, "the object is damaged"},
		"another list": {func(s *fragileStore, m *layout.Manifest) { flip(s, layout.PageKey(siteIn(t, s, m).Packages["a"].List)) }, "the object is damaged"},
		"no site":      {func(s *fragileStore, m *layout.Manifest) { m.Catalogue.Site = instead(s) }, layout.PageKey(layout.DigestOf(garbage))},
		"no index": {func(s *fragileStore, m *layout.Manifest) {
			rewrite(s, m, func(site *layout.Site) { site.Pages[layout.IndexPath] = instead(s) })
		}, layout.PageKey(layout.DigestOf(garbage))},
		"no list": {func(s *fragileStore, m *layout.Manifest) {
			rewrite(s, m, func(site *layout.Site) { site.Packages["a"] = layout.SitePackage{List: instead(s)} })
		}, layout.PageKey(layout.DigestOf(garbage))},
		"another contents": {func(s *fragileStore, m *layout.Manifest) {
			flip(s, layout.Revision{Name: "a", Version: "1.0.0", ID: m.Packages[0].Revision}.ContentsKey())
		}, "contents.json: its SHA-256 is not"},
		"no contents": {func(s *fragileStore, m *layout.Manifest) {
			m.Packages[0].Contents = "21c5d7d0ed0acb9fc9eac0d5a1c5d9c4b5fb2ee8"
		}, "contents.json: its SHA-256 is not"},
		"a page that is not listed": {func(_ *fragileStore, m *layout.Manifest) { drop(m, m.Packages[1].Page) }, "is listed and was not rendered"},
		"another version's":         {func(s *fragileStore, m *layout.Manifest) { m.Catalogue.Render = "other"; m.Catalogue.Site = "gone" }, ""},
		"as it was":                 {func(*fragileStore, *layout.Manifest) {}, ""},
	} {
		s := newStore(t)
		first, err := buildIn(t.Context(), s, before, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		live := liveIn(t, s, first.Snapshots[0])
		c.spoil(s, live.Manifest)
		r, err := buildIn(t.Context(), s, after, nil, func(o *build.Options) { o.Live = []build.Live{live} })
		if c.want != "" {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", what, err, c.want)
			}
			continue
		}
		want, other := buildIn(t.Context(), newStore(t), after, nil, nil)
		if err != nil || other != nil || r.Snapshots[0].ID != want.Snapshots[0].ID {
			t.Errorf("%s: %v, %v: %+v, want %+v", what, err, other, r, want)
		}
	}
}

// TestEarly: before any archive is stored there is what answers, and it names what is
// missing; what Early says ends the build.
func TestEarly(t *testing.T) {
	t.Parallel()
	before, after := editions(t)
	s := newStore(t)
	run := func(source index.Source, live []build.Live, say error) (got build.Early, r *build.Result, err error) {
		calls := 0
		r, err = buildIn(t.Context(), s, source, nil, func(o *build.Options) {
			o.Live = live
			o.Early = func(_ context.Context, e build.Early) error {
				got, calls = e, calls+1
				for _, rev := range e.Missing {
					if _, there := s.objects[rev.ArchiveKey()]; there {
						t.Errorf("%v is not missing", rev)
					}
				}
				for i := range e.Routes.Rows() {
					if _, there := s.objects[layout.ResponseKey(e.Routes.Document(i))]; !there {
						t.Errorf("the document of row %d is not there", i)
					}
				}
				for key := range s.objects {
					if strings.HasPrefix(key, layout.SnapshotsPrefix) && strings.Contains(key, e.ID) {
						t.Errorf("%s is there", key)
					}
				}
				return say
			}
		})
		if calls != 1 {
			t.Errorf("it was said %d times", calls)
		}
		return got, r, err
	}
	if _, _, err := run(before, nil, errPower); !errors.Is(err, errPower) || !strings.HasPrefix(err.Error(), "environment production: ") {
		t.Errorf("it refuses: %v", err)
	}
	e, first, err := run(before, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Missing) != 3 || e.Routes.Rows() != 3 || e.ID == first.Snapshots[0].ID || !layout.ValidSnapshot(e.ID) {
		t.Errorf("%+v of %s", e, first.Snapshots[0].ID)
	}
	want := liveIn(t, s, first.Snapshots[0]).Routes
	e.Routes.Site = want.Site
	if !bytes.Equal(e.Routes.Encode(), want.Encode()) {
		t.Error("the routes are others than those of the snapshot")
	}
	e, _, err = run(after, []build.Live{liveIn(t, s, first.Snapshots[0])}, nil)
	if err != nil || len(e.Missing) != 1 || e.Missing[0].Version != "1.1.0" {
		t.Errorf("after a push: %v, missing is %v", err, e.Missing)
	}
}
