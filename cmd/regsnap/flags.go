package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// parallel is --parallel; 0 is what fits the stores.
func parallel(c *cli.Context) (int, error) {
	n := c.Int("parallel")
	if n < 0 {
		return 0, usagef("--parallel %d: want 1 or more, or 0 for what fits", n)
	}
	return n, nil
}

// noArgs refuses arguments that a command does not take: a forgotten dash must
// not be ignored.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usagef("%s takes no argument %q", c.Command.HelpName, c.Args().First())
	}
	return nil
}

// settings are the configuration with the flags applied.
func settings(c *cli.Context) (config, error) {
	cfg, err := loadConfig(c.Context, c.String("config"), c.String("source"))
	if err != nil {
		return config{}, err
	}
	if v := c.String("bucket"); v != "" {
		cfg.Bucket = v
	}
	if v := c.String("source"); v != "" {
		cfg.Source = v
	}
	return cfg, nil
}

// opening is the key of a context that opens buckets in another way: tests have stores that
// fail.
type opening struct{}

func (c config) openBucket(ctx context.Context, open func(context.Context, string) (*publish.Bucket, error)) (*publish.Bucket, error) {
	if c.Bucket == "" {
		return nil, usagef("which bucket? Give --bucket URL, or bucket: in regsnap.yml")
	}
	if other, ok := ctx.Value(opening{}).(func(string) (*publish.Bucket, error)); ok {
		open = func(_ context.Context, url string) (*publish.Bucket, error) { return other(url) }
	}
	b, err := open(ctx, c.Bucket)
	if errors.Is(err, store.ErrURL) {
		return nil, usageError{err}
	}
	return b, err
}

// source is an index.Source that the command line named.
type source interface {
	index.Source
	io.Closer
}

func (c config) openSource(ctx context.Context) (source, error) {
	kind, path, ok := strings.Cut(c.Source, ":")
	switch {
	case c.Source == "":
		return nil, usagef("which package storage? Give --source git:PATH or dir:PATH, or source: in regsnap.yml")
	case !ok || path == "":
		return nil, usagef("source %q: want git:PATH or dir:PATH", c.Source)
	case kind == "git" && isURL(path):
		return nil, errGitURL(c.Source, path)
	case kind == "git":
		return git.OpenGit(ctx, path)
	case kind == "dir" && strings.Contains(path, "="):
		folders := map[string]string{}
		for pair := range strings.SplitSeq(path, ",") {
			branch, folder, ok := strings.Cut(pair, "=")
			if !ok || branch == "" || folder == "" {
				return nil, usagef("source %q: want dir:BRANCH=PATH,BRANCH=PATH", c.Source)
			}
			folders[branch] = folder
		}
		return git.OpenDirs(folders), nil
	case kind == "dir":
		return git.OpenDir(path)
	}
	return nil, usagef("source %q: %q is not a kind of source: want git or dir", c.Source, kind)
}

// isURL reports whether what should be a path is an address: with a scheme, or as
// ssh writes it. A folder of such a name is written with ./ before it.
func isURL(path string) bool {
	host, _, ok := strings.Cut(path, ":")
	return ok && strings.Contains(path, "://") || ok && strings.Contains(host, "@") && !strings.Contains(host, "/")
}

func errGitURL(source, address string) error {
	return usagef("source %q: want the path of a clone, not an address: git clone --filter=blob:none --no-checkout ADDRESS storage, then --source git:storage", strings.Replace(source, address, withoutUser(address), 1))
}

// withoutUser is an address without who logs in there, and with what password.
func withoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	if ok {
		host = scheme + "://" + host
	}
	return strings.TrimSuffix(host+"/"+path, "/")
}

// oneEnvironment is --env where a command is about exactly one that is configured.
func (cfg config) oneEnvironment(c *cli.Context) (string, error) {
	name, err := oneEnv(c)
	if err != nil {
		return "", err
	}
	return name, cfg.isConfigured(name)
}

func (c config) isConfigured(name string) error {
	if name == "" {
		return usagef("--env is required (one of %s)", strings.Join(c.names(), ", "))
	}
	_, err := c.choose([]string{name})
	return err
}

// openEnvironment is the bucket, and --env where a command is about exactly one.
// One that is not configured will do if the bucket has it, as it has previews.
func (c config) openEnvironment(ctx context.Context, name string) (*publish.Bucket, error) {
	unknown := c.isConfigured(name)
	if unknown != nil && (c.Bucket == "" || !layout.ValidEnvironment(name)) {
		return nil, unknown
	}
	bucket, err := c.openBucket(ctx, publish.Open)
	if err != nil {
		return nil, errors.Join(unknown, err)
	}
	if unknown != nil {
		if _, err := bucket.Pointer(ctx, name); err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				unknown = err
			}
			return nil, errors.Join(unknown, bucket.Close())
		}
	}
	return bucket, nil
}

// closing closes a resource and keeps its error if there is no other.
func closing(err *error, what string, c io.Closer) {
	if e := c.Close(); e != nil && *err == nil && !errors.Is(e, context.Canceled) {
		*err = fmt.Errorf("close %s: %w", what, e)
	}
}
