package edgetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
)

// Requests makes up requests to a snapshot: those that clients send, and those
// that only someone hostile or mistaken would. The same seed gives the same.
type Requests struct {
	random *rand.Rand
	table  *answer.Table
	values answer.Values
	files  []file
}

// file is a file of some package.
type file struct {
	layout.Revision
	layout.ContentsFile
}

// maxRevisions is of how many package versions the files are asked for.
const maxRevisions = 60

// NewRequests looks at what an environment's live snapshot has.
func NewRequests(ctx context.Context, b *publish.Bucket, env string, seed uint64) (*Requests, error) {
	p, err := b.Pointer(ctx, env)
	if err != nil {
		return nil, err
	}
	routes, err := b.Routes(ctx, env, p.Snapshot)
	if err != nil {
		return nil, err
	}
	table, err := answer.NewTable(routes)
	if err != nil {
		return nil, err
	}
	r := &Requests{random: rand.New(rand.NewPCG(seed, 0)), table: table, values: table.Values()}
	rows := r.random.Perm(table.Rows())
	for _, row := range rows[:min(len(rows), maxRevisions)] {
		rev := table.Revision(row)
		body, err := b.Read(ctx, rev.ContentsKey())
		if err != nil {
			return nil, err
		}
		contents, err := layout.DecodeContents(body, rev)
		if err != nil {
			return nil, err
		}
		for _, f := range contents.Files {
			r.files = append(r.files, file{rev, f})
		}
	}
	return r, nil
}

func pick[T any](r *Requests, list ...T) T { return list[r.random.IntN(len(list))] }

func (r *Requests) often(percent int) bool { return r.random.IntN(100) < percent }

