package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// errDiffers: two buckets hold different contents under one key, which no two
// buckets of the same render version do.
var errDiffers = errors.New("the buckets disagree")

// Copied counts what a Copier did.
type Copied struct {
	// Units are package revisions and responses; Total is how many of them the
	// target was not known to have.
	Units int `json:"units"`
	Total int `json:"total"`
	// Present are units that an earlier copy, which was interrupted, had brought.
	Present int `json:"present"`
	// Objects and Bytes were read, checked and stored.
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Linked are objects that the target made of a content it had already.
	Linked int `json:"linked,omitempty"`
}

// Copier copies what snapshots refer to from a bucket into another. Every object
// is compared with the digests that the manifest and the lists of files have
// before it is stored, and the order in which objects are stored says, as in a
// build, what is complete. The bucket that is read is not trusted: no length in
// it makes memory grow beyond a small bound.
type Copier struct {
	from     *Bucket
	to       *Lease
	progress func(Copied)
	slots    chan struct{}

	mu     sync.Mutex
	copied Copied
	// known are units that the target has.
	revisions map[layout.Revision]string // with the SHA-256 of contents.json
	responses map[layout.Digest]layout.ManifestResponse
	// found are the responses that broken-off copies have brought; nil before
	// anybody has looked.
	found map[string]bool
}

// CopyOptions tell how to copy.
type CopyOptions struct {
	// Parallel is how many objects are copied at once; 0 is what fits the stores.
	Parallel int
	// Progress, if set, is told how far the copy is. It must not block.
	Progress func(Copied)
}

// CopyFrom prepares a copy into the bucket of the lease. What the manifests list
// that the lease knows, because they are live or were stored under it, is there
// and is not looked at.
func (l *Lease) CopyFrom(from *Bucket, o CopyOptions) *Copier {
	if o.Parallel <= 0 {
		o.Parallel = max(from.Parallel(), l.b.Parallel())
	}
	c := &Copier{
		from: from, to: l, progress: o.Progress, slots: make(chan struct{}, o.Parallel),
		revisions: map[layout.Revision]string{}, responses: map[layout.Digest]layout.ManifestResponse{},
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.manifests {
		c.vouch(m)
	}
	return c
}

// Copied is what was done so far.
func (c *Copier) Copied() Copied {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.copied
}

func (c *Copier) vouch(m *layout.Manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range m.Packages {
		c.revisions[revisionOf(p)] = p.Contents
	}
	for _, r := range m.Stored() {
		c.responses[r.Digest] = r
	}
}

func revisionOf(p layout.ManifestPackage) layout.Revision {
	return layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
}

// Snapshot copies a snapshot whole: what it refers to, then its routes, then its
// manifest, whose presence says that all is there.
func (c *Copier) Snapshot(ctx context.Context, m *layout.Manifest) error {
	// Also when all that it refers to is there: its routes must not be pruned
	// before its manifest is stored.
	if err := c.to.hold(ctx); err != nil {
		return err
	}
	env, id := m.Environment, m.ID()
	if err := c.Content(ctx, m, id); err != nil {
		return err
	}
	_, routes, err := c.from.routes(ctx, m, id)
	if err != nil {
		return err
	}
	if err := c.store(ctx, layout.RoutesObject(env, id).With(routes)); err != nil {
		return err
	}
	if err := c.to.Put(ctx, layout.ManifestObject(env, id).With(m.Encode())); err != nil {
		return fmt.Errorf("store %s: %w", layout.ManifestKey(env, id), err)
	}
	c.vouch(m)
	return nil
}

// Plan counts what Snapshot would copy, in Total, and copies nothing.
func (c *Copier) Plan(m *layout.Manifest) error {
	revisions, responses, err := c.missing(m)
	if err != nil {
		return err
	}
	c.count(func(n *Copied) { n.Total += len(revisions) + len(responses) })
	c.vouch(m)
	return nil
}

// Content copies the packages and responses that a manifest lists. It may be a
// manifest that is in no bucket, of a part of the snapshot with that id.
func (c *Copier) Content(ctx context.Context, m *layout.Manifest, of string) error {
	revisions, responses, err := c.missing(m)
	if len(revisions)+len(responses) == 0 { // so it is after an error
		return err
	}
	if err := c.to.hold(ctx); err != nil {
		return err
	}
	c.count(func(n *Copied) { n.Total += len(revisions) + len(responses) })
	classes := responseClasses(m)
	err = c.each(ctx, len(revisions), revisionsAtOnce(cap(c.slots)), func(ctx context.Context, i int) error {
		return c.revision(ctx, revisions[i])
	})
	if err == nil {
		err = c.findResponses(ctx, len(responses))
	}
	if err == nil {
		err = c.each(ctx, len(responses), cap(c.slots), func(ctx context.Context, i int) error {
			return c.response(ctx, responses[i], classes[responses[i].Digest])
		})
	}
	return c.from.Explain(ctx, m.Environment, of, err)
}

// revisionsAtOnce leaves a revision some objects to copy side by side, and many
// small revisions too.
func revisionsAtOnce(objects int) int { return max(2, objects/4) }

// each calls fn for 0 to n-1, some at once.
func (c *Copier) each(ctx context.Context, n, atOnce int, fn func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range n {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := fn(ctx, i); err != nil {
				return err
			}
			c.count(func(n *Copied) { n.Units++ })
			return nil
		})
	}
	return g.Wait()
}

