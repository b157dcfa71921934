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
		Format: SiteFormat, Script: "sha256-x",
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
	_, err = DecodeSiteIndex(append(Encode(SiteIndex{Format: SiteFormat, Packages: map[string]SiteEntry{}}, ""), ' '))
	outcome(t, "a space behind the index", err, "not written as regsnap writes it")
	_, err = DecodeSiteList(append(Encode(SiteList{Format: SiteFormat, Name: "web", Versions: []SiteVersion{}}, ""), ' '))
	outcome(t, "a space behind a list", err, "not written as regsnap writes it")
	_, err = DecodeSiteList(Encode(SiteList{Format: SiteFormat, Name: "web", Versions: []SiteVersion{{Page: "x"}}}, ""))
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

// TestSiteStyle: the path of a style says its hash, as a browser computes it; other paths
// say none.
func TestSiteStyle(t *testing.T) {
	// Of nothing: FIPS 180-4's example, in hexadecimal and in base64.
	const empty, policy = "-/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.css", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
	if got := StylePath(nil); got != empty {
		t.Errorf("a style without a rule is at %s", got)
	}
	for path, want := range map[string]string{
		empty: policy, "-/e3b0c44298fc.css": "", "-/feed.xml": "", strings.Replace(empty, ".css", ".js", 1): "", "": "",
	} {
		if got := (&Site{Pages: map[string]Digest{path: "x"}}).Style(); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
