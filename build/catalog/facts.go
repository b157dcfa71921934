package catalog

import (
	"path"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// Facts are what two versions of a package are compared by.
type Facts struct {
	files     []fileFact
	fields    []streamFields
	variables []named
	facts     []named
}

type fileFact struct{ path, sha256 string }

// streamFields are the fields that one file gives a data stream.
type streamFields struct {
	stream string
	file   *fieldsFile
}

type named struct{ name, value string }

// IsFields reports whether a file of a package says which fields a data stream has.
func IsFields(file string) bool {
	dir, name := path.Split(file)
	return strings.HasSuffix(name, ".yml") && path.Base(dir) == "fields" && strings.Count(dir, "/") <= 3
}

func (r *Renderer) streamFields(f File) streamFields {
	dir, _ := path.Split(f.Path)
	stream := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(dir, "fields/"), "data_stream/"), "/")
	return streamFields{stream, r.fields.of(f.SHA256, func() (*fieldsFile, int) {
		file := r.readFields(f.Content)
		return file, file.size()
	})}
}

// Facts are those of a version whose page is there already. Of the files only those
// with fields need their content.
func (r *Renderer) Facts(document []byte, files []File) (*Facts, error) {
	p, facts := &versionPage{}, &Facts{}
	if err := p.read(document); err != nil {
		return nil, err
	}
	for _, f := range files {
		facts.files = append(facts.files, fileFact{f.Path, f.SHA256})
		if IsFields(f.Path) {
			facts.fields = append(facts.fields, r.streamFields(f))
		}
	}
	p.collectVariables(facts)
	facts.set(p)
	return facts, nil
}

func (f *Facts) set(p *versionPage) {
	f.facts = []named{
		{"Kibana", p.Kibana}, {"Elastic Agent", p.Agent}, {"Subscription", p.Subscription}, {"Release", p.Release}, {"Owner", p.OwnedBy},
		{"Licence", p.SourceLicense}, {"Package spec", p.FormatVersion}, {"Categories", strings.Join(p.Categories, ", ")},
		{"Capabilities", strings.Join(p.Capabilities, ", ")}, {"Title", p.Title}, {"Type", p.Type},
	}
}

// Compare says how a version differs from the one before it, whose revision is since.
func Compare(before, after *Facts, since string) *layout.SiteChanges {
	c := &layout.SiteChanges{Since: since}
	c.Files = changed(pathMap(before), pathMap(after))
	c.Fields = changed(fieldMap(before, after), fieldMap(after, before))
	c.Variables = changed(namedMap(before.variables), namedMap(after.variables))
	for i, f := range after.facts {
		if was := before.facts[i]; was.value != f.value {
			c.Facts = append(c.Facts, layout.SiteFact{Name: f.name, Before: was.value, After: f.value})
		}
	}
	return c
}

func pathMap(f *Facts) map[string]string {
	out := make(map[string]string, len(f.files))
	for _, file := range f.files {
		out[file.path] = file.sha256
	}
	return out
}

// fieldMap is the fields of f by their names, but for those of streams that have the
// same files in other: most do.
func fieldMap(f, other *Facts) map[string]string {
	out := map[string]string{}
	for _, s := range f.fields {
		if slices.Equal(f.filesOf(s.stream), other.filesOf(s.stream)) {
			continue
		}
		for _, field := range s.file.fields {
			name := field.Name
			if s.stream != "" {
				name = s.stream + ": " + name
			}
			out[name] = field.Type
		}
	}
	return out
}

// filesOf are those that give a data stream its fields. Files that say the same are
// the same, unless they were forgotten between.
func (f *Facts) filesOf(stream string) (files []*fieldsFile) {
	for _, s := range f.fields {
		if s.stream == stream {
			files = append(files, s.file)
		}
	}
	return files
}

func namedMap(list []named) map[string]string {
	out := make(map[string]string, len(list))
	for _, n := range list {
		out[n.name] = n.value
	}
	return out
}

// maxNamed is how many names of one kind of change are listed; the others are counted.
const maxNamed = 12

func changed(before, after map[string]string) layout.SiteChanged {
	var out layout.SiteChanged
	for name, is := range after {
		was, there := before[name]
		switch {
		case !there:
			note(&out.Added, name)
		case was != is:
			note(&out.Changed, name)
		}
	}
	for name := range before {
		if _, there := after[name]; !there {
			note(&out.Removed, name)
		}
	}
	for _, n := range []*layout.SiteNames{&out.Added, &out.Changed, &out.Removed} {
		slices.Sort(n.Names)
		n.Names = n.Names[:min(len(n.Names), maxNamed)]
	}
	return out
}

func note(n *layout.SiteNames, name string) {
	n.Count++
	n.Names = append(n.Names, name)
}
