package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// versionOf renders a version of package "a", whose document has the members given.
func versionOf(t *testing.T, members string, files ...string) (*Version, []byte) {
	t.Helper()
	v, err := NewRenderer().Version(Input{
		Document: []byte(`{"name":"a","version":"1.2.0+b","path":"/package/a/1.2.0+b",` + members + `}`),
		Archive:  layout.ObjectDigest{SHA256: strings.Repeat("ab", 32), Size: 1500}, Signed: strings.Contains(members, "signed"), Files: packageFiles(files...),
	})
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if _, err := v.Page.WriteTo(&page); err != nil {
		t.Fatal(err)
	}
	return v, []byte(page.String())
}

// TestVersionPage: all that a page of a version shows, where it leads, and in which order.
func TestVersionPage(t *testing.T) {
	const members = `"title":"A & B","description":"What it does.","type":"integration","release":"beta","signed":true,"format_version":"3.0.0","license":"basic",
		"categories":["web","cloud"],"conditions":{"kibana":{"version":"^8.0.0"},"agent":{"version":"^9.1.0"},"elastic":{"subscription":"gold","capabilities":["x","y"]}},
		"owner":{"github":"acme/team"},"source":{"license":"Apache-2.0"},
		"icons":[{"src":"/img/a.svg","path":"/package/a/1.2.0+b/img/a b.svg"}],
		"screenshots":[{"title":"The first","path":"/package/a/1.2.0+b/img/one.png","size":"800x600"},{"path":"/package/a/1.2.0+b/img/two.png"}],
		"vars":[{"name":"whole","type":"text","required":true,"default":1}],
		"policy_templates":[{"name":"p","title":"P","inputs":[{"type":"logs","title":"Collect logs","description":"From files.","vars":[{"name":"paths","type":"text","multi":true,"title":"Paths","description":"Where they are","default":["/var/log/*"]}]},{"type":"none"},{"type":"httpjson","vars":[{"name":"key","type":"password","default":"secret"}]}]}],
		"data_streams":[{"type":"logs","dataset":"a.access","title":"Access logs","path":"access","streams":[{"input":"logs","title":"From files","description":"Reads them.","vars":[{"name":"tz","type":"text"}]},{"input":"tcp","vars":[{"name":"port","type":"integer"}]}]},{"type":"metrics","dataset":"a.load","title":"Load","path":"load"}]`
	files := []string{
		"docs/README.md", "# A\n\nSee [more](more.md) and [the manual](other.md).\n",
		"docs/More things.md", "# More\n\n[up](#more)\n", "docs/more.md", "more\n", "docs/deep/no.md", "not shown\n", "docs/more-things.md", "the same id\n",
		"changelog.yml", "- version: 1.3.0\n  changes:\n    - description: Later.\n      type: bugfix\n- version: 1.2.0+b\n  changes:\n    - description: Now\n      type: breaking-change\n      link: https://example.com/1\n    - description: Too\n      type: odd\n- version: 1.0.0\n",
		"data_stream/access/fields/base.yml", "- name: a\n  type: keyword\n  description: The a\n- name: g\n  type: group\n  fields:\n    - name: b\n      external: ecs\n",
		"data_stream/access/fields/more.yml", "- name: c\n  type: long\n", "fields/own.yml", "- name: own\n  type: ip\n",
		"kibana/dashboard/one.json", `{"attributes":{"title":"Zulu"}}`, "kibana/dashboard/two.json", `{"attributes":{"title":"Alpha"}}`, "kibana/dashboard/three.json", `{"attributes":{"title":"Alpha"}}`,
		"kibana/dashboard/broken.json", `{ `, "kibana/security_rule/r.json", "{}", "kibana/map/m.json", "{}", "kibana/tag/t.json", "{}", "kibana/lens/l.json", "{}", "kibana/search/s.json", "{}", "kibana/tags.yml", "x\n",
		"manifest.yml", "name: a\n", "img/a b.svg", "<svg/>",
	}
	_, page := versionOf(t, members, files...)
	var rows []string
	bytes := 0
	for _, f := range packageFiles(files...) {
		bytes += len(f.Content)
		rows = append(rows, fmt.Sprintf("| [%s](../../../package/a/1.2.0+b/%s) | %d bytes", f.Path, strings.ReplaceAll(f.Path, " ", "%20"), len(f.Content)))
	}
	compareLines(t, "the page", mainOf(t, page), `
{../../../package/a/1.2.0+b/img/a%20b.svg}
# A & B 1.2.0+b
What it does.
beta integration [web](../../?category=web) [cloud](../../?category=cloud)
[What changed in 1.2.0+b](../#v-1_2_0__b)
[All versions](../)
Kibana
^8.0.0
Elastic Agent
^9.1.0
Subscription
gold
Capabilities
x, y
Owner
[acme/team](../../?owner=acme%2fteam)
Licence
Apache-2.0
Package spec
3.0.0
- [Overview](#readme)
- [Screenshots](#screenshots)
- [What comes with it](#assets)
- [Inputs and variables](#variables)
- [Data streams and fields](#streams)
- [More things](#doc-more-things)
- [more-things](#doc-more-things-2)
- [more](#doc-more)
- [Changelog](#changelog)
- [Download](#download)
- [Files](#files)
(readme)
## Overview
### A
See [more](../../../package/a/1.2.0+b/docs/more.md) and [the manual]().
(screenshots)
## Screenshots
- [
{../../../package/a/1.2.0+b/img/one.png}
The first
](../../../package/a/1.2.0+b/img/one.png)
- [
{../../../package/a/1.2.0+b/img/two.png}
Screenshot
](../../../package/a/1.2.0+b/img/two.png)
(assets)
## What comes with it
- 4 dashboards
- 1 lens
- 1 map
- 1 search
- 1 security rule
- 1 tag
### Dashboards
- Alpha
- Zulu
(variables)
## Inputs and variables
Whole package 1 variable
Variables: Whole package
| Name | Type | Meaning | Default
| whole required | text | | 1
Collect logs logs 1 variable
From files.
Variables: Collect logs
| Name | Type | Meaning | Default
| paths | text, several | Paths Where they are | ["/var/log/*"]
httpjson httpjson 1 variable
Variables: httpjson
| Name | Type | Meaning | Default
| key | password | |
From files logs 1 variable
Reads them.
Variables: From files
| Name | Type | Meaning | Default
| tz | text | |
Access logs tcp 1 variable
Variables: Access logs
| Name | Type | Meaning | Default
| port | integer | |
(streams)
## Data streams and fields
Access logs a.access logs, 3 fields
Fields: Access logs
| Field | Type | Meaning
| a | keyword | The a
| g.b | ecs |
| c | long |
Load a.load metrics, 0 fields
No field is described.
Of the package itself 1 field
Fields: Of the package itself
| Field | Type | Meaning
| own | ip |
(doc-more-things)
## More things
Read this document
### More
[up](#user-content-doc-more-things-more)
(doc-more-things-2)
## more-things
Read this document
the same id
(doc-more)
## more
Read this document
more
(changelog)
## Changelog
### 1.2.0+b
- breaking Now [details of this change, elsewhere](https://example.com/1)
- change Too
Other versions 2
### 1.3.0
- fix Later.
### 1.0.0
Nothing is said.
(download)
## Download
Archive
[a-1.2.0+b.zip](../../../epr/a/a-1.2.0+b.zip), 1.5 kB
SHA-256
`+strings.Repeat("ab", 32)+`
Signature
[a-1.2.0+b.zip.sig](../../../epr/a/a-1.2.0+b.zip.sig)
API
[package document](../../../package/a/1.2.0+b/)
curl -O "$REGISTRY/epr/a/a-1.2.0+b.zip"
Copy
(files)
## Files
21 files `+strconv.Itoa(bytes)+` bytes
Files of the package
| Path | Size
`+strings.Join(rows, "\n"))
}

