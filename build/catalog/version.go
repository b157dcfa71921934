package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// Renderer renders the pages of versions. It remembers what several of them share,
// and is safe for concurrent use.
type Renderer struct {
	markdown  *markdown
	documents memo[*rendered]
	fields    memo[*fieldsFile]
	entries   memo[*fieldsFile] // of fields files
	logs      memo[[]loggedVersion]
	releases  memo[[]loggedVersion] // entries of changelogs
}

// NewRenderer prepares to render.
func NewRenderer() *Renderer { return &Renderer{markdown: newMarkdown()} }

// Input is a package version.
type Input struct {
	// Document is what the registry's API says of it.
	Document []byte
	Archive  layout.ObjectDigest
	Signed   bool
	Files    []File
}

// Version is a package version, rendered.
type Version struct {
	About layout.SiteAbout
	Log   []layout.SiteLog
	Page  *Page
	Facts *Facts
}

// document is what a page needs of a package document.
type document struct {
	Name            string                 `json:"name"`
	Title           string                 `json:"title"`
	Version         string                 `json:"version"`
	Release         string                 `json:"release"`
	Source          *parse.Distribution    `json:"source"`
	Description     string                 `json:"description"`
	Type            string                 `json:"type"`
	Download        string                 `json:"download"`
	Path            string                 `json:"path"`
	Icons           []parse.Image          `json:"icons"`
	Conditions      *parse.Conditions      `json:"conditions"`
	Owner           *parse.Owner           `json:"owner"`
	Categories      []string               `json:"categories"`
	Requires        *parse.Requires        `json:"requires"`
	FormatVersion   string                 `json:"format_version"`
	License         string                 `json:"license"`
	Screenshots     []parse.Image          `json:"screenshots"`
	PolicyTemplates []parse.PolicyTemplate `json:"policy_templates"`
	DataStreams     []parse.DataStream     `json:"data_streams"`
	Vars            []parse.Variable       `json:"vars"`
}

// versionPage is what the template shows of a version.
type versionPage struct {
	document
	Kibana, Agent, Subscription, OwnedBy, SourceLicense string
	Capabilities                                        []string
	Icon                                                string
	Readme                                              template.HTML
	Manuals                                             []manual
	Pictures                                            []picture
	Variables                                           []variables
	Streams                                             []stream
	Log                                                 []layout.SiteLog
	Older                                               template.HTML
	OlderCount                                          int
	FileRows                                            template.HTML
	FileCount                                           int
	FilesSize                                           int64
	Archive                                             layout.ObjectDigest
	Signed                                              bool
	Dashboards                                          []string
	Assets                                              []countedAsset

	held [][]chunk
}

type (
	manual struct {
		Title, ID string
		HTML      template.HTML
	}
	picture struct {
		Path, Title   string
		Width, Height int
	}
	// variables are those that belong together.
	variables struct {
		Title, Input, Description string
		Count                     int
		Rows                      template.HTML
	}
	stream struct {
		parse.DataStream
		ID     string
		Fields template.HTML
		Count  int
	}
	loggedVersion struct {
		Version string
		Log     []layout.SiteLog
		html    func() string // as one of the other versions
	}
	shownFile struct {
		Path, Sum string
		Size      int64
	}
	countedAsset struct {
		Kind  string
		Count int
	}
)

