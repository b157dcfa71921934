package catalog

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

func siteVersions(versions ...string) (out []layout.SiteVersion) {
	for _, v := range versions {
		version, release, _ := strings.Cut(v, " ")
		out = append(out, layout.SiteVersion{SiteAbout: layout.SiteAbout{Version: version, Title: "A " + version, Release: release, Description: "Of " + version}, Branch: "production"})
	}
	return out
}

// TestNewest: the newest version that is meant for everybody, else the newest.
func TestNewest(t *testing.T) {
	for versions, want := range map[string]int{
		"1.0.0": 0, "1.0.0,2.0.0": 1, "1.0.0,2.0.0,3.0.0-rc1": 1, "1.0.0,2.0.0 experimental": 0, "1.0.0,2.0.0 beta": 1, "1.0.0+a-b,1.0.1-a": 0,
		"1.0.0-a,1.0.0-b": 1, "1.0.0 experimental": 0,
	} {
		if got := Newest(siteVersions(strings.Split(versions, ",")...)); got != want {
			t.Errorf("%s: %d, want %d", versions, got, want)
		}
	}
}

func environment() Environment {
	about := func(version, title, release, owner, subscription string, categories ...string) layout.SiteEntry {
		return layout.SiteEntry{Versions: 1, SiteAbout: layout.SiteAbout{Version: version, Title: title, Description: "About " + title, Release: release, Type: "integration", Owner: owner, Subscription: subscription, Categories: categories}}
	}
	first := about("1.0.0+b", "Alpha & co", "ga", "acme/one", "basic", "web", "cloud")
	first.Icon, first.Kibana, first.Versions = "package/a/1.0.0+b/img/a b.svg", "^8.0.0", 3
	second := about("0.1.0", "Beta", "experimental", "acme/two", "gold", "web")
	second.Deprecated = true
	third := about("2.0.0", "Gamma", "", "acme/one", "")
	third.Type = ""
	return Environment{
		Name: "staging", Regsnap: "v1.2.3", Versions: 5, Category: func(id string) string { return map[string]string{"web": "Web", "cloud": "A cloud"}[id] },
		Packages: []Package{{"a", first}, {"b", second}, {"c", third}},
		Branches: []layout.ManifestBranch{
			{Name: "production", Commit: strings.Repeat("0123456789", 4), Time: time.Date(2024, 5, 6, 9, 8, 7, 0, time.FixedZone("", 7200)), Author: "Ada", Subject: "Add a", Packages: 4, Hidden: 1},
			{Name: "staging", Packages: 2},
		},
		Waiting: []Waiting{{"staging", []NamedVersion{{"b", "0.1.0+c"}}}},
	}
}

// TestIndexPage: all packages, what they can be chosen by, and how many have it.
func TestIndexPage(t *testing.T) {
	page := environment().Index()
	compareLines(t, "the page", mainOf(t, page), `
# Packages of staging
3 packages in 5 versions.
Search
Category
() All
(cloud) A cloud (1)
(web) Web (2)
Type
() All
(integration) integration (2)
Subscription
() All
(basic) basic (1)
(gold) gold (1)
Owner
() All
(acme/one) acme/one (2)
(acme/two) acme/two (1)
Kibana version
Show pre-releases
Search
Clear
## All packages
{../package/a/1.0.0+b/img/a%20b.svg}
### [Alpha & co](a/)
[1.0.0+b](a/1.0.0+b/)
About Alpha & co
Kibana ^8.0.0 basic acme/one 3 versions
B
### [Beta](b/)
[0.1.0](b/0.1.0/) experimental deprecated
About Beta
gold acme/two 1 version
G
### [Gamma](c/)
[2.0.0](c/2.0.0/)
About Gamma
acme/one 1 version
No package fits. [Show all](./)
`)
	for _, want := range []string{
		`<li data-name="a" data-category="web cloud" data-type="integration" data-subscription="basic" data-owner="acme/one">`,
		`<li data-name="b" data-category="web" data-type="integration" data-subscription="gold" data-owner="acme/two" data-pre>`,
		"<title>Packages of staging</title>", `<meta name="description" content="All packages of the environment staging">`, "<style>", `href="-/feed.xml"`,
		`<body data-kind="index" data-root="./" data-api="../">`,
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %s", want)
		}
	}
}

