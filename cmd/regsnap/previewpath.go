package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/dev"
)

func previewCommand() *cli.Command {
	return &cli.Command{
		Name:      "preview",
		Category:  groupAuthor,
		Usage:     "show others packages straight from a folder, over an environment",
		ArgsUsage: "NAME",
		Description: `Makes the environment NAME, which is not configured, of the packages at --path and,
under them, of what is live of another environment of the bucket, and prints what that
changes for clients. Only what the packages change is written. The paths are as those of
regsnap dev: a storage, an integrations repository, a folder, an archive.

Made again it shows what is there then. regsnap prune --retire NAME ends it. The preview
of a pull request is made by regsnap build --branches. With previews in regsnap.yml
each has a host name of its own, and prune ends it when its time is over.

   regsnap preview my-nginx --path packages/nginx --bucket s3://registry?region=eu-west-1
   regsnap serve --bucket s3://registry?region=eu-west-1 --env my-nginx`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(),
			&cli.StringSliceFlag{Name: "path", Usage: "show the packages at `PATH` (repeat for several)"},
			&cli.StringFlag{Name: "over", Usage: "the rest is what is live of `ENV` (default: the environment with the most branches)"},
			&cli.BoolFlag{Name: "publish", Usage: publishFlag("(--publish=false only builds it)").(*cli.BoolFlag).Usage, Value: true}, allowOlderFlag(), dryRunFlag(), byFlag(), reasonFlag(),
			parallelFlag(0, storeParallel),
			annotationsFlag(),
			allFlag(),
			jsonFlag(),
		},
		Action: runPreview,
	}
}

func runPreview(c *cli.Context) (err error) {
	if c.Args().Len() != 1 {
		return usagef("which environment is to be made? Give a NAME, such as my-nginx")
	}
	if _, err := note(c); err != nil {
		return err
	}
	name, paths := c.Args().First(), c.StringSlice("path")
	if len(paths) == 0 {
		return usagef("packages from where? Give --path PATH")
	}
	started := time.Now()
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	known := cfg.names()
	over := cmp.Or(c.String("over"), known[len(known)-1])
	if over == name {
		return usagef("--over %s: an environment cannot lie over itself", over)
	}
	bucket, err := cfg.openEnvironment(c.Context, over)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	base, err := bucketBase(c, bucket, over)
	if err != nil {
		return err
	}
	if err := cfg.preview([]string{name}, []string{git.WorkBranch, base.Branch}); err != nil {
		return err
	}
	e, under := cfg.Environments[name], cfg.Environments[over]
	e.Catalog, e.ServiceVersion = under.Catalog, cmp.Or(under.ServiceVersion, e.ServiceVersion)
	cfg.Environments[name] = e
	o := build.Options{Regsnap: version(), Budget: cfg.budget()}
	if o.Parallel, err = parallel(c); err != nil {
		return err
	}
	env, err := cfg.buildEnvironment(name)
	if err != nil {
		return err
	}
	o.Environments = []build.Environment{env}
	work, err := git.OpenWork(paths, parse.Identity)
	if err != nil {
		return usageError{err}
	}
	if o.Source, err = dev.Over(c.Context, work, *base); err != nil {
		return err
	}
	if err := buildInto(c, cfg, o, nil, started); err != nil || c.Bool("dry-run") || c.Bool("json") || !c.Bool("publish") {
		return err
	}
	p, err := bucket.Pointer(c.Context, name)
	if err != nil {
		return err
	}
	d, err := bucket.Diff(c.Context,
		publish.SnapshotRef{Environment: over, ID: base.Live.Manifest.ID()}, publish.SnapshotRef{Environment: name, ID: p.Snapshot})
	if err != nil {
		return err
	}
	// That the base is another branch here is no change for anyone.
	d.Packages.Changed = slices.DeleteFunc(d.Packages.Changed, func(p publish.PackageChange) bool { return p.OldRevision == p.NewRevision })
	printDiff(c.App.Writer, d, c.Bool("all"))
	if hosts := cfg.previewHosts(); hosts != "" {
		fmt.Fprintf(c.App.Writer, "https://%s\n", hosts.Of(name))
	}
	fmt.Fprintf(c.App.ErrWriter, "regsnap serve --env %s answers for it; regsnap prune --retire %[1]s ends it", name)
	if p.Preview != nil {
		fmt.Fprintf(c.App.ErrWriter, ", and any prune after %s", when(p.Preview.Until))
	}
	fmt.Fprintln(c.App.ErrWriter)
	return nil
}
