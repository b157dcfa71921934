package find

import (
	"context"
	"slices"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// periods are when a version was live, the newest first.
func (s *search) periods(ctx context.Context, reigns []reign, version string) ([]Period, error) {
	out := []Period{}
	open := false
	for i, r := range reigns {
		st := s.states[r.snapshot]
		h, has := st.has[version]
		known := st.has != nil || r.snapshot == ""
		if open {
			last := &out[len(out)-1]
			// The log may know of another content that no manifest is left of.
			changed := r.move != nil && slices.Contains(changes(r.move.Changed, s.q), version)
			if has && !changed && (last.Revision == "" || h.revision == "" || last.Revision == h.revision) {
				last.Last = r.snapshot
				if last.Revision == "" {
					last.Revision, last.Branch = h.revision, h.branch
				}
				continue
			}
			open = false
			last.Until, last.Later = r.at, !known || r.at.IsZero()
			last.Ended = r.by()
		}
		if !has {
			continue
		}
		open = true
		p := Period{Since: r.at, First: r.snapshot, Last: r.snapshot, Revision: h.revision, Branch: h.branch, Began: r.by()}
		before := i > 0 && (reigns[i-1].snapshot == "" || s.states[reigns[i-1].snapshot].has != nil)
		p.Earlier = r.at.IsZero() || !before && !r.begins()
		out = append(out, p)
	}
	slices.Reverse(out)
	for i := range out {
		if err := s.origin(ctx, &out[i], reigns); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r reign) by() *layout.Move {
	if r.move == nil {
		return nil
	}
	return &r.move.Move
}

// origin finds what the first snapshot of a period was built from: by its manifest,
// or where it was pruned by the log, which has no authors.
func (s *search) origin(ctx context.Context, p *Period, reigns []reign) error {
	if err := s.readManifest(ctx, p.First); err != nil {
		return err
	}
	var branches []layout.ManifestBranch
	if m := s.read[p.First]; m != nil {
		branches = m.Branches
	} else if i := slices.IndexFunc(reigns, func(r reign) bool { return r.snapshot == p.First && r.move != nil }); i >= 0 {
		for _, b := range reigns[i].move.Branches {
			branches = append(branches, layout.ManifestBranch{Name: b.Name, Commit: b.Commit})
		}
	}
	if p.Branch == "" && len(branches) == 1 {
		p.Branch = branches[0].Name
	}
	for _, b := range branches {
		if b.Name == p.Branch {
			origin := publish.Branch(b)
			p.Origin = &origin
		}
	}
	return nil
}
