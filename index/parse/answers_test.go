package parse_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// said is each field that an answer can show of a package, by the name that it has there,
// as JSON; and beside them what queries are answered by.
func said(t *testing.T, p *parse.Package) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, value := range map[string]any{
		"format_version": p.FormatVersion, "name": p.Name, "title": p.Title, "version": p.Version, "release": p.Release, "source": p.Source,
		"description": p.Description, "type": p.Type, "license": p.License, "icons": p.Icons, "screenshots": p.Screenshots,
		"categories": p.Categories, "policy_templates_behavior": p.PolicyTemplatesBehavior, "policy_templates": p.PolicyTemplates,
		"conditions": p.Conditions, "owner": p.Owner, "discovery": p.Discovery, "deprecated": p.Deprecated, "requires": p.Requires,
		"group": p.Group, "vars": p.Vars, "elasticsearch": p.Elasticsearch, "agent": p.Agent, "readme": p.Readme, "assets": p.Assets,
		"data_streams": p.DataStreams,
		"(spec)":       fmt.Sprintf("%d.%d", p.SpecMajor, p.SpecMinor), "(kibana)": p.KibanaConstraint, "(agent)": p.AgentConstraint, "(capabilities)": p.Capabilities,
		"(accepts)": fmt.Sprint(p.KibanaVersions, " ", p.AgentVersions), "(semver)": p.SemVer.String(),
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	return out
}

func compareSaid(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if text := strings.Join(strings.FieldsFunc(want[name], func(r rune) bool { return r == '\n' || r == '\t' }), ""); got[name] != text {
			t.Errorf("%s is\n\t%s\nwant\n\t%s", name, got[name], text)
		}
	}
	if len(want) != len(got) {
		t.Errorf("%d fields are compared with %d", len(got), len(want))
	}
}

// fields is a fields file that has all that it must.
const fields = "- {name: data_stream.type, type: constant_keyword}\n- {name: data_stream.dataset, type: constant_keyword}\n- {name: data_stream.namespace, type: constant_keyword}\n- {name: '@timestamp', type: date}\n"

