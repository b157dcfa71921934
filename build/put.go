package build

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// immutable is the Cache-Control of what only edges and tools read: it never changes.
const immutable = "public, max-age=31536000, immutable"

// cacheControl is the header that an object carries for clients that read the
// bucket through a plain CDN. Revisions and responses belong to no environment,
// so it is the API's default; edges say what their environment is set to.
func cacheControl(class layout.CacheClass) string {
	return strings.Join(layout.DefaultCachePolicy.Header(class), ", ")
}

// putter stores objects, a bounded number at once.
type putter struct {
	store Store
	slots chan struct{}
	// stored, if set, is called after each object.
	stored func(bytes int)
}

func newPutter(store Store, parallel int, stored func(bytes int)) *putter {
	return &putter{store: store, slots: make(chan struct{}, parallel), stored: stored}
}

func (p *putter) now(ctx context.Context, o layout.Object) error {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-p.slots }()
	if err := p.store.Put(ctx, o); err != nil {
		return fmt.Errorf("store %s: %w", o.Key, err)
	}
	if p.stored != nil {
		p.stored(len(o.Body))
	}
	return nil
}

// putGroup is objects that are stored side by side and waited for together.
type putGroup struct {
	p   *putter
	g   *errgroup.Group
	ctx context.Context
}

func (p *putter) group(ctx context.Context) *putGroup {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(cap(p.slots))
	return &putGroup{p: p, g: g, ctx: ctx}
}

func (g *putGroup) put(o layout.Object) { g.g.Go(func() error { return g.p.now(g.ctx, o) }) }
func (g *putGroup) wait() error         { return g.g.Wait() }
