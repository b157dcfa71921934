package layout

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// RoutesFormat is the version of the format of routes.json. It goes up with what
// an edge must know that answers from the snapshot: its files need not be objects
// (ContentsFormat).
const RoutesFormat = 5

// The versions before: without a catalogue, and with one.
const (
	bareRoutes      = 3
	catalogueRoutes = 4
)

// routesFile is routes.json: one JSON object, in lines. The first line is the
// head: what is small whatever the number of rows. Each further line is a
// column, a string that needs no unescaping. So whoever reads JSON can read it,
// and an edge, which has few milliseconds of processor time for a request,
// parses the head alone and looks into the columns where they lie: the head says
// how long each is, so nothing has to be searched for.
type routesFile struct {
	routesHead
	routesColumns
}

type routesHead struct {
	Format         int          `json:"format"`
	Environment    string       `json:"environment"`
	ServiceVersion string       `json:"service_version"`
	Cache          CachePolicy  `json:"cache"`
	Site           Digest       `json:"site,omitempty"`
	Catalog        []Part       `json:"catalog"`
	Every          Digest       `json:"every"`
	Categories     []Category   `json:"categories"`
	Constraints    []Ranges     `json:"constraints"`
	Capabilities   [][]string   `json:"capabilities"`
	Types          []string     `json:"types"`
	Specs          []Spec       `json:"specs"`
	Labels         [][]string   `json:"labels"`
	Templates      [][]Template `json:"templates"`
	Discoveries    []Discovery  `json:"discoveries"`
	// Packages is how many names there are.
	Packages int `json:"packages"`
	// Lengths are those of the columns in bytes, in order.
	Lengths []int `json:"lengths"`
}

// routesColumns have an entry a name, the first four, or a row. Numbers are
// packed, names and versions separated by a space, ids joined.
type routesColumns struct {
	Names  string `json:"names"`
	Starts string `json:"starts"`
	// Places are where the versions of each name begin in Versions, in bytes.
	Places     string `json:"places"`
	Blocks     string `json:"blocks"`
	Versions   string `json:"versions"`
	Flags      string `json:"flags"` // with the flags that follow from the versions
	Kibana     string `json:"kibana"`
	Agent      string `json:"agent"`
	Spec       string `json:"spec"`
	Type       string `json:"type"`
	Capability string `json:"capability"`
	Label      string `json:"label"`
	Template   string `json:"template"`
	Discover   string `json:"discovery"`
	Sizes      string `json:"sizes"`
	Revisions  string `json:"revisions"`
	Documents  string `json:"documents"`
	Summaries  string `json:"summaries"`
}

// routesLine is a column as a line of routes.json.
type routesLine struct{ name, text string }

func (c *routesColumns) lines() []routesLine {
	return []routesLine{
		{"names", c.Names}, {"starts", c.Starts}, {"places", c.Places}, {"blocks", c.Blocks}, {"versions", c.Versions}, {"flags", c.Flags}, {"kibana", c.Kibana}, {"agent", c.Agent}, {"spec", c.Spec},
		{"type", c.Type}, {"capability", c.Capability}, {"label", c.Label}, {"template", c.Template},
		{"discovery", c.Discover}, {"sizes", c.Sizes}, {"revisions", c.Revisions}, {"documents", c.Documents}, {"summaries", c.Summaries},
	}
}

// Flags that follow from the versions. The file has them so that an edge need
// not parse any version to choose the newest ones.
const (
	filePrerelease Flags = flagsEnd << iota // a pre-release part
	fileUnstable                            // that, or 0.x
	fileSame                                // the same precedence as the row before, which is of the same package
	fileFlagsEnd
)

// fileFlags are the flags of every row with those that follow from versions.
// What is not a version has none; reading the file refuses it.
func (r *Routes) fileFlags() []Flags {
	out := make([]Flags, len(r.Flags))
	copy(out, r.Flags)
	starts := make(map[int]bool, len(r.Starts))
	for _, row := range r.Starts {
		starts[row] = true
	}
	var last *semver.Version
	for row := range min(len(out), len(r.Versions)) {
		v, err := semver.StrictNewVersion(r.Versions[row])
		if err != nil {
			last = nil
			continue
		}
		if v.Prerelease() != "" {
			out[row] |= filePrerelease
		}
		if v.Prerelease() != "" || v.Major() == 0 {
			out[row] |= fileUnstable
		}
		if last != nil && !starts[row] && last.Equal(v) {
			out[row] |= fileSame
		}
		last = v
	}
	return out
}

// places are where the versions of each name begin, in bytes, when all versions
// are joined by a space.
func (r *Routes) places() []int {
	out := make([]int, len(r.Starts))
	at, row := 0, 0
	for i, start := range r.Starts {
		for ; row < min(start, len(r.Versions)); row++ {
			at += len(r.Versions[row]) + len(" ")
		}
		out[i] = at
	}
	return out
}

