package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/export"
)

func exportCommand() *cli.Command {
	return &cli.Command{
		Name:      "export",
		Category:  groupOffline,
		Usage:     "write a snapshot as a folder of plain files that nginx serves by itself",
		ArgsUsage: "DIR",
		Description: `Writes the live snapshot of an environment into DIR: archives, files and documents
under the paths of the API, and a script with which nginx answers every request as
regsnap serve does, whatever its parameters. Nothing of regsnap runs where DIR is
served. Each object is compared with the digests of its snapshot before it counts.

nginx needs its JavaScript module, in Debian libnginx-mod-http-js, and one line in
its configuration, or one in a server block of your own (see docs/carry.md):

   include /srv/registry/current/nginx/site.conf;

The same DIR again takes what is live then. Clients get the old snapshot until the
new one is whole, and also if the export is interrupted. The one before stays; older
ones are removed. What did not change is linked to, as are the files of a file://
bucket on the same file system, unless --copy says that DIR has files of its own.

--snapshot takes a named snapshot instead; --query, --package, --latest and --matrix
take only a part of it: a slice.

An object that is damaged or missing in the bucket ends the export (exit code 7):
what was served before still is.

   regsnap export --bucket gs://registry --env production /srv/registry
   regsnap export --bucket gs://registry --env production --at /srv/registry /mnt/disk/registry
   regsnap export --bucket gs://registry --env production --query kibana.version=8.19.0 /srv/registry`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			snapshotFlag("the live one"),
			queryFlag(), packageFlag(), latestFlag(), matrixFlag(),
			&cli.StringFlag{Name: "at", Usage: "the `PATH` at which nginx finds DIR, if it is taken to another machine"},
			&cli.BoolFlag{Name: "copy", Usage: "make no links to the files of a file:// bucket"},
			parallelFlag(0, storeParallel),
			dryRunFlag(), jsonFlag(),
		},
		Action: runExport,
	}
}

func runExport(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	env, err := oneEnv(c)
	if err != nil {
		return err
	}
	o := export.Options{
		Environment: env, Snapshot: c.String("snapshot"), Regsnap: version(), Dir: c.Args().First(),
		At: c.String("at"), Copy: c.Bool("copy"), Hostname: cfg.Environments[env].Hostname,
	}
	if c.Args().Len() != 1 {
		return usagef("into which folder? Give one DIR")
	}
	if o.Parallel, err = parallel(c); err != nil {
		return err
	}
	if o.Slice, err = sliceOf(c); err != nil {
		return err
	}
	if o.From, err = cfg.openEnvironment(c.Context, o.Environment); err != nil {
		return err
	}
	defer closing(&err, "the bucket", o.From)
	if o.Snapshot != "" {
		if o.Snapshot, err = namedSnapshot(c.Context, o.From, o.Environment, o.Snapshot); err != nil {
			return err
		}
	}
	if c.Bool("dry-run") {
		return planExport(c, o)
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	defer bar.finish()
	o.Progress = func(n publish.Copied) { bar.copied("export "+o.Environment, n) }
	o.Render = bar.update
	o.Waiting = func() { fmt.Fprintf(c.App.ErrWriter, "waiting: another export writes to %s\n", o.Dir) }
	r, err := export.Export(c.Context, o)
	if errors.Is(err, export.ErrPath) || errors.Is(err, export.ErrNoExport) {
		return usageError{err}
	}
	if err != nil {
		return inEnvironment(o.Environment, err)
	}
	bar.finish()
	if c.Bool("json") {
		return printJSON(c.App.Writer, exported{false, r})
	}
	printExported(c, r)
	return nil
}

// exported is what `regsnap export --json` prints.
type exported struct {
	DryRun bool `json:"dry_run"`
	*export.Result
}

func planExport(c *cli.Context, o export.Options) error {
	r, err := export.Plan(c.Context, o)
	if errors.Is(err, export.ErrNoExport) {
		return usageError{err}
	}
	if err != nil {
		return inEnvironment(o.Environment, err)
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, exported{true, r})
	}
	w := c.App.Writer
	switch {
	case r.Of != "":
		fmt.Fprintf(w, "%s: would write a slice of %s to %s\n", r.Environment, r.Of, r.Dir)
	case r.Present:
		fmt.Fprintf(w, "%s: %s already has %s; only its configuration would be written\n", r.Environment, r.Dir, r.Snapshot)
	default:
		fmt.Fprintf(w, "%s: would write %s to %s\n", r.Environment, r.Snapshot, r.Dir)
	}
	if r.Previous != "" && r.Previous != r.Snapshot {
		fmt.Fprintf(w, "   %s is served from there now\n", r.Previous)
	}
	fmt.Fprintln(w, dryRunText)
	return nil
}

func printExported(c *cli.Context, r *export.Result) {
	w := c.App.Writer
	fmt.Fprintf(w, "%s %s is in %s", r.Environment, r.Snapshot, r.Dir)
	if r.Of != "" {
		fmt.Fprintf(w, ", a slice of %s", r.Of)
	}
	if r.Previous != "" && r.Previous != r.Snapshot {
		fmt.Fprintf(w, ", before %s", r.Previous)
	}
	fmt.Fprintln(w)
	if r.Present {
		fmt.Fprintln(c.App.ErrWriter, "   the snapshot was already there; the configuration was rewritten")
		return
	}
	fmt.Fprintf(c.App.ErrWriter, "   %s: %s written and checked, %d are links to what was there\n", plural(r.Files, "file"), size(r.Bytes), r.Linked)
}
