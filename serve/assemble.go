package serve

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

const (
	// maxAssembling is how many responses are put together at once.
	maxAssembling = 8
	// maxReading is how many parts of the catalog are read at once for one.
	maxReading = 8
)

// assembled puts together a response that was not rendered ahead, byte for byte
// what rendering gives.
func (h *Handler) assembled(ctx context.Context, x *exchange, s *snapshot, a answer.Answer) (object, error) {
	u := *x.u
	o, from, err := h.objects.get(ctx, "assembled/"+string(a.Digest), func(ctx context.Context) (object, error) {
		select {
		case h.assembling <- struct{}{}:
			defer func() { <-h.assembling }()
		case <-ctx.Done():
			return object{}, ctx.Err()
		}
		body, err := h.assemble(ctx, s, &u)
		return bodyObject(body), err
	})
	x.source = from
	if from != fromCache && err == nil {
		x.source = fromAssembly
		h.metrics.assembled.WithLabelValues(s.env).Inc()
	}
	return o, err
}

func (h *Handler) assemble(ctx context.Context, s *snapshot, u *url.URL) ([]byte, error) {
	a := s.explain(u)
	if a.Query != nil && a.Query.Counting {
		return a.Body, nil
	}
	parts, err := h.parts(ctx, s.table, a.Selection.Rows)
	if err != nil {
		return nil, err
	}
	return s.table.Assemble(a.Selection, func(dst []byte, row int) ([]byte, error) {
		place, i, rows := s.table.Block(row)
		dst, err := answer.Block(parts[place.Part][place.Offset:][:place.Size]).Append(dst, i, rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", layout.PartKey(s.table.Catalog[place.Part].Digest), errDamaged, err)
		}
		return dst, nil
	})
}

// parts reads the parts of the catalog that have the rows, which memory then
// keeps.
func (h *Handler) parts(ctx context.Context, t *answer.Table, rows []int) ([][]byte, error) {
	parts := make([][]byte, len(t.Catalog))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxReading)
	for _, part := range t.Parts(rows) {
		g.Go(func() (err error) {
			parts[part], err = h.part(ctx, t, part)
			return err
		})
	}
	return parts, g.Wait()
}

func (h *Handler) part(ctx context.Context, t *answer.Table, part int) ([]byte, error) {
	key := layout.PartKey(t.Catalog[part].Digest)
	o, _, err := h.objects.get(ctx, key, h.readBody(key))
	if err != nil {
		return nil, err
	}
	if o.absent {
		h.objects.forget(key) // it must exist: once repaired it is to be found
		return nil, fmt.Errorf("%s: a part of the catalog: %w", key, fs.ErrNotExist)
	}
	if size := t.PartSize(part); len(o.body) != size {
		return nil, fmt.Errorf("%s: %w: it has %d bytes, the routes say %d", key, errDamaged, len(o.body), size)
	}
	return o.body, nil
}
