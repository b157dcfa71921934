// Package publish keeps snapshots in a bucket: it stores objects that never
// change, and moves the one object of an environment that does, its pointer.
// It knows nothing of packages beyond what their manifest says.
package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Bucket is the snapshots in a store. It is safe for concurrent use.
type Bucket struct {
	store store.Store
	can   store.Capabilities
	lease leaseTimes // zero: defaultLeaseTimes
	lists listMemory
}

// Close releases the connections.
func (b *Bucket) Close() error { return b.store.Close() }

// Put stores an object that will never change; one that is there stays. When it
// returns nil the object is there, whole. With an error it may be there or not,
// and putting it again is safe.
func (b *Bucket) Put(ctx context.Context, o layout.Object) error {
	// Whatever is written can be read back.
	if most := layout.MaxSize(o.Key); int64(len(o.Body)) > most {
		return fmt.Errorf("%s: %d bytes, and no more than %d can be read back", o.Key, len(o.Body), most)
	}
	return b.store.Put(ctx, o)
}

// maxReserve is how much memory is set aside for an object before any of it has
// come, in bytes.
const maxReserve = 64 << 20

// Read returns an object as it is stored; fs.ErrNotExist when there is none. One
// that is longer than an object of its kind may be is not read to its end.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	most := layout.MaxSize(key)
	r, n, err := b.store.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body := bytes.NewBuffer(make([]byte, 0, min(max(n, 0), most, maxReserve)+bytes.MinRead))
	if _, err := body.ReadFrom(io.LimitReader(r, most+1)); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if int64(body.Len()) > most {
		return nil, fmt.Errorf("%s: %w", key, layout.TooLarge(key, body.Bytes()))
	}
	return body.Bytes(), nil
}

// exists asks for one byte: there is no cheaper way that every store has.
func (b *Bucket) exists(ctx context.Context, key string) (bool, error) {
	r, err := b.Open(ctx, key, 0, 1)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, ErrDamaged): // it is there, but has not even one byte
		return true, nil
	case err != nil:
		return false, err
	}
	return true, r.Close()
}

// Open streams length bytes of an object from offset on; a length of -1 is all
// the rest, and what lies behind the end does not come. It gives fs.ErrNotExist
// when there is no such object, and an error when offset is behind its end.
func (b *Bucket) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, _, err := b.store.Open(ctx, key, offset, length)
	return r, err
}

// List goes through the objects whose keys begin with prefix, in no order that
// is the same in every store. After an error it ends.
func (b *Bucket) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return b.store.List(ctx, prefix)
}

// Sizes gives the size in bytes of each object of a revision that is there, by key.
func (b *Bucket) Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error) {
	sizes := map[string]int64{}
	for o, err := range b.List(ctx, rev.Prefix()) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", rev.Prefix(), err)
		}
		sizes[o.Key] = o.Size
	}
	return sizes, nil
}

// Delete removes an object; that there is none is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error { return b.store.Delete(ctx, key) }

// Cursor reads of which generation of an environment's pointer the index of package
// storage v2 is, and the token of that state; fs.ErrNotExist if there is no index yet.
func (b *Bucket) Cursor(ctx context.Context, env string) (int64, store.Token, error) {
	key := layout.CursorKey(env)
	body, state, err := b.store.Load(ctx, key)
	if err != nil {
		return 0, "", err
	}
	generation, err := layout.DecodeCursor(body)
	if err != nil {
		return 0, "", fmt.Errorf("%s: %w", key, err)
	}
	return generation, state, nil
}

// MoveCursor writes it if it is still in the state of the token, else it is
// store.ErrConflict. The index of that generation must be there.
func (b *Bucket) MoveCursor(ctx context.Context, env string, generation int64, old store.Token) error {
	return b.store.Swap(ctx, layout.CursorKey(env), layout.EncodeCursor(generation), old)
}

// Parallel is how many objects to store at once: in the cloud each waits for
// the network, on disk for a core.
func (b *Bucket) Parallel() int { return b.can.Parallel }

// Open opens the bucket at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://), as store.Open does. The folder of a file:// URL must exist; Create
// makes it.
func Open(ctx context.Context, rawURL string) (*Bucket, error) {
	return open(ctx, rawURL, store.Options{})
}

// Create is Open, but makes the folder of a file:// URL.
func Create(ctx context.Context, rawURL string) (*Bucket, error) {
	return open(ctx, rawURL, store.Options{Create: true})
}

func open(ctx context.Context, rawURL string, o store.Options) (*Bucket, error) {
	s, err := store.Open(ctx, rawURL, o)
	if err != nil {
		return nil, err
	}
	return In(s), nil
}

// In is the bucket in a store, which the bucket closes.
func In(s store.Store) *Bucket { return &Bucket{store: s, can: store.CapabilitiesOf(s)} }
