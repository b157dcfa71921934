package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// fill reads what a manifest lists, if that is in objects of its own.
func (b *Bucket) fill(ctx context.Context, m *layout.Manifest, id string) error {
	lists := make([]*layout.ManifestList, len(m.Lists))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(b.Parallel())
	for i, r := range m.Lists {
		g.Go(func() (err error) {
			lists[i], err = b.list(gctx, r)
			return err
		})
	}
	err := g.Wait()
	if err == nil {
		err = m.Fill(lists)
	}
	if errors.Is(err, fs.ErrNotExist) {
		there, e := b.exists(ctx, layout.ManifestKey(m.Environment, id))
		if e == nil && !there {
			return prunedMeanwhile(m.Environment, id)
		}
	}
	if errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%s: %w; %s", layout.ManifestKey(m.Environment, id), err, mends(m.Environment))
	}
	return err
}

// list reads one list of a manifest, unless it is remembered.
func (b *Bucket) list(ctx context.Context, r layout.ManifestResponse) (*layout.ManifestList, error) {
	if l := b.lists.get(r); l != nil {
		return l, nil
	}
	l, err := b.readList(ctx, r)
	if err == nil {
		b.lists.put(r, l)
	}
	return l, err
}

func (b *Bucket) readList(ctx context.Context, r layout.ManifestResponse) (*layout.ManifestList, error) {
	key := listKey(r)
	var body bytes.Buffer
	err := b.fetchEncoded(ctx, key, io.Discard, &body, r.Gzip, layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: a list of the manifest is missing: %w", ErrDamaged, err)
	}
	if err != nil {
		return nil, err
	}
	l, err := layout.DecodeManifestList(body.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

// listKey is where a list of a manifest lies.
func listKey(r layout.ManifestResponse) string { return r.Keys()[0] }

// rememberedLists is how many bytes of lists are remembered: those of a few snapshots
// of a large registry.
const rememberedLists = 16 << 20

// listMemory remembers lists that were read. Snapshots share most of theirs, and a
// command reads several snapshots. What is in it is read and never written to.
type listMemory struct {
	mu    sync.Mutex
	by    map[string]*layout.ManifestList // SHA-256
	order []layout.ManifestResponse       // the oldest first
	bytes int64
}

func (m *listMemory) get(r layout.ManifestResponse) *layout.ManifestList {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.by[r.SHA256]
}

func (m *listMemory) put(r layout.ManifestResponse, l *layout.ManifestList) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by[r.SHA256] != nil {
		return
	}
	if m.by == nil {
		m.by = map[string]*layout.ManifestList{}
	}
	m.by[r.SHA256] = l
	m.order = append(m.order, r)
	m.bytes += r.Size
	for m.bytes > rememberedLists {
		delete(m.by, m.order[0].SHA256)
		m.bytes -= m.order[0].Size
		m.order = m.order[1:]
	}
}
