package main

import (
	"bytes"
	"encoding"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/doctor"
	"github.com/regsnap/regsnap/serve/check"
)

// results are the types of what commands print with --json, by the definition in the
// schema. inspect prints another one of a request than of a snapshot.
var results = map[string]any{
	"build": built{}, "import": built{}, "publish": movedTo{}, "pin": movedTo{}, "unpin": movedTo{}, "init": initResult{},
	"status": statusResult{}, "status-package": packageStatus{}, "status-watch": watchedHost{}, "history": publish.History{}, "find": foundResult{}, "tag": taggedResult{}, "tag-list": tagList{}, "diff": publish.Diff{}, "inspect": inspected{}, "inspect-request": explained{},
	"rollback": rolledBack{}, "recover": recovered{}, "verify": verified{}, "prune": pruned{}, "doctor": doctor.Report{},
	"lint": linted{}, "audit": audited{}, "promote": promoted{}, "add": promoted{}, "preview": built{}, "board": promote.Board{},
	"mirror": mirroredAll{}, "export": exported{}, "image": imageResult{}, "edge": bundled{}, "check": check.Report{}, "version": versionInfo{},
	"failure": failed{},
}

const schemaFile = "../../docs/json.schema.json"

// TestSchemaFile holds docs/json.schema.json to the program; -update writes it.
func TestSchemaFile(t *testing.T) {
	want, err := json.MarshalIndent(newSchema(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what commands print (%v): go test ./cmd/regsnap -run TestSchemaFile -update", filepath.Base(schemaFile), err)
	}
	doc, err := os.ReadFile("../../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range results {
		if !bytes.Contains(doc, []byte("| `"+name+"` |")) {
			t.Errorf("docs/json.md does not say what %s prints", name)
		}
	}
}

// schema is a JSON Schema with a definition for each result and each shape in it.
type schema struct {
	Schema  string         `json:"$schema"`
	Title   string         `json:"title"`
	Defs    map[string]any `json:"$defs"`
	named   map[string]reflect.Type
	pending []reflect.Type
	t       testing.TB
}

func newSchema(t testing.TB) *schema {
	t.Helper()
	s := &schema{t: t, Schema: "https://json-schema.org/draft/2020-12/schema", Title: "What regsnap prints with --json", Defs: map[string]any{}, named: map[string]reflect.Type{}}
	for _, name := range slices.Sorted(maps.Keys(results)) { // what is met first gets the shorter name
		s.Defs[name] = s.object(reflect.TypeOf(results[name]))
	}
	for len(s.pending) > 0 {
		next := s.pending[0]
		s.pending = s.pending[1:]
		s.Defs[s.name(next)] = s.object(next)
	}
	return s
}

// shapes are the names of the shapes that many commands have; others are called as
// their types are.
var shapes = map[string]string{"main.failure": "error", "publish.Stored": "snapshot", "main.packageVersion": "package", "publish.PackageChange": "package-change", "publish.PackageChanges": "package-changes", "publish.Branch": "branch", "layout.Pin": "pinned"}

func (s *schema) name(t reflect.Type) string {
	if n := shapes[t.String()]; n != "" {
		return n
	}
	pkg, n, _ := strings.Cut(t.String(), ".")
	var b strings.Builder
	for i, r := range n {
		if i > 0 && r >= 'A' && r <= 'Z' && n[i-1] >= 'a' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	name := b.String()
	if _, command := results[name]; command || s.named[name] != nil && s.named[name] != t {
		return pkg + "-" + name
	}
	return name
}

var (
	textType = reflect.TypeFor[encoding.TextMarshaler]()
	jsonType = reflect.TypeFor[json.Marshaler]()
)

func (s *schema) of(t reflect.Type) any {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return map[string]any{"type": "string", "format": "date-time"}
	case t.Implements(textType):
		return map[string]any{"type": "string"}
	case t.Implements(jsonType):
		panic(t.String() + " writes its own JSON")
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": s.of(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": s.of(t.Elem())}
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Struct:
		name := s.name(t)
		if s.named[name] == nil {
			s.named[name] = t
			s.pending = append(s.pending, t)
		}
		return map[string]any{"$ref": "#/$defs/" + name}
	}
	if t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64 {
		return map[string]any{"type": "integer"}
	}
	s.t.Fatalf("what is %s in JSON?", t)
	return nil
}

// object is the schema of a struct: nothing but its fields, and all of them that are
// not left out where they are empty.
func (s *schema) object(t reflect.Type) any {
	properties, required := map[string]any{}, []string{}
	s.fields(t, properties, &required)
	slices.Sort(required)
	return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

func (s *schema) fields(t reflect.Type, properties map[string]any, required *[]string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && tag == "":
			s.fields(f.Type, properties, required)
			continue
		case tag == "-" || !f.IsExported():
			continue
		case tag == "":
			panic(t.String() + "." + f.Name + " has no name in JSON")
		}
		if _, above := properties[tag]; above { // a field of the outer struct wins
			continue
		}
		properties[tag] = s.of(f.Type)
		if !strings.Contains(options, "omit") {
			*required = append(*required, tag)
		}
	}
}
