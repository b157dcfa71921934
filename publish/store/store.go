package store

import (
	"context"
	"io"
	"iter"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// ObjectInfo is what a listing tells of an object.
type ObjectInfo struct {
	Key      string
	Size     int64 // in bytes
	Modified time.Time
}

// ObjectStore keeps objects that never change. Implementations are safe for
// concurrent use, and what put has stored is seen by the open that follows.
type ObjectStore interface {
	// Put stores an object, whole or not at all, unless its key is taken.
	Put(ctx context.Context, o layout.Object) error
	// Open streams an object from offset on, at most length bytes or, if that
	// is negative, all. It also tells how many bytes will come, and returns
	// fs.ErrNotExist when there is no such object.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error)
	// List goes through the objects whose keys begin with prefix.
	List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error]
	// Delete removes an object; that there is none is no error.
	Delete(ctx context.Context, key string) error
}

// remote is a store behind a network. A method makes one attempt and says what
// came of it; retrying turns that into an objectStore and a pointerStore.
type remote interface {
	Put(ctx context.Context, o layout.Object) error
	// Open is that of objectStore. Its ctx must live until body is closed.
	Open(ctx context.Context, key string, offset, length int64) (body io.ReadCloser, n int64, err error)
	// ListPage lists the objects after a page, which is nil for the first;
	// next is nil after the last.
	ListPage(ctx context.Context, prefix string, page []byte) (objects []ObjectInfo, next []byte, err error)
	Delete(ctx context.Context, key string) error
	PointerStore
}
