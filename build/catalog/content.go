package catalog

import (
	"crypto/sha256"
	"html/template"
	"path"
	"strings"
	"sync"

	yaml "gopkg.in/yaml.v2"

	"github.com/regsnap/regsnap/layout"
)

// File is a file of a package.
type File struct {
	Path    string
	Size    int64
	SHA256  string // in hexadecimal
	Content []byte // of those that Reads asks for
}

// Reads reports whether the page of a version shows more of a file than that it is
// there.
func Reads(file string) bool {
	return file == "changelog.yml" || strings.HasSuffix(file, ".md") || path.Base(path.Dir(file)) == "fields" || strings.HasPrefix(file, "kibana/dashboard/")
}

// dataField is a field that a data stream has.
type dataField struct{ Name, Type, Description string }

// maxFields is how many fields of one file are shown.
const maxFields = 5000

// maxKept bounds what Renderer remembers, in bytes of rendered text.
const maxKept = 48 << 20

// memo remembers what was made of a content: versions of a package share most.
type memo[T any] struct {
	mu     sync.Mutex
	values map[[sha256.Size]byte]T
	bytes  int
}

// of makes a value once, unless so much was made that it was forgotten.
func (m *memo[T]) of(content []byte, size func(T) int, make func([]byte) T) T {
	key := sha256.Sum256(content)
	m.mu.Lock()
	v, ok := m.values[key]
	m.mu.Unlock()
	if ok {
		return v
	}
	v = make(content)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil || m.bytes > maxKept {
		m.values, m.bytes = map[[sha256.Size]byte]T{}, 0
	}
	if _, ok := m.values[key]; !ok {
		m.values[key] = v
		m.bytes += size(v)
	}
	return v
}

// fieldsFile is what a fields file says.
type fieldsFile struct {
	fields []dataField
	rows   template.HTML
}

func (f *fieldsFile) size() int { return len(f.rows) + 64*len(f.fields) }

// readFields reads a fields file. One that cannot be read has none: the checks of
// packages have said so already.
func readFields(content []byte) *fieldsFile {
	var entries []fieldEntry
	out := new(fieldsFile)
	if yaml.Unmarshal(content, &entries) != nil {
		return out
	}
	out.add("", entries, 0)
	var b strings.Builder
	for i := range out.fields {
		f := &out.fields[i]
		b.WriteString("<tr><td><code>")
		template.HTMLEscape(stringWriter{&b}, []byte(f.Name))
		b.WriteString("</code></td><td>")
		template.HTMLEscape(stringWriter{&b}, []byte(f.Type))
		b.WriteString("</td><td>")
		template.HTMLEscape(stringWriter{&b}, []byte(f.Description))
		b.WriteString("</td></tr>\n")
		f.Description = "" // it is in the rows
	}
	out.rows = template.HTML(b.String())
	return out
}

type stringWriter struct{ *strings.Builder }

// fieldEntry is an entry of a fields file.
type fieldEntry struct {
	Name        string       `yaml:"name"`
	Type        string       `yaml:"type"`
	External    string       `yaml:"external"`
	Description string       `yaml:"description"`
	Fields      []fieldEntry `yaml:"fields"`
}

// maxNesting is how deep groups of fields are followed.
const maxNesting = 16

func (f *fieldsFile) add(prefix string, entries []fieldEntry, depth int) {
	for _, e := range entries {
		if len(f.fields) >= maxFields || depth > maxNesting {
			return
		}
		name := prefix + e.Name
		if len(e.Fields) > 0 {
			f.add(name+".", e.Fields, depth+1)
			continue
		}
		kind := e.Type
		if kind == "" && e.External != "" {
			kind = e.External
		}
		f.fields = append(f.fields, dataField{name, kind, strings.TrimSpace(e.Description)})
	}
}

// release is an entry of changelog.yml.
type release struct {
	Version string `yaml:"version"`
	Changes []struct {
		Description string `yaml:"description"`
		Type        string `yaml:"type"`
		Link        string `yaml:"link"`
	} `yaml:"changes"`
}

// maxLog is how many changes of one version are shown.
const maxLog = 200

// readChangelog reads changelog.yml; nothing if it cannot be read.
func readChangelog(content []byte) []release {
	var out []release
	if yaml.Unmarshal(content, &out) != nil {
		return nil
	}
	return out
}

// logOf is what a changelog says of one version.
func (r release) log() []layout.SiteLog {
	var out []layout.SiteLog
	for _, c := range r.Changes[:min(len(r.Changes), maxLog)] {
		l := layout.SiteLog{Kind: kindOf(c.Type), Text: strings.TrimSpace(c.Description)}
		if to, own := resolve(c.Link, ""); !own {
			l.Link = to
		}
		out = append(out, l)
	}
	return out
}

// kindOf is the kind of a change in one word that people know.
func kindOf(kind string) string {
	switch kind {
	case "breaking-change":
		return "breaking"
	case "bugfix":
		return "fix"
	case "enhancement", "deprecation":
		return kind
	}
	return "change"
}
