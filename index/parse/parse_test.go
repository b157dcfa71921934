package parse_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

func TestParseRules(t *testing.T) {
	fields := func(entries string) string { return "-- data_stream/log/fields/base.yml --\n" + entries }
	const pipelines = "data_stream/log/elasticsearch/ingest_pipeline"
	tests := []struct {
		name   string
		change string
		want   []string
	}{
		{"no manifest", "-- manifest.yml --\nREMOVED\n",
			[]string{`manifest.yml: does not exist: a package is described by it [manifest-missing]`}},
		{"manifest not YAML", "-- manifest.yml --\nname: a\n\tb: c\n",
			[]string{"manifest.yml:2: is not valid YAML: found a tab character that violates indentation [manifest-syntax]"}},
		{"manifest not a mapping", "-- manifest.yml --\n- a\n",
			[]string{"manifest.yml: is not a mapping: a manifest has `key: value` lines [manifest-syntax]"}},
		{"key not text", "-- manifest.yml --\nconditions:\n  8: x\n",
			[]string{"manifest.yml:1: `conditions` has the key 8, which is not text: put it in quotes [manifest-syntax]"}},
		{"value of the wrong kind", manifest("title: Sample", "title: {a: b}"),
			[]string{"manifest.yml:3: has a value of the wrong kind: can not convert 'object' into 'string' accessing 'title' [manifest-syntax]"}},
		{"given twice", manifest("  github: acme/samples", "  github: acme/samples\nowner.github: me"),
			[]string{"manifest.yml:8: `owner.github` is given twice, dotted and nested: keep one of them [manifest-syntax]"}},
		{"not a JSON number", manifest("name: first\n", "name: first\n    multiple: .nan\n"),
			[]string{"manifest.yml:10: `policy_templates.0.multiple` is NaN, which JSON has no number for: put it in quotes [manifest-syntax]"}},
		{"negative index", manifest("title: Sample", "title: Sample\nvars.-1: x"),
			[]string{"manifest.yml:4: `vars.-1` has the number -1 as a key, which would be a list index: put a letter before it [manifest-syntax]"}},
		{"no format version", manifest("format_version: 3.0.0\n", ""),
			[]string{"manifest.yml: has no format_version: say which version of the package format it follows [format-version]"}},
		{"format version", manifest("format_version: 3.0.0", "format_version: 3.0"),
			[]string{`manifest.yml:1: the format_version "3" is not a semantic version (major.minor.patch): invalid semantic version [format-version]`}},
		{"version", manifest("version: 1.2.0\n", "version: v1.2.0\n"),
			[]string{
				`manifest.yml:4: the version "v1.2.0" is not a semantic version (major.minor.patch): invalid characters in version [version-syntax]`,
				`manifest.yml:4: the version is "v1.2.0", but the directory is "1.2.0": make them the same [version-directory]`,
			}},
		{"version directory", manifest("version: 1.2.0\n", "version: 1.2.1\n"),
			[]string{`manifest.yml:4: the version is "1.2.1", but the directory is "1.2.0": make them the same [version-directory]`}},
		{"name directory", manifest("name: sample", "name: simple"),
			[]string{`manifest.yml:2: the name is "simple", but the directory is "sample": make them the same [name-directory]`}},
		{"no title", manifest("title: Sample\n", ""),
			[]string{"manifest.yml: has no title [title-missing]"}},
		{"no description", manifest("description: A sample.", "description:"),
			[]string{"manifest.yml:5: has no description [description-missing]"}},
		{"release", manifest("title: Sample", "title: Sample\nrelease: alpha"),
			[]string{`manifest.yml:4: "alpha" is not a release: it can be experimental, beta or ga [release-unknown]`}},
		{"kibana constraint", manifest("title: Sample", "title: Sample\nconditions: {kibana.version: 8.x.y.z}"),
			[]string{`manifest.yml:4: conditions.kibana.version "8.x.y.z" is not a version constraint such as ^8.0.0: improper constraint: "8.x.y.z" [kibana-constraint]`}},
		{"agent constraint", manifest("title: Sample", "title: Sample\nconditions: {agent: {version: ''}}"),
			[]string{`manifest.yml:4: conditions.agent.version "" is not a version constraint such as ^8.0.0: improper constraint: "" [agent-constraint]`}},
		{"discovery", manifest("title: Sample", "title: Sample\ndiscovery: {fields: [{name: a}, {}], datasets: [{name: ''}]}"),
			[]string{
				"manifest.yml:4: entry 2 of discovery.fields has no name [discovery-name]",
				"manifest.yml:4: entry 1 of discovery.datasets has no name [discovery-name]",
			}},
		{"requires", manifest("title: Sample", "title: Sample\nrequires: {input: [{package: a, version: ^1.0.0}, {package: b}], content: [{version: 1.0.0}]}"),
			[]string{
				"manifest.yml:4: entry 2 of requires.input has no version [requires-incomplete]",
				"manifest.yml:4: entry 1 of requires.content has no package [requires-incomplete]",
			}},
		{"policy template", manifest("  - name: first\n    title: First\n    description: The first.", "  - name: second\n  - title: T"),
			[]string{
				`manifest.yml:10: policy template "second" has no title [policy-template]`,
				`manifest.yml:10: policy template "second" has no description [policy-template]`,
				`manifest.yml:10: policy template 2 has no name [policy-template]`,
				`manifest.yml:10: policy template 2 has no description [policy-template]`,
			}},
		{"input without kind", manifest("- type: logfile", "- title: Lost"),
			[]string{`manifest.yml:10: policy template "first": input 1 ("Lost") has neither type nor package: give it one of them [input-ambiguous]`}},
		{"input with two kinds", manifest("- type: logfile", "- {type: logfile, package: other}"),
			[]string{`manifest.yml:10: policy template "first": input 1 has both type and package: keep one of them [input-ambiguous]`}},
		{"agentless release", manifest("name: first\n", "name: first\n    deployment_modes.agentless: {enabled: true, release: experimental}\n"),
			[]string{`manifest.yml:10: policy template "first": the agentless release "experimental" can only be beta or ga [agentless-release]`}},
		{"icon", manifest("/img/icon.svg", "/img/other.svg"),
			[]string{`manifest.yml:8: "/img/other.svg" of icons is not a file of the package [image-missing]`}},
		{"icon outside", manifest("/img/icon.svg", "/../1.1.0/img/icon.svg"),
			[]string{`manifest.yml:8: "/../1.1.0/img/icon.svg" of icons is not a file of the package [image-missing]`}},
		{"screenshot without src", manifest("title: Sample", "title: Sample\nscreenshots: [{title: x}]"),
			[]string{`manifest.yml:4: an entry of screenshots has no src: say which file it is [image-missing]`}},
		{"no readme", "-- docs/README.md --\nREMOVED\n",
			[]string{"docs/README.md: does not exist: every package has one [readme-missing]"}},
		{"readme of a policy template is a directory", "-- docs/first.md/x --\n",
			[]string{"docs/first.md: is a directory: it is where the readme of a policy template is looked for [readme-missing]"}},
		{"directory name", "-- kibana/my-tag/x.json --\n{}\n",
			[]string{"kibana/my-tag: has a hyphen in its name: rename the directory, for example with an underscore [directory-name]"}},
		{"data stream without manifest", "-- data_stream/other/fields/a.yml --\n",
			[]string{"data_stream/other/manifest.yml: does not exist: a data stream is described by it [data-stream-manifest]"}},
		{"data stream manifest", dataStream("title: [}\n"),
			[]string{"data_stream/log/manifest.yml: is not valid YAML: did not find expected node content [manifest-syntax]"}},
		{"data stream says nothing", dataStream(""),
			[]string{
				"data_stream/log/manifest.yml: has no title [data-stream-title]",
				"data_stream/log/manifest.yml: has no type: it can be logs, metrics, synthetics or traces [data-stream-type]",
			}},
		{"data stream type", dataStream("title: A\ntype: events\n"),
			[]string{`data_stream/log/manifest.yml:2: "events" is not a type of data stream: it can be logs, metrics, synthetics or traces [data-stream-type]`}},
		{"data stream release", dataStream("title: A\ntype: logs\nrelease: x\n"),
			[]string{`data_stream/log/manifest.yml:3: "x" is not a release: it can be experimental, beta or ga [release-unknown]`}},
		{"dataset", dataStream("title: A\ntype: logs\ndataset: a-b\n"),
			[]string{`data_stream/log/manifest.yml: the dataset "a-b" has a hyphen: use an underscore or a dot [data-stream-dataset]`}},
		{"stream without kind", dataStream("title: A\ntype: logs\nstreams:\n  - title: T\n"),
			[]string{`data_stream/log/manifest.yml:3: stream 1 ("T") has neither input nor package: give it one of them [input-ambiguous]`}},
		{"pipeline missing", dataStream("title: A\ntype: logs\ningest_pipeline: gone\n"),
			[]string{pipelines + `: the data stream uses the ingest pipeline "gone", but that is neither a .yml nor a .json file here [pipeline-missing]`}},
		{"pipeline outside", dataStream("title: A\ntype: logs\ningest_pipeline: ../../manifest\n"),
			[]string{pipelines + `: the data stream uses the ingest pipeline "../../manifest", but that is neither a .yml nor a .json file here [pipeline-missing]`}},
		{"replaced pipeline missing", dataStream("title: A\ntype: logs\ningest_pipeline: gone\nelasticsearch: {}\n"),
			[]string{pipelines + `: the data stream uses the ingest pipeline "gone", but that is neither a .yml nor a .json file here [pipeline-missing]`}},
		{"pipeline unused", "-- " + pipelines + "/default.yml --\nREMOVED\n-- " + pipelines + "/other.yml --\n",
			[]string{pipelines + `: holds ingest pipelines, but none is called default and the data stream does not name one in ingest_pipeline [pipeline-unused]`}},
		{"pipeline YAML", "-- " + pipelines + "/default.yml --\na: 1\nb: {{x}}: y\n",
			[]string{pipelines + `/default.yml:2: is not valid YAML: mapping values are not allowed in this context [pipeline-syntax]`}},
		{"pipeline not a mapping", "-- " + pipelines + "/default.yml --\n- a\n",
			[]string{pipelines + "/default.yml:1: is not a mapping: an ingest pipeline has keys such as `processors:` [pipeline-syntax]"}},
		{"pipeline JSON", "-- " + pipelines + "/default.json --\n{\n\"a\": nil}\n",
			[]string{pipelines + `/default.json:2: is not a JSON object: invalid character 'i' in literal null (expecting 'u') [pipeline-syntax]`}},
		{"no fields", "-- data_stream/log/fields/base.yml --\n",
			[]string{
				"data_stream/log/fields: no file defines the field data_stream.type: add it with type constant_keyword [fields-missing]",
				"data_stream/log/fields: no file defines the field data_stream.dataset: add it with type constant_keyword [fields-missing]",
				"data_stream/log/fields: no file defines the field data_stream.namespace: add it with type constant_keyword [fields-missing]",
				"data_stream/log/fields: no file defines the field @timestamp: add it with type date [fields-missing]",
			}},
		{"fields of another type", fields("- name: data_stream\n  fields:\n  - {name: type, type: keyword}\n  - {name: dataset, type: constant_keyword}\n  - {name: namespace, type: constant_keyword}\n- {name: '@timestamp', type: date}\n"),
			[]string{`data_stream/log/fields: the field data_stream.type has type "keyword": it must be constant_keyword [fields-missing]`}},
		{"fields not a list", fields("name: a\n"),
			[]string{"data_stream/log/fields/base.yml:1: is not a list of mappings: a fields file has `- name: …` entries [fields-syntax]"}},
		{"fields in a directory", "-- data_stream/log/fields/more/a.yml --\n",
			[]string{"data_stream/log/fields/more: is a directory: only files can define fields [fields-syntax]"}},
		{"too large", "-- data_stream/log/fields/big.yml --\n" + strings.Repeat("#", parse.MaxParsedBytes) + "\n",
			[]string{"data_stream/log/fields/big.yml: is 4194305 bytes long: files that describe a package may have 4194304 [file-too-large]"}},
		{"several at once", manifest("title: Sample\n", "", "/img/icon.svg", "x") + "-- docs/README.md --\nREMOVED\n" + dataStream("title: A\ntype: x\n"),
			[]string{
				"manifest.yml: has no title [title-missing]",
				`manifest.yml:7: "x" of icons is not a file of the package [image-missing]`,
				"docs/README.md: does not exist: every package has one [readme-missing]",
				`data_stream/log/manifest.yml:2: "x" is not a type of data stream: it can be logs, metrics, synthetics or traces [data-stream-type]`,
			}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, found := parsed(t, valid, tt.change)
			if p != nil {
				t.Error("the package is said to be valid")
			}
			if got := show(found.Errors); !slices.Equal(got, tt.want) {
				t.Errorf("got:\n\t%s\nwant:\n\t%s", strings.Join(got, "\n\t"), strings.Join(tt.want, "\n\t"))
			}
			for _, e := range found.Errors {
				if e.Owner == "" && strings.Contains(tt.change, "acme/samples") {
					t.Errorf("no owner: %v", e)
				}
			}
		})
	}
}

