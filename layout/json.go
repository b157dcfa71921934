package layout

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Encode writes v as the bucket's formats are written: indented by one space
// where people read it, HTML characters as they are, a newline at the end.
func Encode(v any, indent string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		// The formats are plain structs of strings and numbers; JSON can hold
		// every value of them.
		panic(fmt.Sprintf("layout: encode %T: %v", v, err))
	}
	return b.Bytes()
}