// TestBareVersionPage: a package that says nothing has a page all the same.
func TestBareVersionPage(t *testing.T) {
	v, page := versionOf(t, `"title":"","license":"basic"`, "changelog.yml", "- version: 1.0.0\n  changes: []\n")
	compareLines(t, "the page", mainOf(t, page), `
?
# 1.2.0+b
[What changed in 1.2.0+b](../#v-1_2_0__b)
[All versions](../)
Kibana
any version
Subscription
basic
Owner
not said
Licence
not said
Package spec
- [Overview](#readme)
- [Changelog](#changelog)
- [Download](#download)
- [Files](#files)
(readme)
## Overview
This package has no README.
(changelog)
## Changelog
The changelog does not mention this version.
Other versions 1
### 1.0.0
Nothing is said.
(download)
## Download
Archive
[a-1.2.0+b.zip](../../../epr/a/a-1.2.0+b.zip), 1.5 kB
SHA-256
`+strings.Repeat("ab", 32)+`
Signature
not signed
API
[package document](../../../package/a/1.2.0+b/)
curl -O "$REGISTRY/epr/a/a-1.2.0+b.zip"
Copy
(files)
## Files
1 file 31 bytes
Files of the package
| Path | Size
| [changelog.yml](../../../package/a/1.2.0+b/changelog.yml) | 31 bytes`)
	if v.Log != nil {
		t.Errorf("log %v", v.Log)
	}
	if _, page := versionOf(t, `"title":"A"`, "docs/README.md", ""); !strings.Contains(string(page), "<p>This package has no README.</p>") {
		t.Errorf("an empty README is shown:\n%s", page)
	}
	if _, err := NewRenderer().Version(Input{Document: []byte("{")}); err == nil {
		t.Error("a document that cannot be read has a page")
	}
}

