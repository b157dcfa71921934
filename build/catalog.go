package build

import (
	"context"
	"slices"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// block is the summaries of one name: made afresh, or as a live snapshot has them.
type block struct {
	made  answer.Block
	live  *liveSnapshot
	place layout.Place
}

func (k block) size() int {
	if k.live == nil {
		return len(k.made)
	}
	return k.place.Size
}

// bytes is the block; of a live snapshot the catalog must have been read.
func (k block) bytes() answer.Block {
	if k.live == nil {
		return k.made
	}
	return k.live.block(k.place)
}

// blocks finds or makes the block of each name. Those of names of which nothing
// changed are neither made nor read.
func (w *writer) blocks(ctx context.Context, t *target, r *layout.Routes) ([]block, error) {
	out := make([]block, len(r.Names))
	for i, name := range r.Names {
		from, to := r.Starts[i], r.Rows()
		if i+1 < len(r.Names) {
			to = r.Starts[i+1]
		}
		summaries := r.Summaries[from*layout.DigestLen : to*layout.DigestLen]
		for _, s := range w.live {
			if p, ok := s.blockOf(name, summaries); ok {
				out[i] = block{live: s, place: p}
				break
			}
		}
		if out[i].live != nil {
			continue
		}
		key := layout.DigestOf([]byte(summaries))
		if w.made[key] == nil {
			made, err := w.makeBlock(ctx, t.rows[from:to])
			if err != nil {
				return nil, err
			}
			w.made[key] = made
		}
		out[i].made = w.made[key]
	}
	return out, nil
}

// readCatalogs reads those of the live snapshots that rows or blocks come from.
func (w *writer) readCatalogs(ctx context.Context, rows []row, blocks []block) error {
	for i := range rows {
		if s := rows[i].live; s != nil {
			if err := s.readCatalog(ctx, w.store); err != nil {
				return err
			}
		}
	}
	for _, k := range blocks {
		if k.live != nil {
			if err := k.live.readCatalog(ctx, w.store); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) makeBlock(ctx context.Context, rows []row) (answer.Block, error) {
	if err := w.readCatalogs(ctx, rows, nil); err != nil {
		return nil, err
	}
	versions, summaries := make([]string, len(rows)), make([][]byte, len(rows))
	for i := range rows {
		r := &rows[i]
		var err error
		if summaries[i], err = r.summary(nil); err != nil {
			return nil, err
		}
		versions[i] = r.merged.Version
	}
	return answer.NewBlock(versions, summaries), nil
}

// setCatalog notes in routes how long the blocks are and which parts they make.
func setCatalog(r *layout.Routes, blocks []block) {
	for _, k := range blocks {
		r.Blocks = append(r.Blocks, k.size())
	}
	for _, n := range layout.CutParts(r.Names, r.Blocks) {
		r.Catalog = append(r.Catalog, layout.Part{Names: n})
	}
}

// partJob stores a part of the catalog.
func partJob(d layout.Digest, blocks []block) job {
	size := int64(0)
	for _, k := range blocks {
		size += int64(k.size())
	}
	return job{digest: d, part: true, size: size, body: func() ([]byte, error) {
		bodies := make([][]byte, len(blocks))
		for i, k := range blocks {
			bodies[i] = k.bytes()
		}
		return slices.Concat(bodies...), nil
	}}
}
