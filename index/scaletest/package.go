package scaletest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// pack is one package on its way through its versions.
type pack struct {
	o    Options
	rng  *rand.Rand
	name string

	title, kind                  string
	description                  string
	categories, capabilities     []string
	templates                    []template
	streams                      int
	agent, discovery, deprecated bool

	kibana *kibana
	// at is the version before, and zeros how many of its versions are 0.x.
	at       [3]int
	pending  string // a pre-release of the next version, which is still to come
	index    int
	versions int
	zeros    int
	spec     int
	filler   []string
}

// template is a policy template.
type template struct {
	name, title, description string
	categories               []string
}

// version is one version of a package, ready to be written.
type version struct {
	version, spec, release string
	files                  []file
}

type file struct{ path, content string }

func newPack(o Options, i, versions int) *pack {
	rng := rand.New(rand.NewPCG(o.Seed, uint64(i)))
	s := o.Statistics
	p := &pack{o: o, rng: rng, versions: versions, kibana: newKibana(s.Kibana, rng)}
	first, second := words[i%len(words)], words[(i/len(words)+7*i+3)%len(words)]
	p.name = fmt.Sprintf("%s_%s_%d", first, second, i)
	p.title = fmt.Sprintf("%s %s %d", upper(first), upper(second), i)
	p.description = p.text(int(s.Description.at(rng.Float64())))
	switch u := rng.Float64(); {
	case u < contentPackages:
		p.kind = "content"
	case u < contentPackages+inputPackages:
		p.kind = "input"
	default:
		p.kind = "integration"
	}
	p.categories = p.someCategories(drawCount(rng, s.CategorySets))
	for t := range drawCount(rng, s.Templates) {
		one := template{name: fmt.Sprintf("%s_%d", first, t), title: p.text(20), description: p.text(int(s.Description.at(rng.Float64())))}
		if rng.Float64() < templateCategory {
			one.categories = p.someCategories(1)
		}
		p.templates = append(p.templates, one)
	}
	if p.kind != "content" {
		p.streams = min(drawCount(rng, s.Streams), maxStreams)
	}
	if rng.Float64() < withCapabilities {
		p.capabilities = capabilities[rng.IntN(len(capabilities))]
	}
	p.agent, p.discovery, p.deprecated = rng.Float64() < withAgent, rng.Float64() < withDiscovery, rng.Float64() < withDeprecation
	p.zeros = int(rng.Float64() * 2 * (1 - s.Released) * float64(versions))
	return p
}

// maxStreams bounds the data streams of a package: each is two files more and an
// entry in an answer, but nothing that searches look at.
const maxStreams = 1

// next makes the next version of the package.
func (p *pack) next() version {
	if p.index > 0 {
		p.kibana.next()
	}
	v := version{version: p.nextVersion()}
	if p.at[0] == 0 && p.rng.Float64() < p.o.Statistics.Experimental/(1-p.o.Statistics.Released) {
		v.release = "experimental"
	}
	// The format follows the age of the package, and never goes back.
	if at := int(p.kibana.age()*float64(len(specs)-1)) + p.rng.IntN(3) - 1; at > p.spec {
		p.spec = min(at, len(specs)-1)
	}
	v.spec = specs[p.spec]
	p.index++
	v.files = []file{
		{"manifest.yml", p.manifest(v)},
		{"docs/README.md", "# " + p.title + "\n\n" + p.description + "\n"},
		{"img/icon.svg", icon},
	}
	for i := range p.streams {
		dir := fmt.Sprintf("data_stream/stream_%d/", i)
		v.files = append(v.files, file{dir + "manifest.yml", p.stream(i)}, file{dir + "fields/base.yml", baseFields})
	}
	p.fill(len(v.files))
	for i, content := range p.filler {
		v.files = append(v.files, file{fmt.Sprintf("kibana/object_%d.json", i), content})
	}
	return v
}

// nextVersion counts on: by a minor version more often than by a patch, now and
// then by a major one, through a pre-release where one comes first.
func (p *pack) nextVersion() string {
	if p.pending != "" {
		p.pending = ""
		return p.number()
	}
	u := p.rng.Float64()
	switch {
	case p.index >= p.zeros && p.at[0] == 0:
		p.at = [3]int{1, 0, 0}
	case u < 0.05 && p.at[0] > 0:
		p.at = [3]int{p.at[0] + 1, 0, 0}
	case u < 0.65 || p.at == [3]int{}:
		p.at = [3]int{p.at[0], p.at[1] + 1, 0}
	default:
		p.at[2]++
	}
	if p.rng.Float64() < prereleases {
		p.pending = []string{"-beta.1", "-preview-1", "-rc1", "-SNAPSHOT"}[p.rng.IntN(4)]
		return p.number() + p.pending
	}
	return p.number()
}

func (p *pack) number() string { return fmt.Sprintf("%d.%d.%d", p.at[0], p.at[1], p.at[2]) }

// fill changes as many of the other files as versions of real packages do;
// written is how many files the version has without them.
func (p *pack) fill(written int) {
	s := p.o.Statistics
	if p.o.Content == 0 {
		return
	}
	scaled := func(q Quantiles) int { return int(q.at(p.rng.Float64()) * p.o.Content) }
	if p.index == 1 {
		p.filler = make([]string, max(scaled(s.Files)-written, 0))
		for i := range p.filler {
			p.filler[i] = p.object()
		}
		return
	}
	for range min(scaled(s.NewFiles), len(p.filler)) {
		p.filler[p.rng.IntN(len(p.filler))] = p.object()
	}
}

func (p *pack) object() string {
	size := int(p.o.Statistics.FileSize.at(p.rng.Float64()))
	return fmt.Sprintf("{\"n\": %d, \"text\": %q}\n", p.rng.Uint32(), p.text(size))
}

// text is some words, at least one, of about that many bytes.
func (p *pack) text(size int) string {
	var b strings.Builder
	b.WriteString(upper(words[p.rng.IntN(len(words))]))
	for b.Len() < size-4 {
		b.WriteByte(' ')
		b.WriteString(words[p.rng.IntN(len(words))])
	}
	return b.String()
}

func upper(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

// someCategories draws n different ones, as often as packages have them.
func (p *pack) someCategories(n int) []string {
	all := p.o.Statistics.Categories
	ids := slices.Sorted(maps.Keys(all))
	weights := make([]int, len(ids))
	for i, id := range ids {
		weights[i] = all[id]
	}
	var out []string
	for range n {
		c := ids[drawCount(p.rng, weights)]
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// drawCount draws an index, as often as its weight says.
func drawCount(rng *rand.Rand, weights []int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	at := rng.IntN(total)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

var words = strings.Fields(`amber birch cedar delta ember fjord grove harbor iris juniper kelp lagoon maple north orchid pebble quartz
	river stone tundra umber valley willow yarrow zephyr arrow beacon copper drift echo falcon garnet hollow indigo jade knoll lantern
	meadow nickel ocean prairie quill raven saddle timber upland velvet walnut`)

// icon is a picture of our own: a square.
const icon = `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16"><path d="M2 2h12v12H2z"/></svg>
`
