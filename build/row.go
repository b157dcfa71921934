package build

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
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
	merged   *index.Merged
	revision layout.Revision
	version  *semver.Version
	facts    *facts // of either
	// Either the package was parsed, and these are its documents …
	rendering *rendering
	// … or a live snapshot has it, at this row.
	live    *liveSnapshot
	liveRow int
}

// summary appends the summary as it stands in a search response.
func (r *row) summary(dst []byte) ([]byte, error) {
	if r.live == nil {
		return append(dst, r.rendering.summary...), nil
	}
	return r.live.summary(dst, r.liveRow)
}

// sortRows orders rows as Routes are: by name, which they already are, then by
// precedence of version, then by its text.
func sortRows(rows []row) {
	for from, to := 0, 0; from < len(rows); from = to {
		for to = from + 1; to < len(rows) && rows[to].merged.Name == rows[from].merged.Name; {
			to++
		}
		slices.SortFunc(rows[from:to], func(a, b row) int {
			return cmp.Or(a.version.Compare(b.version), strings.Compare(a.merged.Version, b.merged.Version))
		})
	}
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
func factsOf(p *parse.Package, signed bool, ranges rangesCache) (*facts, error) {
	f := &facts{
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
		return nil, fmt.Errorf("%s-%s: conditions.kibana.version: %w", p.Name, p.Version, err)
	}
	if f.agent, err = ranges.of(p.AgentConstraint); err != nil {
		return nil, fmt.Errorf("%s-%s: conditions.agent.version: %w", p.Name, p.Version, err)
	}
	return f, nil
}

// rendering is what several environments show of one package version. It lasts
// until all of them are written, so it is no larger than it must be.
type rendering struct {
	document, summary []byte
	facts             *facts
}

// render makes the documents of a parsed package.
func (r *rendering) render(p *parse.Package, v View) {
	r.document, r.summary = bytes.Clone(renderDocument(p, v)), bytes.Clone(Summary(p, v))
	r.facts.size = len(r.summary)
	r.facts.document, r.facts.summary = layout.DigestOf(r.document), layout.DigestOf(r.summary)
}

func templatesOf(p *parse.Package) []layout.Template {
	var out []layout.Template
	for _, t := range p.PolicyTemplates {
		out = append(out, layout.Template{Categories: t.Categories})
	}
	return out
}

func discoveryOf(p *parse.Package) layout.Discovery {
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