// TestAbout: what lists show of a version.
func TestAbout(t *testing.T) {
	v, _ := versionOf(t, `"title":"A","description":"D","type":"input","release":"ga","categories":["web"],"license":"basic","owner":{"github":"acme"},
		"conditions":{"kibana":{"version":"^8.0.0"},"agent":{"version":"^9.0.0"},"elastic":{"subscription":"gold"}},"icons":[{"path":"/package/a/1.2.0+b/img/a.svg"},{"path":"/b.svg"}]`,
		"changelog.yml", "- version: 1.2.0+b\n  changes:\n    - description: ' Now '\n      type: enhancement\n      link: docs/x.md\n")
	want := layout.SiteAbout{
		Version: "1.2.0+b", Title: "A", Description: "D", Icon: "package/a/1.2.0+b/img/a.svg", Type: "input", Release: "ga",
		Categories: []string{"web"}, Owner: "acme", Subscription: "gold", Kibana: "^8.0.0", Agent: "^9.0.0",
	}
	if !reflect.DeepEqual(v.About, want) {
		t.Errorf("%+v, want %+v", v.About, want)
	}
	if log := []layout.SiteLog{{Kind: "enhancement", Text: "Now"}}; !reflect.DeepEqual(v.Log, log) {
		t.Errorf("%+v, want %+v", v.Log, log)
	}
}

// TestFrameOfAPage: what is around it.
func TestFrameOfAPage(t *testing.T) {
	_, page := versionOf(t, `"title":"A & B","description":"\"Quoted\""`)
	for _, want := range []string{
		"<title>A &amp; B 1.2.0&#43;b</title>", `<meta name="description" content="&#34;Quoted&#34;">`, `<link rel="stylesheet" href="../../` + stylePath() + `">`,
		`<link rel="alternate" type="application/atom+xml" href="../feed.xml" title="New versions">`, `<script src="../../` + scriptPath() + `" integrity="` + Script() + `" defer></script>`,
		`<body data-kind="version" data-root="../../" data-api="../../../">`, `<li><a href="../../">Packages</a></li>`, `<li><a href="../">A &amp; B</a></li>`,
		`<li><span aria-current="page">1.2.0&#43;b</span></li>`, `<li><a href="../../-/environment/">Environment</a></li>`, `<li><a href="../feed.xml">Feed</a></li>`,
	} {
		if n := strings.Count(string(page), want); n != 1 {
			t.Errorf("%s is there %d times", want, n)
		}
	}
	for path, content := range Assets() {
		if sum := sha256.Sum256(content); path != "-/"+hex.EncodeToString(sum[:])+".css" && path != "-/"+hex.EncodeToString(sum[:])[:12]+".js" {
			t.Errorf("%s has %x", path, sum)
		}
	}
}

// TestPictures: a picture has the room that it says it takes, if that can be.
func TestPictures(t *testing.T) {
	for size, want := range map[string][2]int{
		"800x600": {800, 600}, "1x1": {1, 1}, "19999x19999": {19999, 19999}, "800x600 px": {800, 600},
		"": {1200, 750}, "800": {1200, 750}, "800x": {1200, 750}, "0x600": {1200, 750}, "800x0": {1200, 750}, "-1x600": {1200, 750}, "20000x600": {1200, 750}, "800x20000": {1200, 750},
	} {
		p := versionPage{}
		p.Screenshots = []parse.Image{{Title: "T", Path: "/package/a/1.0.0/img/a.png", Size: size}}
		p.pictures()
		if w := (picture{"package/a/1.0.0/img/a.png", "T", want[0], want[1]}); len(p.Pictures) != 1 || p.Pictures[0] != w {
			t.Errorf("%q: %+v, want %+v", size, p.Pictures, w)
		}
	}
}

// TestDashboards: those that have a title, each once, up to 4 MiB long.
func TestDashboards(t *testing.T) {
	whole := func(n int) string {
		head := `{"attributes":{"title":"Large"}}`
		return head + strings.Repeat(" ", n-len(head))
	}
	for content, want := range map[string]string{whole(4 << 20): "[Large]", whole(4<<20 + 1): "[]", `{"attributes":{}}`: "[]", `{"title":"x"}`: "[]", "": "[]"} {
		if got := fmt.Sprint(dashboards(packageFiles("kibana/dashboard/a.json", content, "kibana/visualization/b.json", whole(100)))); got != want {
			t.Errorf("%.40q…: %s, want %s", content, got, want)
		}
	}
}
