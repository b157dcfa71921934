package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/serve"
)

// healthTimeout is how long a server that is well may take to say so.
const healthTimeout = 2 * time.Second

func healthCommand() *cli.Command {
	return &cli.Command{
		Name:     "health",
		Category: groupServe,
		Usage:    "check that a server on this machine is healthy",
		Description: `Asks regsnap serve for /health and fails (exit code 1) unless it answers 200: it is up,
and has a snapshot to answer from. Images, which have no shell, use it as their health
check. The port is the one of REGSNAP_LISTEN, unless --url says otherwise.

   regsnap health
   regsnap health --url http://localhost:8080/registry/health`,
		Flags: []cli.Flag{
			listenFlag(serve.DefaultListen),
			&cli.StringFlag{Name: "url", Usage: "ask this `URL` instead"},
		},
		Action: runHealth,
	}
}

func runHealth(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	url := c.String("url")
	if url == "" {
		var err error
		if url, err = healthURL(c.String("listen")); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(c.Context, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usageError{err}
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		reason, _ := io.ReadAll(io.LimitReader(answer.Body, 200)) // the status says enough
		return fmt.Errorf("%s: %s: %s", url, answer.Status, strings.TrimSpace(string(reason)))
	}
	return nil
}

// healthURL is where a server that listens on an address is asked. One that listens
// on every address is asked on the loopback interface, by its number: an image has
// no file that says what localhost is.
func healthURL(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", usagef("--listen %q: want HOST:PORT", listen)
	}
	switch ip := net.ParseIP(host); {
	case host == "" || ip.Equal(net.IPv4zero):
		host = "127.0.0.1"
	case ip.Equal(net.IPv6unspecified):
		host = "::1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/health", nil
}
