package layout

import (
	"strings"
	"testing"
)

func testDigest(n int) Digest {
	return Digest(strings.Repeat(string("0123456789abcdef"[n]), DigestLen))
}

func soundSite() *Site {
	return &Site{
		Format: SiteFormat, Script: "sha256-x", Style: "sha256-y",
		Pages:    map[string]Digest{"": testDigest(1), "feed.xml": testDigest(2), MissingPage(0): testDigest(3), MissingPage(2): testDigest(4)},
		Packages: map[string]SitePackage{"web": {List: testDigest(5), Pages: map[string]Digest{"": testDigest(6), "feed.xml": testDigest(7)}}},
	}
}

func TestSiteIsChecked(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Site)
		want   string
	}{
		{"a sound one", func(*Site) {}, ""},
		{"one of pages without a style", func(s *Site) { s.Format, s.Style = 1, "" }, ""},
		{"a style in format 1", func(s *Site) { s.Format = 1 }, "format 1 does not go with"},
		{"format 2 without a style", func(s *Site) { s.Style = "" }, "format 2 does not go with"},
		{"page", func(s *Site) { s.Pages["feed.xml"] = "x" }, `page "feed.xml"`},
		{"name of a package", func(s *Site) { s.Packages["Web"] = s.Packages["web"] }, `package "Web"`},
		{"list", func(s *Site) { s.Packages["web"] = SitePackage{List: "x", Pages: map[string]Digest{"": "x"}} }, `package "web": its name or the digest of its list`},
		{"page of a package", func(s *Site) { s.Packages["web"].Pages[""] = "x" }, `package web: page ""`},
	} {
		s := soundSite()
		c.change(s)
		_, err := DecodeSite(Encode(s, ""))
		outcome(t, c.what, err, c.want)
	}
	_, err := DecodeSite(append(Encode(soundSite(), ""), '\n'))
	outcome(t, "a line behind", err, "not written as regsnap writes it")
	_, err = DecodeSiteIndex(append(Encode(SiteIndex{Format: ListFormat, Packages: map[string]SiteEntry{}}, ""), ' '))
	outcome(t, "a space behind the index", err, "not written as regsnap writes it")
	_, err = DecodeSiteList(append(Encode(SiteList{Format: ListFormat, Name: "web", Versions: []SiteVersion{}}, ""), ' '))
	outcome(t, "a space behind a list", err, "not written as regsnap writes it")
	_, err = DecodeSiteList(Encode(SiteList{Format: ListFormat, Name: "web", Versions: []SiteVersion{{Page: "x"}}}, ""))
	outcome(t, "a page of a list", err, "digest")
}

func TestSiteFinds(t *testing.T) {
	s := soundSite()
	for _, c := range []struct {
		path       string
		page, list Digest
		version    string
	}{
		{"", testDigest(1), "", ""},
		{"feed.xml", testDigest(2), "", ""},
		{"web/", testDigest(6), "", ""},
		{"web/feed.xml", testDigest(7), "", ""},
		{"web/versions.json", testDigest(5), "", ""},
		{"web/1.0.0/", "", testDigest(5), "1.0.0"},
		{"web", "", "", ""},
		{"web/1.0.0", "", "", ""},
		{"other/", "", "", ""},
		{"other/1.0.0/", "", "", ""},
	} {
		if page, list, version := s.Find(c.path); page != c.page || list != c.list || version != c.version {
			t.Errorf("%q: %q, %q, %q", c.path, page, list, version)
		}
	}
	if a, b, none := s.Missing("x"), s.Missing("a/b/c"), s.Missing("a/b"); a != testDigest(3) || b != testDigest(4) || none != "" {
		t.Errorf("pages for what is missing: %q, %q, %q", a, b, none)
	}
	list := SiteList{Versions: []SiteVersion{{SiteAbout: SiteAbout{Version: "1.0.0"}, Page: testDigest(8)}, {SiteAbout: SiteAbout{Version: "1.1.0"}, Page: testDigest(9)}}}
	if a, b, none := list.Page("1.0.0"), list.Page("1.1.0"), list.Page("1.2.0"); a != testDigest(8) || b != testDigest(9) || none != "" {
		t.Errorf("pages of versions: %q, %q, %q", a, b, none)
	}
}
