package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/regsnap/regsnap/layout"
)

// errCredentials: the store's chain of credentials has none.
var errCredentials = errors.New("credentials")

// cloudStore is a bucket of S3, GCS or memory. It makes one attempt of each
// request, and no error of it holds a secret.
type cloudStore struct {
	blobs   *blob.Bucket
	secrets secrets
	// anonymous readers of S3 may not list, and are told 403 instead of 404.
	anonymous bool
	mem       *sync.Mutex // of mem://, which has no conditional writes; else nil
	// s3 is nil in other stores; bucket and prefix are what gocloud adds to
	// keys, encryption and kmsKey what it asks S3 to encrypt with.
	s3             *s3.Client
	bucket, prefix string
	encryption     types.ServerSideEncryption
	kmsKey         string
}

// newCloudStore opens a bucket by a URL whose scheme is in clouds.
func newCloudStore(ctx context.Context, u *url.URL) (*cloudStore, error) {
	q := u.Query()
	s := &cloudStore{secrets: secretsOf(u), anonymous: isAnonymous(q), bucket: u.Host, prefix: q.Get("prefix")}
	if q.Has("key") {
		return nil, fmt.Errorf("%w %s: a bucket is wanted, not a key", ErrURL, printable(u))
	}
	var err error
	if s.blobs, err = clouds.OpenBucketURL(ctx, u); err != nil {
		// gocloud begins with the URL as it is.
		if cause := errors.Unwrap(err); cause != nil && strings.HasPrefix(err.Error(), "open bucket ") {
			err = cause
		}
		if errors.Is(err, errCredentials) {
			return nil, fmt.Errorf("open bucket %s: %w", printable(u), s.secrets.hide(err))
		}
		return nil, fmt.Errorf("%w %s: %w", ErrURL, printable(u), s.secrets.hide(err))
	}
	switch u.Scheme {
	case "s3":
		s.blobs.As(&s.s3)
		s.encryption, s.kmsKey = encryptionType(q.Get("ssetype")), q.Get("kmskeyid")
	case "mem":
		s.mem = new(sync.Mutex)
	}
	return s, nil
}

func (s *cloudStore) Put(ctx context.Context, o layout.Object) error {
	return s.putFrom(ctx, o, bytes.NewReader(o.Body), int64(len(o.Body)))
}

// bufferSize is what an upload sets aside, in bytes. S3 needs it for objects in
// parts, and takes no part under 5 MiB. GCS would take 16 MiB for every object;
// without a buffer it gets the object in one request, which is right since all
// of it is at hand for the next attempt.
func (s *cloudStore) bufferSize() int {
	if s.s3 != nil {
		return 8 << 20
	}
	return -1
}

func (s *cloudStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r, err := s.blobs.NewRangeReader(oneRead(ctx), key, offset, length, rawReader)
	if err != nil {
		return nil, 0, s.named(key, err)
	}
	n := r.Size() - offset
	if n < 0 {
		return nil, 0, errors.Join(behindEnd(key, offset, r.Size()), r.Close())
	}
	if length >= 0 {
		n = min(n, length)
	}
	return hiddenReader{r, s.secrets}, n, nil
}

func behindEnd(key string, offset, size int64) error {
	return fmt.Errorf("%s: offset %d is behind the end of %d bytes", key, offset, size)
}

// hiddenReader keeps secrets out of the errors of a body.
type hiddenReader struct {
	io.ReadCloser
	secrets secrets
}

func (r hiddenReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.secrets.hide(err)
	}
	return n, err
}

// pageSize is the most that a listing of S3 gives at once.
const pageSize = 1000

func (s *cloudStore) ListPage(ctx context.Context, prefix string, page []byte) ([]ObjectInfo, []byte, error) {
	if page == nil {
		page = blob.FirstPageToken
	}
	objects, next, err := s.blobs.ListPage(ctx, page, pageSize, &blob.ListOptions{Prefix: prefix})
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", prefix, s.secrets.hide(plain(err)))
	}
	infos := make([]ObjectInfo, len(objects))
	for i, o := range objects {
		infos[i] = ObjectInfo{Key: o.Key, Size: o.Size, Modified: o.ModTime}
	}
	return infos, next, nil
}

func (s *cloudStore) Delete(ctx context.Context, key string) error {
	var err error
	if s.s3 != nil {
		// gocloud would ask first whether there is such an object.
		name := s.prefix + key
		_, err = s.s3.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: &name})
	} else {
		err = s.blobs.Delete(ctx, key)
	}
	if s.missing(err) {
		return nil
	}
	return s.named(key, err)
}

// missing tells whether err says that there is no such object. gocloud's codes
// do not tell: they say so of a missing bucket too, and GCS's of a 403.
func (s *cloudStore) missing(err error) bool {
	switch {
	case err == nil:
		return false
	case s.mem != nil:
		return gcerrors.Code(err) == gcerrors.NotFound
	case errors.Is(err, storage.ErrObjectNotExist):
		return true
	}
	switch httpStatus(err) {
	case http.StatusNotFound:
		return apiCode(err) != "NoSuchBucket"
	case http.StatusForbidden:
		return s.anonymous
	}
	return false
}

// refused tells whether err says that a condition of a write does not hold.
func (s *cloudStore) refused(err error) bool {
	if s.mem != nil {
		return gcerrors.Code(err) == gcerrors.FailedPrecondition
	}
	return httpStatus(err) == http.StatusPreconditionFailed
}

// named says which object an error is about, without secrets.
func (s *cloudStore) named(key string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.missing(err):
		return fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	case s.s3 != nil && httpStatus(err) == http.StatusForbidden:
		return fmt.Errorf("%s: %w (S3 answers so for a missing object too, unless the caller has s3:ListBucket)", key, s.secrets.hide(plain(err)))
	}
	return fmt.Errorf("%s: %w", key, s.secrets.hide(plain(err)))
}

// plain is what a store said, without the key and the code that gocloud adds.
func plain(err error) error {
	if e, ok := err.(interface{ Unwrap() []error }); ok && gcerrors.Code(err) != gcerrors.OK {
		if causes := e.Unwrap(); len(causes) > 0 && causes[0] != nil {
			return causes[0]
		}
	}
	return err
}