func (c *Copier) count(add func(*Copied)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	add(&c.copied)
	if c.progress != nil {
		c.progress(c.copied)
	}
}

// missing is what a manifest lists and the target is not known to have.
func (c *Copier) missing(m *layout.Manifest) ([]layout.ManifestPackage, []layout.ManifestResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var packages []layout.ManifestPackage
	for _, p := range m.Packages {
		sum, there := c.revisions[revisionOf(p)]
		switch {
		case !there:
			packages = append(packages, p)
		case sum != p.Contents:
			return nil, nil, differs(revisionOf(p).ContentsKey(), sum, p.Contents)
		}
	}
	var responses []layout.ManifestResponse
	for _, r := range m.Stored() {
		had, there := c.responses[r.Digest]
		switch {
		case there && had.SHA256 != r.SHA256:
			return nil, nil, differs(r.Object(layout.CacheContent).Key, had.SHA256, r.SHA256)
		case !there, !covers(had, r):
			responses = append(responses, r)
		}
	}
	return packages, responses, nil
}

// covers reports whether a response that is there has all objects of one that is wanted.
// Another version of regsnap may keep it in another form.
func covers(there, wanted layout.ManifestResponse) bool {
	keys := there.Keys()
	return !slices.ContainsFunc(wanted.Keys(), func(key string) bool { return !slices.Contains(keys, key) })
}

func differs(key, there, here string) error {
	return fmt.Errorf("%w: %s: SHA-256 %s there, %s here: they were not written by the same version of regsnap", errDiffers, key, there, here)
}

// responseClasses tell documents from searches: they are cached differently.
func responseClasses(m *layout.Manifest) map[layout.Digest]layout.CacheClass {
	classes := make(map[layout.Digest]layout.CacheClass, len(m.Responses))
	for _, r := range m.Stored() {
		classes[r.Digest] = layout.CacheContent
	}
	for _, p := range m.Packages {
		classes[p.Document] = layout.CacheIndex
	}
	return classes
}

// object copies one object whose size and digest are known.
func (c *Copier) object(ctx context.Context, o layout.Object, want layout.ObjectDigest) error {
	done, err := c.slot(ctx)
	if err != nil {
		return err
	}
	defer done()
	if o.SHA256 != "" {
		linked, err := c.to.b.can.Link(o)
		if err != nil {
			return err
		}
		if linked {
			c.count(func(n *Copied) { n.Linked++ })
			return nil
		}
	}
	return c.through(ctx, o, want.Size, func(to io.Writer) error { return c.from.Fetch(ctx, o.Key, to, want) })
}

// slot waits for leave to copy an object.
func (c *Copier) slot(ctx context.Context) (done func(), err error) {
	select {
	case c.slots <- struct{}{}:
		return func() { <-c.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// through stores what fill writes, unless that fails.
func (c *Copier) through(ctx context.Context, o layout.Object, size int64, fill func(to io.Writer) error) error {
	to, err := c.to.b.can.Stage(o)
	if err != nil {
		return fmt.Errorf("store %s: %w", o.Key, err)
	}
	if err := fill(to); err != nil {
		return errors.Join(err, to.Discard())
	}
	if err := errors.Join(to.Commit(ctx), to.Discard()); err != nil {
		return fmt.Errorf("store %s: %w", o.Key, err)
	}
	c.count(func(n *Copied) {
		n.Objects++
		n.Bytes += size
	})
	return nil
}

// Live are the manifests that were live when the lease was made.
func (l *Lease) Live() []*layout.Manifest { return l.o.Live }

// Knows reports whether a snapshot was live in the bucket, or was stored under this
// lease, so that it is there.
func (l *Lease) Knows(env, id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.manifests[layout.ManifestKey(env, id)] != nil
}
