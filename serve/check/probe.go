package check

import (
	"context"
	"net/http"
)

// probe is one address, and the ways in which it is asked.
type probe struct {
	kind   string // "search", "document", ...: what reports group by
	method string
	target string // path and query
	ways   ways
}

// ways are how an address is asked, a bit each.
type ways uint8

const (
	plain       ways = 1 << iota // as it is
	encoded                      // accepting gzip
	head                         // HEAD
	conditional                  // with the validators that came before
	ranges                       // in parts
)

// id names a probe in the state file.
func (p probe) id() string { return p.method + " " + p.target }

// requests is how many requests a probe takes at most.
func (p probe) requests() int {
	n := 0
	for way, count := range map[ways]int{plain: 1, encoded: 1, head: 1, conditional: 3, ranges: len(parts)} {
		if p.ways&way != 0 {
			n += count
		}
	}
	return n
}

// ask is one request. Headers have one value each.
type ask struct {
	method, target string
	header         map[string]string
	// own replaces the header for the bucket's side: its own validators.
	own map[string]string
	// way tells requests to one address apart: "gzip", "Range: bytes=0-0".
	way string
}

func (a ask) String() string {
	if a.way == "" {
		return a.method + " " + a.target
	}
	return a.method + " " + a.target + " (" + a.way + ")"
}

// parts are the ranges that are asked for: the first byte, a part, the end, and
// what lies beyond it.
var parts = []string{"bytes=0-0", "bytes=10-99", "bytes=-7", "bytes=9999999999-"}

// run asks a probe in all its ways and gives what differs. The error is about
// asking, not about the registry.
func (c *checker) run(ctx context.Context, p probe) ([]Difference, error) {
	var out []Difference
	var got, want *reply // the first pair
	one := func(a ask) error {
		g, w, found, err := c.compare(ctx, p, a)
		if got == nil {
			got, want = g, w
		}
		out = append(out, found...)
		return err
	}
	for _, a := range p.whole() {
		if err := one(a); err != nil {
			return nil, err
		}
	}
	if got == nil || got.status != want.status {
		return out, nil // the other ways would say the same again
	}
	for _, a := range append(p.conditions(got, want), p.pieces()...) {
		if err := one(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

const (
	identity = "identity"
	gzipped  = "gzip"
)

// whole are the requests for all of it.
func (p probe) whole() []ask {
	var out []ask
	if p.ways&plain != 0 {
		out = append(out, p.ask(p.method, "", identity))
	}
	if p.ways&encoded != 0 {
		out = append(out, p.ask(p.method, gzipped, gzipped))
	}
	if p.ways&head != 0 {
		out = append(out, p.ask(http.MethodHead, "", identity))
	}
	return out
}

// pieces are the requests for parts.
func (p probe) pieces() []ask {
	if p.ways&ranges == 0 {
		return nil
	}
	var out []ask
	for _, r := range parts {
		// Who downloads in parts accepts encodings all the same.
		out = append(out, p.ask(p.method, "Range: "+r, gzipped).with("Range", r, r))
	}
	return out
}

// conditions are the conditional requests: with the validators that either side
// gave, and with one that neither did.
func (p probe) conditions(got, want *reply) []ask {
	if p.ways&conditional == 0 {
		return nil
	}
	encoding := identity
	if p.ways&plain == 0 {
		encoding = gzipped
	}
	var out []ask
	if theirs, ours := got.header.Get("Etag"), want.header.Get("Etag"); theirs != "" && ours != "" {
		out = append(out,
			p.ask(p.method, "If-None-Match", encoding).with("If-None-Match", theirs, ours),
			p.ask(p.method, "another If-None-Match", encoding).with("If-None-Match", `"another"`, `"another"`))
	}
	if theirs, ours := got.header.Get("Last-Modified"), want.header.Get("Last-Modified"); theirs != "" && ours != "" {
		out = append(out, p.ask(p.method, "If-Modified-Since", encoding).with("If-Modified-Since", theirs, ours))
	}
	return out
}

func (p probe) ask(method, way, encoding string) ask {
	return ask{method: method, target: p.target, way: way, header: map[string]string{"Accept-Encoding": encoding}, own: map[string]string{}}
}

// with adds a header, and the one that the bucket's side gets instead.
func (a ask) with(name, theirs, ours string) ask {
	a.header[name], a.own[name] = theirs, ours
	return a
}
