package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/serve/edge"
)

// defaultPointer is for how long an edge need not look at the pointer again.
const defaultPointer = 10 * time.Second

func edgeCommand() *cli.Command {
	return &cli.Command{
		Name:      "edge",
		Category:  groupServe,
		Usage:     "make the bundle that answers registry requests on a CDN platform",
		ArgsUsage: "PLATFORM [flags]",
		Description: `One bundle answers for one environment, on the hostname that regsnap.yml gives it.
It reads the bucket only: no server of the registry runs.

   regsnap edge cloudflare --bucket s3://registry?region=eu-west-1 --env production --out worker
   regsnap edge cloudfront --bucket s3://registry?region=eu-west-1 --env production --out functions`,
		Subcommands: []*cli.Command{cloudflareCommand(), cloudfrontCommand()},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("%q is not a platform: there are cloudflare and cloudfront", c.Args().First())
			}
			return usagef("for which platform? regsnap edge cloudflare, or regsnap edge cloudfront; see regsnap edge --help")
		},
	}
}

func edgeFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		configFlag(), bucketFlag(), envFlag(),
		&cli.StringFlag{Name: "out", Usage: "write the bundle into `DIR`, which is made if it is not there"},
		timeFlag("pointer", "look at the pointer again after `TIME` (how long a publish or rollback takes to be seen by each instance)", defaultPointer),
		dryRunFlag(), jsonFlag(),
	}, more...)
}

func cloudflareCommand() *cli.Command {
	return &cli.Command{
		Name:         "cloudflare",
		Usage:        "a Worker: worker.js, and wrangler.json to deploy it with",
		OnUsageError: onUsageError,
		Description: `The bucket is one of Cloudflare R2 (--r2), or one of S3, Google Cloud Storage or
any server of files. If that is not open to everybody, give the Worker the secrets
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: it signs its requests with them.

   regsnap edge cloudflare --env production --r2 registry --out worker
   cd worker && npx wrangler deploy`,
		Flags: edgeFlags(
			&cli.StringFlag{Name: "r2", Usage: "read the bucket `NAME` of Cloudflare R2 by a binding, instead of --bucket"},
			originFlag(),
			fallbackFlag("long searches that were not rendered ahead, which take more processor time than the free plan gives a request"),
		),
		Action: runCloudflare,
	}
}

func cloudfrontCommand() *cli.Command {
	return &cli.Command{
		Name:         "cloudfront",
		Usage:        "two functions of AWS Lambda@Edge: origin-request.zip and origin-response.zip",
		OnUsageError: onUsageError,
		Description: `The distribution's origin is the bucket. The functions run on Node.js 20 or later,
with the handler index.handler; the first reads the bucket with the credentials of
its role. The platform has no variables: settings are in the code, so another
bucket or environment is another bundle.

   regsnap edge cloudfront --env production --bucket s3://registry?region=eu-west-1 --out functions`,
		Flags: edgeFlags(
			originFlag(),
			fallbackFlag("the few answers that are larger than a function may send"),
		),
		Action: runCloudfront,
	}
}

func originFlag() cli.Flag {
	return &cli.StringFlag{Name: "origin", Usage: "read the bucket at this `URL`, if it is not the one that its own URL says"}
}

func fallbackFlag(what string) cli.Flag {
	return &cli.StringFlag{Name: "fallback", Usage: "the `HOST` of a regsnap serve, reached by HTTPS (for " + what + ")"}
}

// fallbackHost reads --fallback, which is the name of a host and no more.
func fallbackHost(c *cli.Context) (string, error) {
	host := c.String("fallback")
	if u, err := url.Parse("https://" + host); err != nil || host != "" && (u.Host != host || u.Hostname() == "") {
		return "", usagef("--fallback %q: want the name of a host, such as serve.example.org", host)
	}
	return host, nil
}

