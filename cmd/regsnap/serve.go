package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:     "serve",
		Category: groupServe,
		Usage:    "answer registry requests from the bucket",
		Description: `Answers for every configured environment, chosen by the Host header, or for one
with --env; with previews.hostname in regsnap.yml also for previews. Follows the pointers: what is published is served within seconds, and
every response comes from one snapshot. In an image the bucket is a packed snapshot,
pack:///DIR.

   regsnap serve --bucket file:///srv/registry --env production
   regsnap serve --bucket s3://registry?region=eu-west-1 --listen :8443 --tls-cert cert.pem --tls-key key.pem --admin 127.0.0.1:9090`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(),
			envsFlag("all that are configured, by the Host header; one alone answers every request"),
			listenFlag(serve.DefaultListen),
			&cli.StringFlag{Name: "admin", Usage: "serve metrics (/metrics) and readiness (/ready) on `HOST:PORT`"},
			&cli.StringFlag{Name: "tls-cert", Usage: "serve HTTPS with the certificate chain in PEM `FILE`"},
			&cli.StringFlag{Name: "tls-key", Usage: "the certificate's private key, a PEM `FILE`"},
			&cli.StringFlag{Name: "prefix", Usage: "the API is below this `PATH`, such as /registry"},
			timeFlag("poll", "look at the pointers every `TIME`", serve.DefaultPoll),
			&cli.Int64Flag{Name: "max-cache-bytes", Usage: "keep at most `N` bytes of objects in memory", Value: serve.DefaultCacheBytes},
			&cli.IntFlag{Name: "max-concurrent", Usage: "answer at most `N` requests at once; others get 503 (default: no bound)"},
			&cli.BoolFlag{Name: "access-log", Usage: "write a line of JSON for each request to standard output"},
		},
		Action: runServe,
	}
}

func runServe(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	o := serve.Options{
		Prefix: c.String("prefix"), CacheBytes: c.Int64("max-cache-bytes"), Poll: timeOf(c, "poll"), MaxRequests: c.Int("max-concurrent"),
		Log: slog.New(slog.NewTextHandler(c.App.ErrWriter, nil)),
	}
	if c.Bool("access-log") {
		o.AccessLog = slog.New(slog.NewJSONHandler(c.App.Writer, nil))
	}
	names := c.StringSlice("env")
	switch len(names) {
	case 0:
		names, o.Previews = cfg.names(), cfg.previewHosts()
	case 1:
		o.Default = names[0]
	}
	for _, name := range names {
		env := serve.Environment{Name: name}
		if host := cfg.Environments[name].Hostname; host != "" {
			env.Hostnames = []string{host}
		}
		o.Environments = append(o.Environments, env)
	}
	bucket, err := cfg.openServed(c.Context)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	o.Bucket = bucket
	handler, err := serve.New(c.Context, o)
	if err != nil {
		return err
	}
	defer handler.Close()
	return serve.Run(c.Context, serve.ServerOptions{
		Handler: handler, Listen: c.String("listen"), Admin: c.String("admin"),
		CertFile: c.String("tls-cert"), KeyFile: c.String("tls-key"), Log: o.Log,
		Started: func(api, admin net.Addr) { greet(c, cfg, o, api, admin) },
	})
}

// served is what answers can come from.
type served interface {
	serve.Bucket
	io.Closer
}

// openServed opens a bucket, or the folder of a packed snapshot that an image has.
func (c config) openServed(ctx context.Context) (served, error) {
	folder, packed := strings.CutPrefix(c.Bucket, "pack://")
	if !packed {
		return c.openBucket(ctx, publish.Open)
	}
	if !filepath.IsAbs(filepath.FromSlash(folder)) {
		return nil, usagef("bucket %q: a packed snapshot is written with three slashes, pack:///%s", c.Bucket, folder)
	}
	return pack.Open(filepath.FromSlash(folder))
}

// greet prints URLs to click, the catalogue of an environment first.
func greet(c *cli.Context, cfg config, o serve.Options, api, admin net.Addr) {
	w := c.App.ErrWriter
	scheme := "http"
	if c.String("tls-cert") != "" {
		scheme = "https"
	}
	_, port, err := net.SplitHostPort(api.String())
	if err != nil {
		fmt.Fprintf(w, "serving on %s\n", api)
		return
	}
	fmt.Fprintf(w, "serving on %s; Ctrl-C stops\n", api)
	for _, env := range o.Environments {
		host := "localhost"
		if o.Default == "" && len(env.Hostnames) > 0 {
			host = env.Hostnames[0]
		}
		base := scheme + "://" + net.JoinHostPort(host, port) + strings.TrimSuffix(o.Prefix, "/")
		name := env.Name
		if cfg.Environments[env.Name].Catalog == catalogOn {
			fmt.Fprintf(w, "  %-10s %s/catalog/\n", name, base)
			name = ""
		}
		fmt.Fprintf(w, "  %-10s %s/search?prerelease=true\n", name, base)
		if o.Default == "" && !strings.HasSuffix(host, "localhost") {
			fmt.Fprintf(w, "  %-10s curl -H 'Host: %s' %s://%s/search\n", "", host, scheme, net.JoinHostPort("localhost", port))
		}
	}
	if o.Previews != "" {
		fmt.Fprintf(w, "  %-10s %s\n", "previews", o.Previews)
	}
	if admin != nil {
		fmt.Fprintf(w, "  %-10s http://%s/metrics\n", "metrics", admin)
	}
}
