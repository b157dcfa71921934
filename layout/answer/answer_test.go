package answer_test

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// TestQueryErrors: the texts are part of the API.
func TestQueryErrors(t *testing.T) {
	table := tableOf(t, row{name: "a", version: "1.0.0"})
	for query, want := range map[string]string{
		"kibana.version=x":                      "invalid Kibana version 'x': invalid semantic version",
		"kibana.version=8..0":                   "invalid Kibana version '8..0': invalid semantic version",
		"agent.version=1.2.3.4":                 "invalid agent version '1.2.3.4': invalid semantic version",
		"spec.min=1":                            "invalid 'spec.min' version: invalid version '1': it should be <major.version>",
		"spec.max=1.2.3":                        "invalid 'spec.max' version: invalid version '1.2.3': it should be <major.version>",
		"spec.min=a.b":                          "invalid 'spec.min' version: invalid spec version 'a.b': invalid semantic version",
		"prerelease=yes":                        "invalid 'prerelease' query param: 'yes'",
		"experimental=TrUe":                     "invalid 'experimental' query param: 'TrUe'",
		"discovery=x":                           `invalid 'discovery' query param: 'x': could not parse filter "x"`,
		"discovery=x:y":                         `invalid 'discovery' query param: 'x:y': unknown discovery filter "x"`,
		"discovery=fields:a&discovery=b":        `invalid 'discovery' query param: 'b': could not parse filter "b"`,
		"kibana.version=x&kibana.version=8.0.0": "invalid Kibana version 'x': invalid semantic version",
	} {
		for _, endpoint := range []string{"/search?", "/categories?"} {
			if a := reply(table, "GET", endpoint+query); a.Status != 400 || string(a.Body) != want+"\n" || a.ContentType != "text/plain; charset=utf-8" || a.Cache != layout.CacheError {
				t.Errorf("%s%s: %d %q, want %q", endpoint, query, a.Status, a.Body, want)
			}
		}
	}
	// Each is a parameter of one endpoint only.
	for target, status := range map[string]int{
		"/search?all=x": 400, "/categories?all=x": 200, "/search?include_policy_templates=x": 200, "/categories?include_policy_templates=x": 400,
		"/search?kibana.version=": 200, "/search?prerelease=": 200, "/search?spec.min=": 200, "/search?discovery=": 400,
		"/search?kibana.version=v8.4.1": 200, "/search?kibana.version=8.5": 200, "/search?kibana.version=8": 200,
		"/search?prerelease=t": 200, "/search?prerelease=F": 200, "/search?prerelease=0": 200, "/search?%zz=1": 200, "/search?a;b": 200,
	} {
		if a := reply(table, "GET", target); a.Status != status {
			t.Errorf("%s: %d, want %d", target, a.Status, status)
		}
	}
}

