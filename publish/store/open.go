package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob"
)

// ErrURL reports a malformed bucket URL.
var ErrURL = errors.New("bucket URL")

// cloudParallel is how many objects are stored at once in the cloud: at 30 ms of
// latency as many as S3 takes in a second under one prefix (3,500), where 64
// would leave half of that unused. More gain nothing but memory, and a store
// that is busy answers with errors sooner. BenchmarkPut measures it.
const cloudParallel = 128

// Options say how a store is opened.
type Options struct {
	// Create makes the folder of a file:// URL, which otherwise must exist.
	Create bool
	// Retry bounds how requests to a store behind a network are made again.
	Retry RetryPolicy
}

// Open opens the store at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://). Credentials come from the store's usual chain. Requests to a store
// behind a network that fail for a passing reason (a lost connection, an
// overloaded store, no answer in time) are made again, a bounded number of times
// and with growing pauses. ErrURL means that the URL is wrong.
func Open(ctx context.Context, rawURL string, o Options) (Store, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The parser quotes what it does not like, which may be a password.
		return nil, fmt.Errorf("%w: it cannot be parsed; special characters in it must be percent-encoded", ErrURL)
	}
	switch u.Scheme {
	case "file":
		return openFile(ctx, u, o.Create)
	case "s3":
		return retried(ctx, u, openS3, o.Retry)
	case "gs":
		return retried(ctx, u, openGCS, o.Retry)
	case "mem":
		return openMem(ctx, u)
	case "":
		return nil, fmt.Errorf("%w %q has no scheme: want file:///dir, s3://name, gs://name or mem://", ErrURL, printable(u))
	}
	return nil, fmt.Errorf("%w scheme %q is not known: want file, s3, gs or mem", ErrURL, u.Scheme)
}

func retried(ctx context.Context, u *url.URL, open func(context.Context, *url.URL) (Store, error), p RetryPolicy) (Store, error) {
	place := placeOf(u)
	n := noticesOf(ctx, place)
	end := n.begin("open the bucket") // credentials may be asked for
	s, err := open(ctx, u)
	end(err)
	if err != nil {
		return nil, trouble(place, "open the bucket", err)
	}
	r := newRetrying(s, p)
	r.place, r.notices = place, n
	return r, nil
}

// openFile opens a folder. gocloud only checks the URL and makes the folder.
func openFile(ctx context.Context, u *url.URL, create bool) (Store, error) {
	dir, err := fileDir(u)
	if err != nil {
		return nil, err
	}
	q := u.Query()
	if q.Has("prefix") {
		return nil, fmt.Errorf("%w %s: a folder in a folder is part of the path, not a prefix", ErrURL, printable(u))
	}
	if create {
		q.Set("create_dir", "1")
	}
	checked := *u
	checked.RawQuery = q.Encode()
	folder, err := blob.OpenBucket(ctx, checked.String())
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", printable(u), secretsOf(u).hide(err))
	}
	if err := folder.Close(); err != nil {
		return nil, err
	}
	return newFileStore(dir), nil
}

// fileDir is the folder that a file:// URL names.
func fileDir(u *url.URL) (string, error) {
	if u.Host != "" && u.Host != "." && u.Host != "localhost" {
		return "", fmt.Errorf("%w %s: a folder is written with three slashes, file:///%s%s", ErrURL, printable(u), u.Host, u.Path)
	}
	p := u.Path
	// On Windows the path of file:///C:/registry is C:/registry.
	if u.Host == "." || filepath.VolumeName(strings.TrimPrefix(p, "/")) != "" {
		p = strings.TrimPrefix(p, "/")
	}
	return filepath.Clean(filepath.FromSlash(p)), nil
}
