package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/regsnap/regsnap/layout"
)

// s3Store is a bucket of S3, or of a store that speaks as S3 does. The state of
// an object that changes is its ETag.
type s3Store struct {
	bucket
	client *s3.Client
	// name and prefix are what gocloud adds to keys, encryption and kmsKey what
	// it asks S3 to encrypt with.
	name, prefix string
	encryption   types.ServerSideEncryption
	kmsKey       string
	// checksums are left out where the URL says that the server has none.
	checksums bool
	// anonymous readers may not list, and are told 403 instead of 404.
	anonymous bool
}

func openS3(ctx context.Context, u *url.URL) (Store, error) {
	b, err := openBucket(ctx, u, s3Opener{})
	if err != nil {
		return nil, err
	}
	q := u.Query()
	s := &s3Store{
		bucket: b, name: u.Host, prefix: q.Get("prefix"), anonymous: isAnonymous(q),
		encryption: encryptionType(q.Get("ssetype")), kmsKey: q.Get("kmskeyid"),
	}
	s.blobs.As(&s.client)
	s.checksums = wantsChecksums(s.client)
	s.meaning = s.means
	return s, nil
}

// means is the meaning of an error of S3. gocloud's codes would not do: they say
// "not found" of a missing bucket too.
func (s *s3Store) means(err error) error {
	switch status := httpStatus(err); {
	case status == http.StatusNotFound && !slices.Contains([]string{"NoSuchBucket", "NoSuchUpload"}, apiCode(err)), status == http.StatusForbidden && s.anonymous:
		return fs.ErrNotExist
	case status == http.StatusForbidden && isRead(err):
		return explanation("S3 answers so for a missing object too, unless the caller has s3:ListBucket")
	case status == http.StatusRequestedRangeNotSatisfiable:
		return errShort
	case status == http.StatusPreconditionFailed, status == http.StatusNotModified:
		return errRefused // older versions of MinIO say 304 of a write
	}
	if region := answerHeader(err).Get("X-Amz-Bucket-Region"); region != "" && region != s.client.Options().Region {
		return explanation(fmt.Sprintf("the bucket is in the region %q: put region=%[1]s in the URL", region))
	}
	return nil
}

// isRead reports whether an error is about reading an object.
func isRead(err error) bool {
	var op *smithy.OperationError
	return errors.As(err, &op) && (op.OperationName == "GetObject" || op.OperationName == "HeadObject")
}

func (s *s3Store) Capabilities() Capabilities {
	return Capabilities{Parallel: cloudParallel, Replace: s.replace, Settings: s.settings, OtherState: otherETag, DeleteBatch: s.deleteBatch, putFrom: s.putFrom, page: s.page}
}

func (s *s3Store) Put(ctx context.Context, o layout.Object) error {
	return s.putFrom(ctx, o, bytes.NewReader(o.Body), int64(len(o.Body)))
}

func (s *s3Store) putFrom(ctx context.Context, o layout.Object, body content, size int64) error {
	err := s.write(ctx, o, body, size, condition{absent: true})
	if mayBeRefused(err, size) && s.there(ctx, o.Key) == nil {
		return nil
	}
	return ifAbsent(err)
}

func (s *s3Store) replace(ctx context.Context, o layout.Object) error {
	return s.write(ctx, o, bytes.NewReader(o.Body), int64(len(o.Body)), condition{})
}

// Delete is not gocloud's, which would first ask whether there is such an object.
func (s *s3Store) Delete(ctx context.Context, key string) error {
	name := s.prefix + key
	_, err := s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.name, Key: &name})
	return ifThere(s.named(key, err))
}

// deleteBatch leaves the objects that S3 says it did not delete to Delete, whose
// errors say why.
func (s *s3Store) deleteBatch(ctx context.Context, keys []string) (bool, error) {
	var objects []types.ObjectIdentifier
	for _, key := range keys {
		objects = append(objects, types.ObjectIdentifier{Key: aws.String(s.prefix + key)})
	}
	out, err := s.client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: &s.name, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(true)}})
	switch {
	case err == nil:
	case ctx.Err() != nil, transient(err):
		return false, s.explained("delete", err)
	default:
		return true, fmt.Errorf("delete in batches: %w: %w", ErrUnsupported, s.secrets.hide(plain(err)))
	}
	for _, e := range out.Errors {
		if err := s.Delete(ctx, strings.TrimPrefix(aws.ToString(e.Key), s.prefix)); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (s *s3Store) Load(ctx context.Context, key string) ([]byte, Token, error) {
	body, r, err := s.load(ctx, key)
	if err != nil {
		return nil, "", err
	}
	var object s3.GetObjectOutput
	if !r.As(&object) || object.ETag == nil {
		return nil, "", fmt.Errorf("%s: the answer has no ETag, without which it cannot be changed safely", key)
	}
	// What compresses answers on the way marks their ETags as weak, which never
	// match a condition. The store has them as they were.
	return body, Token(strings.TrimPrefix(*object.ETag, "W/")), nil
}

func (s *s3Store) Swap(ctx context.Context, key string, body []byte, old Token) error {
	err := s.write(ctx, changing(key), bytes.NewReader(body), int64(len(body)), condition{absent: old == "", etag: string(old)})
	return swapped(err, old)
}

// otherETag is an ETag that no object has: those of S3 are not all zeros.
func otherETag(Token) Token { return `"00000000000000000000000000000000"` }
