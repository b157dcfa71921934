package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
)

// hook is an entry of after_publish: a command or a webhook.
type hook struct {
	Command []string `yaml:"command"`
	Webhook string   `yaml:"webhook"`
	// SecretEnv names the environment variable with the key that signs what is
	// posted. A secret has no place in a configuration.
	SecretEnv string    `yaml:"secret_env"`
	Timeout   *duration `yaml:"timeout"`
}

func (h hook) validate() error {
	switch {
	case (len(h.Command) > 0) == (h.Webhook != ""):
		return errors.New("want either command: [PROGRAM, ARGUMENT…] or webhook: URL")
	case len(h.Command) > 0 && h.Command[0] == "":
		return errors.New("command: the program has no name")
	case len(h.Command) > 0 && h.SecretEnv != "":
		return errors.New("secret_env: only what is posted to a webhook is signed")
	case h.Timeout != nil && *h.Timeout == 0:
		return errors.New("timeout: want a time such as 10s")
	}
	if h.Webhook == "" {
		return nil
	}
	u, err := url.Parse(h.Webhook)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("webhook: want a URL that begins with https:// or http://")
	}
	return nil
}

// afterPublish has the index of an environment follow its pointer, and tells its
// hooks that another snapshot is live.
// What fails there is reported, and does not undo anything.
func afterPublish(c *cli.Context, cfg config, bucket *publish.Bucket, m *publish.Moved, ahead *storagev2.Ahead) error {
	sayUnrecorded(c.App.ErrWriter, m)
	return errors.Join(followIndex(c, cfg, bucket, m, ahead), tellHooks(c, cfg, bucket, m))
}

func tellHooks(c *cli.Context, cfg config, bucket *publish.Bucket, m *publish.Moved) error {
	configured := cfg.Environments[m.Environment].AfterPublish
	if !m.Changed || len(configured) == 0 || c.Bool("dry-run") {
		return nil
	}
	var hooks []publish.Hook
	var failed error
	for i, h := range configured {
		x := publish.Hook{Command: h.Command, Webhook: h.Webhook}
		if h.Timeout != nil {
			x.Timeout = time.Duration(*h.Timeout)
		}
		if h.SecretEnv != "" {
			if x.Secret = os.Getenv(h.SecretEnv); x.Secret == "" {
				failed = errors.Join(failed, fmt.Errorf("%w hook %d of %s: the environment variable %s, which is to sign what is posted, is empty",
					publish.ErrHook, i+1, m.Environment, h.SecretEnv))
				continue
			}
		}
		hooks = append(hooks, x)
	}
	event, err := bucket.NewHookEvent(c.Context, m)
	if err != nil {
		return fmt.Errorf("%w: %w", publish.ErrHook, err)
	}
	return errors.Join(failed, publish.RunHooks(c.Context, hooks, event, c.App.ErrWriter))
}
