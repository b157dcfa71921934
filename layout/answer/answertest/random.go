package answertest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Parents has the category above each sub-category of random packages, as the
// registry has them.
var Parents = map[string]string{"kubernetes": "observability", "threat_intel": "security", "auditd": "security", "message_queue": "observability"}

var (
	categories   = []string{"aws", "cloud", "kubernetes", "containers", "threat_intel", "auditd", "security", "message_queue", "observability", "custom"}
	constraints  = []string{"", "", "^8.0.0", "^7.16.0 || ^8.0.0", ">=8.5.0", ">=7.0.0 <8.2.0", "^8.6.0-SNAPSHOT", "~8.4.1", "!=8.5.0", "8.x || 9.x"}
	capabilities = []string{"security", "observability", "apm", "uptime"}
	fields       = []string{"host.ip", "process.pid", "data_stream.dataset"}
	datasets     = []string{"nginx.access", "system.cpu", "aws.billing"}
	preReleases  = []string{"", "", "", "-rc.1", "-rc.2", "-SNAPSHOT", "-alpha.2", "-next", "+b1", "+b2", "-rc.1+b1"}
)

// Random makes up packages and queries of them.
type Random struct {
	*rand.Rand
	names int
}

// NewRandom makes the same packages and queries for the same seed.
func NewRandom(seed uint64) *Random { return &Random{Rand: rand.New(rand.NewPCG(seed, 1))} }

func one[T any](r *Random, list []T) T { return list[r.IntN(len(list))] }

// some is a part of a list, in random order.
func some[T any](r *Random, list []T, most int) []T {
	list = slices.Clone(list)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list[:r.IntN(min(most, len(list))+1)]
}

func (r *Random) often(percent int) bool { return r.IntN(100) < percent }

// Packages are the versions of some names, by name and version. Names differ in
// what they have at all: 0.x, pre-releases, released versions and every mixture,
// few versions or over 64.
func (r *Random) Packages(names int) []Package {
	r.names = names
	var out []Package
	for i := range names {
		majors := 1 + r.IntN(3)
		from, preReleases := r.IntN(2), some(r, preReleases, len(preReleases))
		if len(preReleases) == 0 {
			preReleases = []string{""}
		}
		versions := map[string]*semver.Version{}
		for range 1 + r.IntN(1+r.IntN(8)) + max(0, r.IntN(800)-700) {
			text := fmt.Sprintf("%d.%d.%d%s", from+r.IntN(majors), r.IntN(12), r.IntN(3), one(r, preReleases))
			versions[text] = semver.MustParse(text)
		}
		first := len(out)
		for text := range versions {
			out = append(out, Package{Name: fmt.Sprintf("pkg_%02d", i), Version: text})
		}
		slices.SortFunc(out[first:], func(a, b Package) int {
			if c := versions[a.Version].Compare(versions[b.Version]); c != 0 {
				return c
			}
			return strings.Compare(a.Version, b.Version)
		})
		for j := first; j < len(out); j++ {
			r.fill(&out[j])
		}
	}
	return out
}

// TemplateName is the name of a random package's policy template, by position.
func TemplateName(i int) string { return fmt.Sprintf("t%d", i) }

// fill makes up all but name and version.
func (r *Random) fill(p *Package) {
	p.Type = one(r, []string{"integration", "integration", "input", "content"})
	p.Release = one(r, []string{"", "", "ga", "beta", "experimental"})
	p.FormatVersion = one(r, []string{"1.0.0", "1.1.0", "2.3.0", "3.0.0", "3.5.0-rc.1", "10.2.0"})
	p.Conditions.Kibana.Version, p.Conditions.Agent.Version = one(r, constraints), one(r, constraints)
	if r.often(30) {
		p.Conditions.Elastic.Capabilities = some(r, capabilities, 3)
	}
	p.Categories = some(r, categories, 3)
	if p.Type != "content" {
		for i := range 1 + r.IntN(3) {
			t := Template{Name: TemplateName(i)}
			if r.often(50) {
				t.Categories = append([]string{one(r, categories)}, some(r, categories, 1)...)
				t.Categories = slices.Compact(t.Categories)
			}
			p.Templates = append(p.Templates, t)
		}
	}
	if r.often(30) {
		for _, name := range some(r, fields, len(fields)) {
			p.Discovery.Fields = append(p.Discovery.Fields, Named{name})
		}
		for _, name := range some(r, datasets, len(datasets)) {
			p.Discovery.Datasets = append(p.Discovery.Datasets, Named{name})
		}
	}
}

