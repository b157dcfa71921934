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

// deflateLevel is where more effort stops paying on package content. It is part
// of what a render version means: another level makes other archives.
const deflateLevel = 6

// blob is one content, with all that archives and lists say about it.
type blob struct {
	raw      []byte
	deflated []byte // nil when storing it as it is takes no more room
	crc      uint32
	sha256   string

	ready chan struct{} // closed once the above, or err, is set
	err   error
	pins  int
	idle  *list.Element // its place in blobCache.idle while nobody pins it
}

func (b *blob) size() int64 { return int64(len(b.raw) + len(b.deflated)) }

// blobCache reads each unique content once, and digests and compresses it once,
// however many packages hold it. Contents that a package is being made of stay;
// of the others the most recently used are kept, up to a bound.
type blobCache struct {
	source index.Source
	bound  int64 // of the contents that nobody pins, in bytes

	mu       sync.Mutex
	blobs    map[index.ID]*blob
	idle     *list.List // of index.ID, the least recently used first
	idleSize int64
}

func newBlobCache(source index.Source, bound int64) *blobCache {
	return &blobCache{source: source, bound: bound, blobs: map[index.ID]*blob{}, idle: list.New()}
}

// pin gives the contents of ids, reading what is not there. The caller hands
// them back with unpin.
func (c *blobCache) pin(ctx context.Context, ids []index.ID) (map[index.ID]*blob, error) {
	out := make(map[index.ID]*blob, len(ids))
	var load []index.ID
	c.mu.Lock()
	for _, id := range ids {
		if out[id] != nil {
			continue
		}
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
	for c.idleSize > c.bound {
		id := c.idle.Remove(c.idle.Front()).(index.ID)
		c.idleSize -= c.blobs[id].size()
		delete(c.blobs, id)
	}
}

// fill digests and compresses content.
func (b *blob) fill(content []byte) error {
	b.raw = content
	b.crc = crc32.ChecksumIEEE(content)
	sum := sha256.Sum256(content)
	b.sha256 = hex.EncodeToString(sum[:])
	if incompressible(content) {
		return nil
	}
	deflated, err := deflate(content)
	if err != nil {
		return err
	}
	if len(deflated) < len(content) {
		b.deflated = deflated
	}
	return nil
}

// incompressible tells content apart that is compressed already: trying to
// compress images takes most of the time and gains nothing.
func incompressible(content []byte) bool {
	for _, magic := range []string{"\x89PNG\r\n\x1a\n", "\xff\xd8\xff", "GIF8", "\x1f\x8b", "PK\x03\x04", "wOF2"} {
		if bytes.HasPrefix(content, []byte(magic)) {
			return true
		}
	}
	return len(content) == 0
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
