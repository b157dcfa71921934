package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/dev"
)

// closers closes several.
type closers []io.Closer

func (c closers) Close() (err error) {
	for _, one := range c {
		if e := one.Close(); err == nil {
			err = e
		}
	}
	return err
}

// devBase sets what --base names, or how to get it.
func devBase(c *cli.Context, cfg config, bar *progress, o *dev.Options) (io.Closer, error) {
	base := c.String("base")
	switch {
	case base == "":
		if len(*c.Generic("query").(*repeated)) > 0 {
			return nil, usagef("--query chooses packages of a registry: give --base URL")
		}
		return closers{}, nil
	case strings.HasPrefix(base, "http://"), strings.HasPrefix(base, "https://"):
		return registryBase(c, base, bar, o)
	}
	if len(*c.Generic("query").(*repeated)) > 0 {
		return nil, usagef("--query chooses packages of a registry, not of a bucket: of that nothing has to be fetched")
	}
	url, env, ok := strings.Cut(base, "#")
	if !ok || env == "" || url == "" {
		return nil, usagef("--base %q: want BUCKET#ENV, such as s3://registry#snapshot, or the URL of a registry", base)
	}
	cfg.Bucket = url
	bucket, err := cfg.openEnvironment(c.Context, env)
	if err != nil {
		return nil, err
	}
	if o.Base, err = bucketBase(c, bucket, env); err != nil {
		bucket.Close()
		return nil, err
	}
	return bucket, nil
}

// bucketBase is what is live of an environment.
func bucketBase(c *cli.Context, bucket *publish.Bucket, env string) (*dev.Base, error) {
	m, routes, err := bucket.LiveSnapshot(c.Context, env)
	if err != nil {
		return nil, err
	}
	b, err := dev.OfSnapshot(bucket, m, routes)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(c.App.ErrWriter, "base: %s %s, %s\n", env, m.ID(), plural(len(m.Packages), "package version"))
	return &b, nil
}

// registryBase gets what a registry has, or the part of it that --query sees, once the
// registry of what is edited listens.
func registryBase(c *cli.Context, url string, bar *progress, o *dev.Options) (io.Closer, error) {
	from := upstream.Options{URL: url, Dir: c.String("cache"), Agent: "regsnap/" + version()}
	var err error
	if from.Slice, err = sliceOf(c); err != nil {
		return nil, err
	}
	if from.Dir == "" {
		if from.Dir, err = importFolder(url); err != nil {
			return nil, err
		}
	}
	fetched := &closers{}
	o.Fetch = func(ctx context.Context, progress func(build.Progress)) (*dev.Base, error) {
		from.Progress = func(phase string, done, total int, bytes int64) {
			progress(build.Progress{Phase: phase, Done: done, Total: total, Bytes: bytes})
		}
		src, stats, err := upstream.Fetch(ctx, from)
		bar.finish()
		if err != nil {
			return nil, fmt.Errorf("base: %w", err)
		}
		*fetched = append(*fetched, src)
		fmt.Fprintf(c.App.ErrWriter, "base: %s of the registry, %s fetched, %d unchanged (%s)\n",
			plural(stats.Packages, "package version"), size(stats.Bytes), stats.Unchanged, clean(from.Dir))
		return &dev.Base{Source: src, Branch: upstream.BranchName}, nil
	}
	return fetched, nil
}

// cacheFolderFlag is where what a registry has is kept.
func cacheFolderFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", Usage: "keep what is fetched in `DIR` (default: a folder for each registry in the user's cache)", EnvVars: []string{"REGSNAP_IMPORT_CACHE"}}
}
