package catalog

import (
	"bytes"
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

// maxKept bounds what one memo of a Renderer remembers, in bytes of rendered text.
const maxKept = 48 << 20

// memo remembers what was made of a content: versions of a package share most.
type memo[T any] struct {
	mu     sync.Mutex
	values map[string]T
	bytes  int
}

// of makes a value once, unless so much was made that it was forgotten. The key
// stands for all that it is made of.
func (m *memo[T]) of(key string, make func() (v T, size int)) T {
	m.mu.Lock()
	v, ok := m.values[key]
	m.mu.Unlock()
	if ok {
		return v
	}
	v, size := make()
	m.mu.Lock()
	defer m.mu.Unlock()
	if other, ok := m.values[key]; ok {
		return other
	}
	if m.values == nil || m.bytes > maxKept {
		m.values, m.bytes = map[string]T{}, 0
	}
	m.values[key] = v
	m.bytes += size
	return v
}

// sumOf is the key of a content.
func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return string(sum[:])
}

// fieldsFile is what a fields file says, or an entry of one.
type fieldsFile struct {
	fields []dataField
	rows   *piece
}

func (f *fieldsFile) size() int { return len(f.rows.html) + 64*len(f.fields) }

// readFields reads a fields file. One that cannot be read has none: the checks of
// packages have said so already.
func (r *Renderer) readFields(content []byte) *fieldsFile {
	entries, ok := yamlEntries(content)
	if !ok {
		f, _ := fieldsOf(content)
		return f
	}
	out := new(fieldsFile)
	var rows strings.Builder
	for _, e := range entries {
		f := r.entries.of(sumOf(e), func() (*fieldsFile, int) {
			f, err := fieldsOf(e)
			if err != nil {
				return nil, 0
			}
			return f, f.size()
		})
		if f == nil || len(out.fields)+len(f.fields) >= maxFields {
			whole, _ := fieldsOf(content)
			return whole
		}
		out.fields = append(out.fields, f.fields...)
		rows.WriteString(f.rows.html)
	}
	out.rows = newPiece(rows.String())
	return out
}

// fieldsOf reads the entries of a fields file.
func fieldsOf(content []byte) (*fieldsFile, error) {
	var entries []fieldEntry
	out := new(fieldsFile)
	err := yaml.Unmarshal(content, &entries)
	if err == nil {
		out.add("", entries, 0)
	}
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
	out.rows = newPiece(b.String())
	return out, err
}

// yamlEntries cuts a list in block style into its entries, which can be read one by
// one: files of many versions share most of theirs. What an entry of its own cannot
// say, such as an alias of something before it, is an error when it is read so.
func yamlEntries(content []byte) (entries [][]byte, ok bool) {
	rest := bytes.TrimPrefix(content, []byte("---\n"))
	for len(rest) > 0 && (rest[0] == '#' || rest[0] == '\n') {
		_, rest, _ = bytes.Cut(rest, []byte("\n"))
	}
	if !bytes.HasPrefix(rest, []byte("- ")) || bytes.Contains(rest, []byte("\n---")) || bytes.Contains(rest, []byte("\n...")) {
		return nil, false
	}
	for {
		i := bytes.Index(rest, []byte("\n- "))
		if i < 0 {
			return append(entries, rest), true
		}
		entries, rest = append(entries, rest[:i+1]), rest[i+1:]
	}
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
func (r *Renderer) readChangelog(content []byte) []loggedVersion {
	entries, ok := yamlEntries(content)
	if !ok {
		out, _ := releasesOf(content)
		return out
	}
	var out []loggedVersion
	for _, e := range entries {
		said := r.releases.of(sumOf(e), func() ([]loggedVersion, int) {
			out, err := releasesOf(e)
			if err != nil {
				return nil, 0
			}
			return out, len(e)
		})
		if said == nil {
			out, _ = releasesOf(content)
			return out
		}
		out = append(out, said...)
	}
	return out
}

// releasesOf reads entries of changelog.yml.
func releasesOf(content []byte) ([]loggedVersion, error) {
	var entries []release
	if err := yaml.Unmarshal(content, &entries); err != nil {
		return nil, err
	}
	out := make([]loggedVersion, len(entries))
	for i, e := range entries {
		out[i] = loggedVersion{Version: e.Version, Log: e.log()}
		out[i].html = sync.OnceValue(func() string { return fragment("older", out[i]) })
	}
	return out, nil
}

// log is what a changelog says of one version.
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
