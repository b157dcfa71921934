package answer

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// Kind says where the body of an Answer comes from.
type Kind uint8

const (
	// Direct: Body is the whole answer.
	Direct Kind = iota
	// Document: the object at ResponseKey(Digest), which is there.
	Document
	// Search: the object at ResponseKey(Digest), or its gzip variant; if it was
	// not rendered ahead, what Assemble gives for Selection.
	Search
	// Count: Body, which is also kept as the object at ResponseKey(Digest).
	Count
	// Archive: the object at Revision.ArchiveKey.
	Archive
	// Signature: the object at Revision.SignatureKey.
	Signature
	// File: the file at Path of Revision; NoResource if its contents do not list it.
	File
	// Page: the page at Path of the catalogue that the page Digest lists.
	Page
	// Live: what the edge knows of the pointer; see layout.Live.
	Live
)

// Answer is what a request gets, as far as it can be said without reading an object.
type Answer struct {
	Kind        Kind
	Status      int
	ContentType string // "" sends none
	Cache       layout.CacheClass
	Location    string // of a redirect
	Body        []byte

	Digest    layout.Digest
	Selection Selection // of a Search, or of what a Count counts
	Query     *Query    // of a valid request to /search or /categories
	Revision  layout.Revision
	Path      string
}

// Content types of the API's own answers.
const (
	plainType = "text/plain; charset=utf-8"
	iconType  = "image/x-icon"
)

// Errors of the API, as their bodies say them.
const (
	noRoute    = "404 page not found"
	noPackage  = "package revision not found"
	noArtifact = "artifact not found"
	noSig      = "signature file not found"
	noResource = "resource not found"
	badVersion = "invalid package version"
	badMethod  = "method not allowed"
)

func plainError(status int, text string, cache layout.CacheClass) Answer {
	return Answer{Status: status, ContentType: plainType, Cache: cache, Body: []byte(text + "\n")}
}

// NoResource is the answer for a file that a known package does not have.
// Clients may keep it as long as a file.
func NoResource() Answer { return plainError(http.StatusNotFound, noResource, layout.CacheContent) }

// Answer routes a request. The URL is as net/http parses it; a path prefix that
// the deployment adds must have been removed.
// Source: the registry API, "Routes".
func (t *Table) Answer(method string, u *url.URL) Answer {
	if method != http.MethodGet && method != http.MethodHead {
		return plainError(http.StatusMethodNotAllowed, badMethod, layout.CacheError)
	}
	if clean := cleanPath(u.Path); clean != u.Path {
		// The reference sends this redirect without a body.
		return Answer{Status: http.StatusMovedPermanently, Location: location(u, clean)}
	}
	switch u.Path {
	case "/", "/index.json":
		return Answer{Status: http.StatusOK, ContentType: layout.JsonType, Cache: layout.CacheIndex, Body: t.index()}
	case "/health":
		return Answer{Status: http.StatusOK}
	case "/favicon.ico":
		return Answer{Status: http.StatusOK, ContentType: iconType, Cache: layout.CacheContent, Body: icon}
	case "/search", "/categories":
		return t.query(u)
	case "/index.json/", "/health/", "/favicon.ico/", "/search/", "/categories/":
		return moved(u, strings.TrimSuffix(u.Path, "/"))
	}
	if u.Path == "/catalog" || strings.HasPrefix(u.Path, "/catalog/") {
		return t.pageRoute(u)
	}
	if rest, ok := strings.CutPrefix(u.Path, "/package/"); ok {
		return t.packageRoute(u, rest)
	}
	if rest, ok := strings.CutPrefix(u.Path, "/epr/"); ok {
		return t.archiveRoute(u, rest)
	}
	if rest, ok := strings.CutPrefix(u.Path, "/artifacts/"); ok {
		return t.artifactRoute(u, rest)
	}
	return plainError(http.StatusNotFound, noRoute, layout.CacheError)
}

// cleanPath is the canonical form of a path: rooted, without "//", "." and "..".
// A slash at the end stays.
func cleanPath(p string) string {
	if p == "" {
		return "/"
	}
	if p[0] != '/' {
		p = "/" + p
	}
	clean := path.Clean(p)
	if p[len(p)-1] == '/' && clean != "/" {
		clean += "/"
	}
	return clean
}

func location(u *url.URL, p string) string {
	to := url.URL{Path: p, RawQuery: u.RawQuery, ForceQuery: u.ForceQuery}
	return to.String()
}

// escapeBytes escapes what is not ASCII in a URL, in lower case.
func escapeBytes(to string) string {
	var out strings.Builder
	for i := range len(to) {
		if to[i] < utf8.RuneSelf {
			out.WriteByte(to[i])
		} else {
			fmt.Fprintf(&out, "%%%x", to[i])
		}
	}
	return out.String()
}

// moved is what http.Redirect answers: its header is ASCII, its body is not.
func moved(u *url.URL, p string) Answer {
	to := location(u, p)
	return Answer{
		Status: http.StatusMovedPermanently, Location: escapeBytes(to), ContentType: "text/html; charset=utf-8",
		Body: []byte("<a href=\"" + htmlEscape.Replace(to) + "\">Moved Permanently</a>.\n\n"),
	}
}

var htmlEscape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func (t *Table) index() []byte {
	return layout.Encode(struct {
		Name    string `json:"service.name"`
		Version string `json:"service.version"`
	}{"package-registry", t.ServiceVersion}, "  ")
}

