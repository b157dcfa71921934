package build

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// facts are what the routes say of one package version, by value: what queries
// need, and the digests of what answers are made of.
type facts struct {
	flags             layout.Flags
	kibana, agent     layout.Ranges
	spec              layout.Spec
	packageType       string
	capabilities      []string
	labels            []string
	templates         []layout.Template
	discovery         layout.Discovery
	size              int
	document, summary layout.Digest
	// deprecated: the version itself carries a deprecation notice.
	deprecated bool
}

// row is one package version of an environment.
type row struct {
	merged   index.Merged
	revision layout.Revision
	version  *semver.Version
	facts    facts
	// Either the package was parsed, and these are its rendered documents …
	document, summary []byte
	// … or a live snapshot has it, at this row.
	live    *liveSnapshot
	liveRow int
}

// fragment is the summary as it stands in a search response.
func (r *row) fragment() []byte {
	if r.live == nil {
		return r.summary
	}
	return r.live.fragment(r.liveRow)
}

// sortRows orders rows as Routes are: by name, then by precedence of version,
// then by its text.
func sortRows(rows []row) {
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(strings.Compare(a.merged.Name, b.merged.Name), a.version.Compare(b.version), strings.Compare(a.merged.Version, b.merged.Version))
	})
}

// rangesCache turns each constraint, of which a storage has few, into intervals
// once.
type rangesCache map[string]layout.Ranges

func (c rangesCache) of(constraint string) (layout.Ranges, error) {
	if constraint == "" {
		return layout.Ranges{}, nil
	}
	if r, ok := c[constraint]; ok {
		return r, nil
	}
	r, err := layout.RangesOf(constraint)
	if err == nil {
		c[constraint] = r
	}
	return r, err
}

// factsOf takes the facts from a parsed package; those of the rendered
// documents are added by render.
func factsOf(p *index.Package, signed bool, ranges rangesCache) (facts, error) {
	f := facts{
		spec: layout.Spec{Major: p.SpecMajor, Minor: p.SpecMinor}, packageType: p.Type,
		capabilities: p.Capabilities, labels: p.Categories, templates: templatesOf(p),
		discovery: discoveryOf(p), deprecated: p.Deprecated != nil,
	}
	if p.Release == "experimental" {
		f.flags |= layout.Experimental
	}
	if signed {
		f.flags |= layout.Signed
	}
	var err error
	if f.kibana, err = ranges.of(p.KibanaConstraint); err != nil {
		return facts{}, fmt.Errorf("%s-%s: conditions.kibana.version: %w", p.Name, p.Version, err)
	}
	if f.agent, err = ranges.of(p.AgentConstraint); err != nil {
		return facts{}, fmt.Errorf("%s-%s: conditions.agent.version: %w", p.Name, p.Version, err)
	}
	return f, nil
}

// render makes the documents of a parsed package.
func (r *row) render(p *index.Package, v View) {
	r.document, r.summary = Document(p, v), Summary(p, v)
	r.facts.size = len(r.summary)
	r.facts.document, r.facts.summary = layout.DigestOf(r.document), layout.DigestOf(r.summary)
}

func templatesOf(p *index.Package) []layout.Template {
	var out []layout.Template
	for _, t := range p.PolicyTemplates {
		out = append(out, layout.Template{Categories: t.Categories})
	}
	return out
}

func discoveryOf(p *index.Package) layout.Discovery {
	var d layout.Discovery
	if p.Discovery == nil {
		return d
	}
	for _, f := range p.Discovery.Fields {
		d.Fields = append(d.Fields, f.Name)
	}
	for _, f := range p.Discovery.Datasets {
		d.Datasets = append(d.Datasets, f.Name)
	}
	return d
}
