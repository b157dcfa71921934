package answer_test

import (
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// TestWholeReplies: all that is said of an answer without an object, by the text of the
// registry API: status, content type, how long it may be kept, where it leads, its body.
func TestWholeReplies(t *testing.T) {
	table := tableOf(t,
		row{name: "nginx", version: "1.0.0", flags: layout.Signed, categories: []string{"web"}},
		row{name: "nginx", version: "2.0.0"},
	)
	const text, html, jsonType = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
	refused := func(status int, body string) answer.Answer {
		return answer.Answer{Status: status, ContentType: text, Cache: layout.CacheError, Body: []byte(body + "\n")}
	}
	moved := func(to, body string) answer.Answer {
		return answer.Answer{Status: 301, ContentType: html, Location: to, Body: []byte(`<a href="` + body + `">Moved Permanently</a>.` + "\n\n")}
	}
	noRoute, noPackage, badVersion := refused(404, "404 page not found"), refused(404, "package revision not found"), refused(400, "invalid package version")
	index := answer.Answer{Status: 200, ContentType: jsonType, Cache: layout.CacheIndex, Body: []byte("{\n  \"service.name\": \"package-registry\",\n  \"service.version\": \"1.40.1\"\n}\n")}
	archive := answer.Answer{Kind: answer.Archive, Status: 200, ContentType: "application/zip", Cache: layout.CacheContent, Revision: table.Revision(0)}
	signature := archive
	signature.Kind, signature.ContentType = answer.Signature, layout.ContentType("nginx-1.0.0.zip.sig", nil)
	file := answer.Answer{Kind: answer.File, Status: 200, Cache: layout.CacheContent, Revision: table.Revision(0), Path: "docs/README.md"}
	document := func(row int) answer.Answer {
		return answer.Answer{Kind: answer.Document, Status: 200, ContentType: jsonType, Cache: layout.CacheIndex, Digest: table.Document(row)}
	}
	empty := answer.Answer{Status: 200, ContentType: jsonType, Cache: layout.CacheContent, Body: []byte("[]")}
	for target, want := range map[string]answer.Answer{
		"/": index, "/index.json": index, "/index.json?x": index, "/health": {Status: 200}, "/index.json/": moved("/index.json", "/index.json"), "/health/": moved("/health", "/health"),
		"/favicon.ico/": moved("/favicon.ico", "/favicon.ico"), "/categories/?a=1&b=%22": moved("/categories?a=1&b=%22", "/categories?a=1&amp;b=%22"), "/search/?'<>": moved("/search?'<>", "/search?&#39;&lt;&gt;"),
		"": {Status: 301, Location: "/"}, "//": {Status: 301, Location: "/"}, "/search//": {Status: 301, Location: "/search/"}, "/a/./b?q": {Status: 301, Location: "/a/b?q"},
		"/search?package=none": empty, "/search?spec.min=1": refused(400, "invalid 'spec.min' version: invalid version '1': it should be <major.version>"),
		"/categories?prerelease=maybe": refused(400, "invalid 'prerelease' query param: 'maybe'"),
		"/package/nginx/1.0.0/":        document(0), "/package/nginx/2.0.0/": document(1), "/package/nginx/3.0.0/": noPackage, "/package/none/1.0.0/": noPackage, "/package/nginx/1/": badVersion,
		"/package/nginx/1.0.0": moved("/package/nginx/1.0.0/", "/package/nginx/1.0.0/"), "/package/nginx": noRoute, "/package/nginx/": noRoute, "/package/Nginx/1.0.0": noRoute,
		"/package/nginx/1.0.0/docs/README.md": file, "/package/nginx/3.0.0/docs/README.md": noPackage, "/package/nginx/x/docs/README.md": badVersion, "/package/Nginx/1.0.0/x": noPackage,
		"/epr/nginx/nginx-1.0.0.zip": archive, "/epr/nginx/nginx-1.0.0.zip.sig": signature, "/epr/nginx/nginx-2.0.0.zip.sig": refused(404, "signature file not found"),
		"/epr/nginx/nginx-3.0.0.zip": refused(404, "artifact not found"), "/epr/nginx/nginx-3.0.0.zip.sig": refused(404, "signature file not found"), "/epr/nginx/nginx-1.zip": badVersion, "/epr/nginx/nginx-1.zip.sig": badVersion,
		"/epr/nginx/nginx-1.0.0": noRoute, "/epr/nginx/nginx-1.0.0.sig": noRoute, "/epr/nginx/Nginx-1.0.0.zip": noRoute, "/epr/nginx-1.0.0.zip": noRoute, "/epr/nginx/nginx.zip": noRoute, "/epr/nginx/nginx-.zip": noRoute,
		"/artifacts/packages/nginx-1.0.0.zip": archive, "/artifacts/packages/nginx-1.0.0.zip.sig": signature, "/artifacts/static/nginx-1.0.0/docs/README.md": file,
		"/artifacts/static/nginx-3.0.0/docs/README.md": noPackage, "/artifacts/static/nginx-1/x": badVersion, "/artifacts/static/none-1.0.0/x": noPackage,
		"/catalog": noRoute, "/catalog/": noRoute, "/catalogue": noRoute, "/none": noRoute,
	} {
		got := reply(table, "GET", target)
		same := got.Kind == want.Kind && got.Status == want.Status && got.ContentType == want.ContentType && got.Cache == want.Cache && got.Location == want.Location &&
			string(got.Body) == string(want.Body) && got.Digest == want.Digest && got.Revision == want.Revision && got.Path == want.Path && len(got.Selection.Rows) == 0
		if !same {
			t.Errorf("%q:\n%+v (%q), want\n%+v (%q)", target, got, got.Body, want, want.Body)
		}
		for _, method := range []string{"HEAD", "POST"} {
			other, want := reply(table, method, target), got
			if method == "POST" {
				want = refused(http.StatusMethodNotAllowed, "method not allowed")
			}
			if other.Status != want.Status || string(other.Body) != string(want.Body) || other.Cache != want.Cache || other.ContentType != want.ContentType || other.Location != want.Location {
				t.Errorf("%s %s: %+v, want %+v", method, target, other, want)
			}
		}
	}
	if got := reply(table, "GET", "/favicon.ico"); got.Status != 200 || got.ContentType != "image/x-icon" || got.Cache != layout.CacheContent || len(got.Body) == 0 || got.Kind != answer.Direct {
		t.Errorf("%+v", got)
	}
	if got := answer.NoResource(); got.Status != 404 || got.ContentType != text || got.Cache != layout.CacheContent || string(got.Body) != "resource not found\n" {
		t.Errorf("%+v", got)
	}
	// What has to be looked up says what it is of.
	search := reply(table, "GET", "/search?all=true")
	if search.Kind != answer.Search || search.Status != 200 || search.ContentType != jsonType || search.Cache != layout.CacheContent || !slices.Equal(search.Selection.Rows, []int{0, 1}) ||
		search.Digest != table.Digest(search.Selection) || search.Query == nil || !search.Query.All || search.Query.Counting || len(search.Body) > 0 {
		t.Errorf("%+v", search)
	}
	count := reply(table, "GET", "/categories")
	if count.Kind != answer.Count || count.Status != 200 || count.ContentType != jsonType || count.Cache != layout.CacheContent || !slices.Equal(count.Selection.Rows, []int{1}) ||
		count.Digest != layout.DigestOf(count.Body) || count.Query == nil || !count.Query.Counting || string(count.Body) != "[]\n" {
		t.Errorf("%+v", count)
	}
	if none := reply(table, "GET", "/search?package=none"); none.Query == nil || none.Query.Package != "none" {
		t.Errorf("%+v", none)
	}
}

// TestCleanPaths: a path is rooted, and has no "//", "." or ".." in it; a slash at its end
// stays. Requests for any other are sent to it, as net/http does.
func TestCleanPaths(t *testing.T) {
	table := tableOf(t)
	parts := []string{"", "a", ".", "..", "b.", "..."}
	var paths []string
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				paths = append(paths, "/"+a+"/"+b+"/"+c, a+"/"+b+"/"+c, "/"+a+"/"+b, a+"/"+b, "/"+a, a)
			}
		}
	}
	var to string
	mux := http.NewServeMux() // which cleans paths before it looks for a handler
	mux.Handle("/", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, p := range paths {
		r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: p, RawQuery: "q"}, Host: "host"}
		w := &headers{http.Header{}, 0}
		mux.ServeHTTP(w, r)
		to = w.header.Get("Location")
		got := table.Answer("GET", &url.URL{Path: p, RawQuery: "q"})
		moved := got.Status == 301 && got.ContentType == ""
		if p == "" {
			continue // which no request has
		}
		if moved != (w.status/100 == 3) || moved && got.Location != to {
			t.Errorf("%q: %d %q, net/http says %d %q", p, got.Status, got.Location, w.status, to)
		}
	}
}

// headers keeps the head of a reply.
type headers struct {
	header http.Header
	status int
}

func (h *headers) Header() http.Header         { return h.header }
func (h *headers) Write(b []byte) (int, error) { return len(b), nil }
func (h *headers) WriteHeader(status int)      { h.status = status }
