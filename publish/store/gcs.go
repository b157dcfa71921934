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
	"strconv"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"

	"github.com/regsnap/regsnap/layout"
)

// gcsStore is a bucket of Google Cloud Storage. The state of an object that
// changes is its generation.
type gcsStore struct {
	bucket
	name string
}

func openGCS(ctx context.Context, u *url.URL) (Store, error) {
	b, err := openBucket(ctx, u, gcsOpener{})
	if err != nil {
		return nil, err
	}
	// GCS inflates objects that are marked gzip unless it is told not to, and
	// then neither length nor digest fit.
	b.reading = func(as func(any) bool) error {
		var h **storage.ObjectHandle
		if as(&h) {
			*h = (*h).ReadCompressed(true)
		}
		return nil
	}
	// gocloud's codes would not do: they say "not found" of a missing bucket,
	// and of a 403.
	b.meaning = func(err error) error {
		switch {
		case noGCSBucket(err):
			return nil
		case errors.Is(err, storage.ErrObjectNotExist), httpStatus(err) == http.StatusNotFound:
			return fs.ErrNotExist
		case httpStatus(err) == http.StatusRequestedRangeNotSatisfiable:
			return errShort
		case httpStatus(err) == http.StatusPreconditionFailed:
			return errRefused
		}
		return nil
	}
	return &gcsStore{b, u.Host}, nil
}

func (s *gcsStore) Capabilities() Capabilities {
	return Capabilities{Parallel: cloudParallel, Replace: s.replace, Settings: s.settings, OtherState: otherGeneration, putFrom: s.putFrom, page: s.page}
}

func (s *gcsStore) Put(ctx context.Context, o layout.Object) error {
	return s.putFrom(ctx, o, bytes.NewReader(o.Body), int64(len(o.Body)))
}

func (s *gcsStore) putFrom(ctx context.Context, o layout.Object, body content, size int64) error {
	err := s.send(ctx, o, body, blob.WriterOptions{IfNotExist: true})
	// A creator without the right to delete may not write what is there,
	// whatever the condition says.
	if (Denied(err) || mayBeRefused(err, size)) && s.there(ctx, o.Key) {
		return nil
	}
	return ifAbsent(err)
}

// there reports whether an object is there.
func (s *gcsStore) there(ctx context.Context, key string) bool {
	_, err := s.blobs.Attributes(ctx, key)
	return err == nil
}

func (s *gcsStore) replace(ctx context.Context, o layout.Object) error {
	return s.send(ctx, o, bytes.NewReader(o.Body), blob.WriterOptions{})
}

// send gives an object to GCS in one request: all of it is at hand for the next
// attempt. With a buffer it would take 16 MiB for every object.
func (s *gcsStore) send(ctx context.Context, o layout.Object, body io.Reader, options blob.WriterOptions) error {
	options.BufferSize = -1
	return s.upload(ctx, o, body, options)
}

func (s *gcsStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	return s.bucket.Open(oneRead(ctx), key, offset, length)
}

func (s *gcsStore) Load(ctx context.Context, key string) ([]byte, Token, error) {
	body, r, err := s.load(oneRead(ctx), key)
	if err != nil {
		return nil, "", err
	}
	var object *storage.Reader
	if !r.As(&object) {
		return nil, "", fmt.Errorf("%s: the answer has no generation", key)
	}
	return body, Token(strconv.FormatInt(object.Attrs.Generation, 10)), nil
}

func (s *gcsStore) Swap(ctx context.Context, key string, body []byte, old Token) error {
	options := blob.WriterOptions{IfNotExist: old == ""}
	if old != "" {
		generation, err := strconv.ParseInt(string(old), 10, 64)
		if err != nil {
			return fmt.Errorf("%s: generation: %w", key, err)
		}
		options.BeforeWrite = func(as func(any) bool) error {
			var h **storage.ObjectHandle
			if !as(&h) {
				return fmt.Errorf("%s: %w: conditional writes", key, ErrUnsupported)
			}
			*h = (*h).If(storage.Conditions{GenerationMatch: generation})
			return nil
		}
	}
	return swapped(s.send(ctx, changing(key), bytes.NewReader(body), options), old)
}

// otherGeneration is one that no object has: generations are times in microseconds.
func otherGeneration(Token) Token { return "1" }
