package layout

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/Masterminds/semver/v3"
)

// Routes is all that an edge needs to turn any request of the registry API into
// an answer or a key. It is a table with a row for each package version, sorted
// by name, then by precedence of version (ties by text), kept as columns: a
// column of small numbers and shared tables stays small and is read fast in every
// language. A number in a column that names a table is an index into it, where
// 0 is the table's empty entry. routesfile.go has the form in which it is stored.
type Routes struct {
	Format      int
	Environment string
	// ServiceVersion is the version that "/" reports.
	ServiceVersion string
	Cache          CachePolicy
	// Site is the page that lists all others of the catalogue for people; empty if
	// the snapshot has none.
	Site Digest
	// Catalog is what unrendered searches are assembled from: parts that hold the
	// summary of every row, in order.
	Catalog []Part
	// Every is the response that shows every version: the one search whose
	// selection grows with the registry need not be hashed.
	Every Digest
	// Categories are titles and parents of the known categories, by id.
	Categories []Category

	// Shared tables.
	Constraints  []Ranges   // 0 accepts every version
	Capabilities [][]string // 0 requires none
	Types        []string   // 0 is ""
	Specs        []Spec
	Labels       [][]string   // sets of categories; 0 is none
	Templates    [][]Template // lists of policy templates; 0 is none
	Discoveries  []Discovery

	// Names, where the rows of each begin, and how long its block in the catalog
	// is, in bytes.
	Names  []string
	Starts []int
	Blocks []int

	// Columns, an entry a row.
	Versions   []string
	Flags      []Flags
	Kibana     []int // into Constraints
	Agent      []int // into Constraints
	Spec       []int // into Specs
	Type       []int // into Types
	Capability []int
	Label      []int
	Template   []int
	Discover   []int
	// Sizes are the lengths in bytes of the rows' summaries.
	Sizes []int
	// Revisions, Documents and Summaries are the rows' ids, without a
	// separator: 20, 32 and 32 characters a row. One long string costs an edge
	// far less memory than as many short ones.
	Revisions string
	Documents string
	Summaries string
}

// Category is a known category.
type Category struct {
	ID     string `json:"id"`
	Title  string `json:"title"`
	Parent string `json:"parent,omitempty"`
}

// Spec is the major and minor part of a package's format_version.
type Spec struct {
	Major uint64 `json:"major"`
	Minor uint64 `json:"minor"`
}

// Template is what the queries need of a policy template.
type Template struct {
	// Categories is nil when the policy template has none of its own.
	Categories []string `json:"categories"`
}

// Discovery is what the discovery filter needs.
type Discovery struct {
	Fields   []string `json:"fields,omitempty"`
	Datasets []string `json:"datasets,omitempty"`
}

// Flags are yes-or-no facts of a row.
type Flags uint8

const (
	// Experimental: the release is "experimental".
	Experimental Flags = 1 << iota
	// Signed: the archive has a detached signature.
	Signed
	flagsEnd
)

const revisionLen = 20

// Rows is the number of package versions.
func (r *Routes) Rows() int { return len(r.Versions) }

// Revision is the package revision of a row.
func (r *Routes) Revision(row int) Revision {
	return Revision{Name: r.Name(row), Version: r.Versions[row], ID: r.Revisions[row*revisionLen:][:revisionLen]}
}

// Name is the package name of a row.
func (r *Routes) Name(row int) string { return r.Names[r.NameOf(row)] }

// NameOf is the place of a row's name in Names.
func (r *Routes) NameOf(row int) int {
	i, found := slices.BinarySearch(r.Starts, row)
	if !found {
		i--
	}
	return i
}

// Document is the digest of a row's package document.
func (r *Routes) Document(row int) Digest { return Digest(r.Documents[row*DigestLen:][:DigestLen]) }

// Summary is the digest of a row's package summary.
func (r *Routes) Summary(row int) Digest { return Digest(r.Summaries[row*DigestLen:][:DigestLen]) }

// Find gives the row of a package version, or -1.
func (r *Routes) Find(name, version string) int {
	from, to := r.Versioned(name)
	for row := from; row < to; row++ {
		if r.Versions[row] == version {
			return row
		}
	}
	return -1
}

// Versioned gives the rows from <= row < to of a name; none when there is no
// such package.
func (r *Routes) Versioned(name string) (from, to int) {
	i, found := slices.BinarySearch(r.Names, name)
	if !found {
		return 0, 0
	}
	return r.NameRows(i)
}

func (r *Routes) NameRows(i int) (from, to int) {
	if i+1 < len(r.Starts) {
		return r.Starts[i], r.Starts[i+1]
	}
	return r.Starts[i], r.Rows()
}