// TestEnvironmentPage: what an environment is made of.
func TestEnvironmentPage(t *testing.T) {
	e := environment()
	const want = `
# The environment staging
3 packages in 5 versions, built by regsnap v1.2.3.
Who made it live, and when, is not in a snapshot: regsnap history staging tells.
(branches)
## Its branches
Of a version that several branches have, the first one's is shown.
Branches, the most important first
| Branch | Commit | Time | Author | Subject | Versions | Hidden
| production | 012345678901 | 2024-05-06 07:08 UTC | Ada | Add a | 4 | 1
| staging | a folder | | | | 2 | 0
(waiting-staging)
## Only on staging 1
These wait for promotion: no branch before it has them.
- [b 0.1.0+c](../../b/0.1.0+c/)
(moves)
`
	page := e.About()
	compareLines(t, "the page", mainOf(t, page), want)
	for _, want := range []string{
		`datetime="2024-05-06T07:08:07Z"`, "<title>The environment staging</title>", `content="What the environment staging is made of"`, `href="../feed.xml"`,
		`<span aria-current="page">The environment staging</span>`, `<body data-kind="environment" data-root="../../" data-api="../../../">`,
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %s", want)
		}
	}
	e.Slice = true
	compareLines(t, "a part", mainOf(t, e.About()), strings.Replace(want, "v1.2.3.", "v1.2.3, a part of a larger snapshot.", 1))
	missing := e.NotFound(3)
	compareLines(t, "no page", mainOf(t, missing), `
# There is no such page
The environment staging has nothing at this address. A version may have been removed, or may only be in another environment.
[All packages of staging](../../../)
`)
	if !strings.Contains(string(missing), "<title>Not found</title>") {
		t.Error("no title")
	}
}

// changedList is a package with what changed in its versions.
func changedList() *layout.SiteList {
	l := &layout.SiteList{Name: "a", Versions: siteVersions("1.0.0+b ga", "1.1.0 beta", "2.0.0-rc1 beta")}
	names := func(count int, names ...string) layout.SiteNames { return layout.SiteNames{Count: count, Names: names} }
	v := &l.Versions[1]
	v.Kibana, v.Owner, v.Type, v.Icon, v.Categories = "^8.0.0", "acme", "input", "package/a/1.1.0/img/a.svg", []string{"web"}
	v.Log = []layout.SiteLog{{Kind: "fix", Text: "Mended", Link: "https://example.com/1"}, {Kind: "change", Text: "Other"}}
	v.Changes = &layout.SiteChanges{
		Facts: []layout.SiteFact{{Name: "Kibana", Before: "", After: "^8.0.0"}, {Name: "Owner", Before: "x", After: ""}},
		Files: layout.SiteChanged{Added: names(1, "b"), Changed: names(14, "c", "d"), Removed: names(1, "e")}, Fields: layout.SiteChanged{Removed: names(1, "f")},
	}
	l.Versions[2].Branch = "staging"
	l.Versions[2].Changes = &layout.SiteChanges{Variables: layout.SiteChanged{Added: names(2, "v", "w")}}
	return l
}

