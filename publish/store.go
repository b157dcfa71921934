package publish

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

// objectStore keeps objects that never change. Implementations are safe for
// concurrent use, and what put has stored is seen by the open that follows.
type objectStore interface {
	// put stores an object, whole or not at all, unless its key is taken.
	put(ctx context.Context, o layout.Object) error
	// open streams an object from offset on, at most length bytes or, if that
	// is negative, all. It also tells how many bytes will come, and returns
	// fs.ErrNotExist when there is no such object.
	open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error)
	// list goes through the objects whose keys begin with prefix.
	list(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error]
	// delete removes an object; that there is none is no error.
	delete(ctx context.Context, key string) error
}

// remote is a store behind a network. A method makes one attempt and says what
// came of it; retrying turns that into an objectStore and a pointerStore.
type remote interface {
	put(ctx context.Context, o layout.Object) error
	// open is that of objectStore. Its ctx must live until body is closed.
	open(ctx context.Context, key string, offset, length int64) (body io.ReadCloser, n int64, err error)
	// listPage lists the objects after a page, which is nil for the first;
	// next is nil after the last.
	listPage(ctx context.Context, prefix string, page []byte) (objects []ObjectInfo, next []byte, err error)
	delete(ctx context.Context, key string) error
	pointerStore
}
