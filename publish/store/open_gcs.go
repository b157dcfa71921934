package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

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
