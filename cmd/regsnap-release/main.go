// Command regsnap-release makes what a release of regsnap publishes: programs for
// each platform, archives, Debian and RPM packages, a container image, a bill of
// materials, checksums and their signature. The same commit, version and Go
// toolchain give the same bytes on every machine and day.
//
// `make release VERSION=v1.2.3` runs it from the folder of the module.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// platforms are those that a release is for.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/amd64", "darwin/arm64", "windows/amd64", "windows/arm64"}

// versionPattern is what go install accepts as the version of a module.
var versionPattern = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// release says what is made.
type release struct {
	version   string    // with its v
	platforms []string  // GOOS/GOARCH
	module    string    // the folder of the module
	program   string    // the package of the program
	out       string    // the folder that gets the files
	work      string    // a temporary folder
	time      time.Time // what files and packages say that they are of
	key       string    // the file of the OpenPGP key; none: not signed
	log       io.Writer
	programs  map[string]built // those that are made, by platform
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "regsnap-release: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, log io.Writer) (err error) {
	flags := flag.NewFlagSet("regsnap-release", flag.ContinueOnError)
	r := release{log: log, programs: map[string]built{}, key: os.Getenv("RELEASE_KEY")}
	flags.StringVar(&r.version, "version", "", "the `VERSION`, such as v1.2.3")
	flags.StringVar(&r.out, "out", "dist", "write to `DIR`, which must be new or empty")
	flags.StringVar(&r.module, "module", ".", "the `DIR` of the module")
	flags.StringVar(&r.program, "package", "./cmd/regsnap", "the program is this `PACKAGE` of the module")
	list := flags.String("platforms", strings.Join(platforms, ","), "make programs for these `PLATFORMS`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !versionPattern.MatchString(r.version) {
		return fmt.Errorf("-version %q: want a version such as v1.2.3", r.version)
	}
	r.platforms = strings.Split(*list, ",")
	if r.time, err = sourceTime(ctx, r.module); err != nil {
		return err
	}
	if entries, err := os.ReadDir(r.out); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s has files: remove it, or give another -out", r.out)
	}
	if err := os.MkdirAll(r.out, 0o777); err != nil {
		return err
	}
	if r.work, err = os.MkdirTemp("", "regsnap-release-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(r.work)) }()
	return r.make(ctx)
}

// sourceTime is SOURCE_DATE_EPOCH, or else the time of the commit: nothing in a
// release may depend on when it was made.
// Source: https://reproducible-builds.org/specs/source-date-epoch/
func sourceTime(ctx context.Context, module string) (time.Time, error) {
	text := os.Getenv("SOURCE_DATE_EPOCH")
	if text == "" {
		out, err := output(ctx, module, nil, "git", "log", "-1", "--format=%ct")
		if err != nil {
			return time.Time{}, fmt.Errorf("which time are the files of? Set SOURCE_DATE_EPOCH, or run in a clone: %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

func (r *release) make(ctx context.Context) error {
	r.say("%s, of %s", r.version, r.time.Format(time.DateOnly))
	shared, err := r.sharedFiles(ctx)
	if err != nil {
		return err
	}
	var linux []built
	for _, platform := range r.platforms {
		began := time.Now()
		b, err := r.build(ctx, platform)
		if err != nil {
			return err
		}
		if err := errors.Join(r.archive(b, shared), r.materials(b)); err != nil {
			return err
		}
		if b.os == "linux" {
			linux = append(linux, b)
			if err := r.packages(ctx, b, shared); err != nil {
				return err
			}
		}
		r.say("%s in %s", platform, time.Since(began).Round(100*time.Millisecond))
	}
	if len(linux) > 0 {
		if err := r.image(ctx, linux); err != nil {
			return err
		}
		r.say("container image")
	}
	return r.sums()
}

func (r *release) say(format string, args ...any) { fmt.Fprintf(r.log, format+"\n", args...) }

// number is the version without its v, as packages and files have it.
func (r *release) number() string { return strings.TrimPrefix(r.version, "v") }

// outFile is the path of a file of the release.
func (r *release) outFile(format string, args ...any) string {
	return filepath.Join(r.out, fmt.Sprintf(format, args...))
}

// native is the platform that this program runs on.
func native() string { return runtime.GOOS + "/" + runtime.GOARCH }
