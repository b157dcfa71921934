package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
)

func buildCommand() *cli.Command {
	return &cli.Command{
		Name:     "build",
		Category: groupPublish,
		Usage:    "render what the bucket lacks, print the snapshot ids",
		Description: `Reads the branches of each environment, checks every package, and writes what
the bucket lacks: archives and files of new package revisions, responses that
changed, a manifest and the routes. Nothing is written when a package is broken;
the report names package, file, rule, and whom to ping (exit code 3).

A build whose commits are live already, from a regsnap that renders otherwise, is not
made live without --allow-render (exit code 14): two versions would replace each other's
snapshots in turns. A version pinned in the settings may always.

Building changes nothing for readers until the pointer moves: with --publish, or
later with regsnap publish.

With --shard I/N it renders and stores the I-th part of the package revisions only, by
the hash of the package's name, and makes no snapshot: N machines share the work, in
any order or at the same moment. The build after them, without --shard, finds what is
there and renders what is not. See docs/ci/README.md for a matrix of jobs.

With --branches it builds an environment that is not configured, such as the preview
of a pull request: what the live snapshots of the others have is not written again.
Its responses are cached for a few seconds only. regsnap prune --retire ends it.

Signatures that the source has beside its archives (.zip.sig) are served as they are.
With --sign-key the archives without one are signed too; see docs/signatures.md.

   regsnap build --source git:. --bucket file:///srv/registry
   regsnap build --source git:. --bucket s3://registry?region=eu-west-1 --env production --publish
   regsnap build --source dir:production=./p,staging=./s --bucket file:///srv/registry --env staging
   regsnap build --source git:. --bucket s3://registry --shard 2/4
   regsnap build --source git:. --bucket s3://registry --publish --env pr-123 --branches production,staging,snapshot,refs/pull/123/head`,
		Flags: append([]cli.Flag{
			configFlag(), sourceFlag(), bucketFlag(),
			envsFlag("all"),
			&cli.StringSliceFlag{Name: "branches", Usage: "the one environment of --env shows these `BRANCHES`, the most important first"},
			&cli.StringFlag{Name: "shard", Usage: "store only the `I/N`-th part of the package revisions, such as 2/4, and make no snapshot"},
			publishFlag(), allowOlderFlag(), allowRenderFlag(), dryRunFlag(), byFlag(), reasonFlag(),
			parallelFlag(0, storeParallel),
			annotationsFlag(),
			jsonFlag(),
		}, signFlags()...),
		Action: runBuild,
	}
}

// built is what `regsnap build --json` prints.
type built struct {
	DryRun bool `json:"dry_run"`
	// Settings are the protected ones that were read from a commit.
	Settings *configPlace `json:"settings,omitempty"`
	// Read are the branches as they were read.
	Read []readBranch `json:"read"`
	// Shard is the part of the package revisions that was stored, of which there are
	// no snapshots.
	Shard     *builtShard     `json:"shard,omitempty"`
	Snapshots []builtSnapshot `json:"snapshots"`
	// Error is why the build failed; Errors are what is wrong with packages.
	Error    *failure    `json:"error,omitempty"`
	Errors   []finding   `json:"errors"`
	Warnings []finding   `json:"warnings"`
	Stats    build.Stats `json:"stats"`
	Seconds  float64     `json:"seconds"`
}

// builtShard is a shard, and how many package revisions belong to it.
type builtShard struct {
	build.Shard
	Revisions int `json:"revisions"`
}

type builtSnapshot struct {
	Environment string          `json:"environment"`
	ID          string          `json:"snapshot"`
	Packages    int             `json:"packages"`
	Coverage    layout.Coverage `json:"coverage"`
	// Published reports that the snapshot is live, Unchanged that it was before.
	Published bool   `json:"live"`
	Unchanged bool   `json:"unchanged,omitempty"`
	Previous  string `json:"previous,omitempty"`
	// Diverged names the branches whose history it left.
	Diverged []string `json:"diverged,omitempty"`
	// Held reports that a pin, Pinned, kept it from going live.
	Held   bool        `json:"held,omitempty"`
	Pinned *layout.Pin `json:"pinned,omitempty"`
}

