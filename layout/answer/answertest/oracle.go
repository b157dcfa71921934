// Package answertest is the registry API's text as a program that knows nothing
// of tables, sets or classes: what every edge must answer, a package version at
// a time. Tests compare the edges with it.
package answertest

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Package is what a package document says that decides where it is listed.
type Package struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	Type          string `json:"type"`
	Release       string `json:"release"`
	FormatVersion string `json:"format_version"`
	Conditions    struct {
		Kibana struct {
			Version string `json:"version"`
		} `json:"kibana"`
		Agent struct {
			Version string `json:"version"`
		} `json:"agent"`
		Elastic struct {
			Capabilities []string `json:"capabilities"`
		} `json:"elastic"`
	} `json:"conditions"`
	Categories []string   `json:"categories"`
	Templates  []Template `json:"policy_templates"`
	Discovery  struct {
		Fields   []Named `json:"fields"`
		Datasets []Named `json:"datasets"`
	} `json:"discovery"`
}

// Template is a policy template.
type Template struct {
	Name       string   `json:"name"`
	Categories []string `json:"categories,omitempty"`
}

// Named is a field or a dataset to discover.
type Named struct {
	Name string `json:"name"`
}

func (p *Package) version() *semver.Version { return semver.MustParse(p.Version) }

func (p *Package) prerelease() bool { return p.version().Prerelease() != "" }

// Oracle answers for some package versions.
type Oracle struct {
	Packages []Package
	// Parents has the category above each sub-category.
	Parents map[string]string
}

// Entry is a package version in the answer to a search, with the names of the
// policy templates that are listed.
type Entry struct {
	Name, Version string
	Templates     []string
}

// String is name-version, and the policy templates.
func (e Entry) String() string {
	return e.Name + "-" + e.Version + fmt.Sprint(e.Templates)
}

// question is a query, its values read.
type question struct {
	kibana, agent, specMin, specMax            *semver.Version
	prerelease, experimental, all, templates   bool
	capabilities, fieldFilters, datasetFilters []string
	byCapabilities                             bool
	category, name, kind                       string
}

// Search lists what GET /search?query lists. An error stands for status 400.
func (o *Oracle) Search(query url.Values) ([]Entry, error) {
	q, err := read(query, true)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, p := range o.chosen(q) {
		e := Entry{Name: p.Name, Version: p.Version}
		own := q.category == "" || slices.ContainsFunc(p.Categories, func(c string) bool { return o.within(c, q.category) })
		below := false
		for _, t := range p.Templates {
			below = below || slices.ContainsFunc(t.Categories, func(c string) bool { return o.within(c, q.category) })
			if own || slices.Contains(t.Categories, q.category) {
				e.Templates = append(e.Templates, t.Name)
			}
		}
		if own || below {
			out = append(out, e)
		}
	}
	return out, nil
}

// Categories counts what GET /categories?query counts. An error stands for
// status 400.
func (o *Oracle) Categories(query url.Values) (map[string]int, error) {
	q, err := read(query, false)
	if err != nil {
		return nil, err
	}
	counts := map[string]int{}
	for _, p := range o.chosen(q) {
		for _, c := range p.Categories {
			counts[c]++
		}
		if !q.templates || len(p.Templates) == 1 && p.Templates[0].Categories == nil {
			continue
		}
		met := map[string]bool{}
		for _, t := range p.Templates {
			for _, c := range p.Categories {
				counts[c]++
			}
			for _, c := range t.Categories {
				counts[c]++
				has := slices.ContainsFunc(p.Categories, func(own string) bool { return o.within(own, c) })
				if !has && !met[c] {
					counts[c]++
				}
				met[c] = true
			}
		}
	}
	return counts, nil
}

// within reports whether a category is another one or a sub-category of it.
func (o *Oracle) within(category, other string) bool {
	return category == other || other != "" && o.Parents[category] == other
}

