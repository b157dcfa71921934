package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/serve/check"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name:     "check",
		Category: groupServe,
		Usage:    "compare a live registry with what the bucket answers",
		Description: `Sends the requests of an environment to a URL and compares each answer with the
bucket's own: all package documents, a query of every class that has an answer of
its own, queries in odd spellings, sampled archives, signatures and files, errors
and redirects; plain and gzip-encoded, some with HEAD, validators and ranges. Run it
before clients come to a new CDN, and against an existing registry before clients
leave it. What differs is listed in groups (exit code 9). An answer that belongs to
another snapshot, or to a query without some parameter, is called that: a cache is
too old, or its key lacks the parameter.

   regsnap check --bucket s3://registry?region=eu-west-1 --env production --against https://epr.example.org
   regsnap check --bucket s3://registry?region=eu-west-1 --env production --against https://d111111abcdef8.cloudfront.net --host epr.example.org
   regsnap check --bucket file:///srv/registry --env production --against http://old-registry:8080 --level api --sample 100% --resume /tmp/check.state

--level says how strict it is:
   api     what clients of the API read: status, type, redirects, bodies; of
           archives the files in them. For a registry of another make.
   edge    besides, what caches go by: Cache-Control, ETag, Vary, encoded bytes,
           conditional requests, methods. For a CDN in front of the bucket.
   exact   every header that the bucket's own answer has, to the letter.
--ignore leaves out a header, "status", "body" or "encoding", or a whole kind of
requests: ` + strings.Join(check.Kinds, ", ") + `.

The same --seed sends the same requests. --resume FILE remembers what was the same:
the same command again, after Ctrl-C as well, sends only the rest and what differed.
When the pointer moves meanwhile, answers are compared with the snapshot that is
live then; those of the one before count as late, not as different, for as long as
Cache-Control lets caches keep them, and --lag.`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag("(default: that whose hostname is asked)"),
			&cli.StringFlag{Name: "against", Usage: "compare the registry at `URL`, which may have a path"},
			hostFlag(),
			&cli.StringFlag{Name: "level", Usage: "compare as strictly as `LEVEL`: api, edge or exact", Value: string(check.Edge)},
			&cli.StringSliceFlag{Name: "ignore", Usage: "do not compare `WHAT` (repeat for several)"},
			timeFlag("lag", "the `TIME` after max-age for which an answer from the previous snapshot still counts as correct", check.DefaultLag),
			sampleFlag("5%", "(of the archives and files)"),
			seedFlag(1, "(and the order of the requests)"),
			&cli.IntFlag{Name: "max-requests", Usage: "send at most about `N` requests", Value: check.DefaultMaxRequests},
			rateFlag(check.DefaultRate),
			parallelFlag(check.DefaultParallel, ""),
			timeoutFlag(check.DefaultTimeout, "on a request, to its last byte"),
			resumeFlag(),
			allFlag("(up to 100 differences of a group)"),
			jsonFlag(),
		},
		Action: runCheck,
	}
}

// errDifferent: the registry does not answer as the bucket does.
var errDifferent = errors.New("the registry differs from the bucket")

func runCheck(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	o, cfg, err := checkOptions(c)
	if err != nil {
		return err
	}
	bucket, err := cfg.openEnvironment(c.Context, o.Environment)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	o.Bucket = bucket
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
	o.Progress = func(done, total int) { bar.step("check", done, total) }
	report, err := check.Run(c.Context, o)
	bar.finish()
	if errors.Is(err, check.ErrOptions) {
		return usageError{err}
	}
	if report == nil {
		return err
	}
	if c.Bool("json") {
		err = errors.Join(err, printJSON(c.App.Writer, report))
	} else {
		printCheck(c.App.Writer, report, c.Bool("all"))
	}
	switch {
	case err != nil:
		if errors.Is(err, context.Canceled) && o.State != "" {
			fmt.Fprintf(c.App.ErrWriter, "regsnap: %s has what was the same so far\n", o.State)
		}
		return err
	case !report.Same():
		return errors.Join(errReported, errDifferent)
	}
	return nil
}

