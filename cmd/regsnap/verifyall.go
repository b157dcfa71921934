package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

// verified is what `regsnap verify --json` prints.
type verified struct {
	DryRun    bool               `json:"dry_run"`
	Snapshots []deepVerification `json:"snapshots"`
	Sound     bool               `json:"sound"`
}

// verifyAll verifies, and repairs, every snapshot of the bucket.
func verifyAll(c *cli.Context, share float64) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	bucket, err := cfg.openBucket(c.Context, publish.Open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	o := publish.VerifyOptions{Sample: share, Seed: c.Uint64("seed"), State: c.String("resume")}
	if !c.IsSet("seed") {
		o.Seed = rand.Uint64()
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	defer bar.finish()
	o.Progress = func(n publish.Checked) { bar.step("verify", n.Units, n.Total) }
	out := verified{DryRun: c.Bool("dry-run"), Snapshots: []deepVerification{}, Sound: true}
	var failed error
	err = bucket.VerifyAll(c.Context, o, func(v *publish.Verification) error {
		bar.finish()
		if v.Snapshot != "" {
			one := o
			one.State = "" // that of all says nothing of one
			mended, err := repaired(c, place{cfg: cfg, env: v.Environment, bucket: bucket}, v, one)
			switch {
			case err == nil:
				v = mended
			case errors.Is(err, context.Canceled):
				return err
			default: // the others may be repaired
				if errors.Is(err, errOtherRender) {
					err = damagedError{err}
				}
				failed = errors.Join(failed, fmt.Errorf("%s %s: %w", v.Environment, v.Snapshot, err))
			}
		}
		out.Snapshots, out.Sound = append(out.Snapshots, deepVerification{v, nil}), out.Sound && v.Sound()
		if !c.Bool("json") {
			printVerification(c.App.Writer, v, o)
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch {
	case c.Bool("json"):
		err = printJSON(c.App.Writer, out)
	case c.Bool("repair") && c.Bool("dry-run"):
		fmt.Fprintln(c.App.Writer, dryRunText)
	}
	switch {
	case failed != nil:
		return errors.Join(err, failed)
	case !out.Sound:
		return errors.Join(err, errReported, errDamaged)
	}
	return err
}
