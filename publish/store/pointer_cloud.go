package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
)

// A pointer in the cloud is an object that is written on a condition: that its
// ETag (S3) or generation (GCS) is still the one that was read.

// Load takes body and token from one request, so that they belong together.
func (s *cloudStore) Load(ctx context.Context, key string) ([]byte, Token, error) {
	r, err := s.blobs.NewReader(oneRead(ctx), key, rawReader)
	if err != nil {
		return nil, "", s.named(key, err)
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, "", s.named(key, err)
	}
	var object s3.GetObjectOutput
	var generation *storage.Reader
	switch {
	case r.As(&object) && object.ETag != nil:
		return body, Token(*object.ETag), nil
	case r.As(&generation):
		return body, Token(strconv.FormatInt(generation.Attrs.Generation, 10)), nil
	}
	return body, Token(body), nil
}

func (s *cloudStore) Swap(ctx context.Context, key string, body []byte, old Token) error {
	if s.mem != nil {
		return s.swapMem(ctx, key, body, old)
	}
	o := pointerOptions()
	o.BufferSize, o.IfNotExist = s.bufferSize(), old == ""
	if old != "" {
		o.BeforeWrite = func(as func(any) bool) error { return onlyIf(as, old) }
	}
	err := s.blobs.Upload(ctx, key, bytes.NewReader(body), o)
	// S3 says "no such key" when the condition is about an object that is gone.
	if s.refused(err) || old != "" && s.missing(err) {
		return ErrConflict
	}
	return s.named(key, err)
}

func pointerOptions() *blob.WriterOptions {
	return &blob.WriterOptions{ContentType: "application/json", CacheControl: "no-cache"}
}

// onlyIf makes an upload depend on the state of the object.
func onlyIf(as func(any) bool, old Token) error {
	var input *transfermanager.UploadObjectInput
	var handle **storage.ObjectHandle
	switch {
	case as(&input):
		etag := string(old)
		input.IfMatch = &etag
	case as(&handle):
		generation, err := strconv.ParseInt(string(old), 10, 64)
		if err != nil {
			return fmt.Errorf("generation: %w", err)
		}
		*handle = (*handle).If(storage.Conditions{GenerationMatch: generation})
	default:
		return errors.New("the store has no conditional writes")
	}
	return nil
}

func (s *cloudStore) swapMem(ctx context.Context, key string, body []byte, old Token) error {
	s.mem.Lock()
	defer s.mem.Unlock()
	_, now, err := s.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != old {
		return ErrConflict
	}
	return s.named(key, s.blobs.WriteAll(ctx, key, body, pointerOptions()))
}