// Manifest is the manifest.yml of a package, valid as far as a registry checks.
func (p *Package) Manifest() []byte {
	m := map[string]any{
		"format_version": p.FormatVersion, "name": p.Name, "version": p.Version, "title": "T", "description": "D",
		"type": p.Type, "categories": p.Categories, "discovery": p.Discovery, "owner": map[string]string{"github": "example/a"},
	}
	conditions := map[string]any{}
	if v := p.Conditions.Kibana.Version; v != "" {
		conditions["kibana"] = map[string]string{"version": v}
	}
	if v := p.Conditions.Agent.Version; v != "" {
		conditions["agent"] = map[string]string{"version": v}
	}
	if list := p.Conditions.Elastic.Capabilities; list != nil {
		conditions["elastic"] = map[string]any{"capabilities": list}
	}
	m["conditions"] = conditions
	if p.Release != "" {
		m["release"] = p.Release
	}
	var templates []any
	for _, t := range p.Templates {
		template := map[string]any{"name": t.Name, "title": "T", "description": "D", "inputs": []any{map[string]string{"type": "logfile", "title": "L", "description": "L"}}}
		if t.Categories != nil {
			template["categories"] = t.Categories
		}
		templates = append(templates, template)
	}
	if templates != nil {
		m["policy_templates"] = templates
	}
	out, err := json.Marshal(m)
	if err != nil {
		panic(err) // maps, lists and strings
	}
	return out
}

// Target is a request to /search or /categories: most have parameters that make
// a difference, some of them bad, escaped, repeated or very long.
func (r *Random) Target() string {
	versions := []string{"8.5.0", "8.5", "7.17.2", "8.6.0-SNAPSHOT", "v8.4.1", "9.0.0", "0.0.1", "8.5.0+x", "", "x", "8.-1"}
	specs := []string{"1.0", "1.1", "2.3", "3.0", "3.5", "10.2", "v2.0", "", "1", "1.0.0", "a.b"}
	booleans := []string{"true", "true", "true", "1", "t", "TRUE", "false", "0", "F", "", "yes"}
	values := map[string]func() string{
		"experimental":             func() string { return one(r, booleans[:9-r.IntN(3)]) },
		"all":                      func() string { return one(r, booleans) },
		"prerelease":               func() string { return one(r, booleans) },
		"kibana.version":           func() string { return one(r, versions[:len(versions)-2*r.IntN(2)]) },
		"agent.version":            func() string { return one(r, versions[:len(versions)-2*r.IntN(2)]) },
		"spec.min":                 func() string { return one(r, specs[:len(specs)-3*r.IntN(2)]) },
		"spec.max":                 func() string { return one(r, specs[:len(specs)-3*r.IntN(2)]) },
		"package":                  func() string { return fmt.Sprintf("pkg_%02d", r.IntN(r.names+1)) },
		"type":                     func() string { return one(r, []string{"integration", "input", "content", "other", ""}) },
		"category":                 func() string { return one(r, append([]string{"", "other"}, categories...)) },
		"capabilities":             func() string { return one(r, []string{"", ",", strings.Join(some(r, capabilities, 4), ",")}) },
		"discovery":                r.discovery,
		"internal":                 func() string { return one(r, booleans) },
		"unknown":                  func() string { return strings.Repeat("x", r.IntN(3)) },
		"include_policy_templates": func() string { return one(r, booleans) },
	}
	keys := slices.Sorted(func(yield func(string) bool) {
		for key := range values {
			if !yield(key) {
				return
			}
		}
	})
	var pairs []string
	add := func(key string) {
		value := values[key]()
		if !r.often(20) {
			value = url.QueryEscape(value)
		}
		pairs = append(pairs, key+"="+value)
	}
	if r.often(50) {
		add("experimental")
	}
	for _, key := range some(r, keys, 5) {
		for range 1 + r.IntN(10)/8 {
			add(key)
		}
	}
	if r.often(2) {
		pairs = append(pairs, "unknown="+strings.Repeat("long", 5_000))
	}
	r.Shuffle(len(pairs), func(i, j int) { pairs[i], pairs[j] = pairs[j], pairs[i] })
	return one(r, []string{"/search?", "/search?", "/search?", "/categories?"}) + strings.Join(pairs, "&")
}

// discovery is a filter, now and then of as many fields as clients may list.
func (r *Random) discovery() string {
	kind, list := "fields:", some(r, fields, len(fields))
	if r.often(50) {
		kind, list = "datasets:", some(r, datasets, len(datasets))
	}
	if r.often(10) {
		for i := range 1_500 {
			list = append(list, fmt.Sprintf("made.up.field_%d", i))
		}
	}
	if r.often(4) {
		return one(r, []string{"", "fields", "other:x", ":", "fields:"})
	}
	return kind + strings.Join(list, ",")
}
