package build

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// readCatalog fetches the summaries of the live snapshot and holds them against
// its manifest.
func (s *liveSnapshot) readCatalog(ctx context.Context, store Store) error {
	if s.parts != nil {
		return nil
	}
	sums := map[layout.Digest]layout.ManifestResponse{}
	for _, r := range s.Manifest.Responses {
		if r.Part {
			sums[r.Digest] = r
		}
	}
	parts := make([][]byte, len(s.Routes.Catalog))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxRendering)
	for i, p := range s.Routes.Catalog {
		g.Go(func() error {
			key := layout.PartKey(p.Digest)
			body, err := store.Read(ctx, key)
			if err != nil {
				return err
			}
			if sum, size := sums[p.Digest].SHA256, s.table.PartSize(i); sum != sha256Hex(body) || len(body) != size {
				return fmt.Errorf("%s: %d bytes, want %d of SHA-256 %q, as routes and manifest of %s say: the object is damaged", key, len(body), size, sum, s.Manifest.ID())
			}
			parts[i] = body
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	s.parts = parts
	return nil
}

// summary appends the summary of a row; readCatalog must have been called.
func (s *liveSnapshot) summary(dst []byte, row int) ([]byte, error) {
	place, i, rows := s.table.Block(row)
	return s.block(place).Append(dst, i, rows)
}

// block is what lies at a place; readCatalog must have been called.
func (s *liveSnapshot) block(p layout.Place) answer.Block {
	return s.parts[p.Part][p.Offset:][:p.Size:p.Size]
}

// blockOf is where the block of a name lies whose rows have these summaries;
// ok is false if there is none such.
func (s *liveSnapshot) blockOf(name, summaries string) (p layout.Place, ok bool) {
	from, to := s.table.Versioned(name)
	if s.Routes.Summaries[from*layout.DigestLen:to*layout.DigestLen] != summaries {
		return p, false
	}
	p, _, _ = s.table.Block(from)
	return p, true
}
