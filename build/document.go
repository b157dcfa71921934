package build

import (
	"github.com/regsnap/regsnap/index/parse"
)

// View is what a package's answers show that is not the package's own.
type View struct {
	// Deprecated is the notice of the newest version of that name that has
	// one; nil if none has. It stands in every version's answers.
	Deprecated *parse.Deprecated
	// Signed tells that the archive has a detached signature.
	Signed bool
}

// renderDocument is the body of /package/{name}/{version}/.
func renderDocument(p *parse.Package, v View) []byte {
	doc := document{
		head:            newHead(p),
		middle:          newMiddle(p, v),
		tail:            newTail(p, v),
		FormatVersion:   p.FormatVersion,
		Readme:          p.Readme,
		License:         p.License,
		Screenshots:     p.Screenshots,
		Assets:          p.Assets,
		PolicyTemplates: p.PolicyTemplates,
		DataStreams:     p.DataStreams,
		Vars:            p.Vars,
		Elasticsearch:   p.Elasticsearch,
		Agent:           p.Agent,
	}
	return append(indentedJSON(&doc, ""), '\n')
}

// Summary is a package's entry in the array that answers /search, as it stands
// there: indented, with neither comma nor line end. Of n summaries,
// "[\n" + s1 + ",\n" + … + sn + "\n]\n" is the answer.
func Summary(p *parse.Package, v View) []byte {
	sum := summary{head: newHead(p), middle: newMiddle(p, v), tail: newTail(p, v)}
	for i := range p.PolicyTemplates {
		t := &p.PolicyTemplates[i]
		sum.PolicyTemplates = append(sum.PolicyTemplates, shortTemplate{
			Name:            t.Name,
			Title:           t.Title,
			Description:     t.Description,
			Icons:           t.Icons,
			Categories:      t.Categories,
			DeploymentModes: t.DeploymentModes,
			DataStreams:     t.DataStreams,
			Deprecated:      t.Deprecated,
		})
	}
	for i := range p.DataStreams {
		d := &p.DataStreams[i]
		sum.DataStreams = append(sum.DataStreams, shortDataStream{d.Type, d.Dataset, d.Title, d.Deprecated})
	}
	return append([]byte(summaryIndent), indentedJSON(&sum, summaryIndent)...)
}

// summaryIndent is how far an entry of the search array is indented.
const summaryIndent = "  "

// The documents below are what clients get: the order of the fields counts.
// Both kinds have head, middle and tail. Between them the summary has its short
// policy templates and data streams; the document has the full ones at its end.

type head struct {
	Name                    string              `json:"name"`
	Title                   string              `json:"title,omitempty"`
	Version                 string              `json:"version"`
	Release                 string              `json:"release,omitempty"`
	Source                  *parse.Distribution `json:"source,omitempty"`
	Description             string              `json:"description"`
	Type                    string              `json:"type"`
	Download                string              `json:"download"`
	Path                    string              `json:"path"`
	Icons                   []parse.Image       `json:"icons,omitempty"`
	PolicyTemplatesBehavior string              `json:"policy_templates_behavior,omitempty"`
}

type middle struct {
	Conditions    *parse.Conditions `json:"conditions,omitempty"`
	Owner         *parse.Owner      `json:"owner,omitempty"`
	Categories    []string          `json:"categories,omitempty"`
	SignaturePath string            `json:"signature_path,omitempty"`
	Discovery     *parse.Discovery  `json:"discovery,omitempty,omitzero"`
}

type tail struct {
	Deprecated *parse.Deprecated `json:"deprecated,omitempty"`
	Requires   *parse.Requires   `json:"requires,omitempty"`
	Group      string            `json:"group,omitempty"`
}

type summary struct {
	head
	PolicyTemplates []shortTemplate `json:"policy_templates,omitempty"`
	middle
	DataStreams []shortDataStream `json:"data_streams,omitempty"`
	tail
}

type shortTemplate struct {
	Name            string                 `json:"name"`
	Title           string                 `json:"title"`
	Description     string                 `json:"description"`
	Icons           []parse.Image          `json:"icons,omitempty"`
	Categories      []string               `json:"categories,omitempty"`
	DeploymentModes *parse.DeploymentModes `json:"deployment_modes,omitempty"`
	DataStreams     []string               `json:"data_streams,omitempty"`
	Deprecated      *parse.Deprecated      `json:"deprecated,omitempty"`
}

type shortDataStream struct {
	Type       string            `json:"type,omitempty"`
	Dataset    string            `json:"dataset"`
	Title      string            `json:"title"`
	Deprecated *parse.Deprecated `json:"deprecated,omitempty"`
}

type document struct {
	head
	middle
	tail
	FormatVersion   string                      `json:"format_version"`
	Readme          string                      `json:"readme,omitempty"`
	License         string                      `json:"license,omitempty"`
	Screenshots     []parse.Image               `json:"screenshots,omitempty"`
	Assets          []string                    `json:"assets,omitempty"`
	PolicyTemplates []parse.PolicyTemplate      `json:"policy_templates,omitempty"`
	DataStreams     []parse.DataStream          `json:"data_streams,omitempty"`
	Vars            []parse.Variable            `json:"vars,omitempty"`
	Elasticsearch   *parse.PackageElasticsearch `json:"elasticsearch,omitempty"`
	Agent           *parse.Agent                `json:"agent,omitempty"`
}

func newHead(p *parse.Package) head {
	return head{
		Name:                    p.Name,
		Title:                   p.Title,
		Version:                 p.Version,
		Release:                 p.Release,
		Source:                  p.Source,
		Description:             p.Description,
		Type:                    p.Type,
		Download:                downloadPath(p),
		Path:                    "/package/" + p.Name + "/" + p.Version,
		Icons:                   p.Icons,
		PolicyTemplatesBehavior: p.PolicyTemplatesBehavior,
	}
}

func newMiddle(p *parse.Package, v View) middle {
	m := middle{
		Conditions: p.Conditions,
		Owner:      p.Owner,
		Categories: p.Categories,
		Discovery:  p.Discovery,
	}
	if v.Signed {
		m.SignaturePath = downloadPath(p) + ".sig"
	}
	return m
}

func newTail(p *parse.Package, v View) tail {
	return tail{Deprecated: v.Deprecated, Requires: p.Requires, Group: p.Group}
}

// downloadPath is where the registry serves the archive.
func downloadPath(p *parse.Package) string {
	return "/epr/" + p.Name + "/" + p.Name + "-" + p.Version + ".zip"
}
