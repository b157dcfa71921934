package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// All that is written to S3, objects, pointers and parts, goes one way: as it is,
// with its SHA-256 in a header, which is also what the request is signed with.
// The SDK would send a CRC32 behind the body, in an encoding (aws-chunked) that
// not every store understands.

// onePart is the size in bytes up to which S3 gets an object in one request.
const onePart = 16 << 20

// partSize is that of the parts of a larger object. S3 takes none under 5 MiB.
const partSize = 8 << 20

// condition is what must be so for a write to happen.
type condition struct {
	absent bool   // there is no such object
	etag   string // that of the object, if it is not empty
}

func (c condition) headers() (ifNoneMatch, ifMatch *string) {
	if c.absent {
		ifNoneMatch = aws.String("*")
	}
	if c.etag != "" {
		ifMatch = &c.etag
	}
	return ifNoneMatch, ifMatch
}

// write stores an object of size bytes on a condition.
func (s *s3Store) write(ctx context.Context, o layout.Object, body content, size int64, c condition) error {
	if size <= onePart {
		return s.named(o.Key, s.putWhole(ctx, o, body, size, c))
	}
	if c.absent {
		// S3 would look only when it has all parts.
		err := s.there(ctx, o.Key)
		if err == nil {
			return fmt.Errorf("%s: %w", o.Key, errRefused)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.named(o.Key, s.putParts(ctx, o, body, size, c))
}

// there asks for an object without its body; fs.ErrNotExist when there is none.
func (s *s3Store) there(ctx context.Context, key string) error {
	_, err := s.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &s.name, Key: aws.String(s.prefix + key)})
	return s.named(key, err)
}

// putWhole stores an object in one request. The SHA-256 that the snapshot will
// name is what S3 checks the body against and keeps: nothing else is computed.
func (s *s3Store) putWhole(ctx context.Context, o layout.Object, body content, size int64, c condition) error {
	sum, err := sumOf(o, body)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &s.name, Key: aws.String(s.prefix + o.Key),
		Body: body, ContentLength: &size,
		ContentType: &o.ContentType, CacheControl: &o.CacheControl, ContentEncoding: orNil(o.ContentEncoding),
		ServerSideEncryption: s.encryption, SSEKMSKeyId: orNil(s.kmsKey),
	}
	in.IfNoneMatch, in.IfMatch = c.headers()
	if s.checksums {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
	}
	_, err = s.client.PutObject(v4.SetPayloadHash(ctx, hex.EncodeToString(sum)), in)
	return err
}

// partsAtOnce is how many parts of one object are sent at once.
const partsAtOnce = 4

// putParts stores a large object in parts, of which S3 makes one at the end, on
// the condition. gocloud's upload knows no other checksum, and prints a line when
// S3 refuses; its client has all that is needed.
func (s *s3Store) putParts(ctx context.Context, o layout.Object, body content, size int64, c condition) (err error) {
	in := &s3.CreateMultipartUploadInput{
		Bucket: &s.name, Key: aws.String(s.prefix + o.Key),
		ContentType: &o.ContentType, CacheControl: &o.CacheControl, ContentEncoding: orNil(o.ContentEncoding),
		ServerSideEncryption: s.encryption, SSEKMSKeyId: orNil(s.kmsKey),
	}
	if s.checksums {
		in.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	}
	begun, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.abort(ctx, in, begun.UploadId))
		}
	}()
	parts := make([]types.CompletedPart, (size+partSize-1)/partSize)
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i := range parts {
		offset := int64(i) * partSize
		part := io.NewSectionReader(body, offset, min(partSize, size-offset))
		g.Go(func() (err error) {
			parts[i], err = s.putPart(gctx, in, begun.UploadId, int32(i)+1, part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	end := &s3.CompleteMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: begun.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}
	end.IfNoneMatch, end.IfMatch = c.headers()
	_, err = s.client.CompleteMultipartUpload(ctx, end)
	return err
}

func (s *s3Store) putPart(ctx context.Context, whole *s3.CreateMultipartUploadInput, upload *string, number int32, body *io.SectionReader) (types.CompletedPart, error) {
	sum, err := sumAndRewind(body)
	if err != nil {
		return types.CompletedPart{}, err
	}
	in := &s3.UploadPartInput{
		Bucket: whole.Bucket, Key: whole.Key, UploadId: upload, PartNumber: &number, Body: body, ContentLength: aws.Int64(body.Size()),
	}
	if s.checksums {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
	}
	out, err := s.client.UploadPart(v4.SetPayloadHash(ctx, hex.EncodeToString(sum)), in)
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: in.ChecksumSHA256}, nil
}

// abortTime is how long S3 may take to forget the parts of an upload that failed.
const abortTime = 10 * time.Second

// abort gives up an upload, also when ctx has ended. What the store does not know
// any more needs no giving up.
func (s *s3Store) abort(ctx context.Context, whole *s3.CreateMultipartUploadInput, upload *string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: whole.Bucket, Key: whole.Key, UploadId: upload})
	if httpStatus(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// content is the body of an object, which may be read several times.
type content interface {
	io.ReadSeeker
	io.ReaderAt
}

func orNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// sumOf is the SHA-256 of an object's body, which is read only if it is not known.
func sumOf(o layout.Object, body io.ReadSeeker) ([]byte, error) {
	if o.SHA256 == "" {
		return sumAndRewind(body)
	}
	sum, err := hex.DecodeString(o.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%s: invalid SHA-256 %q", o.Key, o.SHA256)
	}
	return sum, nil
}

func sumAndRewind(body io.ReadSeeker) ([]byte, error) {
	h := sha256.New()
	if _, err := io.Copy(h, body); err != nil {
		return nil, err
	}
	_, err := body.Seek(0, io.SeekStart)
	return h.Sum(nil), err
}
