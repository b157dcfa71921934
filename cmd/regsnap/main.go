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

// Exit codes; exitCodes says what they mean.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInvalid     = 3
	exitOlder       = 4
	exitConflict    = 5
	exitBusy        = 6
	exitDamaged     = 7
	exitHook        = 8
	exitDifferent   = 9
	exitDiverged    = 10
	exitUnordered   = 11
	exitNewer       = 12
	exitUnfit       = 13
	exitRender      = 14
	exitLagging     = 15
	exitInterrupted = 130 // as shells count Ctrl-C
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
	forgetEmpty(allFlags(app.Commands))
	if last := len(args) - 1; last > 0 && args[last] == completionFlag {
		complete(ctx, app, args[1:last], stdout)
		return 0
	}
	arranged, notices := arrange(app, args)
	ch := choicesOf(arranged)
	out, errs := screenFor(stdout, ch.colour), screenFor(stderr, ch.colour)
	app.Metadata = map[string]any{screenKey: out, errorScreenKey: errs}
	if out.width > 0 && !ch.json {
		w := &wrapped{to: stdout, width: out.width}
		defer w.flush()
		app.Writer = w
	}
	if errs.width > 0 && !ch.json {
		w := &wrapped{to: stderr, width: errs.width}
		defer w.flush()
		app.ErrWriter = w
	}
	for _, notice := range notices {
		fmt.Fprintf(app.ErrWriter, "regsnap: %s\n", notice)
	}
	t := &teller{w: app.ErrWriter, verbose: ch.verbose}
	ctx = store.WithWaiting(store.WithNotices(ctx, t.tell), func(who string) {
		fmt.Fprintf(app.ErrWriter, "waiting: %s is writing to the bucket's folder\n", clean(who))
	})
	err := app.RunContext(ctx, arranged)
	if err == nil {
		return 0
	}
	return report(ctx, err, app.ErrWriter, ch, errs)
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
	case errors.Is(err, errRender):
		return exitRender
	case errors.Is(err, errUnfit):
		return exitUnfit
	case errors.Is(err, errLagging):
		return exitLagging
	case errors.Is(err, errDifferent):
		return exitDifferent
	case errors.Is(err, publish.ErrHook), errors.Is(err, errIndex):
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

// forgetEmpty takes variables of flags that have no value for what they are in most CI
// systems: variables that are not set. The library would take the first that is there,
// in place of the next one or of the default.
func forgetEmpty(flags []cli.Flag) {
	for _, f := range flags {
		if d, ok := f.(cli.DocGenerationFlag); ok {
			for _, name := range d.GetEnvVars() {
				if os.Getenv(name) == "" {
					_ = os.Unsetenv(name) // that fails for no name of ours
				}
			}
		}
	}
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
		Version:        version(),
		HideVersion:    true,
		Writer:         stdout,
		ErrWriter:      stderr,
		ExitErrHandler: func(*cli.Context, error) {}, // run decides
		Flags:          []cli.Flag{cli.HelpFlag},     // the library adds it only with a help command of its own
		OnUsageError:   onUsageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usagef("there is no command %q%s; regsnap --help lists them", c.Args().First(), didYouMean(c.Args().First(), commandNames(c.App.Commands)))
			}
			return cli.ShowAppHelp(c)
		},
		Commands: []*cli.Command{
			buildCommand(), publishCommand(), serveCommand(), inspectCommand(),
			statusCommand(), historyCommand(), findCommand(), diffCommand(), tagCommand(), rollbackCommand(), recoverCommand(), pinCommand(), unpinCommand(), verifyCommand(), pruneCommand(), doctorCommand(),
			devCommand(), lintCommand(), auditCommand(), addCommand(), previewCommand(), promoteCommand(), boardCommand(),
			edgeCommand(), checkCommand(), imageCommand(), healthCommand(), exportCommand(), mirrorCommand(), importCommand(),
			initCommand(), versionCommand(), completionCommand(), manCommand(), helpCommand(),
		},
	}
	withCommon(app.Commands)
	return app
}
