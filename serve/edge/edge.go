// Package edge makes the bundles that answer a registry's requests on the edge
// of a CDN: one router in JavaScript, and a small adapter for each platform.
//
//   - router.js, router/: a request to its answer; the twins of packages layout
//     and serve, held to them by vectors;
//   - platform/: what the adapters share: following the pointer, reading a bucket
//     over HTTP, and what to say when that fails;
//   - cloudflare/, cloudfront/, nginx/: the adapters, each with a README.
//
// The sources are part of the program, and are put together by it, but for
// nginx's, which are put together ahead: nobody needs Node to deploy.
package edge

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed router.js router/*.js platform/*.js cloudflare/*.js cloudfront/*.js
var sources embed.FS

// File is a file of a bundle.
type File struct {
	Name    string
	Content []byte
}

// namespace marks the modules that come from sources.
const namespace = "edge"

// bundle makes one module of an entry point and all that it imports. Modules of
// the platform, "node:https" for instance, stay imports.
func bundle(entry string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		Stdin:    &api.StdinOptions{Contents: entry, Sourcefile: "entry.js"},
		Bundle:   true,
		Format:   api.FormatESModule,
		Target:   api.ES2022,
		Charset:  api.CharsetUTF8,
		LogLevel: api.LogLevelSilent,
		Plugins:  []api.Plugin{{Name: namespace, Setup: resolveSources}},
	})
	if len(result.Errors) > 0 {
		texts := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, fmt.Errorf("bundle: %s", strings.Join(texts, ""))
	}
	return result.OutputFiles[0].Contents, nil
}

func resolveSources(build api.PluginBuild) {
	build.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
		if strings.HasPrefix(a.Path, "node:") {
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		}
		return api.OnResolveResult{Path: path.Join(path.Dir(a.Importer), a.Path), Namespace: namespace}, nil
	})
	build.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: namespace}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
		content, err := sources.ReadFile(a.Path)
		if err != nil {
			return api.OnLoadResult{}, err
		}
		text := string(content)
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
	})
}

// script is a value as JavaScript.
func script(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		// The configurations are plain structs of strings and numbers.
		panic(fmt.Sprintf("edge: %T: %v", v, err))
	}
	return string(b)
}