func TestParseValid(t *testing.T) {
	p := mustParse(t, valid)
	if p.SpecMajor != 3 || p.SpecMinor != 0 || p.SemVer.String() != "1.2.0" || p.Release != "ga" || p.Type != "integration" {
		t.Errorf("facts: %+v", p)
	}
	for _, change := range []string{
		// What a desktop leaves behind counts for nothing.
		"-- data_stream/log/fields/.DS_Store --\n\x00\n-- .DS_Store --\n-- data_stream/.DS_Store --\n-- data_stream/x/.DS_Store --\n-- docs/.DS_Store-of-old/x --\n",
		// Named by the new key only, an ingest pipeline is not looked for.
		dataStream("title: A\ntype: logs\nelasticsearch.ingest_pipeline.name: gone\n"),
		"-- data_stream/log/elasticsearch/ingest_pipeline/other.yml --\n{{ not read }}\n",
		"-- data_stream/log/fields/base.yml --\n- name: data_stream\n  fields:\n  - {name: type, type: constant_keyword}\n  - {name: dataset, type: constant_keyword}\n  - {name: namespace, type: constant_keyword}\n- {name: '@timestamp', type: date}\n",
		manifest("/img/icon.svg", "img/../img/icon.svg"),
		// A stream, and an input, may name the package that brings it.
		manifest("      - type: logfile\n", "      - package: other\n"),
		manifest("    description: The first.\n", "    description: The first.\n    deployment_modes: {agentless: {enabled: true, release: beta}}\n"),
		manifest("    description: The first.\n", "    description: The first.\n    deployment_modes: {agentless: {enabled: true, release: ga}}\n"),
		// A file beside the data streams is not one of them.
		"-- data_stream/README.md --\nx\n",
	} {
		mustParse(t, valid, change)
	}
}

