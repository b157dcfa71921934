package publish

import (
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
)

// TestDiffPaths: which paths of a version answer differently, by what its two lists of
// files say.
func TestDiffPaths(t *testing.T) {
	digest := func(text string) layout.ObjectDigest {
		return layout.ObjectDigest{Size: int64(len(text)), SHA256: text}
	}
	signature := func(text string) *layout.ObjectDigest {
		d := digest(text)
		return &d
	}
	file := func(path, sum, kind string) layout.ContentsFile {
		return layout.ContentsFile{Path: path, Size: 1, SHA256: sum, Type: kind}
	}
	list := func(archive string, sig *layout.ObjectDigest, files ...layout.ContentsFile) *layout.Contents {
		return &layout.Contents{Archive: digest(archive), Signature: sig, Files: files}
	}
	const zip, sig = "/epr/p/p-1.0.0.zip /artifacts/packages/p-1.0.0.zip", "/epr/p/p-1.0.0.zip.sig /artifacts/packages/p-1.0.0.zip.sig"
	paths := func(name string) string { return "/package/p/1.0.0/" + name + " /artifacts/static/p-1.0.0/" + name }
	for what, c := range map[string]struct {
		old, new        *layout.Contents
		archives, files string
	}{
		"the same":             {list("a", nil, file("f", "1", "x")), list("a", nil, file("f", "1", "x")), "", ""},
		"the archive":          {list("a", nil), list("b", nil), zip, ""},
		"a signature comes":    {list("a", nil), list("a", signature("s")), sig, ""},
		"a signature goes":     {list("a", signature("s")), list("a", nil), sig, ""},
		"another signature":    {list("a", signature("s")), list("a", signature("t")), sig, ""},
		"the same signature":   {list("a", signature("s")), list("a", signature("s")), "", ""},
		"both":                 {list("a", signature("s")), list("b", signature("t")), zip + " " + sig, ""},
		"a file":               {list("a", nil, file("f", "1", "x")), list("a", nil, file("f", "2", "x")), "", paths("f")},
		"the type of a file":   {list("a", nil, file("f", "1", "x")), list("a", nil, file("f", "1", "y")), "", paths("f")},
		"a file comes":         {list("a", nil), list("a", nil, file("f", "1", "x")), "", paths("f")},
		"a file goes":          {list("a", nil, file("f", "1", "x"), file("g", "1", "x")), list("a", nil, file("g", "1", "x")), "", paths("f")},
		"a name to be escaped": {list("a", nil), list("a", nil, file("a b", "1", "x")), "", paths("a%20b")},
	} {
		archives, files := diffPaths(PackageChange{Name: "p", Version: "1.0.0"}, c.old, c.new)
		if strings.Join(archives, " ") != c.archives || strings.Join(files, " ") != c.files {
			t.Errorf("%s: %q, %q; want %q, %q", what, archives, files, c.archives, c.files)
		}
	}
}

