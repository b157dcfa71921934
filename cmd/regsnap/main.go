// Command regsnap turns the branches of a package storage repository into
// immutable snapshots of a package registry in an object store.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/index/upstream"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/store"
)

// Exit codes, as docs/commands.md lists them.
const (
	exitFailure     = 1   // the store, the repository or the network failed
	exitUsage       = 2   // the command line or the configuration is wrong
	exitInvalid     = 3   // packages are broken, not signed as they must be, or against a branch's rules; the report says which
	exitOlder       = 4   // a snapshot that comes from this one is live already, or has the image's tag
	exitConflict    = 5   // somebody else published, rolled back, pruned or pushed meanwhile: run again
	exitBusy        = 6   // prune found a build or another prune at work, and deleted nothing
	exitDamaged     = 7   // an object of the bucket is damaged or missing
	exitHook        = 8   // it is live, but a command or webhook of after_publish failed
	exitDifferent   = 9   // check found a registry that does not answer as the bucket does
	exitDiverged    = 10  // neither this snapshot nor the live one comes from the other, as after a force push
	exitUnordered   = 11  // how this snapshot stands to the live one could not be determined
	exitNewer       = 12  // something in the bucket was written by a newer regsnap: upgrade this one
	exitInterrupted = 130 // Ctrl-C, as shells count it
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args, os.Stdout, os.Stderr))
}

// run is the program without its process: what the tests call.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	app := newApp(stdout, stderr)
	arranged, notices := arrange(app, args)
	for _, notice := range notices {
		fmt.Fprintf(stderr, "regsnap: %s\n", notice)
	}
	err := app.RunContext(ctx, arranged)
	if err == nil {
		return 0
	}
	code := exitCode(ctx, err)
	if !errors.Is(err, errReported) {
		for line := range strings.SplitSeq(err.Error(), "\n") { // joined errors have a line each
			fmt.Fprintf(stderr, "regsnap: %s\n", clean(line))
		}
		if code == exitInterrupted {
			fmt.Fprintln(stderr, "regsnap: stopped; nothing that is live has changed, and running again continues")
		}
	}
	return code
}

// errReported marks an error whose text the user has seen already.
var errReported = errors.New("reported")

// usageError is a mistake in flags, arguments or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, build.ErrInvalid), errors.Is(err, promote.ErrRefused), errors.Is(err, upstream.ErrUnsigned):
		return exitInvalid
	case errors.Is(err, publish.ErrOlder), errors.Is(err, image.ErrOlder):
		return exitOlder
	case errors.Is(err, publish.ErrDiverged):
		return exitDiverged
	case errors.Is(err, publish.ErrUnordered):
		return exitUnordered
	case errors.Is(err, store.ErrConflict), errors.Is(err, publish.ErrPruned), errors.Is(err, promote.ErrConflict):
		return exitConflict
	case errors.Is(err, layout.ErrNewer), errors.Is(err, layout.ErrOutdated):
		return exitNewer
	case errors.Is(err, errDamaged), errors.Is(err, publish.ErrDamaged):
		return exitDamaged
	case errors.Is(err, errDifferent):
		return exitDifferent
	case errors.Is(err, publish.ErrHook):
		return exitHook
	case errors.Is(err, publish.ErrBusy):
		return exitBusy
	case ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailure
}

// onUsageError says where to look; the library would print all of it.
func onUsageError(c *cli.Context, err error, _ bool) error {
	help := "regsnap --help"
	if c.Command.Name != c.App.Name {
		help = c.Command.HelpName + " --help" // with the names of those above it
	}
	if name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); unknown {
		flag := "--" + strings.TrimLeft(name, "-")
		return usagef("there is no flag %s%s; see %s", flag, didYouMean(flag, flagNames(c.Command.Flags)), help)
	}
	return usagef("%w; see %s", err, help)
}

func newApp(stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "regsnap",
		Usage: "a package registry as immutable snapshots in object storage",
		Description: `regsnap reads the branches of a package storage, renders every answer of the
registry API, and keeps them as snapshots in a bucket (file://, s3://, gs://).
Going live, and going back, is moving one pointer.

   regsnap build --source git:. --bucket file:///srv/registry --publish
   regsnap serve --bucket file:///srv/registry --env production

Settings that would be repeated live in regsnap.yml; flags win over it.`,
		Version:              version(),
		HideVersion:          true,
		Writer:               stdout,
		ErrWriter:            stderr,
		EnableBashCompletion: true,
		ExitErrHandler:       func(*cli.Context, error) {}, // run decides
		OnUsageError:         onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("there is no command %q%s; regsnap --help lists them", c.Args().First(), didYouMean(c.Args().First(), commandNames(c.App.Commands)))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			buildCommand(), publishCommand(), serveCommand(), inspectCommand(),
			statusCommand(), historyCommand(), diffCommand(), rollbackCommand(), pinCommand(), unpinCommand(), verifyCommand(), pruneCommand(),
			lintCommand(), auditCommand(), promoteCommand(), boardCommand(),
			edgeCommand(), checkCommand(), imageCommand(), healthCommand(), exportCommand(), mirrorCommand(), importCommand(),
			versionCommand(), completionCommand(),
		},
	}
	withCommon(app.Commands)
	return app
}
