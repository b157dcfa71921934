package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/dev"
)

func devCommand() *cli.Command {
	return &cli.Command{
		Name:      "dev",
		Category:  groupAuthor,
		Usage:     "serve a live registry of packages while they are edited",
		ArgsUsage: "[PATH…]",
		Description: `Serves the packages at the paths, by default those of the current folder: the work
tree of a package storage or of an integrations repository, a folder NAME/VERSION,
the folder of one package, a ready-made archive. What is saved is served at once, and
pages of the catalogue that are open load again. A broken package stays as it was when
it was good; what is wrong with it is here, in the catalogue, and at
/-/dev/findings as JSON.

With --base the packages of an environment, or those of a registry, fill the rest:
those that are edited win. Only this machine can connect, unless --listen says
otherwise; --allow-host lets in another name by which it is called. Nothing is
written, and no bucket is needed.

   regsnap dev
   regsnap dev packages/nginx --base s3://registry?region=eu-west-1#snapshot
   regsnap dev build/packages/*.zip --base https://registry.example --query kibana.version=8.6.0
   regsnap dev --listen 0.0.0.0:8080 --allow-host host.docker.internal`,
		Flags: []cli.Flag{
			configFlag(), envFlag("; the registry has its settings"), listenFlag(serve.DefaultListen),
			&cli.StringFlag{Name: "base", Usage: "the base is `BASE` (BUCKET#ENV or the URL of a registry, whose packages fill the rest)"},
			queryFlag(),
			&cli.StringSliceFlag{Name: "allow-host", Usage: "answer requests to the host `NAME` too"},
			&cli.BoolFlag{Name: "tls", Usage: "serve HTTPS, with a certificate made for this run"},
			&cli.BoolFlag{Name: "open", Usage: "open the result (the catalogue, in a browser)"},
			lookEveryFlag(0, "(where the file system does not tell of them)"),
			cacheFolderFlag(),
		},
		Action: runDev,
	}
}

