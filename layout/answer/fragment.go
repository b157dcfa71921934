package answer

import (
	"bytes"
	"slices"
)

// The lines that a summary's policy templates begin and end with. A JSON string
// cannot hold a line break, and only the fields of the summary itself are
// indented by four, so these lines are nothing else wherever they stand.
var (
	templatesOpen  = []byte("\n    \"policy_templates\": [\n")
	templatesClose = []byte("\n    ]")
	templateEnd    = []byte("\n      }")
)

// KeepTemplates cuts a package's summary, as it stands in the array that
// answers a search, down to some of its policy templates: those whose numbers,
// counted from 0, are in keep. Without any the whole field goes. The result is
// what rendering the package with just those gives, byte for byte; the fragment
// itself is not changed. A fragment without policy templates is returned as is.
func KeepTemplates(fragment []byte, keep []int) []byte {
	start := bytes.Index(fragment, templatesOpen)
	if start < 0 {
		return fragment
	}
	list := fragment[start+len(templatesOpen):]
	end := bytes.Index(list, templatesClose)
	if end < 0 {
		return fragment
	}
	before, after := fragment[:start], list[end+len(templatesClose):]
	list = list[:end]

	out := make([]byte, 0, len(fragment))
	out = append(out, before...)
	kept := 0
	for i := 0; len(list) > 0; i++ {
		var template []byte
		if n := bytes.Index(list, templateEnd); n >= 0 {
			template, list = list[:n+len(templateEnd)], list[n+len(templateEnd):]
		} else {
			template, list = list, nil
		}
		list = bytes.TrimPrefix(list, []byte(",\n"))
		if !slices.Contains(keep, i) {
			continue
		}
		if kept == 0 {
			out = append(out, templatesOpen...)
		} else {
			out = append(out, ",\n"...)
		}
		out = append(out, template...)
		kept++
	}
	switch {
	case kept > 0:
		out = append(out, templatesClose...)
	case !bytes.HasPrefix(after, []byte(",")):
		// It was the last field: the one before loses its comma.
		out = bytes.TrimSuffix(out, []byte(","))
	default:
		after = after[1:]
	}
	return append(out, after...)
}
