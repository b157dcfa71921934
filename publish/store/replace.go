package store

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"gocloud.dev/blob"

	"github.com/regsnap/regsnap/layout"
)

// Replacer is a store whose objects can be written over. It is apart from
// objectStore because only a repair may do that.
type Replacer interface {
	// Replace stores an object, whole or not at all, whether or not its key is
	// taken. Readers see what was there before or the new object.
	Replace(ctx context.Context, o layout.Object) error
}

var (
	_ Replacer = (*FileStore)(nil)
	_ Replacer = (*cloudStore)(nil)
	_ Replacer = (*retrying)(nil)
)

// Replace writes a new file, never into the old one: the same file may be other
// objects too, by hard links.
func (s *FileStore) Replace(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := filepath.Join(s.dir, filepath.FromSlash(o.Key))
	return s.inFolder(target, func(bool) error { return s.write(target, o.Body, os.Rename) })
}

func (s *cloudStore) Replace(ctx context.Context, o layout.Object) error {
	return s.named(o.Key, s.blobs.Upload(ctx, o.Key, bytes.NewReader(o.Body), &blob.WriterOptions{
		ContentType: o.ContentType, CacheControl: o.CacheControl, ContentEncoding: o.ContentEncoding, BufferSize: s.bufferSize(),
	}))
}

func (s *retrying) Replace(ctx context.Context, o layout.Object) error {
	return s.policy.limited(ctx, s.policy.timeout(len(o.Body)), func(ctx context.Context) error {
		return s.remote.(Replacer).Replace(ctx, o)
	})
}