// TestFieldsOfAnswers: what manifests say is in the answer, field by field as the registry's
// API has it, and what they leave out has the defaults that the API documents.
func TestFieldsOfAnswers(t *testing.T) {
	t.Run("all that there is", func(t *testing.T) {
		notice := "{since: 1.1.0, description: Old., replaced_by: {package: a, policy_template: b, input: c, data_stream: d, variable: e}}"
		variable := "{name: v, type: text, title: V, description: A variable., multi: true, required: true, show_user: true, default: [1, x], deprecated: " + notice + "}"
		p := mustParse(t, `
-- manifest.yml --
format_version: 3.2.1
name: sample
title: Sample
version: 1.2.0
release: experimental
source.license: Elastic-2.0
description: A sample.
type: content
license: trial
icons: [{src: /img/a.svg, path: ignored, title: A, size: 1x1, type: image/svg+xml}]
screenshots: [{src: img/b.png, title: B, size: 2x2, type: image/png}]
categories: [web, security]
policy_templates_behavior: all
conditions: {kibana.version: ^8.1.0, elastic: {subscription: gold, capabilities: [one, two]}, agent: {version: ^8.2.0}}
owner: {github: acme/samples, type: community}
discovery: {fields: [{name: f}], datasets: [{name: d}]}
deprecated: `+notice+`
requires: {input: [{package: i, version: ^1.0.0}], content: [{package: c, version: ^2.0.0}]}
group: g
vars: [`+variable+`]
elasticsearch.privileges.cluster: [monitor]
agent.privileges.root: true
policy_templates:
  - name: first
    title: First
    description: The first.
    data_streams: [log]
    multiple: false
    icons: [{src: /img/a.svg}]
    categories: [web]
    screenshots: [{src: /img/b.png}]
    deployment_modes: {default: {enabled: false, more: x}, agentless: {enabled: true, is_default: false, release: beta, more: x}}
    type: logs
    input: cel
    ingestion_method: Said
    template_path: t.hbs
    deprecated: `+notice+`
    inputs:
      - {type: logfile, vars: [`+variable+`], title: I, description: An input., template_path: i.hbs, input_group: logs, deployment_modes: [default], deprecated: `+notice+`,
         streams: [{input: cel, vars: [], data_stream: log, template_path: s.hbs, title: S, description: A stream., enabled: false, ingestion_method: Said}]}
      - package: other
-- docs/README.md --
-- docs/first.md --
-- img/a.svg --
-- img/b.png --
-- data_stream/log/manifest.yml --
type: metrics
dataset: own.set
hidden: true
ilm_policy: policy
dataset_is_prefix: true
title: Log
release: beta
ingest_pipeline: named
package: ignored
path: ignored
elasticsearch: {index_template: {settings: {index.x: 1}, mappings.dynamic: false}, ingest_pipeline.name: other, privileges.indices: [read]}
agent.privileges.root: true
deprecated: `+notice+`
streams:
  - {input: cel, vars: [`+variable+`], data_stream: x, template_path: own.hbs, title: S, description: A stream., enabled: false, ingestion_method: replaced}
  - {package: other, ingestion_method: Kept}
  - {input: of an unknown kind, ingestion_method: Kept}
-- data_stream/log/fields/a.yml --
`+fields+`
-- data_stream/log/elasticsearch/ingest_pipeline/named.yml --
processors: []
`)
		deprecated := `"deprecated":{"since":"1.1.0","description":"Old.","replaced_by":{"package":"a","policy_template":"b","input":"c","data_stream":"d","variable":"e"}}`
		vars := `[{"name":"v","type":"text","title":"V","description":"A variable.","multi":true,"required":true,"show_user":true,"default":[1,"x"],` + deprecated + `}]`
		compareSaid(t, said(t, p), map[string]string{
			"format_version": `"3.2.1"`, "name": `"sample"`, "title": `"Sample"`, "version": `"1.2.0"`, "release": `"experimental"`, "source": `{"license":"Elastic-2.0"}`,
			"description": `"A sample."`, "type": `"content"`, "license": `"trial"`,
			"icons":       `[{"src":"/img/a.svg","path":"/package/sample/1.2.0/img/a.svg","title":"A","size":"1x1","type":"image/svg+xml"}]`,
			"screenshots": `[{"src":"img/b.png","path":"/package/sample/1.2.0/img/b.png","title":"B","size":"2x2","type":"image/png"}]`,
			"categories":  `["web","security"]`, "policy_templates_behavior": `"all"`,
			"conditions": `{"kibana":{"version":"^8.1.0"},"elastic":{"subscription":"gold","capabilities":["one","two"]},"agent":{"version":"^8.2.0"}}`,
			"owner":      `{"type":"community","github":"acme/samples"}`, "discovery": `{"fields":[{"name":"f"}],"datasets":[{"name":"d"}]}`,
			"deprecated": strings.TrimPrefix(deprecated, `"deprecated":`),
			"requires":   `{"input":[{"package":"i","version":"^1.0.0"}],"content":[{"package":"c","version":"^2.0.0"}]}`, "group": `"g"`,
			"vars": vars, "elasticsearch": `{"privileges":{"cluster":["monitor"]}}`, "agent": `{"privileges":{"root":true}}`,
			"readme": `"/package/sample/1.2.0/docs/README.md"`,
			"assets": `["/package/sample/1.2.0/manifest.yml","/package/sample/1.2.0/docs/README.md","/package/sample/1.2.0/docs/first.md",
				"/package/sample/1.2.0/img/a.svg","/package/sample/1.2.0/img/b.png","/package/sample/1.2.0/data_stream/log/manifest.yml",
				"/package/sample/1.2.0/data_stream/log/fields/a.yml","/package/sample/1.2.0/data_stream/log/elasticsearch/ingest_pipeline/named.yml"]`,
			"policy_templates": `[{"name":"first","title":"First","description":"The first.","data_streams":["log"],
				"inputs":[{"type":"logfile","vars":` + vars + `,"title":"I","description":"An input.",
				"streams":[{"input":"cel","data_stream":"log","template_path":"s.hbs","title":"S","description":"A stream.","enabled":false,"ingestion_method":"Said"}],
				"template_path":"i.hbs","input_group":"logs","deployment_modes":["default"],` + deprecated + `},{"package":"other"}],
				"multiple":false,"icons":[{"src":"/img/a.svg","path":"/package/sample/1.2.0/img/a.svg"}],"categories":["web"],
				"screenshots":[{"src":"/img/b.png","path":"/package/sample/1.2.0/img/b.png"}],"readme":"/package/sample/1.2.0/docs/first.md",
				"deployment_modes":{"default":{"enabled":false},"agentless":{"enabled":true,"is_default":false,"release":"beta"}},
				"type":"logs","input":"cel","ingestion_method":"Said","template_path":"t.hbs",` + deprecated + `}]`,
			"data_streams": `[{"type":"metrics","dataset":"own.set","hidden":true,"ilm_policy":"policy","dataset_is_prefix":true,"title":"Log","release":"beta",
				"ingest_pipeline":"named","streams":[
				{"input":"cel","vars":` + vars + `,"data_stream":"x","template_path":"own.hbs","title":"S","description":"A stream.","enabled":false,"ingestion_method":"API"},
				{"package":"other","template_path":"stream.yml.hbs","enabled":true,"ingestion_method":"Kept"},
				{"input":"of an unknown kind","template_path":"stream.yml.hbs","enabled":true,"ingestion_method":"Kept"}],
				"package":"sample","elasticsearch":{"index_template.settings":{"index":{"x":1}},"index_template.mappings":{"dynamic":false},
				"ingest_pipeline.name":"other","privileges":{"indices":["read"]}},"agent":{"privileges":{"root":true}},"path":"log",` + deprecated + `}]`,
			"(spec)": `"3.2"`, "(kibana)": `"^8.1.0"`, "(agent)": `"^8.2.0"`, "(capabilities)": `["one","two"]`, "(accepts)": `"^8.1.0 ^8.2.0"`, "(semver)": `"1.2.0"`,
		})
	})
	t.Run("as little as there can be", func(t *testing.T) {
		p := mustParse(t, valid)
		compareSaid(t, said(t, p), map[string]string{
			"format_version": `"3.0.0"`, "name": `"sample"`, "title": `"Sample"`, "version": `"1.2.0"`, "release": `"ga"`, "source": `null`,
			"description": `"A sample."`, "type": `"integration"`, "license": `"basic"`, "screenshots": `null`, "categories": `null`, "policy_templates_behavior": `""`,
			"icons": `[{"src":"/img/icon.svg","path":"/package/sample/1.2.0/img/icon.svg"}]`, "conditions": `null`, "owner": `{"github":"acme/samples"}`,
			"discovery": `null`, "deprecated": `null`, "requires": `null`, "group": `""`, "vars": `null`, "elasticsearch": `null`, "agent": `null`,
			"readme": `"/package/sample/1.2.0/docs/README.md"`,
			"assets": `["/package/sample/1.2.0/manifest.yml","/package/sample/1.2.0/docs/README.md","/package/sample/1.2.0/img/icon.svg",
				"/package/sample/1.2.0/data_stream/log/manifest.yml","/package/sample/1.2.0/data_stream/log/fields/base.yml",
				"/package/sample/1.2.0/data_stream/log/elasticsearch/ingest_pipeline/default.yml"]`,
			"policy_templates": `[{"name":"first","title":"First","description":"The first.","inputs":[{"type":"logfile"}],"multiple":true}]`,
			"data_streams": `[{"type":"logs","dataset":"sample.log","title":"Logs","release":"ga","ingest_pipeline":"default",
				"streams":[{"input":"logfile","template_path":"stream.yml.hbs","enabled":true,"ingestion_method":"File"}],"package":"sample","path":"log"}]`,
			"(spec)": `"3.0"`, "(kibana)": `""`, "(agent)": `""`, "(capabilities)": `null`, "(accepts)": `"\u003cnil\u003e \u003cnil\u003e"`, "(semver)": `"1.2.0"`,
		})
	})
}

