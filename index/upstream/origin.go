package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/internal/retry"
)

// origin is where files come from: a server, or a bucket.
type origin interface {
	// get writes what is at path to to, which it may truncate to begin again, and says by
	// what it can be told apart from later versions. At most limit bytes are read; more
	// are refused.
	get(ctx context.Context, path, query string, had state, limit int64, to target) (state, error)
	// where names the origin, without what is secret in its URL.
	where() string
}

// Bucket is an object store that is read with a client of its own.
type Bucket interface {
	// Open streams an object from offset on, at most length bytes or, if that is
	// negative, all the rest. That there is none is fs.ErrNotExist.
	Open(ctx context.Context, key string, offset, length int64) (body io.ReadCloser, size int64, err error)
}

// bucketOrigin is a bucket. It makes requests again by itself, and says nothing of versions.
type bucketOrigin struct {
	bucket  Bucket
	name    string
	limit   *rate.Limiter
	silence time.Duration
	again   retry.Policy
}

func newBucketOrigin(b Bucket, name string, o Options) *bucketOrigin {
	return &bucketOrigin{bucket: b, name: name, limit: o.limiter(), silence: silence, again: retries}
}

func (b *bucketOrigin) where() string { return b.name }

func (b *bucketOrigin) get(ctx context.Context, path, _ string, _ state, limit int64, to target) (state, error) {
	err := b.again.Do(ctx, func() error { return b.attempt(ctx, strings.TrimPrefix(path, "/"), limit, to) })
	switch {
	case err == nil, errors.Is(err, errMissing):
		return state{}, err
	case ctx.Err() != nil:
		return state{}, ctx.Err()
	}
	return state{}, fmt.Errorf("%s: %w", path, err)
}

func (b *bucketOrigin) attempt(ctx context.Context, key string, limit int64, to target) (err error) {
	if err := b.limit.Wait(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, size, err := b.bucket.Open(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		return errMissing
	}
	if err != nil {
		return err
	}
	defer func() {
		if closed := body.Close(); err == nil { // else it would hide that it passes
			err = closed
		}
	}()
	if size > limit {
		return fmt.Errorf("%w: it has %d bytes: at most %d are taken", errRefused, size, limit)
	}
	n, err := receive(cancel, b.silence, body, limit, to)
	if err == nil && n != size {
		err = retry.Again(fmt.Errorf("%d of %d bytes came", n, size))
	}
	return err
}

// receive copies a body that comes fast enough and is not too long. cancel ends the request.
func receive(cancel context.CancelFunc, silence time.Duration, body io.Reader, limit int64, to target) (int64, error) {
	if err := to.reset(); err != nil {
		return 0, err
	}
	watch := time.AfterFunc(silence, cancel)
	n, err := io.Copy(to, io.LimitReader(&watched{Reader: body, timer: watch, silence: silence}, limit+1))
	slow := !watch.Stop()
	switch {
	case err != nil && slow:
		return n, retry.Again(fmt.Errorf("it sends less than %d bytes in %s", leastBytes, silence))
	case err != nil:
		return n, retry.Again(hideUser(err))
	case n > limit:
		return n, fmt.Errorf("%w: more than %d bytes", errRefused, limit)
	}
	return n, nil
}