// Version renders the page of a package version.
func (r *Renderer) Version(in Input) (*Version, error) {
	p := &versionPage{Archive: in.Archive, Signed: in.Signed}
	if err := p.read(in.Document); err != nil {
		return nil, err
	}
	facts := &Facts{}
	v := &Version{Facts: facts}
	streams := map[string][]*fieldsFile{}
	kinds := map[string]int{}
	has := make(map[string]bool, len(in.Files))
	for _, f := range in.Files {
		has[f.Path] = true
	}
	taken := map[string]bool{}
	shown := make([]shownFile, 0, len(in.Files))
	for _, f := range in.Files {
		facts.files = append(facts.files, fileFact{f.Path, f.SHA256})
		shown = append(shown, shownFile{f.Path, f.SHA256, f.Size})
		p.FilesSize += f.Size
		dir, name := path.Split(f.Path)
		if kind, ok := strings.CutPrefix(dir, "kibana/"); ok && strings.HasSuffix(name, ".json") {
			kinds[strings.ReplaceAll(strings.TrimSuffix(kind, "/"), "_", " ")]++
		}
		switch {
		case f.Path == "docs/README.md":
			if doc := r.manual(f, p.Path, has); len(doc) > 0 {
				p.Readme = p.hold(doc...)
			}
		case dir == "docs/" && strings.HasSuffix(name, ".md"):
			title := strings.TrimSuffix(name, ".md")
			id := anchor("doc", title)
			for n := 2; taken[id]; n++ {
				id = anchor("doc", title, strconv.Itoa(n))
			}
			taken[id] = true
			p.Manuals = append(p.Manuals, manual{title, id, ""})
			m := &p.Manuals[len(p.Manuals)-1]
			var html strings.Builder
			for _, c := range r.manual(f, p.Path, has) {
				html.WriteString(c.text)
			}
			m.HTML = p.hold(chunk{text: strings.ReplaceAll(html.String(), idPrefix, idPrefix+m.ID+"-")})
		case f.Path == "changelog.yml":
			p.changelog(r.logs.of(f.SHA256, func() ([]loggedVersion, int) { return r.readChangelog(f.Content), len(f.Content) }))
		case IsFields(f.Path):
			s := r.streamFields(f)
			streams[s.stream] = append(streams[s.stream], s.file)
			facts.fields = append(facts.fields, s)
		}
	}
	p.FileRows, p.FileCount = p.hold(chunk{text: fileRows(p.Path, shown)}), len(shown)
	for kind, n := range kinds {
		p.Assets = append(p.Assets, countedAsset{kind, n})
	}
	slices.SortFunc(p.Assets, func(a, b countedAsset) int { return cmp.Compare(a.Kind, b.Kind) })
	p.Dashboards = dashboards(in.Files)
	for _, d := range p.DataStreams {
		p.Streams = append(p.Streams, p.newStream(d, streams[d.Path]))
	}
	if own := streams[""]; len(own) > 0 {
		p.Streams = append(p.Streams, p.newStream(parse.DataStream{Title: "Of the package itself"}, own))
	}
	p.collectVariables(facts)
	p.pictures()
	v.Log = p.Log
	v.About = p.about()
	facts.set(p)
	f := newFrame("version", 2, p.Title+" "+p.Version)
	f.Description = p.Description
	f.Crumbs = []crumb{{p.Title, "../"}, {p.Version, ""}}
	f.Feed = "../feed.xml"
	f.Body = p
	var err error
	v.Page, err = assemble(string(execute("version", f)), p.held)
	return v, err
}

// manual renders a document of a package. Its own links begin with the path of the
// package's files.
func (r *Renderer) manual(f File, base string, has map[string]bool) []chunk {
	dir := path.Dir(f.Path)
	doc := r.documents.of(dir+" "+f.SHA256, func() (*rendered, int) {
		doc := r.markdown.render(f.Content, dir)
		return doc, doc.size()
	})
	base = "../../.." + escapePath(base) + "/"
	out := make([]chunk, len(doc.parts))
	for i, part := range doc.parts {
		switch {
		case part.shared != nil:
			out[i] = chunk{part.shared.html, part.shared}
		case has[part.file]:
			out[i] = chunk{text: part.before + base + part.after}
		default:
			out[i] = chunk{text: part.missing}
		}
	}
	return out
}

// read takes from a package document what a page needs.
func (p *versionPage) read(document []byte) error {
	if err := json.Unmarshal(document, &p.document); err != nil {
		return fmt.Errorf("package document: %w", err)
	}
	p.conditions()
	return nil
}

