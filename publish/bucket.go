// Package publish keeps snapshots in a bucket: it stores objects that never
// change, and moves the one object of an environment that does, its pointer.
// It knows nothing of packages beyond what their manifest says.
package publish

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Bucket is the snapshots in a store. It is safe for concurrent use.
type Bucket struct {
	store store.Store
	can   store.Capabilities
	lease leaseTimes // zero: defaultLeaseTimes
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

// Delete removes an object; that there is none is no error.
func (b *Bucket) Delete(ctx context.Context, key string) error { return b.store.Delete(ctx, key) }

// Parallel is how many objects to store at once: in the cloud each waits for
// the network, on disk for a core.
func (b *Bucket) Parallel() int { return b.can.Parallel }
