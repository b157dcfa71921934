package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
)

func mirrorCommand() *cli.Command {
	return &cli.Command{
		Name:      "mirror",
		Category:  groupOffline,
		Usage:     "copy snapshots from one bucket to another",
		ArgsUsage: "FROM TO",
		Description: `Brings the live snapshot of each environment from one bucket to another: to another
cloud, or by way of a folder to a site without internet. Only what the other bucket
lacks is read; each object is compared with the digests of its snapshot before it is
stored; and the pointer moves last, so that readers there never see a snapshot that
is not whole. Tags come along with their snapshots. An interrupted mirror resumes when it is run again.

--snapshot takes a named snapshot instead, and --history the newest N beside it.
--query, --package, --latest and --matrix take only a part of it: a slice, which is
a snapshot of its own (see docs/carry.md).

The pointer does not go back to older commits (exit code 4) unless --allow-older says
so; it does not move at all with --publish=false, or while TO is pinned.

Where a pointer is moved in a gs:// bucket, and --config has package_storage: v2 for the
environment or --v2 is given, the index of package storage v2 in TO says what is live
there; if it cannot be written the exit code is 8.

An object that is damaged or missing in FROM ends the mirror (exit code 7): nothing
goes live.

   regsnap mirror s3://registry?region=eu-west-1 gs://registry-copy
   regsnap mirror --env production --history 5 s3://registry?region=eu-west-1 file:///mnt/disk
   regsnap mirror --query 'kibana.version=8.5.0&prerelease=true' gs://registry file:///mnt/disk
   regsnap mirror file:///mnt/disk 's3://inside?endpoint=https://store.example&use_path_style=true'`,
		Flags: []cli.Flag{
			configFlag(), envsFlag("all that FROM has"),
			snapshotFlag("the live one"),
			&cli.IntFlag{Name: "history", Usage: "take the newest `N` snapshots too"},
			queryFlag(), packageFlag(), latestFlag(), matrixFlag(),
			&cli.BoolFlag{Name: "publish", Usage: publishFlag("(in TO; --publish=false leaves its pointers where they are)").(*cli.BoolFlag).Usage, Value: true},
			indexFlag("(in TO, a gs:// bucket)"),
			allowOlderFlag("(the pointers of TO)"), dryRunFlag(),
			parallelFlag(0, storeParallel),
			byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: runMirror,
	}
}

func runMirror(c *cli.Context) (err error) {
	n, err := note(c)
	if err != nil {
		return err
	}
	o := carry.Options{
		Snapshot: c.String("snapshot"), History: c.Int("history"), Stay: !c.Bool("publish"), Back: c.Bool("allow-older"), Note: n,
		Regsnap: version(),
	}
	if o.Copy.Parallel, err = parallel(c); err != nil {
		return err
	}
	if o.Slice, err = sliceOf(c); err != nil {
		return err
	}
	if err := checkMirror(c, o); err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	if o.From, err = (config{Bucket: c.Args().Get(0)}).openBucket(c.Context, publish.Open); err != nil {
		return err
	}
	defer closing(&err, "FROM", o.From)
	open := publish.Create
	if c.Bool("dry-run") {
		open = openForDryRun
	}
	to, err := (config{Bucket: c.Args().Get(1)}).openBucket(c.Context, open)
	if err != nil {
		return err
	}
	defer closing(&err, "TO", to)
	names, err := mirrored(c, o.From)
	if err != nil {
		return err
	}
	if o.Snapshot != "" {
		if o.Snapshot, err = namedSnapshot(c.Context, o.From, names[0], o.Snapshot); err != nil {
			return err
		}
	}
	lease := leaseOptions(c, "mirror")
	if lease.Live, err = carry.LiveManifests(c.Context, to); err != nil {
		return err
	}
	o.To = to.Lease(lease)
	defer releasing(c, &err, o.To)
	results, err := mirrorAll(c, o, to, names)
	err = errors.Join(err, followMirrored(c, cfg, to, results))
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, mirroredAll{c.Bool("dry-run"), results}), err)
	}
	for _, r := range results {
		if r.Moved != nil {
			sayUnrecorded(c.App.ErrWriter, r.Moved)
		}
		printMirrored(c, r)
	}
	if c.Bool("dry-run") {
		fmt.Fprintln(c.App.Writer, dryRunText)
	}
	return err
}

// mirroredAll is what `regsnap mirror --json` prints.
type mirroredAll struct {
	DryRun       bool            `json:"dry_run"`
	Environments []*carry.Result `json:"environments"`
}

