package main

import (
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// The flags that several commands have. A flag means the same wherever it is,
// which TestVocabulary holds: what differs comes behind a bracket or semicolon.

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Usage: "read settings from `FILE` (git:REF:PATH is a file of a commit, such as git:origin/production:regsnap.yml; default: regsnap.yml, if it exists)", EnvVars: []string{"REGSNAP_CONFIG"}}
}

func bucketFlag() cli.Flag {
	return &cli.StringFlag{Name: "bucket", Usage: "the bucket's `URL` (file:///dir, s3://name?region=…, gs://name)", EnvVars: []string{"REGSNAP_BUCKET"}}
}

func sourceFlag() cli.Flag {
	return &cli.StringFlag{Name: "source", Usage: "read branches from `SOURCE` (git:PATH, a repository, bare or not; dir:PATH, a folder for each branch; or dir:BRANCH=PATH,BRANCH=PATH)", EnvVars: []string{"REGSNAP_SOURCE"}}
}

// envFlag is --env where a command is about one environment; oneEnv reads it.
func envFlag(more ...string) cli.Flag { return environmentFlag(more) }

// envsFlag is --env where a command takes several.
func envsFlag(byDefault string) cli.Flag {
	return environmentFlag([]string{"(repeat for several; default: " + byDefault + ")"})
}

func environmentFlag(more []string) cli.Flag {
	return &cli.StringSliceFlag{Name: "env", Usage: usage("the environment `NAME`", more)}
}

// usage is the meaning of a flag, and what is special to a command behind it.
func usage(meaning string, more []string) string {
	return strings.Join(append([]string{meaning}, more...), " ")
}

func snapshotFlag(byDefault string) cli.Flag {
	return &cli.StringFlag{Name: "snapshot", Usage: "the `SNAPSHOT` to use (an id or its first characters, a tag, live, previous, @{N} for what was live N moves ago, or BRANCH@COMMIT; default: " + byDefault + ")"}
}

func jsonFlag() cli.Flag {
	return &cli.BoolFlag{Name: "json", Usage: "print the result as JSON on standard output (and an error as JSON on standard error)"}
}

func byFlag() cli.Flag {
	return &cli.StringFlag{Name: "by", Usage: "`NAME` recorded with the change, else the account that runs the command", EnvVars: []string{"REGSNAP_BY", "GITHUB_ACTOR", "BUILDKITE_BUILD_CREATOR", "GITLAB_USER_LOGIN", "USER", "USERNAME"}}
}

func reasonFlag() cli.Flag {
	return &cli.StringFlag{Name: "reason", Aliases: []string{"m"}, Usage: "`REASON` recorded with the change"}
}

func dryRunFlag(more ...string) cli.Flag {
	return &cli.BoolFlag{Name: "dry-run", Aliases: []string{"n"}, Usage: usage("show what would change, change nothing", more)}
}

func publishFlag(more ...string) cli.Flag {
	return &cli.BoolFlag{Name: "publish", Usage: usage("make the new snapshots live", more)}
}

func allowOlderFlag(more ...string) cli.Flag {
	return &cli.BoolFlag{Name: "allow-older", Usage: usage("go back to older or diverged commits if that is what was asked for", more)}
}

func parallelFlag(value int, byDefault string) cli.Flag {
	f := &cli.IntFlag{Name: "parallel", Usage: "work on `N` objects or requests at once", Value: value}
	if byDefault != "" {
		f.Usage += " (default: " + byDefault + ")"
	}
	return f
}

// storeParallel is what --parallel is by default where it is about a store.
const storeParallel = "128 in the cloud, by cores on disk"

func rateFlag(value float64) cli.Flag {
	return &cli.Float64Flag{Name: "max-rate", Usage: "send at most `N` requests a second", Value: value}
}

func sampleFlag(value string, more ...string) cli.Flag {
	return &cli.StringFlag{Name: "sample", Usage: usage("check only a `SHARE` such as 5%", more), Value: value}
}

