package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func verifyCommand() *cli.Command {
	return &cli.Command{
		Name:      "verify",
		Category:  groupOperate,
		Usage:     "read a snapshot, or all of them, again and check every object",
		ArgsUsage: "[ID]",
		Description: `Compares manifest, routes, responses, archives, files and signatures of a snapshot,
by default the live one, with the digests that the manifest and the lists of files
have, and the files in archives, which edges answer out of there, with these lists.
What is missing or damaged is listed (exit code 7). Without --env it does so for every
snapshot of every environment, and for the pointers; what several share is read once.

--sample 5% checks that share of packages and responses, chosen at random. --resume
FILE keeps what was sound: the same command again resumes an interrupted run.
--deep also renders the snapshot from --source again, from the very commits that it
was built from, and compares every object: digests alone agree with packages that
were put there by someone else. --repair renders what is faulty from the source again, from the very commits of
the snapshot if the source has them, and writes it over what is there. What a build
has signed can only be compared and repaired with the same --sign-key.

   regsnap verify --bucket s3://registry?region=eu-west-1 --env production --sample 5%
   regsnap verify --bucket file:///srv/registry --env production --resume /tmp/verify.state
   regsnap verify --bucket file:///srv/registry --env production --deep --source git:.
   regsnap verify --bucket file:///srv/registry --env production --repair --source git:.
   regsnap verify --bucket s3://registry?region=eu-west-1 --sample 5% --repair --source git:.`,
		Flags: append([]cli.Flag{
			configFlag(), sourceFlag(), bucketFlag(), envFlag(),
			snapshotFlag("the live one"),
			sampleFlag("100%"),
			seedFlag(0, "(default: another one each time)"),
			resumeFlag(),
			&cli.BoolFlag{Name: "deep", Usage: "also render all of it from --source again, and compare"},
			&cli.BoolFlag{Name: "repair", Usage: "write faulty objects again, from --source"},
			dryRunFlag("(lists what --repair would write)"), byFlag(), reasonFlag(), jsonFlag(),
		}, signFlags()...),
		Action: runVerify,
	}
}

// errDamaged: verify found faults that are still there.
var errDamaged = errors.New("the snapshot is damaged")

func runVerify(c *cli.Context) (err error) {
	named, err := snapshotArgument(c)
	if err != nil {
		return err
	}
	share, err := parseShare(c.String("sample"))
	if err != nil {
		return err
	}
	if len(c.StringSlice("env")) == 0 {
		if named != "" {
			return usagef("of which environment is %s? Give --env NAME", named)
		}
		if c.Bool("deep") {
			return usagef("--deep compares one snapshot with its source: give --env NAME")
		}
		return verifyAll(c, share)
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	id, _, err := chosenSnapshot(c.Context, p.bucket, p.env, named)
	if err != nil {
		return err
	}
	o := publish.VerifyOptions{Sample: share, Seed: c.Uint64("seed"), State: c.String("resume")}
	if !c.IsSet("seed") {
		o.Seed = rand.Uint64()
	}
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	o.Progress = func(n publish.Checked) { bar.step("verify", n.Units, n.Total) }
	v, err := p.bucket.Verify(c.Context, p.env, id, o)
	bar.finish()
	if err != nil {
		return err
	}
	var source *compared
	if c.Bool("deep") {
		if source, err = verifyDeep(c, p, v); err != nil {
			return err
		}
	}
	v, unable := repaired(c, p, v, o)
	if unable != nil && !errors.Is(unable, errOtherRender) {
		return unable
	}
	if c.Bool("dry-run") && c.Bool("repair") && !c.Bool("json") {
		defer fmt.Fprintln(c.App.Writer, dryRunText)
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, verified{c.Bool("dry-run"), []deepVerification{{v, source}}, v.Sound()})
	} else {
		if source != nil {
			fmt.Fprintf(c.App.Writer, "%s %s: %s, %s rendered from the source are the same in the bucket\n", v.Environment, v.Snapshot, plural(source.Objects, "object"), size(source.Bytes))
		}
		printVerification(c.App.Writer, v, o)
	}
	if unable != nil {
		return errors.Join(err, damagedError{unable})
	}
	if !v.Sound() {
		return errors.Join(err, errReported, errDamaged)
	}
	return err
}

// damagedError is why what is damaged stays so.
type damagedError struct{ error }

func (e damagedError) Is(target error) bool { return target == errDamaged }

// repaired repairs what is faulty if that was asked for: once more when the manifest
// was, and once more when its lists were, because only then is known what else is.
func repaired(c *cli.Context, p place, v *publish.Verification, o publish.VerifyOptions) (*publish.Verification, error) {
	for tries := 0; c.Bool("repair") && !c.Bool("dry-run") && !v.Sound() && tries < 3; tries++ {
		before := slices.Clone(v.Faults)
		again, err := repair(c, p, v, o)
		if err != nil {
			return v, err
		}
		if v = again; slices.Equal(before, v.Faults) {
			break // another try comes to the same
		}
	}
	return v, nil
}

// parseShare reads "5%", "100%" or "0.05".
func parseShare(s string) (float64, error) {
	text, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	share, err := strconv.ParseFloat(text, 64)
	if percent {
		share /= 100
	}
	if err != nil || !(share > 0 && share <= 1) {
		return 0, usagef("--sample %q: want a share above 0 up to 100%%, such as 5%%", s)
	}
	return share, nil
}

func printVerification(w io.Writer, v *publish.Verification, o publish.VerifyOptions) {
	faulty := 0
	for _, f := range v.Faults {
		state := ""
		if f.Repaired {
			state = " (repaired)"
		} else {
			faulty++
		}
		fmt.Fprintf(w, "%s: %s%s\n", clean(f.Key), clean(f.Detail), state)
	}
	n := v.Checked
	fmt.Fprintf(w, "%s %s: %s, %s read", v.Environment, v.Snapshot, plural(n.Objects, "object"), size(n.Bytes))
	if o.Sample < 1 {
		fmt.Fprintf(w, ", a sample of %.3g%% (--seed %d)", 100*o.Sample, o.Seed)
	}
	if n.Skipped > 0 {
		fmt.Fprintf(w, ", %d of %d packages and responses checked before", n.Skipped, n.Total)
	}
	switch repaired := len(v.Faults) - faulty; {
	case faulty > 0:
		fmt.Fprintf(w, ": %s\n", plural(faulty, "fault"))
	case repaired > 0:
		fmt.Fprintf(w, ": sound again, %s repaired\n", plural(repaired, "object"))
	default:
		fmt.Fprintln(w, ": sound")
	}
}