func checkMirror(c *cli.Context, o carry.Options) error {
	from, to := c.Args().Get(0), c.Args().Get(1)
	switch {
	case c.Args().Len() != 2:
		return usagef("from which bucket to which? Give two URLs")
	case from == to:
		return usagef("FROM and TO are the same bucket")
	case o.Snapshot != "" && len(c.StringSlice("env")) != 1:
		return usagef("--snapshot is of one environment: give --env NAME")
	case o.History < 0:
		return usagef("--history %d: want 0 or more", o.History)
	case o.History > 0 && !o.Slice.Empty():
		return usagef("--history takes whole snapshots: no slice of them")
	}
	if c.Bool("v2") {
		if err := checkIndexBucket(to, "--v2: "); err != nil {
			return err
		}
	}
	for _, name := range c.StringSlice("env") {
		if !layout.ValidEnvironment(name) {
			return usagef("--env %q: a name has small letters, digits and hyphens", name)
		}
	}
	return nil
}

// mirrored are the environments to take.
func mirrored(c *cli.Context, from *publish.Bucket) ([]string, error) {
	if names := c.StringSlice("env"); len(names) > 0 {
		return names, nil
	}
	names, err := from.Environments(c.Context)
	if err == nil && len(names) == 0 {
		err = fmt.Errorf("FROM: %w", publish.ErrNothingLive)
	}
	return names, err
}

// mirrorAll takes one environment after the other; the later ones share most of
// what the earlier ones brought.
func mirrorAll(c *cli.Context, o carry.Options, to *publish.Bucket, names []string) ([]*carry.Result, error) {
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	defer bar.finish()
	results := []*carry.Result{}
	for _, name := range names {
		o.Environment = name
		o.Copy.Progress = func(n publish.Copied) { bar.copied("copy "+name, n) }
		o.Render = bar.update
		var r *carry.Result
		var err error
		if c.Bool("dry-run") {
			r, err = carry.Plan(c.Context, o, to)
		} else {
			r, err = carry.Mirror(c.Context, o)
		}
		if err != nil {
			return results, inEnvironment(name, err)
		}
		results = append(results, r)
	}
	return results, nil
}

// inEnvironment says where it happened, unless someone just ended it.
func inEnvironment(name string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func printMirrored(c *cli.Context, r *carry.Result) {
	w := c.App.Writer
	if c.Bool("dry-run") {
		printMirrorPlan(w, r)
		return
	}
	fmt.Fprintf(w, "%s %s %s", r.Environment, r.Snapshot, mirrorState(r))
	if n := len(r.History); n > 0 {
		fmt.Fprintf(w, ", with %s", plural(n, "older snapshot"))
	}
	if r.Of != "" {
		fmt.Fprintf(w, ", a slice of %s", r.Of)
	}
	if len(r.Tags) > 0 {
		fmt.Fprintf(w, ", tagged %s", shortList(r.Tags))
	}
	fmt.Fprintln(w)
	if len(r.TagsKept) > 0 {
		fmt.Fprintf(c.App.ErrWriter, "   other snapshots have these tags in TO and keep them: %s; regsnap tag --force moves them\n", shortList(r.TagsKept))
	}
	if n := r.Copied; n.Total == 0 {
		fmt.Fprintln(c.App.ErrWriter, "   nothing had to be copied")
	} else {
		fmt.Fprintf(c.App.ErrWriter, "   %s, %s copied and checked", plural(n.Objects, "object"), size(n.Bytes))
		if n.Present > 0 {
			fmt.Fprintf(c.App.ErrWriter, "; %d of %d packages and responses were there from before", n.Present, n.Total)
		}
		fmt.Fprintln(c.App.ErrWriter)
	}
}

// printMirrorPlan says what a mirror would do.
func printMirrorPlan(w io.Writer, r *carry.Result) {
	if r.Snapshot == "" {
		fmt.Fprintf(w, "%s: would make a slice of %s, of %s\n", r.Environment, r.Of, plural(r.Packages, "package version"))
		return
	}
	fmt.Fprintf(w, "%s: would copy %s: %s", r.Environment, r.Snapshot, plural(r.Copied.Total, "package or response"))
	if n := len(r.History); n > 0 {
		fmt.Fprintf(w, ", with %s", plural(n, "older snapshot"))
	}
	fmt.Fprintf(w, "; %s\n", wouldBe(r.Moved))
}

// wouldBe says what would become of a snapshot; nil is one that is only stored.
func wouldBe(m *publish.Moved) string {
	switch {
	case m == nil:
		return "would not go live"
	case m.Held:
		return "would not go live: " + m.Environment + " is pinned " + signature(m.Pin.By, m.Pin.Reason, m.Pin.At)
	case !m.Changed:
		return "is live already"
	case m.Previous == "":
		return "would be live"
	}
	return "would be live (is " + m.Previous + ")"
}

// mirrorState says what the target's readers get.
func mirrorState(r *carry.Result) string {
	switch m := r.Moved; {
	case m == nil:
		return "is stored, not live"
	case m.Held:
		return "is stored, not live: " + r.Environment + " is pinned " + signature(m.Pin.By, m.Pin.Reason, m.Pin.At)
	case !m.Changed:
		return "was live already"
	case m.Previous == "":
		return "is live"
	default:
		return "is live (was " + m.Previous + ")"
	}
}
