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
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/gcsblob"  // gs://
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://
	"gocloud.dev/gcerrors"

	"github.com/regsnap/regsnap/layout"
)

// Bucket is an object store, by its gocloud URL. It is safe for concurrent use.
type Bucket struct {
	blobs    *blob.Bucket
	put      func(context.Context, layout.Object) error
	pointers pointerStore
	sync     func() error
}

// Open opens the bucket at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://). Credentials come from the store's usual chain. The folder of a
// file:// URL must exist; Create makes it.
func Open(ctx context.Context, rawURL string) (*Bucket, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("bucket URL: %w", redact(err))
	}
	b := new(Bucket)
	switch u.Scheme {
	case "file":
		q := u.Query()
		// No sidecar files: types and cache times follow from the key and the
		// routes. Temporary files lie beside the target, on the same device.
		q.Set("metadata", "skip")
		q.Set("no_tmp_dir", "1")
		u.RawQuery = q.Encode()
		dir, err := fileDir(u)
		if err != nil {
			return nil, err
		}
		files := newFileStore(dir)
		b.put, b.pointers, b.sync = files.put, filePointers{dir}, files.sync
	case "s3", "gs", "mem":
	case "":
		return nil, fmt.Errorf("bucket URL %q has no scheme: want file:///dir, s3://name, gs://name or mem://", u.Redacted())
	default:
		return nil, fmt.Errorf("bucket URL scheme %q is not known: want file, s3, gs or mem", u.Scheme)
	}
	if b.blobs, err = blob.OpenBucket(ctx, u.String()); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", u.Redacted(), err)
	}
	if b.put == nil {
		b.put, b.pointers, b.sync = b.upload, newCloudPointers(b.blobs, u.Scheme), func() error { return nil }
	}
	return b, nil
}

// Create is Open, but makes the folder of a file:// URL.
func Create(ctx context.Context, rawURL string) (*Bucket, error) {
	if u, err := url.Parse(rawURL); err == nil && u.Scheme == "file" {
		q := u.Query()
		q.Set("create_dir", "1")
		u.RawQuery = q.Encode()
		rawURL = u.String()
	}
	return Open(ctx, rawURL)
}

// redact drops the URL from a parse error: it may hold a secret.
func redact(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}

// fileDir is the folder that a file:// URL names.
func fileDir(u *url.URL) (string, error) {
	if u.Host != "" && u.Host != "." && u.Host != "localhost" {
		return "", fmt.Errorf("bucket URL %s: a folder is written with three slashes, file:///%s%s", u.Redacted(), u.Host, u.Path)
	}
	p := u.Path
	if u.Host == "." {
		p = strings.TrimPrefix(p, "/")
	}
	return filepath.FromSlash(p), nil
}

// Close releases the connections.
func (b *Bucket) Close() error { return b.blobs.Close() }

// Put stores an object that will never change; one that is there stays.
func (b *Bucket) Put(ctx context.Context, o layout.Object) error { return b.put(ctx, o) }

// Read returns an object as it is stored; fs.ErrNotExist when there is none.
func (b *Bucket) Read(ctx context.Context, key string) ([]byte, error) {
	r, err := b.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Open streams length bytes of an object from offset on; a length of -1 is all
// the rest. It gives fs.ErrNotExist when there is no such object.
func (b *Bucket) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.blobs.NewRangeReader(ctx, key, offset, length, rawReader)
	if err != nil {
		return nil, notExist(key, err)
	}
	return r, nil
}

// notExist turns a store's "not found" into fs.ErrNotExist. An anonymous reader
// of S3 is told 403 instead of 404 unless it may list the bucket.
func notExist(key string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return fmt.Errorf("%s: %w", key, err)
}

// upload stores an object in a cloud bucket, unless it is there.
func (b *Bucket) upload(ctx context.Context, o layout.Object) error {
	err := b.blobs.Upload(ctx, o.Key, bytes.NewReader(o.Body), &blob.WriterOptions{
		ContentType: o.ContentType, CacheControl: o.CacheControl, ContentEncoding: o.ContentEncoding,
		BufferSize: uploadBuffer, IfNotExist: true,
	})
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return nil
	}
	return err
}

// uploadBuffer is what gocloud sets aside for each upload, in bytes; its default
// of 16 MiB on GCS would be most of the memory of a publish.
const uploadBuffer = 256 << 10

// Parallel is how many objects to store at once: in the cloud each waits for
// the network, on disk for a core.
func (b *Bucket) Parallel() int {
	if _, disk := b.pointers.(filePointers); disk {
		return 4 * runtime.GOMAXPROCS(0)
	}
	return 64
}
