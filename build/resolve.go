package build

import (
	"context"
	"sync/atomic"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
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
		if t.done != nil {
			continue
		}
		for _, m := range t.set {
			if len(b.having(revisionOf(m.Entry))) == 0 {
				need.add(m.Entry)
			}
		}
	}
	if err := b.load(ctx, need.entries); err != nil {
		return err
	}
	notices := make([]map[string]index.Entry, len(targets))
	again := newEntrySet(b.loaded)
	for i, t := range targets {
		if t.done != nil {
			continue
		}
		var err error
		if notices[i], err = b.rows(t, again); err != nil {
			return err
		}
	}
	// A notice that came or went changes the documents of every version of the
	// name, so those have to be read although they did not change themselves.
	if err := b.load(ctx, again.entries); err != nil {
		return err
	}
	for i, t := range targets {
		if err := b.renderRows(t, notices[i]); err != nil {
			return err
		}
	}
	return nil
}

// having gives the live snapshots that have a revision.
func (b *builder) having(rev layout.Revision) []*liveSnapshot {
	var out []*liveSnapshot
	for _, s := range b.live {
		if _, ok := s.rows[rev]; ok {
			out = append(out, s)
		}
	}
	return out
}

// rows sorts the rows of an environment and takes from live snapshots those
// whose answers are the same there: the same revision, under the same
// deprecation notice. It returns which entry's notice each name shows, and asks
// for what has to be read after all.
func (b *builder) rows(t *target, again *entrySet) (map[string]index.Entry, error) {
	t.rows = make([]row, len(t.set))
	for i, m := range t.set {
		v, err := semver.StrictNewVersion(m.Version)
		if err != nil {
			return nil, err
		}
		t.rows[i] = row{merged: m, revision: revisionOf(m.Entry), version: v}
	}
	sortRows(t.rows)
	notices := map[string]index.Entry{}
	for _, r := range t.rows { // ascending: the newest comes last
		if b.deprecated(r) {
			notices[r.merged.Name] = r.merged.Entry
		}
	}
	for i := range t.rows {
		r := &t.rows[i]
		name := r.merged.Name
		notice, has := notices[name]
		for _, s := range b.having(r.revision) {
			shown, had := s.governing[name]
			if has == had && (!has || shown == revisionOf(notice)) {
				r.live, r.liveRow = s, s.rows[r.revision]
				r.facts = s.facts(r.liveRow)
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

// deprecated tells whether a version carries a notice itself.
func (b *builder) deprecated(r row) bool {
	if l := b.loaded[keyOf(r.merged.Entry)]; l != nil {
		return l.Package.Deprecated != nil
	}
	s := b.having(r.revision)[0]
	return s.Manifest.Packages[s.rows[r.revision]].Deprecated
}

// renderRows renders the documents of the rows that were parsed.
func (b *builder) renderRows(t *target, notices map[string]index.Entry) error {
	for i := range t.rows {
		r := &t.rows[i]
		if r.live != nil {
			continue
		}
		p := b.loaded[keyOf(r.merged.Entry)].Package
		var err error
		if r.facts, err = factsOf(p, !r.merged.Signature.IsZero(), b.ranges); err != nil {
			return err
		}
	}
	parallel(len(t.rows), func(i int) {
		r := &t.rows[i]
		if r.live != nil {
			return
		}
		v := View{Signed: !r.merged.Signature.IsZero()}
		if notice, has := notices[r.merged.Name]; has {
			v.Deprecated = b.loaded[keyOf(notice)].Package.Deprecated
		}
		r.render(b.loaded[keyOf(r.merged.Entry)].Package, v)
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
	loaded  map[entryKey]*index.Loaded
	seen    map[entryKey]bool
	entries []index.Entry
}

func newEntrySet(loaded map[entryKey]*index.Loaded) *entrySet {
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
