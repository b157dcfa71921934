package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
)

// ErrURL: what should be the URL of a bucket is none.
var ErrURL = errors.New("bucket URL")

// clouds opens the URLs of the stores that have an API. It is not gocloud's own
// set of openers because those leave retries and connections to defaults that do
// not fit thousands of small objects; what a URL means is the same.
var clouds = func() *blob.URLMux {
	m := new(blob.URLMux)
	m.RegisterBucket("s3", s3Opener{})
	m.RegisterBucket("gs", gcsOpener{})
	m.RegisterBucket("mem", new(memblob.URLOpener))
	return m
}()

// cloudParallel is how many objects are stored at once in the cloud: at 30 ms of
// latency as many as S3 takes in a second under one prefix (3,500), where 64
// would leave half of that unused. More gain nothing but memory, and a store
// that is busy answers with errors sooner. BenchmarkPut measures it.
const cloudParallel = 128

// OpenURL opens the store at a gocloud URL (file:///dir, s3://name?…, gs://name,
// mem://). Credentials come from the store's usual chain. The folder of a
// file:// URL must exist; Create makes it. ErrURL means that the URL is wrong.
func Open(ctx context.Context, rawURL string) (*Opened, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		// The parser quotes what it does not like, which may be a password.
		return nil, fmt.Errorf("%w: it cannot be parsed; special characters in it must be percent-encoded", ErrURL)
	}
	switch u.Scheme {
	case "file":
		return openFile(ctx, u)
	case "s3", "gs", "mem":
		return openCloud(ctx, u)
	case "":
		return nil, fmt.Errorf("%w %q has no scheme: want file:///dir, s3://name, gs://name or mem://", ErrURL, printable(u))
	}
	return nil, fmt.Errorf("%w scheme %q is not known: want file, s3, gs or mem", ErrURL, u.Scheme)
}

// Create is Open, but makes the folder of a file:// URL.
func Create(ctx context.Context, rawURL string) (*Opened, error) {
	if u, err := url.Parse(rawURL); err == nil && u.Scheme == "file" {
		q := u.Query()
		q.Set("create_dir", "1")
		u.RawQuery = q.Encode()
		rawURL = u.String()
	}
	return Open(ctx, rawURL)
}

// Opened is an open store.
type Opened struct {
	Objects  ObjectStore
	Pointers PointerStore
	// Parallel is how many objects to store at once.
	Parallel int
	// Sync makes what was stored survive a crash of the machine.
	Sync func() error
	// Close releases the connections.
	Close func() error
}

// openFile opens a folder. gocloud only checks the URL and makes the folder.
func openFile(ctx context.Context, u *url.URL) (*Opened, error) {
	dir, err := fileDir(u)
	if err != nil {
		return nil, err
	}
	if u.Query().Has("prefix") {
		return nil, fmt.Errorf("%w %s: a folder in a folder is part of the path, not a prefix", ErrURL, printable(u))
	}
	folder, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", printable(u), secretsOf(u).hide(err))
	}
	if err := folder.Close(); err != nil {
		return nil, err
	}
	files := newFileStore(dir)
	return &Opened{
		Objects: files, Pointers: filePointers{dir}, Parallel: 2 * runtime.GOMAXPROCS(0),
		Sync: files.sync, Close: func() error { return nil },
	}, nil
}

// fileDir is the folder that a file:// URL names.
func fileDir(u *url.URL) (string, error) {
	if u.Host != "" && u.Host != "." && u.Host != "localhost" {
		return "", fmt.Errorf("%w %s: a folder is written with three slashes, file:///%s%s", ErrURL, printable(u), u.Host, u.Path)
	}
	p := u.Path
	if u.Host == "." {
		p = strings.TrimPrefix(p, "/")
	}
	return filepath.Clean(filepath.FromSlash(p)), nil
}

func openCloud(ctx context.Context, u *url.URL) (*Opened, error) {
	store, err := newCloudStore(ctx, u)
	if err != nil {
		return nil, err
	}
	r := &retrying{remote: store, policy: defaultRetries}
	return &Opened{
		Objects: r, Pointers: r, Parallel: cloudParallel,
		Sync: func() error { return nil }, Close: store.blobs.Close,
	}, nil
}
