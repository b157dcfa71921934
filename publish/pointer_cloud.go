package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"sync"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// cloudPointers are objects that are written on a condition: that their ETag
// (S3) or generation (GCS) is still the one that was read.
type cloudPointers struct {
	blobs  *blob.Bucket
	scheme string
	mem    sync.Mutex // mem:// has no conditions, and no second process
}

func newCloudPointers(b *blob.Bucket, scheme string) *cloudPointers {
	return &cloudPointers{blobs: b, scheme: scheme}
}

// load takes body and token from one request, so that they belong together.
func (s *cloudPointers) load(ctx context.Context, key string) ([]byte, token, error) {
	r, err := s.blobs.NewReader(ctx, key, nil)
	if err != nil {
		return nil, "", notExist(key, err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", key, err)
	}
	var object s3.GetObjectOutput
	var generation *storage.Reader
	switch {
	case r.As(&object) && object.ETag != nil:
		return body, token(*object.ETag), nil
	case r.As(&generation):
		return body, token(strconv.FormatInt(generation.Attrs.Generation, 10)), nil
	}
	return body, token(body), nil
}

func (s *cloudPointers) swap(ctx context.Context, key string, body []byte, old token) error {
	if s.scheme == "mem" {
		return s.swapMem(ctx, key, body, old)
	}
	o := &blob.WriterOptions{
		ContentType: "application/json", CacheControl: "no-cache", BufferSize: uploadBuffer,
		IfNotExist: old == "",
		BeforeWrite: func(as func(any) bool) error {
			if old == "" {
				return nil
			}
			var input *transfermanager.UploadObjectInput
			var handle **storage.ObjectHandle
			switch {
			case as(&input):
				etag := string(old)
				input.IfMatch = &etag
			case as(&handle):
				generation, err := strconv.ParseInt(string(old), 10, 64)
				if err != nil {
					return err
				}
				*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
			default:
				return fmt.Errorf("%s: the store has no conditional writes", s.scheme)
			}
			return nil
		},
	}
	err := s.blobs.Upload(ctx, key, bytes.NewReader(body), o)
	if gcerrors.Code(err) == gcerrors.FailedPrecondition {
		return ErrConflict
	}
	return err
}

func (s *cloudPointers) swapMem(ctx context.Context, key string, body []byte, old token) error {
	s.mem.Lock()
	defer s.mem.Unlock()
	_, now, err := s.load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != old {
		return ErrConflict
	}
	return s.blobs.WriteAll(ctx, key, body, &blob.WriterOptions{ContentType: "application/json"})
}
