package main

import (
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

// devBase is what --base names; nil if nothing.
func devBase(c *cli.Context, cfg config) (*dev.Base, io.Closer, error) {
	base := c.String("base")
	switch {
	case base == "":
		if len(*c.Generic("query").(*repeated)) > 0 {
			return nil, nil, usagef("--query chooses packages of a registry: give --base URL")
		}
		return nil, closers{}, nil
	case strings.HasPrefix(base, "http://"), strings.HasPrefix(base, "https://"):
		return registryBase(c, base)
	}
	if len(*c.Generic("query").(*repeated)) > 0 {
		return nil, nil, usagef("--query chooses packages of a registry, not of a bucket: of that nothing has to be fetched")
	}
	url, env, ok := strings.Cut(base, "#")
	if !ok || env == "" || url == "" {
		return nil, nil, usagef("--base %q: want BUCKET#ENV, such as s3://registry#snapshot, or the URL of a registry", base)
	}
	cfg.Bucket = url
	bucket, err := cfg.openEnvironment(c.Context, env)
	if err != nil {
		return nil, nil, err
	}
	b, err := bucketBase(c, bucket, env)
	if err != nil {
		bucket.Close()
		return nil, nil, err
	}
	return b, bucket, nil
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

// registryBase is what a registry has, or the part of it that --query sees.
func registryBase(c *cli.Context, url string) (*dev.Base, io.Closer, error) {
	o := upstream.Options{URL: url, Dir: c.String("cache"), Agent: "regsnap/" + version()}
	var err error
	if o.Slice, err = sliceOf(c); err != nil {
		return nil, nil, err
	}
	if o.Dir == "" {
		if o.Dir, err = importFolder(url); err != nil {
			return nil, nil, err
		}
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet"))
	o.Progress = func(phase string, done, total int, bytes int64) {
		bar.update(build.Progress{Phase: phase, Done: done, Total: total, Bytes: bytes})
	}
	src, stats, err := upstream.Fetch(c.Context, o)
	bar.finish()
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintf(c.App.ErrWriter, "base: %s of the registry, %s fetched, %d unchanged (%s)\n",
		plural(stats.Packages, "package version"), size(stats.Bytes), stats.Unchanged, clean(o.Dir))
	return &dev.Base{Source: src, Branch: upstream.BranchName}, src, nil
}

// cacheFolderFlag is where what a registry has is kept.
func cacheFolderFlag() cli.Flag {
	return &cli.StringFlag{Name: "cache", Usage: "keep what is fetched in `DIR` (default: a folder for each registry in the user's cache)", EnvVars: []string{"REGSNAP_IMPORT_CACHE"}}
}
