package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func publishCommand() *cli.Command {
	return &cli.Command{
		Name:      "publish",
		Category:  groupPublish,
		Usage:     "make a built snapshot live",
		ArgsUsage: "ID",
		Description: `Moves the pointer of an environment to a snapshot that regsnap build has written.
What a live snapshot was built from decides, not a date: the commits are compared in
the history of a clone (--source git:PATH). Refuses to go back to an ancestor
(exit code 4), to leave the history where the environment does not allow it (10), and
what cannot be compared (11); regsnap rollback is for all that. A pinned environment
stays as it is, which is said and is no failure (exit code 0).
While regsnap prune runs it waits.

With --v2, and without an ID, it writes the index of package storage v2 for what is
live, if that is behind: where an environment has package_storage: v2 every command
that moves the pointer does so by itself, and says when it could not.

   regsnap publish --bucket file:///srv/registry --env production 20221201T172031Z-0123456789ab
   regsnap publish --bucket gs://registry --env production --v2`,
		Flags: []cli.Flag{configFlag(), sourceFlag(), bucketFlag(), envFlag(), snapshotFlag("the argument"), allowOlderFlag(),
			indexFlag(), dryRunFlag(), byFlag(), reasonFlag(), jsonFlag()},
		Action: runPublish,
	}
}

// movedTo is what publish, pin and unpin print with --json.
type movedTo struct {
	DryRun bool `json:"dry_run"`
	*publish.Moved
}

func runPublish(c *cli.Context) (err error) {
	if c.Bool("v2") {
		return runPublishIndex(c)
	}
	n, err := note(c)
	if err != nil {
		return err
	}
	id, err := snapshotArgument(c)
	if err == nil && id == "" {
		err = usagef("give one snapshot to publish, as regsnap build prints it")
	}
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
	if id, err = namedSnapshot(c.Context, p.bucket, p.env, id); err != nil {
		return err
	}
	var src source
	if p.cfg.Source != "" {
		if src, err = p.cfg.openSource(c.Context); err != nil {
			return err
		}
		defer closing(&err, "source", src)
	}
	n.Configured = p.cfg.isConfigured(p.env) == nil
	lease := p.bucket.Lease(leaseOptions(c, "publish"))
	defer releasing(c, &err, lease)
	moved, err := goLive(c, lease, p.bucket, p.env, id, nil, n, p.cfg.order(p.env, src))
	if err != nil {
		return err
	}
	if c.Bool("dry-run") && !c.Bool("json") {
		fmt.Fprintf(c.App.Writer, "%s: %s %s\n%s\n", p.env, id, wouldBe(moved), dryRunText)
		return nil
	}
	hooks := afterPublish(c, p.cfg, p.bucket, moved, nil)
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, movedTo{c.Bool("dry-run"), moved}), hooks)
	}
	switch {
	case moved.Held:
		fmt.Fprintf(c.App.Writer, "%s %s is not live: %s is pinned to %s, %s\n",
			p.env, id, p.env, moved.Live, signature(moved.Pin.By, moved.Pin.Reason, moved.Pin.At))
	case !moved.Changed:
		fmt.Fprintf(c.App.Writer, "%s %s was live already\n", p.env, id)
	case moved.Previous == "":
		fmt.Fprintf(c.App.Writer, "%s %s is live\n", p.env, id)
	default:
		fmt.Fprintf(c.App.Writer, "%s %s is live (was %s)\n", p.env, id, moved.Previous)
	}
	if len(moved.Diverged) > 0 {
		fmt.Fprintf(c.App.ErrWriter, "it leaves the history that was live, as after a force push, of %s\n", clean(strings.Join(moved.Diverged, ", ")))
	}
	return hooks
}
