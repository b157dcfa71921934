package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// maxReading is how many parts of the catalog are read at once for one response.
const maxReading = 8

// assembled puts together a response that was not rendered ahead, byte for byte
// what rendering gives.
func (h *Handler) assembled(x *exchange) (object, error) {
	u := *x.u
	o, from, err := h.assembledObject(x.r.Context(), x.snapshot, &u, x.answer.Digest)
	x.source = from
	if from != fromCache && err == nil {
		x.source = fromAssembly
		h.metrics.assembled.WithLabelValues(x.snapshot.env).Inc()
	}
	return o, err
}

// assembledObject is that response as memory keeps it.
func (h *Handler) assembledObject(ctx context.Context, s *snapshot, u *url.URL, digest layout.Digest) (object, source, error) {
	return h.objects.get(ctx, "assembled/"+string(digest), func(ctx context.Context) (object, error) {
		a := s.explain(u)
		if a.Kind == answer.Count {
			return bodyObject(a.Body), nil
		}
		weight := min(int64(s.table.SearchSize(a.Selection)), h.o.CacheBytes)
		if err := h.assembling.Acquire(ctx, weight); err != nil {
			return object{}, err
		}
		defer h.assembling.Release(weight)
		body, err := h.assemble(ctx, s, a.Selection)
		return bodyObject(body), err
	})
}

func (h *Handler) assemble(ctx context.Context, s *snapshot, found answer.Selection) ([]byte, error) {
	parts, err := h.parts(ctx, s.table, found.Rows)
	if err != nil {
		return nil, err
	}
	return s.table.Assemble(found, func(dst []byte, row int) ([]byte, error) {
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
	o, _, err := h.objects.get(ctx, key, h.readDocument(key, func(_ context.Context, body io.Reader) error {
		content, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		return t.CheckPart(part, content)
	}))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("a part of the catalog: %w", err)
	}
	return o.body, err
}
