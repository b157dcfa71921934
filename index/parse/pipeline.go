package parse

import (
	"bytes"
	"encoding/json"
	"errors"
	"path"

	"github.com/regsnap/regsnap/index"
)

// readPipeline checks that an ingest pipeline parses: JSON or YAML by its
// extension, an object at the top. It returns nil when all is well.
func readPipeline(name string, content []byte) *fault {
	var m map[string]any
	if path.Ext(name) != ".json" {
		return decodeYAML(content, &m, index.RulePipelineSyntax, "a mapping: an ingest pipeline has keys such as `processors:`")
	}
	err := guard(func() error { return json.Unmarshal(content, &m) })
	if err == nil {
		return nil
	}
	f := &fault{rule: index.RulePipelineSyntax, detail: "is not a JSON object: " + err.Error()}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) && syntax.Offset <= int64(len(content)) {
		f.line = 1 + bytes.Count(content[:syntax.Offset], []byte("\n"))
	}
	return f
}
