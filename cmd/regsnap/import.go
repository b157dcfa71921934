package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/build/sign"
	"github.com/regsnap/regsnap/index/upstream"
)

func importCommand() *cli.Command {
	return &cli.Command{
		Name:     "import",
		Category: groupPublish,
		Usage:    "build a snapshot from an existing registry",
		Description: `Asks a package registry, any server that speaks the API, what it has, fetches archives
and signatures, and builds them into a snapshot: the archives are served as they are,
byte for byte, and all else is rendered from them. Without --query, --package, --latest
or --matrix every version is fetched.

With --from-v2 the source is a bucket of package storage v2: its index says what there
is, and archives and signatures come from --endpoint, or from the bucket. Only those
are fetched that are not there, or of which the index says something else than before;
if the cursor is the same, no file is asked for at all. docs/storage-v2.md has more.

What was fetched stays in a folder (--cache): the next import asks whether it has
changed, and an interrupted one resumes. Few connections are used, --max-rate bounds
the requests, and Retry-After is heeded.

With --verify-key every archive must have a good OpenPGP signature by one of the keys in
the file, else nothing is built and the report names them (exit code 3). The registry
is not trusted otherwise: sizes are bounded, redirects lead to no other host unless
--trust-host names it, and archives pass the same checks as those of a package storage.
One archive that does not pass stops the import; --exclude leaves it out.

   regsnap import --registry https://registry.example --env production --bucket file:///srv/registry
   regsnap import --registry https://registry.example --query 'kibana.version=8.5.0' --verify-key elastic.asc \
     --env production --bucket gs://registry --publish
   regsnap import --from-v2 gs://storage --endpoint https://storage.example/ --env production --bucket gs://registry`,
		Flags: slices.Concat([]cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			&cli.StringFlag{Name: "registry", Usage: "the registry's `URL` (default: the address in the file of --matrix)"},
		}, storageFlags(), []cli.Flag{
			queryFlag(), packageFlag(), latestFlag(), matrixFlag(),
			&cli.StringSliceFlag{Name: "exclude", Usage: "leave out `NAME[-VERSION]`, and say so (repeat for several)"},
			&cli.StringFlag{Name: "verify-key", Usage: "only accept archives that a public key in `FILE` has signed", TakesFile: true},
			cacheFolderFlag(),
			rateFlag(upstream.DefaultRate),
			&cli.IntFlag{Name: "max-connections", Usage: "use at most `N` connections", Value: upstream.DefaultParallel},
			&cli.StringSliceFlag{Name: "trust-host", Usage: "let redirects lead to `HOST[:PORT]` (repeat for several)"},
			publishFlag(), allowOlderFlag(), dryRunFlag("(what is fetched stays in --cache)"), byFlag(), reasonFlag(),
			parallelFlag(0, storeParallel),
			jsonFlag(),
		}, signFlags()),
		Action: runImport,
	}
}

func runImport(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	if _, err := note(c); err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	name, err := cfg.oneEnvironment(c)
	if err != nil {
		return err
	}
	env, err := cfg.buildEnvironment(name)
	if err != nil {
		return err
	}
	env.Branches = []string{upstream.BranchName}
	o := build.Options{Regsnap: version(), Budget: cfg.budget(), Environments: []build.Environment{env}}
	if o.Parallel, err = parallel(c); err != nil {
		return err
	}
	if o.Sign, err = signer(c); err != nil {
		return err
	}
	fetch, err := fetchOptions(c)
	if err != nil {
		return err
	}
	if cfg.Bucket == "" { // known before anything is fetched
		return usagef("which bucket? Give --bucket URL, or bucket: in regsnap.yml")
	}
	started := time.Now()
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	fetch.Progress = func(phase string, done, total int, bytes int64) {
		bar.update(build.Progress{Phase: phase, Done: done, Total: total, Bytes: bytes})
	}
	storage, err := openStorage(c.Context, &fetch)
	if err != nil {
		return err
	}
	defer closing(&err, "the bucket of --from-v2", storage)
	src, stats, err := upstream.Fetch(c.Context, fetch)
	bar.finish()
	if errors.Is(err, upstream.ErrURL) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	defer closing(&err, "cache", src)
	printFetched(c.App.ErrWriter, stats)
	for _, id := range stats.Excluded {
		fmt.Fprintf(c.App.ErrWriter, "left out, as --exclude says: %s\n", id)
	}
	for _, name := range fetch.Exclude {
		if !slices.ContainsFunc(stats.Excluded, func(id string) bool { return id == name || strings.HasPrefix(id, name+"-") }) {
			fmt.Fprintf(c.App.ErrWriter, "--exclude %s: no such package is offered\n", name)
		}
	}
	o.Source = src
	return buildInto(c, cfg, o, []string{name}, started)
}

// fetchOptions reads the flags that say what to fetch.
func fetchOptions(c *cli.Context) (upstream.Options, error) {
	o := upstream.Options{
		Dir: c.String("cache"), Hosts: c.StringSlice("trust-host"), Exclude: c.StringSlice("exclude"),
		Rate: c.Float64("max-rate"), Parallel: c.Int("max-connections"), Agent: "regsnap/" + version(),
	}
	var err error
	if o.Slice, err = sliceOf(c); err != nil {
		return o, err
	}
	if err := storageOptions(c, &o); err != nil {
		return o, err
	}
	if o.Storage == "" {
		if o.URL = c.String("registry"); o.URL == "" {
			if o.URL, err = matrixAddress(c); err != nil {
				return o, err
			}
		}
	}
	switch {
	case o.URL == "" && o.Storage == "":
		return o, usagef("from which registry? Give --registry URL, or --from-v2 URL")
	case o.Rate <= 0 || o.Parallel <= 0:
		return o, usagef("--max-rate and --max-connections: want numbers above 0")
	}
	if file := c.String("verify-key"); file != "" {
		data, err := os.ReadFile(file)
		if err != nil {
			return o, usageError{err}
		}
		ring, err := sign.LoadRing(data)
		if err != nil {
			return o, usagef("--verify-key %s: %w", file, err)
		}
		o.Verify = ring
	}
	if o.Dir == "" {
		from := o.URL
		if o.Storage != "" {
			from = o.Storage + " " + o.URL
		}
		if o.Dir, err = importFolder(from); err != nil {
			return o, err
		}
	}
	return o, nil
}

// importFolder is the folder for what a registry has, if --cache names none.
func importFolder(url string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usagef("where to keep what is fetched? Give --cache DIR (%w)", err)
	}
	sum := sha256.Sum256([]byte(url))
	return filepath.Join(cache, "regsnap", "import", hex.EncodeToString(sum[:8])), nil
}