var hexString = regexp.MustCompile(`^[0-9a-f]*$`)

func (r *Routes) validate() error {
	if !ValidEnvironment(r.Environment) {
		return fmt.Errorf("environment %q is not a name", r.Environment)
	}
	if err := r.Cache.Validate(); err != nil {
		return err
	}
	if err := r.validateSite(); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	if err := r.validateCatalog(); err != nil {
		return fmt.Errorf("catalog: %w", err)
	}
	n := r.Rows()
	for _, c := range []struct {
		name  string
		col   []int
		table int
	}{
		{"kibana", r.Kibana, len(r.Constraints)},
		{"agent", r.Agent, len(r.Constraints)},
		{"spec", r.Spec, len(r.Specs)},
		{"type", r.Type, len(r.Types)},
		{"capability", r.Capability, len(r.Capabilities)},
		{"label", r.Label, len(r.Labels)},
		{"template", r.Template, len(r.Templates)},
		{"discovery", r.Discover, len(r.Discoveries)},
		{"sizes", r.Sizes, maxNumber + 1},
	} {
		if len(c.col) != n {
			return fmt.Errorf("column %s has %d entries, want %d", c.name, len(c.col), n)
		}
		for row, i := range c.col {
			if i < 0 || i >= c.table {
				return fmt.Errorf("column %s, row %d: %d is outside its table of %d", c.name, row, i, c.table)
			}
		}
	}
	if len(r.Flags) != n {
		return fmt.Errorf("column flags has %d entries, want %d", len(r.Flags), n)
	}
	for row, f := range r.Flags {
		if f >= flagsEnd {
			return fmt.Errorf("column flags, row %d: %d is not known", row, f)
		}
	}
	for _, c := range []struct {
		name, col string
		width     int
	}{{"revisions", r.Revisions, revisionLen}, {"documents", r.Documents, DigestLen}, {"summaries", r.Summaries, DigestLen}} {
		if len(c.col) != n*c.width || !hexString.MatchString(c.col) {
			return fmt.Errorf("column %s has %d characters, want %d hexadecimal digits", c.name, len(c.col), n*c.width)
		}
	}
	return r.validateNames()
}

// validateCatalog checks that every name has a block, and every block a part.
func (r *Routes) validateCatalog() error {
	if _, err := ParseDigest(string(r.Every)); err != nil {
		return fmt.Errorf("every: %w", err)
	}
	names := 0
	for i, p := range r.Catalog {
		if _, err := ParseDigest(string(p.Digest)); err != nil {
			return fmt.Errorf("part %d: %w", i, err)
		}
		if p.Names < 1 || p.Names > len(r.Names)-names {
			return fmt.Errorf("part %d has %d names of %d", i, p.Names, len(r.Names))
		}
		names += p.Names
	}
	if names != len(r.Names) || len(r.Blocks) != len(r.Names) {
		return fmt.Errorf("%d names in parts, %d blocks, want %d", names, len(r.Blocks), len(r.Names))
	}
	for i, size := range r.Blocks {
		if size < 0 || size > maxNumber {
			return fmt.Errorf("name %d: a block of %d bytes", i, size)
		}
	}
	return nil
}

// validateNames checks that names and versions are what the searches by
// bisection expect.
func (r *Routes) validateNames() error {
	if len(r.Names) != len(r.Starts) || len(r.Names) == 0 != (r.Rows() == 0) {
		return fmt.Errorf("%d names with %d starts and %d rows", len(r.Names), len(r.Starts), r.Rows())
	}
	for i, name := range r.Names {
		if !ValidPackageName(name) {
			return fmt.Errorf("package name %q", name)
		}
		if i > 0 && (name <= r.Names[i-1] || r.Starts[i] <= r.Starts[i-1]) || i == 0 && r.Starts[0] != 0 || r.Starts[i] >= r.Rows() {
			return fmt.Errorf("names are not sorted at %q", name)
		}
	}
	for i := range r.Names {
		from, to := r.NameRows(i)
		var last *semver.Version
		for row := from; row < to; row++ {
			v, err := semver.StrictNewVersion(r.Versions[row])
			if err != nil {
				return fmt.Errorf("%s: version %q: %w", r.Names[i], r.Versions[row], err)
			}
			if last != nil && (last.GreaterThan(v) || last.Equal(v) && last.Original() >= v.Original()) {
				return fmt.Errorf("%s: versions are not sorted at %q", r.Names[i], r.Versions[row])
			}
			last = v
		}
	}
	return nil
}
