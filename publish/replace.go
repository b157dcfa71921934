package publish

import (
	"bytes"
	"context"
	"os"
	"path/filepath"

	"gocloud.dev/blob"

	"github.com/regsnap/regsnap/layout"
)

// replacer is a store whose objects can be written over. It is apart from
// objectStore because only a repair may do that.
type replacer interface {
	// replace stores an object, whole or not at all, whether or not its key is
	// taken. Readers see what was there before or the new object.
	replace(ctx context.Context, o layout.Object) error
}

var (
	_ replacer = (*fileStore)(nil)
	_ replacer = (*cloudStore)(nil)
	_ replacer = (*retrying)(nil)
)

// Replace stores an object over a damaged one. Nothing but a repair may call it:
// all others rely on objects that never change.
func (b *Bucket) Replace(ctx context.Context, o layout.Object) error {
	return b.objects.(replacer).replace(ctx, o)
}

// replace writes a new file, never into the old one: the same file may be other
// objects too, by hard links.
func (s *fileStore) replace(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := filepath.Join(s.dir, filepath.FromSlash(o.Key))
	return s.inFolder(target, func(bool) error { return s.write(target, o.Body, os.Rename) })
}

func (s *cloudStore) replace(ctx context.Context, o layout.Object) error {
	return s.named(o.Key, s.blobs.Upload(ctx, o.Key, bytes.NewReader(o.Body), &blob.WriterOptions{
		ContentType: o.ContentType, CacheControl: o.CacheControl, ContentEncoding: o.ContentEncoding, BufferSize: s.bufferSize(),
	}))
}

func (s *retrying) replace(ctx context.Context, o layout.Object) error {
	return s.policy.limited(ctx, s.policy.timeout(len(o.Body)), func(ctx context.Context) error {
		return s.remote.(replacer).replace(ctx, o)
	})
}
