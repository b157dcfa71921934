package edge

import (
	"errors"

	"github.com/evanw/esbuild/pkg/api"
)

// NginxBundle is nginx/registry.js and all that it imports as one module, before
// it is lowered to the language of njs.
func NginxBundle() ([]byte, error) {
	result := api.Build(api.BuildOptions{
		Stdin: &api.StdinOptions{ResolveDir: ".", Sourcefile: "entry.js", Contents: `import crypto from "crypto";
import fs from "fs";
import { registry } from "./nginx/registry.js";
export default registry({ fs, crypto });
`},
		Bundle: true, Format: api.FormatESModule, Target: api.ES2022, Charset: api.CharsetUTF8, LogLevel: api.LogLevelSilent,
		External: []string{"crypto", "fs"}, Inject: []string{"nginx/polyfill.js"},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(result.Errors[0].Text)
	}
	return result.OutputFiles[0].Contents, nil
}

// generated marks the script as made, not written.
const generated = "// Code generated from nginx/registry.js; DO NOT EDIT.\n"

// Dense is a script without the white space that people need.
func Dense(script []byte) ([]byte, error) {
	result := api.Transform(string(script), api.TransformOptions{
		MinifyWhitespace: true, MinifySyntax: true, Target: api.ES5, Charset: api.CharsetUTF8, LineLimit: 120, Banner: generated,
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(result.Errors[0].Text)
	}
	return result.Code, nil
}
