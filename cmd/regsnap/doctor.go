package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/doctor"
	"github.com/regsnap/regsnap/publish/store"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:     "doctor",
		Category: groupOperate,
		Usage:    "find out whether a bucket, and a role in it, are set up right",
		Description: `Tries, with the credentials that it is run with, what the role must be able to do and
must not: create, overwrite, read and delete what never changes; conditional creates
and overwrites of a lease; moving the pointer of --env, and those of the others; tags
and, with package_storage: v2 in regsnap.yml, the index for registry servers. Reads
what the store tells of versioning, lifecycle rules, public access and encryption. A
table says what is right, what is wrong and how to fix it (exit code 13 if anything is).

It uses keys of its own, which no snapshot refers to, and takes away what it wrote; what
the role may not delete, the next prune does. A pointer is tried with a condition that
does not hold, so that it stays as it is.

--role says what the role is for: publisher (of --env), pruner, or reader. docs/rights.md
has policies for each, for S3 and Google Cloud Storage.

   regsnap doctor --bucket s3://registry?region=eu-west-1 --env production
   regsnap doctor --bucket gs://registry --role pruner
   regsnap doctor --bucket gs://registry --role reader --json`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag("(what the role publishes)"),
			&cli.StringFlag{Name: "role", Usage: "what the role is for: `ROLE` publisher, pruner or reader", Value: string(doctor.Publisher)},
			jsonFlag(),
		},
		Action: runDoctor,
	}
}

// errUnfit: doctor found something wrong.
var errUnfit = errors.New("the bucket or the role is not set up right")

func runDoctor(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	env, err := oneEnv(c)
	if err != nil {
		return err
	}
	o := doctor.Options{Role: doctor.Role(c.String("role")), Environment: env}
	if !slices.Contains(doctor.Roles, o.Role) {
		return usagef("--role %q: want publisher, pruner or reader", o.Role)
	}
	if o.Environment != "" && (o.Role != doctor.Publisher || !layout.ValidEnvironment(o.Environment)) {
		return usagef("--env %q: want the name of an environment, and --role publisher", o.Environment)
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	if cfg.Bucket == "" {
		return usagef("which bucket? Give --bucket URL, or bucket: in regsnap.yml")
	}
	s, err := store.Open(c.Context, cfg.Bucket, store.Options{})
	if errors.Is(err, store.ErrURL) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	o.PackageStorage = cfg.Environments[o.Environment].PackageStorage != ""
	report, err := doctor.Examine(c.Context, s, o)
	if err = errors.Join(err, s.Close()); err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, report)
	} else {
		err = printDoctor(c.App.Writer, report)
	}
	if report.Wrong() > 0 {
		return errors.Join(err, errReported, errUnfit)
	}
	return err
}

func printDoctor(w io.Writer, r *doctor.Report) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range r.Findings {
		what := f.Check
		if f.Key != "" {
			what += " " + f.Key
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", f.Verdict, clean(what), clean(f.Found))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	said := map[string]bool{}
	for _, f := range r.Findings {
		if f.Fix == "" || f.Verdict != store.Wrong || said[f.Fix] {
			continue
		}
		if len(said) == 0 {
			fmt.Fprintln(w, "\nTo fix:")
		}
		said[f.Fix] = true
		fmt.Fprintf(w, "  %s: %s\n", clean(strings.TrimSpace(f.Check+" "+f.Key)), clean(f.Fix))
	}
	who := string(r.Role)
	if r.Environment != "" {
		who += " of " + r.Environment
	}
	fmt.Fprintf(w, "\n%s: %s, %d wrong\n", who, plural(len(r.Findings), "check"), r.Wrong())
	return nil
}