// chosen is the result before the category is looked at, by name and version.
func (o *Oracle) chosen(q *question) []*Package {
	byName := map[string][]*Package{}
	for i := range o.Packages {
		p := &o.Packages[i]
		if q.accepts(p) {
			byName[p.Name] = append(byName[p.Name], p)
		}
	}
	var out []*Package
	for _, of := range byName {
		slices.SortFunc(of, func(a, b *Package) int {
			return cmp.Or(a.version().Compare(b.version()), cmp.Compare(a.Version, b.Version))
		})
		if q.experimental {
			// Of all versions the 0.x ones give way too, of the newest they do not.
			of = preferred(of, func(p *Package) bool { return !p.prerelease() && !(q.all && p.version().Major() == 0) })
		}
		if !q.all {
			of = newest(of)
		}
		out = append(out, of...)
	}
	slices.SortStableFunc(out, func(a, b *Package) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// preferred drops the versions that are not good if one is.
func preferred(of []*Package, good func(*Package) bool) []*Package {
	if !slices.ContainsFunc(of, good) {
		return of
	}
	return slices.DeleteFunc(slices.Clone(of), func(p *Package) bool { return !good(p) })
}

// newest is the first of the versions that no other is newer than: some differ
// in build metadata only.
func newest(of []*Package) []*Package {
	best := of[0]
	for _, p := range of[1:] {
		if p.version().GreaterThan(best.version()) {
			best = p
		}
	}
	return []*Package{best}
}

// accepts reports whether a package version passes every filter but the category.
func (q *question) accepts(p *Package) bool {
	if !meets(p.Conditions.Kibana.Version, q.kibana) || q.name != "" && q.name != p.Name || q.kind != "" && q.kind != p.Type {
		return false
	}
	if q.experimental {
		return true
	}
	if !q.prerelease && (p.prerelease() || p.Release == "experimental") {
		return false
	}
	format := semver.MustParse(p.FormatVersion)
	spec := semver.New(format.Major(), format.Minor(), 0, "", "")
	return meets(p.Conditions.Agent.Version, q.agent) &&
		(q.specMin == nil || !spec.LessThan(q.specMin)) &&
		(q.specMax == nil || !spec.GreaterThan(q.specMax)) &&
		(!q.byCapabilities || all(p.Conditions.Elastic.Capabilities, q.capabilities)) &&
		q.discovers(p)
}

func (q *question) discovers(p *Package) bool {
	for _, list := range q.fieldFilters {
		if len(p.Discovery.Fields) == 0 || !all(names(p.Discovery.Fields), strings.Split(list, ",")) {
			return false
		}
	}
	for _, list := range q.datasetFilters {
		wanted := strings.Split(list, ",")
		if !slices.ContainsFunc(names(p.Discovery.Datasets), func(s string) bool { return slices.Contains(wanted, s) }) {
			return false
		}
	}
	return true
}

func names(of []Named) []string {
	var out []string
	for _, n := range of {
		out = append(out, n.Name)
	}
	return out
}

// all reports whether each of some is in the list.
func all(some, list []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(list, s) })
}

// meets reports whether a constraint accepts a version; no constraint accepts
// all, and no version is accepted by all.
func meets(constraint string, v *semver.Version) bool {
	if constraint == "" || v == nil {
		return true
	}
	c, err := semver.NewConstraint(constraint)
	return err == nil && c.Check(v)
}

// read reads the parameters of a search, or of a count.
func read(query url.Values, search bool) (*question, error) {
	q := &question{}
	var err error
	version := func(key string) *semver.Version {
		if err != nil || query.Get(key) == "" {
			return nil
		}
		var v *semver.Version
		v, err = semver.NewVersion(query.Get(key))
		return v
	}
	spec := func(key string) *semver.Version {
		if query.Get(key) != "" && strings.Count(query.Get(key), ".") != 1 {
			err = fmt.Errorf("%s is not MAJOR.MINOR", key)
		}
		return version(key)
	}
	boolean := func(key string) bool {
		if err != nil || query.Get(key) == "" {
			return false
		}
		var b bool
		b, err = strconv.ParseBool(query.Get(key))
		return b
	}
	q.kibana, q.agent = version("kibana.version"), version("agent.version")
	q.specMin, q.specMax = spec("spec.min"), spec("spec.max")
	q.prerelease, q.experimental = boolean("prerelease"), boolean("experimental")
	if q.byCapabilities = query.Get("capabilities") != ""; q.byCapabilities {
		q.capabilities = strings.Split(query.Get("capabilities"), ",")
	}
	for _, v := range query["discovery"] {
		switch kind, list, ok := strings.Cut(v, ":"); {
		case ok && kind == "fields":
			q.fieldFilters = append(q.fieldFilters, list)
		case ok && kind == "datasets":
			q.datasetFilters = append(q.datasetFilters, list)
		default:
			err = cmp.Or(err, fmt.Errorf("unknown discovery filter %q", v))
		}
	}
	if search {
		q.category, q.name, q.kind, q.all = query.Get("category"), query.Get("package"), query.Get("type"), boolean("all")
	} else {
		q.templates = boolean("include_policy_templates")
	}
	return q, err
}