func TestParseWarnings(t *testing.T) {
	p, found := parsed(t, valid, manifest("title: Sample\n", "title: Sample\ncategories: [web, crm, nonsense]\n",
		"name: first\n", "name: first\n    icons: [{src: /img/lost.svg}]\n"))
	want := []string{
		`manifest.yml:4: the category "nonsense" is not one that the registry knows: it is left out [category-unknown]`,
		`manifest.yml:11: "/img/lost.svg" of icons is not a file of the package [image-missing]`,
	}
	if got := show(found.Warnings); len(found.Errors) > 0 || !slices.Equal(got, want) {
		t.Errorf("errors %v, warnings:\n\t%s", found.Errors, strings.Join(got, "\n\t"))
	}
	if !slices.Equal(p.Categories, []string{"web", "crm"}) {
		t.Errorf("categories %q", p.Categories)
	}
	for _, w := range found.Warnings {
		if w.Owner != "acme/samples" {
			t.Errorf("owner %q", w.Owner)
		}
	}
}

// TestOwnerIsMissing: no owner, one without a name and one whose name is empty.
func TestOwnerIsMissing(t *testing.T) {
	const want = "does not say who owns the package: Kibana refuses to install it; add owner.github [owner-missing]"
	for says, line := range map[string]string{"": "manifest.yml: ", "owner:\n  type: community\n": "manifest.yml:6: ", "owner.github: ''\n": "manifest.yml:6: "} {
		p, found := parsed(t, valid, manifest("owner:\n  github: acme/samples\n", says))
		if got := show(found.Warnings); p == nil || !slices.Equal(got, []string{line + want}) {
			t.Errorf("%q: %v, %q", says, found.Errors, got)
		}
	}
}

