package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func recoverCommand() *cli.Command {
	return &cli.Command{
		Name:      "recover",
		Category:  groupOperate,
		Usage:     "make a pointer again that was lost, is damaged or names nothing",
		ArgsUsage: "[ID]",
		Description: `Finds what should be live: the newest snapshot of the environment whose manifest and
routes are whole, by the audit log, and without one by when it was stored. The
pin, and the moves with their reasons, come back from the audit log too. Shows what it
would do; --yes does it. An ID names another snapshot.

A pointer that names a whole snapshot stays as it is. One that a newer regsnap has
written is left to that (exit code 12), unless --replace-newer gives it up.

If no snapshot is whole (exit code 7), regsnap verify --repair mends one from its
source, and regsnap mirror brings one from another bucket. --start-over gives them up:
the next build --publish goes live as the first.

   regsnap recover --bucket file:///srv/registry --env production
   regsnap recover --bucket file:///srv/registry --env production --yes`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(), snapshotFlag("the newest that is whole"),
			dryRunFlag("(the default)"),
			&cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "do not ask on a terminal (without it nothing is changed)"},
			&cli.BoolFlag{Name: "replace-newer", Usage: "give up a pointer that a newer regsnap wrote"},
			&cli.BoolFlag{Name: "start-over", Usage: "give up all snapshots of an environment none of whose is whole"},
			byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: runRecover,
	}
}

// recovered is what `regsnap recover --json` prints.
type recovered struct {
	*publish.Recovery
	DryRun bool           `json:"dry_run"`
	Moved  *publish.Moved `json:"moved,omitempty"`
	// StartedOver reports that the environment has no pointer any more.
	StartedOver bool `json:"started_over,omitempty"`
}

func runRecover(c *cli.Context) (err error) {
	n, err := note(c)
	if err != nil {
		return err
	}
	named, err := snapshotArgument(c)
	if err != nil {
		return err
	}
	if c.Bool("yes") && c.Bool("dry-run") {
		return usagef("--yes does it, --dry-run does not: give one of them")
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	if err := p.cfg.checkIndexed(p.env); err != nil {
		return err
	}
	o := publish.RecoverOptions{Newer: c.Bool("replace-newer")}
	if named != "" {
		if o.Snapshot, err = namedSnapshot(c.Context, p.bucket, p.env, named); err != nil {
			return err
		}
	}
	lease := p.bucket.Lease(leaseOptions(c, "recover"))
	defer releasing(c, &err, lease)
	r, err := lease.PrepareRecovery(c.Context, p.env, o)
	out := recovered{Recovery: r, DryRun: !c.Bool("yes")}
	switch {
	case errors.Is(err, publish.ErrNothingWhole) && c.Bool("start-over"):
		if out.StartedOver = !out.DryRun; out.StartedOver {
			err = lease.StartOver(c.Context, p.env, n.By)
		} else {
			err = nil
		}
	case err == nil && r.Fault != "" && !out.DryRun:
		out.Moved, err = r.Do(c.Context, n)
	}
	if err != nil {
		return err
	}
	if out.Moved != nil {
		sayUnrecorded(c.App.ErrWriter, out.Moved)
		err = followIndex(c, p.cfg, p.bucket, out.Moved, nil)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, out), err)
	}
	printRecovery(c.App.Writer, out)
	return err
}

func printRecovery(w io.Writer, r recovered) {
	if r.Fault == "" {
		fmt.Fprintf(w, "%s: the pointer is sound, %s is live: nothing to recover\n", r.Environment, r.Before)
		return
	}
	fmt.Fprintf(w, "%s: the pointer: %s\n", r.Environment, clean(r.Fault))
	for _, s := range r.Skipped {
		fmt.Fprintf(w, "  not %s: %s\n", s.ID, clean(s.Why))
	}
	if r.Snapshot != "" {
		fmt.Fprintf(w, "  %s: %s\n", r.Snapshot, r.Why)
	}
	if r.Pinned != nil {
		fmt.Fprintf(w, "  pinned %s\n", signature(r.Pinned.By, r.Pinned.Reason, r.Pinned.At))
	}
	switch {
	case r.Snapshot == "" && r.StartedOver:
		fmt.Fprintln(w, "the environment starts over: the next snapshot that is published is its first")
	case r.Snapshot == "":
		fmt.Fprintln(w, "dry run: --yes gives up the snapshots of this environment")
	case r.Moved == nil:
		fmt.Fprintf(w, "dry run: --yes makes %s live\n", r.Snapshot)
	default:
		fmt.Fprintf(w, "%s %s is live\n", r.Environment, r.Snapshot)
	}
}
