package check

import (
	"context"
	"net/http"
	"slices"
	"strings"
)

// remember notes whose answer a body is, so that it is known again where it
// does not belong.
func (c *checker) remember(a ask, want *reply) {
	if want.status != http.StatusOK || want.plain.size <= minTold || a.method != http.MethodGet {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.answers[want.plain.sum]; !known {
		c.answers[want.plain.sum] = a.target
	}
}

// minTold is up to which length bodies say nothing about whose they are, in
// bytes: "[]" has many questions.
const minTold = 8

// explained says of an answer that belongs to another request just that.
func (c *checker) explained(ctx context.Context, p probe, a ask, live *reference, got, want *reply, found []Difference) []Difference {
	if got.status != http.StatusOK || a.method != http.MethodGet || got.plain.size <= minTold || got.plain.equal(want.plain) {
		return found
	}
	d := Difference{Kind: p.kind, Request: a.method + " " + a.target, Way: a.way, Problem: "the answer to another request"}
	if name := c.dropped(ctx, a, live, got); name != "" {
		d.Detail = "as if " + name + " were not there: is it in the cache key?"
		return []Difference{d}
	}
	c.mu.Lock()
	other := c.answers[got.plain.sum]
	c.mu.Unlock()
	if other == "" || other == a.target {
		return found
	}
	d.Got = other
	switch names := differing(a.target, other); {
	case len(names) > maxLacking:
		return found // too far apart to be more than a coincidence
	case len(names) > 0:
		d.Detail = "is " + strings.Join(names, ", ") + " in the cache key?"
	}
	return []Difference{d}
}

// maxLacking is how many parameters a cache's key may be thought to lack.
const maxLacking = 2

// dropped names the query parameter without which an answer would be right.
func (c *checker) dropped(ctx context.Context, a ask, live *reference, got *reply) string {
	path, query, _ := strings.Cut(a.target, "?")
	if query == "" || path != "/search" && path != "/categories" {
		return ""
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		short := a
		short.target = path
		if rest := slices.Delete(slices.Clone(pairs), i, i+1); len(rest) > 0 {
			short.target += "?" + strings.Join(rest, "&")
		}
		if was, err := live.answer(ctx, short, c.o.prefix()); err == nil && was.status == http.StatusOK && was.plain.equal(got.plain) {
			name, _, _ := strings.Cut(pair, "=")
			return name
		}
	}
	return ""
}

// differing names the parameters in which two queries on one path differ.
func differing(a, b string) []string {
	pathA, queryA, _ := strings.Cut(a, "?")
	pathB, queryB, _ := strings.Cut(b, "?")
	if pathA != pathB {
		return nil
	}
	inA, inB := strings.Split(queryA, "&"), strings.Split(queryB, "&")
	var names []string
	for _, pair := range append(without(inA, inB), without(inB, inA)...) {
		if name, _, _ := strings.Cut(pair, "="); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
