package parse_test

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/parse"
)

// FuzzParse feeds the parser manifests, fields and ingest pipelines of any
// content: it must answer, the same each time, and never panic.
func FuzzParse(f *testing.F) {
	f.Add("name: sample", "title: A\ntype: logs", "- name: a", "processors: []")
	f.Add("a.1000000: x\nb.-1: y", "a: &a [*a]", "- {fields: [{name: {}}]}", "{{x}}: y")
	f.Add("policy_templates: {0: {name: 1.5, inputs.0.vars.0.default: [null, {a: []}]}}", "elasticsearch.index_template.settings: [1]", "- name: data_stream\n  fields: 5", "[]")
	f.Add("conditions: {kibana: 1, elastic: []}\ncategories: a\nicons: {}", "streams: [[]]\nelasticsearch: 5", "-", "null")
	f.Add("0: a\n1: b\n2: c\n3: d\ntrue: e\n~: f", "{1: a, 2: b, .nan: c}", "- 1: a", "{1: a, 2: b}")
	base := newTree(f, valid).files
	f.Fuzz(func(t *testing.T, manifest, stream, fields, pipeline string) {
		var first string
		for range 2 {
			tree := newTree(t)
			for path, data := range base {
				tree.files[path] = data
			}
			tree.files["manifest.yml"] = []byte(manifest)
			tree.files["data_stream/log/manifest.yml"] = []byte(stream)
			tree.files["data_stream/log/fields/base.yml"] = []byte(fields)
			tree.files["data_stream/log/elasticsearch/ingest_pipeline/default.yml"] = []byte(pipeline)
			tree.files["data_stream/log/elasticsearch/ingest_pipeline/default.json"] = []byte(pipeline)
			p, found := parse.NewParser().Parse("sample", "1.2.0", tree)
			if (p == nil) == (len(found.Errors) == 0) {
				t.Fatalf("package %v, errors %v", p, found.Errors)
			}
			all := strings.Join(append(show(found.Errors), show(found.Warnings)...), "\n")
			if first == "" {
				first = all
			} else if all != first {
				t.Fatalf("first it says\n%s\nthen\n%s", first, all)
			}
		}
	})
}
