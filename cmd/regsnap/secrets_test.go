package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/internal/testtools"
)

// urlsWithSecrets are the ways to write a secret into a URL, for servers that
// refuse the connection.
var urlsWithSecrets = []string{
	"https://user:hunter2@127.0.0.1:1/x",
	"git:https://x-access-token:hunter2@127.0.0.1:1/x.git",
	"s3://bucket?region=r&endpoint=http://user:hunter2@127.0.0.1:1",
	"s3://bucket?region=r&endpoint=http%3A%2F%2Fuser%3Ahunter2%40127.0.0.1%3A1",
	"gs://user:hunter2@bucket",
	"https://127.0.0.1:1/x?X-Amz-Signature=hunter2&access_token=hunter2",
	"https://user:hunter2@127.0.0.1:1/%zz",
	"user:hunter2@127.0.0.1:storage.git",
	"file:///nowhere?password=hunter2",
}

// TestSecretsOfURLs gives every value and argument of every command a URL with a
// secret in it: no message shows the secret, as text or as JSON, brief or verbose.
func TestSecretsOfURLs(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	likely := map[string]string{
		"bucket": "file://" + t.TempDir(), "env": "production", "source": "dir:production=" + t.TempDir(),
		"listen": "127.0.0.1:0", "from": "staging", "to": "production",
	}
	var runs errgroup.Group
	runs.SetLimit(8)
	tried := 0
	try := func(args []string) {
		tried++
		runs.Go(func() error {
			// What would serve or wait ends; what it said until then counts.
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			var out bytes.Buffer
			run(ctx, append([]string{"regsnap"}, args...), &out, &out)
			if strings.Contains(out.String(), "hunter2") {
				t.Errorf("regsnap %q shows it: %s", args, out.String())
			}
			return nil
		})
	}
	for _, l := range leaves(newApp(io.Discard, io.Discard).Commands, nil) {
		// with is the command with a URL in one of its places.
		with := func(flag string, place int, url string) []string {
			args := append([]string{}, l.path...)
			for name, value := range likely {
				if name != flag && hasFlag(l.command, name) {
					args = append(args, "--"+name+"="+value)
				}
			}
			if flag != "" {
				args = append(args, "--"+flag+"="+url)
			}
			if l.command.ArgsUsage != "" {
				given := []string{"web-1.0.0", "web-1.1.0"}
				if place >= 0 {
					given[place] = url
				}
				args = append(args, given...)
			}
			return args
		}
		for n, url := range urlsWithSecrets {
			mine := 0
			try := func(args []string) {
				// Quickly: a third, so that each URL meets every command, and each flag three URLs.
				if mine++; testtools.Thorough || (mine+n)%3 == 0 {
					try(args)
				}
			}
			also := []string{"--json", "--verbose"}[n%2]
			if !hasFlag(l.command, also[2:]) {
				also = "--quiet"
			}
			for _, f := range l.command.Flags {
				if _, isSwitch := f.(*cli.BoolFlag); !isSwitch {
					try(append(with(f.Names()[0], -1, url), also))
				}
			}
			if l.command.ArgsUsage != "" {
				try(append(with("", 0, url), also))
				try(append(with("", 1, url), also))
			}
		}
	}
	if err := runs.Wait(); err != nil {
		t.Error(err)
	}
	if tried < testtools.Choose(200, 500) {
		t.Error(fmt.Sprint("only ", tried, " calls"))
	}
}