func checkOptions(c *cli.Context) (check.Options, config, error) {
	cfg, err := settings(c)
	if err != nil {
		return check.Options{}, cfg, err
	}
	o := check.Options{
		URL: c.String("against"), Host: c.String("host"), Level: check.Level(c.String("level")), Ignore: c.StringSlice("ignore"), Lag: timeOf(c, "lag"),
		Seed: c.Uint64("seed"), MaxRequests: c.Int("max-requests"), Rate: c.Float64("max-rate"), Parallel: c.Int("parallel"), Timeout: timeOf(c, "timeout"),
		State: c.String("resume"), UserAgent: "regsnap-check/" + version(),
	}
	if o.URL == "" {
		return o, cfg, usagef("which registry? Give --against URL")
	}
	if o.Sample, err = parseShare(c.String("sample")); err != nil {
		return o, cfg, err
	}
	if o.Environment, err = oneEnv(c); err != nil {
		return o, cfg, err
	}
	if o.Environment == "" {
		o.Environment = cfg.environmentAt(o.URL, o.Host)
	}
	return o, cfg, nil
}

// environmentAt is the environment that a URL, or the host that is asked for in
// its place, belongs to; "" for none.
func (c config) environmentAt(rawURL, host string) string {
	if host == "" {
		if u, err := url.Parse(rawURL); err == nil {
			host = u.Host
		}
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, name := range c.names() {
		if h := c.Environments[name].Hostname; h != "" && strings.EqualFold(h, host) {
			return name
		}
	}
	return ""
}

// maxExamples is how many differences of a group a text report shows.
const maxExamples = 3

func printCheck(w io.Writer, r *check.Report, all bool) {
	for _, g := range r.Groups {
		fmt.Fprintf(w, "%s: %s (%d)\n", g.Kind, clean(g.Problem), g.Count)
		for i, d := range g.Examples {
			if i == maxExamples && !all {
				fmt.Fprintf(w, "    …\n")
				break
			}
			printDifference(w, d)
		}
	}
	fmt.Fprintf(w, "%s %s against %s", r.Environment, strings.Join(r.Snapshots, ", then "), r.Against)
	if r.Host != "" {
		fmt.Fprintf(w, " as %s", r.Host)
	}
	fmt.Fprintf(w, ": %d addresses", r.Addresses)
	if r.Skipped > 0 {
		fmt.Fprintf(w, ", %d more were the same before", r.Skipped)
	}
	fmt.Fprintf(w, ", %s, %s read", plural(int(r.Requests), "request"), size(r.Bytes))
	if r.Possible > r.Planned {
		fmt.Fprintf(w, "; %d of %d possible requests (--max-requests)", r.Planned, r.Possible)
	}
	if r.Late > 0 {
		fmt.Fprintf(w, "; %d answers of a snapshot that caches may still have", r.Late)
	}
	if !r.Complete {
		fmt.Fprint(w, "; not finished")
	}
	switch {
	case r.Same() && r.Requests == 0:
		fmt.Fprintln(w, ": nothing was compared")
	case r.Same() && !r.Complete:
		fmt.Fprintln(w, ": no difference in what was compared")
	case r.Same():
		fmt.Fprintln(w, ": no difference")
	default:
		fmt.Fprintf(w, ": %s\n", plural(r.Differences, "difference"))
	}
}

func printDifference(w io.Writer, d check.Difference) {
	fmt.Fprintf(w, "    %s", clean(d.Request))
	if d.Way != "" {
		fmt.Fprintf(w, " (%s)", clean(d.Way))
	}
	switch {
	case d.Got != "" && d.Want != "":
		fmt.Fprintf(w, ": %s, want %s", clean(d.Got), clean(d.Want))
	case d.Want != "":
		fmt.Fprintf(w, ": want %s", clean(d.Want))
	case d.Got != "":
		fmt.Fprintf(w, ": %s", clean(d.Got))
	}
	if d.Detail != "" {
		fmt.Fprintf(w, "\n        %s", clean(d.Detail))
	}
	fmt.Fprintln(w)
}