// TestReleaseAndLicense: what stands where the manifest says nothing depends on the version
// and on the subscription; the data streams have the release of the package.
func TestReleaseAndLicense(t *testing.T) {
	for _, c := range []struct{ version, says, release, license string }{
		{"1.0.0", "", "ga", "basic"}, {"0.9.0", "", "beta", "basic"}, {"1.0.0-rc1", "", "beta", "basic"}, {"1.0.0+build", "", "ga", "basic"}, {"10.0.0", "", "ga", "basic"},
		{"0.9.0", "release: ga", "ga", "basic"}, {"1.0.0", "release: beta", "beta", "basic"}, {"1.0.0", "release: experimental", "experimental", "basic"},
		{"1.0.0", "conditions.elastic.subscription: gold", "ga", "gold"}, {"1.0.0", "conditions.elastic.subscription: gold\nlicense: trial", "ga", "trial"},
		{"1.0.0", "conditions.elastic.subscription: ''", "ga", "basic"}, {"1.0.0", "conditions.kibana.version: ^8.0.0", "ga", "basic"},
	} {
		tree := newTree(t, valid, manifest("version: 1.2.0\n", "version: "+c.version+"\n"+c.says+"\n"))
		p, found := parse.NewParser().Parse("sample", c.version, tree)
		if p == nil {
			t.Fatal(found.Errors)
		}
		if p.Release != c.release || p.License != c.license || p.DataStreams[0].Release != c.release {
			t.Errorf("%s with %q: release %s, of the data stream %s, license %s", c.version, c.says, p.Release, p.DataStreams[0].Release, p.License)
		}
	}
}