func (p *versionPage) conditions() {
	if c := p.Conditions; c != nil {
		if c.Kibana != nil {
			p.Kibana = c.Kibana.Version
		}
		if c.Agent != nil {
			p.Agent = c.Agent.Version
		}
		if c.Elastic != nil {
			p.Subscription, p.Capabilities = c.Elastic.Subscription, c.Elastic.Capabilities
		}
	}
	if p.Owner != nil {
		p.OwnedBy = p.Owner.Github
	}
	if p.Source != nil {
		p.SourceLicense = p.Source.License
	}
	if p.Subscription == "" {
		p.Subscription = p.License
	}
	if len(p.Icons) > 0 {
		p.Icon = strings.TrimPrefix(p.Icons[0].Path, "/")
	}
}

// about is what lists show of the version.
func (p *versionPage) about() layout.SiteAbout {
	return layout.SiteAbout{
		Version: p.Version, Title: p.Title, Description: p.Description, Icon: p.Icon, Type: p.Type, Release: p.Release,
		Categories: p.Categories, Owner: p.OwnedBy, Subscription: p.Subscription, Kibana: p.Kibana, Agent: p.Agent,
	}
}

// changelog sorts what the changelog says of this version and of others.
func (p *versionPage) changelog(all []loggedVersion) {
	var older strings.Builder
	for _, r := range all {
		if r.Version == p.Version {
			p.Log = r.Log
		} else {
			older.WriteString(r.html())
			p.OlderCount++
		}
	}
	p.Older = p.hold(chunk{text: older.String()})
}

func (p *versionPage) newStream(d parse.DataStream, files []*fieldsFile) stream {
	s := stream{DataStream: d, ID: anchor("stream", cmp.Or(d.Path, "package"))}
	var rows []chunk
	for _, f := range files {
		rows = append(rows, chunk{f.rows.html, f.rows})
		s.Count += len(f.fields)
	}
	s.Fields = p.hold(rows...)
	return s
}

// collectVariables lists all that a user can set, in the order of the forms.
func (p *versionPage) collectVariables(facts *Facts) {
	add := func(of, title, input, description string, vars []parse.Variable) {
		if len(vars) == 0 {
			return
		}
		values := make([]string, len(vars))
		for i, v := range vars {
			values[i] = value(v.Default)
			facts.variables = append(facts.variables, named{of + v.Name, v.Type + " " + strconv.FormatBool(v.Required) + " " + values[i]})
		}
		p.Variables = append(p.Variables, variables{title, input, description, len(vars), p.hold(chunk{text: variableRows(vars, values)})})
	}
	add("", "Whole package", "", "", p.Vars)
	for _, t := range p.PolicyTemplates {
		for _, i := range t.Inputs {
			add(t.Name+"/"+i.Type+": ", cmp.Or(i.Title, i.Type), i.Type, i.Description, i.Vars)
		}
	}
	for _, d := range p.DataStreams {
		for _, s := range d.Streams {
			add(d.Path+"/"+s.Input+": ", cmp.Or(s.Title, d.Title), s.Input, s.Description, s.Vars)
		}
	}
}

// pictures lists the screenshots, each with the room that it takes.
func (p *versionPage) pictures() {
	for _, s := range p.Screenshots {
		pic := picture{Path: strings.TrimPrefix(s.Path, "/"), Title: cmp.Or(s.Title, "Screenshot"), Width: 1200, Height: 750}
		var w, h int
		if n, _ := fmt.Sscanf(s.Size, "%dx%d", &w, &h); n == 2 && w > 0 && h > 0 && w < 20000 && h < 20000 {
			pic.Width, pic.Height = w, h
		}
		p.Pictures = append(p.Pictures, pic)
	}
}

// dashboards are the titles of the package's dashboards.
func dashboards(files []File) []string {
	var out []string
	for _, f := range files {
		if !strings.HasPrefix(f.Path, "kibana/dashboard/") || len(f.Content) > 4<<20 {
			continue
		}
		if title := titleOf(f.Content); title != "" {
			out = append(out, title)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// titleOf is the title of a saved object.
func titleOf(content []byte) string {
	var o struct {
		Attributes struct {
			Title string `json:"title"`
		} `json:"attributes"`
	}
	if json.Unmarshal(content, &o) != nil {
		return ""
	}
	return o.Attributes.Title
}
