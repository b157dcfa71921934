package parse

import "github.com/regsnap/regsnap/index"

// DataStream is a data_stream/<dir>/manifest.yml, with the registry's defaults
// filled in. Its tags are as in Manifest.
type DataStream struct {
	Type            string `config:"type" json:"type"`
	Dataset         string `config:"dataset" json:"dataset,omitempty"`
	Hidden          bool   `config:"hidden" json:"hidden,omitempty"`
	IlmPolicy       string `config:"ilm_policy" json:"ilm_policy,omitempty"`
	DatasetIsPrefix bool   `config:"dataset_is_prefix" json:"dataset_is_prefix,omitempty"`
	Title           string `config:"title" json:"title"`
	Release         string `config:"release" json:"release,omitempty"`
	// IngestPipeline is what Elasticsearch.IngestPipelineName replaced.
	IngestPipeline string                   `config:"ingest_pipeline" json:"ingest_pipeline,omitempty"`
	Streams        []Stream                 `config:"streams" json:"streams,omitempty"`
	Package        string                   `config:",ignore" json:"package,omitempty"`
	Elasticsearch  *DataStreamElasticsearch `config:"elasticsearch" json:"elasticsearch,omitempty"`
	Agent          *Agent                   `config:"agent" json:"agent,omitempty"`
	// Path is the name of the directory in data_stream/.
	Path       string      `config:",ignore" json:"path,omitempty"`
	Deprecated *Deprecated `config:"deprecated" json:"deprecated,omitempty"`
}

// DataStreamElasticsearch is what a data stream sets in Elasticsearch.
type DataStreamElasticsearch struct {
	Settings           map[string]any   `config:"index_template.settings" json:"index_template.settings,omitempty"`
	Mappings           map[string]any   `config:"index_template.mappings" json:"index_template.mappings,omitempty"`
	IngestPipelineName string           `config:"ingest_pipeline.name" json:"ingest_pipeline.name,omitempty"`
	Privileges         *IndexPrivileges `config:"privileges" json:"privileges,omitempty"`
}

// IndexPrivileges are the privileges that the agent's key needs.
type IndexPrivileges struct {
	Indices []string `config:"indices" json:"indices,omitempty"`
}

// Defaults of the registry.
const (
	defaultType         = "integration"
	defaultLicense      = "basic"
	defaultPipeline     = "default"
	defaultTemplatePath = "stream.yml.hbs"
)

// streamManifest is what a data stream manifest says by itself, wherever it
// stands: its defaults that come from the package are not filled in. It is
// shared by all packages that hold the same file, so nothing may change it.
type streamManifest struct {
	data   DataStream
	faults []fault
	ok     bool // data was read
}

// readStreamManifest reads a data stream manifest and checks what needs no
// other file.
func readStreamManifest(content []byte) streamManifest {
	var m streamManifest
	tree, f := readManifest(content)
	if f == nil {
		f = unpack(tree, content, &m.data)
	}
	if f != nil {
		m.faults = []fault{*f}
		return m
	}
	m.ok = true

	d := &m.data
	lines := keyLines{data: content}
	report := func(rule index.Rule, key, detail string) {
		if len(m.faults) <= index.MaxFindings {
			m.faults = append(m.faults, fault{rule, lines.of(key), detail})
		}
	}
	if d.Title == "" {
		report(index.RuleDataStreamTitle, "title", "has no title")
	}
	switch d.Type {
	case "logs", "metrics", "synthetics", "traces":
	case "":
		report(index.RuleDataStreamType, "type", "has no type: it can be logs, metrics, synthetics or traces")
	default:
		report(index.RuleDataStreamType, "type",
			quote(d.Type)+" is not a type of data stream: it can be logs, metrics, synthetics or traces")
	}
	if d.Release != "" && !knownRelease(d.Release) {
		report(index.RuleReleaseUnknown, "release", releaseDetail(d.Release))
	}
	for i := range d.Streams {
		s := &d.Streams[i]
		if detail := ambiguous("stream", i, s.Title, "input", s.Input, s.Package); detail != "" {
			report(index.RuleInputAmbiguous, "streams", detail)
		}
		completeStream(s)
	}
	return m
}

// completeStream fills in the defaults of a data stream's stream.
func completeStream(s *Stream) {
	if s.Enabled == nil {
		enabled := true
		s.Enabled = &enabled
	}
	if s.TemplatePath == "" {
		s.TemplatePath = defaultTemplatePath
	}
	if method := ingestionMethod(s.Input); method != "" {
		s.IngestionMethod = method
	}
}

// setPipeline names the default ingest pipeline where the manifest names none
// and a file of that name exists. The two places that can name one are not
// alike: with an elasticsearch section that names none the default goes to both,
// else only to the old place.
func (d *DataStream) setPipeline(hasDefault bool) {
	if !hasDefault {
		return
	}
	switch {
	case d.Elasticsearch != nil && d.Elasticsearch.IngestPipelineName == "":
		es := *d.Elasticsearch // the manifest may be shared
		es.IngestPipelineName = defaultPipeline
		d.Elasticsearch = &es
		d.IngestPipeline = defaultPipeline
	case d.IngestPipeline == "":
		d.IngestPipeline = defaultPipeline
	}
}
