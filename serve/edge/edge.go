// Package edge makes the bundles that answer a registry's requests on the edge
// of a CDN: one router in JavaScript, and a small adapter for each platform.
//
//   - router.js, router/: a request to its answer; the twins of packages layout
//     and serve, held to them by vectors;
//   - platform/: what the adapters share: following the pointer, reading a bucket
//     over HTTP, and what to say when that fails;
//   - cloudflare/, cloudfront/, nginx/: the adapters, each with a README;
//   - bundles/: an adapter and all that it imports as one module. They are made
//     ahead and committed, so that nobody needs Node or a bundler to deploy;
//     TestBundles and TestNginxScript hold them to their sources.
package edge

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed bundles/*.js
var bundles embed.FS

// File is a file of a bundle.
type File struct {
	Name    string
	Content []byte
}

// bundle returns a module of bundles/.
func bundle(name string) []byte {
	content, err := bundles.ReadFile("bundles/" + name + ".js")
	if err != nil {
		panic(fmt.Sprintf("edge: %v", err)) // the program names what it embeds
	}
	return content
}

// configured returns a module of bundles/ that is given v: the modules read it
// as a constant of this name.
func configured(name string, v any) []byte {
	value, err := json.Marshal(v)
	if err != nil {
		// The configurations are plain structs of strings and numbers.
		panic(fmt.Sprintf("edge: %T: %v", v, err))
	}
	return slices.Concat([]byte("const configuration = "), value, []byte(";\n"), bundle(name))
}
