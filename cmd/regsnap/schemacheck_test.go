package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// loadSchema reads the schema that is checked in.
func loadSchema(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var s map[string]any
	if err := json.Unmarshal(data, &s); err != nil {
		t.Fatal(err)
	}
	return s["$defs"].(map[string]any)
}

// violations lists where a value is not as a schema wants it. A keyword that is not
// known here is one: nothing is left unchecked.
func violations(defs map[string]any, want any, got any, at string) (out []string) {
	bad := func(format string, args ...any) { out = append(out, at+": "+fmt.Sprintf(format, args...)) }
	rule := want.(map[string]any)
	for keyword := range rule {
		if !slices.Contains([]string{"$ref", "type", "format", "items", "properties", "required", "additionalProperties"}, keyword) {
			bad("keyword %s", keyword)
		}
	}
	if ref, ok := rule["$ref"].(string); ok {
		def, known := defs[strings.TrimPrefix(ref, "#/$defs/")]
		if !known {
			bad("%s is not defined", ref)
			return out
		}
		return append(out, violations(defs, def, got, at)...)
	}
	ok := false
	switch v := got.(type) {
	case string:
		ok = rule["type"] == "string"
		if rule["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				bad("%v", err)
			}
		}
	case bool:
		ok = rule["type"] == "boolean"
	case float64:
		ok = rule["type"] == "number" || rule["type"] == "integer" && v == float64(int64(v))
	case []any:
		if ok = rule["type"] == "array"; ok {
			for i, x := range v {
				out = append(out, violations(defs, rule["items"], x, fmt.Sprintf("%s[%d]", at, i))...)
			}
		}
	case map[string]any:
		if ok = rule["type"] == "object"; ok {
			out = append(out, objectViolations(defs, rule, v, at)...)
		}
	}
	if !ok {
		bad("%.60v is no %v", got, rule["type"])
	}
	return out
}

func objectViolations(defs, rule, got map[string]any, at string) (out []string) {
	properties, _ := rule["properties"].(map[string]any)
	required, _ := rule["required"].([]any)
	for _, name := range required {
		if _, there := got[name.(string)]; !there {
			out = append(out, at+": "+name.(string)+" is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		sub, known := properties[name]
		if !known {
			sub = rule["additionalProperties"]
		}
		if more, ok := sub.(map[string]any); ok {
			out = append(out, violations(defs, more, got[name], at+"."+name)...)
		} else {
			out = append(out, at+": "+name+" is not in the schema")
		}
	}
	return out
}

// TestViolations: what is not as the schema says is noticed, whatever it is.
func TestViolations(t *testing.T) {
	const text = `{"o": {"type": "object", "required": ["s"], "additionalProperties": false, "properties": {
		"s": {"type": "string"}, "n": {"type": "integer"}, "f": {"type": "number"}, "b": {"type": "boolean"}, "t": {"type": "string", "format": "date-time"},
		"l": {"type": "array", "items": {"$ref": "#/$defs/o"}}, "m": {"type": "object", "additionalProperties": {"type": "integer"}}}}}`
	var defs map[string]any
	if err := json.Unmarshal([]byte(text), &defs); err != nil {
		t.Fatal(err)
	}
	for document, want := range map[string]int{
		`{"s": ""}`: 0, `{"s": "x", "n": 1, "f": 1.5, "b": true, "t": "2024-01-02T03:04:05Z", "l": [{"s": ""}, {"s": ""}], "m": {"a": 1}}`: 0,
		`{}`: 1, `{"s": null}`: 1, `{"s": 1}`: 1, `{"s": "", "x": 1}`: 1, `{"s": "", "n": 1.5}`: 1, `{"s": "", "b": "true"}`: 1, `{"s": "", "t": "yesterday"}`: 1,
		`{"s": "", "l": null}`: 1, `{"s": "", "l": {}}`: 1, `{"s": "", "l": [{}, {"s": ""}, {"y": 1}]}`: 3, `{"s": "", "m": {"a": "1", "b": 2}}`: 1, `[]`: 1, `null`: 1,
	} {
		var v any
		if err := json.Unmarshal([]byte(document), &v); err != nil {
			t.Fatal(err)
		}
		if got := violations(defs, map[string]any{"$ref": "#/$defs/o"}, v, "$"); len(got) != want {
			t.Errorf("%s: %q, want %d", document, got, want)
		}
	}
}