// TestPackagePage: all versions, the newest first, and what changed in each.
func TestPackagePage(t *testing.T) {
	page := PackagePage(changedList())
	compareLines(t, "the page", mainOf(t, page), `
{../../package/a/1.1.0/img/a.svg}
# A 1.1.0
Of 1.1.0
input [web](../?category=web) [acme](../?owner=acme)
Newest version: [1.1.0](1.1.0/)beta , for Kibana ^8.0.0. Not meant for everybody yet: [2.0.0-rc1](2.0.0-rc1/).
## Compare two versions
From
() 2.0.0-rc1
() 1.1.0
() 1.0.0+b
To
() 2.0.0-rc1
() 1.1.0
() 1.0.0+b
Compare
(differences)
## 3 versions
### [2.0.0-rc1](2.0.0-rc1/) beta pre-release
branch staging
What changed since 1.1.0 0 files
Variables: 2 added, 0 changed, 0 removed
- Added
- v
- w
### [1.1.0](1.1.0/) beta
Kibana ^8.0.0
branch production
- fix Mended [details of this change, elsewhere](https://example.com/1)
- change Other
What changed since 1.0.0+b 16 files
Kibana: ^8.0.0, before none
Owner: none, before x
Fields: 0 added, 0 changed, 1 removed
- Removed
- f
Files: 1 added, 14 changed, 1 removed
- Added
- b
- Changed
- c
- d
- and 14 in all
- Removed
- e
### [1.0.0+b](1.0.0+b/)
branch production
`)
	for _, want := range []string{`<li id="v-1_0_0__b">`, "<title>A 1.1.0</title>", `content="Of 1.1.0"`, `href="feed.xml"`, `<body data-kind="package" data-root="../" data-api="../../">`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %s", want)
		}
	}
	only := &layout.SiteList{Name: "a", Versions: siteVersions("1.0.0")}
	only.Versions[0].Changes = &layout.SiteChanges{Facts: []layout.SiteFact{{Name: "x"}}}
	compareLines(t, "the page of one version", mainOf(t, PackagePage(only)), `
A
# A 1.0.0
Of 1.0.0
Newest version: [1.0.0](1.0.0/).
(differences)
## 1 version
### [1.0.0](1.0.0/)
branch production
`)
}

