package build

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// indentedJSON writes JSON as the registry does: two spaces a level after a
// prefix for each line but the first, HTML characters as they are, no line end.
func indentedJSON(v any, prefix string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent(prefix, "  ")
	if err := enc.Encode(v); err != nil {
		// The parser lets nothing into a package that JSON cannot say.
		panic(fmt.Sprintf("build: %T as JSON: %v", v, err))
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
