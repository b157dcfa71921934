package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

func publishCommand() *cli.Command {
	return &cli.Command{
		Name:      "publish",
		Usage:     "make a built snapshot live",
		ArgsUsage: "ID",
		Description: `Moves the pointer of an environment to a snapshot that regsnap build has written.
Refuses to go back to older commits (exit code 4), and to overrule somebody who
published at the same time (exit code 5: run it again).

   regsnap publish --bucket file:///srv/registry --env production 20221201T172031Z-0123456789ab`,
		Flags:  []cli.Flag{configFlag(), bucketFlag(), envFlag("the environment's `NAME`"), jsonFlag()},
		Action: runPublish,
	}
}

func runPublish(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	env, err := cfg.oneEnvironment(c.String("env"))
	if err != nil {
		return err
	}
	id := c.Args().First()
	if c.Args().Len() != 1 || !layout.ValidSnapshot(id) {
		return usagef("which snapshot? Give one id as regsnap build prints it; flags come before it")
	}
	bucket, err := cfg.openBucket(c.Context, publish.Open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	moved, err := bucket.Publish(c.Context, env, id)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, moved)
	}
	if !moved.Changed {
		fmt.Fprintf(c.App.Writer, "%s %s was live already\n", env, id)
		return nil
	}
	fmt.Fprintf(c.App.Writer, "%s %s is live", env, id)
	if moved.Previous != "" {
		fmt.Fprintf(c.App.Writer, ", before %s", moved.Previous)
	}
	fmt.Fprintln(c.App.Writer)
	return nil
}
