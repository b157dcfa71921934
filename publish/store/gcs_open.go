package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"

	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
	"gocloud.dev/blob/gcsblob"
	"gocloud.dev/gcp"
	"golang.org/x/oauth2/google"
	"google.golang.org/api/option"
)

// gcsOpener opens gs:// URLs as gocloud does, with a transport that keeps more
// connections and a client that makes one attempt: retrying makes the others.
//
// It differs in two ways. Without credentials it fails: gocloud prints a warning
// to standard output and goes on, to fail later for another reason. And it
// refuses grpc and zonal, whose errors and conditions no test here has seen.
type gcsOpener struct{}

func (gcsOpener) OpenBucketURL(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	q := u.Query()
	if q.Has("grpc") || q.Has("zonal") {
		return nil, errors.New("grpc and zonal are not supported")
	}
	pool := http.DefaultTransport.(*http.Transport).Clone()
	tuneTransport(pool)
	transport := singleReads{pool}
	o := &gcsblob.URLOpener{Client: gcp.NewAnonymousHTTPClient(transport)}
	if os.Getenv("STORAGE_EMULATOR_HOST") != "" || isAnonymous(q) {
		// gocloud puts a client of its own in place of this one, except here.
		o.Options.ClientOptions = []option.ClientOption{option.WithHTTPClient(&o.Client.Client)}
	} else if err := gcsCredentials(ctx, o, q.Get("universe_domain"), transport); err != nil {
		return nil, err
	}
	b, err := o.OpenBucketURL(ctx, u)
	if err != nil {
		return nil, err
	}
	var client *storage.Client
	if b.As(&client) {
		client.SetRetry(storage.WithPolicy(storage.RetryNever))
	}
	return b, nil
}

// gcsCredentials finds the application default credentials.
func gcsCredentials(ctx context.Context, o *gcsblob.URLOpener, universe string, transport http.RoundTripper) error {
	creds, err := gcp.DefaultCredentialsWithParams(ctx, google.CredentialsParams{UniverseDomain: universe})
	if err != nil {
		return fmt.Errorf("%w: %w (a public bucket can be read with anonymous=true)", errCredentials, err)
	}
	if o.Client, err = gcp.NewHTTPClient(transport, gcp.CredentialsTokenSource(creds)); err != nil {
		return fmt.Errorf("%w: %w", errCredentials, err)
	}
	if domain, err := creds.GetUniverseDomain(); err == nil && domain != "" {
		o.Options.ClientOptions = append(o.Options.ClientOptions, option.WithUniverseDomain(domain))
	}
	return nil
}

// A reader of GCS's client that loses its connection asks for the rest by
// itself. That must not be: of an object that is marked gzip and read as it is
// stored, the client then drops as many bytes of the rest as had come before,
// and goes on after the hole without an error. Of an object that was written
// again meanwhile, as pointers are, it says that there is none.
//
// oneRead and singleReads have the connection fail for good instead, and
// resumingReader, or the next attempt, does it right.

// errCutShort is what the client is told that asks for the rest.
var errCutShort = fmt.Errorf("the connection was lost while an object was read: %w", io.ErrUnexpectedEOF)

// answered is in the context of a read: whether a body has begun to come.
type answered struct{ atomic.Bool }

type answeredKey struct{}

// oneRead is a context for one read of one object.
func oneRead(ctx context.Context) context.Context {
	return context.WithValue(ctx, answeredKey{}, new(answered))
}

// singleReads refuses a request in the context of a read that was answered.
type singleReads struct{ http.RoundTripper }

func (t singleReads) RoundTrip(r *http.Request) (*http.Response, error) {
	read, ok := r.Context().Value(answeredKey{}).(*answered)
	if ok && read.Load() {
		return nil, errCutShort
	}
	resp, err := t.RoundTripper.RoundTrip(r)
	if ok && err == nil && resp.StatusCode/100 == 2 {
		read.Store(true)
	}
	return resp, err
}
