package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// Package is what the index and the feeds show of a package.
type Package struct {
	Name string
	layout.SiteEntry
}

// Title of a category by its id.
type Title func(category string) string

// Environment is what the pages of a snapshot say of it.
type Environment struct {
	Name     string
	Regsnap  string
	Branches []layout.ManifestBranch
	Packages []Package // sorted by name
	Versions int
	// Category gives the title of a category.
	Category Title
	// Waiting are the versions that only branches before the last hold.
	Waiting []Waiting
	Slice   bool
}

// Waiting is how many versions an environment has from one branch alone.
type Waiting struct {
	Branch   string
	Versions []NamedVersion
}

// NamedVersion is a package version.
type NamedVersion struct{ Name, Version string }

// Prerelease reports whether a version is not meant for everybody.
func (p Package) Prerelease() bool { return prerelease(p.SiteAbout) }

func prerelease(a layout.SiteAbout) bool {
	precedence, _, _ := strings.Cut(a.Version, "+")
	return strings.Contains(precedence, "-") || a.Release == "experimental"
}

// Newest is the place of the version that lists show: the newest that is meant for
// everybody, else the newest.
func Newest(versions []layout.SiteVersion) int {
	for i := len(versions) - 1; i >= 0; i-- {
		if !prerelease(versions[i].SiteAbout) {
			return i
		}
	}
	return len(versions) - 1
}

type indexPage struct {
	Environment
	Facets []facet
}

// facet is one choice that the index offers.
type facet struct {
	Name, Label string
	Options     []option
}

type option struct {
	Value, Text string
	Count       int
}

// Index renders the list of all packages.
func (e Environment) Index() []byte {
	f := newFrame("index", 0, "Packages of "+e.Name)
	f.Description = "All packages of the environment " + e.Name
	f.Feed = "-/feed.xml"
	f.Styled = true
	f.Body = indexPage{e, e.facets()}
	return execute("index", f)
}

func (e Environment) facets() []facet {
	out := []facet{{Name: "category", Label: "Category"}, {Name: "type", Label: "Type"}, {Name: "subscription", Label: "Subscription"}, {Name: "owner", Label: "Owner"}}
	counts := make([]map[string]int, len(out))
	for i := range counts {
		counts[i] = map[string]int{}
	}
	for _, p := range e.Packages {
		for _, c := range p.Categories {
			counts[0][c]++
		}
		for i, v := range []string{p.Type, p.Subscription, p.Owner} {
			if v != "" {
				counts[i+1][v]++
			}
		}
	}
	for i := range out {
		for v, n := range counts[i] {
			text := v
			if i == 0 {
				text = e.Category(v)
			}
			out[i].Options = append(out[i].Options, option{v, text, n})
		}
		slices.SortFunc(out[i].Options, func(a, b option) int { return cmp.Or(cmp.Compare(a.Text, b.Text), cmp.Compare(a.Value, b.Value)) })
	}
	return out
}

// About renders the page about the environment.
func (e Environment) About() []byte {
	f := newFrame("environment", 2, "The environment "+e.Name)
	f.Description = "What the environment " + e.Name + " is made of"
	f.Crumbs = []crumb{{"The environment " + e.Name, ""}}
	f.Feed = "../feed.xml"
	f.Body = e
	return execute("environment", f)
}

// NotFound renders the page for an address without a page, so many levels below the
// index.
func (e Environment) NotFound(depth int) []byte {
	f := newFrame("missing", depth, "Not found")
	f.Body = e
	return execute("missing", f)
}

type packagePage struct {
	layout.SiteAbout
	Name     string
	Newest   layout.SiteVersion
	Beyond   *layout.SiteVersion // newer, and not meant for everybody
	Versions []shownVersion      // the newest first
}

type shownVersion struct {
	layout.SiteVersion
	Before     string
	Prerelease bool
}

// PackagePage renders the page of a package: all its versions and what changed in
// each.
func PackagePage(l *layout.SiteList) []byte {
	newest := Newest(l.Versions)
	p := packagePage{SiteAbout: l.Versions[newest].SiteAbout, Name: l.Name, Newest: l.Versions[newest]}
	if last := len(l.Versions) - 1; last > newest {
		p.Beyond = &l.Versions[last]
	}
	for i, v := range l.Versions {
		s := shownVersion{SiteVersion: v, Prerelease: prerelease(v.SiteAbout)}
		if i > 0 {
			s.Before = l.Versions[i-1].Version
		}
		p.Versions = append(p.Versions, s)
	}
	slices.Reverse(p.Versions)
	f := newFrame("package", 1, p.Title)
	f.Description = p.Description
	f.Crumbs = []crumb{{p.Title, ""}}
	f.Feed = "feed.xml"
	f.Body = p
	return execute("package", f)
}
