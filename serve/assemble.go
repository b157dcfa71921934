package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"

	"github.com/regsnap/regsnap/layout"
)

const (
	// maxAssembling is how many responses are put together at once.
	maxAssembling = 8
	// maxSpans is up to how many separate parts of the catalog are read, each
	// by a request to the store, rather than all of it.
	maxSpans = 4
	// fewRows is up to which part of the catalog reading parts pays: a quarter.
	fewRows = 4
	// spanGap is how many bytes between two parts are cheaper to read than to
	// ask the store once more.
	spanGap = 16 << 10
)

// assembled puts together a response that was not rendered ahead, byte for byte
// what rendering gives.
func (h *Handler) assembled(ctx context.Context, x *exchange, s *snapshot, a layout.Answer) (object, error) {
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
	parts, err := h.summaries(ctx, s.table, a.Selection)
	if err != nil {
		return nil, err
	}
	return s.table.Assemble(a.Selection, parts.row), nil
}

// span is a part of the catalog.
type span struct {
	offset int64
	body   []byte
	size   int64
}

// catalogParts are the parts of the catalog that have the rows of a selection.
type catalogParts struct {
	t     *layout.Table
	spans []span
}

// row is the summary of a row. Rows come in ascending order of their place, but
// a binary search would not be worth it for so few spans.
func (p *catalogParts) row(row int) []byte {
	offset, size := p.t.Span(row)
	for _, s := range p.spans {
		if offset >= s.offset && offset+size <= s.offset+s.size {
			return s.body[offset-s.offset:][:size:size]
		}
	}
	panic(fmt.Sprintf("serve: row %d was not read", row))
}

// summaries reads the summaries of a selection out of the catalog: a few
// neighbouring rows by their place, else all of it, which memory then keeps.
func (h *Handler) summaries(ctx context.Context, t *layout.Table, s layout.Selection) (*catalogParts, error) {
	key := layout.ResponseKey(t.Catalog)
	if _, inMemory := h.objects.peek(key); !inMemory {
		if spans := fewSpans(t, s.Rows); spans != nil {
			for i := range spans {
				if err := h.readSpan(ctx, key, &spans[i]); err != nil {
					return nil, err
				}
			}
			return &catalogParts{t, spans}, nil
		}
	}
	o, _, err := h.objects.get(ctx, key, h.readBody(key))
	if err != nil {
		return nil, err
	}
	if o.absent {
		h.objects.forget(key) // it must exist: once repaired it is to be found
		return nil, fmt.Errorf("%s: the catalog: %w", key, fs.ErrNotExist)
	}
	if size := t.CatalogSize(); int64(len(o.body)) != size {
		return nil, fmt.Errorf("%s: %w: it has %d bytes, the routes say %d", key, errDamaged, len(o.body), size)
	}
	return &catalogParts{t, []span{{0, o.body, int64(len(o.body))}}}, nil
}

// fewSpans merges neighbouring rows; nil when reading the parts would not pay.
func fewSpans(t *layout.Table, rows []int) []span {
	var spans []span
	total := int64(0)
	for _, row := range rows {
		offset, size := t.Span(row)
		if n := len(spans) - 1; n >= 0 && offset-(spans[n].offset+spans[n].size) <= spanGap {
			total += offset + size - (spans[n].offset + spans[n].size)
			spans[n].size = offset + size - spans[n].offset
			continue
		}
		spans = append(spans, span{offset: offset, size: size})
		total += size
		if len(spans) > maxSpans {
			return nil
		}
	}
	if total > t.CatalogSize()/fewRows {
		return nil
	}
	return spans
}

func (h *Handler) readSpan(ctx context.Context, key string, s *span) error {
	r, err := h.store.Open(ctx, key, s.offset, s.size)
	if err != nil {
		return err
	}
	s.body = make([]byte, s.size)
	_, err = io.ReadFull(r, s.body)
	if err != nil {
		err = fmt.Errorf("%s: bytes %d to %d: %w", key, s.offset, s.offset+s.size, err)
	}
	return errors.Join(err, r.Close())
}