// Encode is the table as it is stored.
func (r *Routes) Encode() []byte {
	columns := routesColumns{
		Names: strings.Join(r.Names, " "), Starts: pack(r.Starts), Places: pack(r.places()), Blocks: pack(r.Blocks),
		Versions: strings.Join(r.Versions, " "), Flags: pack(r.fileFlags()),
		Kibana: pack(r.Kibana), Agent: pack(r.Agent), Spec: pack(r.Spec), Type: pack(r.Type), Capability: pack(r.Capability),
		Label: pack(r.Label), Template: pack(r.Template), Discover: pack(r.Discover), Sizes: pack(r.Sizes),
		Revisions: r.Revisions, Documents: r.Documents, Summaries: r.Summaries,
	}
	lines := columns.lines()
	lengths := make([]int, len(lines))
	size := 0
	for i, c := range lines {
		lengths[i] = len(c.text)
		size += len(c.name) + len(c.text) + len(`,`+"\n"+`"":""`)
	}
	head := Encode(routesHead{
		Format: r.Format, Environment: r.Environment, ServiceVersion: r.ServiceVersion, Cache: r.Cache, Site: r.Site,
		Catalog: r.Catalog, Every: r.Every, Categories: r.Categories, Constraints: r.Constraints, Capabilities: r.Capabilities,
		Types: r.Types, Specs: r.Specs, Labels: r.Labels, Templates: r.Templates, Discoveries: r.Discoveries,
		Packages: len(r.Names), Lengths: lengths,
	}, "")
	b := bytes.NewBuffer(make([]byte, 0, len(head)+size))
	b.Write(bytes.TrimSuffix(head, []byte("}\n")))
	for _, c := range lines {
		b.WriteString(",\n\"" + c.name + "\":\"")
		b.WriteString(c.text)
		b.WriteByte('"')
	}
	b.WriteString("}\n")
	return b.Bytes()
}

// DecodeRoutes reads what Encode wrote. Every index and length is checked, so
// that code that uses the table need not; and the bytes are those that Encode
// gives, which edges rely on. env is the environment that they must be of.
func DecodeRoutes(data []byte, env string) (*Routes, error) {
	var f routesFile
	if err := routesFormat.read(data, &f); err != nil {
		return nil, err
	}
	r, err := f.routes()
	if err == nil && r.Environment != env {
		err = fmt.Errorf("they are of environment %s", r.Environment)
	}
	if err != nil {
		return nil, routesFormat.damaged(err)
	}
	return r, routesFormat.exact(data, r.Encode())
}

// routes is the table that the file holds.
func (f *routesFile) routes() (*Routes, error) {
	r := &Routes{
		Format: f.Format, Environment: f.Environment, ServiceVersion: f.ServiceVersion, Cache: f.Cache, Site: f.Site,
		Catalog: f.Catalog, Every: f.Every, Categories: f.Categories, Constraints: f.Constraints, Capabilities: f.Capabilities,
		Types: f.Types, Specs: f.Specs, Labels: f.Labels, Templates: f.Templates, Discoveries: f.Discoveries,
		Names: fields(f.Names), Versions: fields(f.Versions),
		Revisions: f.Revisions, Documents: f.Documents, Summaries: f.Summaries,
	}
	var err error
	if r.Starts, err = unpack(f.Starts, len(r.Names)); err != nil {
		return nil, fmt.Errorf("column starts: %w", err)
	}
	if r.Blocks, err = unpack(f.Blocks, len(r.Names)); err != nil {
		return nil, fmt.Errorf("column blocks: %w", err)
	}
	n := r.Rows()
	for _, c := range []struct {
		name, text string
		to         *[]int
	}{
		{"kibana", f.Kibana, &r.Kibana}, {"agent", f.Agent, &r.Agent}, {"spec", f.Spec, &r.Spec}, {"type", f.Type, &r.Type},
		{"capability", f.Capability, &r.Capability}, {"label", f.Label, &r.Label}, {"template", f.Template, &r.Template},
		{"discovery", f.Discover, &r.Discover}, {"sizes", f.Sizes, &r.Sizes},
	} {
		if *c.to, err = unpack(c.text, n); err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
	}
	flags, err := unpack(f.Flags, n)
	if err != nil {
		return nil, fmt.Errorf("column flags: %w", err)
	}
	r.Flags = make([]Flags, n)
	for row, v := range flags {
		if v >= int(fileFlagsEnd) {
			return nil, fmt.Errorf("column flags, row %d: %d is not known", row, v)
		}
		r.Flags[row] = Flags(v) & (flagsEnd - 1)
	}
	return r, r.validate()
}

// fields are the entries of a column of texts.
func fields(column string) []string {
	if column == "" {
		return []string{}
	}
	return strings.Split(column, " ")
}
