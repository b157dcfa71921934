package build

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// writeLists stores the lists of a manifest that are to be objects of their own, but
// for those that are in the bucket.
func (w *writer) writeLists(ctx context.Context, env Environment, m *layout.Manifest) error {
	if env.Inline == 0 {
		return nil
	}
	lists := m.Split(env.Inline)
	if len(lists) == 0 {
		return nil
	}
	stored := make([]layout.ManifestResponse, len(lists))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(min(w.put.parallel, maxRendering))
	for i, l := range lists {
		g.Go(func() (err error) {
			body := l.Encode()
			j := job{digest: layout.DigestOf(body), class: layout.CacheContent, body: func() ([]byte, error) { return body, nil }, encoded: true}
			w.mu.Lock()
			r, there := w.lists[j.digest]
			w.mu.Unlock()
			if !there {
				if r, err = w.storeResponse(ctx, j); err != nil {
					return err
				}
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			stored[i], w.lists[j.digest] = r, r
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	m.SetLists(stored)
	return nil
}
