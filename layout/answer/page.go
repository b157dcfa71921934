package answer

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// pageRoute answers what lies below /catalog/. A page for people has an address that
// ends in a slash; who leaves it out is sent there.
func (t *Table) pageRoute(u *url.URL) Answer {
	if t.Site == "" {
		return plainError(http.StatusNotFound, noRoute, layout.CacheError)
	}
	rest := strings.TrimPrefix(u.Path, "/catalog/")
	if rest == layout.LivePath {
		return Answer{Kind: Live, Status: http.StatusOK, ContentType: layout.JsonType, Cache: layout.CacheError}
	}
	last := rest[strings.LastIndexByte(rest, '/')+1:]
	file := strings.HasPrefix(rest, "-/") && strings.Contains(last, ".") || last == "feed.xml" || last == layout.ListPath
	if u.Path == "/catalog" || last != "" && !file {
		return moved(u, u.Path+"/")
	}
	return Answer{Kind: Page, Status: http.StatusOK, ContentType: pageType(last), Cache: layout.CacheIndex, Digest: t.Site, Path: rest}
}

// pageType is the type of a page, by the last part of its address.
func pageType(file string) string {
	switch {
	case strings.HasSuffix(file, ".css"):
		return "text/css; charset=utf-8"
	case strings.HasSuffix(file, ".js"):
		return "text/javascript; charset=utf-8"
	case strings.HasSuffix(file, ".json"):
		return layout.JsonType
	case strings.HasSuffix(file, ".xml"):
		return "application/atom+xml"
	}
	return PageHTML
}

// PageHTML is the type of pages for people.
const PageHTML = "text/html; charset=utf-8"

// PagePolicy is the Content-Security-Policy of a page whose one script has a hash: the
// files of packages, which are anybody's, are of the same origin, so the script is
// not let in by that. Style is the hash of that in the page; empty if no page has one.
func PagePolicy(script, style string) string {
	if style != "" {
		style = " '" + style + "'"
	}
	return "default-src 'none'; img-src 'self'; style-src 'self'" + style + "; script-src '" + script +
		"'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
}

// FilePolicy is the Content-Security-Policy of a file of a package that a browser opens
// by itself: it runs nothing and reaches nothing.
const FilePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

// NoPage is the answer for a page that is not there, for clients that do not ask for HTML.
func NoPage() Answer { return plainError(http.StatusNotFound, noRoute, layout.CacheError) }
