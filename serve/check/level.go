package check

import (
	"net/http"
	"slices"
	"strings"
)

// Level is how strict a comparison is.
type Level string

const (
	// API compares what clients of the registry's API read: status, content
	// type, where redirects go, and bodies; of archives the files in them. It
	// is for a registry of another make.
	API Level = "api"
	// Edge compares, besides, what caches and browsers go by: Cache-Control,
	// validators, Vary, encoded bytes, conditional requests, methods. It is for
	// an edge or a CDN in front of the bucket, which may add headers.
	Edge Level = "edge"
	// Exact compares every header that the bucket's own answer has, to the letter.
	Exact Level = "exact"
)

func (l Level) valid() bool { return l == API || l == Edge || l == Exact }

// rule is how a header is compared at a level.
type rule struct {
	name string
	// equal compares the lines; nil is to the letter.
	equal func(got, want []string) bool
	// extra: that the answer has the header and the bucket's has not is a
	// difference as well.
	extra bool
}

var apiRules = []rule{
	{name: "Content-Type", equal: sameType, extra: true},
	{name: "Location", extra: true},
	{name: "Content-Range"},
}

var edgeRules = append(slices.Clone(apiRules),
	// Nobody may keep what says nothing; a CDN that adds a time of its own
	// decides for clients.
	rule{name: "Cache-Control", equal: sameDirectives, extra: true},
	rule{name: "Access-Control-Allow-Origin"},
	rule{name: "Etag"},
	rule{name: "Vary", equal: contains},
	rule{name: "Accept-Ranges"},
	rule{name: "Last-Modified"},
	rule{name: "Allow"},
	rule{name: "Content-Security-Policy"},
	rule{name: "X-Content-Type-Options"},
)

// rules are the headers that are compared at a level.
func (l Level) rules(want http.Header) []rule {
	switch l {
	case API:
		return apiRules
	case Edge:
		return edgeRules
	}
	var all []rule
	for name := range want {
		if name != "Date" {
			all = append(all, rule{name: name})
		}
	}
	slices.SortFunc(all, func(a, b rule) int { return strings.Compare(a.name, b.name) })
	return all
}

// sameType compares media types: case and the space before a parameter say
// nothing (RFC 9110, section 8.3.1).
func sameType(got, want []string) bool {
	fold := func(lines []string) string {
		return strings.ToLower(strings.ReplaceAll(strings.Join(lines, ","), " ", ""))
	}
	return fold(got) == fold(want)
}

// sameDirectives compares lists whose order, spelling and division into lines
// say nothing.
func sameDirectives(got, want []string) bool { return slices.Equal(items(got), items(want)) }

// contains reports whether got lists all that want does: more is no harm.
func contains(got, want []string) bool {
	have := items(got)
	return !slices.ContainsFunc(items(want), func(s string) bool { return !slices.Contains(have, s) })
}

func items(lines []string) []string {
	var out []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if item = strings.ToLower(strings.TrimSpace(item)); item != "" {
				out = append(out, item)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
