package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func pinCommand() *cli.Command {
	return &cli.Command{
		Name:     "pin",
		Category: groupOperate,
		Usage:    "hold an environment at its live snapshot",
		Description: `Until regsnap unpin, builds and publishes of the environment store what is new but
do not go live: they say so and succeed (exit code 0). Rolling back still works.

   regsnap pin --bucket file:///srv/registry --env production --reason 'release freeze until Monday'`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(), dryRunFlag(), byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: func(c *cli.Context) error { return runPin(c, true) },
	}
}

func unpinCommand() *cli.Command {
	return &cli.Command{
		Name:     "unpin",
		Category: groupOperate,
		Usage:    "let publishes of an environment go live again",
		Description: `Ends regsnap pin. What was published meanwhile is in the bucket, but not live:
regsnap publish makes it so, or the next regsnap build --publish.

   regsnap unpin --bucket file:///srv/registry --env production`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(), dryRunFlag(), byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: func(c *cli.Context) error { return runPin(c, false) },
	}
}

func runPin(c *cli.Context, pin bool) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	n, err := note(c)
	if err != nil {
		return err
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	do := p.bucket.Unpin
	if pin {
		do = p.bucket.Pin
	}
	if c.Bool("dry-run") {
		do = func(ctx context.Context, env string, _ publish.Note) (*publish.Moved, error) {
			return p.bucket.PlanPin(ctx, env, pin)
		}
	}
	moved, err := do(c.Context, p.env, n)
	if err != nil {
		return err
	}
	sayUnrecorded(c.App.ErrWriter, moved)
	if c.Bool("json") {
		return printJSON(c.App.Writer, movedTo{c.Bool("dry-run"), moved})
	}
	if c.Bool("dry-run") {
		fmt.Fprintf(c.App.Writer, "%s\n%s\n", pinPlanText(moved, pin), dryRunText)
		return nil
	}
	fmt.Fprintln(c.App.Writer, pinText(moved, pin))
	if !pin && moved.Changed {
		return sayWaitingSnapshot(c, p)
	}
	return nil
}

func pinPlanText(m *publish.Moved, pin bool) string {
	switch {
	case !m.Changed:
		return pinText(m, pin)
	case pin:
		return fmt.Sprintf("%s would be pinned to %s", m.Environment, m.Live)
	}
	return fmt.Sprintf("%s would no longer be pinned, as it is %s", m.Environment, signature(m.Pin.By, m.Pin.Reason, m.Pin.At))
}

func pinText(m *publish.Moved, pin bool) string {
	switch {
	case pin && m.Changed:
		return fmt.Sprintf("%s is pinned to %s", m.Environment, m.Live)
	case pin:
		return fmt.Sprintf("%s was pinned already, to %s, %s", m.Environment, m.Live, signature(m.Pin.By, m.Pin.Reason, m.Pin.At))
	case m.Changed:
		return fmt.Sprintf("%s is no longer pinned, as it was %s", m.Environment, signature(m.Pin.By, m.Pin.Reason, m.Pin.At))
	}
	return m.Environment + " was not pinned"
}

// sayWaitingSnapshot tells what was held back and how to get it.
func sayWaitingSnapshot(c *cli.Context, p place) error {
	stored, err := p.bucket.Snapshots(c.Context, p.env)
	if err != nil {
		return err
	}
	s, err := p.bucket.Status(c.Context, p.env, stored[p.env])
	if err != nil {
		return err
	}
	if len(s.Waiting) > 0 {
		fmt.Fprintf(c.App.ErrWriter, "%s came later and is not live: regsnap publish --source git:PATH --env %s %s\n", s.Waiting[0].ID, p.env, s.Waiting[0].ID)
	}
	return nil
}