// TestDiffOfServiceVersions: the pages that say which version of the service answers differ
// where that does, and only there.
func TestDiffOfServiceVersions(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	built := func(version string) SnapshotRef {
		t.Helper()
		edition, err := src.edition(0)
		if err != nil {
			t.Fatal(err)
		}
		defer edition.Close()
		env := src.environment()
		env.ServiceVersion = version
		r, err := build.Build(t.Context(), build.Options{Source: edition, Environments: []build.Environment{env}, Regsnap: "test", Store: b})
		if err != nil {
			t.Fatal(err)
		}
		return SnapshotRef{testEnv, r.Snapshots[0].ID}
	}
	one, other := built("1.40.1"), built("1.40.2")
	for _, c := range []struct {
		old, new SnapshotRef
		want     []string
	}{{one, other, []string{"/", "/index.json"}}, {other, one, []string{"/", "/index.json"}}, {one, one, []string{}}} {
		d, err := b.Diff(t.Context(), c.old, c.new)
		if err != nil {
			t.Fatal(err)
		}
		if urls := d.URLs(); !slices.Equal(d.Documents, c.want) || !slices.Equal(urls, c.want) && len(urls)+len(c.want) > 0 {
			t.Errorf("documents %q, all %q, want %q", d.Documents, urls, c.want)
		}
	}
	// Of a revision that both have no list is read.
	same := "0123456789abcdef0123"
	was, is, err := bothContents(t.Context(), PackageChange{Name: "p", Version: "1.0.0", OldRevision: same, NewRevision: same}, listed{}, listed{})
	if err != nil || len(was.Files)+len(is.Files) > 0 {
		t.Errorf("%+v, %+v, %v", was, is, err)
	}
	// What is no list of pages is named, on either side.
	text := []byte("x")
	key := layout.PageKey(layout.DigestOf(text))
	if err := b.Put(t.Context(), layout.Object{Key: key, Body: text, ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	bad, none := &layout.Manifest{Catalogue: &layout.ManifestCatalogue{Site: layout.DigestOf(text)}}, &layout.Manifest{}
	for _, sides := range [][2]*layout.Manifest{{bad, none}, {none, bad}} {
		if err := b.diffPages(t.Context(), &Diff{}, sides[0], sides[1]); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%v", err)
		}
	}
}

// TestDiffOfCatalogues: a page of the catalogue that says something else is named, one that
// says the same is not.
func TestDiffOfCatalogues(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	built := func(n int, catalogue bool) SnapshotRef {
		t.Helper()
		edition, err := src.edition(n)
		if err != nil {
			t.Fatal(err)
		}
		defer edition.Close()
		env := src.environment()
		env.Catalogue = catalogue
		l := b.Lease(LeaseOptions{Purpose: "build"})
		r, err := build.Build(t.Context(), build.Options{Source: edition, Environments: []build.Environment{env}, Regsnap: "test", Parallel: 8, Store: l})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		return SnapshotRef{testEnv, r.Snapshots[0].ID}
	}
	plain, first, second := built(0, false), built(0, true), built(1, true)
	pages := func(old, new SnapshotRef) []string {
		t.Helper()
		d, err := b.Diff(t.Context(), old, new)
		if err != nil {
			t.Fatal(err)
		}
		return d.Pages
	}
	// Of edition 0 and 1 the packages are: steady, the same; edited, in another content;
	// growing, in another version; coming, which goes.
	between := pages(first, second)
	for page, differs := range map[string]bool{
		"/catalog/": true, "/catalog/steady/": false, "/catalog/steady/1.0.0/": false, "/catalog/edited/1.0.0/": true,
		"/catalog/coming/": true, "/catalog/growing/": true, "/catalog/growing/1.0.0/": true, "/catalog/growing/1.0.1/": true, "/catalog/coming/1.0.0/": true,
	} {
		if got := slices.Contains(between, page); got != differs {
			t.Errorf("%s differs: %t, want %t (%q)", page, got, differs, between)
		}
	}
	if got := pages(first, first); len(got) > 0 {
		t.Errorf("of one snapshot %q differ", got)
	}
	if all, none := pages(plain, first), pages(plain, plain); !slices.Contains(all, "/catalog/steady/1.0.0/") || len(none) > 0 {
		t.Errorf("where a catalogue comes, %q differ, and where there is neither %q", all, none)
	}
	m := mustRead(t, b, first.ID)
	site := layout.PageKey(m.Catalogue.Site)
	for what, damage := range map[string]func() error{
		"damaged": func() error {
			return b.replaceLive(t.Context(), layout.Object{Key: site, Body: []byte("{}"), ContentType: layout.JsonType})
		},
		"missing": func() error { return b.Delete(t.Context(), site) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Diff(t.Context(), first, second); !isFaulty(err) || !strings.Contains(err.Error(), site) {
			t.Errorf("its list of pages is %s: %v", what, err)
		}
	}
}
