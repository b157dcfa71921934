package edgetest

// RawTargets are request targets with bytes above 127 that no client has escaped: text
// in UTF-8, and bytes that are none.
var RawTargets = []string{
	"/package/odd_names/1.0.0/docs/手册.md", "/package/odd_names/1.0.0/docs/手\xff.md", "/package/odd_names/1.0.0/./docs/手册.md",
	"/package/odd_names/1.0.0/x/../docs/手\xff.md", "/package/手册/1.0.0/", "/package/手册/1.0.0", "/é", "/\xff", "/é/../\xe9", "/é/%C3%A9/..",
	"/search?category=é", "/search?category=\xff", "/search?kibana.version=8.é", "/search?kibana.version=\xff", "/search?kibana.version=8.0.0-é\xe9",
	"/search?discovery=fields:é\xff", "/search?prerelease=\xff", "/categories?é=\xff&prerelease=é", "/epr/é/é-1.0.0.zip", "/epr/\xe9/\xe9-1.0.0.zip",
}
