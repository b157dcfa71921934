package build

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// Live is a snapshot that is live when a build begins. What it lists is in the
// bucket, and what it says of a package revision need not be found out again.
type Live struct {
	Manifest *layout.Manifest
	// Routes are nil when their format is another version's.
	Routes *layout.Routes
}

// liveSnapshot is Live, ready for looking revisions up.
type liveSnapshot struct {
	Live
	table     *answer.Table
	rows      map[layout.Revision]int
	governing map[string]layout.Revision
	parts     [][]byte // of the catalog, once needed
	site      *layout.Site
	index     *layout.SiteIndex
}

// speaks reports whether a live snapshot says what this build would find out. One
// whose packages another render version wrote does not, or whose routes cannot be read,
// and no slice does: it shows deprecation notices of versions that it does not have.
func (l Live) speaks() bool {
	return SamePackages(l.Manifest.Render) && l.Routes != nil && l.Manifest.Slice == nil
}

// newLive prepares a live snapshot.
func newLive(l Live) (*liveSnapshot, error) {
	if len(l.Manifest.Packages) != l.Routes.Rows() {
		return nil, fmt.Errorf("live snapshot of %s: the manifest lists %d packages, the routes %d", l.Manifest.Environment, len(l.Manifest.Packages), l.Routes.Rows())
	}
	t, err := answer.NewTable(l.Routes)
	if err != nil {
		return nil, err
	}
	s := &liveSnapshot{Live: l, table: t, rows: make(map[layout.Revision]int, l.Routes.Rows()), governing: map[string]layout.Revision{}}
	for i, p := range l.Manifest.Packages {
		rev := l.Routes.Revision(i)
		if p.Name != rev.Name || p.Version != rev.Version || p.Revision != rev.ID {
			return nil, fmt.Errorf("live snapshot of %s: manifest and routes disagree on row %d", l.Manifest.Environment, i)
		}
		if !listed(l.Manifest.Responses, p.Document) {
			return nil, fmt.Errorf("live snapshot of %s: the manifest does not list the document of %s-%s", l.Manifest.Environment, p.Name, p.Version)
		}
		s.rows[rev] = i
		if p.Deprecated { // ascending: the newest comes last
			s.governing[p.Name] = rev
		}
	}
	return s, nil
}

// listed reports whether responses, which are sorted, have a digest.
func listed(responses []layout.ManifestResponse, d layout.Digest) bool {
	_, found := slices.BinarySearchFunc(responses, d, func(r layout.ManifestResponse, d layout.Digest) int { return cmp.Compare(r.Digest, d) })
	return found
}

// facts are what the live routes say of a row.
func (s *liveSnapshot) facts(row int) *facts {
	r := s.Routes
	return &facts{
		flags: r.Flags[row], kibana: r.Constraints[r.Kibana[row]], agent: r.Constraints[r.Agent[row]],
		spec: r.Specs[r.Spec[row]], packageType: r.Types[r.Type[row]],
		capabilities: r.Capabilities[r.Capability[row]], labels: r.Labels[r.Label[row]],
		templates: r.Templates[r.Template[row]], discovery: r.Discoveries[r.Discover[row]],
		size: r.Sizes[row], document: r.Document(row), summary: r.Summary(row),
		deprecated: s.Manifest.Packages[row].Deprecated,
	}
}

// same reports whether building would give this very snapshot: the same commits,
// packages and settings. Then there is nothing to do.
func (s *liveSnapshot) same(env Environment, o Options, branches []layout.ManifestBranch, rows []row) bool {
	m, r := s.Manifest, s.Routes
	if m.Environment != env.Name || m.Render != o.Render || m.Regsnap != o.Regsnap || m.Budget != o.Budget ||
		r.ServiceVersion != env.ServiceVersion || r.Cache != env.Cache || !sameCatalogue(m, env) ||
		len(m.Branches) != len(branches) || len(m.Packages) != len(rows) {
		return false
	}
	for i, b := range branches {
		if !m.Branches[i].Equal(b) {
			return false
		}
	}
	for i := range rows {
		e := rows[i].merged
		row, ok := s.rows[rows[i].revision]
		if !ok || m.Packages[row].Branch != e.Branch || len(m.Packages[row].Hides) != len(e.Hides) {
			return false
		}
		for j, h := range e.Hides {
			if m.Packages[row].Hides[j] != h {
				return false
			}
		}
	}
	return true
}
