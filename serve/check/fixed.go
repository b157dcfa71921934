package check

import (
	"net/http"
	"net/url"

	"github.com/regsnap/regsnap/layout/answer"
)

// The kinds of requests, as reports name them. Options.Ignore may name them too.
const (
	kindIndex      = "index"
	kindHealth     = "health"
	kindIcon       = "icon"
	kindSearch     = "search"
	kindCategories = "categories"
	kindSpelling   = "spelling" // a query that is written in another way
	kindDocument   = "document"
	kindArchive    = "archive"
	kindSignature  = "signature"
	kindFile       = "file"
	kindPage       = "page" // of the catalogue for people
	kindError      = "error"
	kindRedirect   = "redirect"
	kindMethod     = "method"
)

// Kinds are the kinds of requests, in the order in which they are described.
var Kinds = []string{
	kindIndex, kindHealth, kindIcon, kindSearch, kindCategories, kindSpelling, kindDocument,
	kindArchive, kindSignature, kindFile, kindPage, kindError, kindRedirect, kindMethod,
}

// fixed are the requests that every registry is asked, and those that are made
// of one package of this one.
func fixed(t *answer.Table, level Level) []probe {
	get := func(kind string, w ways, targets ...string) (out []probe) {
		for _, target := range targets {
			out = append(out, probe{kind, http.MethodGet, target, w})
		}
		return out
	}
	out := get(kindIndex, plain|encoded|head|conditional, "/", "/index.json")
	out = append(out, get(kindHealth, plain|head, "/health")...)
	out = append(out, get(kindIcon, plain|head|conditional, "/favicon.ico")...)
	out = append(out, get(kindError, plain|encoded,
		"/none", "/package/", "/package/none/1.0.0/", "/package/none/1.0.0/manifest.yml", "/epr/", "/epr/none/none-1.0.0.zip", "/epr/none/none-1.0.0.zip.sig",
		"/search?kibana.version=8..0", "/search?agent.version=newest", "/search?spec.min=2", "/search?spec.max=2.a", "/search?prerelease=maybe", "/search?all=2",
		"/search?experimental=yes", "/search?discovery=fields", "/search?discovery=hosts:a",
		"/categories?kibana.version=8..0", "/categories?prerelease=maybe", "/categories?include_policy_templates=yes")...)
	out = append(out, get(kindRedirect, plain, "/search/", "/search/?prerelease=true", "/categories/", "/index.json/", "/health/", "//search")...)
	out = append(out, spellings(t)...)
	if t.Rows() > 0 {
		name, version := t.Name(t.Rows()/2), t.Versions[t.Rows()/2]
		p := "/package/" + name + "/" + url.PathEscape(version)
		out = append(out, get(kindError, plain|encoded,
			p+"/no/such/file", "/package/"+name+"/1.0/", "/package/"+name+"/v1.0.0/", "/package/"+name+"/99.99.99/",
			"/epr/"+name+"/"+name+"-99.99.99.zip", "/epr/"+name+"/"+name+"-1.0.zip", "/epr/"+name+"/"+name+"-99.99.99.zip.sig", "/epr/"+name+"/"+name+".zip")...)
		out = append(out, get(kindRedirect, plain, p, p+"?a=b", "/package/"+name+"-x/1.0.0/", "/package//"+name+"/"+version+"/")...)
	}
	if level != API {
		// The registry API takes every method; of its edges only reading is asked.
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
			out = append(out, probe{kindMethod, method, "/search", plain})
		}
	}
	return out
}

// spellings are queries that mean what another says, or nearly: what a cache
// that tidies up query strings gets wrong.
func spellings(t *answer.Table) []probe {
	version, name := "8.5.0", "none"
	for _, v := range t.Values().Kibana {
		if v != nil && v.Major() > 0 {
			version = v.String()
			break
		}
	}
	if t.Rows() > 0 {
		name = t.Name(t.Rows() / 2)
	}
	var out []probe
	for _, query := range []string{
		"prerelease=true&kibana.version=" + version, "kibana.version=" + version + "&prerelease=true",
		"kibana%2Eversion=" + version, "kibana.version=v" + version, "kibana.version=" + version + "&kibana.version=0.0.1", "kibana.version=0.0.1&kibana.version=" + version,
		"kibana.version=", "KIBANA.VERSION=0.0.1", "kibana.version=0.0.1&", "&&kibana.version=0.0.1", "kibana.version=0.0.1;prerelease=true", "kibana.version=%20" + version,
		"prerelease=1", "prerelease=T", "prerelease=false", "prerelease", "prerelease=true&unknown=1", "package=" + name + "&internal=true", "package=" + name + "%00", "package=+" + name,
		"capabilities=a,b", "capabilities=a%2Cb", "capabilities=,", "spec.min=1.0&spec.max=1.0", "category=none", "type=none", "all=true&prerelease=true&type=content",
	} {
		out = append(out,
			probe{kindSpelling, http.MethodGet, "/search?" + query, plain},
			probe{kindSpelling, http.MethodGet, "/categories?" + query, plain})
	}
	return append(out,
		probe{kindSpelling, http.MethodGet, "/search?", plain},
		probe{kindSpelling, http.MethodGet, "/%73earch", plain},
		probe{kindSpelling, http.MethodGet, "/search%3Fprerelease=true", plain})
}
