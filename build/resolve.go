package build

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// countingSource counts the contents that are read.
type countingSource struct {
	index.Source
	blobs *atomic.Int64
}

func (s countingSource) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	s.blobs.Add(int64(len(ids)))
	return s.Source.Read(ctx, ids, fn)
}

func (s countingSource) Prefetch(ctx context.Context, entries []index.Entry) error {
	if p, ok := s.Source.(index.Prefetcher); ok {
		return p.Prefetch(ctx, entries)
	}
	return nil
}

// resolve finds the facts of every row: from a live snapshot where one has the
// revision, else by reading and parsing the package. So the work is in
// proportion to what changed.
func (b *builder) resolve(ctx context.Context, targets []*target) error {
	need := newEntrySet(b.loaded)
	for _, t := range targets {
		for i := range t.rows {
			if !b.known(t.rows[i].revision) {
				need.add(t.rows[i].merged.Entry)
			}
		}
	}
	for _, t := range targets {
		if t.env.Catalogue {
			if err := b.pages.survey(ctx, t, b.Store, need); err != nil {
				return err
			}
		}
	}
	if err := b.load(ctx, need.entries); err != nil {
		return err
	}
	notices := make([]map[string]index.Entry, len(targets))
	again := newEntrySet(b.loaded)
	for i, t := range targets {
		var err error
		if notices[i], err = b.classify(t, again); err != nil {
			return err
		}
	}
	// A notice that came or went changes the documents of every version of the
	// name, so those have to be read although they did not change themselves.
	if err := b.load(ctx, again.entries); err != nil {
		return err
	}
	rendered := map[renderKey]*rendering{}
	for i, t := range targets {
		if err := b.renderRows(t, notices[i], rendered); err != nil {
			return err
		}
	}
	b.pages.takeDocuments(targets, func(e index.Entry) []byte {
		k := keyOf(e)
		return renderDocument(b.loaded[k].Package, View{Signed: b.signed(k)})
	})
	for _, l := range b.loaded {
		l.Package = nil // of use no more, and the largest part of what was read
	}
	return nil
}

// known reports whether a live snapshot has a revision.
func (b *builder) known(rev layout.Revision) bool {
	return slices.ContainsFunc(b.live, func(s *liveSnapshot) bool {
		_, ok := s.rows[rev]
		return ok
	})
}

// classify orders the rows of an environment and takes from live snapshots those
// whose answers are the same there: the same revision, under the same
// deprecation notice. It returns which entry's notice each name shows, and asks
// for what has to be read after all.
func (b *builder) classify(t *target, again *entrySet) (map[string]index.Entry, error) {
	if err := versionRows(t.rows); err != nil {
		return nil, err
	}
	notices := map[string]index.Entry{}
	for i := range t.rows { // ascending: the newest comes last
		if r := &t.rows[i]; b.deprecated(r) {
			notices[r.merged.Name] = r.merged.Entry
		}
	}
	for i := range t.rows {
		r := &t.rows[i]
		name := r.merged.Name
		notice, has := notices[name]
		for _, s := range b.live {
			row, there := s.rows[r.revision]
			shown, had := s.governing[name]
			if there && has == had && (!has || shown == revisionOf(notice, b.Sign)) {
				r.live, r.liveRow, r.facts = s, row, s.facts(row)
				break
			}
		}
		if r.live == nil {
			again.add(r.merged.Entry)
			if has {
				again.add(notice)
			}
		}
	}
	return notices, nil
}

// versionRows parses the versions of rows and sorts by them.
func versionRows(rows []row) error {
	for i := range rows {
		if rows[i].version != nil {
			return nil // that was done
		}
		var err error
		if rows[i].version, err = semver.StrictNewVersion(rows[i].merged.Version); err != nil {
			return err
		}
	}
	sortRows(rows)
	return nil
}

// deprecated reports whether a version carries a notice itself.
func (b *builder) deprecated(r *row) bool {
	for _, s := range b.live {
		if row, ok := s.rows[r.revision]; ok {
			return s.Manifest.Packages[row].Deprecated
		}
	}
	return b.loaded[keyOf(r.merged.Entry)].Package.Deprecated != nil
}

// renderKey is all that the documents of a package version depend on: its
// content, and whose deprecation notice it shows.
type renderKey struct{ entry, notice entryKey }

// renderRows renders the documents of the rows that were parsed, unless another
// environment has the same.
func (b *builder) renderRows(t *target, notices map[string]index.Entry, rendered map[renderKey]*rendering) error {
	var todo []renderKey
	for i := range t.rows {
		r := &t.rows[i]
		if r.live != nil {
			continue
		}
		k := renderKey{entry: keyOf(r.merged.Entry)}
		if notice, has := notices[r.merged.Name]; has {
			k.notice = keyOf(notice)
		}
		if rendered[k] == nil {
			f, err := factsOf(b.loaded[k.entry].Package, b.signed(k.entry), b.ranges)
			if err != nil {
				return err
			}
			rendered[k] = &rendering{facts: f}
			todo = append(todo, k)
		}
		r.rendering = rendered[k]
		r.facts = r.rendering.facts
	}
	parallel(len(todo), func(i int) {
		k := todo[i]
		v := View{Signed: b.signed(k.entry)}
		if k.notice != (entryKey{}) {
			v.Deprecated = b.loaded[k.notice].Package.Deprecated
		}
		rendered[k].render(b.loaded[k.entry].Package, v)
	})
	return nil
}

// load reads and parses entries; with findings it is ErrInvalid.
func (b *builder) load(ctx context.Context, entries []index.Entry) error {
	b.result.Stats.Packages += len(entries)
	list, err := b.loader.Load(ctx, entries, &b.result.Report)
	if err != nil {
		return err
	}
	for i, l := range list {
		b.loaded[keyOf(entries[i])] = l
	}
	if len(b.result.Report.Errors) > 0 {
		return ErrInvalid
	}
	return nil
}

// entrySet collects entries that are to be read, each once.
type entrySet struct {
	loaded  map[entryKey]*parse.Loaded
	seen    map[entryKey]bool
	entries []index.Entry
}

func newEntrySet(loaded map[entryKey]*parse.Loaded) *entrySet {
	return &entrySet{loaded: loaded, seen: map[entryKey]bool{}}
}

func (s *entrySet) add(e index.Entry) {
	k := keyOf(e)
	if s.seen[k] || s.loaded[k] != nil {
		return
	}
	s.seen[k] = true
	s.entries = append(s.entries, e)
}
