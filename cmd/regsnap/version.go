package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/commit"
	"github.com/regsnap/regsnap/layout"
)

// release is set by the linker for releases: -ldflags "-X main.release=v1.2.3".
var release string

// development is the version of a build that is no release.
const development = "main"

// version is the release this program was built as, or "main". It stands in
// manifests, so it must be the same for everybody who builds the same release.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		return releaseOf(info.Main.Version)
	}
	return development
}

var (
	releasePattern = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	// pseudoPattern is how the go command calls a commit that has no tag.
	// Source: https://go.dev/ref/mod#pseudo-versions
	pseudoPattern = regexp.MustCompile(`[-.]\d{14}-[0-9a-f]{12}$`)
)

// releaseOf is the release that the go command noted for a program, as "go
// install …@v1.2.3" does; "main" if it noted a commit, or nothing.
func releaseOf(noted string) string {
	if releasePattern.MatchString(noted) && !pseudoPattern.MatchString(noted) {
		return noted
	}
	return development
}

// versionInfo is what `regsnap version --json` prints.
type versionInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Render   int    `json:"render_version"`
	Manifest int    `json:"manifest_format"`
	Routes   int    `json:"routes_format"`
}

func versionCommand() *cli.Command {
	return &cli.Command{
		Name:     "version",
		Category: groupHelp,
		Usage:    "print the version, and the formats that it reads and writes",
		Flags:    []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			info := versionInfo{version(), builtFrom(), runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH,
				build.RenderVersion, layout.ManifestFormat, layout.RoutesFormat}
			if c.Bool("json") {
				return printJSON(c.App.Writer, info)
			}
			fmt.Fprintf(c.App.Writer, "regsnap %s", info.Version)
			if info.Commit != "" {
				fmt.Fprintf(c.App.Writer, " (commit %s)", info.Commit)
			}
			fmt.Fprintf(c.App.Writer, "\n%s %s\nrender version %d, manifest format %d, routes format %d\n",
				info.Go, info.Platform, info.Render, info.Manifest, info.Routes)
			return nil
		},
	}
}

// builtFrom is the commit of this program; empty when it is not known.
func builtFrom() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commit.Of(info)
}

func printJSON(w interface{ Write([]byte) (int, error) }, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