func TestParseOwnerOfBrokenManifest(t *testing.T) {
	_, found := parsed(t, valid, manifest("title: Sample", "title: {a: b}"))
	if len(found.Errors) != 1 || found.Errors[0].Owner != "acme/samples" {
		t.Errorf("%+v", found.Errors)
	}
}

// TestParseUnreadable: what the source could not give is an error of the
// package, but not one to remember.
func TestParseUnreadable(t *testing.T) {
	parser := parse.NewParser()
	tree := newTree(t, valid)
	const path = "data_stream/log/fields/base.yml"
	_, found := parser.Parse("sample", "1.2.0", broken{tree, path})
	want := []string{path + ": cannot be read from the source: disk on fire [file-unreadable]"}
	if got := show(found.Errors); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if p, found := parser.Parse("sample", "1.2.0", tree); p == nil {
		t.Error(found.Errors)
	}
}

// broken cannot read one file.
type broken struct {
	*memTree
	path string
}

func (b broken) Read(path string) ([]byte, error) {
	if path == b.path {
		return nil, errors.New("disk on fire")
	}
	return b.memTree.Read(path)
}

// TestParseManyFindings: the number of findings is bounded.
func TestParseManyFindings(t *testing.T) {
	text := manifest("title: Sample", "discovery: {fields: ["+strings.Repeat("{},", 50_000)+"]}")
	stream := "title: A\ntype: logs\nstreams: [" + strings.Repeat("{},", 50_000) + "]\n"
	_, found := parsed(t, valid, text, dataStream(stream))
	if len(found.Errors) != index.MaxFindings+1 {
		t.Errorf("%d findings", len(found.Errors))
	}
}

