package check

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Difference is one thing that the registry answers otherwise than the bucket.
type Difference struct {
	// Kind is what was asked for: "search", "document", "archive", ...
	Kind string `json:"kind"`
	// Request is method, path and query; Way how it was asked, if not plainly.
	Request string `json:"request"`
	Way     string `json:"way,omitempty"`
	// Problem says in a few words what is wrong: the same for all that have the
	// same cause, as far as can be seen.
	Problem string `json:"problem"`
	Got     string `json:"got,omitempty"`
	Want    string `json:"want,omitempty"`
	// Detail is where bodies differ, or whose answer it is instead.
	Detail string `json:"detail,omitempty"`
}

// comparison compares two answers to one request.
type comparison struct {
	o Options
	p probe
	a ask
	// bodies: the bodies differ, so that their validators have to.
	bodies bool
	found  []Difference
}

// differences compares what came with what the bucket says.
func (o Options) differences(p probe, a ask, got, want *reply) []Difference {
	c := comparison{o: o, p: p, a: a}
	if got.status != want.status && !o.ignores("status") {
		c.differ(fmt.Sprintf("status %d instead of %d", got.status, want.status), strconv.Itoa(got.status), strconv.Itoa(want.status), excerpt(got.plain.kept))
		return c.found // an answer of another kind differs in everything
	}
	c.bodies = !got.plain.equal(want.plain) && c.bodyCounts(want)
	for _, r := range o.Level.rules(want.header) {
		if !o.ignores(r.name) && !c.redundant(r.name, want.status) {
			c.header(r, got.header, want.header)
		}
	}
	c.length(got, want)
	c.encoding(got, want)
	c.body(got, want)
	return c.found
}

func (c *comparison) differ(problem, got, want, detail string) {
	c.found = append(c.found, Difference{
		Kind: c.p.kind, Request: c.a.method + " " + c.a.target, Way: c.a.way,
		Problem: problem, Got: got, Want: want, Detail: detail,
	})
}

func (o Options) ignores(what string) bool {
	return slices.ContainsFunc(o.Ignore, func(name string) bool { return strings.EqualFold(name, what) })
}

// display is how a header is written, where Go writes it otherwise.
func display(name string) string {
	if name == "Etag" {
		return "ETag"
	}
	return name
}

func (c *comparison) header(r rule, got, want http.Header) {
	g, w := got.Values(r.name), want.Values(r.name)
	if len(w) == 0 && (len(g) == 0 || !r.extra) {
		return
	}
	equal := r.equal
	if equal == nil {
		equal = slices.Equal[[]string]
	}
	name := display(r.name)
	switch {
	case len(g) == 0:
		c.differ("no "+name, "", strings.Join(w, ", "), "")
	case len(w) == 0:
		c.differ("a "+name+" that should not be", strings.Join(g, ", "), "", "")
	case r.name == "Etag" && len(g) == 1 && g[0] == "W/"+w[0]:
		c.differ("a weak ETag", g[0], w[0], "")
	case r.name == "Location" && sameLocation(c.o, g[0], w[0]):
	case !equal(g, w):
		c.differ("another "+name, strings.Join(g, ", "), strings.Join(w, ", "), "")
	}
}

// redundant tells of headers that need not be the same here.
func (c *comparison) redundant(name string, status int) bool {
	switch {
	case name == "Etag" && c.bodies:
		return true
	case c.o.Level == Exact:
		return false
	case c.o.Level == API && c.p.kind == kindArchive && name == "Content-Range":
		return true // it may be packed otherwise, and have another length
	case status == http.StatusPartialContent:
		// A part says by itself that there are parts (RFC 9110, section 14.3).
		return name == "Accept-Ranges"
	case status == http.StatusRequestedRangeNotSatisfiable:
		// Caches say this themselves, of what they hold.
		return name != "Content-Range"
	}
	return false
}

// sameLocation takes a redirect to the registry's own host for one without.
func sameLocation(o Options, got, want string) bool {
	host := strings.TrimSuffix(o.URL, o.prefix())
	if o.Host != "" {
		scheme, _, _ := strings.Cut(o.URL, "://")
		host = scheme + "://" + o.Host
	}
	return o.Level != Exact && strings.TrimPrefix(got, host) == want
}

// length holds archives to Content-Length: Kibana reads them into a buffer of
// that size. Another registry may stream them.
func (c *comparison) length(got, want *reply) {
	if c.p.kind != kindArchive || got.status != http.StatusOK || c.o.ignores("Content-Length") || c.o.Level != Edge {
		return
	}
	g := got.header.Get("Content-Length")
	switch w := want.header.Get("Content-Length"); {
	case g == "":
		c.differ("no Content-Length", "", w, "")
	case g != w:
		c.differ("another Content-Length", g, w, "")
	}
}

// encoding compares how bodies come. Below the level of edges only that an
// archive must not be encoded.
func (c *comparison) encoding(got, want *reply) {
	g, w := got.header.Get("Content-Encoding"), want.header.Get("Content-Encoding")
	if c.o.ignores("encoding") || c.o.ignores("Content-Encoding") || c.o.Level == API && c.p.kind != kindArchive || c.o.Level == Exact && g != w {
		return // at the exact level the header was compared
	}
	switch {
	case g != w && g == "":
		c.differ("not encoded", "", w, "")
	case g != w:
		c.differ("encoded, which it should not be", g, w, "")
	case g != "" && !got.sent.equal(want.sent) && got.plain.equal(want.plain):
		c.differ("encoded again", fmt.Sprintf("%d bytes of %s", got.sent.size, g), fmt.Sprintf("%d bytes", want.sent.size),
			"it decodes to the same, but these are not the bytes that the ETag stands for")
	}
}

func (c *comparison) body(got, want *reply) {
	if c.o.ignores("body") || !c.bodies {
		return
	}
	if c.p.kind == kindArchive && c.o.Level == API {
		if detail := compareArchives(got.plain, want.plain); detail != "" {
			c.differ("another archive", bytesOf(got), bytesOf(want), detail)
		}
		return
	}
	problem, detail := compareBodies(got.plain, want.plain, want.header.Get("Content-Type"))
	c.differ(problem, bytesOf(got), bytesOf(want), detail)
}

// bodyCounts reports whether the body of an answer says something to clients. What
// a redirect or a range beyond the end comes with is for people, and the icon is
// each registry's own.
func (c *comparison) bodyCounts(want *reply) bool {
	switch {
	case c.o.Level == Exact:
		return true
	case want.status >= 300 && want.status < 400, want.status == http.StatusRequestedRangeNotSatisfiable:
		return false
	case c.o.Level == API:
		return c.p.kind != kindIcon && (c.p.kind != kindArchive || want.status == http.StatusOK)
	}
	return true
}

func bytesOf(a *reply) string { return fmt.Sprintf("%d bytes", a.plain.size) }
