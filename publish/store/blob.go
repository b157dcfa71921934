package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/regsnap/regsnap/layout"
)

// bucket is what S3, GCS and memory have in common: a bucket of gocloud, by which
// it is opened, read, listed and written. What gocloud cannot do, and what the
// errors mean, each store says in its own file. Each request is attempted once.
type bucket struct {
	blobs   *blob.Bucket
	secrets secrets
	// meaning is what an error of the store stands for: fs.ErrNotExist,
	// errRefused, a text that explains it, or, if it says itself what it is, nil.
	meaning func(error) error
	// reading, if set, fits a reader to the store.
	reading func(as func(any) bool) error
}

// errRefused: the condition of a write does not hold.
var errRefused = errors.New("the condition of the write does not hold")

// errCredentials: the store's chain of credentials has none.
var errCredentials = errors.New("credentials")

// openBucket opens a bucket by gocloud.
func openBucket(ctx context.Context, u *url.URL, opener blob.BucketURLOpener) (bucket, error) {
	b := bucket{secrets: secretsOf(u)}
	if u.Query().Has("key") {
		return b, fmt.Errorf("%w %s: a bucket is wanted, not a key", ErrURL, printable(u))
	}
	mux := new(blob.URLMux)
	mux.RegisterBucket(u.Scheme, opener)
	var err error
	if b.blobs, err = mux.OpenBucketURL(ctx, u); err == nil {
		return b, nil
	}
	// gocloud begins with the URL as it is.
	if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(err.Error(), "open bucket ") {
		err = cause
	}
	if errors.Is(err, errCredentials) {
		return b, fmt.Errorf("open bucket %s: %w", printable(u), b.secrets.hide(err))
	}
	return b, fmt.Errorf("%w %s: %w", ErrURL, printable(u), b.secrets.hide(err))
}

func (b *bucket) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r, err := b.reader(ctx, key, offset, length)
	if err != nil {
		return nil, 0, err
	}
	n := r.Size() - offset
	if n < 0 {
		return nil, 0, errors.Join(behindEnd(key, offset, r.Size()), r.Close())
	}
	if length >= 0 {
		n = min(n, length)
	}
	return hiddenReader{r, b.secrets}, n, nil
}

func (b *bucket) reader(ctx context.Context, key string, offset, length int64) (*blob.Reader, error) {
	r, err := b.blobs.NewRangeReader(ctx, key, offset, length, &blob.ReaderOptions{BeforeRead: b.reading})
	if err != nil {
		return nil, b.named(key, err)
	}
	return r, nil
}

func behindEnd(key string, offset, size int64) error {
	return fmt.Errorf("%s: %w: offset %d is behind the end of %d bytes", key, layout.ErrDamaged, offset, size)
}

// hiddenReader keeps secrets out of the errors of a body.
type hiddenReader struct {
	io.ReadCloser
	secrets secrets
}

func (r hiddenReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.secrets.hide(judged(err))
	}
	return n, err
}

// load reads an object that changes, and what gocloud knows of it besides: both
// from one request, so that they belong together.
func (b *bucket) load(ctx context.Context, key string) ([]byte, *blob.Reader, error) {
	r, err := b.reader(ctx, key, 0, -1)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, layout.MaxSize(key)+1)) // its reader refuses what is longer
	if err != nil {
		return nil, nil, b.named(key, judged(err))
	}
	return body, r, nil
}

// pageSize is the most that a listing of S3 gives at once.
const pageSize = 1000

func (b *bucket) page(ctx context.Context, prefix string, page []byte) ([]ObjectInfo, []byte, error) {
	if page == nil {
		page = blob.FirstPageToken
	}
	objects, next, err := b.blobs.ListPage(ctx, page, pageSize, &blob.ListOptions{Prefix: prefix})
	if err != nil {
		return nil, nil, b.explained("list "+prefix, err)
	}
	infos := make([]ObjectInfo, len(objects))
	for i, o := range objects {
		infos[i] = ObjectInfo{Key: o.Key, Size: o.Size, Modified: o.ModTime}
	}
	return infos, next, nil
}

func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return pages(ctx, prefix, b.page)
}

// pages lists page by page.
func pages(ctx context.Context, prefix string, list func(context.Context, string, []byte) ([]ObjectInfo, []byte, error)) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		for page := []byte(nil); ; {
			objects, next, err := list(ctx, prefix, page)
			if err != nil {
				yield(ObjectInfo{}, err)
				return
			}
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
			}
			if len(next) == 0 {
				return
			}
			page = next
		}
	}
}

func (b *bucket) Delete(ctx context.Context, key string) error {
	return ifThere(b.named(key, b.blobs.Delete(ctx, key)))
}

// ifThere forgives an object that is missing.
func ifThere(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// upload writes an object by gocloud.
func (b *bucket) upload(ctx context.Context, o layout.Object, body io.Reader, options blob.WriterOptions) error {
	options.ContentType, options.CacheControl, options.ContentEncoding = o.ContentType, o.CacheControl, o.ContentEncoding
	return b.named(o.Key, b.blobs.Upload(ctx, o.Key, body, &options))
}

// ifAbsent is what a write comes to whose condition is that its key is not taken.
func ifAbsent(err error) error {
	if errors.Is(err, errRefused) {
		return nil // it is there
	}
	return err
}

// swapped is what a write comes to whose condition is the state of the object. S3
// says "no such key" when that is about an object that is gone.
func swapped(err error, old Token) error {
	if errors.Is(err, errRefused) || old != "" && errors.Is(err, fs.ErrNotExist) {
		return ErrConflict
	}
	return err
}

// changing is an object that changes, without its body.
func changing(key string) layout.Object {
	return layout.Object{Key: key, ContentType: "application/json", CacheControl: "no-cache"}
}

func (b *bucket) Close() error { return b.blobs.Close() }

// named says which object an error is about and what it means, without secrets.
func (b *bucket) named(key string, err error) error {
	if err == nil {
		return nil
	}
	if m := b.meaning(err); errors.Is(m, fs.ErrNotExist) || errors.Is(m, errRefused) || errors.Is(m, errShort) {
		return fmt.Errorf("%s: %w", key, m)
	}
	return b.explained(key, err)
}

// explained is named where neither an object is missing nor a condition failed.
func (b *bucket) explained(what string, err error) error {
	hidden := b.secrets.hide(plain(err))
	var e explanation
	if errors.As(b.meaning(err), &e) {
		return fmt.Errorf("%s: %w (%s)", what, hidden, e)
	}
	return fmt.Errorf("%s: %w", what, hidden)
}

// explanation is what a store's error means, where its own text does not say so.
type explanation string

func (e explanation) Error() string { return string(e) }

// plain is what a store said, without the key and the code that gocloud adds.
func plain(err error) error {
	if e, ok := err.(interface{ Unwrap() []error }); ok && gcerrors.Code(err) != gcerrors.OK {
		if causes := e.Unwrap(); len(causes) > 0 {
			return causes[0]
		}
	}
	return err
}
