package build_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
)

// sliced is a snapshot to slice, and the store that has it.
func sliced(t *testing.T) (*fragileStore, build.Live) {
	t.Helper()
	s := newStore(t)
	storage := aPackage("web_server", "1.0.0", "") + aPackage("web_server", "1.1.0", "") + aPackage("web_server", "1.2.0", ", deprecated: {since: 1.2.0, description: old}") +
		aPackage("z", "1.0.0", "")
	r, err := buildIn(t.Context(), s, sealed(t, storage), &brokenSigner{}, nil)
	if err != nil {
		t.Fatal(err, r.Report)
	}
	return s, liveIn(t, s, r.Snapshots[0])
}

// TestSlice: a slice lists what the snapshot says of its packages, and adds nothing but
// searches, pages, routes and a manifest.
func TestSlice(t *testing.T) {
	t.Parallel()
	s, live := sliced(t)
	for name, c := range map[string]struct {
		slice layout.Slice
		want  []string
	}{
		"packages":     {layout.Slice{Packages: []string{"web_server-1.0.0", "web_server-1.2.0", "sealed"}}, []string{"sealed 1.0.0", "web_server 1.0.0", "web_server 1.2.0"}},
		"a query":      {layout.Slice{Queries: []layout.SliceQuery{{Query: "package=z"}}}, []string{"z 1.0.0"}},
		"two versions": {layout.Slice{Queries: []layout.SliceQuery{{Query: "exact=true&package=web_server", Versions: 2}}}, []string{"web_server 1.1.0", "web_server 1.2.0"}},
	} {
		slicing, err := build.NewSlice(build.SliceOptions{Of: live, From: s, Slice: c.slice, Regsnap: "next", Parallel: 1})
		if err != nil {
			t.Fatal(name, err)
		}
		content := slicing.Content()
		listed := map[layout.Digest]bool{}
		var packages []string
		for _, p := range content.Packages {
			packages = append(packages, p.Name+" "+p.Version)
			listed[p.Document], listed[p.Page] = true, true
			i := slices.IndexFunc(live.Manifest.Packages, func(o layout.ManifestPackage) bool { return o.Name == p.Name && o.Version == p.Version })
			if !reflect.DeepEqual(p, live.Manifest.Packages[i]) {
				t.Errorf("%s: %+v, the snapshot says %+v", name, p, live.Manifest.Packages[i])
			}
		}
		for _, r := range content.Responses {
			if !listed[r.Digest] || !slices.Contains(live.Manifest.Responses, r) {
				t.Errorf("%s: %+v is not of it", name, r)
			}
		}
		if len(content.Responses) != len(listed) || len(listed) != 2*len(packages) || content.Environment != "production" || content.Render != build.RenderVersion {
			t.Errorf("%s: %d responses, want %d: documents and pages", name, len(content.Responses), len(listed))
		}
		to := newStore(t)
		made, err := slicing.Write(t.Context(), to)
		if err != nil {
			t.Fatal(name, err)
		}
		m := made.Manifest
		r := liveIn(t, to, *made).Routes
		if !reflect.DeepEqual(m.Packages, content.Packages) || m.Slice.Snapshot != live.Manifest.ID() || m.Regsnap != "next" || m.Budget != live.Manifest.Budget ||
			!reflect.DeepEqual(m.Branches, live.Manifest.Branches) || r.ServiceVersion != "1.0.0" || r.Cache != live.Routes.Cache || m.Catalogue == nil {
			t.Errorf("%s: %+v", name, m)
		}
		if !slices.Equal(packages, c.want) {
			t.Errorf("%s: %v, want %v", name, packages, c.want)
		}
		for _, r := range m.Responses { // what is not the snapshot's was stored
			for _, key := range r.Keys() {
				if _, there := to.objects[key]; there == slices.ContainsFunc(content.Responses, func(o layout.ManifestResponse) bool { return o.Digest == r.Digest }) {
					t.Errorf("%s: %s is stored: %v", name, key, there)
				}
			}
		}
		for key := range to.objects {
			if strings.HasPrefix(key, layout.PackagesPrefix) {
				t.Errorf("%s: %s is stored", name, key)
			}
		}
	}
}

