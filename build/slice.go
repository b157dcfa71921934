package build

import (
	"context"
	"errors"
	"fmt"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/suggest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// errEmptySlice: a slice's queries see nothing.
var errEmptySlice = errors.New("no package version belongs to the slice")

// SliceOptions say which part of a snapshot to make a snapshot of.
type SliceOptions struct {
	// Of is the snapshot, whose catalog From has.
	Of    Live
	From  Store
	Slice layout.Slice
	// Regsnap is the version of this program, as the manifest records it.
	Regsnap string
	// Parallel is how many objects are stored at once.
	Parallel int
	Progress func(Progress)
}

// Sliced is a slice on its way to a snapshot.
type Sliced struct {
	o       SliceOptions
	of      *liveSnapshot
	target  *target
	content *layout.Manifest
}

// NewSlice finds out what belongs to a slice. It writes nothing.
func NewSlice(o SliceOptions) (*Sliced, error) {
	m := o.Of.Manifest
	if !SamePackages(m.Render) {
		return nil, fmt.Errorf("%s was rendered by regsnap %s (render version %d, this is %d): build it again with this version to slice it", m.ID(), m.Regsnap, m.Render, RenderVersion)
	}
	of, err := newLive(o.Of)
	if err != nil {
		return nil, err
	}
	slice, err := answer.NormalSlice(o.Slice)
	if err != nil {
		return nil, err
	}
	rows, err := of.table.SliceRows(slice)
	if err != nil {
		return nil, suggestPackage(err, m)
	}
	if rows.Len() == 0 {
		return nil, errEmptySlice
	}
	s := &Sliced{o: o, of: of, content: &layout.Manifest{Environment: m.Environment, Render: m.Render}}
	s.target = &target{
		env:      Environment{Name: m.Environment, ServiceVersion: o.Of.Routes.ServiceVersion, Cache: o.Of.Routes.Cache, Catalogue: catalogueOf(m), Inline: inlineOf(m)},
		branches: m.Branches,
		slice:    &layout.SliceOf{Snapshot: m.ID(), Slice: slice},
	}
	documents, pages := map[layout.Digest]bool{}, map[layout.Digest]bool{}
	for i := range rows.All {
		r, err := of.row(i)
		if err != nil {
			return nil, err
		}
		s.target.rows = append(s.target.rows, r)
		s.content.Packages = append(s.content.Packages, m.Packages[i])
		documents[r.facts.document] = true
		if p := m.Packages[i].Page; p != "" && s.target.env.Catalogue {
			pages[p] = true
		}
	}
	for _, r := range m.Responses {
		if documents[r.Digest] || pages[r.Digest] {
			s.content.Responses = append(s.content.Responses, r)
		}
	}
	if want := len(documents) + len(pages); len(s.content.Responses) != want {
		return nil, fmt.Errorf("manifest of %s: it lists %d of %d package documents and pages: the object is damaged", m.ID(), len(s.content.Responses), want)
	}
	return s, nil
}

// catalogueOf reports whether a slice of a snapshot has a catalogue: if pages of this
// version of regsnap go with those that are there.
func catalogueOf(m *layout.Manifest) bool {
	return m.Catalogue != nil && m.Catalogue.Render == catalog.Render()
}

// inlineOf is how a slice of a snapshot lists what it has: as that does.
func inlineOf(m *layout.Manifest) int {
	if len(m.Lists) == 0 {
		return 0
	}
	return layout.InlineLists
}

// row is a row of a live snapshot, as if it had just been merged.
func (s *liveSnapshot) row(i int) (row, error) {
	p, rev := s.Manifest.Packages[i], s.Routes.Revision(i)
	r := row{revision: rev, facts: s.facts(i), live: s, liveRow: i}
	r.merged = &index.Merged{Entry: index.Entry{Branch: p.Branch, Name: p.Name, Version: p.Version}, Hides: p.Hides}
	var err error
	if r.version, err = semver.StrictNewVersion(p.Version); err != nil {
		return row{}, err
	}
	if r.merged.Tree, err = index.ParseID(p.Source); err == nil && p.Signature != "" {
		r.merged.Signature, err = index.ParseID(p.Signature)
	}
	if err != nil {
		return row{}, fmt.Errorf("manifest of %s: %s-%s: %w", s.Manifest.ID(), p.Name, p.Version, err)
	}
	return r, nil
}

// Content lists the package revisions and package documents that must be in the
// store before Write: they are those of the whole snapshot, byte for byte.
func (s *Sliced) Content() *layout.Manifest { return s.content }

// Write renders the slice's searches, its routes and its manifest.
func (s *Sliced) Write(ctx context.Context, to Store) (*Snapshot, error) {
	w := newWriter(to, s.o.Parallel, s.o.Progress)
	defer w.put.close()
	w.budget, w.regsnap, w.live = s.of.Manifest.Budget, s.o.Regsnap, []*liveSnapshot{s.of}
	w.vouch(s.content)
	if err := s.of.readCatalog(ctx, s.o.From); err != nil {
		return nil, err
	}
	if s.target.env.Catalogue {
		if err := w.pages.survey(ctx, s.target, s.o.From, nil); err != nil {
			return nil, err
		}
	}
	p, err := w.plan(ctx, s.target)
	if err != nil {
		return nil, err
	}
	return w.snapshot(ctx, s.target, p)
}

// suggestPackage adds to an error about packages that a snapshot does not have which
// one was meant.
func suggestPackage(err error, m *layout.Manifest) error {
	var missing answer.MissingError
	if !errors.As(err, &missing) {
		return err
	}
	var known []string
	for _, p := range m.Packages {
		known = append(known, p.Name, p.Name+"-"+p.Version)
	}
	for _, p := range missing {
		if hint := suggest.DidYouMean(p, known); hint != "" {
			return fmt.Errorf("%w%s", err, hint)
		}
	}
	return err
}