// Next is another request.
func (r *Requests) Next() Case {
	c := Case{Method: "GET", Headers: map[string]string{}}
	switch r.random.IntN(20) {
	case 0:
		c.Method = pick(r, "HEAD", "HEAD", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
	case 1:
		c.Headers["If-None-Match"] = pick(r, "*", `"x"`, `W/"x", "y"`, `"`, `W/"`, "x")
	case 2:
		c.Headers["If-Match"] = pick(r, "*", `"x"`, `W/"x"`)
	}
	if r.often(40) {
		c.Headers["Accept-Encoding"] = pick(r, "gzip", "gzip, deflate, br", "identity", "gzip;q=0", "*", "identity;q=0.5, *;q=0.1",
			"GZIP;Q=0.5", "gzip;q=x", "x-gzip", "gzip;q=0.2, identity;q=0.5", "deflate", "", "gzip;q=1e3", "*;q=0, gzip")
	}
	switch n := r.random.IntN(100); {
	case n < 55:
		c.Target = pick(r, "/search", "/search", "/categories") + r.query()
	case n < 65:
		c.Target = r.document()
	case n < 80:
		c.Target = r.file(&c)
	case n < 86:
		c.Target = r.archive(&c)
	case n < 93:
		c.Target = r.page(&c)
	default:
		c.Target = r.oddPath()
	}
	return c
}

// row is some package version; mostly the table's own.
func (r *Requests) row() (name, version string) {
	row := r.random.IntN(r.table.Rows())
	name, version = r.table.Name(row), r.table.Versions[row]
	if r.often(10) {
		name = pick(r, "no_such", "No-Such", "a.b", "%41", "%C3%A9", strings.Repeat("a", 201), "..", "%2e%2e", "a%2Fb")
	}
	if r.often(15) {
		version = pick(r, "9.9.9", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+", "1.0.0+a..b", "1.0.0-a_b", "99999999999999999999.0.0",
			"1.0.0-"+strings.Repeat("a", 260), "1.0.0+build", version+"+x", "latest", "%20", "1.0.0%00", "1.%C3%A9.0")
	}
	return name, version
}

func (r *Requests) document() string {
	name, version := r.row()
	return "/package/" + name + "/" + version + pick(r, "/", "/", "/", "/", "", "//", "/?x=y", "?x=%zz", "/.", "/?")
}

func (r *Requests) archive(c *Case) string {
	name, version := r.row()
	folder := name
	if r.often(10) {
		folder = pick(r, "x", "X-y", "%C3%A9", "%20")
	}
	if r.often(20) {
		c.Headers["Range"] = r.ranges(2000)
	}
	folder = "/epr/" + folder
	if r.often(30) {
		folder = "/artifacts/packages"
	}
	return folder + "/" + name + "-" + version + pick(r, ".zip", ".zip", ".zip", ".zip.sig", ".sig", "", ".zip/", ".zip.sig/", ".zip.zip", ".zip?a=b", "/x.zip")
}

// page is an address of the catalogue for people, or one that is nearly one.
func (r *Requests) page(c *Case) string {
	if r.often(50) {
		c.Headers["Accept"] = pick(r, "text/html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "TEXT/HTML", "*/*", "application/json", "text/plain")
	}
	name, version := r.row()
	switch r.random.IntN(6) {
	case 0:
		return "/catalog/" + name + "/" + pick(r, "", "", "feed.xml", "versions.json", "versions.json/", "feed.xml?x", "x.xml", "-/")
	case 1, 2:
		return "/catalog/" + name + "/" + version + pick(r, "/", "/", "/", "", "//", "/x/", "/?q=%zz", "/feed.xml", "/.", "/..")
	}
	return pick(r, "/catalog/", "/catalog/", "/catalog", "/catalog/?q=web&category=web", "/catalog?x=y", "/catalog/-/environment/", "/catalog/-/environment", "/catalog/-/feed.xml",
		"/catalog/-/packages.json", "/catalog/-/", "/catalog/-/no.css", "/catalog//", "/catalog/404%200", "/catalog/a/b/c/d/e/f/", "/catalog/__proto__/", "/catalog/constructor/toString/",
		"/catalog/%2e%2e/", "/catalog/../search", "/Catalog/", "/catalogue/", "/catalog/no_such/", "/catalog/"+name, "/catalog/"+strings.Repeat("a", 300)+"/")
}

func (r *Requests) file(c *Case) string {
	f := pick(r, r.files...)
	path := f.Path
	if r.often(10) {
		path = pick(r, "no/such", "docs", "docs/", "manifest.yml/", "../manifest.yml", "docs//README.md", ".", "a%00b", "=2E", "docs/README.md.attrs", strings.Repeat("long", 70))
	} else {
		path = (&url.URL{Path: path}).EscapedPath()
		if r.often(20) {
			path = r.overescaped(path)
		}
	}
	if r.often(30) {
		c.Headers["Range"] = r.ranges(int(f.Size))
		if r.often(30) {
			c.Headers["If-Range"] = pick(r, `"x"`, `"`+f.SHA256[:32]+`"`, `W/"`+f.SHA256[:32]+`"`, "Mon, 02 Jan 2006 15:04:05 GMT")
		}
	}
	if r.often(30) {
		return "/artifacts/static/" + f.Name + "-" + f.Version + "/" + path
	}
	return "/package/" + f.Name + "/" + f.Version + "/" + path
}

// overescaped escapes letters that need not be.
func (r *Requests) overescaped(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c != '%' && c != '/' && (i == 0 || s[i-1] != '%') && (i < 2 || s[i-2] != '%') && r.often(20) {
			fmt.Fprintf(&b, pick(r, "%%%02X", "%%%02x"), c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func (r *Requests) ranges(size int) string {
	at := func() int { return r.random.IntN(size + 10) }
	return pick(r,
		func() string { return fmt.Sprintf("bytes=%d-%d", at(), at()) },
		func() string { return fmt.Sprintf("bytes=%d-", at()) },
		func() string { return fmt.Sprintf("bytes=-%d", at()) },
		func() string { return fmt.Sprintf("bytes=0-%d, %d-, -1", at(), at()) },
		func() string { return fmt.Sprintf("bytes=0-0,%d-%d", size/2, size/2) },
		func() string { return fmt.Sprintf("bytes=%d-%d", size, size+5) },
		func() string { return "bytes=" + strings.Repeat("0-0,", 20) },
		func() string {
			return pick(r, "bytes=", "bytes=-", "bytes=x-y", "bytes=1", "bytes=5-2", "lines=0-5", "bytes=-0", "bytes= 0 - 3 ", "bytes=0-99999999999999999999", "bytes=+1-2", "bytes=,", "bytes=--1")
		},
	)()
}

func (r *Requests) oddPath() string {
	return pick(r, "/", "/?x", "/index.json", "/index.json?", "/health", "/health/", "/favicon.ico", "/favicon.ico/", "/search/", "/search/?a=b&c=%zz", "/categories/?",
		"//", "//search", "/./search", "/../search?x=1", "/search/..", "/a/../b/./c//d", "/package", "/package/", "/package//", "/package/x", "/package/x/", "/epr", "/epr/",
		"/epr/x", "/epr/x/", "/epr/x/y", "/epr//x-1.0.0.zip",
		"/artifacts", "/artifacts/", "/artifacts/packages", "/artifacts/packages/", "/artifacts/packages/x/x-1.0.0.zip", "/artifacts/packages/x-y-1.0.0.zip", "/artifacts/packages//x-1.0.0.zip",
		"/artifacts/static/", "/artifacts/static/x-1.0.0", "/artifacts/static/x-1.0.0/", "/artifacts/static/x-y-1.0.0/a", "/artifacts/static/x/1.0.0/a", "/artifacts/static/X-1.0.0/a",
		"/artifacts/static/x-1.0.0/a/", "/artifacts/static/x-1.0.0/a%0Ab", "/artifacts/other/x", "/Search", "/search%2F", "/%73earch", "/search%3Fa=b", "/a%20b/", "/a%0Ab/c/..", "/%C3%A9/", "/%FF/..",
		"/'\"&/../<x>", "/package/x/1.0.0/a/../b", "/package/%2E%2E/x/", "/package/a/1.0.0/%2e%2e/b", "/metrics", "/x?"+r.query())
}

// query is a query string, with its question mark.
func (r *Requests) query() string {
	var pairs []string
	add := func(percent int, name string, value func() string) {
		if r.often(percent) {
			pairs = append(pairs, name+"="+r.encoded(value()))
		}
	}
	add(55, "kibana.version", r.version)
	add(60, "prerelease", r.boolean)
	add(25, "package", func() string { name, _ := r.row(); return name })
	add(25, "category", func() string { return pick(r, append(r.values.Categories, "no_such", "Web", "é")...) })
	add(20, "type", func() string { return pick(r, append(r.values.Types, "no_such", "Integration")...) })
	add(20, "all", r.boolean)
	add(15, "experimental", r.boolean)
	add(25, "include_policy_templates", r.boolean)
	add(20, "spec.min", r.spec)
	add(20, "spec.max", r.spec)
	add(15, "agent.version", r.version)
	add(15, "capabilities", func() string {
		return strings.Join(pick(r, append(r.values.Capabilities, []string{"x", "security"}, []string{"", ""})...), ",")
	})
	for r.often(12) {
		pairs = append(pairs, "discovery="+r.encoded(r.discovery()))
	}
	for r.often(10) {
		pairs = append(pairs, pick(r, "", "x", "=", "=x", "internal=true", "a;b=c", "%zz=1", "prerelease=%", "prerelease=%4", "kibana.version", "category=a%zzb", "x=%00", "prerelease=false;all=true", "%61ll=true", "kibana%2Eversion=8.1.0"))
	}
	r.random.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	if len(pairs) == 0 {
		return pick(r, "", "?")
	}
	return "?" + strings.Join(pairs, "&")
}

// encoded escapes a value, more or less.
func (r *Requests) encoded(value string) string {
	switch r.random.IntN(10) {
	case 0:
		return r.overescaped(url.QueryEscape(value))
	case 1, 2, 3:
		return url.QueryEscape(value)
	}
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
		return url.QueryEscape(value)
	}
	return strings.NewReplacer(" ", "+", "%", "%25", "&", "%26", "#", "%23").Replace(value)
}

func (r *Requests) boolean() string {
	return pick(r, "true", "true", "true", "true", "false", "1", "t", "T", "TRUE", "True", "0", "f", "F", "FALSE", "False", "", "yes", "tRue", "é")
}

func (r *Requests) version() string {
	values := r.values.Kibana[1:]
	v := values[r.random.IntN(len(values))].String()
	switch r.random.IntN(12) {
	case 0:
		return v + pick(r, "-SNAPSHOT", "-rc1", "-alpha.1.0", "+build.5", "-0", "-01", "-a..b", "-", "+", "-x_y", " ", ".0", "-rc.18446744073709551616", "-7.x")
	case 1:
		return "v" + v
	case 2:
		return strings.Join(strings.Split(v, ".")[:1+r.random.IntN(2)], ".")
	case 3:
		return "0" + v
	case 4:
		return pick(r, "x", "8.x", "*", ">=8.0.0", "1.2.3.4", "99999999999999999999", "8.99999999999999999999.1", "18446744073709551615.0.0", "8.é", "\xff", "8.0.0\n", strings.Repeat("8", 257), "8.0.0-"+strings.Repeat("a", 240), "", "-1", "V8", "8..1", "8.0.0-é")
	}
	return v
}

func (r *Requests) spec() string {
	s := r.table.Specs[r.random.IntN(len(r.table.Specs))]
	if r.often(15) {
		return pick(r, "1", "1.0.0", "x.y", ".", "1.", ".1", "v1.0", "1.0-rc", "01.1", "é.1", "99999999999999999999.1", "", "2.3+x")
	}
	return fmt.Sprintf("%d.%d", s.Major, s.Minor)
}

func (r *Requests) discovery() string {
	var known []string
	for _, d := range r.table.Discoveries {
		known = append(known, d.Fields...)
		known = append(known, d.Datasets...)
	}
	known = slices.Compact(append(known, "process.pid", ""))
	value := pick(r, known...)
	if r.often(50) {
		value += "," + pick(r, known...)
	}
	return pick(r, "fields:", "fields:", "datasets:", "datasets:", "fields:", "", "other:", "Fields:", "é\"\\\n\x01\u200b\xff:", "no colon \x7f\u00a0") + value
}
