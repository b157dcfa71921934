package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
)

func rollbackCommand() *cli.Command {
	return &cli.Command{
		Name:      "rollback",
		Category:  groupOperate,
		Usage:     "go back to the previous or a named snapshot",
		ArgsUsage: "[ID]",
		Description: `Moves the pointer of an environment back: without an ID to the snapshot that was
live before the live one was published, so that a second rollback goes one further
back. Says what changes, then does it; --dry-run only says it. It takes the same
few requests whatever the size of the registry: it reads manifest and routes, and
looks for up to 16 objects that the live snapshot does not have. A snapshot that is
found not to be whole is refused (exit code 7), and so is a pointer that someone
else moved at the same time (5). --verify reads and compares everything first, as
regsnap verify does.

The next publish goes live again. --pin holds the environment in the same instant,
until regsnap unpin.

   regsnap rollback --bucket file:///srv/registry --env production --dry-run
   regsnap rollback --bucket file:///srv/registry --env production --pin --reason 'nginx 1.7.0 breaks dashboards'`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			snapshotFlag("the previous one"), dryRunFlag(), yesFlag(),
			&cli.BoolFlag{Name: "verify", Usage: "check every object of the snapshot first"},
			&cli.BoolFlag{Name: "pin", Usage: "hold the environment there until regsnap unpin"},
			allFlag(),
			byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: runRollback,
	}
}

// rolledBack is what `regsnap rollback --json` prints.
type rolledBack struct {
	*publish.Rollback
	DryRun bool           `json:"dry_run"`
	Moved  *publish.Moved `json:"moved,omitempty"`
}

func runRollback(c *cli.Context) (err error) {
	n, err := note(c)
	if err != nil {
		return err
	}
	id, err := snapshotArgument(c)
	if err != nil {
		return err
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	if err := p.cfg.checkIndexed(p.env); err != nil {
		return err
	}
	if id != "" {
		if id, err = namedSnapshot(c.Context, p.bucket, p.env, id); err != nil {
			return err
		}
	}
	lease := p.bucket.Lease(leaseOptions(c, "rollback"))
	defer releasing(c, &err, lease)
	r, err := lease.PrepareRollback(c.Context, p.env, id)
	if err != nil {
		return err
	}
	out := rolledBack{Rollback: r, DryRun: c.Bool("dry-run")}
	if !c.Bool("json") {
		fmt.Fprintf(c.App.Writer, "%s: from %s back to %s\n", r.Environment, r.From, r.To)
		printChanges(c.App.Writer, r.Packages, c.Bool("all"))
	}
	if c.Bool("verify") {
		if err := verifyTarget(c, p, r.To); err != nil {
			return err
		}
	}
	var hooks error
	if !out.DryRun {
		var ahead *storagev2.Ahead
		if r.From != r.To {
			if err := confirm(c, fmt.Sprintf("Make %s live in %s?", r.To, r.Environment)); err != nil {
				return err
			}
			ahead = beginIndex(c, p.cfg, p.bucket, p.env, storagev2.Target{Snapshot: r.To})
			defer ahead.Close()
		}
		if out.Moved, err = r.Do(c.Context, n, c.Bool("pin")); err != nil {
			return err
		}
		hooks = afterPublish(c, p.cfg, p.bucket, out.Moved, ahead)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, out), hooks)
	}
	switch {
	case out.DryRun:
		fmt.Fprintln(c.App.Writer, dryRunText)
	case !out.Moved.Changed:
		fmt.Fprintf(c.App.Writer, "%s %s was live already\n", r.Environment, r.To)
	default:
		fmt.Fprintf(c.App.Writer, "%s %s is live (was %s)\n", r.Environment, r.To, r.From)
		if out.Moved.Pin == nil {
			fmt.Fprintln(c.App.ErrWriter, "the next publish goes live again; regsnap pin holds the environment")
		}
	}
	return hooks
}

// verifyTarget checks all of a snapshot before it goes live.
func verifyTarget(c *cli.Context, p place, id string) error {
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	o := publish.VerifyOptions{Progress: func(n publish.Checked) { bar.step("verify", n.Units, n.Total) }}
	v, err := p.bucket.Verify(c.Context, p.env, id, o)
	bar.finish()
	if err != nil {
		return err
	}
	if v.Sound() {
		return nil
	}
	printVerification(c.App.ErrWriter, v, o)
	return fmt.Errorf("%w: %s of %s is not whole; regsnap verify --env %s --repair %s makes it again from the source", publish.ErrDamaged, id, p.env, p.env, id)
}