// TestMethodOfInputPackages: the policy templates of input packages get the method of
// their input, those of others do not.
func TestMethodOfInputPackages(t *testing.T) {
	for _, c := range []struct{ kind, says, want string }{
		{"input", "input: cel", "API"}, {"input", "input: nonsense", ""}, {"input", "type: logs", ""}, {"input", "input: cel, ingestion_method: Said", "API"},
		{"input", "ingestion_method: Said", "Said"}, {"integration", "input: cel", ""}, {"integration", "input: cel, ingestion_method: Said", "Said"},
	} {
		p := mustParse(t, valid, manifest("title: Sample\n", "title: Sample\ntype: "+c.kind+"\n", "  - name: first\n    title: First\n    description: The first.\n    inputs:\n      - type: logfile\n",
			"  - {name: first, title: First, description: The first., "+c.says+"}\n"))
		if got := p.PolicyTemplates[0].IngestionMethod; got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.kind, c.says, got, c.want)
		}
	}
}

// TestDefaultPipeline: a pipeline called default is used where the data stream names none,
// at whichever of the two places can name one.
func TestDefaultPipeline(t *testing.T) {
	const at = "data_stream/log/elasticsearch/ingest_pipeline/"
	for _, c := range []struct{ files, says, old, es string }{
		{"", "", "", "null"},
		{"default.yml", "", "default", "null"},
		{"default.json", "", "default", "null"},
		{"default.yml default.json", "", "default", "null"},
		{"default.yml named.yml", "ingest_pipeline: named", "named", "null"},
		{"named.json", "ingest_pipeline: named", "named", "null"},
		{"default.yml", "elasticsearch: {privileges.indices: [read]}", "default", `{"ingest_pipeline.name":"default","privileges":{"indices":["read"]}}`},
		{"default.yml", "elasticsearch.ingest_pipeline.name: own", "default", `{"ingest_pipeline.name":"own"}`},
		{"default.yml named.yml", "ingest_pipeline: named\nelasticsearch.ingest_pipeline.name: own", "named", `{"ingest_pipeline.name":"own"}`},
		{"default.yml named.yml", "ingest_pipeline: named\nelasticsearch: {privileges.indices: [read]}", "default", `{"ingest_pipeline.name":"default","privileges":{"indices":["read"]}}`},
		{"", "elasticsearch: {privileges.indices: [read]}", "", `{"privileges":{"indices":["read"]}}`},
	} {
		files := "-- " + at + "default.yml --\nREMOVED\n"
		for _, f := range strings.Fields(c.files) {
			files += "-- " + at + f + " --\n{\"processors\": []}\n"
		}
		d := mustParse(t, valid, files, dataStream("title: A\ntype: logs\n"+c.says+"\n")).DataStreams[0]
		es, err := json.Marshal(d.Elasticsearch)
		if err != nil || d.IngestPipeline != c.old || string(es) != c.es {
			t.Errorf("files %q, %q: %q and %s, want %q and %s", c.files, c.says, d.IngestPipeline, es, c.old, c.es)
		}
	}
}