func runBuild(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	if _, err := note(c); err != nil {
		return err // before work begins
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	preview := len(c.StringSlice("branches")) > 0
	vouching := c.StringSlice("env")
	if preview {
		if err := cfg.preview(c.StringSlice("env"), c.StringSlice("branches")); err != nil {
			return err
		}
		vouching = nil // all
	}
	names, err := cfg.choose(c.StringSlice("env"))
	if err != nil {
		return err
	}
	o := build.Options{Regsnap: version(), Budget: cfg.budget()}
	if o.Parallel, err = parallel(c); err != nil {
		return err
	}
	if o.Sign, err = signer(c); err != nil {
		return err
	}
	if o.Shard, err = shard(c); err != nil {
		return err
	}
	for _, name := range names {
		env, err := cfg.buildEnvironment(name)
		if err != nil {
			return err
		}
		o.Environments = append(o.Environments, env)
	}
	started := time.Now()
	src, err := cfg.openSource(c.Context)
	if err != nil {
		return err
	}
	defer closing(&err, "source", src)
	o.Source = src
	return buildInto(c, cfg, o, vouching, started)
}

// shard reads --shard; without it the build is whole.
func shard(c *cli.Context) (build.Shard, error) {
	if !c.IsSet("shard") {
		return build.Shard{}, nil
	}
	if c.Bool("publish") {
		return build.Shard{}, usagef("a shard makes no snapshot that could be published: run regsnap build --publish without --shard once every shard is through")
	}
	s, err := build.ParseShard(c.String("shard"))
	if err != nil {
		return s, usagef("--shard: %w", err)
	}
	return s, nil
}

// buildInto builds into the bucket, publishes if that was asked for, and prints
// what came of it. What is live of the environments vouching, all if there are
// none, is not written again.
func buildInto(c *cli.Context, cfg config, o build.Options, vouching []string, started time.Time) (err error) {
	for _, env := range o.Environments {
		if !c.Bool("publish") {
			break
		}
		if err := cfg.checkIndexed(env.Name); err != nil {
			return err
		}
	}
	open := publish.Create
	if c.Bool("dry-run") {
		open = openForDryRun
	}
	bucket, err := cfg.openBucket(c.Context, open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	if o.Parallel == 0 {
		o.Parallel = bucket.Parallel()
	}
	if vouching, err = cfg.choose(vouching); err != nil {
		return err
	}
	if o.Live, err = liveSnapshots(c.Context, bucket, vouching); err != nil {
		return err
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	lease := bucket.Lease(buildLease(c, o.Live))
	defer releasing(c, &err, lease)
	o.Store, o.Progress = lease, bar.update
	documents := keptDocuments(cfg, o.Environments)
	if documents != nil {
		o.Document = documents.Keep
	}
	if c.Bool("dry-run") {
		o.Store = newDryStore(bucket, o.Live)
	}
	result, err := build.Build(c.Context, o)
	bar.finish()
	out := built{DryRun: c.Bool("dry-run"), Settings: cfg.settingsRead(), Read: branchesRead(o), Snapshots: []builtSnapshot{}, Stats: result.Stats, Errors: findings(result.Report.Errors), Warnings: findings(result.Report.Warnings)}
	if o.Shard != (build.Shard{}) {
		out.Shard = &builtShard{o.Shard, result.Sharded}
		if err == nil {
			err = lease.Stored(c.Context)
		}
	}
	if err == nil {
		out.Snapshots, err = publishBuilt(c, cfg, o, bucket, lease, result, documents)
	}
	out.Seconds = time.Since(started).Seconds()
	return printBuilt(c, out, err)
}

// liveSnapshots are what the bucket vouches for. An environment that was never
// published has none.
func liveSnapshots(ctx context.Context, b *publish.Bucket, names []string) ([]build.Live, error) {
	var live []build.Live
	for _, name := range names {
		m, routes, err := b.LiveSnapshot(ctx, name)
		switch {
		case errors.Is(err, publish.ErrNothingLive):
			continue
		case errors.Is(err, layout.ErrOutdated) && m != nil:
			// Written by another version: its revisions are there, but what it
			// says of them has to be found out again.
		case err != nil:
			return nil, fmt.Errorf("live snapshot of %s: %w", name, err)
		}
		live = append(live, build.Live{Manifest: m, Routes: routes})
	}
	return live, nil
}

// buildLease keeps prune away from what the build finds and writes.
func buildLease(c *cli.Context, live []build.Live) publish.LeaseOptions {
	o := leaseOptions(c, "build")
	o.Live = manifests(live)
	return o
}

func manifests(live []build.Live) []*layout.Manifest {
	var out []*layout.Manifest
	for _, l := range live {
		out = append(out, l.Manifest)
	}
	return out
}

// publishBuilt makes the snapshots live, if that was asked for. A hook that
// fails keeps no other environment from going live.
func publishBuilt(c *cli.Context, cfg config, o build.Options, bucket *publish.Bucket, lease *publish.Lease, result *build.Result, documents *storagev2.Documents) ([]builtSnapshot, error) {
	out := []builtSnapshot{}
	n, hooks := note(c)
	if hooks != nil {
		return out, hooks
	}
	for _, s := range result.Snapshots {
		b := builtSnapshot{Environment: s.Manifest.Environment, ID: s.ID, Packages: len(s.Manifest.Packages), Coverage: s.Manifest.Coverage}
		if c.Bool("publish") {
			if err := mayRender(c, cfg, o.Live, s.Manifest); err != nil {
				return append(out, b), errors.Join(err, hooks)
			}
			n.Preview, n.Configured = cfg.previewFrom(b.Environment, time.Now()), !cfg.Environments[b.Environment].preview
			moved, after, err := makeLive(c, cfg, o, bucket, lease, s, n, documents)
			if err != nil {
				return append(out, b), errors.Join(err, hooks)
			}
			b.Published, b.Unchanged, b.Previous, b.Diverged = moved.Live == s.ID, !moved.Changed, moved.Previous, moved.Diverged
			if moved.Held {
				b.Held, b.Pinned = true, moved.Pin
			}
			hooks = errors.Join(hooks, after)
		} else {
			p, err := bucket.Pointer(c.Context, b.Environment)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return append(out, b), errors.Join(err, hooks)
			}
			b.Published = p.Snapshot == s.ID
			b.Unchanged = b.Published
		}
		out = append(out, b)
	}
	return out, hooks
}

// makeLive publishes one snapshot, and then has its index and its hooks follow: after is
// what failed of these.
func makeLive(c *cli.Context, cfg config, o build.Options, bucket *publish.Bucket, lease *publish.Lease, s build.Snapshot, n publish.Note, documents *storagev2.Documents) (moved *publish.Moved, after, err error) {
	env := s.Manifest.Environment
	var ahead *storagev2.Ahead
	if !isLive(o.Live, s.Manifest) {
		ahead = beginIndex(c, cfg, bucket, env, storagev2.Target{Snapshot: s.ID, Manifest: s.Manifest, Documents: documents})
	}
	defer ahead.Close()
	if moved, err = goLive(c, lease, bucket, env, s.ID, s.Manifest, n, cfg.order(env, o.Source)); err != nil {
		return nil, nil, err
	}
	return moved, afterPublish(c, cfg, bucket, moved, ahead), nil
}

// isLive reports whether a snapshot was live when the build began, by what differs between
// any two that are not the same.
func isLive(live []build.Live, m *layout.Manifest) bool {
	return slices.ContainsFunc(live, func(l build.Live) bool {
		return l.Manifest.Environment == m.Environment && l.Manifest.Routes == m.Routes && slices.Equal(l.Manifest.Branches, m.Branches)
	})
}

// printBuilt shows result and findings, whether or not the build succeeded.
func printBuilt(c *cli.Context, out built, err error) error {
	if c.Bool("annotations") {
		printAnnotations(c.App.ErrWriter, out.Errors, out.Warnings)
	}
	if c.Bool("json") {
		if err != nil {
			out.Error = failureOf(c.Context, err)
		}
		return errors.Join(printJSON(c.App.Writer, out), err)
	}
	if err == nil || len(out.Snapshots) > 0 { // of what may not go live they are part of the reason
		printConfigPlace(c.App.ErrWriter, out.Settings)
		printRead(c.App.ErrWriter, out.Read)
	}
	printFindings(c.App.ErrWriter, errorScreenOf(c), out.Errors, out.Warnings)
	for _, s := range out.Snapshots {
		fmt.Fprintf(c.App.Writer, "%s %s\n", s.Environment, s.ID)
		printCoverage(c.App.ErrWriter, s)
	}
	if err == nil && out.Shard != nil {
		printShard(c, out)
	}
	if err == nil {
		fmt.Fprintf(c.App.ErrWriter, "%s read, %s and %s written: %s, %s in %.1f s\n",
			plural(out.Stats.Packages, "package"), plural(out.Stats.RevisionsWritten, "revision"), plural(out.Stats.ResponsesWritten, "response"),
			plural(int(out.Stats.Objects), "object"), size(out.Stats.Bytes), out.Seconds)
		if out.Stats.RevisionsFound > 0 {
			fmt.Fprintf(c.App.ErrWriter, "%s in the bucket already\n", were(out.Stats.RevisionsFound, "revision"))
		}
	}
	if err == nil && out.DryRun {
		fmt.Fprintln(c.App.Writer, dryRunText)
	}
	if errors.Is(err, build.ErrInvalid) {
		fmt.Fprintf(c.App.ErrWriter, "regsnap: %s; nothing was written\n", plural(len(out.Errors), "error"))
		return errors.Join(errReported, err)
	}
	return err
}

// printShard says what a shard has stored, and what comes after it.
func printShard(c *cli.Context, out built) {
	stored := "in the bucket"
	if out.DryRun {
		stored = "would be in the bucket"
	}
	fmt.Fprintf(c.App.Writer, "shard %s: %s %s, %d of them written\n", out.Shard, plural(out.Shard.Revisions, "package revision"), stored, out.Stats.RevisionsWritten)
	fmt.Fprintln(c.App.ErrWriter, "no snapshot was made: once every shard is through, regsnap build without --shard makes it of what it finds")
}

// were begins a sentence about what there was.
func were(n int, noun string) string {
	if n == 1 {
		return "1 " + noun + " was"
	}
	return plural(n, noun) + " were"
}

func printCoverage(w io.Writer, s builtSnapshot) {
	state := "built, not live"
	switch {
	case s.Held:
		state = "built, not live: the environment is pinned " + signature(s.Pinned.By, s.Pinned.Reason, s.Pinned.At)
	case s.Published && s.Unchanged:
		state = "live already"
	case s.Published:
		state = "live"
		if s.Previous != "" && s.Previous != s.ID {
			state += " (was " + s.Previous + ")"
		}
	}
	if len(s.Diverged) > 0 {
		state += "; it leaves the history that was live, as after a force push, of " + clean(strings.Join(s.Diverged, ", "))
	}
	fmt.Fprintf(w, "   %s, %s; %s\n", plural(s.Packages, "package"), state, coverage(s.Coverage))
}

// coverage says in a line what was rendered ahead of the queries.
func coverage(c layout.Coverage) string {
	if c.Assembled == 0 {
		return fmt.Sprintf("%d classes of queries have %d distinct answers, all rendered ahead", c.Queries, c.Distinct)
	}
	return fmt.Sprintf("%d classes of queries: %d distinct answers rendered ahead, at most %d classes left to assembly", c.Queries, c.Rendered, c.Assembled)
}