func seedFlag(value uint64, more ...string) cli.Flag {
	return &cli.Uint64Flag{Name: "seed", Usage: usage("choose the sample by `N`", more), Value: value}
}

func resumeFlag() cli.Flag {
	return &cli.StringFlag{Name: "resume", Usage: "keep progress in `FILE` and resume an interrupted run from it", TakesFile: true}
}

func allFlag(more ...string) cli.Flag {
	return &cli.BoolFlag{Name: "all", Usage: usage("list everything, not only the first of each kind", more)}
}

func branchFlag(more ...string) cli.Flag {
	return &cli.StringFlag{Name: "branch", Usage: usage("the branch `NAME`", more)}
}

func listenFlag(value string, more ...string) cli.Flag {
	return &cli.StringFlag{Name: "listen", Usage: usage("the address of the server, `HOST:PORT`", more), Value: value, EnvVars: []string{"REGSNAP_LISTEN"}}
}

func annotationsFlag() cli.Flag {
	return &cli.BoolFlag{Name: "annotations", Usage: "print findings as GitHub Actions annotations too", EnvVars: []string{"GITHUB_ACTIONS"}}
}

func hostFlag() cli.Flag {
	return &cli.StringFlag{Name: "host", Usage: "ask for this `HOST` in the Host header and in TLS, wherever the URL leads"}
}

func lookEveryFlag(value time.Duration, more string) cli.Flag {
	return timeFlag("look-every", strings.TrimSpace(usage("look for changes every `TIME`", []string{more})), value)
}

func timeoutFlag(value time.Duration, when string) cli.Flag {
	return timeFlag("timeout", "give up after `TIME` ("+when+")", value)
}

func timeFlag(name, usage string, value time.Duration) cli.Flag {
	v := timeValue(value)
	return &cli.GenericFlag{Name: name, Usage: usage, Value: &v}
}

// commonFlags are those of every command.
func commonFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "show no progress"},
		&cli.BoolFlag{Name: "verbose", Aliases: []string{"v"}, Usage: "show every request to a store, and what stores say of errors"},
		&cli.StringFlag{Name: "color", Usage: "`WHEN` to use colour (auto, always or never; NO_COLOR is honoured)", Value: "auto"},
	}
}

// withCommon adds the flags of every command to those that do something.
func withCommon(commands []*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.OnUsageError = onUsageError // it is not inherited
		if withCommon(c.Subcommands); len(c.Subcommands) > 0 {
			continue
		}
		c.Before = checkCommon
		for _, f := range commonFlags() {
			if !hasFlag(c, f.Names()[0]) {
				c.Flags = append(c.Flags, f)
			}
		}
	}
	return commands
}

func checkCommon(c *cli.Context) error {
	if v := c.String("color"); v != "" && !slices.Contains(enumerated["color"], v) {
		return usagef("--color %q: want auto, always or never", v)
	}
	return nil
}

func hasFlag(c *cli.Command, name string) bool {
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			if n == name {
				return true
			}
		}
	}
	return false
}

// oneEnv is --env where a command is about one environment; "" if it is missing.
func oneEnv(c *cli.Context) (string, error) {
	names := c.StringSlice("env")
	switch len(names) {
	case 0:
		return "", nil
	case 1:
		return names[0], nil
	}
	return "", usagef("--env %s: %s takes one environment", strings.Join(names, " --env "), c.Command.HelpName)
}

// snapshotArgument is the snapshot that a command names by its argument or by
// --snapshot; "" if by neither.
func snapshotArgument(c *cli.Context) (string, error) {
	switch named := c.String("snapshot"); {
	case c.Args().Len() > 1:
		return "", usagef("%s takes one snapshot, not %d", c.Command.HelpName, c.Args().Len())
	case c.Args().Len() == 1 && named != "" && named != c.Args().First():
		return "", usagef("%s or --snapshot %s? %s takes one snapshot", c.Args().First(), named, c.Command.HelpName)
	case named != "":
		return named, nil
	}
	return c.Args().First(), nil
}