func runDev(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	o, err := devOptions(c, cfg)
	if err != nil {
		return err
	}
	paths := c.Args().Slice()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	if o.Work, err = git.OpenWork(paths, parse.Identity); err != nil {
		return usageError{err}
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	bar := newProgress(c.App.ErrWriter, c.Bool("quiet"))
	closeBase, err := devBase(c, cfg, bar, &o)
	if err != nil {
		return err
	}
	defer closing(&err, "base", closeBase)
	if base := o.Base; base != nil && base.Live != nil && base.Live.Manifest.Catalogue == nil && o.Environment.Catalogue {
		o.Environment.Catalogue = false
		fmt.Fprintln(c.App.ErrWriter, "no catalogue: the base has none, and to make one all of its packages would have to be fetched")
	}
	var certificate *tls.Certificate
	h := dev.HandlerOptions{Hosts: c.StringSlice("allow-host"), Stop: ctx}
	if c.Bool("tls") {
		if certificate, h.Certificate, err = dev.Certificate(h.Hosts); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", c.String("listen"))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	address, _ := listener.Addr().(*net.TCPAddr)
	h.Beyond = address != nil && !address.IP.IsLoopback()
	var built atomic.Bool
	o.Progress = func(p build.Progress) {
		if !built.Load() { // what follows is too quick to watch
			bar.update(p)
		}
	}
	o.Answering = func(versions int, took time.Duration) {
		if took < time.Second {
			return // the catalogue is there before that can be read
		}
		bar.finish()
		fmt.Fprintf(c.App.ErrWriter, "%s answering clients after %.1f s: %s; archives are made as they are asked for, the catalogue follows\n",
			time.Now().Format("15:04:05"), took.Seconds(), plural(versions, "package version"))
	}
	registry, err := dev.New(ctx, o)
	if err != nil {
		return err
	}
	defer registry.Close()
	told := &devTeller{c: c, bar: bar, first: func() { built.Store(true) }}
	greetDev(c, o, listener, h, certificate)
	var watching sync.WaitGroup
	failed := make(chan error, 1)
	watching.Go(func() {
		failed <- registry.Watch(ctx, timeOf(c, "look-every"), func(err error) {
			fmt.Fprintf(c.App.ErrWriter, "the system cannot tell of changes (%v): looking for them every second\n", err)
		}, told.tell)
		cancel()
	})
	err = dev.Serve(ctx, listener, registry.Handler(h), certificate)
	cancel()
	watching.Wait()
	if e := <-failed; err == nil {
		err = e
	}
	return err
}

// devEnvironment is what the environment is called that has no settings of another.
const devEnvironment = "dev"

// devOptions are the settings of the registry.
func devOptions(c *cli.Context, cfg config) (dev.Options, error) {
	o := dev.Options{Regsnap: version(), Environment: build.Environment{Name: devEnvironment, ServiceVersion: defaultServiceVersion, Catalogue: true}}
	name, err := oneEnv(c)
	if name == "" { // so it is after an error
		return o, err
	}
	if err := cfg.isConfigured(name); err != nil {
		return o, err
	}
	if o.Environment, err = cfg.buildEnvironment(name); err != nil {
		return o, err
	}
	o.Environment.Cache = layout.CachePolicy{} // what is kept is not what was saved
	return o, nil
}

// devTeller says in the terminal what has become of a change.
type devTeller struct {
	c     *cli.Context
	bar   *progress
	first func()
	shown map[string]bool
}

func (t *devTeller) tell(s dev.State) {
	t.bar.finish()
	w := t.c.App.ErrWriter
	if t.first != nil {
		t.first()
		t.first = nil
	}
	now := time.Now().Format("15:04:05")
	switch {
	case s.Failure != "":
		fmt.Fprintf(w, "%s not built, the registry stays as it was: %s\n", now, clean(s.Failure))
	case len(s.Changed) == 0 && s.Generation > 1:
	default:
		fmt.Fprintf(w, "%s %s in %.0f ms; %s\n", now, changedText(s), s.Seconds*1000, plural(s.Packages, "package version"))
	}
	// What was said before need not be said again.
	var fresh []finding
	shown := map[string]bool{}
	for _, f := range findings(s.Errors) {
		shown[f.String()] = true
		if !t.shown[f.String()] {
			fresh = append(fresh, f)
		}
	}
	if len(t.shown) > 0 && len(shown) == 0 && s.Failure == "" {
		fmt.Fprintf(w, "%s all packages are valid\n", now)
	}
	t.shown = shown
	printGroups(w, errorScreenOf(t.c), fresh, nil)
	if len(fresh) > 0 {
		if len(s.Kept) > 0 {
			fmt.Fprintf(w, "shown as before the change: %s\n", strings.Join(s.Kept, ", "))
		}
		if len(s.Missing) > 0 {
			fmt.Fprintf(w, "not shown: %s\n", strings.Join(s.Missing, ", "))
		}
	}
}

// changedText lists what has changed, if that is not too much.
func changedText(s dev.State) string {
	const most = 3
	switch n := len(s.Changed); {
	case s.Generation == 1:
		return plural(s.Own, "version") + " built"
	case n <= most:
		return strings.Join(s.Changed, ", ") + " rebuilt"
	default:
		return plural(n, "version") + " rebuilt"
	}
}

// greetDev says where the registry is, and what Kibana has to be told.
func greetDev(c *cli.Context, o dev.Options, l net.Listener, h dev.HandlerOptions, certificate *tls.Certificate) {
	w := c.App.ErrWriter
	scheme := "http"
	if certificate != nil {
		scheme = "https"
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	url := scheme + "://" + net.JoinHostPort("localhost", port)
	fmt.Fprintf(w, "serving on %s; Ctrl-C stops\n", l.Addr())
	if o.Environment.Catalogue {
		fmt.Fprintf(w, "  catalogue  %s/catalog/\n", url)
	}
	fmt.Fprintf(w, "  findings   %s%s\n", url, dev.FindingsPath)
	fmt.Fprintf(w, "  kibana.yml xpack.fleet.registryUrl: %s\n", url)
	for _, name := range h.Hosts {
		fmt.Fprintf(w, "             xpack.fleet.registryUrl: %s://%s\n", scheme, net.JoinHostPort(name, port))
	}
	if certificate != nil {
		fmt.Fprintf(w, "  certificate %s%s, SHA-256 %x; clients trust it by NODE_EXTRA_CA_CERTS\n", url, dev.CertificatePath, sha256.Sum256(certificate.Certificate[0]))
	}
	if h.Beyond {
		fmt.Fprintln(w, "warning: other machines can connect")
	}
	if c.Bool("open") && o.Environment.Catalogue {
		if err := openBrowser(url + "/catalog/"); err != nil {
			fmt.Fprintf(w, "no browser could be opened: %v\n", err)
		}
	}
}

// openBrowser has the desktop open a page.
func openBrowser(url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }()
	return nil
}
