package parse

import (
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// The fields by which Elasticsearch routes a document to its data stream, and
// the type that each must have.
var requiredFields = []struct{ name, typ string }{
	{"data_stream.type", "constant_keyword"},
	{"data_stream.dataset", "constant_keyword"},
	{"data_stream.namespace", "constant_keyword"},
	{"@timestamp", "date"},
}

// fieldsGroup is the group that the first three can be in.
const fieldsGroup = "data_stream"

// fieldDef is one entry of a fields file: as much of it as the check needs.
// The reference registry looks at the entries of all files of a data stream in
// order and stops at the first one without a name, so those are kept, too.
type fieldDef struct {
	named bool
	name  string
	typed bool // has a type, and it is text
	typ   string
	// sub are the entries of a group; grouped tells that it is well-formed.
	grouped bool
	sub     []fieldDef
}

// fieldsFile is what the check needs to know of one fields file.
type fieldsFile struct {
	defs  []fieldDef
	fault *fault
}

// readFields parses a fields file, whatever its extension: a list of mappings.
func readFields(content []byte) fieldsFile {
	var entries []map[string]any
	if f := decodeYAML(content, &entries, index.RuleFieldsSyntax, "a list of mappings: a fields file has `- name: …` entries"); f != nil {
		return fieldsFile{fault: f}
	}
	var out fieldsFile
	seen := map[string]bool{}
	for _, entry := range entries {
		name, named := entryName(entry)
		// The first entry of each name that the check asks for is all that
		// matters, and all that a parser should hold in memory.
		if named && !relevantField(name) || seen[name] {
			continue
		}
		seen[name] = true
		out.defs = append(out.defs, topField(entry, name, named))
	}
	return out
}

func relevantField(name string) bool {
	if name == fieldsGroup {
		return true
	}
	for _, r := range requiredFields {
		if name == r.name {
			return true
		}
	}
	return false
}

// entryName is the name of an entry. One that is not text matches no name.
func entryName(entry map[string]any) (name string, named bool) {
	v, named := entry["name"]
	name, ok := v.(string)
	if named && !ok {
		name = "?"
	}
	return name, named
}

// topField reads an entry at the top of a file.
func topField(entry map[string]any, name string, named bool) fieldDef {
	def := fieldDef{named: named, name: name}
	def.typ, def.typed = entry["type"].(string)
	if def.name != fieldsGroup {
		return def
	}
	list, ok := entry["fields"].([]any)
	if !ok {
		return def
	}
	def.grouped = true
	for _, item := range list {
		m, ok := item.(map[any]any)
		if !ok {
			def.grouped, def.sub = false, nil
			break
		}
		def.sub = append(def.sub, groupField(m))
	}
	return def
}

// groupField reads an entry in a group, where all values count as text.
func groupField(m map[any]any) fieldDef {
	var def fieldDef
	for k, v := range m {
		switch fmt.Sprint(k) {
		case "name":
			def.named, def.name = true, fmt.Sprint(v)
		case "type":
			def.typed, def.typ = true, fmt.Sprint(v)
		}
	}
	return def
}

// checkFields tells what the fields files of a data stream lack. The entries
// are those of all its files in order.
func checkFields(defs []fieldDef) (details []string) {
	for _, want := range requiredFields {
		def, ok := findField(defs, want.name)
		if !ok {
			if group, rest, dotted := strings.Cut(want.name, "."); dotted {
				def, ok = findGroupField(defs, group, rest)
			}
		}
		switch {
		case !ok:
			details = append(details, fmt.Sprintf("no file defines the field %s: add it with type %s", want.name, want.typ))
		case def.typ != want.typ:
			details = append(details, fmt.Sprintf("the field %s has type %s: it must be %s", want.name, quote(def.typ), want.typ))
		}
	}
	return details
}

// findField finds the entry of that name, unless one before it has no name or
// it has no type.
func findField(defs []fieldDef, name string) (fieldDef, bool) {
	for _, d := range defs {
		if !d.named {
			return fieldDef{}, false
		}
		if d.name == name {
			return d, d.typed && d.typ != ""
		}
	}
	return fieldDef{}, false
}

// findGroupField does so in the first group of that name.
func findGroupField(defs []fieldDef, group, name string) (fieldDef, bool) {
	for _, d := range defs {
		if !d.named {
			return fieldDef{}, false
		}
		if d.name == group {
			if !d.grouped {
				return fieldDef{}, false
			}
			return findField(d.sub, name)
		}
	}
	return fieldDef{}, false
}