// TestSliceRefused: what no slice can be made of, and what is said of it.
func TestSliceRefused(t *testing.T) {
	t.Parallel()
	s, live := sliced(t)
	packages := func(names ...string) layout.Slice { return layout.Slice{Packages: names} }
	older := live
	m := *live.Manifest
	older.Manifest, m.Render = &m, 3 // which has packages as they are now
	if _, err := build.NewSlice(build.SliceOptions{Of: older, From: s, Slice: packages("z")}); err != nil {
		t.Errorf("of render 3: %v", err)
	}
	for want, c := range map[string]struct {
		slice layout.Slice
		spoil func(*layout.Manifest)
	}{
		"build it again with this version":            {packages("z"), func(m *layout.Manifest) { m.Render = 2 }},
		"manifest and routes disagree on row 1":       {packages("z"), func(m *layout.Manifest) { m.Packages[1].Revision = strings.Repeat("0", 20) }},
		`there is no parameter "x"`:                   {layout.Slice{Queries: []layout.SliceQuery{{Query: "x=1"}}}, nil},
		"no package version belongs to the slice":     {layout.Slice{Queries: []layout.SliceQuery{{Query: "type=content"}}}, nil},
		"did you mean web_server?":                    {packages("web_servr"), nil},
		"did you mean web_server-1.1.0?":              {packages("web_server-1.1.9"), nil},
		"qqq":                                         {packages("qqq"), nil},
		"it lists 1 of 2 package documents and pages": {packages("z"), func(m *layout.Manifest) { drop(m, m.Packages[4].Page) }},
		"does not list the document of z-1.0.0":       {packages("z"), func(m *layout.Manifest) { drop(m, m.Packages[4].Document) }},
		"sealed-1.0.0: git":                           {packages("sealed"), func(m *layout.Manifest) { m.Packages[0].Source = "x" }},
		"manifest of " + live.Manifest.ID() + ": sealed-1.0.0: git object id": {packages("sealed"), func(m *layout.Manifest) { m.Packages[0].Signature = "x" }},
	} {
		l := live
		m := *live.Manifest
		m.Packages, m.Responses = slices.Clone(m.Packages), slices.Clone(m.Responses)
		if c.spoil != nil {
			c.spoil(&m)
		}
		l.Manifest = &m
		if _, err := build.NewSlice(build.SliceOptions{Of: l, From: s, Slice: c.slice}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "mean") != strings.Contains(want, "mean") {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func drop(m *layout.Manifest, d layout.Digest) {
	m.Responses = slices.DeleteFunc(m.Responses, func(r layout.ManifestResponse) bool { return r.Digest == d })
}

// TestSliceWithoutCatalogue: pages of another version of regsnap do not come along.
func TestSliceWithoutCatalogue(t *testing.T) {
	t.Parallel()
	s, live := sliced(t)
	for what, change := range map[string]func(*layout.Manifest){
		"none":         func(m *layout.Manifest) { m.Catalogue = nil },
		"another's":    func(m *layout.Manifest) { m.Catalogue = &layout.ManifestCatalogue{Render: "x", Site: m.Catalogue.Site} },
		"none, listed": func(m *layout.Manifest) { m.Catalogue = nil; m.Lists = nil },
	} {
		l := live
		m := *live.Manifest
		change(&m)
		l.Manifest = &m
		slicing, err := build.NewSlice(build.SliceOptions{Of: l, From: s, Slice: layout.Slice{Packages: []string{"z"}}})
		if err != nil {
			t.Fatal(what, err)
		}
		to := newStore(t)
		made, err := slicing.Write(t.Context(), to)
		if err != nil {
			t.Fatal(what, err)
		}
		if n := len(slicing.Content().Responses); n != 1 || made.Manifest.Catalogue != nil || made.Manifest.Packages[0].Page != "" {
			t.Errorf("%s: %d responses, %+v", what, n, made.Manifest.Catalogue)
		}
		for key := range maps.Keys(to.objects) {
			if strings.Contains(key, ".page") {
				t.Errorf("%s: %s is stored", what, key)
			}
		}
	}
}
