package build

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/regsnap/regsnap/index"
)

// deflateLevel is the least effort that makes the archives of package content no
// larger than Go's own compressor does at its default level, which other
// registries use. It is part of what a render version means: another level makes
// other archives.
const deflateLevel = 8

// leastSaving is what deflating a content has to save, in percent, for an archive
// not to hold it as it is: less is not worth inflating it at each reading.
const leastSaving = 3

// blob is one content, with all that archives and lists say about it.
type blob struct {
	raw      []byte
	deflated []byte // nil when an archive holds it as it is
	crc      uint32
	sha256   string

	ready chan struct{} // closed once the above, or err, is set
	err   error
	pins  int
	idle  *list.Element // its place in blobCache.idle while it waits for its next package
}

func (b *blob) size() int64 { return int64(len(b.raw) + len(b.deflated)) }

// blobCache reads each unique content once, and digests and compresses it once,
// however many packages hold it. It is told ahead which packages are to come, so
// a content goes with the last package that holds it. Those that wait for a
// later package are bounded: beyond that the least recently used is dropped, and
// read again.
type blobCache struct {
	source index.Source
	bound  int64 // of the contents that wait, in bytes

	mu       sync.Mutex
	blobs    map[index.ID]*blob
	uses     map[index.ID]int // packages to come that hold it
	idle     *list.List       // of index.ID, the least recently used first
	idleSize int64
}

func newBlobCache(source index.Source, bound int64) *blobCache {
	return &blobCache{source: source, bound: bound, blobs: map[index.ID]*blob{}, uses: map[index.ID]int{}, idle: list.New()}
}

// expect announces a package that will pin ids, or skip them.
func (c *blobCache) expect(ids []index.ID) {
	for _, id := range ids {
		c.uses[id]++
	}
}

// skip takes back what expect announced: the package is not to be made.
func (c *blobCache) skip(ids []index.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		c.used(id)
	}
}

// used counts a use, and drops a content that waits for no other.
func (c *blobCache) used(id index.ID) {
	if c.uses[id]--; c.uses[id] > 0 {
		return
	}
	delete(c.uses, id)
	if b := c.blobs[id]; b != nil && b.idle != nil {
		c.forget(b.idle)
	}
}

// forget drops a content that nobody pins.
func (c *blobCache) forget(e *list.Element) {
	id := c.idle.Remove(e).(index.ID)
	c.idleSize -= c.blobs[id].size()
	delete(c.blobs, id)
}

// pin gives the contents of ids, none of them twice, reading what is not there.
// The caller hands them back with unpin.
func (c *blobCache) pin(ctx context.Context, ids []index.ID) (map[index.ID]*blob, error) {
	out := make(map[index.ID]*blob, len(ids))
	var load []index.ID
	c.mu.Lock()
	for _, id := range ids {
		b := c.blobs[id]
		if b == nil {
			b = &blob{ready: make(chan struct{})}
			c.blobs[id] = b
			load = append(load, id)
		} else if b.idle != nil {
			c.idle.Remove(b.idle)
			b.idle, c.idleSize = nil, c.idleSize-b.size()
		}
		b.pins++
		out[id] = b
	}
	c.mu.Unlock()

	err := c.source.Read(ctx, load, func(id index.ID, content []byte) error {
		b := out[id]
		if err := b.fill(slices.Clone(content)); err != nil {
			return err
		}
		close(b.ready)
		return nil
	})
	// Whoever waits for what could not be read must learn of it.
	for _, id := range load {
		if b := out[id]; b.sha256 == "" {
			b.err = err
			close(b.ready)
		}
	}
	if err != nil {
		c.unpin(out)
		return nil, err
	}
	for _, b := range out {
		<-b.ready
		if b.err != nil {
			c.unpin(out)
			return nil, b.err
		}
	}
	return out, nil
}

// unpin gives contents back.
func (c *blobCache) unpin(blobs map[index.ID]*blob) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, b := range blobs {
		if b.pins--; b.pins > 0 {
			continue
		}
		if b.err != nil {
			delete(c.blobs, id)
			continue
		}
		b.idle = c.idle.PushBack(id)
		c.idleSize += b.size()
	}
	for id := range blobs {
		c.used(id)
	}
	for c.idleSize > c.bound {
		c.forget(c.idle.Front())
	}
}

// fill digests and compresses content.
func (b *blob) fill(content []byte) error {
	b.raw = content
	b.crc = crc32.ChecksumIEEE(content)
	sum := sha256.Sum256(content)
	b.sha256 = hex.EncodeToString(sum[:])
	deflated, err := deflate(content)
	if err != nil {
		return err
	}
	if 100*len(deflated) <= (100-leastSaving)*len(content) {
		b.deflated = deflated
	}
	return nil
}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, deflateLevel)
	if err != nil {
		panic(fmt.Sprintf("build: deflate level %d: %v", deflateLevel, err))
	}
	return w
}}

// deflate is a raw deflate stream (RFC 1951) of content.
func deflate(content []byte) ([]byte, error) {
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	var out bytes.Buffer
	out.Grow(len(content)/3 + 64)
	w.Reset(&out)
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return bytes.Clone(out.Bytes()), nil
}