func TestRouting(t *testing.T) {
	table := tableOf(t,
		row{name: "a_b", version: "1.0.0-rc.1"},
		row{name: "nginx", version: "1.0.0", flags: layout.Signed},
	)
	nginx := table.Revision(1)
	for _, c := range []struct {
		target   string
		status   int
		kind     answer.Kind
		location string
		path     string
	}{
		{"/package/nginx/1.0.0/", 200, answer.Document, "", ""},
		{"/package/nginx/1.0.0", 301, answer.Direct, "/package/nginx/1.0.0/", ""},
		{"/package/nginx/1.0.0?x=%20&y", 301, answer.Direct, "/package/nginx/1.0.0/?x=%20&y", ""},
		{"/package/nginx/9.9.9", 301, answer.Direct, "/package/nginx/9.9.9/", ""},
		{"/search/?x=\xc3\xa9\xff", 301, answer.Direct, "/search?x=%c3%a9%ff", ""},
		{"/package/nginx/1.0.0/docs/README.md", 200, answer.File, "", "docs/README.md"},
		{"/package/nginx/1.0.0/docs/", 301, answer.Direct, "/package/nginx/1.0.0/docs", ""},
		{"/package/nginx/1.0/", 400, answer.Direct, "", ""},
		{"/package/nginx/v1.0.0/", 400, answer.Direct, "", ""},
		{"/package/nginx/01.0.0/x", 400, answer.Direct, "", ""},
		{"/package/nginx/2.0.0/", 404, answer.Direct, "", ""},
		{"/package/other/1.0.0/x", 404, answer.Direct, "", ""},
		{"/package/ng-inx/1.0.0", 404, answer.Direct, "", ""},
		{"/package/ng-inx/1.0.0/", 301, answer.Direct, "/package/ng-inx/1.0.0", ""},
		{"/package/nginx", 404, answer.Direct, "", ""},
		{"/package/", 404, answer.Direct, "", ""},
		{"/epr/nginx/nginx-1.0.0.zip", 200, answer.Archive, "", ""},
		{"/epr/nginx/nginx-1.0.0.zip.sig", 200, answer.Signature, "", ""},
		{"/epr/nginx/nginx-1.0.0.zip/", 301, answer.Direct, "/epr/nginx/nginx-1.0.0.zip", ""},
		{"/epr/other/nginx-1.0.0.zip", 200, answer.Archive, "", ""},
		{"/epr/a_b/a_b-1.0.0-rc.1.zip", 200, answer.Archive, "", ""},
		{"/epr/a_b/a_b-1.0.0-rc.1.zip.sig", 404, answer.Direct, "", ""},
		{"/epr/nginx/nginx-1.0.zip", 400, answer.Direct, "", ""},
		{"/epr/nginx/nginx-1.0.0.tar", 404, answer.Direct, "", ""},
		{"/epr/nginx/x/nginx-1.0.0.zip", 404, answer.Direct, "", ""},
		{"/epr/nginx", 404, answer.Direct, "", ""},
		{"/epr/", 404, answer.Direct, "", ""},
		{"/epr//nginx-1.0.0.zip/", 301, answer.Direct, "/epr/nginx-1.0.0.zip/", ""},
		{"/epr/nginx-1.0.0.zip/", 404, answer.Direct, "", ""},
		{"/artifacts/packages/nginx-1.0.0.zip", 200, answer.Archive, "", ""},
		{"/artifacts/packages/nginx-1.0.0.zip.sig", 200, answer.Signature, "", ""},
		{"/artifacts/packages/nginx-1.0.0.zip/?a=b", 301, answer.Direct, "/artifacts/packages/nginx-1.0.0.zip?a=b", ""},
		{"/artifacts/packages/a_b-1.0.0-rc.1.zip", 200, answer.Archive, "", ""},
		{"/artifacts/packages/a_b-1.0.0-rc.1.zip.sig", 404, answer.Direct, "", ""},
		{"/artifacts/packages/a_b-1.0.0.zip", 404, answer.Direct, "", ""},
		{"/artifacts/packages/ng-inx-1.0.0.zip", 400, answer.Direct, "", ""},
		{"/artifacts/packages/nginx/nginx-1.0.0.zip", 404, answer.Direct, "", ""},
		{"/artifacts/packages/nginx-1.0.0.tar", 404, answer.Direct, "", ""},
		{"/artifacts/packages/", 404, answer.Direct, "", ""},
		{"/artifacts/static/nginx-1.0.0/docs/README.md", 200, answer.File, "", "docs/README.md"},
		{"/artifacts/static/nginx-1.0.0/docs/a b+c.md", 200, answer.File, "", "docs/a b+c.md"},
		{"/artifacts/static/a_b-1.0.0-rc.1/manifest.yml", 200, answer.File, "", "manifest.yml"},
		{"/artifacts/static/a_b-1.0.0/manifest.yml", 404, answer.Direct, "", ""},
		{"/artifacts/static/nginx-1.0.0/docs/", 301, answer.Direct, "/artifacts/static/nginx-1.0.0/docs", ""},
		{"/artifacts/static/nginx-1.0/manifest.yml", 400, answer.Direct, "", ""},
		{"/artifacts/static/nginx-1.0.0/", 404, answer.Direct, "", ""},
		{"/artifacts/static/nginx-1.0.0", 404, answer.Direct, "", ""},
		{"/artifacts/static/nginx/manifest.yml", 404, answer.Direct, "", ""},
		{"/artifacts/static/Nginx-1.0.0/manifest.yml", 404, answer.Direct, "", ""},
		{"/artifacts/static/nginx-/manifest.yml", 404, answer.Direct, "", ""},
		{"/artifacts/packages/nginx-.zip", 404, answer.Direct, "", ""},
		{"/artifacts/packages/none-1.0.0.zip.sig", 404, answer.Direct, "", ""},
		{"/artifacts/packages/none-1.0.0.zip", 404, answer.Direct, "", ""},
		{"/epr/none/none-1.0.0.zip.sig", 404, answer.Direct, "", ""},
		{"/artifacts/nginx-1.0.0/manifest.yml", 404, answer.Direct, "", ""},
		{"/artifacts/other/nginx-1.0.0.zip", 404, answer.Direct, "", ""},
		{"/artifacts/", 404, answer.Direct, "", ""},
		{"/artifacts", 404, answer.Direct, "", ""},
		{"//search?a=b", 301, answer.Direct, "/search?a=b", ""},
		{"/package/../search", 301, answer.Direct, "/search", ""},
		{"/package/nginx/1.0.0/./x/../y/", 301, answer.Direct, "/package/nginx/1.0.0/y/", ""},
		{"/Search", 404, answer.Direct, "", ""},
		{"/search/x", 404, answer.Direct, "", ""},
	} {
		a := reply(table, "GET", c.target)
		if a.Status != c.status || a.Kind != c.kind || a.Location != c.location || a.Path != c.path {
			t.Errorf("%s: %d, kind %d, location %q, path %q; want %d %d %q %q", c.target, a.Status, a.Kind, a.Location, a.Path, c.status, c.kind, c.location, c.path)
		}
		if a.Kind == answer.Archive && c.target[5] == 'n' && a.Revision != nginx {
			t.Errorf("%s: %+v", c.target, a.Revision)
		}
	}
	// What can be no archive is no route, what could be one is not there.
	for target, other := range map[string]string{"/artifacts/packages/Nginx-1.0.0.zip": "/none", "/epr/Nginx/Nginx-1.0.0.zip": "/none", "/epr/none/none-1.0.0.zip": "/artifacts/packages/none-1.0.0.zip"} {
		if got, want := reply(table, "GET", target), reply(table, "GET", other); string(got.Body) != string(want.Body) {
			t.Errorf("%s: %s, want %s", target, got.Body, want.Body)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "get", ""} {
		for _, target := range []string{"/search", "//search", "/none", "/package/nginx/1.0.0"} {
			if a := reply(table, method, target); a.Status != 405 {
				t.Errorf("%q %s: %d", method, target, a.Status)
			}
		}
	}
	if get, head := reply(table, "GET", "/"), reply(table, "HEAD", "/"); string(get.Body) != string(head.Body) || head.Status != 200 {
		t.Error("HEAD is not GET")
	}
}

// TestPages: which addresses below /catalog/ are pages, and which end in a slash.
func TestPages(t *testing.T) {
	table := tableOf(t, row{name: "nginx", version: "1.0.0"})
	if a := reply(table, "GET", "/catalog/"); a.Status != 404 {
		t.Errorf("without a catalogue: %d", a.Status)
	}
	table.Site = layout.DigestOf([]byte("site"))
	for _, c := range []struct{ target, location, path, kind string }{
		{"/catalog", "/catalog/", "", ""},
		{"/catalog/", "", "", "text/html; charset=utf-8"},
		{"/catalog/nginx", "/catalog/nginx/", "", ""},
		{"/catalog/nginx/", "", "nginx/", "text/html; charset=utf-8"},
		{"/catalog/nginx/feed.xml", "", "nginx/feed.xml", "application/atom+xml"},
		{"/catalog/nginx/other.xml", "/catalog/nginx/other.xml/", "", ""},
		{"/catalog/-/feed.xml", "", "-/feed.xml", "application/atom+xml"},
		{"/catalog/-/x.css", "", "-/x.css", "text/css; charset=utf-8"},
		{"/catalog/-/environment", "/catalog/-/environment/", "", ""},
		{"/catalog/x.css", "/catalog/x.css/", "", ""},
	} {
		a := reply(table, "GET", c.target)
		if c.location != "" && (a.Status != 301 || a.Location != c.location) ||
			c.location == "" && (a.Status != 200 || a.Kind != answer.Page || a.Path != c.path || a.ContentType != c.kind || a.Digest != table.Site) {
			t.Errorf("%s: %+v", c.target, a)
		}
	}
}

func TestContentType(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"manifest.yml", "", "text/yaml; charset=UTF-8"},
		{"a.yaml", "", "application/yaml"},
		{"docs/README.md", "", "text/markdown; charset=utf-8"},
		{"a.JSON", "", "application/json"},
		{"a.Png", "", "image/png"},
		{"img/a.svg", "<html>", "image/svg+xml"},
		{"favicon.ico", "", "image/x-icon"},
		{"a.zip", "", "application/zip"},
		{"agent/stream.yml.hbs", "paths:\n", "text/plain; charset=utf-8"},
		{"NOTICE", "", "text/plain; charset=utf-8"},
		{"noextension", "\x89PNG\r\n\x1a\n", "image/png"},
		{"noextension", "\x00\x01\x02", "application/octet-stream"},
		{".json", "", "application/json"},
		{"a.json/b", "x", "text/plain; charset=utf-8"},
	} {
		if got := layout.ContentType(c.name, []byte(c.head)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	for kind, want := range map[string]bool{
		"text/plain; charset=utf-8": true, "application/json": true, "image/svg+xml": true,
		"image/png": false, "application/zip": false, "application/octet-stream": false, "": false,
	} {
		if layout.Compressible(kind) != want {
			t.Errorf("%q: want %t", kind, want)
		}
	}
}
