package build

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// idleBlobs is how much content is kept because a later package holds it too,
// in bytes. Made in the order of their names, all the packages of the largest
// storage known need a tenth of it.
const idleBlobs = 64 << 20

// writeRevisions renders the package revisions that the bucket lacks.
func (b *builder) writeRevisions(ctx context.Context, targets []*target) error {
	missing := b.missing(targets)
	w := &revisionWriter{loader: b.loader, blobs: newBlobCache(lastSource{b.kept}, idleBlobs), put: b.put, sign: b.Sign, pages: b.pages}
	again := w.reading()
	defer again.put.close()
	for _, l := range missing {
		w.blobs.expect(contentsOf(l))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2 * runtime.GOMAXPROCS(0))
	var done, written, reused atomic.Int64
	there := maps.Clone(b.contents)
	for l := range newQueue(missing, b.Sign, b.Urgent).all {
		g.Go(func() error {
			rev := revisionOf(l.Entry, b.Sign)
			sum, found := there[rev]
			var err error
			if !found {
				if sum, found, err = b.completed(ctx, rev); found {
					reused.Add(1)
				}
			}
			switch {
			case err != nil:
				return err
			case found && b.pages.wanted[rev] && b.pages.learned(rev) && !l.Entry.IsArchive():
				w.blobs.skip(contentsOf(l))
				if err := b.compared(ctx, rev, sum, l); err != nil {
					return err
				}
			case found && b.pages.wanted[rev]:
				if _, err := again.writeObjects(ctx, rev, l); err != nil {
					return fmt.Errorf("%s-%s: page: %w", rev.Name, rev.Version, err)
				}
			case found:
				w.blobs.skip(contentsOf(l))
			default:
				written.Add(1)
				if sum, err = w.write(ctx, l); err != nil {
					return err
				}
			}
			b.mu.Lock()
			b.contents[rev] = sum
			b.mu.Unlock()
			b.progress("write packages", int(done.Add(1)), len(missing))
			return nil
		})
	}
	err := g.Wait()
	b.result.Stats.RevisionsWritten, b.result.Stats.RevisionsFound = int(written.Load()), int(reused.Load())
	return err
}

// missing is the revisions that nothing vouches for, or whose pages are wanted, the versions of a package
// side by side: most of what one holds the next one holds too.
func (b *builder) missing(targets []*target) []*parse.Loaded {
	var missing []*parse.Loaded
	seen := map[layout.Revision]bool{}
	for _, t := range targets {
		for _, r := range t.rows {
			if _, there := b.contents[r.revision]; there && !b.pages.wanted[r.revision] || seen[r.revision] {
				continue
			}
			seen[r.revision] = true
			missing = append(missing, b.loaded[keyOf(r.merged.Entry)])
		}
	}
	slices.SortStableFunc(missing, func(x, y *parse.Loaded) int {
		return cmp.Or(strings.Compare(x.Entry.Name, y.Entry.Name), strings.Compare(x.Entry.Version, y.Entry.Version))
	})
	return missing
}

// contentsOf is the contents that an archive is to be made of, each once: none
// for one that is ready-made.
func contentsOf(l *parse.Loaded) []index.ID {
	if l.Entry.IsArchive() {
		return nil
	}
	ids := make([]index.ID, 0, len(l.Files))
	seen := make(map[index.ID]bool, len(l.Files))
	for _, f := range l.Files {
		if !seen[f.Blob] {
			seen[f.Blob] = true
			ids = append(ids, f.Blob)
		}
	}
	return ids
}

// completed looks for a revision that an earlier build has written: a shard, one that
// was never published, or one whose snapshot is no longer live. Its contents.json was
// written last and says what there is, but is no proof by itself: a writer that was
// taken for dead may have written it when prune had deleted the rest. What is found
// stays, since the store keeps prune away from the first question on; what is missing
// is written again.
func (w *writer) completed(ctx context.Context, rev layout.Revision) (sum string, found bool, err error) {
	body, err := w.store.Read(ctx, rev.ContentsKey())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	c, err := layout.DecodeContents(body, rev)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", rev.ContentsKey(), err)
	}
	there, err := w.store.Sizes(ctx, rev)
	if err != nil {
		return "", false, err
	}
	for key, want := range sizesOf(rev, c) {
		size, ok := there[key]
		if !ok {
			return "", false, nil
		}
		if size != want {
			return "", false, fmt.Errorf("%s: %d bytes, want %d as %s says: the object is damaged; regsnap verify --repair writes it again if a snapshot has it, and regsnap prune deletes it if none does", key, size, want, rev.ContentsKey())
		}
	}
	return sha256Hex(body), true, nil
}

// sizesOf is how large the objects of a revision are, but for the list itself.
func sizesOf(rev layout.Revision, c *layout.Contents) map[string]int64 {
	sizes := map[string]int64{rev.ArchiveKey(): c.Archive.Size}
	if c.Signature != nil {
		sizes[rev.SignatureKey()] = c.Signature.Size
	}
	for _, f := range c.Objects() {
		sizes[rev.FileKey(f.Path)] = f.Size
	}
	return sizes
}
