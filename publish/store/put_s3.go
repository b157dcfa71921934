package store

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"

	"github.com/regsnap/regsnap/layout"
)

// onePart is the size in bytes up to which S3 gets an object in one request. All
// of it is at hand, so gocloud's upload, which sets 8 MiB aside for a body that
// might turn out to be long, would cost more than the request itself.
const onePart = 16 << 20

// putS3 stores an object, unless there is one, in one request. The SHA-256 that
// the snapshot will name is also what the request is signed with and what S3
// checks the body against and keeps: nothing else is computed over the body.
func (s *cloudStore) putS3(ctx context.Context, o layout.Object, body io.ReadSeeker, size int64) error {
	sum, err := sumOf(o, body)
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: aws.String(s.prefix + o.Key),
		Body: body, ContentLength: &size,
		ContentType: &o.ContentType, CacheControl: &o.CacheControl,
		ServerSideEncryption: s.encryption,
		IfNoneMatch:          aws.String("*"),
	}
	if o.ContentEncoding != "" {
		in.ContentEncoding = &o.ContentEncoding
	}
	if s.kmsKey != "" {
		in.SSEKMSKeyId = &s.kmsKey
	}
	// The URL can ask for no checksums, which not every server understands.
	if s.s3.Options().RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired {
		in.ChecksumSHA256 = aws.String(base64.StdEncoding.EncodeToString(sum))
	}
	_, err = s.s3.PutObject(ctx, in, func(options *s3.Options) {
		options.APIOptions = append(options.APIOptions, signedWith(hex.EncodeToString(sum)))
	})
	return err
}

// sumOf is the SHA-256 of an object's body, which is read only if it is not known.
func sumOf(o layout.Object, body io.ReadSeeker) ([]byte, error) {
	if o.SHA256 == "" {
		h := sha256.New()
		if _, err := io.Copy(h, body); err != nil {
			return nil, err
		}
		_, err := body.Seek(0, io.SeekStart)
		return h.Sum(nil), err
	}
	sum, err := hex.DecodeString(o.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%s: SHA-256 %q is none", o.Key, o.SHA256)
	}
	return sum, nil
}

// signedWith tells the signer the SHA-256 of the body, so that it need not read it.
func signedWith(payload string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("PayloadSHA256",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(v4.SetPayloadHash(ctx, payload), in)
			}), middleware.Before)
	}
}
