package parse

import (
	"path"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// dataStream reads and checks a directory in data_stream/.
func (r *parse) dataStream(dir *streamDir) {
	base := streamsDir + "/" + dir.name
	file := base + "/" + manifestName
	if dir.manifest == nil {
		r.fail(file, 0, index.RuleDataStreamManifest, "does not exist: a data stream is described by it")
		return
	}
	r.fieldsOf(dir, base)
	m := r.streamManifest(r.tree, *dir.manifest)
	for _, f := range m.faults {
		r.failWith(file, f)
	}
	if !m.ok {
		return
	}
	d := m.data // a copy: the manifest is shared
	d.Package, d.Path = r.name, dir.name
	if d.Dataset == "" {
		d.Dataset = r.name + "." + dir.name
	}
	if d.Release == "" {
		d.Release = r.pkg.Release
	}
	if strings.Contains(d.Dataset, "-") {
		r.fail(file, 0, index.RuleDataStreamDataset, "the dataset %s has a hyphen: use an underscore or a dot", quote(d.Dataset))
	}
	r.pipelinesOf(dir, base, &d)
	r.pkg.DataStreams = append(r.pkg.DataStreams, d)
}

// fieldsOf checks the fields that a data stream defines.
func (r *parse) fieldsOf(dir *streamDir, base string) {
	for _, stray := range dir.stray {
		r.fail(base+"/"+fieldsDir+"/"+stray, 0, index.RuleFieldsSyntax, "is a directory: only files can define fields")
	}
	var defs []fieldDef
	broken := false
	for _, f := range dir.fields {
		parsed := r.fieldsFile(r.tree, f)
		if parsed.fault != nil {
			broken = true
			r.failWith(f.Path, *parsed.fault)
		}
		defs = append(defs, parsed.defs...)
	}
	if broken {
		return // what is missing may be in the file that could not be read
	}
	for _, detail := range checkFields(defs) {
		r.fail(base+"/"+fieldsDir, 0, index.RuleFieldsMissing, "%s", detail)
	}
}

// pipelinesOf settles which ingest pipeline a data stream uses and checks it.
func (r *parse) pipelinesOf(dir *streamDir, base string, d *DataStream) {
	at := base + "/" + pipelinesDir
	_, isYAML := r.files[at+"/"+defaultPipeline+".yml"]
	_, isJSON := r.files[at+"/"+defaultPipeline+".json"]
	named := d.IngestPipeline
	d.setPipeline(isYAML || isJSON)

	if d.IngestPipeline == "" {
		if dir.pipelines {
			r.fail(at, 0, index.RulePipelineUnused, "holds ingest pipelines, but none is called %s and the data stream does not name one in ingest_pipeline", defaultPipeline)
		}
		return
	}
	// A name that the default replaces has to exist all the same.
	used := []string{d.IngestPipeline}
	if named != "" && named != d.IngestPipeline {
		used = append(used, named)
	}
	for _, name := range used {
		r.pipelineFile(at, name)
	}
}

// pipelineFile checks the ingest pipeline of that name in the directory at.
func (r *parse) pipelineFile(at, name string) {
	found := false
	for _, ext := range []string{".json", ".yml"} {
		f, ok := r.files[path.Join(at, name+ext)]
		if !ok || !strings.HasPrefix(f.Path, at+"/") {
			continue
		}
		found = true
		if flt := r.pipeline(r.tree, f); flt != nil {
			r.failWith(f.Path, *flt)
		}
	}
	if !found {
		r.fail(at, 0, index.RulePipelineMissing, "the data stream uses the ingest pipeline %s, but that is neither a .yml nor a .json file here", quote(name))
	}
}
