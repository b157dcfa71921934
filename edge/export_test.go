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