// TestAssetsInOrder: level by level, each in the order of a walk, which takes a directory
// by its name alone; and what a desktop leaves behind is no asset.
func TestAssetsInOrder(t *testing.T) {
	p := mustParse(t, valid, "-- z.txt --\n-- a/z.txt --\n-- a/b/c/d.txt --\n-- a.txt --\n-- a0/a.txt --\n-- .DS_Store --\n-- docs/.DS_Store --\n-- data_stream/log/agent/stream/x.hbs --\n")
	var got []string
	for _, a := range p.Assets {
		got = append(got, strings.TrimPrefix(a, "/package/sample/1.2.0/"))
	}
	want := strings.Fields("a.txt manifest.yml z.txt a/z.txt a0/a.txt docs/README.md img/icon.svg data_stream/log/manifest.yml a/b/c/d.txt data_stream/log/fields/base.yml" +
		" data_stream/log/agent/stream/x.hbs data_stream/log/elasticsearch/ingest_pipeline/default.yml")
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
}

// TestDataStreamsInOrder: each directory is one, with its own fields and pipelines.
func TestDataStreamsInOrder(t *testing.T) {
	stream := func(name, text string) string {
		at := "-- data_stream/" + name + "/"
		return at + "manifest.yml --\ntitle: " + name + "\ntype: logs\n" + text + at + "fields/a.yml --\n" + fields
	}
	p := mustParse(t, valid, stream("a", "")+stream("b0", "dataset: x.y\n")+stream("b", "")+"-- data_stream/b/elasticsearch/ingest_pipeline/default.json --\n{}\n")
	var got []string
	for _, d := range p.DataStreams {
		got = append(got, d.Path+" "+d.Dataset+" "+d.IngestPipeline)
	}
	if want := []string{"a sample.a ", "b sample.b default", "b0 x.y ", "log sample.log default"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	_, found := parsed(t, valid, stream("a", "")+"-- data_stream/a/fields/a.yml --\nREMOVED\n-- data_stream/a/fields/s/x.yml --\n-- data_stream/a/fields/s/y/z.yml --\n-- data_stream/a/fields/t/x.yml --\n"+
		"-- data_stream/b/fields/a.yml --\n[\n-- data_stream/b/fields/b.yml --\n- {name: x}\n-- data_stream/b/manifest.yml --\ntitle: B\ntype: logs\n")
	want := []string{"data_stream/a/fields/s", "data_stream/a/fields/t", "data_stream/a/fields", "data_stream/a/fields", "data_stream/a/fields", "data_stream/a/fields", "data_stream/b/fields/a.yml"}
	var files []string
	for _, e := range found.Errors {
		files = append(files, e.File)
	}
	if !slices.Equal(files, want) {
		t.Errorf("findings at %q, want %q", files, want)
	}
}

// TestPipelinesOfBothKinds: the same content is read by what its file is called.
func TestPipelinesOfBothKinds(t *testing.T) {
	const at = "data_stream/log/elasticsearch/ingest_pipeline/default"
	for content, want := range map[string][]string{
		"processors: []\n":          {at + ".json:1: is not a JSON object: invalid character 'p' looking for beginning of value [pipeline-syntax]"},
		"{\"a\":\n1,\n":             {at + ".json:3: is not a JSON object: unexpected end of JSON input [pipeline-syntax]", at + ".yml:2: is not valid YAML: did not find expected node content [pipeline-syntax]"},
		"{\n\"a\": [1,\n2] x\n}\n":  {at + ".json:3: is not a JSON object: invalid character 'x' after object key:value pair [pipeline-syntax]", at + ".yml:2: is not valid YAML: did not find expected ',' or '}' [pipeline-syntax]"},
		"[]\n":                      {at + ".json: is not a JSON object: json: cannot unmarshal array into Go value of type map[string]interface {} [pipeline-syntax]", at + ".yml:1: is not a mapping: an ingest pipeline has keys such as `processors:` [pipeline-syntax]"},
		"{\"processors\": []}\n":    nil,
		"{\"processors\":\n[{}]}\n": nil,
	} {
		parser := parse.NewParser()
		tree := newTree(t, valid, "-- "+at+".yml --\n"+content+"-- "+at+".json --\n"+content)
		for range 2 { // and remembered as such
			_, found := parser.Parse("sample", "1.2.0", tree)
			if got := show(found.Errors); !slices.Equal(got, want) {
				t.Errorf("%q:\n\t%s\nwant\n\t%s", content, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
			}
		}
		if got := parser.Stats().Pipelines; got != 2 {
			t.Errorf("%q was parsed %d times", content, got)
		}
	}
}

// TestStats counts what was parsed, not what was remembered, with its length.
func TestStats(t *testing.T) {
	parser := parse.NewParser()
	tree := newTree(t, valid)
	var all, once int64
	for path, content := range tree.files {
		if parse.Needed(index.File{Path: path}) {
			all += int64(len(content))
			if path != "manifest.yml" {
				once += int64(len(content))
			}
		}
	}
	for n, want := range []int64{all, 2*all - once} {
		if p, found := parser.Parse("sample", "1.2.0", tree); p == nil {
			t.Fatal(found.Errors)
		}
		if got := parser.Stats(); got != (parse.ParserStats{Manifests: int64(n + 1), DataStreams: 1, Fields: 1, Pipelines: 1, Bytes: want}) {
			t.Errorf("after %d: %+v, want %d bytes", n+1, got, want)
		}
	}
}

// TestLengthAtItsBound: a file of the most bytes is parsed, wherever it stands, and none
// of one more; the parser believes neither the size that is listed nor one that is not.
func TestLengthAtItsBound(t *testing.T) {
	long := func(text string, length int) string { return text + strings.Repeat("#", length-len(text)-1) + "\n" }
	stream := "title: A\ntype: logs\n"
	_, head, _ := strings.Cut(manifest(), "\n")
	for _, path := range []string{"manifest.yml", "data_stream/log/manifest.yml", "data_stream/log/fields/base.yml", "data_stream/log/elasticsearch/ingest_pipeline/default.yml"} {
		text := map[string]string{"manifest.yml": head, "data_stream/log/manifest.yml": stream, "data_stream/log/fields/base.yml": fields}[path]
		for _, over := range []int{0, 1} {
			tree := newTree(t, valid)
			tree.files[path] = []byte(long(text, parse.MaxParsedBytes+over))
			for _, tree := range []index.Tree{tree, unsized{tree}} {
				p, found := parse.NewParser().Parse("sample", "1.2.0", tree)
				if over == 0 {
					if p == nil {
						t.Errorf("%s: %v", path, found.Errors)
					}
					continue
				}
				if len(found.Errors) == 0 || found.Errors[0].File != path || found.Errors[0].Rule != index.RuleFileTooLarge || found.Errors[0].Detail != "is 4194305 bytes long: files that describe a package may have 4194304" {
					t.Errorf("%s: %v", path, found.Errors)
				}
			}
		}
	}
}

// unsized is a package whose files are listed without their sizes.
type unsized struct{ *memTree }

func (u unsized) Files() []index.File {
	files := u.memTree.Files()
	for i := range files {
		files[i].Size = 0
	}
	return files
}