func (t *Table) query(u *url.URL) Answer {
	q, err := ParseQuery(u.RawQuery, u.Path == "/categories")
	if err != nil {
		return plainError(http.StatusBadRequest, err.Error(), layout.CacheError)
	}
	a := Answer{Kind: Search, Status: http.StatusOK, ContentType: layout.JsonType, Cache: layout.CacheContent, Query: &q}
	a.Selection = t.Select(q)
	if q.Counting {
		a.Kind = Count
		a.Body = t.Count(a.Selection, q.IncludePolicyTemplates)
		a.Digest = layout.DigestOf(a.Body)
		return a
	}
	if len(a.Selection.Rows) == 0 {
		a.Kind, a.Body = Direct, []byte(emptyResult)
		return a
	}
	a.Digest = t.Digest(a.Selection)
	return a
}

// packageRoute answers /package/{name}/{version}/ and the files below it.
func (t *Table) packageRoute(u *url.URL, rest string) Answer {
	part := strings.SplitN(rest, "/", 3)
	if len(part) < 2 || part[0] == "" || part[1] == "" {
		return plainError(http.StatusNotFound, noRoute, layout.CacheError)
	}
	name, version := part[0], part[1]
	if len(part) == 2 {
		if !layout.ValidPackageName(name) {
			return plainError(http.StatusNotFound, noRoute, layout.CacheError)
		}
		return moved(u, u.Path+"/")
	}
	document := part[2] == "" && layout.ValidPackageName(name)
	if !document && strings.HasSuffix(u.Path, "/") {
		return moved(u, strings.TrimSuffix(u.Path, "/"))
	}
	row, refused := t.version(name, version)
	switch {
	case row < 0:
		return refused
	case document:
		return Answer{Kind: Document, Status: http.StatusOK, ContentType: layout.JsonType, Cache: layout.CacheIndex, Digest: t.Document(row)}
	}
	return Answer{Kind: File, Status: http.StatusOK, Cache: layout.CacheContent, Revision: t.Revision(row), Path: part[2]}
}

// version finds a package version; without it row is negative and refused says why.
func (t *Table) version(name, version string) (row int, refused Answer) {
	if _, err := semver.StrictNewVersion(version); err != nil {
		return -1, plainError(http.StatusBadRequest, badVersion, layout.CacheError)
	}
	if row = t.Find(name, version); row < 0 {
		return -1, plainError(http.StatusNotFound, noPackage, layout.CacheError)
	}
	return row, Answer{}
}

// archiveRoute answers /epr/{name}/{name}-{version}.zip and its signature. Like
// the reference it takes the name from the file's, whatever the directory is.
func (t *Table) archiveRoute(u *url.URL, rest string) Answer {
	folder, file, ok := strings.Cut(rest, "/")
	if !ok || folder == "" {
		return plainError(http.StatusNotFound, noRoute, layout.CacheError)
	}
	return t.archiveFile(u, file)
}

// artifactRoute answers the paths at which package storage v2 has archives and files,
// packages/{name}-{version}.zip and static/{name}-{version}/{path}: a registry
// that is given this edge as its storage endpoint asks for them. No name has a
// dash, so the first one ends it; those of a version are of its pre-release or build.
func (t *Table) artifactRoute(u *url.URL, rest string) Answer {
	if file, ok := strings.CutPrefix(rest, "packages/"); ok {
		return t.archiveFile(u, file)
	}
	rest, static := strings.CutPrefix(rest, "static/")
	id, file, _ := strings.Cut(rest, "/")
	name, version, dash := strings.Cut(id, "-")
	if !static || !dash || file == "" || version == "" || !layout.ValidPackageName(name) {
		return plainError(http.StatusNotFound, noRoute, layout.CacheError)
	}
	if strings.HasSuffix(file, "/") {
		return moved(u, strings.TrimSuffix(u.Path, "/"))
	}
	row, refused := t.version(name, version)
	if row < 0 {
		return refused
	}
	return Answer{Kind: File, Status: http.StatusOK, Cache: layout.CacheContent, Revision: t.Revision(row), Path: file}
}

// archiveFile answers a request for {name}-{version}.zip or its signature.
func (t *Table) archiveFile(u *url.URL, file string) Answer {
	file, slash := strings.CutSuffix(file, "/")
	base, signature := strings.CutSuffix(file, ".sig")
	base, zip := strings.CutSuffix(base, ".zip")
	name, version, dash := strings.Cut(base, "-")
	if strings.Contains(file, "/") || !zip || !dash || version == "" || !layout.ValidPackageName(name) {
		return plainError(http.StatusNotFound, noRoute, layout.CacheError)
	}
	if slash {
		return moved(u, strings.TrimSuffix(u.Path, "/"))
	}
	if _, err := semver.StrictNewVersion(version); err != nil {
		return plainError(http.StatusBadRequest, badVersion, layout.CacheError)
	}
	row := t.Find(name, version)
	switch {
	case signature && (row < 0 || t.Flags[row]&layout.Signed == 0):
		return plainError(http.StatusNotFound, noSig, layout.CacheError)
	case row < 0:
		return plainError(http.StatusNotFound, noArtifact, layout.CacheError)
	case signature:
		return Answer{Kind: Signature, Status: http.StatusOK, ContentType: layout.ContentType(".sig", nil), Cache: layout.CacheContent, Revision: t.Revision(row)}
	}
	return Answer{Kind: Archive, Status: http.StatusOK, ContentType: layout.ZipType, Cache: layout.CacheContent, Revision: t.Revision(row)}
}
