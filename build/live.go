package build

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/layout"
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
	table     *layout.Table
	rows      map[layout.Revision]int
	governing map[string]layout.Revision
	catalog   []byte // the summaries, once needed
}

// speaks tells whether a live snapshot says what this build would find out. One
// that another render version wrote does not, or whose routes cannot be read, and
// no slice does: it shows deprecation notices of versions that it does not have.
func (l Live) speaks() bool {
	return l.Manifest.Render == RenderVersion && l.Routes != nil && l.Manifest.Slice == nil
}

// newLive prepares a live snapshot.
func newLive(l Live) (*liveSnapshot, error) {
	if len(l.Manifest.Packages) != l.Routes.Rows() {
		return nil, fmt.Errorf("live snapshot of %s: the manifest lists %d packages, the routes %d", l.Manifest.Environment, len(l.Manifest.Packages), l.Routes.Rows())
	}
	t, err := layout.NewTable(l.Routes)
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

// listed tells whether responses, which are sorted, have a digest.
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

// fragment is a row's summary; readCatalog must have been called.
func (s *liveSnapshot) fragment(row int) []byte {
	offset, size := s.table.Span(row)
	return s.catalog[offset:][:size:size]
}

// maxReserve is how much memory is set aside for a catalog before any of it has
// come, in bytes: the routes say how long it is, but have not been proved right.
const maxReserve = 256 << 20

// readCatalog fetches the summaries of the live snapshot, encoded where the
// bucket has them so.
func (s *liveSnapshot) readCatalog(ctx context.Context, store Store) error {
	if s.catalog != nil {
		return nil
	}
	key := layout.ResponseKey(s.Routes.Catalog)
	encoded := false
	for _, r := range s.Manifest.Responses {
		if r.Digest == s.Routes.Catalog && r.Gzip > 0 {
			key, encoded = key+layout.GzipSuffix, true
		}
	}
	body, err := store.Read(ctx, key)
	if err != nil {
		return err
	}
	if encoded {
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		plain := bytes.NewBuffer(make([]byte, 0, min(s.table.CatalogSize(), maxReserve)+bytes.MinRead))
		if _, err := plain.ReadFrom(io.LimitReader(r, s.table.CatalogSize()+1)); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		body = plain.Bytes()
	}
	if int64(len(body)) != s.table.CatalogSize() {
		return fmt.Errorf("%s: %d bytes, want %d: the object is damaged", key, len(body), s.table.CatalogSize())
	}
	s.catalog = body
	return nil
}

// same tells whether building would give this very snapshot: the same commits,
// packages and settings. Then there is nothing to do.
func (s *liveSnapshot) same(env Environment, o Options, branches []layout.ManifestBranch, rows []row) bool {
	m, r := s.Manifest, s.Routes
	if m.Environment != env.Name || m.Regsnap != o.Regsnap || m.Budget != o.Budget ||
		r.ServiceVersion != env.ServiceVersion || r.Cache != env.Cache ||
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
