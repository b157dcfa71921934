package parse

import (
	"fmt"
	"path"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/regsnap/regsnap/index"
)

// Parser turns the files of packages into Packages. It parses each unique data
// stream manifest, fields file and ingest pipeline once, whichever packages
// hold it. It is safe for concurrent use.
type Parser struct {
	streams       memo[streamManifest]
	fields        memo[fieldsFile]
	yamlPipelines memo[*fault]
	jsonPipelines memo[*fault]
	pointers      memo[bool] // of git LFS

	counts struct{ manifests, streams, fields, pipelines, bytes atomic.Int64 }
	// big is held while a file of over bigFile bytes is parsed: the YAML reader
	// can take a hundred times its length in memory, so such files, which are
	// rare to unheard of, are parsed one after the other.
	big sync.Mutex
}

const bigFile = MaxParsedBytes / 8

// NewParser returns a Parser that remembers nothing.
func NewParser() *Parser { return new(Parser) }

// ParserStats counts what a Parser did.
type ParserStats struct {
	// The numbers of files that were parsed, by kind.
	Manifests, DataStreams, Fields, Pipelines int64
	// Bytes is the sum of their lengths.
	Bytes int64
}

// Stats counts what was parsed so far.
func (p *Parser) Stats() ParserStats {
	return ParserStats{
		Manifests:   p.counts.manifests.Load(),
		DataStreams: p.counts.streams.Load(),
		Fields:      p.counts.fields.Load(),
		Pipelines:   p.counts.pipelines.Load(),
		Bytes:       p.counts.bytes.Load(),
	}
}

// Where a package keeps what Parse reads.
const (
	manifestName  = "manifest.yml"
	streamsDir    = "data_stream"
	fieldsDir     = "fields"
	pipelinesDir  = "elasticsearch/ingest_pipeline"
	readmePath    = "docs/README.md"
	ignoredMarker = ".DS_Store" // left by a desktop, never part of a package
)

// needed reports whether Parse may read a file's content; it reads no other. A
// caller can fetch these ahead.
func needed(f index.File) bool {
	if f.Path == manifestName {
		return true
	}
	rest, ok := strings.CutPrefix(f.Path, streamsDir+"/")
	if !ok || strings.Contains(f.Path, ignoredMarker) {
		return false
	}
	_, rest, ok = strings.Cut(rest, "/")
	if !ok {
		return false
	}
	return rest == manifestName ||
		path.Dir(rest) == fieldsDir ||
		strings.HasPrefix(rest, pipelinesDir+"/")
}

// read returns the content of a file that is about to be parsed, and counts it.
// Unless there is a fault, the caller calls done once it has parsed the content.
func (p *Parser) read(tree index.Tree, f index.File, count *atomic.Int64) (content []byte, done func(), _ *fault) {
	if f.Size > MaxParsedBytes {
		return nil, nil, tooLarge(f.Size)
	}
	content, err := tree.Read(f.Path)
	if err != nil {
		return nil, nil, &fault{rule: index.RuleFileUnreadable, detail: "cannot be read from the source: " + err.Error()}
	}
	if len(content) > MaxParsedBytes { // the size was not known, or not true
		return nil, nil, tooLarge(int64(len(content)))
	}
	count.Add(1)
	p.counts.bytes.Add(int64(len(content)))
	if len(content) > bigFile {
		p.big.Lock()
		return content, p.big.Unlock, nil
	}
	return content, func() {}, nil
}

func tooLarge(size int64) *fault {
	return &fault{rule: index.RuleFileTooLarge, detail: fmt.Sprintf("is %d bytes long: files that describe a package may have %d", size, MaxParsedBytes)}
}

// streamManifest parses a data stream manifest, or remembers it. What could not
// be read is tried again: that is no fault of the content.
func (p *Parser) streamManifest(tree index.Tree, f index.File) streamManifest {
	return p.streams.get(f.Blob, func() (streamManifest, bool) {
		content, done, flt := p.read(tree, f, &p.counts.streams)
		if flt != nil {
			return streamManifest{faults: []fault{*flt}}, false
		}
		defer done()
		return readStreamManifest(content), true
	})
}

// fieldsFile parses a fields file, or remembers it.
func (p *Parser) fieldsFile(tree index.Tree, f index.File) fieldsFile {
	return p.fields.get(f.Blob, func() (fieldsFile, bool) {
		content, done, flt := p.read(tree, f, &p.counts.fields)
		if flt != nil {
			return fieldsFile{fault: flt}, false
		}
		defer done()
		return readFields(content), true
	})
}

// pipeline checks an ingest pipeline, or remembers the finding. The extension
// decides how it is read, so the same content is remembered for each.
func (p *Parser) pipeline(tree index.Tree, f index.File) *fault {
	seen := &p.yamlPipelines
	if path.Ext(f.Path) == ".json" {
		seen = &p.jsonPipelines
	}
	return seen.get(f.Blob, func() (*fault, bool) {
		content, done, flt := p.read(tree, f, &p.counts.pipelines)
		if flt != nil {
			return flt, false
		}
		defer done()
		return readPipeline(f.Path, content), true
	})
}