func TestParserRemembers(t *testing.T) {
	parser := parse.NewParser()
	tree := newTree(t, valid)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if p, found := parser.Parse("sample", "1.2.0", tree); p == nil {
				t.Error(found.Errors)
			}
		})
	}
	wg.Wait()
	got := parser.Stats()
	got.Bytes = 0
	want := parse.ParserStats{Manifests: 8, DataStreams: 1, Fields: 1, Pipelines: 1}
	if got != want {
		t.Errorf("parsed %+v, want %+v", got, want)
	}
	// The same manifest in another package must not show the first one's names.
	other := newTree(t, valid, manifest("name: sample", "name: other"))
	p, found := parser.Parse("other", "1.2.0", other)
	if p == nil {
		t.Fatal(found.Errors)
	}
	if d := p.DataStreams[0]; d.Dataset != "other.log" || d.Package != "other" {
		t.Errorf("data stream %+v", d)
	}
}

func TestNeeded(t *testing.T) {
	for path, want := range map[string]bool{
		"manifest.yml":                 true,
		"data_stream/a/manifest.yml":   true,
		"data_stream/a/fields/ecs.yml": true,
		"data_stream/a/elasticsearch/ingest_pipeline/default.json": true,
		"data_stream/a/elasticsearch/ingest_pipeline/x/y.yml":      true,
		"data_stream/a/elasticsearch/ilm/policy.json":              false,
		"data_stream/a/fields/.DS_Store":                           false,
		"data_stream/a/agent/stream/manifest.yml":                  false,
		"data_stream/manifest.yml":                                 false,
		"docs/README.md":                                           false,
		"transform/a/manifest.yml":                                 false,
		"transform/manifest.yml":                                   false,
		"docs/fields/a.yml":                                        false,
		"docs/elasticsearch/ingest_pipeline/a.yml":                 false,
		"data_stream/a":                                            false,
		"data_stream/.DS_Store/manifest.yml":                       false,
	} {
		if got := parse.Needed(index.File{Path: path}); got != want {
			t.Errorf("Needed(%s) = %v", path, got)
		}
	}
}