// entries are those of a feed as RFC 4287 has them, a line each, after what the feed says
// of itself.
func entries(t *testing.T, data []byte) (lines []string) {
	t.Helper()
	type link struct {
		Rel  string `xml:"rel,attr"`
		Href string `xml:"href,attr"`
		Type string `xml:"type,attr"`
	}
	var f struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Title   string   `xml:"title"`
		Updated string   `xml:"updated"`
		Author  string   `xml:"author>name"`
		Links   []link   `xml:"link"`
		Entries []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
			Link    link   `xml:"link"`
			Content struct {
				Type string `xml:"type,attr"`
				Text string `xml:",chardata"`
			} `xml:"content"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	lines = append(lines, fmt.Sprint(f.ID, ", ", f.Title, ", ", f.Updated, ", ", f.Author), fmt.Sprint(f.Links))
	for _, e := range f.Entries {
		lines = append(lines, fmt.Sprintf("%s, %s, %s, %v, %s: %s", e.ID, e.Title, e.Updated, e.Link, e.Content.Type, strings.ReplaceAll(strings.TrimSpace(e.Content.Text), "\n", "; ")))
	}
	return lines
}

// TestFeeds: new versions, as readers of feeds take them.
func TestFeeds(t *testing.T) {
	if feed := string(environment().Feed()); !strings.HasPrefix(feed, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<feed ") || !strings.HasSuffix(feed, "</feed>\n") {
		t.Errorf("the feed is %s", feed)
	}
	// What XML 1.0 can say (section 2.2).
	if got := xmlText("\x00\x08\t\n\v\r\x1f \uD7FF\uE000\uFFFD\uFFFE\uFFFF\U00010000"); got != "\t\n\r \uD7FF\uE000\uFFFD\U00010000" {
		t.Errorf("%q", got)
	}
	l := changedList()
	l.Versions[0].Title = "A\x01\v\uFFFE\uFFFF\tB"
	compareLines(t, "the feed of a package", entries(t, PackageFeed(l)), `
urn:regsnap:package:a, A 1.1.0: new versions, 1970-01-01T00:00:00Z, regsnap
[{self feed.xml application/atom+xml} {alternate ./ text/html}]
urn:regsnap:version:a:2.0.0-rc1, A 2.0.0-rc1 2.0.0-rc1, 1970-01-01T00:00:00Z, {alternate 2.0.0-rc1/ text/html}, text: variables: 2 added, 0 changed, 0 removed
urn:regsnap:version:a:1.1.0, A 1.1.0 1.1.0, 1970-01-01T00:00:00Z, {alternate 1.1.0/ text/html}, text: fix: Mended; change: Other; Kibana: "^8.0.0", before ""; Owner: "", before "x"; fields: 0 added, 0 changed, 1 removed; files: 1 added, 14 changed, 1 removed
urn:regsnap:version:a:1.0.0+b, A	B 1.0.0+b, 1970-01-01T00:00:00Z, {alternate 1.0.0+b/ text/html}, text: Of 1.0.0+b
`)
	compareLines(t, "the feed of an environment", entries(t, environment().Feed()), `
urn:regsnap:environment:staging, Packages of staging, 2024-05-06T07:08:07Z, regsnap
[{self feed.xml application/atom+xml} {alternate ../ text/html}]
urn:regsnap:version:a:1.0.0+b, Alpha & co 1.0.0+b, 1970-01-01T00:00:00Z, {alternate ../a/1.0.0+b/ text/html}, text: About Alpha & co
urn:regsnap:version:b:0.1.0, Beta 0.1.0, 1970-01-01T00:00:00Z, {alternate ../b/0.1.0/ text/html}, text: About Beta
urn:regsnap:version:c:2.0.0, Gamma 2.0.0, 1970-01-01T00:00:00Z, {alternate ../c/2.0.0/ text/html}, text: About Gamma
`)
	e := environment()
	later := e.Branches[0]
	later.Time = later.Time.Add(time.Hour)
	e.Branches = append([]layout.ManifestBranch{later}, e.Branches...)
	if got := entries(t, e.Feed())[0]; !strings.Contains(got, "2024-05-06T08:08:07Z") {
		t.Errorf("not as old as the newest commit: %s", got)
	}
	e.Branches = nil
	if got := entries(t, e.Feed())[0]; !strings.Contains(got, "1970-01-01T00:00:00Z") {
		t.Errorf("of folders: %s", got)
	}
	var many []string
	for i := range 51 {
		many = append(many, fmt.Sprintf("1.%d.0", i))
	}
	got := entries(t, PackageFeed(&layout.SiteList{Name: "a", Versions: siteVersions(many...)}))
	if len(got) != 2+50 || !strings.HasPrefix(got[len(got)-1], "urn:regsnap:version:a:1.1.0,") {
		t.Errorf("%d lines, the last is %s", len(got), got[len(got)-1])
	}
}

// TestFramesOfPages: what is around the pages of a package, of the environment and of what
// is missing: the way there, where the feed is, and what the script goes by.
func TestFramesOfPages(t *testing.T) {
	e := environment()
	title := changedList().Versions[1].Title
	for name, c := range map[string]struct {
		page []byte
		want []string
		feed int // how often it is named
	}{
		"a package": {PackagePage(changedList()), []string{
			"<title>" + title + "</title>", `<body data-kind="package" data-root="../" data-api="../../">`, `<link rel="alternate" type="application/atom+xml" href="feed.xml" title="New versions">`,
			`<li><a href="../">Packages</a></li>`, `<li><span aria-current="page">` + title + `</span></li>`, `<li><a href="feed.xml">Feed</a></li>`, `<meta name="description" content="Of 1.1.0">`,
		}, 2},
		"the environment": {e.About(), []string{
			"<title>The environment staging</title>", `<body data-kind="environment" data-root="../../" data-api="../../../">`, `<link rel="alternate" type="application/atom+xml" href="../feed.xml" title="New versions">`,
			`<li><a href="../../">Packages</a></li>`, `<li><span aria-current="page">The environment staging</span></li>`, `<li><a href="../feed.xml">Feed</a></li>`,
			`<meta name="description" content="What the environment staging is made of">`,
		}, 2},
		"what is missing": {e.NotFound(1), []string{
			"<title>Not found</title>", `<body data-kind="missing" data-root="../" data-api="../../">`, `<li><a href="../">Packages</a></li>`, `<li><a href="../-/environment/">Environment</a></li>`,
		}, 0},
		"what is missing at the top": {e.NotFound(0), []string{`<body data-kind="missing" data-root="./" data-api="../">`, `<li><a href="./">Packages</a></li>`}, 0},
	} {
		for _, want := range c.want {
			if n := strings.Count(string(c.page), want); n != 1 {
				t.Errorf("%s: %s is there %d times", name, want, n)
			}
		}
		if n := strings.Count(string(c.page), `feed.xml"`); n != c.feed {
			t.Errorf("%s: the feed is named %d times", name, n)
		}
	}
}
