package answer

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Query is a request to /search or /categories, understood.
// Source: the registry API, "Query parameters of /search and /categories".
type Query struct {
	// Counting is true for /categories, false for /search.
	Counting bool

	All                    bool // every version, not only the newest
	Prerelease             bool
	Experimental           bool // the legacy rules
	IncludePolicyTemplates bool
	Category               string
	Package                string
	Type                   string
	Kibana, Agent          *semver.Version // nil accepts all
	SpecMin, SpecMax       *semver.Version // nil is no bound
	// Capabilities is nil when none were given, which every package works with.
	Capabilities []string
	Discovery    []DiscoveryFilter
}

// DiscoveryFilter is one value of the parameter "discovery".
type DiscoveryFilter struct {
	Fields   []string
	Datasets []string
}

// ParseQuery reads the raw query string of a request to /search, or to
// /categories when counting. The error's text is the body of a 400.
func ParseQuery(rawQuery string, counting bool) (Query, error) {
	// As net/url does: pairs that cannot be decoded are dropped, not refused.
	values, _ := url.ParseQuery(rawQuery)
	q := Query{Counting: counting}
	var err error
	if v := values.Get("kibana.version"); v != "" {
		if q.Kibana, err = semver.NewVersion(v); err != nil {
			return Query{}, fmt.Errorf("invalid Kibana version '%s': %w", v, err)
		}
	}
	if v := values.Get("agent.version"); v != "" {
		if q.Agent, err = semver.NewVersion(v); err != nil {
			return Query{}, fmt.Errorf("invalid agent version '%s': %w", v, err)
		}
	}
	if q.SpecMin, err = specBound(values, "spec.min"); err != nil {
		return Query{}, err
	}
	if q.SpecMax, err = specBound(values, "spec.max"); err != nil {
		return Query{}, err
	}
	if v := values.Get("capabilities"); v != "" {
		q.Capabilities = strings.Split(v, ",")
	}
	for _, v := range values["discovery"] {
		f, err := discoveryFilter(v)
		if err != nil {
			return Query{}, fmt.Errorf("invalid 'discovery' query param: '%s': %w", v, err)
		}
		q.Discovery = append(q.Discovery, f)
	}
	flags := []flag{{"prerelease", &q.Prerelease}, {"experimental", &q.Experimental}}
	if counting {
		flags = append(flags, flag{"include_policy_templates", &q.IncludePolicyTemplates})
	} else {
		flags = append(flags, flag{"all", &q.All})
		q.Category, q.Package, q.Type = values.Get("category"), values.Get("package"), values.Get("type")
	}
	for _, f := range flags {
		if v := values.Get(f.name); v != "" {
			if *f.to, err = strconv.ParseBool(v); err != nil {
				return Query{}, fmt.Errorf("invalid '%s' query param: '%s'", f.name, v)
			}
		}
	}
	return q, nil
}

// flag is a boolean parameter and where it goes.
type flag struct {
	name string
	to   *bool
}

func specBound(values url.Values, name string) (*semver.Version, error) {
	v := values.Get(name)
	if v == "" {
		return nil, nil
	}
	if strings.Count(v, ".") != 1 {
		return nil, fmt.Errorf("invalid '%s' version: invalid version '%s': it should be <major.version>", name, v)
	}
	bound, err := semver.NewVersion(v)
	if err != nil {
		return nil, fmt.Errorf("invalid '%s' version: invalid spec version '%s': %w", name, v, err)
	}
	return bound, nil
}

func discoveryFilter(v string) (DiscoveryFilter, error) {
	kind, list, found := strings.Cut(v, ":")
	if !found {
		return DiscoveryFilter{}, fmt.Errorf("could not parse filter %q", v)
	}
	switch kind {
	case "fields":
		return DiscoveryFilter{Fields: strings.Split(list, ",")}, nil
	case "datasets":
		return DiscoveryFilter{Datasets: strings.Split(list, ",")}, nil
	}
	return DiscoveryFilter{}, fmt.Errorf("unknown discovery filter %q", kind)
}

// Encode writes the query as the raw query string of a request: ParseQuery reads
// it back as the same query. The parameters stand in one fixed order.
func (q Query) Encode() string {
	var b strings.Builder
	add := func(name, value string) {
		if value == "" {
			return
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		b.WriteString(name + "=" + url.QueryEscape(value))
	}
	flag := func(name string, set bool) {
		if set {
			add(name, "true")
		}
	}
	if !q.Counting {
		add("package", q.Package)
	}
	add("kibana.version", versionText(q.Kibana))
	flag("experimental", q.Experimental)
	add("spec.min", specText(q.SpecMin))
	add("spec.max", specText(q.SpecMax))
	add("capabilities", strings.Join(q.Capabilities, ","))
	flag("prerelease", q.Prerelease)
	if q.Counting {
		flag("include_policy_templates", q.IncludePolicyTemplates)
	} else {
		add("type", q.Type)
		flag("all", q.All)
		add("category", q.Category)
	}
	add("agent.version", versionText(q.Agent))
	for _, f := range q.Discovery {
		if f.Fields != nil {
			add("discovery", "fields:"+strings.Join(f.Fields, ","))
		}
		if f.Datasets != nil {
			add("discovery", "datasets:"+strings.Join(f.Datasets, ","))
		}
	}
	return b.String()
}

// Target is the request: its path, and its query string if it has one.
func (q Query) Target() string {
	path := "/search"
	if q.Counting {
		path = "/categories"
	}
	if encoded := q.Encode(); encoded != "" {
		return path + "?" + encoded
	}
	return path
}

func versionText(v *semver.Version) string {
	if v == nil {
		return ""
	}
	return v.Original()
}

// specText writes a bound with the one dot that ParseQuery asks for.
func specText(v *semver.Version) string {
	if v == nil || strings.Count(v.Original(), ".") == 1 {
		return versionText(v)
	}
	return fmt.Sprintf("%d.%d", v.Major(), v.Minor())
}
