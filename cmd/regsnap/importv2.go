package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/internal/redact"
	"github.com/regsnap/regsnap/publish/store"
)

// storageFlags are those of an import from a bucket of package storage v2.
func storageFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "from-v2", Usage: "import by the index of the package storage v2 in the bucket at `URL` (gs://BUCKET/FOLDER or https://HOST/FOLDER), not from a registry"},
		&cli.StringFlag{Name: "endpoint", Usage: "with --from-v2: take archives and signatures from `URL`/artifacts/packages/ (default: the bucket)"},
		&cli.BoolFlag{Name: "refresh", Usage: "with --from-v2: also ask whether the archives have changed of which the index says the same as in the last import"},
	}
}

// storageOptions reads --from-v2 and the flags that belong to it.
func storageOptions(c *cli.Context, o *upstream.Options) error {
	o.Storage, o.URL, o.Refresh = c.String("from-v2"), c.String("endpoint"), c.Bool("refresh")
	if o.Storage == "" {
		if o.URL != "" || o.Refresh {
			return usagef("--endpoint and --refresh belong to --from-v2: give the bucket's URL, or --registry URL alone")
		}
		return nil
	}
	switch {
	case c.String("registry") != "":
		return usagef("--registry and --from-v2 are two sources: give one of them")
	case len(o.Slice.Queries) > 0:
		return usagef("--query, --latest and --matrix ask a registry, and --from-v2 reads an index: import all, or some with --package, and take what a query sees from there with regsnap mirror --query")
	}
	return nil
}

// openStorage opens the bucket of --from-v2, if it is not read over HTTP.
func openStorage(ctx context.Context, o *upstream.Options) (io.Closer, error) {
	u, err := url.Parse(o.Storage)
	switch {
	case o.Storage == "":
		return io.NopCloser(nil), nil
	case err != nil:
		return nil, usagef("--from-v2: want gs://BUCKET, gs://BUCKET/FOLDER or https://HOST/FOLDER, special characters percent-encoded")
	case u.Scheme == "http" || u.Scheme == "https":
		return io.NopCloser(nil), nil
	case u.Scheme != "gs" || u.Host == "":
		return nil, usagef("--from-v2 %s: want gs://BUCKET, gs://BUCKET/FOLDER or https://HOST/FOLDER", redact.Text(o.Storage))
	}
	at := *u
	if folder := strings.Trim(u.Path, "/"); folder != "" {
		q := u.Query()
		if q.Has("prefix") {
			return nil, usagef("--from-v2 %s: it names a folder and a prefix: give one of them", redact.Text(o.Storage))
		}
		q.Set("prefix", folder+"/")
		at.Path, at.RawQuery = "", q.Encode()
	}
	bucket, err := store.Open(ctx, at.String(), store.Options{})
	if errors.Is(err, store.ErrURL) {
		return nil, usagef("--from-v2: %w", err)
	}
	if err != nil {
		return nil, err
	}
	o.Bucket = bucket
	return bucket, nil
}

// printFetched says what an import has fetched.
func printFetched(w io.Writer, s upstream.Stats) {
	switch {
	case s.Current && s.Fetched == 0:
		fmt.Fprintf(w, "index %s is that of the last import, and all of it is there: nothing new; ", clean(s.Cursor))
	case s.Cursor != "":
		fmt.Fprintf(w, "index %s: ", clean(s.Cursor))
	}
	fmt.Fprintf(w, "%s: %d archives and signatures fetched (%s), %d unchanged; %d signed\n",
		plural(s.Packages, "package"), s.Fetched, size(s.Bytes), s.Unchanged, s.Signed)
}
