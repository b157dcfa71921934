package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// revision copies the objects of a package revision, and the list of its files
// when all of them are there.
func (c *Copier) revision(ctx context.Context, p layout.ManifestPackage) error {
	rev := revisionOf(p)
	// An earlier copy that was interrupted may have brought it.
	there, err := c.to.b.Read(ctx, rev.ContentsKey())
	switch {
	case err == nil:
		if err := store.HasSum(there, p.Contents); err != nil {
			if _, e := layout.DecodeContents(there, rev); e != nil {
				return fmt.Errorf("the target's %s: %w", rev.ContentsKey(), e)
			}
			return fmt.Errorf("%w: %s: the target has another one: %w", errDiffers, rev.ContentsKey(), err)
		}
		c.count(func(n *Copied) { n.Present++ })
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	body, list, err := c.from.Contents(ctx, rev, p.Contents)
	if err != nil {
		return err
	}
	g, ctx2 := errgroup.WithContext(ctx)
	g.SetLimit(cap(c.slots))
	put := func(o layout.Object, want layout.ObjectDigest) {
		g.Go(func() error { return c.object(ctx2, o, want) })
	}
	put(rev.Archive(), list.Archive)
	if list.Signature != nil {
		put(rev.Signature(), *list.Signature)
	}
	for _, f := range list.Objects() {
		put(rev.File(f), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.store(ctx, rev.Contents().With(body))
}

// store puts a small object that was checked.
func (c *Copier) store(ctx context.Context, o layout.Object) error {
	if err := c.to.b.Put(ctx, o); err != nil {
		return fmt.Errorf("store %s: %w", o.Key, err)
	}
	c.count(func(n *Copied) {
		n.Objects++
		n.Bytes += int64(len(o.Body))
	})
	return nil
}

// fewResponses is up to how many responses are copied without asking whether a
// broken-off copy has brought some: to ask costs a request for each thousand
// that the bucket holds.
const fewResponses = 100

// findResponses lists, once and if it is worth it, the responses in the target.
func (c *Copier) findResponses(ctx context.Context, wanted int) error {
	if c.found != nil || wanted <= fewResponses {
		return nil
	}
	found := map[string]bool{}
	for o, err := range c.to.b.List(ctx, layout.ResponsesPrefix) {
		if err != nil {
			return err
		}
		found[o.Key] = true
	}
	c.found = found
	return nil
}

// present reports whether a listing has shown all objects of a response.
func (c *Copier) present(r layout.ManifestResponse) bool {
	for _, key := range r.Keys() {
		if !c.found[key] {
			return false
		}
	}
	return true
}

// response copies a response and its encoded twin, or a part of the catalog.
func (c *Copier) response(ctx context.Context, r layout.ManifestResponse, class layout.CacheClass) error {
	if c.present(r) {
		c.count(func(n *Copied) { n.Present++ })
		return nil
	}
	o := r.Object(class)
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	if !r.EncodedOnly {
		if err := c.object(ctx, o, want); err != nil {
			return err
		}
	}
	if r.Gzip == 0 {
		return nil
	}
	return c.twin(ctx, o.Encoded(), r.Gzip, want)
}

// twin copies the encoded form of a response: what it inflates to is known, its
// own digest is not.
func (c *Copier) twin(ctx context.Context, o layout.Object, size int64, plain layout.ObjectDigest) error {
	done, err := c.slot(ctx)
	if err != nil {
		return err
	}
	defer done()
	return c.through(ctx, o, size, func(to io.Writer) error { return c.from.FetchEncoded(ctx, o.Key, to, size, plain) })
}