// edgeOf is the environment that a bundle is for.
func edgeOf(c *cli.Context) (config, string, error) {
	if err := noArgs(c); err != nil {
		return config{}, "", err
	}
	cfg, err := settings(c)
	if err != nil {
		return config{}, "", err
	}
	env, err := cfg.oneEnvironment(c)
	if err != nil {
		return config{}, "", err
	}
	if c.String("out") == "" {
		return config{}, "", usagef("where to? Give --out DIR")
	}
	return cfg, env, nil
}

// edgeOrigin is where an edge reads the bucket: at --origin, else where the
// bucket's own URL says.
func edgeOrigin(c *cli.Context, cfg config) (edge.Origin, error) {
	at := c.String("origin")
	switch {
	case at == "" && cfg.Bucket == "":
		return edge.Origin{}, usagef("which bucket? Give --bucket URL, or bucket: in regsnap.yml")
	case at == "" && strings.HasPrefix(cfg.Bucket, "file:"):
		return edge.Origin{}, usagef("bucket %s is on this machine: give --origin URL, where an edge finds it", cfg.Bucket)
	case at == "":
		at = cfg.Bucket
	}
	origin, err := edge.ParseOrigin(at)
	if err != nil {
		return edge.Origin{}, usageError{err}
	}
	if u, err := url.Parse(cfg.Bucket); err == nil && origin.Region == "" {
		origin.Region = u.Query().Get("region") // requests to another address are signed for it all the same
	}
	return origin, nil
}

func runCloudflare(c *cli.Context) error {
	cfg, env, err := edgeOf(c)
	if err != nil {
		return err
	}
	o := edge.CloudflareOptions{Environment: env, Hostname: cfg.Environments[env].Hostname, R2: c.String("r2"), Pointer: timeOf(c, "pointer"), Previews: string(cfg.previewHosts()), Environments: cfg.names()}
	host, err := fallbackHost(c)
	if err != nil {
		return err
	}
	if host != "" {
		o.Fallback = "https://" + host
	}
	if o.R2 == "" {
		if o.Origin, err = edgeOrigin(c, cfg); err != nil {
			return err
		}
	} else if c.IsSet("origin") {
		return usagef("--r2 and --origin: a Worker reads one bucket")
	}
	files, err := edge.Cloudflare(o)
	if err != nil {
		return err
	}
	return writeBundle(c, env, files)
}

func runCloudfront(c *cli.Context) error {
	cfg, env, err := edgeOf(c)
	if err != nil {
		return err
	}
	o := edge.CloudFrontOptions{Environment: env, Pointer: timeOf(c, "pointer"), Previews: string(cfg.previewHosts()), Environments: cfg.names()}
	if o.Fallback, err = fallbackHost(c); err != nil {
		return err
	}
	if o.Origin, err = edgeOrigin(c, cfg); err != nil {
		return err
	}
	files, err := edge.CloudFront(o)
	if err != nil {
		return err
	}
	return writeBundle(c, env, files)
}

// bundleFile is a file that was written.
type bundleFile struct {
	File  string `json:"file"`
	Bytes int    `json:"bytes"`
}

// bundled is what `regsnap edge --json` prints.
type bundled struct {
	Environment string       `json:"environment"`
	DryRun      bool         `json:"dry_run"`
	Files       []bundleFile `json:"files"`
}

func writeBundle(c *cli.Context, env string, files []edge.File) error {
	out := bundled{Environment: env, DryRun: c.Bool("dry-run")}
	dry := c.Bool("dry-run")
	if !dry {
		if err := os.MkdirAll(c.String("out"), 0o777); err != nil {
			return err
		}
	}
	for _, f := range files {
		name := filepath.Join(c.String("out"), f.Name)
		if !dry {
			if err := os.WriteFile(name, f.Content, 0o666); err != nil {
				return err
			}
		}
		out.Files = append(out.Files, bundleFile{name, len(f.Content)})
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, out)
	}
	for _, f := range out.Files {
		fmt.Fprintf(c.App.Writer, "%s  %s\n", f.File, size(int64(f.Bytes)))
	}
	if dry {
		fmt.Fprintln(c.App.Writer, dryRunText)
	}
	return nil
}
